"""Lesson 09's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Laplace, MultivariateNormal, Normal, kl_divergence
from torch.nn import functional as F

from ae_helpers.exercises import lesson_09 as check
from ae_helpers.models import vae
from exercise_zoo import in_place, zoo_tests

# ------------------------------------------------------------------------------ KL in closed form


def terms(mean, log_variance):
    """KL of each number of each image."""
    return (mean**2 + log_variance.exp() - 1 - log_variance) / 2


def by_distributions(mean, log_variance):
    standard = Normal(torch.zeros_like(mean), 1.0)
    return kl_divergence(Normal(mean, (log_variance / 2).exp()), standard).sum(1)


def half(mean, variance, log_variance):
    return (mean**2 + variance - 1 - log_variance).sum(1) / 2


def drawn_kl(mean, log_variance):
    code = Normal(mean, (log_variance / 2).exp())
    z = code.sample((100,))
    return (code.log_prob(z) - Normal(0.0, 1.0).log_prob(z)).sum(2).mean(0)


# ------------------------------------------------------------------------------ reparameterisation


def draw(mean, log_variance, noise=torch.randn_like, scale=lambda v: (v / 2).exp()):
    return mean + scale(log_variance) * noise(mean)


def with_noise(noise):
    return lambda mean, log_variance: draw(mean, log_variance, noise)


def with_scale(scale):
    return lambda mean, log_variance: draw(mean, log_variance, scale=scale)


# --------------------------------------------------------------------------- the β that a loss has


def made(distortion, rate):
    """A loss of two terms: D(output, images) + beta · K(terms)."""

    def answer(images, output, mean, log_variance, beta):
        return distortion(output, images) + beta * rate(terms(mean, log_variance))

    return answer


def pixel_sum(output, images):
    return F.binary_cross_entropy(output, images, reduction="sum") / len(images)


def pixel_mean(output, images):
    return F.binary_cross_entropy(output, images)


def batch_sum(output, images):
    return F.binary_cross_entropy(output, images, reduction="sum")


def number_sum(k):
    return k.sum(1).mean()


def with_distortion(distortion):
    return made(distortion, number_sum)


def with_rate(rate):
    return made(pixel_sum, rate)


def by_distributions_loss(images, output, mean, log_variance, beta):
    log_likelihood = torch.distributions.Bernoulli(output).log_prob(images).sum((1, 2, 3))
    return (beta * by_distributions(mean, log_variance) - log_likelihood).mean()


def of_terms(combine):
    """A loss that combines the right D, the right K and beta in its own way."""

    def answer(images, output, mean, log_variance, beta):
        each = F.binary_cross_entropy(output, images, reduction="none").flatten(1).sum(1)
        return combine(each, terms(mean, log_variance).sum(1), beta)

    return answer


RIGHT = {
    check.kl: {
        "by hand": lambda m, v: half(m, v.exp(), v),
        "as it is often written": lambda m, v: -0.5 * (1 + v - m.pow(2) - v.exp()).sum(dim=-1),
        "torch.distributions": by_distributions,
        "the course's": vae.kl,
        "float64": lambda m, v: terms(m.double(), v.double()).sum(-1),
        "expm1": lambda m, v: 0.5 * torch.einsum("nd->n", m * m + v.expm1() - v),
        "a norm": lambda m, v: 0.5 * (m.norm(dim=1) ** 2 + (v.exp() - v - 1).sum(1)),
        "of whole codes": lambda m, v: kl_divergence(
            MultivariateNormal(m, torch.diag_embed(v.exp())),
            MultivariateNormal(torch.zeros_like(m), torch.eye(m.shape[1])),
        ),
        "by loops": lambda m, v: torch.stack([terms(*pair).sum() for pair in zip(m, v)]),  # noqa: B905
    },
    check.sample: {
        "by hand": draw,
        "the course's": vae.sample_latent,
        "square root": lambda m, v: m + v.exp().sqrt() * torch.randn(m.shape),
        "rsample": lambda m, v: Normal(m, (v / 2).exp()).rsample(),
        "addcmul": lambda m, v: torch.addcmul(m, (0.5 * v).exp(), torch.randn_like(v)),
        "of whole codes": lambda m, v: MultivariateNormal(m, torch.diag_embed(v.exp())).rsample(),
        "quantiles": with_noise(
            lambda m: Normal(0.0, 1.0).icdf(torch.rand_like(m).clamp(min=1e-6))
        ),
        "Box and Muller": with_noise(
            lambda m: (
                (-2 * (1 - torch.rand_like(m)).log()).sqrt()
                * (2 * math.pi * torch.rand_like(m)).cos()
            )
        ),
        "NumPy's ε": with_noise(lambda m: torch.tensor(np.random.randn(*m.shape)).float()),
        "ε minus": lambda m, v: draw(m, v, scale=lambda v: -(v / 2).exp()),
        "a power": lambda m, v: m + torch.pow(math.e, v / 2) * torch.empty_like(m).normal_(),
        "float64": lambda m, v: m.double() + (v.double() / 2).exp() * torch.randn(m.shape).double(),
    },
    check.loss: {
        "by reductions": made(pixel_sum, number_sum),
        "the course's": lambda x, o, m, v, beta: (
            vae.distortion(x, o) + beta * vae.kl(m, v)
        ).mean(),
        "torch.distributions": by_distributions_loss,
        "an axis": of_terms(lambda d, k, beta: (d + beta * k).mean(0, True)),
        "by logarithms": with_distortion(
            lambda o, x: -(x * o.log() + (1 - x) * (1 - o).log()).sum((1, 2, 3)).mean()
        ),
        "means times counts": lambda x, o, m, v, beta: (
            F.binary_cross_entropy(o, x) * x[0].numel() + beta * terms(m, v).mean() * m.shape[1]
        ),
        "logits": with_distortion(
            lambda o, x: F.binary_cross_entropy_with_logits(o.logit(), x, reduction="sum") / len(x)
        ),
        "where": with_distortion(
            lambda o, x: -torch.where(x > 0.5, o, 1 - o).log().sum((1, 2, 3)).mean()
        ),
        "image by image": of_terms(lambda d, k, beta: (d + beta * k).mean()),
    },
}
WRONG = {
    check.kl: {
        "mean over numbers": (lambda m, v: terms(m, v).mean(1), "You average over the latent"),
        "sum over all": (lambda m, v: terms(m, v).sum(), "You sum over the batch, too"),
        "mean over the batch": (lambda m, v: terms(m, v).sum(1).mean(), "average over the batch"),
        "mean over all": (lambda m, v: terms(m, v).mean(), "average over everything"),
        "first image": (lambda m, v: terms(m, v).sum(1)[0], "a single number"),
        "not summed": (terms, "for each latent number"),
        "over the images": (lambda m, v: terms(m, v).sum(0), "axis 1"),
        "keepdim": (lambda m, v: terms(m, v).sum(1, keepdim=True), "without keepdim"),
        "turned": (lambda m, v: -terms(m, v).sum(1), "sign is turned"),
        "no half": (lambda m, v: 2 * terms(m, v).sum(1), "½ is missing"),
        "bits": (lambda m, v: terms(m, v).sum(1) / math.log(2), "Those are bits"),
        "as variance": (lambda m, v: half(m, v, v.log()), "for the variance:"),
        "as standard deviation": (lambda m, v: half(m, v**2, 2 * v.log()), "for the standard"),
        "as log σ": (lambda m, v: half(m, (2 * v).exp(), 2 * v), "for log σ"),
        "σ": (lambda m, v: half(m, (v / 2).exp(), v), "where σ² belongs"),
        "plus log": (lambda m, v: half(m, v.exp(), -v), "it is subtracted"),
        "no log": (lambda m, v: half(m, v.exp(), 0), "log σ² is missing"),
        "no 1": (lambda m, v: half(m, v.exp() + 1, v), "The − 1"),
        "μ": (lambda m, v: half(0, m + v.exp(), v), "μ enters squared"),
        "no μ": (lambda m, v: half(0, v.exp(), v), "μ² is missing"),
        "minus μ²": (lambda m, v: half(m, v.exp() - 2 * m**2, v), "You subtract μ²"),
        "plus 1": (lambda m, v: half(m, v.exp() + 2, v), "You add 1"),
        "1 once": (lambda m, v: ((m**2 + v.exp() - v).sum(1) - 1) / 2, "once for an image"),
        "half of μ²": (lambda m, v: half(m, 2 * v.exp() - 1, 2 * v), "before μ² alone"),
        "μ² whole": (lambda m, v: half(m, m**2 + v.exp(), v), "missing before μ²"),
        "log σ": (lambda m, v: half(m, v.exp(), v / 2), "You subtract log σ"),
        "halved first": (lambda m, v: half(m, (v / 2).exp(), v / 2), "You halve the log"),
        "reverse": (lambda m, v: half(0, (1 + m**2) / v.exp(), -v), "in the other direction"),
        "drawn": (drawn_kl, "you draw"),
        "abs": (lambda m, v: half(m, v.abs().exp(), v.abs()), "an abs, a clamp"),
        "clamp": (lambda m, v: half(m, v.clamp(max=2).exp(), v), "not for larger ones"),
        "means clamped": (lambda m, v: terms(m.clamp(-3, 3), v).sum(1), "not for larger ones. Is"),
        "arguments swapped": (lambda m, v: terms(v, m).sum(1), "log_variance are swapped"),
        "3 typed": (lambda m, v: (m**2 + v.exp() - v).sum(1) / 2 - 1.5, "not for codes of 2"),
        "nan": (lambda m, v: terms(m, (-v).log()).sum(1), "isn't a number"),
        "in place": (in_place, "changes the tensors"),
        "no gradient": (lambda m, v: terms(m, v).sum(1).tolist(), "no gradient flows back"),
        "σ detached": (lambda m, v: terms(m, v.detach()).sum(1), "no gradient reaches the log"),
        "two things": (lambda m, v: (m, v), "the shape (2, 5, 3)"),
        "halved": (lambda m, v: terms(m, v).sum(1) / 2, "for the first image"),
    },
    check.sample: {
        "no noise": (lambda m, v: m.clone(), "there is no noise"),
        "variance": (with_scale(torch.exp), "the variance"),
        "log variance": (with_scale(lambda v: v), "as it is"),
        "half": (with_scale(lambda v: v / 2), "its exponential is σ"),
        "1/σ": (with_scale(lambda v: (-v / 2).exp()), "you multiply by 1/σ"),
        "doubled": (with_scale(lambda v: (2 * v).exp()), "halve it"),
        "standard": (with_scale(torch.ones_like), "spread 1 everywhere"),
        "root": (with_scale(torch.sqrt), "isn't a number"),
        "σ + ε": (lambda m, v: m + (v / 2).exp() + torch.randn_like(m), "You add σ and ε"),
        "(mean + ε)σ": (lambda m, v: (m + torch.randn_like(m)) * (v / 2).exp(), "You add mean and"),
        "mean · ε": (lambda m, v: (v / 2).exp() + m * torch.randn_like(m), "σ are swapped"),
        "no mean": (lambda m, v: draw(0 * m, v), "the mean is missing"),
        "minus mean": (lambda m, v: draw(-m, v), "You subtract mean"),
        "arguments swapped": (lambda m, v: draw(v, m), "log_variance are swapped"),
        "one ε": (with_noise(lambda m: torch.randn(())), "One single ε"),
        "ε for the batch": (with_noise(lambda m: torch.randn(m.shape[1])), "All images get"),
        "ε for an image": (with_noise(lambda m: torch.randn(len(m), 1)), "All numbers of an"),
        "from 0 to 1": (with_noise(torch.rand_like), "between 0 and 1"),
        "uniform": (with_noise(lambda m: 12**0.5 * (torch.rand_like(m) - 0.5)), "two borders"),
        "never negative": (with_noise(lambda m: torch.randn_like(m).abs()), "never negative"),
        "no ε": (with_noise(torch.ones_like), "ε is missing"),
        "ε for two numbers": (
            with_noise(lambda m: torch.randn(len(m), 2).repeat(1, 2)),
            "Some numbers share",
        ),
        "exponential": (with_noise(lambda m: -1 - torch.rand_like(m).log()), "far off lies to one"),
        "Laplace": (with_noise(lambda m: Laplace(0.0, 0.5**0.5).sample(m.shape)), "or too few"),
        "half the variance": (with_scale(lambda v: v.exp() / 2), "You halve the variance"),
        "noise besides": (lambda m, v: draw(m, v) + 0.1 * torch.randn_like(m), "and 1.07"),
        "half the noise": (with_noise(lambda m: torch.randn_like(m) / 2), "and 0.50"),
        "exp of all": (
            lambda m, v: (m + v / 2 * torch.randn_like(m)).exp(),
            "should have the mean 0",
        ),
        "σ at most 2": (with_scale(lambda v: (v / 2).exp().clamp(max=2)), "and 0.89"),
        "no_grad": (torch.no_grad()(draw), "no gradient flows back"),
        "mean detached": (lambda m, v: draw(m.detach(), v), "no gradient reaches the mean"),
        "σ detached": (lambda m, v: draw(m, v.detach()), "no gradient reaches the log variance"),
        "seeded": (lambda m, v: [torch.manual_seed(3), draw(m, v)][1], "the same noise"),
        "in place": (in_place, "changes the tensors"),
        "one image": (lambda m, v: draw(m, v)[0], "shape (4,)"),
        "two things": (lambda m, v: (draw(m, v), m), "the shape (2, 4000, 4)"),
    },
    check.loss: {
        "mean, mean": (made(pixel_mean, lambda k: k.mean()), "means β = 12.25"),
        "mean, sum": (with_distortion(pixel_mean), "means β = 784"),
        "sum, mean": (with_rate(lambda k: k.mean()), "means β = 1/64"),
        "mean, batch": (made(pixel_mean, lambda k: k.sum()), "means β = 100,352"),
        "batch, sum": (with_distortion(batch_sum), "means β = 1/128."),
        "batch, mean": (made(batch_sum, lambda k: k.mean()), "means β = 1/8,192"),
        "sum, batch": (with_rate(lambda k: k.sum()), "means β = 128"),
        "batch, batch": (made(batch_sum, lambda k: k.sum()), "is the sum over the whole batch and"),
        "nats per pixel": (made(pixel_mean, lambda k: number_sum(k) / check.PIXELS), "the two fit"),
        "784 typed": (with_distortion(lambda o, x: 784 * pixel_mean(o, x)), "You typed 784"),
        "64 typed": (with_rate(lambda k: 64 * k.mean()), "You typed 64"),
        "128 typed": (with_rate(lambda k: k.sum() / 128), "You typed 128"),
        "beta unused": (of_terms(lambda d, k, beta: (d + k).mean()), "beta isn't used"),
        "no KL": (of_terms(lambda d, k, beta: d.mean()), "distortion alone"),
        "neither": (of_terms(lambda d, k, beta: k.mean()), "the same for β = 0"),
        "beta at D": (of_terms(lambda d, k, beta: (beta * d + k).mean()), "wrong term"),
        "beta at both": (of_terms(lambda d, k, beta: (beta * (d + k)).mean()), "before both"),
        "1 + beta": (of_terms(lambda d, k, beta: (d + (1 + beta) * k).mean()), "by 1 + β"),
        "beta added": (of_terms(lambda d, k, beta: (d + beta + k).mean()), "You add β"),
        "batch twice": (of_terms(lambda d, k, beta: (d + beta * k).mean() / len(d)), "once more"),
        "half twice": (with_rate(lambda k: number_sum(k) / 2), "the ½ stands twice"),
        "K clamped": (with_rate(lambda k: k.sum(1).clamp(max=5).mean()), "is multiplied by is"),
        "D in bits": (with_distortion(lambda *given: pixel_sum(*given) / math.log(2)), "D is in"),
        "rows": (
            with_distortion(
                lambda o, x: F.binary_cross_entropy(o, x, reduction="none").sum(-1).mean()
            ),
            "one axis of an image",
        ),
        "1 − beta": (of_terms(lambda d, k, beta: ((1 - beta) * d + beta * k).mean()), "(1 − β)"),
        "the ELBO": (of_terms(lambda d, k, beta: -(d + beta * k).mean()), "*minus* the ELBO"),
        "beta squared": (of_terms(lambda d, k, beta: (d + beta**2 * k).mean()), "grow evenly"),
        "K / beta": (of_terms(lambda d, k, beta: (d + k / beta).mean()), "divided by beta"),
        "KL turned": (with_rate(lambda k: -number_sum(k)), "The sign of KL"),
        "no half": (with_rate(lambda k: 2 * number_sum(k)), "twice too large"),
        "bits": (with_rate(lambda k: number_sum(k) / math.log(2)), "in bits"),
        "another KL": (with_rate(lambda k: number_sum(k) + 1), "the sum over pixels. What β"),
        "neither right": (
            made(pixel_mean, lambda k: number_sum(k) + 1),
            "the mean over pixels. What β",
        ),
        "D turned": (with_distortion(lambda *given: -pixel_sum(*given)), "The sign of D"),
        "MSE": (with_distortion(F.mse_loss), "squared error"),
        "swapped": (with_distortion(lambda o, x: pixel_sum(x, o)), "output comes first"),
        "logits": (with_distortion(F.binary_cross_entropy_with_logits), "without _with_logits"),
        "black left out": (with_distortion(lambda o, x: -(x * o.log()).mean()), "The black pixels"),
        "white left out": (
            with_distortion(lambda o, x: -((1 - x) * (1 - o).log()).flatten(1).sum(1).mean()),
            "The white pixels",
        ),
        "absolute": (with_distortion(lambda o, x: (o - x).abs().mean()), "absolute error"),
        "another D": (with_distortion(lambda *given: pixel_sum(*given) + 1), "At β = 0"),
        "per image": (of_terms(lambda d, k, beta: d + beta * k), "for each image"),
        "per pixel": (lambda x, o, *_: (o - x).abs(), "for each pixel"),
        "two terms": (of_terms(lambda d, k, beta: (d.mean(), beta * k.mean())), "a tuple"),
        "no gradient": (of_terms(lambda d, k, beta: (d + beta * k).mean().item()), "no gradient"),
        "D detached": (of_terms(lambda d, k, beta: (d.detach() + beta * k).mean()), "no gradient"),
        "in place": (in_place, "changes the tensors"),
    },
}
AGAIN = {
    check.kl: {
        "something added": (
            lambda m, v: half(m, v.exp(), (v.exp() + 1e-6).log()),
            "or something added",
        ),
        "numpy": (lambda m, v: terms(m.detach(), v.detach()).sum(1).numpy(), "gradient flows back"),
        "a wide clamp": (lambda m, v: terms(m, v.clamp(-10, 10)).sum(1), "a clamp, or"),
        "centred": (lambda m, v: terms(m - m.mean(0), v).sum(1), "for the first image"),
        "the largest": (lambda m, v: terms(m, v).amax(1), "for the first image"),
        "large clamp": (lambda m, v: terms(m, v.clamp(-20, 5)).sum(1), "not for larger ones"),
        "a float": (lambda m, v: terms(m, v).sum().item(), "You sum over the batch, too"),
    },
    check.sample: {
        "absolute": (with_scale(torch.abs), "without the exponential"),
        "sum of 0": (
            with_noise(lambda m: (4 / 3) ** 0.5 * ((e := torch.randn_like(m)) - e.mean(1, True))),
            "goes along",
        ),
        "sorted": (with_noise(lambda m: torch.randn_like(m).sort(1).values), "goes along"),
        "clamped": (with_noise(lambda m: torch.randn_like(m).clamp(-3, 3)), "two borders"),
        "three uniform": (
            with_noise(lambda m: 2 * (torch.rand(3, *m.shape).sum(0) - 1.5)),
            "two borders",
        ),
        "torch.normal": (lambda m, v: torch.normal(m, (v / 2).exp()), "no gradient"),
        "sample()": (lambda m, v: Normal(m, (v / 2).exp()).sample(), "no gradient flows"),
        "variance in Normal": (lambda m, v: Normal(m, v.exp()).rsample(), "the variance"),
        "ε for two images": (
            with_noise(lambda m: torch.randn(len(m) // 2, 4).repeat_interleave(2, 0)),
            "Some numbers share",
        ),
        "ε for two halves": (
            with_noise(lambda m: torch.randn(len(m) // 2, 4).repeat(2, 1)),
            "Some numbers share",
        ),
        "mirrored ε": (
            with_noise(lambda m: torch.cat([(half := torch.randn(len(m) // 2, 4)), -half])),
            "Some numbers share",
        ),
        "mixed images": (
            with_noise(lambda m: torch.randn(len(m) // 4, 4).repeat(4, 1)),
            "Some numbers share",
        ),
        "uniform from −1": (with_noise(lambda m: 2 * torch.rand_like(m) - 1), "two borders"),
        "signs": (with_noise(lambda m: torch.randn_like(m).sign()), "two borders"),
    },
    check.loss: {
        "int of beta": (of_terms(lambda d, k, beta: (d + int(beta) * k).mean()), "grow evenly"),
        "beta capped": (of_terms(lambda d, k, beta: (d + min(beta, 3) * k).mean()), "grow evenly"),
        "half of squares": (
            with_distortion(lambda o, x: F.mse_loss(o, x, reduction="sum") / 2 / len(x)),
            "squared error",
        ),
        "784 typed as divisor": (made(pixel_mean, lambda k: number_sum(k) / 784), "You typed 784"),
        "MSE, summed": (with_distortion(lambda o, x: F.mse_loss(o, x, reduction="sum")), "squared"),
    },
}

TestZoo = zoo_tests(RIGHT, WRONG, AGAIN)


@pytest.mark.parametrize("seed", range(3))
def test_draws_of_whoever_seeds_pass(seed):
    """The bounds are wide enough for other draws than the check's own."""
    generator = torch.Generator().manual_seed(seed)

    def own(mean, log_variance):
        return draw(mean, log_variance, lambda m: torch.randn(m.shape, generator=generator))

    verdict = check.sample(own)
    assert verdict, verdict


def test_torch_agrees():
    mean, log_variance = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(terms(mean, log_variance).sum(1), by_distributions(mean, log_variance))
