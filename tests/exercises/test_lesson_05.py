"""Lesson 05's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import re

import numpy as np
import pandas as pd
import torch

from ae_helpers.exercises import lesson_05 as check
from exercise_zoo import in_place, zoo_tests


def errors_of(images, reconstructions):
    return (images - reconstructions).square().flatten(1).mean(1)


def pca_curve(train, images):
    """As the lesson writes it."""
    train, images = train.flatten(1), images.flatten(1)
    axes = torch.linalg.eigh(torch.cov(train.T)).eigenvectors.flip(1)
    centred = images - train.mean(0)
    total, kept = centred.square().sum(1).mean(), (centred @ axes).square().mean(0).cumsum(0)
    return torch.cat([total[None], total - kept]) / images.shape[1]


def first_below(error, train, test):
    return next(k for k, value in enumerate(pca_curve(train, test)) if value <= error)


def by_reconstruction(error, train, test):
    """PCA without the lesson's shortcut: reconstruct with k components, for each k."""
    shape, mean = test.shape, train.flatten(1).mean(0)
    axes = torch.linalg.svd(train.flatten(1) - mean)[2]
    centred = test.flatten(1) - mean
    for k in range(shape[0]):
        restored = centred @ axes[:k].T @ axes[:k] + mean
        if (test.flatten(1) - restored).square().mean() <= error:
            return k


def columns_of_svd(error, train, test):
    """What svd gives third holds the components as rows; these are its columns."""
    mean = train.flatten(1).mean(0)
    axes, centred = torch.linalg.svd(train.flatten(1) - mean)[2], test.flatten(1) - mean
    rebuilt = (centred @ axes[:, :k] @ axes[:, :k].T for k in range(17))
    return next(k for k, part in enumerate(rebuilt) if (centred - part).square().mean() <= error)


def one_by_one(images, mean, components, k):
    """From component to component, image by image."""
    rows = []
    for image in images:
        row = mean.clone()
        for j in range(k):
            row += ((image - mean) * components[:, j]).sum() * components[:, j]
        rows.append(row)
    return rows


def by_numpy(images, mean, components, k):
    x, m, c = (np.asarray(each, dtype=float) for each in (images, mean, components))
    return m + np.einsum("nd,dk,ek->ne", x - m, c[:, :k], c[:, :k])


def some_columns(pick):
    """An answer that takes ``pick(components, k)`` for the first k columns."""

    def answer(images, mean, components, k):
        taken = pick(components, k)
        return mean + (images - mean) @ taken @ taken.T

    return answer


def cut(error, train, test):
    """PCA whose pixels are kept within [0, 1]: another ruler than the lesson's."""
    points, mean = test.flatten(1), train.flatten(1).mean(0)
    axes = torch.linalg.eigh(torch.cov(train.flatten(1).T)).eigenvectors.flip(1)
    for k in range(17):
        rebuilt = mean + (points - mean) @ axes[:, :k] @ axes[:, :k].T
        if (points - rebuilt.clamp(0, 1)).square().mean() <= error:
            return k
    return 16  # what is cut never becomes right again


def summed(combine):
    """An answer that calls ``combine(images, mean, the first k components)``."""
    return lambda x, m, c, k: combine(x, m, c[:, :k])


def by_occurrence(errors, labels):
    groups = {}
    for error, label in zip(errors.tolist(), labels.tolist(), strict=True):
        groups.setdefault(label, []).append(error)
    return [sum(group) / len(group) for group in groups.values()]


def ranked(pick):
    """An answer that calls ``pick(errors, n)``."""
    return lambda images, reconstructions, n: pick(errors_of(images, reconstructions), n)


def top(scores):
    """An answer that ranks by the scores of the differences."""
    return lambda images, reconstructions, n: scores(images - reconstructions).topk(n).indices


def each(function, digits=range(10), gather=list):
    """An answer that calls ``function(errors, mask)`` for each digit."""
    return lambda errors, labels: gather([function(errors, labels == d) for d in digits])


def means(digits=range(10), gather=list):
    return each(lambda e, m: e[m].mean(), digits, gather)


def counted(rule):
    """An answer that calls ``rule(the curve, the network's error)``."""
    return lambda error, train, test: rule(pca_curve(train, test), error)


RIGHT = {
    check.worst: {
        "topk": lambda x, r, n: errors_of(x, r).topk(n).indices,
        "argsort": lambda x, r, n: errors_of(x, r).argsort(descending=True)[:n],
        "sums rank the same": lambda x, r, n: (
            (x - r).square().sum((1, 2, 3)).argsort().flip(0)[:n].tolist()
        ),
        "784 typed": lambda x, r, n: (x - r).view(-1, 784).square().mean(1).topk(n).indices,
        "plain Python": lambda x, r, n: sorted(
            range(len(x)), key=lambda i: -torch.nn.functional.mse_loss(x[i], r[i])
        )[:n],
        "numpy": lambda x, r, n: (-errors_of(x, r)).numpy().argsort()[:n],
        "root": lambda x, r, n: (x - r).flatten(1).norm(dim=1).sort(descending=True)[1][:n],
        "a row": lambda x, r, n: errors_of(x, r)[None].topk(n).indices.int(),
        "pandas": lambda x, r, n: pd.Series(errors_of(x, r)).nlargest(n).index,
    },
    check.per_class: {
        "list": each(lambda e, m: e[m].mean().item()),
        "list of tensors": means(),
        "bincount": lambda e, y: y.bincount(e) / y.bincount(),
        "one-hot": lambda e, y: (e @ torch.eye(10)[y]) / torch.eye(10)[y].sum(0),
        "scatter": lambda e, y: torch.zeros(10).scatter_reduce(0, y, e, "mean", include_self=False),
        "dict": lambda e, y: {d: e[y == d].mean().item() for d in y.unique().tolist()},
        "column": each(lambda e, m: e[m].mean(0, keepdim=True), gather=torch.stack),
        "tensors as keys": lambda e, y: {d: e[y == d].mean() for d in torch.arange(10)},
        "a table": lambda e, y: pd.DataFrame({"e": e, "y": y}).groupby("y").mean(),
        "series": lambda e, y: pd.Series(e.numpy()).groupby(y.numpy()).mean(),
        "stack": lambda e, y: torch.stack([e[y == d].sum() / (y == d).sum() for d in range(10)]),
    },
    check.rebuild: {
        "products": summed(lambda x, m, c: m + (x - m) @ c @ c.T),
        "a projection": summed(lambda x, m, c: (x - m) @ (c @ c.T) + m),
        "one by one": one_by_one,
        "numpy, float64": by_numpy,
        "rows first": summed(lambda x, m, c: (c @ (c.T @ (x - m).T)).T + m),
        "the others taken away": lambda x, m, c, k: x - (x - m) @ c[:, k:] @ c[:, k:].T,
        "masked coordinates": lambda x, m, c, k: m + (x - m) @ c * (torch.arange(6) < k) @ c.T,
        "transposed axes": summed(lambda x, m, c: torch.einsum("nk,dk->nd", (x - m) @ c, c) + m),
        "linear": summed(lambda x, m, c: torch.nn.functional.linear((x - m) @ c, c, m)),
    },
    check.components_needed: {
        "first below": first_below,
        "count those above": counted(lambda c, e: (c > e).sum()),
        "nonzero": counted(lambda c, e: (c <= e).nonzero()[0]),
        "length": counted(lambda c, e: len([k for k in c if k > e])),
        "searchsorted": counted(lambda c, e: torch.searchsorted(-c, -e)),
        "numpy": counted(lambda c, e: np.argmax(c.numpy() <= e)),
        "argmax": counted(lambda c, e: int((c <= e).int().argmax())),
        "reconstruct": by_reconstruction,
    },
}

WRONG = {
    check.worst: {
        "ascending": (ranked(lambda e, n: e.argsort()[:n]), "from the other end"),
        "worst last": (ranked(lambda e, n: e.argsort()[-n:]), "worst comes last"),
        "no order": (ranked(lambda e, n: sorted(e.topk(n).indices)), "not in order"),
        "values": (ranked(lambda e, n: e.topk(n).values), "no index. If it is a value"),
        "all of them": (ranked(lambda e, n: e.argsort(descending=True)), "12 indices"),
        "floats": (ranked(lambda e, n: e.topk(n).indices.float()), "torch.float32, which"),
        "always 3": (ranked(lambda e, n: e.topk(3).indices), "For n = 2"),
        "one less": (ranked(lambda e, n: e.topk(n - 1).indices), "[1:n] or [-n:-1]"),
        "second first": (ranked(lambda e, n: e.topk(n + 1).indices[1:]), "place too late"),
        "mask": (ranked(lambda e, n: e > 0.02), "True or False"),
        "all errors": (ranked(lambda e, n: e), "which is no index"),
        "sort's pair, cut": (
            ranked(lambda e, n: e.sort(descending=True)[:n]),
            "sort and topk give",
        ),
        "pairs": (ranked(lambda e, n: torch.stack(e.topk(n), 1)), "sort and topk give"),
        "turned like a list": (ranked(lambda e, n: e.argsort()[::-1][:n]), ".flip(0)"),
        "topk's pair": (ranked(lambda e, n: e.topk(n)), "together"),
        "a column": (ranked(lambda e, n: e.topk(n).indices[:, None]), "add .flatten()"),
        "slice from 1": (ranked(lambda e, n: e.argsort(descending=True)[1:n]), "holds n − 1"),
        "counted from 1": (ranked(lambda e, n: e.topk(n).indices + 1), "one too high"),
        "batch axis": (top(lambda d: d.square().mean(0).flatten()), "batch axis"),
        "pixels": (top(lambda d: d.square().flatten()), "single pixels"),
        "no square": (top(lambda d: d.flatten(1).mean(1)), "square"),
        "absolute": (top(lambda d: d.abs().flatten(1).mean(1)), "|x"),
        "worst pixel": (top(lambda d: d.square().flatten(1).amax(1)), "worst pixel"),
        "median": (top(lambda d: d.square().flatten(1).median(1).values), "by the median"),
        "squares the mean": (top(lambda d: d.flatten(1).mean(1).square()), "square the mean"),
        "axes left": (lambda x, r, n: (x - r).square().mean(3).sort().indices, "over all its axes"),
        "one error": (lambda x, r, n: (x - r).square().mean((0, 2, 3)).argsort(), "1 index;"),
        "in place": (in_place, "changes the tensors"),
        "dark first": (top(lambda d: -d.flatten(1).mean(1)), "too dark and too bright"),
        "both": (ranked(lambda e, n: tuple(e.topk(n))), "Values and indices?"),
        "images": (lambda x, r, n: x[errors_of(x, r).topk(n).indices], "Return only their indices"),
        "half an index": (lambda x, r, n: [7, 2.5, 9], "2.5, which is no index"),
        "not numbers": (lambda x, r, n: list((x - r).flatten(1)[:n]), "shape (3, 784)"),
        "made up": (lambda x, r, n: [0, 1, 2], "is not the order"),
        "fourth powers": (top(lambda d: d.pow(4).flatten(1).mean(1)), "[9, 7, 2] is not the order"),
        "in proportion": (
            lambda x, r, n: (errors_of(x, r) / x.square().flatten(1).mean(1)).topk(n).indices,
            "[7, 9, 5] is not the order",
        ),
        "one loss": (lambda x, r, n: (x - r).square().mean().topk(n).indices, "out of range. One"),
        "a slice of one loss": (lambda x, r, n: (x - r).square().mean()[:n], "0-dim tensor. One"),
        "total": (ranked(lambda e, n: e.sum()), "One error per image"),
        "only the worst": (ranked(lambda e, n: e.argmax()), "argmax finds only"),
        "ranks": (ranked(lambda e, n: e.argsort(descending=True).argsort()[:n]), "Those are ranks"),
    },
    check.per_class: {
        "sum": (each(lambda e, m: e[m].sum()), "sums"),
        "weighted by counts": (each(lambda e, m: e[m].mean() * m.sum() / len(e)), "shares"),
        "equal classes": (each(lambda e, m: e[m].sum() / (len(e) / 10)), "equally large"),
        "overall mean": (each(lambda e, m: e.mean()), "Ten times the same"),
        "one number": (lambda e, y: e.mean(), "is one number"),
        "order of occurrence": (by_occurrence, "first occur"),
        "sorted": (means(gather=sorted), "but sorted"),
        "largest first": (means(gather=lambda found: sorted(found)[::-1]), "largest first"),
        "1 to 10": (means(range(1, 11)), "NaN"),
        "9 digits": (means(range(1, 10)), "9 numbers"),
        "10 first": (means([*range(1, 10), 0]), "one place off"),
        "in place": (in_place, "changes the tensors"),
        "largest count": (lambda e, y: y.bincount(e) / y.bincount().max(), "count of the largest"),
        "one too many": (
            lambda e, y: torch.zeros(10).scatter_reduce(0, y, e, "mean"),
            "one image too many",
        ),
        "median": (each(lambda e, m: e[m].median()), "medians"),
        "root": (each(lambda e, m: e[m].mean().sqrt()), "square roots of the means"),
        "mean of roots": (each(lambda e, m: e[m].sqrt().mean()), "means of square roots"),
        "numpy's median": (each(lambda e, m: np.median(e[m])), "as NumPy takes"),
        "largest error": (each(lambda e, m: e[m].max()), "the largest errors"),
        "smallest error": (each(lambda e, m: e[m].min()), "the smallest errors"),
        "spread": (each(lambda e, m: e[m].std()), "spreads"),
        "squared again": (each(lambda e, m: e[m].square().mean()), "square them again"),
        "first image": (each(lambda e, m: e[m][0]), "first image of its class"),
        "overwritten": (each(lambda e, m: e[m][-1]), "= instead of +="),
        "running total": (lambda e, y: y.bincount(e).cumsum(0) / y.bincount(), "back to 0"),
        "rounded": (each(lambda e, m: e[m].mean().round(decimals=6)), "but rounded"),
        "the others": (each(lambda e, m: e[~m].mean()), "all *other* classes"),
        "reversed": (means(range(9, -1, -1)), "reverse order"),
        "counts": (lambda e, y: torch.bincount(y), "how many images"),
        "digits missing": (means(range(9), lambda m: dict(enumerate(m))), "aren't the digits"),
        "frequencies": (lambda e, y: torch.bincount(y) / len(y), "how frequent"),
        "9 first": (means([9, *range(9)]), "9 stands first"),
        "odd keys": (lambda e, y: {"mean": e.mean(), "all": e.sum()}, "aren't the digits"),
        "generator": (lambda e, y: (e[y == d].mean() for d in range(10)), "Make a list"),
        "masked, not picked": (each(lambda e, m: (e * m).norm()), "picks a class's images"),
    },
    check.rebuild: {
        "no mean at the end": (summed(lambda x, m, c: (x - m) @ c @ c.T), "missing at the end"),
        "not centred": (summed(lambda x, m, c: m + x @ c @ c.T), "subtract the mean first"),
        "no mean at all": (summed(lambda x, m, c: x @ c @ c.T), "add it at the end"),
        "rows": (some_columns(lambda c, k: c[:k].T), "first k rows"),
        "the last": (some_columns(lambda c, k: c[:, -k:]), "last k components"),
        "one too many": (some_columns(lambda c, k: c[:, : k + 1]), "one component too many"),
        "one too few": (some_columns(lambda c, k: c[:, : k - 1]), "one component too few"),
        "from 1 on": (some_columns(lambda c, k: c[:, 1 : k + 1]), "leave out the first"),
        "overwritten": (some_columns(lambda c, k: c[:, k - 1 : k]), "Only the k-th"),
        "component k": (some_columns(lambda c, k: c[:, k : k + 1]), "Only component number k"),
        "all": (some_columns(lambda c, k: c), "where is k"),
        "the images": (lambda x, m, c, k: x, "where is k"),
        "all coordinates": (lambda x, m, c, k: (x - m) @ c, "of all components"),
        "coordinates": (summed(lambda x, m, c: (x - m) @ c), "k for each image"),
        "what is left": (summed(lambda x, m, c: x - m - (x - m) @ c @ c.T), "left over"),
        "cut": (summed(lambda x, m, c: (m + (x - m) @ c @ c.T).clamp(0, 1)), "for a cut"),
        "own mean": (
            summed(lambda x, m, c: x.mean(0) + (x - x.mean(0)) @ c @ c.T),
            "PCA's own mean is given",
        ),
        "own mean taken away": (
            summed(lambda x, m, c: m + (x - x.mean(0)) @ c @ c.T),
            "subtract the mean that is given",
        ),
        "k means": (lambda x, m, c, k: k * m + (x - m) @ c[:, :k] @ c[:, :k].T, "once for each"),
        "other sign": (summed(lambda x, m, c: m + (m - x) @ c @ c.T), "turned round"),
        "the mean": (lambda x, m, c, k: m.expand_as(x), "as with no component"),
        "unweighted": (summed(lambda x, m, c: m + c.sum(1) + 0 * x), "all by the same amount"),
        "swapped axes": (summed(lambda x, m, c: (m + (x - m) @ c @ c.T).T), "axes are swapped"),
        "image by image": (summed(lambda x, m, c: (x - m) @ x.T), "images with images"),
        "one image": (summed(lambda x, m, c: m + (x[0] - m) @ c @ c.T), "a single image"),
        "does not fit": (lambda x, m, c, k: (x - m) @ c[:k], "multiplied"),
        "in place": (in_place, "changes the tensors"),
        "always two": (some_columns(lambda c, k: c[:, :2]), "For k = 4"),
        "squared": (summed(lambda x, m, c: m + ((x - m) @ c).square() @ c.T), "but the mean plus"),
    },
    check.components_needed: {
        "strict": (counted(lambda c, e: (c >= e).sum()), "<="),
        "one too many": (counted(lambda c, e: (c > e).sum() + 1), "one too many"),
        "last above": (counted(lambda c, e: ((c > e).sum() - 1).clamp(min=0)), "One too few"),
        "from k = 1 on": (counted(lambda c, e: (c > e).sum().clamp(min=1)), "begins at position 0"),
        "list from 1": (counted(lambda c, e: (c[1:] <= e).nonzero()[0]), "One too few"),
        "down to -1": (counted(lambda c, e: (c > e).sum() - 1), "down to -1"),
        "nearest": (counted(lambda c, e: (c - e).abs().argmin()), "nearest"),
        "last below": (counted(lambda c, e: (c <= e).nonzero()[-1]), "all components"),
        "reversed": (counted(lambda c, e: (c >= e).nonzero()[0]), "wrong way round"),
        "how many suffice": (counted(lambda c, e: (c <= e).sum()), "how many k suffice"),
        "on train": (lambda e, a, b: first_below(e, a, a), "measured on the training"),
        "own mean": (lambda e, a, b: first_below(e, a - a.mean(0), b - b.mean(0)), "own mean"),
        "learns from test": (lambda e, a, b: first_below(e, b, b), "learned from the test"),
        "swapped": (lambda e, a, b: first_below(e, b, a), "the other way round"),
        "error": (counted(lambda c, e: c[c <= e][0]), "its position"),
        "mask": (counted(lambda c, e: c <= e), "expected one number"),
        "cut": (cut, "another ruler"),
        "summed over pixels": (counted(lambda c, e: (16 * c > e).sum()), "summed over pixels"),
        "learns from both": (lambda e, a, b: first_below(e, torch.cat([a, b]), b), "together"),
        "none found": (
            counted(lambda c, e: next(k for k in range(17) if c[k] < e - 1)),
            "StopIteration. No k",
        ),
        "in place": (in_place, "changes the tensors"),
        "divides by 784": (
            counted(lambda c, e: (c * 16 / 784 > e).sum()),
            "images[0].numel() knows",
        ),
        "bisects what falls": (counted(torch.searchsorted), "a list that rises"),
        "columns of svd": (columns_of_svd, "*rows* of what svd gives"),
        "another curve": (lambda e, a, b: 242, "have 16 pixels"),
        "made up": (lambda e, a, b: 5, "one component less"),
    },
}
# As "all", "last above", "strict", "digits missing", "reversed", "one less", "only the worst".
SAME = {
    "the images",
    "list from 1",
    "from k = 1 on",
    "odd keys",
    "divides by 784",
    "slice from 1",
    "total",
}


TestZoo = zoo_tests(RIGHT, WRONG, alike=SAME)


def test_means_that_are_nearly_right_are_shown_to_differ():
    """The means are small: with few digits behind the point both numbers would read the same."""
    almost = each(lambda e, m: 1.0002 * e[m].mean())
    message = check.per_class(almost).message
    assert len(set(re.findall(r"\d+\.\d+", message))) == 2, message
