"""Lesson 05's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import pytest
import torch

from ae_helpers.exercises import lesson_05 as check
from exercise_zoo import cases


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
    for k, value in enumerate(pca_curve(train, test)):
        if value <= error:
            return k


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


def by_occurrence(errors, labels):
    groups = {}
    for error, label in zip(errors.tolist(), labels.tolist(), strict=True):
        groups.setdefault(label, []).append(error)
    return [sum(group) / len(group) for group in groups.values()]


def each(digits, function):
    """An answer that calls ``function(errors, mask)`` for each digit."""
    return lambda errors, labels: [function(errors, labels == digit) for digit in digits]


RIGHT = {
    check.worst: {
        "topk": lambda x, r, n: errors_of(x, r).topk(n).indices,
        "argsort": lambda x, r, n: errors_of(x, r).argsort(descending=True)[:n],
        "sums rank the same": lambda x, r, n: (
            (x - r).square().sum((1, 2, 3)).argsort().flip(0)[:n].tolist()
        ),
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
        "stack": lambda e, y: torch.stack([e[y == d].sum() / (y == d).sum() for d in range(10)]),
    },
    check.components_needed: {
        "loop": first_below,
        "count those above": lambda e, a, b: (pca_curve(a, b) > e).sum(),
        "nonzero": lambda e, a, b: (pca_curve(a, b) <= e).nonzero()[0],
        "argmax": lambda e, a, b: int((pca_curve(a, b) <= e).int().argmax()),
        "reconstruct": by_reconstruction,
    },
}

WRONG = {
    check.worst: {
        "ascending": (lambda x, r, n: errors_of(x, r).argsort()[:n], "best images"),
        "worst last": (lambda x, r, n: errors_of(x, r).argsort()[-n:], "worst comes last"),
        "no order": (lambda x, r, n: sorted(errors_of(x, r).topk(n).indices), "not in order"),
        "values": (lambda x, r, n: errors_of(x, r).topk(n).values, "not their indices"),
        "all of them": (lambda x, r, n: errors_of(x, r).argsort(descending=True), "first n"),
        "total": (lambda x, r, n: (x - r).square().sum().item(), "one float"),
        "batch axis": (
            lambda x, r, n: (x - r).square().mean(0).flatten().topk(n).indices,
            "batch axis",
        ),
        "pixels": (lambda x, r, n: (x - r).square().flatten().topk(n).indices, "single pixels"),
        "axes left": (lambda x, r, n: (x - r).square().mean(3).sort().indices, "all axes"),
        "one error": (
            lambda x, r, n: (x - r).square().mean(0).flatten(1).mean(1).argsort(),
            "(N,)",
        ),
        "no square": (lambda x, r, n: (x - r).flatten(1).mean(1).topk(n).indices, "square"),
        "absolute": (lambda x, r, n: (x - r).abs().flatten(1).mean(1).topk(n).indices, "|x"),
        "worst pixel": (
            lambda x, r, n: (x - r).square().flatten(1).amax(1).topk(n).indices,
            "worst pixel",
        ),
        "in place": (in_place, "changes the images"),
        "topk's pair": (lambda x, r, n: errors_of(x, r).topk(n), "together"),
        "exception": (lambda x, r, n: errors_of(x, r)[:, n], "IndexError"),
        "not numbers": (lambda x, r, n: list((x - r).flatten(1)[:n]), "Not all 3 things"),
        "NaN": (lambda x, r, n: [float("nan")] * n, "can't be an index"),
        "made up": (lambda x, r, n: [0, 1, 2], "is not the order"),
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
        "one number": (lambda e, y: e.mean(), "one float"),
        "order of occurrence": (by_occurrence, "first occur"),
        "sorted": (
            lambda e, y: sorted(e[y == d].mean().item() for d in range(10)),
            "but sorted",
        ),
        "1 to 10": (each(range(1, 11), lambda e, m: e[m].mean().item()), "NaN"),
        "9 digits": (each(range(1, 10), lambda e, m: e[m].mean().item()), "9 numbers"),
        "10 first": (each([*range(1, 10), 0], lambda e, m: e[m].mean().item()), "one place off"),
        "median": (each(range(10), lambda e, m: e[m].median().item()), "medians"),
        "root": (each(range(10), lambda e, m: e[m].mean().sqrt().item()), "square roots"),
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
        "list from 1": (
            lambda e, a, b: int((pca_curve(a, b)[1:] <= e).nonzero()[0]),
            "One too few",
        ),
        "nearest": (lambda e, a, b: (pca_curve(a, b) - e).abs().argmin(), "nearest"),
        "last below": (lambda e, a, b: (pca_curve(a, b) <= e).nonzero()[-1], "all components"),
        "reversed": (lambda e, a, b: (pca_curve(a, b) >= e).nonzero()[0], "wrong way round"),
        "how many suffice": (lambda e, a, b: (pca_curve(a, b) <= e).sum(), "how many k suffice"),
        "on train": (lambda e, a, b: first_below(e, a, a), "measured on the training"),
        "learns from test": (lambda e, a, b: first_below(e, b, b), "learned from the test"),
        "error": (lambda e, a, b: pca_curve(a, b)[first_below(e, a, b)], "its position"),
        "infinite": (lambda e, a, b: float("inf"), "inf, which is no number"),
        "mask": (lambda e, a, b: pca_curve(a, b) <= e, "expected one number"),
        "exception": (lambda e, a, b: first_below(e, a, b).item(), "AttributeError"),
        "made up": (lambda e, a, b: 5, "with fewer it is above"),
    },
}
SAME_MISTAKE = {"list from 1"}  # as "last above": one mistake in two spellings


@pytest.mark.parametrize(("exercise", "answer"), cases(RIGHT))
def test_right_answers_pass(exercise, answer):
    verdict = exercise(answer)
    assert verdict, verdict


@pytest.mark.parametrize(("exercise", "answer"), cases(WRONG))
def test_wrong_answers_hear_what_is_wrong(exercise, answer):
    function, words = answer
    verdict = exercise(function)
    assert not verdict
    assert words in verdict.message


@pytest.mark.parametrize("exercise", WRONG, ids=lambda exercise: exercise.__name__)
def test_each_mistake_has_a_message_of_its_own(exercise):
    answers = {name: pair for name, pair in WRONG[exercise].items() if name not in SAME_MISTAKE}
    messages = {exercise(function).message for function, _ in answers.values()}
    assert len(messages) == len(answers)


@pytest.mark.parametrize("exercise", RIGHT, ids=lambda exercise: exercise.__name__)
@pytest.mark.parametrize("unsolved", [..., lambda *_: ..., lambda *_: None])
def test_unsolved_says_not_yet(exercise, unsolved):
    verdict = exercise(unsolved)
    assert not verdict and verdict.message.startswith("Not yet")
