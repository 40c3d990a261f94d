"""Checks for lesson 11: what a denoiser is trained on, area under the ROC curve, bits per image."""

import math
from collections.abc import Callable

import torch
from sklearn.metrics import average_precision_score, roc_curve
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.exercises.answers import Mistake, call_unchanged, check, explain, near, number

# -------------------------------------------------------------------------------- noisy and clean


class _Witness(nn.Module):
    """A stand-in for a network, which keeps what it was asked and what it answered."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.4))
        self.seen, self.answers = [], []

    def forward(self, images: Tensor) -> Tensor:
        answer = self.weight * images.flip(3) - 0.2  # below 0 where it is black, above 1 for white
        self.seen.append(images.detach().clone())
        self.answers.append(answer.detach())
        return answer


def _ask(answer: Callable, batch: Tensor, sigma: float) -> tuple[float, Tensor, Tensor]:
    """Loss, what the network was given, and what it answered."""
    model = _Witness()
    into_batch = (
        "+=, add_ or clamp_, and puts the noise into the batch itself, which is the target, too, "
        "and a part of the training images: compute a new tensor."
    )
    found = call_unchanged(into_batch, answer, model, batch, sigma)
    shapes = {
        tuple(batch.shape): "That is an error for each pixel: average over all of them.",
        tuple(batch.shape[:1]): "That is an error for each image: average over all of them.",
    }
    loss = number(found, "one number, the mean squared error", shapes)
    if not model.seen:
        raise Mistake("The network is never asked: call model(…) on the noisy images.")
    if len(model.seen) > 1:
        raise Mistake(
            f"The network is asked {len(model.seen)} times; once is enough, with the noisy images. "
            "The target is the clean batch itself, not what the network makes of it."
        )
    seen = model.seen[0]
    if seen.shape != batch.shape:
        raise Mistake(
            f"The network is given {tuple(seen.shape)}; the batch has {tuple(batch.shape)}."
        )
    if seen.dtype != batch.dtype:
        raise Mistake(
            f"The network is given {seen.dtype}, which its layers refuse: their weights are "
            f"{batch.dtype}. NumPy's noise is float64: .float()."
        )
    if model.weight.grad is not None:
        raise Mistake(
            "You call backward() yourself. The training loop does so with what you return, and a "
            "second time is an error: return the loss, no more."
        )
    return loss, seen, model.answers[0]


@check
def denoising_loss(answer) -> str:
    """``answer(model, batch, sigma)`` → the MSE between the answer to noisy images and the batch.

    Noisy is ``(batch + sigma · ε).clamp(0, 1)``: pixels outside [0, 1] don't occur in images.
    """
    generator = torch.Generator().manual_seed(97_531)  # noise of the same seed would follow it
    # Grey, so that weak noise isn't clamped and can be measured; then black and white.
    grey = 0.4 + 0.2 * torch.rand(64, 1, 12, 12, generator=generator)
    sharp = (torch.rand(64, 1, 12, 12, generator=generator) < 0.3).float()
    sigma = 0.08
    torch.manual_seed(7)
    loss, seen, output = _ask(answer, grey, sigma)
    _refuse_noise(loss, seen, output, grey, sigma)
    _refuse_target(loss, seen, output, grey, sigma)
    if torch.equal(seen, _ask(answer, grey, sigma)[1]):
        raise Mistake(
            "Two calls add the same noise: seed nothing in your function. A network that always "
            "sees the same noise can learn it by heart."
        )
    half = (_ask(answer, grey, sigma / 2)[1] - grey).std().item()
    if abs(half / (sigma / 2) - 1) > 0.1:
        raise Mistake(f"Right for sigma = {sigma}, but not for half of it: use sigma.")
    loss, seen, output = _ask(answer, sharp, 0.5)
    if seen.min() < 0 or seen.max() > 1:
        raise Mistake(
            f"The network is given pixels from {seen.min():.1f} to {seen.max():.1f}. The noisy "
            "images that it will have to repair lie in [0, 1]: .clamp(0, 1) after the noise."
        )
    # Half of the black pixels end at 0, half of the white at 1, and 2.3% at the other border.
    ends = [[(seen[sharp == pixel] == end).float().mean() for end in (0, 1)] for pixel in (0, 1)]
    off = (torch.tensor(ends) - torch.tensor([[0.5, 0.023], [0.023, 0.5]])).abs()
    if (off > torch.tensor([[0.05, 0.012], [0.012, 0.05]])).any():  # over four deviations
        raise Mistake(
            "All pixels lie in [0, 1], but not because they were cut off: what is below 0 has to "
            "become 0, and what is above 1 has to become 1: .clamp(0, 1)."
        )
    otherwise = (
        "Right for grey images and weak noise, but not for black and white ones: the target is the "
        "batch as it is."
    )
    explain(loss, F.mse_loss(output, sharp), otherwise=otherwise)
    model = _Witness()
    found = answer(model, grey, sigma)
    learns = isinstance(found, Tensor) and found.requires_grad
    if not learns or torch.autograd.grad(found, model.weight, allow_unused=True) == (None,):
        raise Mistake(
            "The number is right, but no gradient flows back from it to the network, so nothing "
            "can be learned: is there an item, a detach, or a no_grad?"
        )
    return "Right: noisy images go in, and the answer is compared with the clean ones."


def _refuse_noise(loss: float, seen: Tensor, output: Tensor, batch: Tensor, sigma: float) -> None:
    """Refuse what the network is given, unless it is the batch and normal noise of spread sigma."""
    noise = seen - batch
    if not noise.any():
        if near(loss, F.mse_loss(output, batch)):
            raise Mistake(
                "There is no noise at all: the network is given the clean batch. That is the "
                "plain autoencoder."
            )
        raise Mistake(
            "The network is given the clean images. The noise belongs into what it is *given*, and "
            "nowhere else."
        )
    shared = {
        "All images get the same noise: draw it with torch.randn_like(batch).": noise[:1],
        "All pixels of an image get the same noise, so that it only turns brighter or darker: "
        "torch.randn_like(batch).": noise[:, :1, :1, :1],
        "All pixels of a row get the same noise, so that it makes stripes: "
        "torch.randn_like(batch).": noise[..., :1],
        "All pixels of a column get the same noise, so that it makes stripes: "
        "torch.randn_like(batch).": noise[..., :1, :],
    }
    for text, one in shared.items():
        if near(noise, one.expand_as(noise), atol=1e-6):
            raise Mistake(text)
    if noise.min() >= 0 and 0.3 < (noise == 0).float().mean() < 0.7:
        raise Mistake(
            "You clamp the noise; clamp the noisy *image*: (batch + sigma * noise).clamp(0, 1)."
        )
    alike = torch.corrcoef(torch.stack([noise.flatten(), batch.flatten()]))[0, 1]
    if alike > 0.05 and [int((seen == end).sum()) for end in (0, 1)] == [1, 1]:
        raise Mistake(
            "You stretch the noisy images to [0, 1], which changes all of their pixels; cut off "
            "what is below 0 or above 1: .clamp(0, 1)."
        )
    if noise.min() > -1e-6:
        raise Mistake(
            "Your noise only makes images brighter, as torch.rand does, or an absolute value. "
            "Normal noise is as often below 0: torch.randn_like(batch)."
        )

    def measured(noise: Tensor) -> list[float]:
        """How wide the noise is, how far off 0, and whether it grows with the image; 0 if right."""
        pairs = torch.stack([noise.abs().flatten(), batch.flatten()])
        grows = torch.corrcoef(pairs)[0, 1].item()
        return [math.log(noise.std() / sigma), (noise.mean() / noise.std()).item(), grows]

    drawn = torch.randn(batch.shape, generator=torch.Generator().manual_seed(1))
    normal = sigma * drawn
    wrong = {
        "You take the variance for the standard deviation: sigma², not sigma.": sigma * normal,
        "You take the root of sigma; it is the standard deviation already.": sigma**0.5 * drawn,
        "Your noise has the standard deviation 1: multiply it by sigma.": drawn,
        "The noise is added twice, drawn anew: √2 · sigma in all.": 2**0.5 * normal,
        "The noise is doubled.": 2 * normal,
        "The noise is halved.": normal / 2,
        "You multiply the image by noise: black stays clean. Add the noise.": normal * batch,
        "You give noise alone, the image is missing: batch + sigma · ε.": normal - batch,
        "You mix, (1 − sigma) · batch + sigma · ε; keep all of the batch.": normal - sigma * batch,
    }
    rows = [
        (measured(each), text)
        for text, other in wrong.items()
        for each in (other, (batch + other).clamp(0, 1) - batch)
    ]
    # Of 9,216 normal numbers some are always further off than two standard deviations.
    bordered = ((noise - noise.mean()).abs() < 2 * noise.std()).all()
    otherwise = (
        "Your noise isn't normal, it ends at two borders. Draw it with torch.randn_like(batch)."
        if bordered
        else f"What you add has the mean {noise.mean():.3f} and the standard deviation "
        f"{noise.std():.3f}; expected 0 and sigma = {sigma}."
    )
    explain(measured(noise), [0.0, 0.0, 0.0], rows, otherwise=otherwise, rtol=0, atol=0.06)
    if bordered:
        raise Mistake(otherwise)
    fourth = ((noise - noise.mean()) / noise.std()).pow(4).mean().item()
    if abs(fourth - 3) > 0.4:  # of so many normal numbers it is 3, give or take 0.05
        raise Mistake(
            "The mean and the standard deviation are right, but your noise isn't normal, or not on "
            "every pixel. Draw it with torch.randn_like(batch)."
        )
    for of, each in {"images": noise.flatten(1), "pixels": noise.flatten(1).T}.items():
        if torch.corrcoef(each).triu(1).abs().max() > 0.9:  # 0.6 by chance
            raise Mistake(
                f"Some {of} share their noise; draw a number for each pixel of each image: "
                "torch.randn_like(batch)."
            )


def _refuse_target(loss: float, seen: Tensor, output: Tensor, batch: Tensor, sigma: float) -> None:
    """Refuse a loss that isn't the MSE between the answer and the clean batch."""
    right = F.mse_loss(output, batch).item()
    wrong = {
        "The target is noisy: the network is asked for the noise as well. Compare its answer with "
        "the *clean* batch.": F.mse_loss(output, seen),
        "You ask for the noise, as diffusion models do, not for the clean image.": (
            F.mse_loss(output, seen - batch)
        ),
        "You compare the noisy images with the clean ones; the network's answer isn't in your "
        "loss.": F.mse_loss(seen, batch),
        "You clamp the network's answer. Where that changes it no gradient flows, so the network "
        "can't learn to come back: clamp the noisy images alone.": F.mse_loss(
            output.clamp(0, 1), batch
        ),
        "You sum over everything; the mean squared error is a mean.": right * batch.numel(),
        "You sum over the pixels; take the mean over them, too.": right * batch[0].numel(),
        "You take the root; MSE has none.": right**0.5,
        "That is the mean absolute error; square the differences.": F.l1_loss(output, batch),
        "The differences cancel: square them before the mean.": (output - batch).mean() ** 2,
        "The target has noise of its own, drawn a second time: compare with the *clean* batch.": (
            loss if abs((loss - right) / sigma**2 - 1) < 0.2 else None
        ),
    }
    otherwise = (
        "Your loss is {found}; expected {right}, the mean squared difference between what the "
        "network answers and the clean batch."
    )
    explain(loss, right, wrong, otherwise=otherwise)


# --------------------------------------------------------------------- area under the ROC curve

# With ties, at the top, too, so that every mistake gives a number of its own.
KNOWN = [0.3, 0.4, 0.55, 0.55, 0.55, 0.6, 0.6, 1.0]
UNKNOWN = [0.55, 0.6, 0.7, 0.8, 1.0]


def _wins(unknown: Tensor, known: Tensor, tie: float = 0.5) -> Tensor:
    """1 for each pair in which the unknown one scores higher, ``tie`` for equals; a matrix."""
    one, other = unknown[:, None], known[None]
    return (one > other).double() + tie * (one == other).double()


@check
def area_under_roc(answer) -> str:
    """``answer(scores, unknown)``, ``(N,)`` floats and bools → P(an unknown one scores higher)."""
    generator = torch.Generator().manual_seed(3)
    order = torch.randperm(13, generator=generator)
    scores, unknown = torch.tensor(UNKNOWN + KNOWN)[order], (torch.arange(13) < 5)[order]
    others, strange = torch.randn(30, generator=generator), torch.arange(30) % 3 == 0
    each_pair = "That is a number for each pair: take the mean over all pairs."
    shapes = {
        (5, 8): each_pair,
        (8, 5): each_pair,
        (13,): "That is a number for each image; expected one number for the detector.",
        (5,): "That is a number for each unknown one: take the mean.",
        (8,): "That is a number for each known one: take the mean.",
    }

    def area(*case) -> float:
        found = call_unchanged(
            "an in-place sort; compute new ones.",
            answer,
            *case,
            cures={"continuous": "Scikit-learn takes the truth first: roc_auc_score(unknown, …)."},
        )
        return number(found, "one number, the area", shapes)

    _refuse_area(area, (scores, unknown), (others, strange))
    otherwise = (
        "Right for one set of scores, but not for another: scores can be negative, there are other "
        "numbers of known and unknown ones, and no threshold is given."
    )
    right = _wins(others[strange], others[~strange]).mean()
    explain(area(others, strange), right, otherwise=otherwise)
    return "Right: it needs no threshold, 0.5 is guessing, and ties count one half."


def _at_a_threshold(measure: Callable) -> Callable:
    """Whether a value is this measure of the alarms at one of all thresholds."""

    def fits(value: float, scores: Tensor, unknown: Tensor) -> bool:
        alarms = [alarm for level in scores for alarm in (scores > level, scores >= level)]
        some = [alarm for alarm in alarms if alarm.any() and not alarm.all()]
        return any(near(value, measure(alarm, unknown)) for alarm in some)

    return fits


def _one_by_one(value: float, scores: Tensor, unknown: Tensor) -> bool:
    """Whether a value compares the first unknown one with the first known one, and so on."""
    wins = [_wins(scores[unknown], scores[~unknown], tie).diagonal() for tie in (0, 0.5)]
    return any(near(value, each.mean()) for each in wins)


def _refuse_area(area: Callable, case: tuple, other: tuple) -> None:
    """Refuse an area that isn't that of the scores of the first case."""
    value, (scores, unknown) = area(*case), case
    high, low = scores[unknown], scores[~unknown]
    pairs = _wins(high, low)
    right = pairs.mean().item()
    alarms, caught = map(torch.tensor, roc_curve(unknown, scores, drop_intermediate=False)[:2])

    def in_both(fits: Callable) -> Callable:
        """A wrong rule: what is found fits for both cases, so not by chance."""
        return lambda: value if all(fits(area(*each), *each) for each in (case, other)) else None

    ranks = scores.argsort().argsort() + 1.0
    wrong = {
        "Turned over: you count where the *known* one is higher. 1 − yours is right.": 1 - right,
        **{
            f"Ties count as {tie} with you: a pair of equal scores counts one half.": (
                _wins(high, low, tie).mean()
            )
            for tie in (0, 1)
        },
        **{
            f"Turned over, and ties count as {tie}: count where the *unknown* one scores higher, "
            "and one half for equals.": _wins(low, high, tie).mean()
            for tie in (0, 1)
        },
        "You leave ties out; they are pairs, too: one half each.": pairs[pairs != 0.5].mean(),
        "That is how many pairs there are; divide by the number of all pairs.": pairs.sum(),
        "That is how many pairs there are, without ties; count those one half, and divide by the "
        "number of all pairs.": (pairs == 1).sum(),
        **{
            f"You divide by {name} pairs; count only pairs of one unknown and one known.": (
                pairs.sum() / number
            )
            for name, number in {"N²": 13 * 13, "N(N − 1)/2": 13 * 12 / 2}.items()
        },
        "In per cent; expected a share, 1 for 100 %.": 100 * right,
        "Negative: the share of false alarms has to grow along the curve. Flip it.": -right,
        "That is 2 · area − 1, the Gini coefficient.": 2 * right - 1,
        "The curve lacks its first point, (0, 0): begin with a threshold above all scores.": (
            torch.trapezoid(caught[1:], alarms[1:])
        ),
        "The curve lacks its last point, (1, 1): end with a threshold below all scores.": (
            torch.trapezoid(caught[:-1], alarms[:-1])
        ),
        "That is the average precision, the area under another curve (precision over recall).": (
            average_precision_score(unknown, scores)
        ),
        "That is the largest distance between the two shares, at one threshold; asked for is the "
        "area over all thresholds.": (caught - alarms).max(),
        "That is the difference between the two means.": high.mean() - low.mean(),
        "Equal scores get different ranks from argsort; let them share the mean of their ranks.": (
            (ranks[unknown].sum() - len(high) * (len(high) + 1) / 2) / pairs.numel()
        ),
        "You pair each unknown one with a single known one, as zip does; compare it with every "
        "known one.": in_both(_one_by_one),
        "You compare the scores with a threshold first, and ask for the area then: that leaves one "
        "point of the curve. Give it the scores.": in_both(
            _at_a_threshold(lambda alarm, unknown: _wins(alarm[unknown], alarm[~unknown]).mean())
        ),
        "That is the accuracy at one threshold; the area needs none, and compares every unknown "
        "one with every known one.": in_both(
            _at_a_threshold(lambda alarm, unknown: (alarm == unknown).double().mean())
        ),
    }
    otherwise = (
        f"You say {{found}}; expected {{right}}, for the known {KNOWN} and the unknown {UNKNOWN}, "
        f"in mixed order. An unknown one scores higher in {int((pairs == 1).sum())} of "
        f"{pairs.numel()} pairs, and equal in {int((pairs == 0.5).sum())}."
    )
    explain(value, right, wrong, otherwise=otherwise)


# ----------------------------------------------------------------------------------- bits per image


def _entropy(symbols: Tensor) -> float:
    """Of how often each value (or row) occurs, in bits."""
    p = symbols.unique(return_counts=True, dim=0)[1].double() / len(symbols)
    return float((p * -p.log2()).sum())


def _codes(count: int, step: float, seed: int) -> Tensor:
    """Codes of three numbers, off the middle between two multiples of the step; one is constant."""
    generator = torch.Generator().manual_seed(seed)
    values = [torch.tensor([-3, 0, 0, 0, 1, 3, 6]), torch.tensor([-1, 0, 0]), torch.tensor([2])]
    chosen = [v[torch.randint(len(v), (count,), generator=generator)] for v in values]
    # Never within half a step of a border, nor on the other side of 0.
    off = 0.8 * torch.rand(count, 3, generator=generator) - 0.4
    return step * (torch.stack(chosen, dim=1) + off)


@check
def bits(answer) -> str:
    """``answer(codes, step)``, ``(N, d)`` → Σ over the d numbers of the entropy of their symbols.

    A symbol is a code divided by the step and rounded to the nearest whole number.
    """

    def asked(codes: Tensor, step: float) -> float:
        found = call_unchanged(
            "/=; compute new ones.",
            answer,
            codes,
            step,
            cures={
                "bincount": "Symbols are below 0, too, and bincount needs whole numbers from 0 on: "
                "torch.unique(…, return_counts=True) counts them all."
            },
        )
        shapes = {
            (3,): "That is a number for each of the d numbers: sum them.",
            (len(codes),): "That is a number for each image; expected the mean over images.",
            (len(codes), 3): "That is a number for each code's number; expected one number in all.",
        }
        cure = (
            "In an entropy 0 · log 0 is 0, but torch makes NaN of it: leave out the symbols that "
            "never occur."
        )
        return number(found, "one number, bits per image", shapes, cure=cure)

    codes = _codes(40, 0.4, 0)
    _refuse_bits(asked(codes, 0.4), codes, 0.4)
    codes = _codes(30, 2.5, 1)
    right = sum(map(_entropy, (codes / 2.5).round().T))
    otherwise = "Right for a step of 0.4, but not for 2.5: use the step."
    explain(asked(codes, 2.5), right, otherwise=otherwise)
    return "Right: so many bits an ideal coder needs on average, if it knows how often each occurs."


def _refuse_bits(value: float, codes: Tensor, step: float) -> None:
    """Refuse what aren't the bits per image of these codes."""
    count, numbers = codes.shape
    symbols = (codes / step).round()

    def total(symbols: Tensor, of: Callable = _entropy) -> float:
        return float(sum(map(of, symbols.T)))

    right, rows, pooled = total(symbols), total(symbols.T), _entropy(symbols.flatten())
    size = value if value in (8, 16, 32, 64) else value / numbers
    wrong = {
        "Those are nats: take log₂, or divide by log 2.": right * math.log(2),
        "That is log₁₀; bits need log₂.": right * math.log10(2),
        "The sign is turned: −Σ p · log₂ p is never negative.": -right,
        "You average over the d numbers; an image needs all of them: sum.": right / numbers,
        "Those are the bits of all images together; divide by their number.": right * count,
        "Those are bytes; a byte is 8 bits.": right / 8,
        "One histogram for all numbers, times d: each of the d numbers has its own, as it has its "
        "own spread.": numbers * pooled,
        "One histogram for all numbers: each of the d numbers has its own. Sum them.": pooled,
        "You count whole codes: with as many images as here nearly every code is the only one of "
        "its kind. Count each of the d numbers by itself.": _entropy(symbols),
        "You count along the wrong axis, the symbols of each image: go through the columns.": rows,
        "You count along the wrong axis, the symbols of each image, and average.": rows / count,
        "You round down (floor, //) or up (ceil). That is a quantiser, too, but step · symbol is "
        "then off by up to a whole step: .round() takes the nearest.": total(codes // step),
        "You cut the decimals off (.int(), .long(), .trunc()), so that the symbol 0 is twice as "
        "wide as the others: .round() first.": total((codes / step).trunc()),
        "You drop the sign (abs), but −3 and 3 are two symbols.": total(symbols.abs()),
        "You round the bits up: an entropy is a mean, and may be a fraction.": math.ceil(right),
        "You multiply by the step; divide by it.": total((codes * step).round()),
        "You round without the step: (codes / step).round().": total(codes.round()),
        "Nothing is rounded, so that every number is the only one of its kind: "
        "(codes / step).round().": total(codes),
        "log₂ of the number of symbols is what equally frequent ones would cost; frequent ones "
        "cost less: −Σ p · log₂ p.": total(symbols, lambda s: math.log2(len(s.unique()))),
        "log₂ of the range is what equally frequent symbols would cost; frequent ones cost less: "
        "−Σ p · log₂ p.": total(symbols, lambda s: math.log2(s.max() - s.min() + 1)),
        "Each −log₂ p has to be weighted by p, by how often it occurs.": total(
            symbols, lambda s: -(s.unique(return_counts=True)[1] / count).log2().sum()
        ),
        f"{value:g} bits are what numbers of {size:g} bits take; asked for is the entropy of their "
        "symbols.": value if size in (8, 16, 32, 64) else None,
    }
    otherwise = (
        "You say {found} bits; expected {right}: the entropies of the columns are "
        f"{', '.join(f'{_entropy(column):.3f}' for column in symbols.T)}."
    )
    explain(value, right, wrong, otherwise=otherwise)
