"""Checks for lesson 09: KL in closed form, the reparameterisation, and what β a loss really has."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ae_helpers.exercises.answers import Mistake, call, call_unchanged, check

# ------------------------------------------------------------------------------- what they share


_on_copies = partial(call_unchanged, "exp_ or *=; compute new ones.")


def _tensor(found, shape: Sequence[int], what: str, shapes: dict[tuple, str] | None = None):
    """The answer as a tensor of this shape; ``shapes`` says what to say about others."""
    if isinstance(found, (tuple, list)) and any(isinstance(part, Tensor) for part in found):
        raise Mistake(f"You return {len(found)} things; expected one tensor: {what}.")
    try:
        found = torch.as_tensor(found)
    except (TypeError, ValueError, RuntimeError):
        raise Mistake(f"You return a {type(found).__name__}; expected {what}.") from None
    if found.shape != torch.Size(shape):
        text = (shapes or {}).get(tuple(found.shape), f"Expected {tuple(shape)}: {what}.")
        raise Mistake(f"You return the shape {tuple(found.shape)}. {text}")
    if not found.isfinite().all():
        raise Mistake(
            "Some of what you return isn't a number (NaN or infinity). A log variance may be "
            "negative: it has an exponential, but no logarithm and no root."
        )
    return found


def _near(one, other) -> bool:
    one, other = (torch.as_tensor(each).detach().double() for each in (one, other))
    return torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def _gradients(answer: Callable, names: dict[str, Tensor], *more) -> list[Tensor]:
    """The gradient of the sum of what is answered, with respect to each of ``names``."""
    given = [each.clone().requires_grad_() for each in names.values()]
    found = call(answer, *given, *more)
    if not (isinstance(found, Tensor) and found.requires_grad):
        raise Mistake(
            "The numbers are right, but no gradient flows back from them, so nothing can be "
            "learned. Compute with torch alone, without detach, item, numpy, no_grad or sample()."
        )
    gradients = torch.autograd.grad(found.sum(), given, allow_unused=True)
    for name, gradient in zip(names, gradients, strict=True):
        if gradient is None or not gradient.any():
            raise Mistake(
                f"The numbers are right, but no gradient reaches the {name}, so that the network "
                "can't learn it: is there a detach, a no_grad, or a draw from torch.normal?"
            )
    return list(gradients)


# ------------------------------------------------------------------------------ KL in closed form


def _kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Of each number of each image, in nats."""
    return (mean**2 + log_variance.exp() - 1 - log_variance) / 2


@check
def kl(answer) -> str:
    """``answer(mean, log_variance)``, ``(N, d)`` each → ``(N,)`` nats per image."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(5, 3, generator=generator) + 0.5
    above = 0.2 + torch.rand(5, 3, generator=generator)  # so that a wrong logarithm exists, too
    names = {"mean": mean, "log variance": above}
    each = _kl(mean, above)
    right = each.sum(1)
    what = "one number per image"
    shapes = {
        (5, 3): "That is one number for each latent number: sum over them, .sum(1).",
        (3,): "You sum over the images; sum over the latent numbers, axis 1.",
        (5, 1): f"Expected (5,), {what}: without keepdim.",
    }
    with torch.random.fork_rng(devices=[]):
        found = _on_copies(answer, mean, above)
        if getattr(found, "shape", None) == () or isinstance(found, float):
            _refuse_one_number(float(found), each)
        found = _tensor(found, (5,), what, shapes)
        if not torch.equal(found, torch.as_tensor(call(answer, mean, above))):
            raise Mistake(
                "Two calls, two answers: you draw, and estimate. Asked for is the closed form, "
                "which needs no random numbers."
            )
        if not _near(found, right):
            _wrong_kl(found, mean, above, each)
        below = above - 3
        other = _tensor(call(answer, mean, below), (5,), what)
        if not _near(other, _kl(mean, below).sum(1)):
            raise Mistake(
                "Right for positive log variances, but not for negative ones, where the variance "
                "is below 1. Is there an abs or a clamp?"
            )
        _gradients(answer, names)
    return "Right: nats per image, and 0 only where the mean is 0 and the variance is 1."


def _refuse_one_number(value: float, each: Tensor) -> None:
    wrong = {
        "You sum over the batch, too": each.sum(),
        "You average over the batch": each.sum(1).mean(),
        "You average over everything, images and latent numbers": each.mean(),
    }
    for text, other in wrong.items():
        if _near(value, other):
            raise Mistake(f"{text}; expected one number per image: sum over axis 1 alone.")
    raise Mistake("You return a single number; expected one per image: .sum(1).")


def _wrong_kl(found: Tensor, mean: Tensor, log_variance: Tensor, each: Tensor) -> None:
    """Say what is wrong with a KL of the right shape."""
    variance, right = log_variance.exp(), each.sum(1)
    as_variance = (mean**2 + log_variance - 1 - log_variance.log()) / 2
    as_std = (mean**2 + log_variance**2 - 1 - 2 * log_variance.log()) / 2
    as_log_std = (mean**2 + variance**2 - 1 - 2 * log_variance) / 2
    std_for_variance = each + (variance.sqrt() - variance) / 2
    reverse = ((1 + mean**2) / variance - 1 + log_variance) / 2
    wrong = {
        "You average over the latent numbers; sum them: .sum(1). KL of independent numbers adds "
        "up.": each.mean(1),
        "The sign is turned: KL is never negative.": -right,
        "Twice too much: the ½ is missing.": 2 * right,
        "Those are bits: use the natural logarithm, for nats.": right / math.log(2),
        "You take the log variance for the variance: σ² is log_variance.exp(), and log σ² is "
        "log_variance itself.": as_variance.sum(1),
        "You take the log variance for the standard deviation: σ² is log_variance.exp(), not "
        "log_variance².": as_std.sum(1),
        "You take the log variance for log σ: it is log σ² already, so don't square or double "
        "it.": as_log_std.sum(1),
        "You add σ where σ² belongs: log_variance.exp() is σ².": std_for_variance.sum(1),
        "You add log σ²; it is subtracted.": (each + log_variance).sum(1),
        "log σ² is missing. Without it σ = 0 would cost least.": (each + log_variance / 2).sum(1),
        "The − 1 is missing: KL has to be 0 for mean 0 and variance 1.": (each + 0.5).sum(1),
        "μ enters squared.": (each + (mean - mean**2) / 2).sum(1),
        "μ² is missing.": (each - mean**2 / 2).sum(1),
        "That is KL in the other direction, from the standard normal to the code's normal. Here "
        "the expectation is over the code's: μ² + σ² − 1 − log σ².": reverse.sum(1),
    }
    for text, other in wrong.items():
        if _near(found, other):
            raise Mistake(text)
    raise Mistake(
        f"For the first image you say {found[0]:.4f}; expected {right[0]:.4f}, half the sum of "
        f"μ² + σ² − 1 − log σ² over μ = {_list(mean[0])} and log σ² = {_list(log_variance[0])}."
    )


def _list(numbers: Tensor) -> str:
    return ", ".join(f"{number:.2f}" for number in numbers.tolist())


# -------------------------------------------------------------------------- the reparameterisation

LEVELS = torch.tensor([-3.0, -1.0, 0.5, 1.5])  # log variances, 4,000 numbers of each
NOISE = 0.1  # how far the mean and spread of 4,000 draws may be off, in σ: more than 6 errors


def _by_level(values: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and spread of what belongs to each of LEVELS, ``(4,)`` each."""
    parts = [values[level == index] for index in range(len(LEVELS))]
    return (
        torch.stack([part.mean() for part in parts]),
        torch.stack([part.std() for part in parts]),
    )


@check
def sample(answer) -> str:
    """``answer(mean, log_variance)``, ``(N, d)`` each → ``mean + exp(½ log_variance) · ε``."""
    generator = torch.Generator().manual_seed(0)
    level = torch.arange(16_000).remainder(4)[torch.randperm(16_000, generator=generator)]
    level = level.view(4_000, 4)
    mean, log_variance = 2 * torch.randn(4_000, 4, generator=generator), LEVELS[level]
    spread = (log_variance / 2).exp()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        what = "a code for each image, as many numbers as mean has"
        found = _tensor(_on_copies(answer, mean, log_variance), mean.shape, what).detach()
        if _near(found, mean):
            raise Mistake("You return the mean: there is no noise. Add σ · ε.")
        _refuse_noise((found - mean) / spread, level)
        middle, width = _by_level(found - mean, level)
        sigma = (LEVELS / 2).exp()
        if (middle.abs() > NOISE * sigma).any() or ((width / sigma - 1).abs() > NOISE).any():
            _wrong_sample(found, mean, log_variance, level)
        if _near(found, torch.as_tensor(call(answer, mean, log_variance))):
            raise Mistake(
                "Two calls give the same noise: seed nothing in your function, and draw ε anew."
            )
        names = {"mean": mean, "log variance": log_variance}
        to_mean, to_log_variance = _gradients(answer, names)
        if not _near(to_mean, torch.ones_like(mean)) or not to_log_variance.isfinite().all():
            raise Mistake("The numbers are right, but their gradient isn't that of mean + σ · ε.")
    return "Right: the randomness is in ε alone, so gradients reach both the mean and the variance."


def _refuse_noise(noise: Tensor, level: Tensor) -> None:
    """Refuse ε, ``(N, d)``, that is shared or isn't normal; its scale may still be wrong."""
    shared = {
        "One single ε for everything: draw one for each number, torch.randn_like(mean).": (
            noise - noise[:1, :1]
        ),
        "All images get the same ε: draw for the whole batch, torch.randn_like(mean).": (
            noise - noise[:1]
        ),
        "All numbers of an image get the same ε: draw one for each number, "
        "torch.randn_like(mean).": noise - noise[:, :1],
    }
    for text, differences in shared.items():
        if differences.abs().max() < 1e-3:
            raise Mistake(text)
    middle, width = _by_level(noise, level)
    if ((noise - middle[level]).abs() < 2.5 * width[level]).all():  # of 16,000 normal ones, never
        kind = "between 0 and 1, as torch.rand is" if noise.min() >= 0 else "between two borders"
        raise Mistake(
            f"Your ε is not normal: all of it lies {kind}. Draw it with torch.randn_like(mean)."
        )


def _wrong_sample(found: Tensor, mean: Tensor, log_variance: Tensor, level: Tensor) -> None:
    """Say what is wrong with noise that hasn't the mean 0 and the spread σ."""

    def standard(noise: Tensor) -> bool:
        middle, width = _by_level(noise, level)
        return bool((middle.abs() < NOISE).all() and ((width - 1).abs() < NOISE).all())

    added, half = found - mean, (log_variance / 2).exp()
    wrong = {
        "σ is exp(½ · log_variance); you multiply by exp(log_variance), the variance.": (
            added / half**2
        ),
        "σ is exp(½ · log_variance); you multiply by log_variance as it is, which can be "
        "negative.": added / log_variance,
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
        if standard(noise):
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
LESSON = {
    "pixels": 784,
    "latent numbers": 64,
    "images": 128,
}  # of the lesson's images, codes, batches


@check
def loss(answer) -> str:
    """``answer(images, output, mean, log_variance, beta)`` → mean of distortion + β · KL, in nats.

    ``images`` and ``output`` are ``(N, 1, H, W)``, 0 or 1 and in (0, 1); the others ``(N, d)``.
    The loss is compared at several β: it is a · D + b · β · K, and b / a tells the β that it means.
    """
    generator = torch.Generator().manual_seed(0)
    images = (torch.rand(IMAGES, 1, 3, 5, generator=generator) < 0.4).float()
    output = 0.1 + 0.8 * torch.rand(images.shape, generator=generator)
    mean, log_variance = torch.randn(2, IMAGES, NUMBERS, generator=generator)
    given = images, output, mean, log_variance

    def at(beta: float) -> float:
        found = _tensor(
            _on_copies(answer, *given, beta),
            (),
            "one number, the mean over images",
            {
                (IMAGES,): "That is a loss for each image; average over them: .mean().",
                (1,): "Expected a single number without an axis: .mean().",
                images.shape: "That is a number for each pixel: sum over pixels, average over "
                "images.",
            },
        )
        return float(found.detach())

    with torch.random.fork_rng(devices=[]):
        distortion = F.binary_cross_entropy(output, images, reduction="sum").item() / IMAGES
        rate = _kl(mean, log_variance).sum(1).mean().item()
        without, once, thrice = at(0.0), at(1.0), at(3.0)
        if _near(without, once):
            _beta_unused(once, distortion, rate)
        if not _near(thrice - without, 3 * (once - without)):
            raise Mistake("Your loss doesn't grow evenly with β: D + β · K has β once, as factor.")
        _wrong_beta(without, once - without, images, output, distortion, rate)
        names = {"output": output, "mean": mean, "log variance": log_variance}
        _gradients(lambda *parts: call(answer, images, *parts, 1.0), names)
    return "Right: both terms in nats per image, so that β = 1 is the negative ELBO."


def _beta_unused(value: float, distortion: float, rate: float) -> None:
    if _near(value, distortion + rate):
        raise Mistake("Right for β = 1, but beta isn't used: D + beta · K.")
    if _near(value, distortion):
        raise Mistake("That is the distortion alone: + beta · K is missing.")
    raise Mistake("Your loss is the same for β = 0 and β = 1: multiply KL by beta.")


def _wrong_beta(
    at_zero: float,
    growth: float,
    images: Tensor,
    output: Tensor,
    distortion: float,
    rate: float,
) -> None:
    """Refuse a · D + b · β · K unless a = b = 1: ``at_zero`` is a · D, ``growth`` is b · K."""
    if _near(growth, rate - distortion) and _near(at_zero, distortion):
        raise Mistake("That is (1 − β) · D + β · K; D keeps its full weight: D + β · K.")
    if _near(at_zero, rate) and _near(growth, distortion):
        raise Mistake("β stands at the wrong term: D + β · K, not β · D + K.")
    a, b = at_zero / distortion, growth / rate
    for name, typed in LESSON.items():
        real = {"pixels": PIXELS, "latent numbers": NUMBERS, "images": IMAGES}[name]
        factors = typed / real, real / typed, 1 / typed
        if any(_near(each, factor) for each in (a, b) for factor in factors):
            raise Mistake(f"You typed {typed}: take the number of {name} from the tensors' shape.")
    # What a factor means, and what it is in the lesson.
    of_distortion = {
        "the sum over pixels": (1.0, 1.0),
        "the mean over pixels": (1 / PIXELS, 1 / LESSON["pixels"]),
        "the sum over the whole batch": (float(IMAGES), LESSON["images"]),
    }
    of_rate = {
        "the sum over latent numbers": (1.0, 1.0),
        "the mean over latent numbers": (1 / NUMBERS, 1 / LESSON["latent numbers"]),
        "the sum over the whole batch": (float(IMAGES), LESSON["images"]),
        "the sum over latent numbers, divided by the number of pixels": (
            1 / PIXELS,
            1 / LESSON["pixels"],
        ),
    }
    of_a = [(name, there) for name, (here, there) in of_distortion.items() if _near(a, here)]
    of_b = [(name, there) for name, (here, there) in of_rate.items() if _near(b, here)]
    if of_a and of_b:
        (what_a, factor_a), (what_b, factor_b) = of_a[0], of_b[0]
        if factor_a == factor_b == 1:
            return
        if factor_a == factor_b:
            raise Mistake(
                f"Your D is {what_a} and your K {what_b}: the two fit each other, so β means what "
                "it says, but they aren't nats per image. Sum over pixels and over latent numbers, "
                "then take the mean over images."
            )
        true, less = factor_b / factor_a, factor_a / factor_b
        really = f"{true:,.6g}" if true > 1 else f"1/{less:,.6g}"
        raise Mistake(
            f"Your D is {what_a}, your K {what_b}. With 784 pixels, 64 numbers and batches of 128, "
            f"β = 1 then means β = {really}. Sum over pixels and over latent numbers, then take "
            "the mean over images."
        )
    if not of_a:
        _wrong_distortion(at_zero, images, output, distortion)
    wrong = {
        "The sign of KL is turned: a negative ELBO is D *plus* β · K.": -1,
        "Your KL is twice too large: the ½ is missing.": 2,
        "Your KL is in bits, and D in nats: use the natural logarithm.": 1 / math.log(2),
    }
    for text, factor in wrong.items():
        if _near(b, factor):
            raise Mistake(text)
    wanted = (
        f"What β is multiplied by is {growth:.4f}; expected {rate:.4f}: ½ Σ (μ² + σ² − 1 − log σ²) "
        "over latent numbers, mean over images."
    )
    if not _near(a, 1):
        raise Mistake(f"{wanted} And your D is {of_a[0][0]}; sum over pixels, mean over images.")
    raise Mistake(f"D is right. {wanted}")


def _wrong_distortion(value: float, images: Tensor, output: Tensor, right: float) -> None:
    square = (output - images).square().sum().item()
    swapped = F.binary_cross_entropy(images, output, reduction="sum").item()
    twice = F.binary_cross_entropy_with_logits(output, images, reduction="sum").item()
    wrong = {
        "Your distortion is the squared error, which isn't in nats. The Bernoulli one is "
        "F.binary_cross_entropy(output, images, …).": square,
        "The output comes first: F.binary_cross_entropy(output, images, …).": swapped,
        "Your output is in (0, 1) already: binary_cross_entropy, without _with_logits.": twice,
    }
    for text, total in wrong.items():
        if any(_near(value * each, total) for each in (1, IMAGES, IMAGES * PIXELS)):
            raise Mistake(text)
    if _near(value, -right):
        raise Mistake("The sign of D is turned: the cross-entropy is −log p, never negative.")
    raise Mistake(
        f"At β = 0 your loss is {value:.4f}; expected {right:.4f}, the Bernoulli cross-entropy "
        "summed over pixels, mean over images."
    )
