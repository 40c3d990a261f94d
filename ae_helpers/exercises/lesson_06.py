"""Checks for lesson 06: explore the latent space."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ae_helpers.exercises.answers import (
    Mistake,
    call,
    call_unchanged,
    check,
    explain,
    indices,
    misordered,
    near,
    tensor,
)

IN_PLACE = "-=; compute a new one."

# ------------------------------------------------------------------------------ nearest neighbours

QUERY = torch.tensor([3.0, 3.0, 0.0, 0.0])
POINTS = QUERY + torch.tensor(
    [
        [2.0, 2.0, 2.0, 2.0],  #   0: 4.0 away, by differences that don't vary
        [1.5, -1.5, 1.5, 1.5],  #  1: 3.0
        [0.0, 2.4, 0.0, 0.0],  #   2: 2.4, the third; along one axis only
        [-1.0, 0.0, 0.0, 0.0],  #  3: 1.0, the nearest
        [9.0, 9.0, 0.0, 0.0],  #   4: in the query's direction, but far
        [0.9, 0.9, 0.9, -0.9],  #  5: 1.8, the second; further by the sum of its differences
        [-7.0, 0.0, 2.0, 0.0],  #  6: far, and its differences sum up to less than nothing
        [2.5, 0.0, 0.0, 0.0],  #   7: 2.5
        [0.0, 0.0, -6.0, 6.0],  #  8: far, and its differences sum up to nothing
    ]
)


WRONG_DISTANCES = {
    "You sum |differences|; the Euclidean distance sums their squares.": (
        lambda q, p: (p - q).abs().sum(1)
    ),
    "You take each point's largest difference; sum the squares of all of them.": (
        lambda q, p: (p - q).abs().amax(1)
    ),
    "Differences above and below 0 cancel in your sum: make each positive *before* the sum, by its "
    "square.": (lambda q, p: (p - q).sum(1).abs()),
    "Differences above and below 0 cancel each other: square them first.": (
        lambda q, p: (p - q).sum(1)
    ),
    "Differences above and below 0 cancel each other: square them before the sum and the root.": (
        lambda q, p: (p - q).sum(1).sqrt()
    ),
    "The largest p·q isn't the nearest: long vectors win. Take the difference.": (
        lambda q, p: -p @ q
    ),
    "You compare directions (the cosine), which ignores how far out a point is.": (
        lambda q, p: -F.cosine_similarity(p, q[None])
    ),
    "You compare lengths, seen from the origin: subtract the query from the points before you take "
    "the norm.": lambda q, p: p.norm(dim=1),
    "You sum over the points, axis 0; sum over the last axis: one per point.": (
        lambda q, p: (p - q).norm(dim=0)
    ),
}


@check
def nearest(answer) -> str:
    """``answer(query, points, n)`` → indices of the n points nearest to query, nearest first."""
    order = (POINTS - QUERY).norm(dim=1).argsort()
    one_each = "One distance per point is needed: sum the squares over the last axis."
    cures = {"out of range": one_each, "0-dim": one_each}
    for n in (3, 2):
        shapes = {
            (): "argmin finds only the first, and a sum over everything leaves one number.",
            (n, len(QUERY)): "Return only the indices of the points, which tell where they are.",
            (2, n): "Distances and indices? Return the indices alone.",
            (2, 1, n): "Distances and indices? Return the indices alone.",
        }
        found = call_unchanged(IN_PLACE, answer, QUERY.clone(), POINTS.clone(), n, cures=cures)
        mistakes = {
            "You skip the nearest, but the query isn't one of the points: keep it.": (
                order[1 : n + 1]
            ),
            **misordered(order, n, "nearest"),
            **{text: far(QUERY, POINTS).argsort()[:n] for text, far in WRONG_DISTANCES.items()},
        }
        explain(
            indices(found, n, "points", shapes, one_each),
            order[:n],
            mistakes,
            otherwise="{found} is not the order by distance, {right}.",
        )
    return "Right: the Euclidean distance to each point, and the indices of the smallest n."


# ----------------------------------------------------------------------------------- interpolation


WRONG_SHARES = {
    "For 5 steps all is right, but not for 3: use steps.": lambda s: torch.arange(s) / 4,
    "Your line runs from end to start: at t = 0 it has to be start.": (
        lambda s: torch.linspace(1, 0, s)
    ),
    "Your last point stops short of the end: 5 points have 4 steps between them. "
    "torch.linspace(0, 1, steps) includes both ends.": lambda s: torch.arange(s) / s,
    "Your last point stops short of the end, by two steps: torch.linspace(0, 1, steps) includes "
    "both ends.": lambda s: torch.arange(s) / (s + 1),
    "Your first point is one step away from start: begin at t = 0.": (
        lambda s: torch.arange(1, s + 1) / s
    ),
    "Neither end is included: the shares have to run from 0 to 1.": (
        lambda s: torch.arange(1, s + 1) / (s + 1)
    ),
    "Your t counts the points, 0, 1, 2, …: divide it by steps − 1, to end at 1.": torch.arange,
    "On the line, but not in equal steps: t has to grow evenly.": (
        lambda s: torch.linspace(0, 1, s).square() * (3 - 2 * torch.linspace(0, 1, s))
    ),
    "On the line, but not in equal steps: t has to grow evenly, without a cosine.": (
        lambda s: (1 - torch.cos(torch.linspace(0, torch.pi, s))) / 2
    ),
}


@check
def interpolate(answer) -> str:
    """``answer(start, end, steps)`` → ``(steps, D)``: equal steps from start to end, both exact."""
    # From 400 to 0.001, and from 0.003 to -300: what isn't exact at an end shows there.
    start = torch.tensor([3.0, -1.0, 400.0, 0.5, 0.003, 0.25, 7.0])
    end = torch.tensor([-2.0, 5.0, 0.001, 0.5, -300.0, 8.0, 1.0])
    cures = {"size of tensor": "Give the shares an axis of their own, shares[:, None]."}

    def points(steps: int) -> Tensor:
        """What the answer gives."""
        shapes = {
            (7, steps): "A column for each point; expected rows: give the shares an axis of their "
            "own, shares[:, None].",
            (7 * steps,): "Your points form one long row: torch.stack in place of cat.",
            (steps,): "That is one number per step; expected a point, 7 numbers, per step.",
            (steps - 2, 7): "Are the ends missing? steps counts them, too.",
            (steps - 1, 7): "One is missing: are both ends among them?",
            (steps + 1, 7): "One too many: steps counts points, not the gaps between them.",
            (7,): "That is a single point; expected one for each step.",
        }
        found = call_unchanged(IN_PLACE, answer, start, end, steps, cures=cures)
        what = f"{steps} points of 7 numbers each, both ends among them"
        return tensor(found, what, (steps, 7), shapes, where=f"For steps = {steps} your answer")

    def line(shares) -> list[Tensor]:
        """The points at the shares of each number of steps."""
        return [(1 - t) * start + t * end for t in (shares(steps)[:, None] for steps in (5, 3))]

    found, ends = [points(5), points(3)], torch.stack([start, end])
    right = line(lambda steps: torch.linspace(0, 1, steps))
    if found[0].any() and (found[0] == found[0][0]).all():
        otherwise = (
            "All your points are the same. If a loop changes one tensor in place, the list holds "
            "that tensor 5 times: compute a new one in each step."
        )
    elif near(found[0][[0, -1]], ends, atol=1e-4):
        otherwise = "The ends are right, but between them your points aren't evenly on the line."
    else:
        otherwise = "Your first point has to be start and your last one end; they aren't."
    mistakes = {
        "Your points are whole numbers; the shares between 0 and 1 got lost.": (
            [points.trunc() for points in right]
        ),
        **{
            f"Your points are rounded to {digits} decimals: return them as they are.": (
                [points.round(decimals=digits) for points in right]
            )
            for digits in range(4)
        },
        "You add end without taking start away: start + t · end ends beyond end.": (
            [start + torch.linspace(0, 1, steps)[:, None] * end for steps in (5, 3)]
        ),
        "You leave out start: add it to t · (end − start).": [points - start for points in right],
        "You go the other way: end − start, not start − end.": [2 * start - p for p in right],
        **{text: line(shares) for text, shares in WRONG_SHARES.items()},
    }
    explain(found, right, mistakes, cases=[(5,), (3,)], otherwise=otherwise, atol=1e-4)
    if not torch.equal(found[0][[0, -1]].float(), ends):
        if any(torch.equal(found[0], found[0].to(t)) for t in (torch.float16, torch.bfloat16)):
            raise Mistake("Your points have only 16 bits, which rounds both ends: keep float32.")
        raise Mistake(
            "Almost: the ends are right only up to rounding. In floating point start + 1 · "
            "(end − start) need not be end; (1 − t) · start + t · end is exact at both ends."
        )
    return "Right: equal steps on a straight line, with exact ends."


# ------------------------------------------------------------------------------------ linear probe


def _classes() -> tuple[Tensor, ...]:
    """Ten clouds in nine dimensions; 9, frequent as 0, is behind it as seen from the origin.

    So planes through the origin can't part the two: a linear map needs its intercept.
    """
    generator = torch.Generator().manual_seed(0)
    middles = 4 * torch.randn(10, 9, generator=generator)
    middles[9] = 3 * middles[0]
    labels = torch.randint(0, 10, (460,), generator=generator)
    frequent = torch.rand(460, generator=generator) < 0.3
    labels = torch.where(frequent, 9 * (labels % 2), labels)
    codes = middles[labels] + torch.randn(460, 9, generator=generator)
    return codes[:400], labels[:400], codes[400:], labels[400:]


def _bends(answer) -> bool:
    """Whether borders that the answer draws aren't flat.

    It learns a chequerboard of 2×2 fields, a disc in a ring, and six sectors. A linear map gives
    what lies halfway between two codes of one label that label, too. Not if the answer stops there:
    it may rightly expect that all ten labels occur.
    """
    generator = torch.Generator().manual_seed(1)
    places = 5 * torch.rand(400, 9, generator=generator) - 2.5
    places[:, 2:] /= 10  # only two of the dimensions matter
    x, y = places[:, 0], places[:, 1]
    ends = places[300:350], places[350:]
    asked = torch.cat([*ends, sum(ends) / 2])
    chequered, ringed, sectors = x * y > 0, x**2 + y**2 > 3, y * (3 * x**2 - y**2) > 0
    for colours in (chequered, ringed, sectors):
        try:
            found = call(answer, places[:300], colours[:300].long(), asked)
            one, other, between = tensor(found, "labels").flatten().chunk(3)
        except (Mistake, ValueError):
            continue
        if ((one == other) & (between != one)).sum() > 2:
            return True
    return False


def _scores(train: Tensor, targets: Tensor, codes: Tensor) -> Tensor:
    """Least squares, as the lesson's solution does it."""
    train, codes = (F.pad(each, (0, 1), value=1.0) for each in (train, codes))
    return codes @ torch.linalg.lstsq(train, targets).solution


PROBE_CURES = {
    "same dtype": "F.one_hot gives whole numbers: .float() makes them like the codes.",
    "cannot be multiplied": "A column of ones belongs to train_codes *and* to codes.",
}
PROBE_SHAPES = {
    (60, 10): "Those are ten scores per code; the label is the position of the largest.",
    (400,): "That is a label for each *training* code; predict those of `codes`.",
    (10,): "That is one code per class; take the argmax over the last axis, argmax(1).",
    (): "Is it an accuracy? Return the labels that you predict.",
}
NOT_A_QUANTITY = (
    "a name, not a quantity, as if 3 lay between 2 and 4: fit one column per class (F.one_hot) and "
    "take the position of the largest score."
)


@check
def probe(answer) -> str:
    """``answer(train_codes, train_labels, codes)`` → a predicted label for each of ``codes``."""
    train, labels, codes, truth = _classes()
    what = "a label for each of `codes`"
    found = tensor(call_unchanged(IN_PLACE, answer, train, labels, codes, cures=PROBE_CURES), what)
    found = tensor(found.squeeze(), what, truth.shape, PROBE_SHAPES)
    if not torch.equal(found, found.round()):
        if found.abs().max() < 2:
            raise Mistake(
                "Those are the largest *scores*; return their positions: argmax, or .indices."
            )
        raise Mistake(f"Your predictions aren't whole numbers. A label is {NOT_A_QUANTITY}")

    def agreement(other: Tensor) -> float:
        """The share of equal labels: a few on the border may differ."""
        return (found == other).double().mean().item()

    def again(others: Tensor) -> Tensor:
        """What the answer gives for other codes, learned from the same ones."""
        return tensor(call(answer, train, labels, others), what).flatten()

    right = agreement(truth)
    if right > 0.9:
        if agreement(again(torch.cat([codes, codes + 1000]))[: len(codes)]) < 0.7:
            raise Mistake(
                "Your labels are right, but they change with the codes that stand beside one: "
                "centre or scale all codes by what you measure on the *training* codes."
            )
        if _bends(answer):
            raise Mistake(
                "Your labels are right, but your map isn't linear: of two classes it also learns "
                "bent borders, where a plane is flat. Use least squares or logistic regression."
            )
        one_side, other_side = again(torch.cat([1000 * codes, -1000 * codes])).chunk(2)
        if (one_side == other_side).double().mean() > 0.5:
            raise Mistake(
                "Your labels are right, but far out a code and its opposite get the same one: take "
                "the largest score as it is, not the largest without its sign (abs, square)."
            )
        return "Right: a map learned from the training codes reads the labels of others."
    hot = F.one_hot(labels, 10).float()
    quantity = _scores(train, labels[:, None].float(), codes)[:, 0]
    mistakes = {
        "All labels are one too high: position 0 is the digit 0.": truth + 1,
        "All labels are one too low: position 0 is the digit 0.": truth - 1,
        "You take the class with the *smallest* score: argmax instead of argmin.": (
            _scores(train, hot, codes).argmin(1)
        ),
        "You learn from the first of `codes`, with the labels of others: learn from train_codes.": (
            _scores(codes, hot[: len(codes)], codes).argmax(1)
        ),
        "Your labels stay as they are when all codes change; they have to depend on them.": (
            again(-codes)
        ),
        f"Only {right:.0%}: your planes all pass through the origin, for a code that is shortened "
        "a thousandfold keeps its label. Add a column of ones to the codes (both kinds), so that "
        "there is an intercept.": again(codes / 1000),
        f"You round what you fit to the label, but that is {NOT_A_QUANTITY}": quantity.round(),
        f"You cut off what you fit to the label, but that is {NOT_A_QUANTITY}": quantity.trunc(),
    }
    for text, wrong in mistakes.items():
        if max(agreement(wrong), agreement(wrong.clamp(0, 9))) > 0.9:
            raise Mistake(text)
    if torch.equal(found, tensor(call(answer, train + 50, labels, codes), what).flatten()):
        raise Mistake(
            "You centre or scale train_codes before you learn, but not `codes`: do the same to "
            "both, with the mean and the deviation of the training codes."
        )
    raise Mistake(
        f"Only {right:.0%} of your labels are right; a linear map with an intercept finds over "
        "90%. If you train it in steps, take more of them, or larger ones."
    )
