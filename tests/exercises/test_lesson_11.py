"""Lesson 11's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score, roc_curve
from torch.nn import functional as F

from ae_helpers.exercises import lesson_11 as check
from ae_helpers.measures import applications
from exercise_zoo import in_place, zoo_tests

# -------------------------------------------------------------------------------- noisy and clean


def noisy(batch, sigma):
    return (batch + sigma * torch.randn_like(batch)).clamp(0, 1)


def with_input(damage):
    """A loss with the right target, and the network given ``damage(batch, sigma)``."""
    return lambda model, batch, sigma: F.mse_loss(model(damage(batch, sigma)), batch)


def with_noise(noise):
    return with_input(lambda batch, sigma: (batch + noise(batch, sigma)).clamp(0, 1))


def paired(error):
    """A loss with the right input, and ``error(answer, noisy, batch)``."""

    def answer(model, batch, sigma):
        damaged = noisy(batch, sigma)
        return error(model(damaged), damaged, batch)

    return answer


def with_error(error):
    return paired(lambda y, noisy, x: error(y, x))


def stretched(batch, sigma):
    damaged = batch + sigma * torch.randn_like(batch)
    return (damaged - damaged.min()) / (damaged.max() - damaged.min())


def opposite(batch, sigma):
    half = sigma * torch.randn_like(batch[::2])
    return torch.cat([half, -half])


def unless_outside(batch, sigma):
    damaged = batch + sigma * torch.randn_like(batch)
    return torch.where((damaged < 0) | (damaged > 1), batch, damaged)


def backward_called(model, batch, sigma):
    loss = F.mse_loss(model(noisy(batch, sigma)), batch)
    loss.backward()
    return loss


def into_the_batch(model, batch, sigma):
    batch += sigma * torch.randn_like(batch)
    return F.mse_loss(model(batch.clamp(0, 1)), batch)


# --------------------------------------------------------------------- area under the ROC curve


def pairs(scores, unknown, tie=0.5):
    one, other = scores[unknown][:, None], scores[~unknown]
    return (one > other).double() + tie * (one == other).double()


def by_ranks(scores, unknown):
    """The statistic of Mann and Whitney; equal scores share their ranks."""
    below = (scores[:, None] > scores).sum(1)
    ranks = below + ((scores[:, None] == scores).sum(1) + 1) / 2
    count = unknown.sum()
    statistic = ranks[unknown].sum() - count * (count + 1) / 2
    return statistic / (count * (~unknown).sum())


def by_argsort(scores, unknown):
    """The same, but each score has a rank of its own."""
    ranks, count = scores.argsort().argsort() + 1.0, unknown.sum()
    return (ranks[unknown].sum() - count * (count + 1) / 2) / (count * (~unknown).sum())


def by_loops(scores, unknown):
    known = scores[~unknown].tolist()
    wins = [(a > b) + (a == b) / 2 for a in scores[unknown].tolist() for b in known]
    return sum(wins) / len(wins)


def by_curve(points=slice(None)):
    """The area below those points of the curve, which goes from (0, 0) to (1, 1)."""

    def answer(scores, unknown):
        alarms, caught, _ = roc_curve(unknown, scores, drop_intermediate=False)
        return torch.trapezoid(*(torch.tensor(each[points].copy()) for each in (caught, alarms)))

    return answer


def accuracy(threshold):
    return lambda scores, unknown: ((scores > threshold(scores)) == unknown).float().mean()


# ----------------------------------------------------------------------------------- bits per image


def entropy(symbols, log=np.log2):
    p = np.unique(np.asarray(symbols), return_counts=True)[1] / len(symbols)
    return -(p * log(p)).sum()


def rounded(codes, step):
    return (codes / step).round()


def summed(symbols_of=rounded, entropy=entropy):
    """Bits of the symbols that ``symbols_of`` makes, column by column."""
    return lambda codes, step: sum(entropy(column) for column in symbols_of(codes, step).T)


def by_bincount(nats):
    """Bits from the shares of all symbols of a column, also of those that never occur."""

    def answer(codes, step):
        symbols = rounded(codes, step).long()
        shares = [each.bincount().double() / len(each) for each in (symbols - symbols.min()).T]
        return sum(nats(p) for p in shares) / math.log(2)

    return answer


def by_categorical(codes, step):
    counts = [column.unique(return_counts=True)[1] for column in rounded(codes, step).T]
    nats = [torch.distributions.Categorical(probs=n / n.sum()).entropy() for n in counts]
    return torch.stack(nats).sum() / math.log(2)


def whole_codes(codes, step):
    p = rounded(codes, step).unique(dim=0, return_counts=True)[1] / len(codes)
    return -(p * p.log2()).sum()


def surprises(column):
    p = column.unique(return_counts=True)[1] / len(column)
    return -p.log2().sum()


RIGHT = {
    check.denoising_loss: {
        "by hand": lambda model, x, s: (model(noisy(x, s)) - x).square().mean(),
        "the course's": with_input(applications.add_noise),
        "for each image": with_input(lambda x, s: torch.stack([noisy(image, s) for image in x])),
        "subtracted": with_input(lambda x, s: F.hardtanh(x - s * torch.randn_like(x), 0, 1)),
        "by normal": with_input(lambda x, s: (x + torch.normal(0, s, x.shape)).clip(0, 1)),
        "minimum and maximum": with_input(
            lambda x, s: torch.clamp(torch.randn(x.shape) * s + x, min=0, max=1)
        ),
        "by a distribution": with_input(
            lambda x, s: torch.distributions.Normal(x, s).sample().clamp(0, 1)
        ),
        "NumPy's noise": with_input(
            lambda x, s: (x + torch.from_numpy(np.random.normal(0, s, x.shape)).float()).clamp(0, 1)
        ),
        "two masks": with_input(
            lambda x, s: (y := torch.normal(x, s)).masked_fill(y < 0, 0).masked_fill(y > 1, 1)
        ),
        "target first": lambda model, x, s: F.mse_loss(x, model(noisy(x, s))),
    },
    check.area_under_roc: {
        "pairs": lambda scores, unknown: pairs(scores, unknown).mean(),
        "scikit-learn": lambda scores, unknown: roc_auc_score(unknown, scores),
        "ranks": by_ranks,
        "curve": by_curve(),
        "sign": lambda s, u: ((s[u][:, None] - s[~u]).sign().mean() + 1) / 2,
        "halves": lambda s, u: (pairs(s, u, 0) + pairs(s, u, 1)).mean() / 2,
        "loops": by_loops,
    },
    check.bits: {
        "numpy": summed(),
        "bincount": by_bincount(lambda p: -torch.xlogy(p, p).sum()),
        "Categorical": by_categorical,
        "the course's symbols": summed(applications.quantise),
    },
}
WRONG = {
    check.denoising_loss: {
        "noisy target": (paired(lambda y, noisy, x: F.mse_loss(y, noisy)), "The target is noisy"),
        "no noise": (with_input(lambda x, s: x), "no noise at all"),
        "noise in the target": (
            lambda model, x, s: F.mse_loss(model(x), noisy(x, s)),
            "given the clean images",
        ),
        "noise drawn twice": (
            lambda model, x, s: F.mse_loss(model(noisy(x, s)), noisy(x, s)),
            "a second time",
        ),
        "not clamped": (with_input(lambda x, s: x + s * torch.randn_like(x)), "lie in [0, 1]"),
        "noise clamped": (
            with_input(lambda x, s: x + s * torch.randn_like(x).clamp(0, 1)),
            "You clamp the noise",
        ),
        "one noise": (with_noise(lambda x, s: s * torch.randn_like(x[:1])), "All images get"),
        "brighter": (with_noise(lambda x, s: s * torch.randn(len(x), 1, 1, 1)), "All pixels of"),
        "in place": (into_the_batch, "into the batch itself"),
        "rows": (with_noise(lambda x, s: s * torch.randn_like(x[..., :1])), "pixels of a row"),
        "columns": (with_noise(lambda x, s: s * torch.randn_like(x[:, :, :1])), "of a column"),
        "rand": (with_noise(lambda x, s: s * torch.rand_like(x)), "only makes images brighter"),
        "uniform": (with_noise(lambda x, s: s * 12**0.5 * (torch.rand_like(x) - 0.5)), "borders"),
        "variance": (with_noise(lambda x, s: s**2 * torch.randn_like(x)), "the variance for"),
        "root": (with_noise(lambda x, s: s**0.5 * torch.randn_like(x)), "root of sigma"),
        "no sigma": (with_noise(lambda x, s: torch.randn_like(x)), "multiply it by sigma"),
        "added twice": (with_input(lambda x, s: noisy(noisy(x, s), s)), "added twice"),
        "doubled": (with_noise(lambda x, s: 2 * s * torch.randn_like(x)), "is doubled"),
        "multiplied": (with_noise(lambda x, s: x * s * torch.randn_like(x)), "by noise"),
        "noise alone": (with_input(lambda x, s: s * torch.randn_like(x)), "the image is missing"),
        "mixed": (with_input(lambda x, s: (1 - s) * x + s * torch.randn_like(x)), "of the batch"),
        "stretched": (with_input(stretched), "You stretch the noisy images"),
        "halved": (with_noise(lambda x, s: s / 2 * torch.randn_like(x)), "is halved"),
        "Laplace": (
            with_noise(lambda x, s: torch.distributions.Laplace(0, s / 2**0.5).sample(x.shape)),
            "isn't normal, or not on",
        ),
        "for two images": (
            with_noise(lambda x, s: s * torch.randn_like(x[::2]).repeat_interleave(2, 0)),
            "Some images share",
        ),
        "for blocks of pixels": (
            with_noise(
                lambda x, s: s * F.interpolate(torch.randn_like(x[..., ::2, ::2]), scale_factor=2)
            ),
            "Some pixels share",
        ),
        "thrice": (with_noise(lambda x, s: 3 * s * torch.randn_like(x)), "What you add has"),
        "typed sigma": (with_noise(lambda x, s: 0.08 * torch.randn_like(x)), "use sigma"),
        "seeded": (
            lambda *given: [torch.manual_seed(0), with_input(noisy)(*given)][1],
            "the same noise: seed nothing",
        ),
        "noise as target": (paired(lambda y, n, x: F.mse_loss(y, n - x)), "as diffusion models do"),
        "input and target": (paired(lambda y, n, x: F.mse_loss(n, x)), "isn't in your loss"),
        "asked twice": (
            lambda model, x, s: F.mse_loss(model(noisy(x, s)), model(x)),
            "asked 2 times",
        ),
        "never asked": (lambda model, x, s: F.mse_loss(noisy(x, s), x), "never asked"),
        "flat": (
            lambda model, x, s: F.mse_loss(model(noisy(x, s).transpose(0, 1)), x.transpose(0, 1)),
            "is given (1, 64, 12, 12)",
        ),
        "clamped answer": (with_error(lambda y, x: F.mse_loss(y.clamp(0, 1), x)), "You clamp the"),
        "clamped target": (with_error(lambda y, x: F.mse_loss(y, x.clamp(0.2, 0.8))), "black and"),
        "sum": (with_error(lambda y, x: (y - x).square().sum()), "You sum over everything"),
        "sum over pixels": (
            with_error(lambda y, x: (y - x).square().sum() / len(x)),
            "You sum over the pixels",
        ),
        "RMSE": (with_error(lambda y, x: F.mse_loss(y, x).sqrt()), "You take the root"),
        "absolute": (with_error(F.l1_loss), "absolute error"),
        "square of the mean": (with_error(lambda y, x: (y - x).mean() ** 2), "cancel"),
        "half": (with_error(lambda y, x: F.mse_loss(y, x) / 2), "Your loss is"),
        "per pixel": (with_error(lambda y, x: (y - x).square()), "for each pixel"),
        "per image": (with_error(lambda y, x: (y - x).square().flatten(1).mean(1)), "each image"),
        "no gradient": (with_error(lambda y, x: F.mse_loss(y, x).item()), "no gradient flows"),
    },
    check.area_under_roc: {
        "turned over": (lambda s, u: 1 - roc_auc_score(u, s), "Turned over: you count"),
        "ties 0": (lambda s, u: pairs(s, u, 0).mean(), "Ties count as 0"),
        "no ties": (lambda s, u: (p := pairs(s, u))[p != 0.5].mean(), "You leave ties out"),
        "ties 1": (lambda s, u: pairs(s, u, 1).mean(), "Ties count as 1"),
        "turned, ties 0": (lambda s, u: pairs(s, ~u, 0).mean(), "Turned over, and ties count as 0"),
        "turned, ties 1": (lambda s, u: pairs(s, ~u, 1).mean(), "Turned over, and ties count as 1"),
        "sum": (lambda s, u: pairs(s, u).sum(), "how many pairs"),
        "sum, ties 0": (lambda s, u: pairs(s, u, 0).sum(), "without ties"),
        "all pairs": (lambda s, u: pairs(s, u).sum() / len(s) ** 2, "by N² pairs"),
        "half of all": (lambda s, u: pairs(s, u).sum() / (len(s) * (len(s) - 1) / 2), "N(N − 1)/2"),
        "per cent": (lambda s, u: 100 * pairs(s, u).mean(), "In per cent"),
        "backwards": (by_curve(slice(None, None, -1)), "Negative"),
        "Gini": (lambda s, u: 2 * pairs(s, u).mean() - 1, "Gini"),
        "no first": (by_curve(slice(1, None)), "first point"),
        "no last": (by_curve(slice(-1)), "last point"),
        "precision": (lambda s, u: average_precision_score(u, s), "average precision"),
        "gap": (lambda s, u: np.subtract(*roc_curve(u, s)[1::-1]).max(), "largest distance"),
        "means": (lambda s, u: s[u].mean() - s[~u].mean(), "two means"),
        "one by one": (
            lambda s, u: np.mean([b < a for a, b in zip(s[u], s[~u], strict=False)]),
            "as zip does",
        ),
        "accuracy": (accuracy(lambda s: 0.8), "accuracy at one threshold"),
        "threshold first": (lambda s, u: roc_auc_score(u, s > 0.5), "a threshold first"),
        "ranks of argsort": (by_argsort, "different ranks from argsort"),
        "matrix": (pairs, "for each pair"),
        "per unknown": (lambda s, u: pairs(s, u).mean(1), "for each unknown one"),
        "per known": (lambda s, u: pairs(s, u).mean(0), "for each known one"),
        "per image": (lambda s, u: s, "for each image"),
        "a curve": (lambda s, u: roc_curve(u, s), "a tuple"),
        "40 typed": (lambda s, u: pairs(s, u).sum() / 40, "Right for one set"),
        "in place": (lambda s, u: s.mul_(2).mean(), "changes the tensors"),
        "quarters for ties": (lambda s, u: pairs(s, u, 0.25).mean(), "expected 0.775"),
        "F1": (lambda s, u: f1_score(u, s > 0.5), "expected 0.775"),
        "a guess": (lambda s, u: 0.61, "You say 0.61;"),
        "truth second": (lambda s, u: roc_auc_score(s, u), "takes the truth first"),
    },
    check.bits: {
        "nats": (summed(entropy=lambda c: entropy(c, np.log)), "Those are nats"),
        "log₁₀": (summed(entropy=lambda c: entropy(c, np.log10)), "log₁₀"),
        "sign": (lambda c, s: -summed()(c, s), "sign is turned"),
        "mean over d": (lambda c, s: summed()(c, s) / c.shape[1], "You average over the d"),
        "all images": (lambda c, s: summed()(c, s) * len(c), "all images together"),
        "bytes": (lambda c, s: summed()(c, s) / 8, "Those are bytes"),
        "one histogram": (lambda c, s: 3 * entropy(rounded(c, s).flatten()), "times d"),
        "one histogram, once": (lambda c, s: entropy(rounded(c, s).flatten()), "One histogram for"),
        "whole codes": (whole_codes, "whole codes"),
        "rows": (summed(lambda c, s: rounded(c, s).T), "symbols of each image: go"),
        "rows, averaged": (
            lambda c, s: summed(lambda c, s: rounded(c, s).T)(c, s) / len(c),
            "and average",
        ),
        "floor": (summed(lambda c, s: c // s), "You round down"),
        "trunc": (summed(lambda c, s: (c / s).int()), "You cut the decimals off"),
        "abs": (summed(lambda c, s: rounded(c, s).abs()), "You drop the sign"),
        "rounded up": (lambda c, s: math.ceil(summed()(c, s)), "You round the bits up"),
        "times step": (summed(lambda c, s: (c * s).round()), "You multiply by the step"),
        "no step": (summed(lambda c, s: c.round()), "without the step"),
        "not rounded": (summed(lambda c, s: c / s), "Nothing is rounded"),
        "uniform": (summed(entropy=lambda c: math.log2(len(c.unique()))), "number of symbols"),
        "range": (summed(entropy=lambda c: math.log2(c.max() - c.min() + 1)), "of the range"),
        "unweighted": (summed(entropy=surprises), "weighted by p"),
        "float32": (lambda c, s: 32 * c.shape[1], "numbers of 32 bits"),
        "float64": (lambda c, s: 64 * c.shape[1], "numbers of 64 bits"),
        "typed step": (summed(lambda c, s: (c / 0.4).round()), "use the step"),
        "0 · log 0": (by_bincount(lambda p: -(p * p.log()).sum()), "never occur"),
        "below 0": (summed(entropy=lambda c: c.long().bincount().max()), "Symbols are below 0"),
        "not summed": (
            lambda c, s: torch.tensor([entropy(column) for column in rounded(c, s).T]),
            "for each of the d numbers",
        ),
        "per image": (lambda c, s: c.sum(1), "for each image"),
        "symbols": (rounded, "one number in all"),
        "in place": (in_place, "changes the tensors"),
        "twice": (lambda c, s: 2 * summed()(c, s), "bits; expected"),
    },
}
AGAIN = {
    check.denoising_loss: {
        "absolute": (with_noise(lambda x, s: s * torch.randn_like(x).abs()), "images brighter"),
        "on half of the pixels": (
            with_noise(lambda x, s: 2**0.5 * s * torch.randn_like(x) * (torch.rand_like(x) < 0.5)),
            "not on every pixel",
        ),
        "triangular": (
            with_noise(lambda x, s: 6**0.5 * s * (torch.rand_like(x) + torch.rand_like(x) - 1)),
            "isn't normal, or not on",
        ),
        "one noise and its opposite": (with_noise(opposite), "Some images share"),
        "salt": (with_input(lambda x, s: (x + (torch.rand_like(x) < s)).clamp(0, 1)), "brighter"),
        "wrapped around": (
            with_input(lambda x, s: (x + s * torch.randn_like(x)) % 1),
            "not because they were cut off",
        ),
        "turned back at 0": (
            with_input(lambda x, s: (x + s * torch.randn_like(x)).abs().clamp(max=1)),
            "not because they were cut off",
        ),
        "clean where it would be outside": (with_input(unless_outside), "not because they were"),
        "float64": (
            with_noise(lambda x, s: torch.from_numpy(np.random.normal(0, s, x.shape))),
            "its layers refuse",
        ),
        "backward called": (backward_called, "You call backward() yourself"),
        "no sigma, not clamped": (with_input(lambda x, s: x + torch.randn_like(x)), "multiply it"),
        "detached": (with_error(lambda y, x: F.mse_loss(y.detach(), x)), "no gradient flows"),
        "a gradient that ends": (
            with_error(lambda y, x: F.mse_loss(y.detach().requires_grad_(), x)),
            "no gradient flows",
        ),
        "no_grad": (torch.no_grad()(with_input(noisy)), "no gradient flows"),
    },
    check.area_under_roc: {
        "turned scores": (lambda s, u: roc_auc_score(u, -s), "Turned over: you count"),
        "one by one, halves for ties": (
            lambda s, u: pairs(s, u).diagonal().mean(),
            "as zip does",
        ),
        "mean of the curve": (
            lambda s, u: roc_curve(u, s, drop_intermediate=False)[1].mean(),
            "expected 0.775",
        ),
        "accuracy at 0.5": (accuracy(lambda s: 0.5), "one threshold"),
        "accuracy at the median": (accuracy(torch.median), "one threshold"),
        "threshold at the mean": (lambda s, u: roc_auc_score(u, s > s.mean()), "a threshold first"),
    },
    check.bits: {
        "ceil": (summed(lambda c, s: (c / s).ceil()), "or up (ceil)"),
        "one number": (lambda c, s: 32, "numbers of 32 bits"),
    },
}
TestZoo = zoo_tests(RIGHT, WRONG, AGAIN)


@pytest.mark.parametrize("seed", range(3))
def test_draws_of_whoever_seeds_pass(seed):
    """The bounds are wide enough for other noise than the check's own."""
    generator = torch.Generator().manual_seed(seed)
    own = with_input(lambda batch, sigma: applications.add_noise(batch, sigma, generator))
    verdict = check.denoising_loss(own)
    assert verdict, verdict


def test_scikit_learn_agrees():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(0, 9, (50,), generator=generator) / 8
    unknown = torch.rand(50, generator=generator) < 0.3
    assert pairs(scores, unknown).mean().item() == pytest.approx(roc_auc_score(unknown, scores))
