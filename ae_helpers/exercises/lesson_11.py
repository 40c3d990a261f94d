"""Checks for lesson 11: what a denoiser is trained on, area under the ROC curve, bits per image."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.exercises.answers import Mistake, call, call_unchanged, check

# ------------------------------------------------------------------------------- what they share


def _number(found, what: str, shapes: dict[tuple, str] | None = None) -> float:
    """The answer as one number; ``shapes`` says what to say about other shapes."""
    if isinstance(found, (str, bool, tuple, dict)):
        raise Mistake(f"You return a {type(found).__name__}; expected {what}.")
    try:
        values = torch.as_tensor(found).detach()
    except (TypeError, ValueError, RuntimeError):
        raise Mistake(f"You return a {type(found).__name__}; expected {what}.") from None
    if values.ndim:
        text = (shapes or {}).get(tuple(values.shape), f"Expected {what}.")
        raise Mistake(f"You return the shape {tuple(values.shape)}. {text}")
    value = float(values)
    if not math.isfinite(value):
        raise Mistake(f"You return {value}. Is something divided by 0, or is there a log of 0?")
    return value


_unchanged = partial(call_unchanged, "+=, add_ or an in-place sort; compute new ones.")


def _near(value: float, other: float) -> bool:
    return math.isclose(value, float(other), rel_tol=1e-4, abs_tol=1e-7)


# -------------------------------------------------------------------------------- noisy and clean


class _Witness(nn.Module):
    """A stand-in for a network, which keeps what it was asked and what it answered."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.7))
        self.seen, self.answers = [], []

    def forward(self, images: Tensor) -> Tensor:
        answer = self.weight * images.flip(3) + 0.1
        self.seen.append(images.detach().clone())
        self.answers.append(answer.detach())
        return answer


def _ask(answer: Callable, batch: Tensor, sigma: float) -> tuple[float, Tensor, Tensor]:
    """Loss, what the network was given, and what it answered."""
    model = _Witness()
    try:
        found = _unchanged(answer, model, batch, sigma)
    except Mistake as mistake:
        if "changes the tensors" in str(mistake):
            raise Mistake(
                "Your code puts the noise into the batch itself (+=, add_, clamp_), and with it "
                "into the target, and into the training images: compute a new tensor."
            ) from None
        raise
    loss = _number(
        found,
        "one number, the mean squared error",
        {
            batch.shape: "That is an error for each pixel: average over all of them.",
            batch.shape[:1]: "That is an error for each image: average over all of them.",
        },
    )
    if not model.seen:
        raise Mistake("The network is never asked: call model(…) on the noisy images.")
    if len(model.seen) > 1:
        raise Mistake(
            f"The network is asked {len(model.seen)} times; once is enough, with the noisy images. "
            "The target is the clean batch itself, not what the network makes of it."
        )
    if model.seen[0].shape != batch.shape:
        raise Mistake(
            f"The network is given {tuple(model.seen[0].shape)}; expected {tuple(batch.shape)}, as "
            "the batch."
        )
    return loss, model.seen[0], model.answers[0]


@check
def denoising_loss(answer) -> str:
    """``answer(model, batch, sigma)`` → the MSE between the answer to noisy images and the batch.

    Noisy is ``(batch + sigma · ε).clamp(0, 1)``: pixels outside [0, 1] don't occur in images.
    """
    generator = torch.Generator().manual_seed(0)
    # Grey, so that weak noise isn't clamped and can be measured; then black and white.
    grey = 0.4 + 0.2 * torch.rand(64, 1, 12, 12, generator=generator)
    sharp = (torch.rand(64, 1, 12, 12, generator=generator) < 0.3).float()
    sigma = 0.08
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        loss, seen, output = _ask(answer, grey, sigma)
        _refuse_noise(loss, seen, output, grey, sigma)
        _refuse_target(loss, seen, output, grey, sigma)
        if torch.equal(seen, _ask(answer, grey, sigma)[1]):
            raise Mistake(
                "Two calls add the same noise: seed nothing in your function. A network that "
                "always sees the same noise can learn it by heart."
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
        if not _near(loss, F.mse_loss(output, sharp)):
            raise Mistake(
                "Right for grey images and weak noise, but not for black and white ones: the "
                "target is the batch as it is."
            )
        model = _Witness()
        found = call(answer, model, grey, sigma)
        if not (isinstance(found, Tensor) and found.requires_grad):
            raise Mistake(
                "The number is right, but no gradient flows back from it, so nothing can be "
                "learned: is there an item, a detach, or a no_grad?"
            )
    return "Right: noisy images go in, and the answer is compared with the clean ones."


def _refuse_noise(loss: float, seen: Tensor, output: Tensor, batch: Tensor, sigma: float) -> None:
    """Refuse what the network is given, unless it is the batch and normal noise of spread sigma."""
    noise = seen - batch
    if not noise.any():
        if _near(loss, F.mse_loss(output, batch)):
            raise Mistake(
                "There is no noise at all: the network is given the clean batch. That is the "
                "plain autoencoder."
            )
        raise Mistake(
            "The network is given the clean images. The noise belongs into what it is *given*, and "
            "nowhere else."
        )
    alike = {
        "All images get the same noise: draw for the whole batch, torch.randn_like(batch).": (
            noise - noise[:1]
        ),
        "All pixels of an image get the same noise, so that it only turns brighter or darker: "
        "torch.randn_like(batch).": noise - noise[:, :1, :1, :1],
    }
    for text, differences in alike.items():
        if differences.abs().max() < 1e-6:
            raise Mistake(text)
    spread, middle = noise.std().item(), noise.mean().item()
    if noise.min() >= 0 and (noise == 0).float().mean() > 0.3:
        raise Mistake(
            "You clamp the noise; clamp the noisy *image*: (batch + sigma * noise).clamp(0, 1)."
        )
    if noise.min() > -1e-6:
        raise Mistake(
            "Your noise only makes images brighter: torch.rand is uniform from 0 to 1. Draw it "
            "with torch.randn_like(batch)."
        )
    bordered = ((noise - middle).abs() < 2 * spread).all()  # of 9,216 normal numbers, never
    fits = abs(spread / sigma - 1) < 0.05 and abs(middle) < 0.1 * sigma
    if fits and not bordered:
        return
    drawn = torch.randn(batch.shape, generator=torch.Generator().manual_seed(1))
    wrong = {
        "You take the variance for the standard deviation: sigma², not sigma.": sigma**2 * drawn,
        "You multiply by the root of sigma; sigma is the standard deviation already.": (
            sigma**0.5 * drawn
        ),
        "Your noise has the standard deviation 1: multiply it by sigma.": drawn,
        "The noise is added twice, drawn anew: √2 · sigma in all.": 2**0.5 * sigma * drawn,
        "The noise is doubled.": 2 * sigma * drawn,
        "You multiply the image by noise, so that black stays clean; add the noise.": (
            sigma * drawn * batch
        ),
        "You give the network noise alone, the image is missing: batch + sigma · ε.": (
            sigma * drawn - batch
        ),
        "You mix, (1 − sigma) · batch + sigma · ε; keep all of the batch.": sigma * (drawn - batch),
    }
    for text, other in wrong.items():
        clamped = (batch + other).clamp(0, 1) - batch
        for each in (other, clamped):
            if abs(spread / each.std() - 1) < 0.05 and abs(middle - each.mean()) < 0.1 * spread:
                raise Mistake(text)
    if bordered:
        raise Mistake(
            "Your noise isn't normal, it ends at two borders. Draw it with torch.randn_like(batch)."
        )
    raise Mistake(
        f"What you add has the mean {middle:.3f} and the standard deviation {spread:.3f}; expected "
        f"0 and sigma = {sigma}."
    )


def _refuse_target(loss: float, seen: Tensor, output: Tensor, batch: Tensor, sigma: float) -> None:
    """Refuse a loss that isn't the MSE between the answer and the clean batch."""
    right = F.mse_loss(output, batch).item()
    if _near(loss, right):
        return
    pixels, images = batch.numel(), len(batch)
    wrong = {
        "The target is noisy: the network learns to give the noise back. Compare its answer with "
        "the *clean* batch.": F.mse_loss(output, seen),
        "You ask for the noise, as diffusion models do; asked for is the clean image.": F.mse_loss(
            output, seen - batch
        ),
        "You compare the noisy images with the clean ones; the network's answer isn't in your "
        "loss.": F.mse_loss(seen, batch),
        "You sum over everything; the mean squared error is a mean.": right * pixels,
        "You sum over the pixels; take the mean over them, too.": right * pixels / images,
        "You take the root; MSE has none.": right**0.5,
        "That is the mean absolute error; square the differences.": F.l1_loss(output, batch),
        "You average the differences before you square them, so that they cancel.": (
            (output - batch).mean() ** 2
        ),
    }
    for text, other in wrong.items():
        if _near(loss, other):
            raise Mistake(text)
    if abs((loss - right) / sigma**2 - 1) < 0.2:
        raise Mistake(
            "The target has noise of its own, drawn a second time: compare with the *clean* batch."
        )
    raise Mistake(
        f"Your loss is {loss:.5f}; expected {right:.5f}, the mean squared difference between what "
        "the network answers and the clean batch."
    )


# --------------------------------------------------------------------- area under the ROC curve

# With ties, at the top, too, so that every mistake gives a number of its own.
KNOWN = [0.3, 0.4, 0.5, 0.5, 0.6, 0.9, 1.1]
UNKNOWN = [0.5, 0.7, 0.8, 1.0, 1.1]


def _wins(unknown: Tensor, known: Tensor, tie: float = 0.5) -> Tensor:
    """1 for each pair in which the unknown one scores higher, ``tie`` for equals; a matrix."""
    one, other = unknown[:, None], known[None]
    return (one > other).double() + tie * (one == other).double()


@check
def area_under_roc(answer) -> str:
    """``answer(scores, unknown)``, ``(N,)`` floats and bools → P(an unknown one scores higher)."""
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    scores = torch.tensor(UNKNOWN + KNOWN)[order]
    unknown = (torch.arange(12) < 5)[order]
    shapes = {
        (5, 7): "That is a number for each pair: take the mean over all pairs.",
        (7, 5): "That is a number for each pair: take the mean over all pairs.",
        (12,): "That is a number for each image; expected one number for the detector.",
        (5,): "That is a number for each unknown one: take the mean.",
        (7,): "That is a number for each known one: take the mean.",
    }
    try:
        found = _unchanged(answer, scores, unknown)
    except Mistake as mistake:
        if "continuous" not in str(mistake):
            raise
        raise Mistake(
            f"{mistake}. scikit-learn takes the truth first: roc_auc_score(unknown, scores)."
        ) from None
    value = _number(found, "one number, the area", shapes)
    right = _wins(scores[unknown], scores[~unknown]).mean().item()
    if not _near(value, right):
        _wrong_area(value, scores, unknown)
    generator = torch.Generator().manual_seed(1)
    others, strange = torch.randn(30, generator=generator), torch.arange(30) % 3 == 0
    expected = _wins(others[strange], others[~strange]).mean().item()
    if not _near(_number(_unchanged(answer, others, strange), "one number"), expected):
        raise Mistake(
            "Right for one set of scores, but not for another: scores can be negative, there are "
            "other numbers of known and unknown ones, and no threshold is given."
        )
    return "Right: it needs no threshold, 0.5 is guessing, and ties count one half."


def _wrong_area(value: float, scores: Tensor, unknown: Tensor) -> None:
    """Say what is wrong with an area."""
    high, low = scores[unknown], scores[~unknown]
    pairs = _wins(high, low)
    right, total = pairs.mean().item(), len(scores)
    # The curve: share of unknown and of known ones above each threshold, from (0, 0) to (1, 1).
    levels = [math.inf, *sorted(set(scores.tolist()), reverse=True)]
    curve = [((low >= t).double().mean(), (high >= t).double().mean()) for t in levels]
    parts = [(x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in zip(curve, curve[1:])]  # noqa: B905
    wrong = {
        "Turned over: you count where the *known* one scores higher. 1 minus yours is right.": (
            1 - right
        ),
        "Ties count as 0 with you: a pair of equal scores counts one half.": (
            _wins(high, low, 0).mean()
        ),
        "Ties count as 1 with you: a pair of equal scores counts one half.": (
            _wins(high, low, 1).mean()
        ),
        "Turned over, and ties count as 0: count where the *unknown* one scores higher, and one "
        "half for equals.": _wins(low, high, 0).mean(),
        "Turned over, and ties count as 1: count where the *unknown* one scores higher, and one "
        "half for equals.": _wins(low, high, 1).mean(),
        "That is how many pairs there are; divide by the number of all pairs.": pairs.sum(),
        "That is how many pairs there are, without ties; count those one half, and divide by the "
        "number of all pairs.": _wins(high, low, 0).sum(),
        "You divide by all pairs of N images; count only pairs of one unknown and one known.": (
            pairs.sum() / total**2
        ),
        "You divide by N(N − 1)/2 pairs; count only pairs of one unknown and one known.": (
            pairs.sum() / (total * (total - 1) / 2)
        ),
        "In per cent; expected a share, 1 for 100 %.": 100 * right,
        "Negative: the share of false alarms has to grow along the curve. Flip it.": -right,
        "That is 2 · area − 1, the Gini coefficient.": 2 * right - 1,
        "The curve lacks its first point, (0, 0): begin with a threshold above all scores.": (
            right - parts[0]
        ),
        "The curve lacks its last point, (1, 1): end with a threshold below all scores.": (
            right - parts[-1]
        ),
        "That is the average precision, the area under another curve (precision over recall).": (
            _average_precision(curve, len(high), len(low))
        ),
        "That is the largest distance between the two shares, at one threshold; asked for is the "
        "area over all thresholds.": max(y - x for x, y in curve),
        "That is the difference between the two means.": high.mean() - low.mean(),
    }
    for text, other in wrong.items():
        if _near(value, other):
            raise Mistake(text)
    for level in scores.tolist():
        for guess in (scores > level, scores >= level):
            if _near(value, (guess == unknown).double().mean()):
                raise Mistake(
                    "That is the accuracy at one threshold; the area needs none, and compares "
                    "every unknown one with every known one."
                )
    raise Mistake(
        f"You say {value:.4f}; expected {right:.4f}, for the known {KNOWN} and the unknown "
        f"{UNKNOWN}, in mixed order. An unknown one scores higher in {int((pairs == 1).sum())} of "
        f"{pairs.numel()} pairs, and equal in {int((pairs == 0.5).sum())}."
    )


def _average_precision(curve, positives: int, negatives: int) -> float:
    """The sum of precision times the gain in recall over all thresholds."""
    total, recall = 0.0, 0.0
    for x, y in curve[1:]:
        total += (y - recall) * y * positives / (y * positives + x * negatives)
        recall = y
    return float(total)


# ----------------------------------------------------------------------------------- bits per image


def _entropy(symbols: Tensor) -> float:
    """Of how often each value (or row) occurs, in bits."""
    p = symbols.unique(return_counts=True, dim=0)[1].double() / len(symbols)
    return float((p * -p.log2()).sum())


def _codes(count: int, step: float, seed: int) -> Tensor:
    """Codes of three numbers, off the middle between two multiples of the step; one is constant."""
    generator = torch.Generator().manual_seed(seed)
    values = [torch.tensor([-3, 0, 0, 0, 1, 6]), torch.tensor([-1, 0, 0]), torch.tensor([2])]
    chosen = [v[torch.randint(len(v), (count,), generator=generator)] for v in values]
    # Never within half a step of a border, nor on the other side of 0.
    off = 0.8 * torch.rand(count, 3, generator=generator) - 0.4
    return step * (torch.stack(chosen, dim=1) + off)


@check
def bits(answer) -> str:
    """``answer(codes, step)``, ``(N, d)`` → Σ over the d numbers of the entropy of their symbols.

    A symbol is a code divided by the step and rounded to the nearest whole number.
    """
    for count, step, seed in ((40, 0.4, 0), (30, 2.5, 1)):
        codes = _codes(count, step, seed)
        shapes = {
            (3,): "That is a number for each of the d numbers: sum them.",
            (count,): "That is a number for each image; expected the mean over images.",
            (count, 3): "That is a number for each code's number; expected one number in all.",
        }
        try:
            found = _unchanged(answer, codes, step)
        except Mistake as mistake:
            if "bincount" not in str(mistake):
                raise
            raise Mistake(
                f"{mistake} Symbols are below 0, too, and bincount needs whole numbers from 0 on: "
                "torch.unique(…, return_counts=True) counts them all."
            ) from None
        if isinstance(found, (float, Tensor)) and torch.as_tensor(found).isnan().any():
            raise Mistake(
                "You return NaN. In an entropy 0 · log 0 is 0, but torch makes NaN of it: leave "
                "out the symbols that never occur."
            )
        value = _number(found, "one number, bits per image", shapes)
        symbols = (codes / step).round()
        right = sum(map(_entropy, symbols.T))
        if _near(value, right):
            continue
        if seed:
            raise Mistake(f"Right for a step of 0.4, but not for {step}: use the step.")
        _wrong_bits(value, codes, step)
    return "Right: so many bits an ideal coder needs on average, if it knows how often each occurs."


def _wrong_bits(value: float, codes: Tensor, step: float) -> None:
    """Say what is wrong with bits per image."""
    count, numbers = codes.shape
    symbols = (codes / step).round()

    def total(symbols: Tensor) -> float:
        return sum(map(_entropy, symbols.T))

    def each(function) -> float:
        return float(sum(function(column) for column in symbols.T))

    def unweighted(column: Tensor) -> Tensor:
        return -(column.unique(return_counts=True)[1] / count).log2().sum()

    right = total(symbols)
    wrong = {
        "Those are nats: take log₂, or divide by log 2.": right * math.log(2),
        "That is log₁₀; bits need log₂.": right * math.log10(2),
        "The sign is turned: −Σ p · log₂ p is never negative.": -right,
        "You average over the d numbers; an image needs all of them: sum.": right / numbers,
        "Those are the bits of all images together; divide by their number.": right * count,
        "Those are bytes; a byte is 8 bits.": right / 8,
        "One histogram for all numbers, times d: each of the d numbers has its own, as it has its "
        "own spread.": numbers * _entropy(symbols.flatten()),
        "One histogram for all numbers: each of the d numbers has its own. Sum their entropies.": (
            _entropy(symbols.flatten())
        ),
        "You count whole codes: with as many images as here nearly every code is the only one of "
        "its kind. Count each of the d numbers by itself.": _entropy(symbols),
        "You count along the wrong axis, the d symbols of each image: go through the columns.": (
            total(symbols.T)
        ),
        "You count along the wrong axis, the d symbols of each image, and average.": (
            total(symbols.T) / count
        ),
        "You round down (floor, //) or up (ceil). That is a quantiser, too, but step · symbol is "
        "then off by up to a whole step: .round() takes the nearest.": (
            total((codes / step).floor())
        ),
        "You cut the decimals off (.int(), .long(), .trunc()), so that the symbol 0 is twice as "
        "wide as the others: .round() first.": total((codes / step).trunc()),
        "You multiply by the step; divide by it.": total((codes * step).round()),
        "You round without the step: (codes / step).round().": total(codes.round()),
        "Nothing is rounded, so that every number is the only one of its kind: "
        "(codes / step).round().": total(codes),
        "log₂ of the number of symbols is what equally frequent ones would cost; frequent ones "
        "cost less: −Σ p · log₂ p.": each(lambda column: math.log2(len(column.unique()))),
        "log₂ of the range is what equally frequent symbols would cost; frequent ones cost less: "
        "−Σ p · log₂ p.": each(lambda column: math.log2(column.max() - column.min() + 1)),
        "Each −log₂ p has to be weighted by p, by how often it occurs.": each(unweighted),
    }
    for text, other in wrong.items():
        if _near(value, other):
            raise Mistake(text)
    for size in (8, 16, 32, 64):
        if value in (size * numbers, size):
            raise Mistake(
                f"{value:g} bits are what numbers of {size} bits take; asked for is the entropy of "
                "their symbols."
            )
    raise Mistake(
        f"You say {value:.4f} bits; expected {right:.4f}: the entropies of the {numbers} columns "
        f"are {', '.join(f'{_entropy(column):.3f}' for column in symbols.T)}."
    )
