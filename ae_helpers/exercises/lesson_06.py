"""Checks for lesson 06: explore the latent space."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ae_helpers.exercises.answers import Mistake, call, call_unchanged, check


def _tensor(found, wanted: str) -> Tensor:
    """The answer as a tensor, whatever holds its numbers."""
    if isinstance(found, tuple) and hasattr(found, "indices"):
        raise Mistake(
            "You return values and indices together: topk and sort give both. Add .indices."
        )
    if isinstance(found, Iterator):
        found = list(found)
    if isinstance(found, (list, tuple)) and found and isinstance(found[0], Tensor):
        shapes = {tuple(part.shape) for part in found}
        if len(shapes) > 1:
            raise Mistake(f"The parts of your list have the shapes {shapes}; expected {wanted}.")
        found = torch.stack(list(found))
    try:
        return torch.as_tensor(found).detach()
    except (TypeError, ValueError, RuntimeError):
        raise Mistake(f"You return a {type(found).__name__}; expected {wanted}.") from None


_on_copies = partial(call_unchanged, "-=; compute a new one.")


# ------------------------------------------------------------------------------ nearest neighbours


@check
def nearest(answer) -> str:
    """``answer(query, points, n)`` → indices of the n points nearest to query, nearest first."""
    query = torch.tensor([3.0, 3.0, 0.0, 0.0])
    away = torch.tensor(
        [
            [1.5, -1.5, 1.5, 1.5],  #  0: 3.0 away
            [0.0, 2.4, 0.0, 0.0],  #   1: 2.4, the third; along one axis only
            [-1.0, 0.0, 0.0, 0.0],  #  2: 1.0, the nearest
            [9.0, 9.0, 0.0, 0.0],  #   3: in the query's direction, but far
            [0.9, 0.9, 0.9, -0.9],  #  4: 1.8, the second; further by the sum of its differences
            [-7.0, 0.0, 2.0, 0.0],  #  5: far, and its differences sum up to less than nothing
            [2.5, 0.0, 0.0, 0.0],  #   6: 2.5
            [0.0, 0.0, -6.0, 6.0],  #  7: far, and its differences sum up to nothing
        ]
    )
    points, n = query + away, 3
    try:
        found = _on_copies(answer, query, points, n)
    except Mistake as mistake:
        if "out of range" not in str(mistake):
            raise
        raise Mistake(
            f"{mistake}. Is there one distance per point? Sum over the last axis."
        ) from None
    if isinstance(found, tuple) and len(found) == 2 and not hasattr(found, "indices"):
        raise Mistake("You return two things, distances and indices; return the indices alone.")
    values = _tensor(found, "the indices of 3 points")
    if values.shape == (n, points.shape[1]):
        raise Mistake("You return points; return only their indices, which tell where they are.")
    if values.shape == (1, n):
        values = values[0]
    if values.shape == (n, 1):
        raise Mistake("The indices stand in a column, shape (3, 1); expected one axis, shape (3,).")
    if values.ndim == 0:
        raise Mistake(
            "You return a single number; expected 3 indices: argmin finds only the first."
        )
    if values.ndim != 1:
        raise Mistake(
            f"What you return has the shape {tuple(values.shape)}; expected 3 indices. One "
            "distance per point is needed: sum the squared differences over the last axis."
        )

    distances = away.norm(dim=1)
    order = distances.argsort().tolist()
    if not len(values):
        raise Mistake(f"You return nothing, an empty list; expected {n} indices.")
    if values.dtype == torch.bool:
        raise Mistake("You return True or False for each point; expected indices.")
    squares = distances.square()
    for each in (distances, squares):
        if any(_same(values, some) for some in (each, each.sort().values[: len(values)])):
            raise Mistake("Those are distances; return the indices of the smallest n of them.")
    if values.dtype == torch.uint8:
        raise Mistake("Your indices are uint8, which labels[indices] takes for a mask; keep int64.")
    if values.is_floating_point():
        raise Mistake("Your indices are floats, and labels[indices] refuses those; keep int64.")
    values = values.tolist()
    if len(values) != n:
        raise Mistake(
            f"You return {len(values)} of the {len(points)} indices for n = {n}: return exactly n."
        )
    if values == order[:n]:
        if len(_tensor(call(answer, query, points, 2), "2 indices").reshape(-1)) != 2:
            raise Mistake("For n = 3 all is right, but for n = 2 you return another number: use n.")
        return "Right: the Euclidean distance to each point, and the indices of the smallest n."

    def top(scores: Tensor) -> list[int]:
        return scores.argsort().tolist()[:n]

    if values in (top(-distances), top(-distances)[::-1]):
        raise Mistake("Those are the farthest points: sort ascending, or topk with largest=False.")
    if values == order[1 : n + 1]:
        raise Mistake("You skip the nearest, but the query isn't one of the points: keep it.")
    if sorted(values) == sorted(order[:n]):
        raise Mistake("The right three points, but not in order: the nearest first.")
    if values == top(away.abs().sum(1)):
        raise Mistake("You sum |differences|; the Euclidean distance sums their squares.")
    if values == top(away.abs().amax(1)):
        raise Mistake("You take each point's largest difference; sum the squares of all of them.")
    if values == top(away.sum(1).abs()):
        raise Mistake("You sum first; square each difference *before* the sum, or they cancel.")
    if values in (top(away.sum(1)), top(away.sum(1).sqrt())):
        raise Mistake("Differences above and below 0 cancel each other: square them first.")
    if values == top(-points @ query):
        raise Mistake("The largest p·q isn't the nearest: long vectors win. Take the difference.")
    if values == top(-F.cosine_similarity(points, query[None])):
        raise Mistake("You compare directions (the cosine), which ignores how far out a point is.")
    if values == top(points.norm(dim=1)):
        raise Mistake(
            "You compare lengths, seen from the origin: subtract the query from the points before "
            "you take the norm."
        )
    if values == top(away.norm(dim=0)):
        raise Mistake("You sum over the points, axis 0; sum over the last axis: one per point.")
    if values == [index + 1 for index in order[:n]]:
        raise Mistake("All indices are one too high: the first point has the index 0.")
    raise Mistake(f"{values} is not the order by distance, {order[:n]}.")


def _same(values: Tensor, other: Tensor) -> bool:
    return values.shape == other.shape and torch.allclose(values.double(), other.double())


# ----------------------------------------------------------------------------------- interpolation


@check
def interpolate(answer) -> str:
    """``answer(start, end, steps)`` → ``(steps, D)``: equal steps from start to end, both exact."""
    start = torch.tensor([3.0, -1.0, 40_000.0, 0.5, 2.0, 0.25, 7.0])
    end = torch.tensor([-2.0, 5.0, 0.001, 0.5, -4.0, 8.0, 1.0])
    steps, wanted = 5, "5 points of 7 numbers each, shape (5, 7)"
    try:
        values = _tensor(_on_copies(answer, start, end, steps), wanted)
    except Mistake as mistake:
        if "size of tensor" not in str(mistake):
            raise
        cure = "Give the shares an axis of their own, shares[:, None]."
        raise Mistake(f"{mistake}. {cure}") from None
    shares = torch.linspace(0, 1, steps)[:, None]

    def line(shares: Tensor) -> Tensor:
        return (1 - shares) * start + shares * end

    right = line(shares)
    if values.shape == (len(start), steps):
        raise Mistake(
            "Your answer has a column for each point, shape (7, 5); expected rows: give the shares "
            "an axis of their own, shares[:, None]."
        )
    if values.shape == (steps * len(start),):
        raise Mistake("Your points form one long row, shape (35,): torch.stack in place of cat.")
    if values.shape == (steps,):
        raise Mistake("You return one number per step; expected a point, 7 numbers, per step.")
    if values.shape == start.shape:
        raise Mistake("You return a single point; expected one for each of the 5 steps.")
    if values.shape[1:] == start.shape and len(values) != steps:
        inner = len(values) == steps - 2 and _near(values, right[1:-1])
        raise Mistake(
            "Your points lie between the ends, which are missing: steps counts them, too."
            if inner
            else f"You return {len(values)} points for steps = {steps}, which counts both ends."
        )
    if values.shape != right.shape:
        raise Mistake(f"Your answer has the shape {tuple(values.shape)}; expected {wanted}.")
    if not values.is_floating_point():
        raise Mistake("Your points are whole numbers; the shares between 0 and 1 got lost.")
    if _near(values, right):
        if not torch.equal(values[[0, -1]].float(), torch.stack([start, end])):
            raise Mistake(
                "Almost: the ends are right only up to rounding. In floating point start + 1 · "
                "(end − start) need not be end; (1 − t) · start + t · end is exact at both ends."
            )
        fewer = _tensor(call(answer, start, end, 3), "3 points")
        if fewer.shape != (3, 7) or not _near(fewer, line(torch.linspace(0, 1, 3)[:, None])):
            raise Mistake("For 5 steps all is right, but not for 3: use steps.")
        return "Right: equal steps on a straight line, with exact ends."
    if _near(values, right.flip(0)):
        raise Mistake("Your line runs from end to start: at t = 0 it has to be start.")
    if any(_near(values, line(torch.arange(steps)[:, None] / n)) for n in (steps, steps + 1)):
        raise Mistake(
            "Your last point stops short of the end: 5 points have 4 steps between them. "
            "torch.linspace(0, 1, steps) includes both ends."
        )
    if _near(values, line(torch.arange(1, steps + 1)[:, None] / steps)):
        raise Mistake("Your first point is one step away from start: begin at t = 0.")
    if _near(values, line(torch.arange(1, steps + 1)[:, None] / (steps + 1))):
        raise Mistake("Neither end is included: the shares have to run from 0 to 1.")
    if _near(values, start + shares * end):
        raise Mistake("You add end without taking start away: start + t · end ends beyond end.")
    if _near(values, line(shares.square() * (3 - 2 * shares))) or _near(
        values, line((1 - torch.cos(shares * torch.pi)) / 2)
    ):
        raise Mistake("On the line, but not in equal steps: t has to grow evenly.")
    if (values == values[0]).all() and values.any():
        raise Mistake(
            "All your points are the same. If a loop changes one tensor in place, the list holds "
            "that tensor 5 times: compute a new one in each step."
        )
    if not _near(values[[0, -1]], right[[0, -1]]):
        raise Mistake("Your first point has to be start and your last one end; they aren't.")
    raise Mistake(
        "The ends are right, but between them your points aren't on the line, or not evenly."
    )


def _near(values: Tensor, other: Tensor) -> bool:
    return torch.allclose(values.double(), other.double(), rtol=1e-4, atol=1e-2)


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


def _solves_a_chequerboard(answer) -> bool:
    """Whether the answer tells 2×2 fields of two colours apart; a plane gets 3 of 4 right at most.

    Not if it stops there: it may rightly expect that all ten labels occur.
    """
    generator = torch.Generator().manual_seed(1)
    places = 2 * torch.rand(400, 9, generator=generator) - 1
    places[:, :2] += places[:, :2].sign()  # in two of the dimensions, with a gap between fields
    places[:, 2:] /= 10
    colours = (places[:, 0] * places[:, 1] > 0).long()
    try:
        found = _tensor(call(answer, places[:300], colours[:300], places[300:]), "labels").flatten()
    except Mistake:
        return False
    return len(found) == 100 and (found == colours[300:]).float().mean().item() > 0.85


def _scores(train: Tensor, targets: Tensor, codes: Tensor, intercept: bool = True) -> Tensor:
    """Least squares, as the lesson's solution does it."""
    if intercept:
        train, codes = (F.pad(each, (0, 1), value=1.0) for each in (train, codes))
    return codes @ torch.linalg.lstsq(train, targets).solution


@check
def probe(answer) -> str:
    """``answer(train_codes, train_labels, codes)`` → a predicted label for each of ``codes``."""
    train, labels, codes, truth = _classes()
    found = _on_copies(answer, train, labels, codes)
    values = _tensor(found, "a label for each code").squeeze()
    if values.shape == (len(codes), 10):
        raise Mistake("You return ten scores per code; the label is the position of the largest.")
    if values.shape == (len(train),):
        raise Mistake("You return a label for each *training* code; predict those of `codes`.")
    if values.shape == (10,):
        raise Mistake(
            "You return one code per class; take the argmax over the last axis, argmax(1)."
        )
    if values.ndim == 0 and 0 <= values <= 100:
        raise Mistake("That looks like an accuracy; return the labels that you predict.")
    if values.shape != truth.shape:
        raise Mistake(
            f"Your answer has the shape {tuple(values.shape)}; expected {len(codes)} labels, one "
            "for each of `codes`."
        )
    if not torch.equal(values.double(), values.double().round()):
        if values.abs().max() < 2:
            raise Mistake(
                "Those are the largest *scores*; return their positions: argmax, or .indices."
            )
        raise Mistake(
            "Your predictions aren't whole numbers. A label is a name, not a quantity: fit one "
            "column per class (F.one_hot) and take the position of the largest score."
        )
    right = (values == truth).float().mean().item()
    if right > 0.9:
        if _solves_a_chequerboard(answer):
            raise Mistake(
                "Your labels are right, but your map isn't linear: it also tells the colours of a "
                "chequerboard apart, and no plane can. Use least squares or logistic regression."
            )
        return "Right: a map learned from the training codes reads the labels of others."
    hot = F.one_hot(labels, 10).float()
    if _agree(values, truth + 1):
        raise Mistake("All labels are one too high: position 0 is the digit 0.")
    if _agree(values, truth - 1):
        raise Mistake("All labels are one too low: position 0 is the digit 0.")
    if _agree(values, _scores(train, hot, codes).argmin(1)):
        raise Mistake("You take the class with the *smallest* score: argmax instead of argmin.")
    if _agree(values, _scores(train, hot, codes, intercept=False).argmax(1)):
        raise Mistake(
            f"Only {right:.0%}: your planes all pass through the origin. Add a column of ones to "
            "the codes (both kinds), so that there is an intercept."
        )
    as_number = _scores(train, labels[:, None].float(), codes)[:, 0]
    whole = (as_number.round(), as_number.trunc())
    if any(_agree(values, each) or _agree(values, each.clamp(0, 9)) for each in whole):
        raise Mistake(
            "You fit the label as a quantity, as if 3 lay between 2 and 4. It is a name: fit one "
            "column per class (F.one_hot) and take the position of the largest score."
        )
    if len(values.unique()) == 1:
        raise Mistake(f"You answer {values[0]:g} for every code; it has to depend on the code.")
    raise Mistake(
        f"Only {right:.0%} of your labels are right; a linear map with an intercept finds over 90%."
    )


def _agree(values: Tensor, other: Tensor) -> bool:
    """Whether labels are the same, but for a few on the border."""
    return ((values == other).float().mean() > 0.9).item()
