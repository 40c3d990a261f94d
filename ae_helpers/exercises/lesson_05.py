"""Checks for lesson 05: compare before and after."""

import math

import numpy as np
import torch
from torch import Tensor

from ae_helpers.exercises.answers import Mistake, call, check


def _as_list(answer, wanted: str) -> list:
    """The answer as a flat list of Python numbers, whatever holds them."""
    if callable(getattr(answer, "detach", None)):
        answer = answer.detach().cpu()
    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    if not isinstance(answer, (list, tuple, range)):
        kind, shown = type(answer).__name__, repr(answer)
        shown = f", {shown}" if len(shown) < 40 and " object at " not in shown else ""
        cure = " Make a list of it." if hasattr(answer, "__iter__") and kind != "str" else ""
        cure = " A set keeps no order: build a list." if kind == "set" else cure
        raise Mistake(f"You return one {kind}{shown}; expected {wanted}.{cure}")
    values = [v.item() if _is_single(v) else v for v in answer]
    for value in values:
        if not isinstance(value, (int, float)):
            what = f"Not all {len(values)} things you return are numbers, but one is of type"
            raise Mistake(f"{what} {type(value).__name__}; expected {wanted}.")
    return values


def _is_single(value) -> bool:
    """Whether a tensor or an array holds one number."""
    return math.prod(getattr(value, "shape", (0,))) == 1


def _is_whole(key) -> bool:
    """Whether a key, perhaps a tensor or text, stands for a whole number."""
    try:
        return int(key) == float(key)
    except (TypeError, ValueError, RuntimeError):
        return False


# ------------------------------------------------------------------------------- rank the worst


def _pictures() -> tuple[Tensor, Tensor]:
    """Twelve images and reconstructions, on which every wrong way to rank gives another order."""
    generator = torch.Generator().manual_seed(11)
    images = 0.4 + 0.2 * torch.rand(12, 1, 28, 28, generator=generator)
    sign = torch.randint(0, 2, images.shape, generator=generator) * 2 - 1
    wrong = 0.02 * torch.rand(12, 1, 1, 1, generator=generator).expand_as(images) * sign
    wrong[7] = 0.20 * sign[7]  # the worst
    wrong[2, 0, :7] = torch.linspace(0.35, 0.38, 28)  # second: a quarter far too bright
    wrong[9] = -0.16  # third: everywhere too dark, so its mean |difference| is above that of 2
    wrong[4, 0, 1, 2] = 0.39  # a single pixel, the worst of all pixels
    wrong[5] = 0.12  # the largest difference if signs aren't squared away
    return images, images - wrong


@check
def worst(answer) -> str:
    """``answer(images, reconstructions, n)`` → indices of the n worst images, the worst first."""
    images, reconstructions = _pictures()
    kept = images.clone(), reconstructions.clone()
    n, wanted = 3, "the indices of 3 images"
    found = call(answer, images, reconstructions, n)
    if not (torch.equal(images, kept[0]) and torch.equal(reconstructions, kept[1])):
        raise Mistake("Your code changes the images it was given; compute a new tensor instead.")
    if isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], Tensor):
        raise Mistake(
            "You return values and indices together: topk and sort give both. Add .indices."
        )
    shape = tuple(getattr(found, "shape", ()))
    if shape[1:] == images.shape[1:]:
        raise Mistake("You return images; return only their indices, which tell where they are.")
    if n > 1 and shape == (n, 1):
        raise Mistake(
            f"Your indices stand in a column, shape {shape}, as nonzero() gives them: add "
            ".flatten()."
        )
    if len(shape) > 1 and shape != (1, n):
        raise Mistake(
            f"What you return has the shape {shape}; expected 3 indices. Average over all axes of "
            "an image (C, H, W), so that one error per image is left: .flatten(1).mean(1)."
        )
    values = _as_list(found[0] if shape == (1, n) else found, wanted)

    squared = (images - reconstructions).square()
    errors = squared.flatten(1).mean(1)
    order = errors.argsort(descending=True).tolist()
    if len(values) != n and values == order[: len(values)]:
        raise Mistake(
            f"The right order, but {len(values)} of the {len(order)} images come back for n = {n}: "
            "keep the first n."
        )
    if all(isinstance(value, bool) for value in values):
        raise Mistake("You return True or False for each image; expected the indices of the worst.")
    if len(values) == len(order) and torch.allclose(torch.tensor(values).float(), errors):
        raise Mistake("Those are the errors of all images; return the indices of the largest n.")
    if len(values) < n and values in (order[1:n], order[1:n][::-1]):
        raise Mistake("Your slice leaves out the worst image: [1:n] and [-n:-1] hold n - 1.")
    if len(values) != n:
        raise Mistake(
            f"You return {len(values)} number(s) for n = {n}; expected {wanted}. Is one error per "
            "image left, shape (N,), before you rank?"
        )
    sums = squared.flatten(1).sum(1)
    if not all(math.isfinite(value) and value == round(value) for value in values):
        largest = [sorted(e.tolist(), reverse=True)[:n] for e in (errors, sums, errors.sqrt())]
        ranked = sorted(values, reverse=True)
        if any(torch.allclose(torch.tensor(ranked), torch.tensor(each)) for each in largest):
            raise Mistake(
                "Those are the errors of the worst images, not their indices. topk and sort give "
                "both, as .values and .indices; argsort gives the indices."
            )
        odd = next(v for v in values if not math.isfinite(v) or v != round(v))
        raise Mistake(f"{odd:.4g} can't be an index; expected {wanted}: whole numbers.")
    if any(isinstance(value, float) for value in values):
        raise Mistake(
            "Your indices are floats, and images[indices] refuses those. Keep them whole: torch's "
            "topk and argsort give int64."
        )
    if values == order[:n]:
        fewer = _as_list(call(answer, images, reconstructions, 2), "the indices of 2 images")
        if len(fewer) != 2:
            raise Mistake(
                f"For n = 3 all is right, but for n = 2 you return {len(fewer)} indices: use n."
            )
        return "Right: one error per image, and the indices of the largest, the worst first."
    if values == order[1 : n + 1]:
        raise Mistake("One place too late: the worst image itself, at position 0, is left out.")
    if [value - 1 for value in values] == order[:n]:
        raise Mistake("Each index is one too high: the first image has the index 0.")
    if values == order[::-1][:n]:
        raise Mistake("Those are the best images: sorting is ascending unless you say otherwise.")
    if values == order[:n][::-1]:
        raise Mistake("The right three images, but the worst comes last; it should come first.")

    def top(scores: Tensor) -> list[int]:
        return scores.flatten().topk(n).indices.tolist()

    difference = images - reconstructions
    if values == top(squared):
        raise Mistake(
            "Those are positions of single pixels: you rank all pixels of all images together. "
            "Average over each image first."
        )
    if values == top(squared.mean(0)):
        raise Mistake(
            "You average over the batch axis: that leaves an error per pixel, not per image. "
            ".flatten(1).mean(1) keeps axis 0."
        )
    if values == top(difference.flatten(1).mean(1).square()):
        raise Mistake("You square the mean difference; square each pixel's, then take the mean.")
    if values in (top(difference.flatten(1).mean(1)), top(-difference.flatten(1).mean(1))):
        raise Mistake("The square is missing: too bright and too dark cancel each other.")
    if values == top(difference.abs().flatten(1).mean(1)):
        raise Mistake("You rank by the mean of |x − x̂|. The MSE squares, so big errors count more.")
    if values == top(squared.flatten(1).amax(1)):
        raise Mistake("You rank by the worst pixel of each image; take the mean over its pixels.")
    if sorted(values) == sorted(order[:n]):
        raise Mistake("The right three images, but not in order: the worst first.")
    raise Mistake(f"{values} is not the order that the MSE per image gives, {order[:n]}.")


# --------------------------------------------------------------------------- the error per class


@check
def per_class(answer) -> str:
    """``answer(errors, labels)``: an error and a label per image → ten means, for 0, 1, …, 9."""
    generator = torch.Generator().manual_seed(5)
    counts = torch.tensor([9, 12, 7, 10, 5, 8, 11, 6, 13, 4])
    labels = torch.arange(10).repeat_interleave(counts)
    labels = labels[torch.randperm(len(labels), generator=generator)]
    level = torch.tensor([5.0, 1.5, 6.5, 5.5, 4.5, 7.5, 6.0, 3.0, 8.5, 4.0])[labels]
    errors = 1e-3 * level * (0.2 + torch.rand(len(labels), generator=generator).square() * 2)
    kept = errors.clone(), labels.clone()
    found = call(answer, errors, labels)
    if not (torch.equal(errors, kept[0]) and torch.equal(labels, kept[1])):
        raise Mistake("Your code changes the errors or labels it was given.")
    if isinstance(found, dict):
        by_digit = {int(digit): mean for digit, mean in found.items() if _is_whole(digit)}
        if set(by_digit) != set(range(10)):
            raise Mistake("The keys of your dict aren't the digits 0 to 9.")
        found = [by_digit[digit] for digit in range(10)]
    if tuple(getattr(found, "shape", ())) in ((1, 10), (10, 1)):
        found = np.asarray(found).ravel()
    values = torch.tensor(_as_list(found, "ten means, one per digit"), dtype=torch.float64)
    if len(values) != 10:
        raise Mistake(f"You return {len(values)} numbers; expected ten, for the digits 0 to 9.")

    errors = errors.double()
    sums = torch.stack([errors[labels == digit].sum() for digit in range(10)])
    right = sums / counts

    def same(other: Tensor) -> bool:
        return torch.allclose(values, other.double(), rtol=1e-4, atol=0)

    if values.isnan().any():
        digit = int(values.isnan().nonzero()[0])
        raise Mistake(
            f"Position {digit} of your answer is NaN, the mean of no images: your mask finds none. "
            f"Is it labels == {digit} there? Labels are 0 to 9."
        )
    if same(right):
        return "Right: ten means, each over the images of one class."
    if same(sums):
        raise Mistake(
            "Those are sums: a class with more images looks worse. Divide by how many it has."
        )
    if same(sums / len(labels)):
        raise Mistake(
            f"You divide each class's sum by all {len(labels)} images; divide by those of the "
            "class. (Yours add up to the overall mean: they are shares of it.)"
        )
    if same(sums / len(labels) * 10):
        raise Mistake(
            "You divide by a tenth of all images, as if the classes were equally large. They are "
            "not: count each."
        )
    if same(right * counts / counts.max()):
        raise Mistake("You divide every class by the count of the largest; count each.")
    if same(errors.mean().expand(10)):
        raise Mistake("Ten times the same number, the overall mean: pick a class's images first.")
    if same(right[list(dict.fromkeys(labels.tolist()))]):
        raise Mistake(
            "The ten means are right, but in the order in which the digits first occur in labels. "
            "Position d should hold digit d."
        )
    if same(right.sort().values) or same(right.sort(descending=True).values):
        raise Mistake("The ten means are right, but sorted: position d should hold digit d.")
    if same(right.roll(1)) or same(right.roll(-1)):
        raise Mistake("The means are right but one place off: position 0 should hold digit 0.")
    if same(torch.stack([errors[labels == digit].median() for digit in range(10)])):
        raise Mistake("Those are medians, which ignore how bad the bad ones are; take the mean.")
    if same(right.sqrt()):
        raise Mistake("Those are square roots of the means; the MSE is not rooted.")
    if same(torch.stack([errors[labels != digit].mean() for digit in range(10)])):
        raise Mistake("You average over the images of all *other* classes: == instead of !=.")
    if same(right.flip(0)):
        raise Mistake("The ten means are right, but in reverse order: position 0 is digit 0.")
    if same(counts) or same(counts / len(labels)):
        raise Mistake("That is how frequent the classes are; take the mean of their errors.")
    if any(same((right * 10**k).round() / 10**k) for k in range(2, 8)):
        raise Mistake("The ten means are right, but rounded: return them as they are.")
    digit = int(((values - right).abs() / right > 1e-4).nonzero()[0])
    raise Mistake(
        f"Digit {digit}: {values[digit]:.6g}, but the mean of its errors is {right[digit]:.6g}. "
        "labels == digit is a mask that picks a class's images."
    )


# --------------------------------------------------------------------------- the measuring stick


def _pca_curve(train: Tensor, images: Tensor) -> Tensor:
    """As in the lesson: the error of keeping 0, 1, …, all components."""
    train, images = train.flatten(1), images.flatten(1)
    axes = torch.linalg.eigh(torch.cov(train.T)).eigenvectors.flip(1)
    centred = images - train.mean(0)
    total, kept = centred.square().sum(1).mean(), (centred @ axes).square().mean(0).cumsum(0)
    return torch.cat([total[None], total - kept]) / images.shape[1]


def _crosses(sizes: list[int]) -> Tensor:
    """Grey images that differ along one pixel each, so that pixels *are* the components.

    All numbers are multiples of 1/64: sums and means of them are exact, so a tie is a tie.
    """
    steps = torch.diag(torch.tensor(sizes) / 64)
    return (0.5 + torch.cat([steps, -steps])).view(-1, 1, 4, 4)


@check
def components_needed(answer) -> str:
    """``answer(network_error, train, test)`` → the least k with PCA's test error at or below it."""
    train = _crosses([32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17])
    test = _crosses([8, 31, 9, 24, 20, 11, 12, 13, 10, 22, 9, 8, 12, 7, 6, 5])
    curve, on_train, own = _pca_curve(train, test), _pca_curve(train, train), _pca_curve(test, test)
    # One error a little above the curve, one a little below; one exactly on it, where k is 0.
    step = curve[:-1] - curve[1:]
    cases = [
        *(curve[k] + 0.2 * step[k - 1] for k in (4, 9)),
        *(curve[k] - 0.2 * step[k] for k in (2, 11)),
        curve[0],
    ]
    cases = [case.item() for case in cases]
    kept = train.clone(), test.clone()
    found = []
    for case in cases:
        found.append(_count(call(answer, case, train, test), case))
        if not (torch.equal(train, kept[0]) and torch.equal(test, kept[1])):
            raise Mistake(
                "Your code changes the images it was given, for example with -=; compute a new "
                "tensor instead."
            )

    def rule(errors: Tensor) -> list[int]:
        return [int((errors > case).sum()) for case in cases]

    right = rule(curve)
    if found == right:
        return "Right: the least k whose test error is at or below the network's."
    if found == [int((curve >= case).sum()) for case in cases]:
        raise Mistake(
            "Almost: where PCA's error equals the network's exactly, k is enough already: <= "
            "instead of <. And k may be 0: the search begins at position 0."
        )
    if found == [k + 1 for k in right]:
        raise Mistake(
            "Always one too many. The list begins with no components: position k is k components."
        )
    if found in ([k - 1 for k in right], [max(k - 1, 0) for k in right]):
        raise Mistake(
            "One too few: with your k PCA is still worse than the network. Take the first at or "
            "below, not the last above. (And position k of the list is k components.)"
        )
    if found == [int((curve - case).abs().argmin()) for case in cases]:
        raise Mistake(
            "You take the k whose error is nearest, above or below. It has to be at or below."
        )
    if all(k == len(curve) - 1 for k in found):
        raise Mistake(
            "You answer with all components: true, they suffice, but the least k is wanted."
        )
    if all(k == 0 for k in found):
        raise Mistake(
            "You always answer 0 components, where PCA is worse than the network: is your "
            "comparison the wrong way round? Or do you divide by 784? The images of this test have "
            "16 pixels; images.shape[1] knows how many there are."
        )
    if found == [len(curve) - k for k in right]:
        raise Mistake("You count how many k suffice; the least of them is wanted.")
    if found in (rule(on_train), [int((on_train >= case).sum()) for case in cases]):
        raise Mistake(
            "PCA's error is measured on the training images, the network's on the test images. "
            "Both belong on the test images: pca_curve(train, test)."
        )
    if found in (rule(own), rule(_pca_curve(test, train))):
        raise Mistake(
            "Your components are learned from the test images. A baseline, too, may learn from "
            "the training images only: pca_curve(train, test)."
        )
    if max(found) == len(curve):
        raise Mistake(
            f"You answer {len(curve)}, the length of the list: searchsorted and bisect expect "
            "numbers that rise, and the curve falls."
        )
    if max(found) > len(curve) - 1:
        raise Mistake(
            f"You answer {max(found)}, but the images of this test have 16 pixels, so there are "
            "only 16 components. Do you use the `train` and `test` that are given?"
        )
    case, value, wanted = next(
        (c, f, r) for c, f, r in zip(cases, found, right, strict=True) if f != r
    )
    raise Mistake(
        f"For a network with error {case:.5f} you return {value}, but the least k is {wanted}: "
        f"there PCA's error is {curve[wanted]:.5f}"
        + (f", and with one component less {curve[wanted - 1]:.5f}." if wanted else ".")
    )


def _count(value, error: float) -> int:
    """The answer as a number of components."""
    shape = tuple(getattr(value, "shape", ()))
    if isinstance(value, (list, tuple)) or (hasattr(value, "shape") and not _is_single(value)):
        what = f"a tensor of shape {shape}" if shape else f"a {type(value).__name__}"
        raise Mistake(f"You return {what}; expected one number: how many components it takes.")
    try:
        number = float("text" if isinstance(value, str) else value)
    except (TypeError, ValueError):
        raise Mistake(f"{value!r} is not a number of components.") from None
    if not math.isfinite(number) or number != round(number):
        raise Mistake(
            f"For a network with error {error:.5f} you return {number:.5f}, which is no number of "
            "components. If it is an error: its position in the list is wanted."
        )
    return round(number)
