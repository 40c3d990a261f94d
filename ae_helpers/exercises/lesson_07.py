"""Checks for lesson 07: batch normalisation and dropout."""

import itertools
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from ae_helpers.exercises.answers import Mistake, call, call_unchanged, check

# ------------------------------------------------------------------------------- what they share


_on_copies = partial(call_unchanged, "-= or dropout_; compute a new one.")


def _tensor(found, shape: Sequence[int], what: str) -> Tensor:
    """The answer as a tensor of this shape."""
    try:
        found = torch.as_tensor(found).detach()
    except (TypeError, ValueError, RuntimeError):
        raise Mistake(f"You return a {type(found).__name__}; expected {what}.") from None
    if found.shape != torch.Size(shape):
        raise Mistake(
            f"You return the shape {tuple(found.shape)}; expected {tuple(shape)}: {what}."
        )
    if found.isnan().any():
        raise Mistake("You return NaN, which is not a number. Was something divided by 0?")
    return found


def _near(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one.double(), other.double(), rtol=1e-4, atol=1e-5)


def _channels(seed: int, images: int = 6, width: int = 3) -> Tensor:
    """Outputs of a layer with three channels that differ in mean and spread, as images do."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(images, 3, 3, width, generator=generator)
    x = x + torch.randn(images, 1, 1, 1, generator=generator)
    return x * torch.tensor([0.3, 1.0, 3.0]).view(3, 1, 1) + torch.tensor([2.0, -1.0, 0.5]).view(
        3, 1, 1
    )


# ---------------------------------------------------------------------------- batch normalisation

# Which numbers share a mean, and what to say about it. The first is right.
AXES = {
    (0, 2, 3): "",
    (2, 3): "You average over each image alone, axes 2 and 3. Each *channel* gets one mean and one "
    "variance over the whole batch: axes 0, 2 and 3.",
    (1, 2, 3): "You average over the channels of each image, axes 1, 2 and 3, which is *layer* "
    "normalisation. Each channel needs its own mean, over the batch: axes 0, 2 and 3.",
    (0,): "You average over the batch alone, axis 0, so that each pixel has its own mean. All "
    "places of a channel share one: axes 0, 2 and 3.",
    (0, 1, 2, 3): "You take one mean over everything. Each channel has its own: leave axis 1 out.",
    (0, 1): "You average over images and channels, axes 0 and 1; a mean belongs to one channel: "
    "axes 0, 2 and 3.",
    (1,): "You average over the channels, axis 1, the one that must stay: axes 0, 2 and 3.",
}
CORRECTIONS = {
    0: "",
    1: "Your variance divides by n − 1, torch's default. To normalise, it divides by n: "
    "x.var(…, correction=0).",
}
ROOTS = {  # how variance and eps make what x − mean is divided by
    "right": (lambda var, eps: (var + eps).sqrt(), ""),
    "outside": (
        lambda var, eps: var.sqrt() + eps,
        "You add eps after the root; it belongs under it: √(variance + eps).",
    ),
    "no eps": (
        lambda var, eps: var.sqrt(),
        "eps is missing: a channel that is constant would be divided by 0. √(variance + eps).",
    ),
    "default eps": (
        lambda var, eps: (var + 1e-5).sqrt(),
        "You add 1e-5, torch's default; add the eps that is given.",
    ),
    "no root": (
        lambda var, eps: var + eps,
        "You divide by the variance; divide by its root, or the spread won't be 1.",
    ),
    "eps squared": (
        lambda var, eps: (var + eps**2).sqrt(),
        "You square eps; add it to the variance as it is.",
    ),
}
KEPT = (1, -1, 1, 1)  # a number per channel, beside (N, C, H, W)
FINISHES = {  # what γ and β do to the normalised x
    "right": (lambda x, g, b: x * g.view(KEPT) + b.view(KEPT), ""),
    "none": (lambda x, g, b: x, "γ and β are missing: multiply by gamma, then add beta."),
    "no gamma": (lambda x, g, b: x + b.view(KEPT), "γ is missing: multiply by gamma."),
    "no beta": (lambda x, g, b: x * g.view(KEPT), "β is missing: add beta at the end."),
    "swapped": (
        lambda x, g, b: x * b.view(KEPT) + g.view(KEPT),
        "γ and β are swapped: multiply by gamma, add beta.",
    ),
    "beta first": (
        lambda x, g, b: (x + b.view(KEPT)) * g.view(KEPT),
        "You add β before you multiply by γ: γ · x̂ + β.",
    ),
    "by width": (
        lambda x, g, b: x * g + b,
        "gamma and beta run along the last axis, the width: a plain (C,) lines up from the right. "
        "Give them the channels' axis: gamma.view(1, -1, 1, 1).",
    ),
    "by height": (
        lambda x, g, b: x * g[:, None] + b[:, None],
        "gamma and beta run along the height: they need two axes behind them, "
        "gamma.view(1, -1, 1, 1).",
    ),
}


def _normalised(x, gamma, beta, eps, axes=(0, 2, 3), correction=0, root="right", finish="right"):
    centred = x - x.mean(axes, keepdim=True)
    divisor = ROOTS[root][0](x.var(axes, correction=correction, keepdim=True), eps)
    return FINISHES[finish][0](centred / divisor, gamma, beta)


@check
def batch_norm(answer) -> str:
    """``answer(x, gamma, beta, eps)``: batch normalisation of ``(N, C, H, W)`` in training mode."""
    # As many rows and columns as channels: a number per channel on the wrong axis still computes.
    x, eps = _channels(0), 0.1
    gamma, beta = torch.tensor([1.5, 0.5, -2.0]), torch.tensor([-1.0, 4.0, 0.25])
    found = _on_copies(answer, x, gamma, beta, eps)
    values = _tensor(found, x.shape, "all of x, normalised")
    case = (x, gamma, beta, eps)
    if _near(values, _normalised(*case)):
        other = (_channels(1, images=2, width=5), gamma, beta, 0.01)
        try:
            again = _tensor(call(answer, *other), other[0].shape, "all of x, normalised")
        except Mistake as mistake:
            raise Mistake(f"Right for 6 images of 3×3, but not for 2 of 3×5: {mistake}") from None
        if not _near(again, _normalised(*other)):
            raise Mistake(
                "Right for one batch, not for another of other sizes and another eps. Is a number "
                "typed where x.shape or eps should stand?"
            )
        return "Right: one mean and one variance per channel, over the batch and all its pixels."
    for axes, correction, root, finish in itertools.product(AXES, CORRECTIONS, ROOTS, FINISHES):
        if _near(values, _normalised(*case, axes, correction, root, finish)):
            texts = AXES[axes], CORRECTIONS[correction], ROOTS[root][1], FINISHES[finish][1]
            raise Mistake(next(filter(None, texts)))
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
    scale = gamma.view(KEPT) / (var + eps).sqrt().view(KEPT)
    along = (x - mean) / (var + eps).sqrt()
    others = {
        "The mean isn't subtracted.": x * scale + beta.view(KEPT),
        "You add the mean; subtract it.": (x + mean.view(KEPT)) * scale + beta.view(KEPT),
        "Your means and variances run along the width, for a plain (C,) lines up from the right: "
        "keepdim=True leaves them where their channels are.": along * gamma.view(KEPT)
        + beta.view(KEPT),
        "Your means, variances, gamma and beta all run along the width, for a plain (C,) lines up "
        "from the right. keepdim=True, and gamma.view(1, -1, 1, 1).": along * gamma + beta,
        "Only the mean is taken away; divide by √(variance + eps), too.": (x - mean.view(KEPT))
        * gamma.view(KEPT)
        + beta.view(KEPT),
        "That is x itself, unchanged.": x,
    }
    for text, wrong in others.items():
        if _near(values, wrong):
            raise Mistake(text)
    spread, middle = values.std((0, 2, 3)), values.mean((0, 2, 3))
    raise Mistake(
        "Not yet γ · (x − mean) / √(variance + eps) + β. The channels of your answer have the "
        f"means {_list(middle)} and the spreads {_list(spread)}; expected means of "
        f"{_list(beta)}, which is β, and spreads near {_list(gamma.abs())}, which is |γ|."
    )


def _list(values: Tensor) -> str:
    return ", ".join(f"{value:.2f}" for value in values.tolist())


# ----------------------------------------------------------------------------- running statistics


def _running(batches, momentum, start=(0.0, 1.0), correction=1, old=None) -> list[Tensor]:
    """Running mean and variance; ``old`` is the share of the old ones, 1 − momentum if right."""
    mean, var = (torch.as_tensor(value) * torch.ones(3) for value in start)
    old = 1 - momentum if old is None else old
    for x in batches:
        mean = old * mean + momentum * x.mean((0, 2, 3))
        var = old * var + momentum * x.var((0, 2, 3), correction=correction)
    return [mean, var]


@check
def running_statistics(answer) -> str:
    """``answer(batches, momentum)`` → running mean and variance, ``(C,)`` each."""
    batches, momentum = [_channels(seed, images=4) for seed in (2, 3, 4)], 0.3
    kept = [x.clone() for x in batches]
    found = call(answer, batches, momentum)
    if not all(map(torch.equal, kept, batches)):
        raise Mistake("Your code changes the batches it is given; compute new tensors.")
    if isinstance(found, Tensor) and found.shape == (2, 3):
        found = tuple(found)
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise Mistake("Expected two tensors: return mean, var.")
    if any(part is ... for part in found):
        raise Mistake("Not yet: replace the ... with your answer and run the cell again.")
    pair = [_tensor(part, (3,), "a number for each channel") for part in found]

    def same(mean: Tensor, var: Tensor) -> bool:
        return _near(pair[0], mean) and _near(pair[1], var)

    right = _running(batches, momentum)
    if same(*right):
        if not all(map(_near, call(answer, batches[:2], 0.1), _running(batches[:2], 0.1))):
            raise Mistake("Right for momentum 0.3, not for 0.1: use the momentum that is given.")
        return "Right: these are the numbers that torch's layer keeps for evaluation mode."
    all_at_once = torch.cat(batches)
    of_batches = [
        torch.stack([x.mean((0, 2, 3)) for x in batches]).mean(0),
        torch.stack([x.var((0, 2, 3)) for x in batches]).mean(0),
    ]
    first = batches[0].mean((0, 2, 3)), batches[0].var((0, 2, 3))
    wrong = {
        "You return the variance first; expected mean, var.": right[::-1],
        "The momentum is the wrong way round. In torch it is the share of the *new* batch: "
        "(1 − momentum) · old + momentum · new.": _running(batches, 1 - momentum),
        "Your variance divides by n, as for normalising. The running one divides by n − 1: it "
        "estimates that of all images from those of one batch.": _running(
            batches, momentum, correction=0
        ),
        "Your variance starts at 0; it starts at 1, the mean at 0.": _running(
            batches, momentum, (0.0, 0.0)
        ),
        "Your mean starts at 1; it starts at 0, the variance at 1.": _running(
            batches, momentum, (1.0, 1.0)
        ),
        "You begin with the first batch's statistics; torch begins with mean 0 and variance 1.": (
            _running(batches[1:], momentum, first)
        ),
        "Your second part is a running spread; it must be a running *variance*: no root.": [
            right[0],
            right[1].sqrt(),
        ],
        "That is the plain average over batches, in which the first counts as much as the last. "
        "Running averages forget: (1 − momentum) · old + momentum · new.": of_batches,
        "Those are the statistics of all batches at once, which nobody keeps during training. Mix "
        "in one batch after the other.": [
            all_at_once.mean((0, 2, 3)),
            all_at_once.var((0, 2, 3)),
        ],
        "Only the last batch is left: mix it into what the earlier ones gave.": [
            batches[-1].mean((0, 2, 3)),
            batches[-1].var((0, 2, 3)),
        ],
        "Only the first batch was used: is `return` inside the loop?": _running(
            batches[:1], momentum
        ),
        "Only the last batch is in your mix: does each pass through the loop start anew from 0 "
        "and 1?": _running(batches[-1:], momentum),
        "You add momentum · new, but keep all of the old: (1 − momentum) · old.": _running(
            batches, momentum, old=1.0
        ),
    }
    for text, (mean, var) in wrong.items():
        if same(mean, var):
            raise Mistake(text)
    for part, name in enumerate(("mean", "variance")):
        if not _near(pair[part], right[part]):
            raise Mistake(
                f"Your {name} is {_list(pair[part])}; expected {_list(right[part])}. For each "
                f"batch: {name} ← (1 − momentum) · {name} + momentum · (that of the batch, over "
                "axes 0, 2 and 3)."
            )
    raise Mistake("Almost: compare with (1 − momentum) · old + momentum · new.")


# ---------------------------------------------------------------------------------------- dropout


@check
def dropout(answer) -> str:
    """``answer(x, p, training, generator)``: inverted dropout; in evaluation mode, ``x``."""
    x, p = 1 + torch.rand(200, 3, 5, 5, generator=torch.Generator().manual_seed(0)), 0.2
    with torch.random.fork_rng(devices=[]):

        def ratio(training: bool, seed: int = 1, p: float = p) -> Tensor:
            generator = torch.Generator().manual_seed(seed)
            found = _on_copies(answer, x, p, training, generator)
            return _tensor(found, x.shape, "all of x, with some of it 0") / x

        drawn, evaluated = ratio(True), ratio(False)
        whole = _near(evaluated, torch.ones_like(x))
        if _near(drawn, torch.ones_like(x)):
            if not whole:
                raise Mistake("The modes are swapped: drop where training is True.")
            raise Mistake("Nothing is dropped in training mode: p of the numbers should become 0.")
        dropped = drawn == 0
        _refuse_share(dropped, p)
        _refuse_scale(drawn, dropped, p)
        if not whole:
            if (evaluated == 0).any():
                raise Mistake(
                    "You drop in evaluation mode, too. There nothing is left to chance: return x."
                )
            raise Mistake(
                f"In evaluation mode you return {evaluated.mean():g} · x. Training already scales "
                "by 1/(1 − p), so that here x can stay as it is."
            )
        if not torch.equal(drawn, ratio(True)):
            raise Mistake(
                "Twice the same generator, two different masks: pass generator=generator to "
                "torch.rand, or nobody can repeat your run."
            )
        if torch.equal(drawn, ratio(True, seed=2)):
            raise Mistake(
                "Every call drops the same numbers, whatever the generator: draw from it, and "
                "seed nothing yourself."
            )
        other = ratio(True, p=0.5)
        share = (other == 0).float().mean().item()
        if abs(share - 0.5) > 0.03 or not _near(other[other != 0], torch.tensor(2.0)):
            raise Mistake("Right for p = 0.2, not for p = 0.5: use the p that is given.")
        if not _near(ratio(True, p=0.0), torch.ones_like(x)):
            raise Mistake("With p = 0 nothing may change, but something does.")
    return "Right: drop with probability p, scale what is left by 1/(1 − p), and only in training."


def _refuse_share(dropped: Tensor, p: float) -> None:
    """Refuse masks that drop too much or too little, or what hangs together."""
    if (dropped == dropped[:1]).all():
        raise Mistake(
            "All images lose the same numbers: your mask lacks the batch axis. Draw a number for "
            "every number of x: torch.rand(x.shape, …)."
        )
    alike = {
        "Whole images are dropped": dropped.flatten(1),
        "Whole channels are dropped, which is another layer, nn.Dropout2d": dropped.flatten(2),
    }
    for what, parts in alike.items():
        if (parts == parts[..., :1]).all():
            raise Mistake(f"{what}: draw a number for every number of x, torch.rand(x.shape, …).")
    share = dropped.float().mean().item()
    if abs(share - (1 - p)) < 0.03:
        raise Mistake(
            f"{share:.0%} became 0 for p = {p:g}: p is the probability to *drop*. Keep where the "
            "random number is at least p."
        )
    if abs(share - p) > 0.03:
        raise Mistake(f"{share:.0%} of the numbers became 0; expected {p:.0%}, for p = {p:g}.")


def _refuse_scale(ratio: Tensor, dropped: Tensor, p: float) -> None:
    """Refuse what is left if it isn't x / (1 − p)."""
    left, share = ratio[~dropped], (~dropped).float().mean().item()
    if left.max() - left.min() > 1e-3:
        raise Mistake("What is left isn't x times one number: keep x, or set it to 0, and scale.")
    scale = left.mean().item()
    wrong = {
        1.0: "What is left isn't scaled, so in training every sum is smaller by p, on average, "
        "than in evaluation. Divide by 1 − p.",
        1 - p: "You multiply by 1 − p, which makes sums smaller still; divide by it.",
        1
        / p: "You divide by p, the share that is dropped; divide by 1 − p, the share that is left.",
        p: "You multiply by p; divide by 1 − p, the share that is left.",
        1 + p: "You scale by 1 + p; what is left has to make up for all: 1/(1 − p).",
    }
    if abs(scale - 1 / (1 - p)) < 1e-5:
        return
    for number, text in wrong.items():
        if abs(scale - number) < 1e-5:
            raise Mistake(text)
    if abs(scale - 1 / share) < 1e-5:
        raise Mistake(
            "You divide by the share that happened to be kept; divide by 1 − p, the probability. "
            "Otherwise what one number becomes depends on what was drawn for the others."
        )
    raise Mistake(f"What is left is scaled by {scale:.4g}; expected {1 / (1 - p):.4g}, 1/(1 − p).")
