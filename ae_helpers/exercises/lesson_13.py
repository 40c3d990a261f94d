"""Checks for lesson 13: epochs for so many steps, the worst patch, how many alarms are true."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from ae_helpers.exercises.answers import call, call_unchanged, check, explain, number, tensor, whole

# ------------------------------------------------------------------------------- epochs for steps


@check
def epochs_for(answer) -> str:
    """``answer(images, batch_size, steps)`` → the fewest epochs that have at least so many steps.

    A short last batch is a step, too.
    """
    cases = [(640, 32, 1_000), (100, 8, 1_000), (101, 10, 95), (47, 20, 9), (30, 30, 7), (90, 7, 1)]
    cases += [(97, 7, 28)]  # whose batches are more, rounded to the nearest, than rounded down
    found = []
    for images, batch_size, steps in cases:
        where = f"For {images} images, batches of {batch_size} and {steps:,} steps your answer"
        value = number(call(answer, images, batch_size, steps), "a number of epochs", where=where)
        found.append(int(value) if float(value).is_integer() else value)
    per_epoch = [math.ceil(n / b) for n, b, _ in cases]
    steps = [case[2] for case in cases]
    pairs = list(zip(steps, per_epoch, strict=True))
    without = [n // b for n, b, _ in cases]
    mistakes = {
        "You round down: the last epoch has to be begun, or steps are missing. -(-a // b) rounds "
        "up.": [s // p for s, p in pairs],
        "You round to the nearest: where that is down, steps are missing. Round up.": [
            round(s / p) for s, p in pairs
        ],
        "You give a fraction of an epoch. Only whole ones can be trained: round up.": [
            s / p for s, p in pairs
        ],
        "You round down and add 1: that is one epoch too many where nothing is left over.": [
            s // p + 1 for s, p in pairs
        ],
        "You leave out the short last batch of an epoch; it is a step, too: round images / "
        "batch_size up.": [math.ceil(s / w) for s, w in zip(steps, without, strict=True)],
        "You round the steps of an epoch to the nearest: where that is down, the short last batch "
        "is missing, which is a step, too. Round up.": [
            math.ceil(s / round(n / b)) for n, b, s in cases
        ],
        "You count a batch too many where nothing is left over: images // batch_size + 1 is right "
        "only if the last batch is short.": [
            math.ceil(s / (w + 1)) for s, w in zip(steps, without, strict=True)
        ],
        "You divide by images / batch_size as a fraction; an epoch has a whole number of steps: "
        "round that up first.": [math.ceil(s * b / n) for n, b, s in cases],
        "Those are the steps of one epoch. How many such epochs make up `steps`?": per_epoch,
        "You divide the steps by the images: that is right for batches of a single one.": [
            math.ceil(s / n) for n, _, s in cases
        ],
        "You divide the steps by the batch size; an epoch has images / batch_size steps, rounded "
        "up.": [math.ceil(s / b) for _, b, s in cases],
        "You multiply: so many steps would those be, if steps were epochs.": [
            s * p for s, p in pairs
        ],
    }
    right = [math.ceil(s / p) for s, p in pairs]
    explain(
        found,
        right,
        [(rule, text) for text, rule in mistakes.items()],
        cases=cases,
        asked="{} images, batches of {} and {:,} steps",
    )
    for value in found:
        whole(value, "a whole number of epochs")
    return "Right: 640 pictures in batches of 32 are 20 steps, so 1,000 steps are 50 epochs."


# --------------------------------------------------------------------------------- the worst patch


def _pooled(maps: Tensor, side: int, **options) -> Tensor:
    return F.avg_pool2d(maps[:, None], side, **{"stride": 1} | options).flatten(1)


@check
def worst_patch(answer) -> str:
    """``answer(images, rebuilt, side)`` → the highest mean squared error of a square, ``(N,)``."""
    generator = torch.Generator().manual_seed(3)
    images, rebuilt = torch.rand(2, 5, 3, 9, 13, generator=generator, dtype=torch.float64)
    images[0, :, 2, 4], images[1, :, 0, 0], images[2, :, 8, 12] = 3, 4, 5  # one speck, two corners
    side, count = 6, len(images)  # even, and not the 5 of measures
    into = "-= or square_: compute a new tensor."
    shapes = {
        (): "One number for each picture is asked for, not one for all of them: amax over the two "
        "axes of places only.",
        (
            count,
            9,
            13,
        ): "That is a map for each picture: average over squares, and take the highest.",
        (count, 4, 8): "Those are the means of all squares: take the highest of each picture.",
        (count, 1, 4, 8): "Those are the means of all squares: take the highest of each picture.",
        (count, 3): "That is one number for each channel: average over the channels first.",
        (count, 1): "The numbers stand in a column: add .flatten().",
        (
            count,
            1,
            1,
        ): "Two axes of length 1 are left over: add .flatten(1).amax(1) in their place.",
        (count, 1, 1, 1): "Three axes of length 1 are left over: .flatten(1).amax(1) has none.",
    }
    what = "one number for each picture"
    found = tensor(call_unchanged(into, answer, images, rebuilt, side), what, [count], shapes)
    error = images - rebuilt
    squares = error.square()
    maps = squares.mean(1)
    by_channel = F.avg_pool2d(squares, side, stride=1)
    mistakes: dict[str, Tensor | Callable] = {
        "That is the mean error of each picture, in which a small defect drowns. Take the mean of "
        "each square, then the highest.": maps.flatten(1).mean(1),
        "That is the worst single pixel: average over a square first, avg_pool2d(…, side, "
        "stride=1).": maps.flatten(1).amax(1),
        "Your squares lie side by side, so a defect may be cut in two: stride=1.": (
            _pooled(maps, side, stride=side).amax(1)
        ),
        "You take the lowest square, the best patch; the worst is the highest: amax.": (
            _pooled(maps, side).amin(1)
        ),
        "You take the mean of all squares; the worst is the highest: amax.": (
            _pooled(maps, side).mean(1)
        ),
        "You forget the square: differences above and below 0 cancel each other in the mean.": (
            _pooled(error.mean(1), side).amax(1)
        ),
        "You average the differences over a square before you square them: those above and below "
        "0 cancel. Square first.": F.avg_pool2d(error, side, stride=1)
        .square()
        .mean(1)
        .flatten(1)
        .amax(1),
        "You take the absolute difference; square it.": _pooled(error.abs().mean(1), side).amax(1),
        "You add the channels up; take their mean, so that grey and colour can be compared.": (
            _pooled(squares.sum(1), side).amax(1)
        ),
        "You take the worst channel; take the mean of the channels.": by_channel.flatten(1).amax(1),
        "You take only the first channel; take the mean of all.": (
            _pooled(squares[:, 0], side).amax(1)
        ),
        "You average the channels before you square: a red pixel too many and a blue one too few "
        "cancel each other.": _pooled(error.mean(1).square(), side).amax(1),
        "You sum over a square; take its mean, so that sides can be compared.": (
            side**2 * _pooled(maps, side).amax(1)
        ),
        "You take the root at the end; the mean squared error is asked for.": (
            _pooled(maps, side).amax(1).sqrt()
        ),
        "Your squares reach over the rim, where they are cut short: no padding.": (
            _pooled(maps, side, padding=side // 2, count_include_pad=False).amax(1)
        ),
        "You average over images, too, the first axis: each picture has its own squares.": (
            _pooled(maps, side).amax().expand(count)
        ),
        "Your squares have a side of 5, whatever side is asked for: use `side`.": (
            _pooled(maps, 5).amax(1)
        ),
        "Your squares are a pixel too long: side // 2 both ways from a pixel makes side + 1 of an "
        "even side.": _pooled(maps, side + 1).amax(1),
    }
    otherwise = (
        "Not the worst squares: you answer {found}, not {right}. Square the differences, average "
        "over the channels, then over each square of side × side, and take the highest."
    )
    explain(found, _pooled(maps, side).amax(1), mistakes, otherwise=otherwise)
    again = tensor(call(answer, images[:2], rebuilt[:2], 7), what, [2], None)
    fixed = f"Right for squares of side {side}, but not for another side: use `side`."
    explain(again, _pooled(maps[:2], 7).amax(1), otherwise=fixed)
    return "Right: the mean squared error of the worst square, wherever it lies."


# ----------------------------------------------------------------------- how many alarms are true


@check
def true_alarms(answer) -> str:
    """``answer(caught, false_alarms, rate)`` → the share of alarms that are of flawed things.

    All are shares from 0 to 1: of the flawed that raise an alarm, of the good that do, and of the
    flawed among all (Bayes' rule).
    """
    cases = [(0.9, 0.05, 0.01), (0.6, 0.2, 0.3), (1.0, 0.01, 0.001), (0.5, 0.0, 0.2)]
    cures = {
        "division by zero": "There may be no false alarms: divide by all alarms, true and false."
    }
    found = []
    for caught, false, rate in cases:
        where = f"For caught {caught}, false alarms {false} and rate {rate} your answer"
        answered = call(answer, caught, false, rate, cures=cures)
        value = number(answered, "a share of all alarms", where=where)
        found.append(value)
    mistakes = {
        "That is the share of all things that are flawed *and* raise an alarm. Divide by the share "
        "that raises one, rightly or wrongly.": lambda c, f, r: c * r,
        "That is the share of all things that raise an alarm: the denominator. Above it stands "
        "the part that is flawed.": lambda c, f, r: c * r + f * (1 - r),
        "The rate plays no part, as if flawed and good were equally many: the false alarms come "
        "from the good ones, a share of 1 − rate.": lambda c, f, r: c / (c + f),
        "The false alarms come from the *good* ones, a share of 1 − rate: false_alarms · (1 − "
        "rate).": lambda c, f, r: c * r / (c * r + f),
        "You count all flawed ones, caught or not: multiply the rate by `caught` above the line, "
        "too.": lambda c, f, r: r / (c * r + f * (1 - r)),
        "You take all flawed ones for caught: use `caught`.": lambda c, f, r: r / (r + f * (1 - r)),
        "That is the share of alarms that are *false*; 1 minus that.": lambda c, f, r: (
            f * (1 - r) / (c * r + f * (1 - r))
        ),
        "That is how many false alarms there are for each true one. Divide the true alarms by all "
        "alarms.": lambda c, f, r: f * (1 - r) / (c * r),
        "That is the share of pictures *without* an alarm that are good; asked for is the share of "
        "those with one that are flawed.": lambda c, f, r: (
            (1 - f) * (1 - r) / ((1 - f) * (1 - r) + (1 - c) * r)
        ),
        "Those are per cent; give a share from 0 to 1.": lambda c, f, r: (
            100 * c * r / (c * r + f * (1 - r))
        ),
        "That is 1 − false_alarms, the share of the *good* without an alarm.": lambda c, f, r: (
            1 - f
        ),
        "That is the share of the flawed that are caught; here the question is asked the other way "
        "round, of the alarms.": lambda c, f, r: c,
        "That is the accuracy, the share of all things judged rightly. Nearly all are good, so it "
        "is high for who never raises an alarm.": lambda c, f, r: c * r + (1 - f) * (1 - r),
        "You exchange rate and 1 − rate: caught belongs to the flawed, false_alarms to the good.": (
            lambda c, f, r: c * (1 - r) / (c * (1 - r) + f * r)
        ),
        "Above the line stands what is caught of *all*: caught · rate.": lambda c, f, r: (
            c / (c * r + f * (1 - r))
        ),
    }
    asked = "caught {}, false alarms {} and rate {}"
    explain(
        found, lambda c, f, r: c * r / (c * r + f * (1 - r)), mistakes, cases=cases, asked=asked
    )
    return (
        "Right: with 90% caught, 5% false alarms and one flawed in a hundred, 15 of 100 alarms are "
        "true."
    )
