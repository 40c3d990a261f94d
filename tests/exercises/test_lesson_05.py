"""Lesson 05's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import re

import numpy as np
import pandas as pd
import torch

from ae_helpers.exercises import lesson_05 as check
from exercise_zoo import zoo_tests


def errors_of(images, reconstructions):
    return (images - reconstructions).square().flatten(1).mean(1)


def errors_of_all(images, reconstructions, n):
    return errors_of(images, reconstructions)


def pca_curve(train, images):
    """As the lesson writes it."""
    train, images = train.flatten(1), images.flatten(1)
    axes = torch.linalg.eigh(torch.cov(train.T)).eigenvectors.flip(1)
    centred = images - train.mean(0)
    total, kept = centred.square().sum(1).mean(), (centred @ axes).square().mean(0).cumsum(0)
    return torch.cat([total[None], total - kept]) / images.shape[1]


def first_below(error, train, test):
    for k, value in enumerate(pca_curve(train, test)):
        if value <= error:
            return k


def centred_in_place(error, train, test):
    mean = train.mean(0)
    train -= mean
    test -= mean
    return first_below(error, train, test)


def by_reconstruction(error, train, test):
    """PCA without the lesson's shortcut: reconstruct with k components, for each k."""
    shape, mean = test.shape, train.flatten(1).mean(0)
    axes = torch.linalg.svd(train.flatten(1) - mean)[2]
    centred = test.flatten(1) - mean
    for k in range(shape[0]):
        restored = centred @ axes[:k].T @ axes[:k] + mean
        if (test.flatten(1) - restored).square().mean() <= error:
            return k


def in_place(images, reconstructions, n):
    images -= reconstructions
    return images.square().flatten(1).mean(1).topk(n).indices


def scaled_in_place(errors, labels):
    errors *= 255
    return [errors[labels == digit].mean() for digit in range(10)]


def by_occurrence(errors, labels):
    groups = {}
    for error, label in zip(errors.tolist(), labels.tolist(), strict=True):
        groups.setdefault(label, []).append(error)
    return [sum(group) / len(group) for group in groups.values()]


def each(digits, function, gather=list):
    """An answer that calls ``function(errors, mask)`` for each digit."""
    return lambda errors, labels: gather([function(errors, labels == d) for d in digits])


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
    },
    check.per_class: {
        "list": each(range(10), lambda e, m: e[m].mean().item()),
        "list of tensors": each(range(10), lambda e, m: e[m].mean()),
        "bincount": lambda e, y: torch.bincount(y, weights=e) / torch.bincount(y),
        "dict": lambda e, y: {d: e[y == d].mean().item() for d in y.unique().tolist()},
        "column": each(range(10), lambda e, m: e[m].mean(0, keepdim=True), torch.stack),
        "tensors as keys": lambda e, y: {d: e[y == d].mean() for d in torch.arange(10)},
        "a table": lambda e, y: pd.DataFrame({"e": e, "y": y}).groupby("y").mean(),
        "series": lambda e, y: pd.Series(e.numpy()).groupby(y.numpy()).mean(),
        "stack": lambda e, y: torch.stack([e[y == d].sum() / (y == d).sum() for d in range(10)]),
    },
    check.components_needed: {
        "loop": first_below,
        "count those above": lambda e, a, b: (pca_curve(a, b) > e).sum(),
        "nonzero": lambda e, a, b: (pca_curve(a, b) <= e).nonzero()[0],
        "length": lambda e, a, b: len([k for k in pca_curve(a, b) if k > e]),
        "searchsorted": lambda e, a, b: torch.searchsorted(-pca_curve(a, b), -e),
        "numpy": lambda e, a, b: np.argmax(pca_curve(a, b).numpy() <= e),
        "argmax": lambda e, a, b: int((pca_curve(a, b) <= e).int().argmax()),
        "reconstruct": by_reconstruction,
    },
}

WRONG = {
    check.worst: {
        "ascending": (lambda x, r, n: errors_of(x, r).argsort()[:n], "from the other end"),
        "worst last": (lambda x, r, n: errors_of(x, r).argsort()[-n:], "worst comes last"),
        "no order": (lambda x, r, n: sorted(errors_of(x, r).topk(n).indices), "not in order"),
        "values": (lambda x, r, n: errors_of(x, r).topk(n).values, "no index. If it is a value"),
        "all of them": (
            lambda x, r, n: errors_of(x, r).argsort(descending=True),
            "12 indices",
        ),
        "total": (lambda x, r, n: (x - r).square().sum().item(), "shape ()"),
        "batch axis": (
            lambda x, r, n: (x - r).square().mean(0).flatten().topk(n).indices,
            "batch axis",
        ),
        "pixels": (lambda x, r, n: (x - r).square().flatten().topk(n).indices, "single pixels"),
        "axes left": (lambda x, r, n: (x - r).square().mean(3).sort().indices, "over all its axes"),
        "one error": (
            lambda x, r, n: (x - r).square().mean(0).flatten(1).mean(1).argsort(),
            "1 indices; expected",
        ),
        "no square": (lambda x, r, n: (x - r).flatten(1).mean(1).topk(n).indices, "square"),
        "absolute": (lambda x, r, n: (x - r).abs().flatten(1).mean(1).topk(n).indices, "|x"),
        "worst pixel": (
            lambda x, r, n: (x - r).square().flatten(1).amax(1).topk(n).indices,
            "worst pixel",
        ),
        "median": (
            lambda x, r, n: (x - r).square().flatten(1).median(1).values.topk(n).indices,
            "by the median",
        ),
        "in place": (in_place, "changes the tensors"),
        "topk's pair": (lambda x, r, n: errors_of(x, r).topk(n), "together"),
        "images": (lambda x, r, n: x[errors_of(x, r).topk(n).indices], "Return only their indices"),
        "floats": (
            lambda x, r, n: errors_of(x, r).topk(n).indices.float(),
            "is torch.float32",
        ),
        "always 3": (lambda x, r, n: errors_of(x, r).topk(3).indices, "For n = 2"),
        "one less": (lambda x, r, n: errors_of(x, r).topk(n - 1).indices, "[1:n] or [-n:-1]"),
        "second first": (lambda x, r, n: errors_of(x, r).topk(n + 1).indices[1:], "place too late"),
        "mask": (lambda x, r, n: errors_of(x, r) > 0.02, "True or False"),
        "all errors": (errors_of_all, "which is no index"),
        "half an index": (lambda x, r, n: [7, 2.5, 9], "2.5, which is no index"),
        "not numbers": (lambda x, r, n: list((x - r).flatten(1)[:n]), "shape (3, 784)"),
        "made up": (lambda x, r, n: [0, 1, 2], "is not the order"),
        "a column": (lambda x, r, n: errors_of(x, r).topk(n).indices[:, None], "add .flatten()"),
        "slice from 1": (
            lambda x, r, n: errors_of(x, r).argsort(descending=True)[1:n],
            "holds n − 1",
        ),
        "counted from 1": (lambda x, r, n: errors_of(x, r).topk(n).indices + 1, "one too high"),
        "squares the mean": (
            lambda x, r, n: (x - r).flatten(1).mean(1).square().topk(n).indices,
            "square the mean difference",
        ),
    },
    check.per_class: {
        "sum": (each(range(10), lambda e, m: e[m].sum().item()), "sums"),
        "weighted by counts": (
            each(range(10), lambda e, m: (e[m].mean() * m.sum() / len(e)).item()),
            "shares",
        ),
        "equal classes": (
            each(range(10), lambda e, m: (e[m].sum() / (len(e) / 10)).item()),
            "equally large",
        ),
        "overall mean": (each(range(10), lambda e, m: e.mean().item()), "Ten times the same"),
        "one number": (lambda e, y: e.mean(), "is one number"),
        "order of occurrence": (by_occurrence, "first occur"),
        "sorted": (
            lambda e, y: sorted(e[y == d].mean().item() for d in range(10)),
            "but sorted",
        ),
        "1 to 10": (each(range(1, 11), lambda e, m: e[m].mean().item()), "NaN"),
        "9 digits": (each(range(1, 10), lambda e, m: e[m].mean().item()), "9 numbers"),
        "10 first": (each([*range(1, 10), 0], lambda e, m: e[m].mean().item()), "one place off"),
        "in place": (scaled_in_place, "changes the tensors"),
        "largest count": (
            lambda e, y: torch.bincount(y, weights=e) / torch.bincount(y).max(),
            "count of the largest",
        ),
        "median": (each(range(10), lambda e, m: e[m].median().item()), "medians"),
        "root": (each(range(10), lambda e, m: e[m].mean().sqrt().item()), "square roots"),
        "rounded": (each(range(10), lambda e, m: round(e[m].mean().item(), 6)), "but rounded"),
        "the others": (each(range(10), lambda e, m: e[~m].mean()), "all *other* classes"),
        "reversed": (each(range(9, -1, -1), lambda e, m: e[m].mean()), "reverse order"),
        "counts": (lambda e, y: torch.bincount(y), "how many images"),
        "digits missing": (
            lambda e, y: {d: e[y == d].mean() for d in range(1, 10)},
            "aren't the digits",
        ),
        "odd keys": (lambda e, y: {"mean": e.mean(), "all": e.sum()}, "aren't the digits"),
        "generator": (lambda e, y: (e[y == d].mean() for d in range(10)), "Make a list"),
        "masked, not picked": (
            each(range(10), lambda e, m: (e * m).max().item()),
            "picks a class's images",
        ),
    },
    check.components_needed: {
        "strict": (lambda e, a, b: int((pca_curve(a, b) >= e).sum()), "<="),
        "one too many": (lambda e, a, b: int((pca_curve(a, b) > e).sum()) + 1, "one too many"),
        "last above": (
            lambda e, a, b: max(int((pca_curve(a, b) > e).sum()) - 1, 0),
            "One too few",
        ),
        "from k = 1 on": (
            lambda e, a, b: max(1, first_below(e, a, b)),
            "begins at position 0",
        ),
        "list from 1": (
            lambda e, a, b: int((pca_curve(a, b)[1:] <= e).nonzero()[0]),
            "One too few",
        ),
        "nearest": (lambda e, a, b: (pca_curve(a, b) - e).abs().argmin(), "nearest"),
        "last below": (lambda e, a, b: (pca_curve(a, b) <= e).nonzero()[-1], "all components"),
        "reversed": (lambda e, a, b: (pca_curve(a, b) >= e).nonzero()[0], "wrong way round"),
        "how many suffice": (lambda e, a, b: (pca_curve(a, b) <= e).sum(), "how many k suffice"),
        "on train": (lambda e, a, b: first_below(e, a, a), "measured on the training"),
        "centred by its own mean": (
            lambda e, a, b: first_below(e, a - a.mean(0), b - b.mean(0)),
            "own mean",
        ),
        "learns from test": (lambda e, a, b: first_below(e, b, b), "learned from the test"),
        "error": (lambda e, a, b: pca_curve(a, b)[first_below(e, a, b)], "its position"),
        "mask": (lambda e, a, b: pca_curve(a, b) <= e, "expected one number"),
        "in place": (centred_in_place, "changes the tensors"),
        "divides by 784": (
            lambda e, a, b: int((pca_curve(a, b) * 16 / 784 > e).sum()),
            "images.shape[1] knows",
        ),
        "bisects what falls": (
            lambda e, a, b: np.searchsorted(pca_curve(a, b).numpy(), e),
            "as in a list that rises",
        ),
        "another curve": (lambda e, a, b: 242, "have 16 pixels"),
        "made up": (lambda e, a, b: 5, "one component less"),
    },
}
# As "last above", "strict", "digits missing", "reversed", "one less": the check can't tell.
SAME_MISTAKE = {"list from 1", "from k = 1 on", "odd keys", "divides by 784", "slice from 1"}


TestZoo = zoo_tests(RIGHT, WRONG, alike=SAME_MISTAKE)


def test_means_that_are_nearly_right_are_shown_to_differ():
    """The means are small: with few digits behind the point both numbers would read the same."""
    almost = each(range(10), lambda e, m: 1.0002 * e[m].mean().item())
    message = check.per_class(almost).message
    assert len(set(re.findall(r"\d+\.\d+", message))) == 2, message
