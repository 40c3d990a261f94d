"""Checks for lesson 07: batch normalisation and dropout."""

import itertools
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from ae_helpers.exercises.answers import Mistake, call_unchanged, check, explain, near, tensor

_call = partial(call_unchanged, "-= or dropout_; compute a new one.")


def _channels(seed: int, images: int = 6, width: int = 3) -> Tensor:
    """Outputs of a layer with three channels that differ in mean and spread, as images do.

    The first varies so little that an eps of 1e-5 and none differ by more than rounding.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(images, 3, 3, width, generator=generator)
    x = x + torch.randn(images, 1, 1, 1, generator=generator)
    return x * torch.tensor([0.1, 1.0, 3.0]).view(KEPT) + torch.tensor([2.0, -1.0, 0.5]).view(KEPT)


# ---------------------------------------------------------------------------- batch normalisation

CHANNELS = (0, 2, 3)  # the numbers that share a mean
KEPT = (1, -1, 1, 1)  # a number per channel, beside (N, C, H, W)

# The steps of batch normalisation, {what to say: how it is done}; the first of each is right.
AXES = {
    "": CHANNELS,
    "You average over each image alone, axes 2 and 3. Each *channel* gets one mean and one "
    "variance over the whole batch: axes 0, 2 and 3.": (2, 3),
    "You average over the channels of each image, axes 1, 2 and 3, which is *layer* "
    "normalisation. Each channel needs its own mean, over the batch: axes 0, 2 and 3.": (1, 2, 3),
    "You average over the batch alone, axis 0, so that each pixel has its own mean. All places of "
    "a channel share one: axes 0, 2 and 3.": (0,),
    "You take one mean over everything. Each channel has its own: leave axis 1 out.": (0, 1, 2, 3),
    "You average over images and channels, axes 0 and 1; a mean belongs to one channel: axes 0, 2 "
    "and 3.": (0, 1),
    "You average over the channels, axis 1, the one that must stay: axes 0, 2 and 3.": (1,),
}
CORRECTIONS = {
    "": 0,
    "Your variance divides by n − 1, torch's default. To normalise, it divides by n: "
    "x.var(…, correction=0).": 1,
}
DIVISORS = {
    "": lambda var, eps: (var + eps).sqrt(),
    "You add eps after the root; it belongs under it: √(variance + eps).": (
        lambda var, eps: var.sqrt() + eps
    ),
    "eps is missing: a channel that is constant would be divided by 0. √(variance + eps).": (
        lambda var, eps: var.sqrt()
    ),
    "You take eps where the variance is smaller; add it, everywhere: √(variance + eps).": (
        lambda var, eps: var.clamp(min=eps).sqrt()
    ),
    "You add 1e-5, torch's default; add the eps that is given.": (
        lambda var, eps: (var + 1e-5).sqrt()
    ),
    "You divide by the variance; divide by its root, or the spread won't be 1.": (
        lambda var, eps: var + eps
    ),
    "You square eps; add it to the variance as it is.": lambda var, eps: (var + eps**2).sqrt(),
}
FINISHES = {
    "": lambda x, g, b: x * g.view(KEPT) + b.view(KEPT),
    "γ and β are missing: multiply by gamma, then add beta.": lambda x, g, b: x,
    "γ is missing: multiply by gamma.": lambda x, g, b: x + b.view(KEPT),
    "β is missing: add beta at the end.": lambda x, g, b: x * g.view(KEPT),
    "γ and β are swapped: multiply by gamma, add beta.": (
        lambda x, g, b: x * b.view(KEPT) + g.view(KEPT)
    ),
    "You add β before you multiply by γ: γ · x̂ + β.": (
        lambda x, g, b: (x + b.view(KEPT)) * g.view(KEPT)
    ),
    "gamma and beta run along the last axis, the width: a plain (C,) lines up from the right. Give "
    "them the channels' axis: gamma.view(1, -1, 1, 1).": lambda x, g, b: x * g + b,
    "gamma and beta run along the height: they need two axes behind them, "
    "gamma.view(1, -1, 1, 1).": lambda x, g, b: x * g[:, None] + b[:, None],
}
finish = FINISHES[""]


def _normalised(x, gamma, beta, eps, axes=CHANNELS, correction=0, divisor=DIVISORS[""], end=finish):
    variance = x.var(axes, correction=correction, keepdim=True)
    return end((x - x.mean(axes, keepdim=True)) / divisor(variance, eps), gamma, beta)


def _norm_mistakes(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Iterator[tuple]:
    """Every way to take the steps, with what to say about the first that is wrong."""
    tables = AXES, CORRECTIONS, DIVISORS, FINISHES
    for steps in itertools.product(*(table.items() for table in tables)):
        texts, ways = zip(*steps, strict=True)
        yield partial(_normalised, x, gamma, beta, eps, *ways), next(filter(None, texts), "")
    mean, spread = x.mean(CHANNELS), (x.var(CHANNELS, correction=0) + eps).sqrt()
    without_steps = {
        "The mean isn't subtracted.": finish(x / spread.view(KEPT), gamma, beta),
        "You add the mean; subtract it.": (
            finish((x + mean.view(KEPT)) / spread.view(KEPT), gamma, beta)
        ),
        "Your means and variances run along the width, for a plain (C,) lines up from the right: "
        "keepdim=True leaves them where their channels are.": (
            finish((x - mean) / spread, gamma, beta)
        ),
        "Your means, variances, gamma and beta all run along the width, for a plain (C,) lines up "
        "from the right. keepdim=True, and gamma.view(1, -1, 1, 1).": (
            gamma * (x - mean) / spread + beta
        ),
        "Only the mean is taken away; divide by √(variance + eps), too.": (
            finish(x - mean.view(KEPT), gamma, beta)
        ),
        "That is x itself, unchanged.": x,
    }
    yield from ((value, text) for text, value in without_steps.items())


@check
def batch_norm(answer) -> str:
    """``answer(x, gamma, beta, eps)``: batch normalisation of ``(N, C, H, W)`` in training mode."""
    # As many rows and columns as channels: a number per channel on the wrong axis still computes.
    # The first channel's variance is below eps.
    x, what = _channels(0), "all of x, normalised"
    gamma, beta = torch.tensor([1.5, 0.5, -2.0]), torch.tensor([-1.0, 4.0, 0.25])
    fewer = _channels(1, images=2, width=5)[:, :2], gamma[:2], beta[:2]
    case, other = (x, gamma, beta, 0.25), (*fewer, 0.01)
    found, right = tensor(_call(answer, *case), what, x.shape), _normalised(*case)
    otherwise = (
        "This isn't γ · (x − mean) / √(variance + eps) + β. The channels of your answer have the "
        f"means {_list(found.mean(CHANNELS))} and the spreads {_list(found.std(CHANNELS))}; "
        f"expected means of {_list(beta)}, which is β, and spreads of "
        f"{_list(right.std(CHANNELS))}, which is |γ| but for eps."
    )
    explain(found, right, _norm_mistakes(*case), otherwise=otherwise, atol=1e-5)
    try:
        found = tensor(_call(answer, *other), what, other[0].shape)
    except Mistake as mistake:
        shapes = f"{tuple(x.shape)}, but not for one of {tuple(other[0].shape)}"
        raise Mistake(f"Right for a batch of {shapes}: {mistake}") from None
    otherwise = (
        "Right for one batch, not for another of other sizes and another eps. Is a number typed "
        "where x.shape or eps should stand?"
    )
    explain(found, _normalised(*other), otherwise=otherwise, atol=1e-5)
    return "Right: one mean and one variance per channel, over the batch and all its pixels."


def _list(values: Tensor) -> str:
    return ", ".join(f"{value:.2f}" for value in values.tolist())


# ----------------------------------------------------------------------------- running statistics


def _statistics(x: Tensor, correction: int = 1) -> Tensor:
    """Mean and variance of each channel, ``(2, C)``."""
    return torch.stack([x.mean(CHANNELS), x.var(CHANNELS, correction=correction)])


def _running(batches, momentum, start=(0, 1), correction=1, old=None) -> Tensor:
    """Running mean and variance; ``old`` is the share of the old ones, 1 − momentum if right."""
    kept = torch.stack([value * torch.ones(3) for value in start])
    for x in batches:
        kept = (1 - momentum if old is None else old) * kept + momentum * _statistics(x, correction)
    return kept


def _within_images(batches, momentum) -> Tensor:
    var = torch.ones(3)
    for x in batches:
        var = (1 - momentum) * var + momentum * x.var((2, 3)).mean(0)
    return var


@check
def running_statistics(answer) -> str:
    """``answer(batches, momentum)`` → running mean and variance, ``(C,)`` each."""
    batches, momentum = [_channels(seed, images=4) for seed in (2, 3, 4)], 0.3
    shapes = {(3,): "Expected two tensors: return mean, var."}
    what = "mean and variance, each with a number for each channel"
    found = tensor(_call(answer, batches, momentum), what, (2, 3), shapes)
    right = _running(batches, momentum)
    mistakes = {
        "You return the variance first; expected mean, var.": right.flip(0),
        "The momentum is the wrong way round. In torch it is the share of the *new* batch: "
        "(1 − momentum) · old + momentum · new.": _running(batches, 1 - momentum),
        "Your variance divides by n, as for normalising. The running one divides by n − 1: it "
        "estimates that of all images from those of one batch.": (
            _running(batches, momentum, correction=0)
        ),
        "Your variance starts at 0; it starts at 1, the mean at 0.": (
            _running(batches, momentum, start=(0, 0))
        ),
        "Your mean starts at 1; it starts at 0, the variance at 1.": (
            _running(batches, momentum, start=(1, 1))
        ),
        "You begin with the first batch's statistics; torch begins with mean 0 and variance 1.": (
            _running(batches[1:], momentum, start=_statistics(batches[0]))
        ),
        "Your second part is a running spread; it must be a running *variance*: no root.": (
            torch.stack([right[0], right[1].sqrt()])
        ),
        "Your variance is the mean of the variances within each image, so how images differ is "
        "left out. One variance over the whole batch: x.var((0, 2, 3)).": (
            torch.stack([right[0], _within_images(batches, momentum)])
        ),
        "That is the plain average over batches, in which the first counts as much as the last. "
        "Running averages forget: (1 − momentum) · old + momentum · new.": (
            torch.stack([_statistics(x) for x in batches]).mean(0)
        ),
        "Those are the statistics of all batches at once, which nobody keeps during training. Mix "
        "in one batch after the other.": _statistics(torch.cat(batches)),
        "Only the last batch is left: mix it into what the earlier ones gave.": (
            _statistics(batches[-1])
        ),
        "Only the first batch was used: is `return` inside the loop?": (
            _running(batches[:1], momentum)
        ),
        "Only the last batch is in your mix: does each pass through the loop start anew from 0 and "
        "1?": _running(batches[-1:], momentum),
        "You add momentum · new, but keep all of the old: (1 − momentum) · old.": (
            _running(batches, momentum, old=1)
        ),
    }
    otherwise = (
        "Your mean and variance are {found}; expected {right}. With each batch: "
        "(1 − momentum) · old + momentum · (that of the batch, over axes 0, 2 and 3)."
    )
    explain(found, right, mistakes, otherwise=otherwise, atol=1e-5)
    found = tensor(_call(answer, batches[:2], 0.1), what, (2, 3), shapes)
    otherwise = "Right for momentum 0.3, not for 0.1: use the momentum that is given."
    explain(found, _running(batches[:2], 0.1), otherwise=otherwise, atol=1e-5)
    return "Right: these are the numbers that torch's layer keeps for evaluation mode."


# ---------------------------------------------------------------------------------------- dropout

DROPPED_TOGETHER = {  # along which axes all numbers share their fate
    (1, 2, 3): "Whole images are dropped",
    (2, 3): "Whole channels are dropped, which is another layer, nn.Dropout2d",
    (0,): "All images lose the same numbers: your mask lacks the batch axis",
    (1,): "All channels of an image lose the same numbers",
}
P = 0.2
SCALE_MISTAKES = {
    "What is left isn't scaled, so in training every sum is smaller by p, on average, than in "
    "evaluation. Divide by 1 − p.": 1.0,
    "You multiply by 1 − p, which makes sums smaller still; divide by it.": 1 - P,
    "You divide by p, the share that is dropped; divide by 1 − p, the share that is left.": 1 / P,
    "You multiply by p; divide by 1 − p, the share that is left.": P,
    "You scale by 1 + p; what is left has to make up for all: 1/(1 − p).": 1 + P,
}


@check
def dropout(answer) -> str:
    """``answer(x, p, training, generator)``: inverted dropout; in evaluation mode, ``x``."""
    x = 1 + torch.rand(200, 3, 5, 5, generator=torch.Generator().manual_seed(0))

    def ratio(training: bool, seed: int = 1, p: float = P) -> Tensor:
        """What each number is multiplied by."""
        found = _call(answer, x, p, training, torch.Generator().manual_seed(seed))
        return tensor(found, "all of x, with some of it 0", x.shape) / x

    drawn, evaluated = ratio(True), ratio(False)
    whole = near(evaluated, torch.ones(x.shape))
    if near(drawn, torch.ones(x.shape)):
        if not whole:
            raise Mistake("The modes are swapped: drop where training is True.")
        raise Mistake("Nothing is dropped in training mode: p of the numbers should become 0.")
    _refuse_mask(drawn == 0)
    _refuse_scale(drawn[drawn != 0], len(drawn[drawn != 0]) / drawn.numel())
    if not whole:
        if (evaluated == 0).any():
            raise Mistake(
                "You drop in evaluation mode, too. There nothing is left to chance: return x."
            )
        if evaluated.max() - evaluated.min() > 1e-3:
            raise Mistake("In evaluation mode you change x. There nothing is to be done: return x.")
        raise Mistake(
            f"In evaluation mode you return {evaluated.mean():g} · x. Training already scales "
            "by 1/(1 − p), so that here x can stay as it is."
        )
    if not torch.equal(drawn, ratio(True)):
        raise Mistake(
            "Twice the same generator, two different masks: pass generator=generator to "
            "torch.rand, or nobody can repeat your run."
        )
    others = ratio(True, seed=2), ratio(True, seed=3)
    if torch.equal(drawn, others[0]):
        raise Mistake(
            "Every call drops the same numbers, whatever the generator: draw from it, and "
            "seed nothing yourself."
        )
    if len({int((each == 0).sum()) for each in (drawn, *others)}) == 1:
        raise Mistake(
            "Every draw drops equally many numbers. Each is dropped by itself, with the "
            "probability p, so that their number is a matter of chance."
        )
    other = ratio(True, p=0.35)
    left = other[other != 0]
    scaled = near(left, torch.full(left.shape, 1 / 0.65))
    if abs(len(left) / other.numel() - 0.65) > 0.03 or not scaled:
        raise Mistake("Right for p = 0.2, not for p = 0.35: use the p that is given.")
    if not near(ratio(True, p=0.0), torch.ones(x.shape)):
        raise Mistake("With p = 0 nothing may change, but something does.")
    codes = x[..., 0, 0]
    try:
        tensor(_call(answer, codes, P, True, torch.Generator()), "all of x", codes.shape)
    except Mistake as mistake:
        shapes = f"{tuple(x.shape)}, but not for one of {tuple(codes.shape)}"
        raise Mistake(f"Right for an x of {shapes}; it may have any shape: {mistake}") from None
    return "Right: drop with probability p, scale what is left by 1/(1 − p), and only in training."


def _refuse_mask(dropped: Tensor) -> None:
    """Refuse masks that drop too much or too little, or what hangs together."""
    share, draw = dropped.float().mean().item(), "draw a number for every number of x"
    if share == 0:
        raise Mistake(
            "In training mode you change x, but none of it becomes 0: what is dropped is 0, not a "
            "mean, nothing is added, and only what is left is scaled."
        )
    axes = tuple(axis for axis in range(4) if (dropped == dropped.narrow(axis, 0, 1)).all())
    if axes and share < 1:
        together = f"Numbers are dropped together along the axes {axes} of (N, C, H, W)"
        what = DROPPED_TOGETHER.get(axes, together)
        raise Mistake(f"{what}: {draw}, torch.rand(x.shape, …).")
    if abs(share - (1 - P)) < 0.03:
        raise Mistake(
            f"{share:.0%} became 0 for p = {P:g}: p is the probability to *drop*. Keep where the "
            "random number is at least p."
        )
    if abs(share - P) > 0.03:
        raise Mistake(f"{share:.0%} of the numbers became 0; expected {P:.0%}, for p = {P:g}.")
    # After the share: where too few are dropped, images are alike by chance.
    for axis, what in enumerate(("images", "channels", "rows", "columns")):
        each = dropped.transpose(0, axis).flatten(1)
        if len(each.unique(dim=0)) < len(each):
            raise Mistake(f"Some {what} lose the same numbers as others: {draw}.")


def _refuse_scale(left: Tensor, share: float) -> None:
    """Refuse what is left, a share of all, if it isn't x / (1 − p)."""
    if left.max() - left.min() > 1e-3:
        raise Mistake("What is left isn't x times one number: keep x, or set it to 0, and scale.")
    by_chance = (
        "You divide by the share that happened to be kept; divide by 1 − p, the probability. "
        "Otherwise what one number becomes depends on what was drawn for the others."
    )
    explain(
        left.mean().item(),
        1 / (1 - P),
        {**SCALE_MISTAKES, by_chance: 1 / share},
        otherwise="What is left is scaled by {found}; expected {right}, 1/(1 − p).",
        rtol=1e-5,
    )
