"""Checks for lesson 09: KL in closed form, the reparameterisation, and what β a loss really has."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ae_helpers.exercises.answers import (
    Mistake,
    call,
    call_unchanged,
    check,
    explain,
    near,
    number,
    tensor,
)

_unchanged = partial(call_unchanged, "exp_ or *=; compute new ones.")
_tensor = partial(
    tensor,
    cure="What isn't a number may come of a log variance below 0, which has an exponential, but no "
    "logarithm and no root.",
)


def _refuse_no_gradient(answer: Callable, **inputs: Tensor) -> None:
    """Refuse an answer through which no gradient reaches one of the inputs."""
    given = [each.clone().requires_grad_() for each in inputs.values()]
    found = call(answer, *given)
    if not (isinstance(found, Tensor) and found.requires_grad):
        raise Mistake(
            "The numbers are right, but no gradient flows back from them, so nothing can be "
            "learned. Compute with torch alone, without detach, item, numpy, no_grad or sample()."
        )
    gradients = torch.autograd.grad(found.sum(), given, allow_unused=True)
    for name, gradient in zip(inputs, gradients, strict=True):
        if gradient is None or not gradient.any():
            raise Mistake(
                f"The numbers are right, but no gradient reaches the {name.replace('_', ' ')}, so "
                "that the network can't learn it: is there a detach, a no_grad, or a draw from "
                "torch.normal?"
            )


# ------------------------------------------------------------------------------ KL in closed form


def _each_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Of each number of each image, in nats."""
    return (mean**2 + log_variance.exp() - 1 - log_variance) / 2


@check
def kl(answer) -> str:
    """``answer(mean, log_variance)``, ``(N, d)`` each → ``(N,)`` nats per image."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(5, 3, generator=generator) + 0.5
    above = 0.2 + torch.rand(5, 3, generator=generator)  # so that a wrong logarithm exists, too
    what = "one number per image"
    shapes = {
        (5, 3): "That is one number for each latent number: sum over them, .sum(1).",
        (3,): "You sum over the images; sum over the latent numbers, axis 1.",
        (5, 1): f"Expected (5,), {what}: without keepdim.",
    }
    found = _tensor(_unchanged(answer, mean, above), what)
    if found.ndim:
        found = _tensor(found, what, (5,), shapes)
    if not near(found, _tensor(call(answer, mean, above), what), rtol=0, atol=0):
        raise Mistake(
            "Two calls, two answers: you draw, and estimate. Asked for is the closed form, which "
            "needs no random numbers."
        )
    _refuse_kl(found, mean, above)
    others = {
        "Right for positive log variances, but not for negative ones, where the variance is below "
        "1. Is there an abs, a clamp, or something added to the variance?": (mean, above - 12),
        "Right for small log variances, but not for larger ones. Is there a clamp?": (
            mean,
            above + 12,
        ),
        "Right for small means, but not for larger ones. Is there a clamp?": (6 * mean, above),
        "Right for codes of 3 numbers, but not for codes of 2: take d from the shape, or sum what "
        "each number costs.": (mean[:, :2], above[:, :2]),
    }
    for text, case in others.items():
        found = _tensor(call(answer, *case), what, (5,))
        explain(found, _each_kl(*case).sum(1), otherwise=text)
    _refuse_no_gradient(answer, mean=mean, log_variance=above)
    return "Right: nats per image, and 0 only where the mean is 0 and the variance is 1."


def _refuse_kl(found: Tensor, mean: Tensor, log_variance: Tensor) -> None:
    """Refuse what isn't the KL of each image."""
    each, variance = _each_kl(mean, log_variance), log_variance.exp()
    right = each.sum(1)

    def half(*terms: Tensor) -> Tensor:
        return sum(terms).sum(1) / 2

    alone = "; expected one number per image: sum over axis 1 alone."
    wrong = {
        f"You sum over the batch, too{alone}": each.sum(),
        f"You average over the batch{alone}": right.mean(),
        f"You average over everything, images and latent numbers{alone}": each.mean(),
        "You average over the latent numbers; sum them: .sum(1). KL of independent numbers adds "
        "up.": each.mean(1),
        "The sign is turned: KL is never negative.": -right,
        "Twice too much: the ½ is missing.": 2 * right,
        "Those are bits: use the natural logarithm, for nats.": right / math.log(2),
        "You take the log variance for the variance: σ² is log_variance.exp(), and log σ² is "
        "log_variance itself.": half(mean**2, log_variance - 1, -log_variance.log()),
        "You take the log variance for the standard deviation: σ² is log_variance.exp(), not "
        "log_variance².": half(mean**2, log_variance**2 - 1, -2 * log_variance.log()),
        "You take the log variance for log σ: it is log σ² already, so don't square or double "
        "it.": half(mean**2, variance**2 - 1, -2 * log_variance),
        "You add σ where σ² belongs: log_variance.exp() is σ².": half(
            mean**2, variance.sqrt() - 1, -log_variance
        ),
        "You add log σ²; it is subtracted.": half(mean**2, variance - 1, log_variance),
        "log σ² is missing. Without it σ = 0 would cost least.": half(mean**2, variance - 1),
        "The − 1 is missing: KL has to be 0 for mean 0 and variance 1.": half(2 * each, each**0),
        "You add 1; it is subtracted.": half(2 * each, 2 * each**0),
        "You subtract 1 once for an image; it belongs to each of its numbers.": right
        + (mean.shape[1] - 1) / 2,
        "The ½ stands before μ² alone; it belongs before the whole sum.": half(
            4 * each, -(mean**2)
        ),
        "The ½ is missing before μ².": half(2 * each, mean**2),
        "You subtract μ²; it is added.": half(2 * each, -2 * mean**2),
        "You subtract log σ where log σ² belongs: log_variance as it is.": half(
            mean**2, variance - 1, -log_variance / 2
        ),
        "You halve the log variance first: σ² is exp(log_variance), without a ½.": half(
            mean**2, variance.sqrt() - 1, -log_variance / 2
        ),
        "μ enters squared.": half(mean, variance - 1, -log_variance),
        "μ² is missing.": half(variance - 1, -log_variance),
        "mean and log_variance are swapped.": _each_kl(log_variance, mean).sum(1),
        "That is KL in the other direction, from the standard normal to the code's normal. Here "
        "the expectation is over the code's: μ² + σ² − 1 − log σ².": half(
            (1 + mean**2) / variance - 1, log_variance
        ),
    }
    first = [", ".join(f"{value:.2f}" for value in row[0]) for row in (mean, log_variance)]
    otherwise = (
        "You say {found}; expected {right}: for the first image half the sum of "
        f"μ² + σ² − 1 − log σ² over μ = {first[0]} and log σ² = {first[1]}."
        if found.ndim
        else "You return a single number; expected one per image: .sum(1)."
    )
    explain(found, right, wrong, otherwise=otherwise)


# -------------------------------------------------------------------------- the reparameterisation

LEVELS = torch.tensor([-4.0, -1.0, 0.5, 3.0])  # log variances, 4,000 numbers of each
NOISE = 0.1  # how far the mean and spread of 4,000 draws may be off, in σ: more than 6 errors
SHARED = (
    "Some numbers share their ε, or it goes along with another's: draw one for each number, "
    "torch.randn_like(mean)."
)


def _by_level(values: Tensor, places: Tensor) -> Tensor:
    """``(N, 4)`` numbers whose log variance was ``LEVELS[places % 4]``, with a column for each."""
    return values.flatten()[places.flatten().argsort()].view(-1, 4)


def _standard(noise: Tensor, places: Tensor) -> bool:
    """Whether noise has the mean 0 and the spread 1, at each level."""
    parts = _by_level(noise, places)
    return bool((parts.mean(0).abs() < NOISE).all() and ((parts.std(0) - 1).abs() < NOISE).all())


@check
def sample(answer) -> str:
    """``answer(mean, log_variance)``, ``(N, d)`` each → ``mean + exp(½ log_variance) · ε``."""
    generator = torch.Generator().manual_seed(0)
    places = torch.randperm(16_000, generator=generator).view(4_000, 4)
    mean, log_variance = 2 * torch.randn(4_000, 4, generator=generator), LEVELS[places % 4]
    spread = (log_variance / 2).exp()
    torch.manual_seed(7)
    what = "a code for each image, as many numbers as mean has"
    found = _tensor(_unchanged(answer, mean, log_variance), what, mean.shape)
    if near(found, mean):
        raise Mistake("You return the mean: there is no noise. Add σ · ε.")
    noise = (found - mean) / spread
    _refuse_shared(noise)
    parts = _by_level(noise, places)
    # Of 16,000 normal numbers some 20 are further off than 3.2 standard deviations.
    if ((parts - parts.mean(0)).abs() < 3.2 * parts.std(0)).all():
        kind = "between 0 and 1, as torch.rand is" if noise.min() >= 0 else "between two borders"
        raise Mistake(
            f"Your ε is not normal: all of it lies {kind}. Draw it with torch.randn_like(mean)."
        )
    if not _standard(noise, places):
        _wrong_sample(found, mean, log_variance, places)
    # The same ε elsewhere in the batch, perhaps with its sign turned: of 16,000 draws few are as
    # near to another as rounding makes these.
    if (noise.flatten().abs().sort().values.diff() < 2e-6).float().mean() > 0.2:
        raise Mistake(SHARED)
    moments = {  # by power: what a normal ε has, how far off it may be, and what it is else
        3: (0, 0.3, "what is far off lies to one side"),  # more than 9 errors
        4: (3, 0.6, "too many of its numbers are far off, or too few"),  # more than 7
    }
    for power, (normal, bound, kind) in moments.items():
        if abs((noise**power).mean() - normal) > bound:
            raise Mistake(
                f"Your ε has the mean 0 and the spread 1, but isn't normal: {kind}. Draw it with "
                "torch.randn_like(mean)."
            )
    if near(found, _tensor(call(answer, mean, log_variance), what)):
        raise Mistake(
            "Two calls give the same noise: seed nothing in your function, and draw ε anew."
        )
    _refuse_no_gradient(answer, mean=mean, log_variance=log_variance)
    return "Right: the randomness is in ε alone, so gradients reach both the mean and the variance."


def _refuse_shared(noise: Tensor) -> None:
    """Refuse ε, ``(N, d)``, that isn't drawn for each number; its scale may still be wrong."""
    shared = {
        "ε is missing: you add σ itself, and draw nothing.": torch.ones(1, 1),
        "One single ε for all: draw one for each number, torch.randn_like(mean).": noise[:1, :1],
        "All images get the same ε: draw for the whole batch, torch.randn_like(mean).": noise[:1],
        "All numbers of an image get the same ε: draw one for each number, "
        "torch.randn_like(mean).": noise[:, :1],
    }
    for text, one in shared.items():
        if near(noise, one.expand_as(noise), rtol=0, atol=1e-3):
            raise Mistake(text)
    # The numbers of two images in a row: none may go along with another. Their ranks are compared,
    # for of a wrong scale a few numbers may be so large that they alone would decide.
    ranks = noise.reshape(-1, 8).argsort(0).argsort(0).double()
    alike = torch.corrcoef(ranks.T) - torch.eye(8)
    if alike.abs().max() > 0.15:  # of 2,000 pairs: more than 6 errors
        raise Mistake(SHARED)


def _wrong_sample(found: Tensor, mean: Tensor, log_variance: Tensor, places: Tensor) -> None:
    """Say what is wrong with noise that hasn't the mean 0 and the spread σ."""
    added, half = found - mean, (log_variance / 2).exp()
    wrong = {  # what ε is, if the mistake was made
        "You multiply by exp(log_variance), the variance: σ is exp(½ · log_variance).": added
        / half**2,
        "σ is exp(½ · log_variance); you multiply by log_variance as it is, without the "
        "exponential.": added / log_variance,
        "You halve the variance: the ½ belongs in the exponent, exp(½ · log_variance).": added
        / (half**2 / 2),
        "You multiply by ½ · log_variance: its exponential is σ.": added / (log_variance / 2),
        "The sign in the exponent is turned: you multiply by 1/σ.": added * half,
        "You multiply by exp(2 · log_variance); halve it, exp(½ · log_variance).": added / half**4,
        "Your ε has the spread 1 everywhere: multiply it by σ = exp(½ · log_variance).": added,
        "You add σ and ε; multiply them: mean + σ · ε.": added - half,
        "You add mean and ε first: only ε is multiplied by σ.": found / half - mean,
        "That is σ + mean · ε: mean and σ are swapped.": (found - half) / mean,
        "That is noise of spread σ around 0: the mean is missing.": found / half,
        "You subtract mean; add it.": (found + mean) / half,
        "mean and log_variance are swapped.": (found - log_variance) / (mean / 2).exp(),
    }
    for text, noise in wrong.items():
        if _standard(noise, places):
            raise Mistake(text)
    noise = added / half
    if noise.min() >= 0:
        raise Mistake("Your ε is never negative; a normal one is, in half of the cases.")
    raise Mistake(
        f"(what you return − mean) / σ should have the mean 0 and the spread 1; yours has "
        f"{noise.mean():.2f} and {noise.std():.2f}."
    )


# ------------------------------------------------------------------------- the β that a loss has

IMAGES, PIXELS, NUMBERS = 7, 15, 4  # of the check, all different
LESSON = {"images": (IMAGES, 128), "pixels": (PIXELS, 784), "latent numbers": (NUMBERS, 64)}
# What D and K may be: by how much they then are too large here, and in the lesson.
OF_D = {
    "the sum over pixels": (1.0, 1),
    "the mean over pixels": (1 / PIXELS, 1 / 784),
    "the sum over the whole batch": (float(IMAGES), 128),
    "divided by the number of images once more": (1 / IMAGES, 1 / 128),
}
OF_K = {
    "the sum over latent numbers": (1.0, 1),
    "the mean over latent numbers": (1 / NUMBERS, 1 / 64),
    "the sum over the whole batch": (float(IMAGES), 128),
    "divided by the number of images once more": (1 / IMAGES, 1 / 128),
    "the sum over latent numbers, divided by the number of pixels": (1 / PIXELS, 1 / 784),
}
# What a distortion of another kind may be multiplied by; half of the squares are a Gaussian's.
SUMMED = [half * each for half in (1, 0.5) for each in (1, PIXELS, IMAGES * PIXELS)]


@check
def loss(answer) -> str:
    """``answer(images, output, mean, log_variance, beta)`` → mean of distortion + β · KL, in nats.

    ``images`` and ``output`` are ``(N, 1, H, W)``, 0 or 1 and in (0, 1); the others ``(N, d)``.
    The loss is compared at several β: it is a · D + b · β · K, and b / a tells the β that it means.
    """
    generator = torch.Generator().manual_seed(0)
    images = (torch.rand(IMAGES, 1, 3, 5, generator=generator) < 0.4).float()
    output = 0.1 + 0.8 * torch.rand(images.shape, generator=generator)
    mean, log_variance = 2 * torch.randn(2, IMAGES, NUMBERS, generator=generator)
    shapes = {
        (IMAGES,): "That is a loss for each image; average over them: .mean().",
        tuple(images.shape): "That is a number for each pixel: sum over pixels, average over "
        "images.",
    }
    betas = [0.0, 1.0, 4.5]
    found = [
        number(
            _unchanged(answer, images, output, mean, log_variance, beta),
            "one number, the mean over images",
            shapes,
            where=f"Your loss for β = {beta:g}",
            cure="Is something divided by beta, which may be 0, or is there a log of 0?",
        )
        for beta in betas
    ]
    d = F.binary_cross_entropy(output, images, reduction="sum").item() / IMAGES
    k = _each_kl(mean, log_variance).sum(1).mean().item()
    wrong = {
        "Right for β = 1, but beta isn't used: D + beta · K.": lambda beta: d + k,
        "That is the distortion alone: + beta · K is missing.": lambda beta: d,
        "β stands at the wrong term: D + β · K, not β · D + K.": lambda beta: beta * d + k,
        "β stands before both terms: D + β · K, not β · (D + K).": lambda beta: beta * (d + k),
        "You multiply K by 1 + β: D + β · K.": lambda beta: d + (1 + beta) * k,
        "You add β; multiply K by it: D + β · K.": lambda beta: d + beta + k,
        "That is (1 − β) · D + β · K; D keeps its full weight: D + β · K.": lambda beta: (
            (1 - beta) * d + beta * k
        ),
        "That is the ELBO; the loss is *minus* the ELBO: D + β · K.": lambda beta: -d - beta * k,
    }
    explain(
        found,
        lambda beta: d + beta * k,
        wrong,
        cases=[(beta,) for beta in betas],
        otherwise=_wrong_terms(*found, d, k, images, output),
    )
    _refuse_no_gradient(
        lambda *parts: answer(images, *parts, 1.0),
        output=output,
        mean=mean,
        log_variance=log_variance,
    )
    return "Right: both terms in nats per image, so that β = 1 is the negative ELBO."


def _wrong_terms(
    without: float, once: float, often: float, d: float, k: float, images: Tensor, output: Tensor
) -> str:
    """What is wrong with losses for β = 0, 1 and 4.5: a · D + b · β · K with the right D and K."""
    growth = once - without
    if near(growth, 0.0):
        return "Your loss is the same for β = 0 and β = 1: multiply KL by beta."
    if not near(often - without, 4.5 * growth):
        return "Your loss doesn't grow evenly with β: D + β · K has β once, as factor."
    a, b = without / d, growth / k
    for name, (here, typed) in LESSON.items():
        off = typed / here, here / typed, 1 / typed
        if any(near(factor, each) for factor in (a, b) for each in off):
            return f"You typed {typed}: take the number of {name} from the tensors' shape."
    named_d, named_k = (
        next(((name, there) for name, (here, there) in names.items() if near(factor, here)), None)
        for factor, names in ((a, OF_D), (b, OF_K))
    )
    cure = "Sum over pixels and over latent numbers, then take the mean over images."
    if named_d and named_k:
        (what_d, of_d), (what_k, of_k) = named_d, named_k
        if of_d == of_k:
            return (
                f"Your D is {what_d} and your K {what_k}: the two fit each other, so β means what "
                f"it says, but they aren't nats per image. {cure}"
            )
        really = f"{of_k / of_d:,.6g}" if of_k > of_d else f"1/{of_d / of_k:,.6g}"
        return (
            f"Your D is {what_d}, your K is {what_k}. With 784 pixels, 64 numbers and batches of "
            f"128, β = 1 then means β = {really}. {cure}"
        )
    if not named_d:
        return _wrong_distortion(without, d, images, output)
    wrong = {
        "The sign of KL is turned: a negative ELBO is D *plus* β · K.": -1.0,
        "Your KL is twice too large: the ½ is missing.": 2.0,
        "Your KL is half of what it should be: the ½ stands twice.": 0.5,
        "Your KL is in bits, and D in nats: use the natural logarithm.": 1 / math.log(2),
    }
    for text, factor in wrong.items():
        if near(b, factor):
            return text
    return (
        f"Your D is {named_d[0]}. What β is multiplied by is {growth:.4f}; expected {k:.4f}: "
        "½ Σ (μ² + σ² − 1 − log σ²) over latent numbers, mean over images."
    )


def _wrong_distortion(value: float, right: float, images: Tensor, output: Tensor) -> str:
    """What is wrong with a loss for β = 0."""
    wrong = {
        "Your distortion is the squared error, which isn't in nats. The Bernoulli one is "
        "F.binary_cross_entropy(output, images, …).": F.mse_loss(output, images),
        "The output comes first: F.binary_cross_entropy(output, images, …).": (
            F.binary_cross_entropy(images, output)
        ),
        "Your output is in (0, 1) already: binary_cross_entropy, without _with_logits.": (
            F.binary_cross_entropy_with_logits(output, images)
        ),
        "The black pixels are missing: (1 − x) · log(1 − y).": -(images * output.log()).mean(),
        "The white pixels are missing: x · log y.": -((1 - images) * (1 - output).log()).mean(),
        "That is the absolute error, which isn't in nats. The Bernoulli distortion is "
        "F.binary_cross_entropy(output, images, …).": F.l1_loss(output, images),
    }
    for text, average in wrong.items():
        if any(near(value, average.item() * each) for each in SUMMED):
            return text
    if near(value, right / math.log(2)):
        return "Your D is in bits: use the natural logarithm, for nats."
    if any(near(value, right / side) for side in images.shape[2:]):
        return "You sum over one axis of an image alone: .flatten(1).sum(1) sums over all pixels."
    if near(value, -right):
        return "The sign of D is turned: the cross-entropy is −log p, never negative."
    return (
        f"At β = 0 your loss is {value:.4f}; expected {right:.4f}, the Bernoulli cross-entropy "
        "summed over pixels, mean over images."
    )
