"""Lesson 13's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ae_helpers import measures
from ae_helpers.exercises import lesson_13 as check
from exercise_zoo import in_place, zoo_tests

# ------------------------------------------------------------------------------- epochs for steps


def epochs(images, batch_size, steps):
    return math.ceil(steps / math.ceil(images / batch_size))


def by_going_on(images, batch_size, steps):
    done = made = 0
    while made < steps:
        done += 1
        made += len(range(0, images, batch_size))
    return done


# --------------------------------------------------------------------------------- the worst patch


def maps_of(images, rebuilt):
    return (images - rebuilt).square().mean(1, keepdim=True)


def patches(images, rebuilt, side, **options):
    return F.avg_pool2d(maps_of(images, rebuilt), side, **{"stride": 1} | options).flatten(1)


def by_unfolding(images, rebuilt, side):
    windows = maps_of(images, rebuilt).unfold(2, side, 1).unfold(3, side, 1)
    return windows.mean((4, 5)).amax((1, 2, 3))


def in_numpy(images, rebuilt, side):
    maps = ((images.numpy() - rebuilt.numpy()) ** 2).mean(1)
    return (
        np.lib.stride_tricks.sliding_window_view(maps, (side, side), (1, 2))
        .mean((3, 4))
        .max((1, 2))
    )


def by_loops(images, rebuilt, side):
    found = []
    for table in maps_of(images, rebuilt)[:, 0]:
        rows, columns = (n - side + 1 for n in table.shape)
        found.append(
            max(
                table[r : r + side, c : c + side].mean().item()
                for r in range(rows)
                for c in range(columns)
            )
        )
    return found


def by_sums(images, rebuilt, side):
    sums = F.pad(maps_of(images, rebuilt)[:, 0].cumsum(1).cumsum(2), (1, 0, 1, 0))
    rows = sums[:, side:] - sums[:, :-side]
    return ((rows[..., side:] - rows[..., :-side]) / side**2).flatten(1).amax(1)


def around_pixels(images, rebuilt, side):
    """Right for odd sides only."""
    return patches(images, rebuilt, 2 * (side // 2) + 1).amax(1)


def pooled(maps):
    """An answer that takes the worst square of other maps, ``(N, C, H, W)`` → ``(N, H, W)``."""
    return lambda images, rebuilt, side: (
        F.avg_pool2d(maps(images - rebuilt)[:, None], side, stride=1).flatten(1).amax(1)
    )


# ----------------------------------------------------------------------- how many alarms are true


def true_share(caught, false, rate):
    return caught * rate / (caught * rate + false * (1 - rate))


def by_counting(caught, false, rate, count=1_000_000):
    true, wrong = caught * rate * count, false * (count - rate * count)
    return true / (true + wrong)


RIGHT = {
    check.epochs_for: {
        "rounded up twice": epochs,
        "with //": lambda n, b, s: -(-s // -(-n // b)),
        "counted": by_going_on,
        "ceil of NumPy, a float": lambda n, b, s: np.ceil(s / np.ceil(n / b)),
        "as a tensor": lambda n, b, s: torch.tensor(epochs(n, b, s)),
        "one less, and one more": lambda n, b, s: (s - 1) // ((n - 1) // b + 1) + 1,
    },
    check.worst_patch: {
        "pooled": lambda a, b, side: patches(a, b, side).amax(1),
        "max with its values": lambda a, b, side: patches(a, b, side).max(1).values,
        "unfolded": by_unfolding,
        "NumPy": in_numpy,
        "loops": by_loops,
        "float32": lambda a, b, side: patches(a.float(), b.float(), side).amax(1),
        "by sums from the corner": by_sums,
        "F.unfold": lambda a, b, side: F.unfold(maps_of(a, b), side).mean(1).amax(1),
        "each channel pooled first": lambda a, b, side: (
            F.avg_pool2d((a - b) ** 2, side, stride=1).mean(1).flatten(1).amax(1)
        ),
        "padded with zeros, which changes nothing": lambda a, b, side: patches(
            a, b, side, padding=side // 2
        ).amax(1),
        "the package's": measures.worst_patch,
        "a convolution": lambda a, b, side: (
            F.conv2d(maps_of(a, b), torch.full((1, 1, side, side), 1 / side**2, dtype=a.dtype))
            .flatten(1)
            .amax(1)
        ),
    },
    check.true_alarms: {
        "Bayes": true_share,
        "counted": by_counting,
        "1 minus the false": lambda c, f, r: 1 - f * (1 - r) / (c * r + f * (1 - r)),
        "one divided by": lambda c, f, r: 1 / (1 + f * (1 - r) / (c * r)),
        "float32": lambda c, f, r: torch.tensor(true_share(c, f, r), dtype=torch.float32),
    },
}

WRONG = {
    check.epochs_for: {
        "rounded down": (lambda n, b, s: s // math.ceil(n / b), "You round down: the last"),
        "to the nearest": (lambda n, b, s: round(s / math.ceil(n / b)), "to the nearest"),
        "a fraction": (lambda n, b, s: s / math.ceil(n / b), "a fraction of an epoch"),
        "down and one more": (lambda n, b, s: s // math.ceil(n / b) + 1, "round down and add 1"),
        "a batch too many": (lambda n, b, s: math.ceil(s / (n // b + 1)), "where nothing is left"),
        "without the short batch": (lambda n, b, s: math.ceil(s / (n // b)), "leave out the short"),
        "the nearest step": (
            lambda n, b, s: math.ceil(s / round(n / b)),
            "an epoch to the nearest",
        ),
        "a fraction of a step": (lambda n, b, s: math.ceil(s * b / n), "as a fraction; an epoch"),
        "steps of an epoch": (lambda n, b, s: math.ceil(n / b), "steps of one epoch"),
        "steps by images": (lambda n, b, s: math.ceil(s / n), "divide the steps by the images"),
        "steps by batches": (lambda n, b, s: math.ceil(s / b), "divide the steps by the batch"),
        "multiplied": (lambda n, b, s: s * math.ceil(n / b), "You multiply"),
        "always fifteen": (lambda n, b, s: 15, "you answer 15, not 50"),
        "a list": (lambda n, b, s: [1, 2], "a number of epochs"),
    },
    check.worst_patch: {
        "the mean error": (lambda a, b, side: maps_of(a, b).flatten(1).mean(1), "small defect"),
        "the worst pixel": (lambda a, b, side: maps_of(a, b).flatten(1).amax(1), "single pixel"),
        "side by side": (lambda a, b, side: patches(a, b, side, stride=side).amax(1), "cut in two"),
        "the best": (lambda a, b, side: patches(a, b, side).amin(1), "the best patch"),
        "the mean of squares": (lambda a, b, side: patches(a, b, side).mean(1), "mean of all sq"),
        "not squared": (pooled(lambda d: d.mean(1)), "forget the square"),
        "absolute": (pooled(lambda d: d.abs().mean(1)), "absolute difference"),
        "channels added": (pooled(lambda d: d.square().sum(1)), "add the channels up"),
        "the worst channel": (pooled(lambda d: d.square()[:, 0]), "only the first channel"),
        "channels averaged first": (pooled(lambda d: d.mean(1).square()), "before you square"),
        "each channel's own": (
            lambda a, b, side: F.avg_pool2d((a - b).square(), side, stride=1).flatten(1).amax(1),
            "worst channel",
        ),
        "summed": (lambda a, b, side: side**2 * patches(a, b, side).amax(1), "sum over a square"),
        "a root": (lambda a, b, side: patches(a, b, side).amax(1).sqrt(), "the root at the end"),
        "padded": (
            lambda a, b, side: patches(a, b, side, padding=side // 2, count_include_pad=False).amax(
                1
            ),
            "reach over the rim",
        ),
        "one for all": (lambda a, b, side: patches(a, b, side).amax(), "not one for all"),
        "all the same": (
            lambda a, b, side: patches(a, b, side).amax().expand(len(a)),
            "average over images",
        ),
        "a map": (lambda a, b, side: maps_of(a, b)[:, 0], "a map for each picture"),
        "all squares": (
            lambda a, b, side: F.avg_pool2d(maps_of(a, b), side, stride=1),
            "means of all squares: take",
        ),
        "averaged, then squared": (
            lambda a, b, side: (
                F.avg_pool2d(a - b, side, stride=1).square().mean(1).flatten(1).amax(1)
            ),
            "before you square them",
        ),
        "around a pixel": (around_pixels, "side + 1 of an even"),
        "a fixed side": (lambda a, b, side: patches(a, b, 3).amax(1), "Not the worst squares"),
        "the side of the test": (lambda a, b, side: patches(a, b, 6).amax(1), "not for another"),
        "the package's, with its own side": (
            lambda a, b, side: measures.worst_patch(a, b),
            "have a side of 5",
        ),
        "summed over rows": (
            lambda a, b, side: side * patches(a, b, side).amax(1),
            "Not the worst",
        ),
        "the worst pixels, wherever": (
            lambda a, b, side: maps_of(a, b).flatten(1).topk(side**2).values.mean(1),
            "then over each square",
        ),
        "twice": (lambda a, b, side: 2 * patches(a, b, side).amax(1), "Not the worst squares"),
        "in place": (in_place, "changes the tensors"),
    },
    check.true_alarms: {
        "caught of all": (lambda c, f, r: c * r, "flawed *and* raise"),
        "all alarms": (lambda c, f, r: c * r + f * (1 - r), "the denominator"),
        "no rate": (lambda c, f, r: c / (c + f), "The rate plays no part"),
        "false of all": (lambda c, f, r: c * r / (c * r + f), "come from the *good*"),
        "all flawed above": (lambda c, f, r: r / (c * r + f * (1 - r)), "count all flawed"),
        "all caught": (lambda c, f, r: r / (r + f * (1 - r)), "take all flawed ones for"),
        "the false ones": (lambda c, f, r: 1 - true_share(c, f, r), "that are *false*"),
        "false for each true": (
            lambda c, f, r: f * (1 - r) / (c * r),
            "for each true one",
        ),
        "no alarm": (
            lambda c, f, r: (1 - f) * (1 - r) / ((1 - f) * (1 - r) + (1 - c) * r),
            "*without* an alarm that are good",
        ),
        "per cent": (lambda c, f, r: 100 * true_share(c, f, r), "per cent"),
        "specificity": (lambda c, f, r: 1 - f, "without an alarm"),
        "caught": (lambda c, f, r: c, "the other way"),
        "accuracy": (lambda c, f, r: c * r + (1 - f) * (1 - r), "accuracy"),
        "exchanged": (lambda c, f, r: true_share(c, f, 1 - r), "You exchange rate"),
        "no rate above": (lambda c, f, r: c / (c * r + f * (1 - r)), "Above the line"),
        "true by false": (lambda c, f, r: c * r / (f * (1 - r)), "There may be no false alarms"),
        "half": (lambda c, f, r: 0.5, "you answer 0.5, not 0.1538"),
    },
}

TestZoo = zoo_tests(RIGHT, WRONG)


@pytest.mark.parametrize("exercise", RIGHT)
def test_each_exercise_has_enough_answers(exercise):
    assert len(RIGHT[exercise]) >= 3 and len(WRONG[exercise]) >= 8
