"""Lesson 07's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ae_helpers.exercises import lesson_07 as check
from exercise_zoo import in_place, zoo_tests

CHANNELS = (0, 2, 3)


def normalised(
    axes=CHANNELS,
    correction=0,
    root=lambda var, eps: (var + eps).sqrt(),
    end=lambda x, gamma, beta: gamma * x + beta,
    share=1,
    keepdim=True,
    view=(1, -1, 1, 1),
):
    """Batch normalisation as readers write it, right or wrong; ``share`` of the mean is taken."""

    def batch_norm(x, gamma, beta, eps):
        mean = x.mean(axes, keepdim=keepdim)
        var = x.var(axes, correction=correction, keepdim=keepdim)
        return end((x - share * mean) / root(var, eps), gamma.view(view), beta.view(view))

    return batch_norm


def by_loops(x, gamma, beta, eps):
    out = torch.empty_like(x)
    for c in range(x.shape[1]):
        channel = x[:, c]
        out[:, c] = (channel - channel.mean()) / (channel.var(correction=0) + eps) ** 0.5
        out[:, c] = gamma[c] * out[:, c] + beta[c]
    return out


def by_layer(x, gamma, beta, eps):
    layer = nn.BatchNorm2d(x.shape[1], eps=eps)
    with torch.no_grad():
        layer.weight.copy_(gamma)
        layer.bias.copy_(beta)
    return layer(x)


def normed_in_numpy(x, gamma, beta, eps):
    x, gamma, beta = (part.numpy() for part in (x, gamma, beta))
    normal = (x - x.mean(CHANNELS, keepdims=True)) / (x.var(CHANNELS, keepdims=True) + eps) ** 0.5
    return gamma[:, None, None] * normal + beta[:, None, None]


def typed_sizes(x, gamma, beta, eps):
    mean = x.sum(CHANNELS, keepdim=True) / 54
    var = (x - mean).square().sum(CHANNELS, keepdim=True) / 54
    return gamma.view(1, -1, 1, 1) * (x - mean) / (var + eps).sqrt() + beta.view(1, -1, 1, 1)


def three_channels(x, gamma, beta, eps):
    out = [
        gamma[c] * (x[:, c] - x[:, c].mean()) / (x[:, c].var(correction=0) + eps) ** 0.5 + beta[c]
        for c in (0, 1, 2)
    ]
    return torch.stack(out, 1)


def running(
    start=(0.0, 1.0),
    mix=lambda old, new, momentum: (1 - momentum) * old + momentum * new,
    correction=1,
    result=lambda mean, var: (mean, var),
    of=lambda batches: batches,
):
    def running_statistics(batches, momentum):
        mean, var = (torch.full((3,), value) for value in start)
        for x in of(batches):
            mean = mix(mean, x.mean(CHANNELS), momentum)
            var = mix(var, x.var(CHANNELS, correction=correction), momentum)
        return result(mean, var)

    return running_statistics


def kept_by_torch(batches, momentum):
    layer = nn.BatchNorm2d(3, momentum=momentum)
    for x in batches:
        layer(x)
    return layer.running_mean, layer.running_var


def from_the_first(batches, momentum):
    mean, var = batches[0].mean(CHANNELS), batches[0].var(CHANNELS)
    for x in batches[1:]:
        mean = torch.lerp(mean, x.mean(CHANNELS), momentum)
        var = torch.lerp(var, x.var(CHANNELS), momentum)
    return mean, var


def in_numpy(batches, momentum):
    mean, var = np.zeros(3), np.ones(3)
    for x in (x.numpy() for x in batches):
        mean = (1 - momentum) * mean + momentum * x.mean(CHANNELS)
        var = (1 - momentum) * var + momentum * x.var(CHANNELS, ddof=1)
    return mean, var


def within_images(batches, momentum):
    mean, var = torch.zeros(3), torch.ones(3)
    for x in batches:
        mean = torch.lerp(mean, x.mean(CHANNELS), momentum)
        var = torch.lerp(var, x.var((2, 3)).mean(0), momentum)
    return mean, var


def plain_average(batches, momentum):
    means, variances = zip(*((x.mean(CHANNELS), x.var(CHANNELS)) for x in batches), strict=True)
    return torch.stack(means).mean(0), torch.stack(variances).mean(0)


def drop(
    keep=lambda draws, p: draws >= p, scale=lambda p, mask: 1 / (1 - p), of=None, rand=torch.rand
):
    """Dropout as readers write it, given x, p, t (whether it trains) and g, the generator.

    ``keep`` says which of the draws, one for each place of the shape ``of(x)``, are kept.
    """

    def dropout(x, p, t, g):
        if not t:
            return x
        mask = keep(rand(of(x) if of else x.shape, generator=g), p)
        return x * mask * scale(p, mask)

    return dropout


def seeds_itself(x, p, t, g):
    return drop()(x, p, t, torch.Generator().manual_seed(0))


def exact_share(x, p, t, g):
    if not t:
        return x
    mask = torch.ones(x.numel())
    mask[torch.randperm(x.numel(), generator=g)[: round(p * x.numel())]] = 0
    return x * mask.view(x.shape) / (1 - p)


def four_axes(x, p, t, g):
    n, c, h, w = x.shape
    return x * (torch.rand(n, c, h, w, generator=g) >= p) / (1 - p) if t else x


def by_torch(x, p, t, g):
    torch.manual_seed(g.initial_seed())
    return F.dropout(x, p, t)


RIGHT = {
    check.batch_norm: {
        "as in the lesson": normalised(),
        "by loops": by_loops,
        "a layer of torch": by_layer,
        "in NumPy": normed_in_numpy,
        "a function of torch": lambda x, g, b, eps: F.batch_norm(x, None, None, g, b, True, 0, eps),
    },
    check.running_statistics: {
        "as in the lesson": running(),
        "lerp": running(mix=lambda old, new, m: torch.lerp(old, new, m)),
        "a layer of torch": kept_by_torch,
        "a list": running(result=lambda mean, var: [mean, var]),
        "in NumPy": in_numpy,
        "NumPy": running(result=lambda mean, var: (mean.numpy(), var.numpy())),
        "popped": running(of=lambda batches: (batches.pop(0) for _ in range(len(batches)))),
        "stacked": running(result=lambda mean, var: torch.stack([mean, var])),
    },
    check.dropout: {
        "as in the lesson": drop(),
        "bernoulli": lambda x, p, t, g: (
            x * torch.bernoulli(torch.full_like(x, 1 - p), generator=g) / (1 - p) if t else x
        ),
        "by torch": by_torch,
        "rounded down": drop(keep=lambda draws, p: (draws + 1 - p).floor()),
        "filled": lambda x, p, t, g: (
            (x / (1 - p)).masked_fill(torch.rand(x.shape, generator=g) < p, 0) if t else x
        ),
        "where": lambda x, p, t, g: (
            torch.where(torch.rand(x.shape, generator=g) < p, 0.0, x / (1 - p)) if t else x
        ),
    },
}
WRONG = {
    check.batch_norm: {
        "per image": (normalised((2, 3)), "over each image alone"),
        "layer norm": (normalised((1, 2, 3)), "*layer* normalisation"),
        "over N only": (normalised((0,)), "over the batch alone"),
        "over everything": (normalised((0, 1, 2, 3)), "one mean over everything"),
        "over N and C": (normalised((0, 1)), "over images and channels"),
        "over C": (normalised((1,)), "the one that must stay"),
        "unbiased": (normalised(correction=1), "divides by n − 1"),
        "eps outside": (normalised(root=lambda v, e: v.sqrt() + e), "under it"),
        "no eps": (normalised(root=lambda v, e: v.sqrt()), "eps is missing"),
        "own eps": (normalised(root=lambda v, e: (v + 1e-5).sqrt()), "torch's default"),
        "the larger": (normalised(root=lambda v, e: v.clamp(min=e).sqrt()), "is smaller"),
        "no root": (normalised(root=lambda v, e: v + e), "divide by its root"),
        "eps squared": (normalised(root=lambda v, e: (v + e**2).sqrt()), "square eps"),
        "neither": (normalised(end=lambda x, g, b: x), "γ and β are missing"),
        "no gamma": (normalised(end=lambda x, g, b: x + b), "γ is missing"),
        "no beta": (normalised(end=lambda x, g, b: x * g), "β is missing"),
        "swapped": (normalised(end=lambda x, g, b: x * b + g), "swapped"),
        "beta first": (normalised(end=lambda x, g, b: (x + b) * g), "before you multiply"),
        "plain gamma": (normalised(view=(-1,)), "along the last axis"),
        "gamma with one axis": (normalised(view=(-1, 1)), "along the height"),
        "no keepdim": (normalised(keepdim=False), "keepdim=True leaves them"),
        "no keepdim at all": (normalised(keepdim=False, view=(-1,)), "all run along the width"),
        "no mean": (normalised(share=0), "isn't subtracted"),
        "mean added": (normalised(share=-1), "You add the mean"),
        "mean only": (normalised(root=lambda var, eps: 1), "Only the mean"),
        "unchanged": (lambda x, g, b, e: x, "x itself"),
        "in place": (in_place, "changes the tensors"),
        "typed shape": (
            lambda x, *g: normalised()(x.view(6, 3, 3, 3), *g),
            "not for one of (2, 2, 3, 5)",
        ),
        "typed channels": (three_channels, "not for one of (2, 2, 3, 5)"),
        "typed sizes": (typed_sizes, "of other sizes"),
        "one channel": (lambda x, *rest: normalised()(x, *rest)[:, 0], "the shape (6, 3, 3)"),
        "twice": (lambda x, g, b, e: 2 * normalised()(x, g, b, e), "spreads of 0.43, 0.48, 2.01"),
    },
    check.running_statistics: {
        "the wrong way round": (
            running(mix=lambda old, new, m: m * old + (1 - m) * new),
            "share of the *new* batch",
        ),
        "biased": (running(correction=0), "divides by n, as for normalising"),
        "variance from 0": (running(start=(0.0, 0.0)), "starts at 0; it starts at 1"),
        "mean from 1": (running(start=(1.0, 1.0)), "starts at 1; it starts at 0"),
        "from the first batch": (from_the_first, "begin with the first batch"),
        "within each image": (within_images, "within each image"),
        "plain average": (plain_average, "the first counts as much"),
        "at once": (lambda b, m: plain_average([torch.cat(b)], m), "all batches at once"),
        "last only": (running(mix=lambda old, new, m: new), "Only the last batch is left"),
        "starts anew": (running(of=lambda b: b[-1:]), "start anew"),
        "returns early": (running(of=lambda b: b[:1]), "inside the loop"),
        "keeps all": (running(mix=lambda old, new, m: old + m * new), "keep all of the old"),
        "variance first": (running(result=lambda m, v: (v, m)), "the variance first"),
        "root": (running(result=lambda m, v: (m, v.sqrt())), "no root"),
        "mean alone": (running(result=lambda m, v: m), "return mean, var"),
        "with axes": (running(result=lambda m, v: (m[:, None], v[:, None])), "the shape (2, 3, 1)"),
        "fixed momentum": (lambda batches, m: running()(batches, 0.3), "not for 0.1"),
        "biased halfway": (running(result=lambda m, v: (m, v * 0.9)), "Your mean and variance are"),
    },
    check.dropout: {
        "no scaling": (drop(scale=lambda p, m: 1), "isn't scaled"),
        "times 1 - p": (drop(scale=lambda p, m: 1 - p), "multiply by 1 − p"),
        "over p": (drop(scale=lambda p, m: 1 / p), "divide by p"),
        "times p": (drop(scale=lambda p, m: p), "multiply by p"),
        "1 + p": (drop(scale=lambda p, m: 1 + p), "scale by 1 + p"),
        "by the share kept": (drop(scale=lambda p, m: 1 / m.float().mean()), "happened to be kept"),
        "active in evaluation": (
            lambda x, p, t, g: drop()(x, p, True, g),
            "in evaluation mode, too",
        ),
        "scaled in evaluation": (
            lambda x, p, t, g: drop()(x, p, t, g) * (1 if t else 1 - p),
            "In evaluation mode you return 0.8",
        ),
        "modes swapped": (lambda x, p, t, g: drop()(x, p, not t, g), "modes are swapped"),
        "nothing dropped": (lambda x, p, t, g: x, "Nothing is dropped"),
        "mask inverted": (drop(keep=lambda draws, p: draws < p), "probability to *drop*"),
        "one mask for all": (drop(of=lambda x: x.shape[1:]), "All images lose the same"),
        "one mask for all channels": (
            drop(of=lambda x: (len(x), 1, *x.shape[2:])),
            "All channels of an image",
        ),
        "one mask for two images": (
            drop(keep=lambda d, p: d.tile(2, 1, 1, 1) >= p, of=lambda x: x[::2].shape),
            "as others",
        ),
        "one mask for two channels": (
            drop(keep=lambda draws, p: draws[:, [0, 0, 2]] >= p),
            "Some channels lose the same",
        ),
        "one mask for two rows": (
            drop(keep=lambda draws, p: draws[:, :, [0, 1, 2, 2, 4]] >= p),
            "Some rows lose the same",
        ),
        "whole rows": (drop(of=lambda x: (*x.shape[:3], 1)), "along the axes (3,)"),
        "whole images": (drop(of=lambda x: (len(x), 1, 1, 1)), "Whole images"),
        "whole channels": (drop(of=lambda x: (*x.shape[:2], 1, 1)), "nn.Dropout2d"),
        "half": (drop(keep=lambda draws, p: draws >= p / 2), "10% of the numbers"),
        "at least some": (drop(keep=lambda draws, p: draws >= max(p, 0.1)), "With p = 0"),
        "only scaled": (lambda x, p, t, g: x / (1 - p * t), "none of it becomes 0"),
        "normal noise": (drop(rand=torch.randn), "of the numbers became 0"),
        "no generator": (lambda x, p, t, g: F.dropout(x, p, t), "two different masks"),
        "seeds itself": (seeds_itself, "whatever the generator"),
        "typed p": (lambda x, p, t, g: drop()(x, 0.2, t, g), "not for p = 0.35"),
        "an exact share": (exact_share, "equally many"),
        "p squared": (drop(keep=lambda draws, p: draws >= p**2), "4% of the numbers"),
        "noise in evaluation": (
            lambda x, p, t, g: drop()(x, p, t, g) if t else x * torch.rand(x.shape, generator=g),
            "you change x. There",
        ),
        "in place": (in_place, "changes the tensors"),
        "of four axes": (four_axes, "it may have any shape"),
        "noise": (lambda x, p, t, g: drop()(x, p, t, g) * (1 + t * x), "isn't x times one number"),
        "doubled": (drop(scale=lambda p, m: 2), "scaled by 2; expected 1.25"),
    },
}
# The same mistakes in other forms: they hear the same.
WRONG_AGAIN = {
    check.batch_norm: {
        "a layer as it is": (lambda x, *rest: nn.BatchNorm2d(x.shape[1])(x), "torch's default"),
        "by default eps alone": (
            normalised(root=lambda v, e: (v + 1e-5).sqrt(), end=lambda x, g, b: x),
            "torch's default",
        ),
    },
    check.dropout: {
        "in tenths": (
            lambda x, p, t, g: (
                x * (torch.randint(0, 10, x.shape, generator=g) >= 10 * p) / (1 - p) if t else x
            ),
            "not for p = 0.35",
        ),
        "the mean in place of 0": (
            lambda x, p, t, g: torch.where((found := drop()(x, p, t, g)) == 0, x.mean(), found),
            "none of it becomes 0",
        ),
        "added noise": (
            lambda x, p, t, g: x + t * torch.rand(x.shape, generator=g),
            "none of it becomes 0",
        ),
    },
}


TestZoo = zoo_tests(RIGHT, WRONG, again=WRONG_AGAIN)
