"""Checks for lesson 05: compare before and after.

Each tries an answer on cases of which every wrong rule in its table makes something else.
"""

import bisect

import torch
from torch import Tensor

from ae_helpers.exercises.answers import (
    Mistake,
    call_unchanged,
    check,
    explain,
    indices,
    number,
    numbers,
    tensor,
)

IN_PLACE = "-= or *=; compute a new one."


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
    wrong[3, 0, :16] = 0.14 * sign[3, 0, :16]  # more than half: its median is above that of 5
    return images, images - wrong


def _errors(images: Tensor, reconstructions: Tensor) -> Tensor:
    return (images - reconstructions).square().flatten(1).mean(1)


def _order(images: Tensor, reconstructions: Tensor) -> Tensor:
    return _errors(images, reconstructions).argsort(descending=True)


def _top(scores):
    """The rule that ranks by ``scores(images - reconstructions)``."""
    return lambda x, r, n: scores(x - r).flatten().topk(n).indices


ONLY_VALUES = (
    "Those are the errors of the worst images, not their indices. topk and sort give both, as "
    ".values and .indices; argsort gives the indices."
)
CANCELS = "The square is missing: too bright and too dark cancel each other."
LEFT_OUT = "Your slice leaves out the worst image: [1:n] and [-n:-1] hold n - 1."

WORST_MISTAKES = (
    (lambda x, r, n: _order(x, r), "The right order, but of all images: keep the first n."),
    (lambda x, r, n: _order(x, r)[: n - 1], "The right order, but one index too few: [:n]."),
    (
        lambda x, r, n: _order(x, r)[:3],
        "For n = 3 all is right, but for n = 2 you return 3 indices, too: use n.",
    ),
    (lambda x, r, n: _order(x, r)[1:n], LEFT_OUT),
    (lambda x, r, n: _order(x, r)[1:n].flip(0), LEFT_OUT),
    (
        lambda x, r, n: _errors(x, r),
        "Those are the errors of all images; return the indices of the largest n.",
    ),
    (lambda x, r, n: _errors(x, r).topk(n).values, ONLY_VALUES),
    (lambda x, r, n: _errors(x, r).sort().values[-n:], ONLY_VALUES),
    (lambda x, r, n: 784 * _errors(x, r).topk(n).values, ONLY_VALUES),
    (lambda x, r, n: _errors(x, r).topk(n).values.sqrt(), ONLY_VALUES),
    (
        lambda x, r, n: _order(x, r)[1 : n + 1],
        "One place too late: the worst image itself, at position 0, is left out.",
    ),
    (
        lambda x, r, n: _order(x, r)[:n] + 1,
        "Each index is one too high: the first image has the index 0.",
    ),
    (
        lambda x, r, n: _order(x, r).flip(0)[:n],
        "Those are the best images: sorting is ascending unless you say otherwise.",
    ),
    (
        lambda x, r, n: _order(x, r)[:n].flip(0),
        "The right images, but the worst comes last; it should come first.",
    ),
    (
        lambda x, r, n: _order(x, r)[:n].sort().values,
        "The right images, but not in order: the worst first.",
    ),
    (
        _top(torch.square),
        "Those are positions of single pixels: you rank all pixels of all images together. Average "
        "over each image first.",
    ),
    (
        _top(lambda wrong: wrong.square().mean(0)),
        "You average over the batch axis: that leaves an error per pixel, not per image. "
        ".flatten(1).mean(1) keeps axis 0.",
    ),
    (
        _top(lambda wrong: wrong.flatten(1).mean(1).square()),
        "You square the mean difference; square each pixel's, then take the mean.",
    ),
    (_top(lambda wrong: wrong.flatten(1).mean(1)), CANCELS),
    (_top(lambda wrong: -wrong.flatten(1).mean(1)), CANCELS),
    (
        _top(lambda wrong: wrong.abs().flatten(1).mean(1)),
        "You rank by the mean of |x − x̂|. The MSE squares, so big errors count more.",
    ),
    (
        _top(lambda wrong: wrong.square().flatten(1).median(1).values),
        "You rank by the median, which ignores how bad the bad pixels are; take the mean.",
    ),
    (
        _top(lambda wrong: wrong.abs().flatten(1).amax(1)),
        "You rank by the worst pixel of each image; take the mean over its pixels.",
    ),
)


@check
def worst(answer) -> str:
    """``answer(images, reconstructions, n)`` → indices of the n worst images, the worst first."""
    images, reconstructions = _pictures()
    cases = [(images, reconstructions, n) for n in (3, 2)]
    found = [
        indices(
            call_unchanged(IN_PLACE, answer, *case),
            f"the indices of {case[2]} images",
            {
                (case[2], *images.shape[1:]): "Return only the indices of the images.",
                (2, case[2]): "Values and indices? Return the indices alone.",
            },
            otherwise="Average over all axes of an image (C, H, W), so that one error per image is "
            "left: .flatten(1).mean(1).",
        )
        for case in cases
    ]
    explain(
        found,
        lambda x, r, n: _order(x, r)[:n],
        WORST_MISTAKES,
        cases=cases,
        otherwise="{found} is not the order that the MSE per image gives, {right}. Is one error "
        "per image left, shape (N,), before you rank?",
    )
    return "Right: one error per image, and the indices of the largest, the worst first."


# --------------------------------------------------------------------------- the error per class


def _labelled() -> tuple[Tensor, Tensor]:
    """Errors and labels of 85 images, on which every wrong mean of a class is another."""
    generator = torch.Generator().manual_seed(5)
    counts = torch.tensor([9, 12, 7, 10, 5, 8, 11, 6, 13, 4])
    labels = torch.arange(10).repeat_interleave(counts)
    labels = labels[torch.randperm(len(labels), generator=generator)]
    level = torch.tensor([5.0, 1.5, 6.5, 5.5, 4.5, 7.5, 6.0, 3.0, 8.5, 4.0])[labels]
    return 1e-3 * level * (0.2 + torch.rand(len(labels), generator=generator).square() * 2), labels


def _by_digit(of):
    """The rule that takes ``of(errors, mask)`` of each digit."""
    return lambda errors, labels: torch.stack([of(errors, labels == d) for d in range(10)])


_means = _by_digit(lambda errors, own: errors[own].mean())
_sums = _by_digit(lambda errors, own: errors[own].sum())

SORTED = "The ten means are right, but sorted: position d should hold digit d."
ONE_OFF = "The means are right but one place off: position 0 should hold digit 0."
FREQUENT = "That is how frequent the classes are; take the mean of their errors."

PER_CLASS_MISTAKES = (
    (_sums, "Those are sums: a class with more images looks worse. Divide by how many it has."),
    (
        lambda e, y: _sums(e, y) / len(y),
        "You divide each class's sum by all 85 images; divide by those of the class. (Yours add up "
        "to the overall mean: they are shares of it.)",
    ),
    (
        lambda e, y: _sums(e, y) / len(y) * 10,
        "You divide by a tenth of all images, as if the classes were equally large. They are not: "
        "count each.",
    ),
    (
        lambda e, y: _sums(e, y) / y.bincount().max(),
        "You divide every class by the count of the largest; count each.",
    ),
    (
        lambda e, y: e.mean().expand(10),
        "Ten times the same number, the overall mean: pick a class's images first.",
    ),
    (
        lambda e, y: _means(e, y)[list(dict.fromkeys(y.tolist()))],
        "The ten means are right, but in the order in which the digits first occur in labels. "
        "Position d should hold digit d.",
    ),
    (lambda e, y: _means(e, y).sort().values, SORTED),
    (lambda e, y: _means(e, y).sort(descending=True).values, SORTED),
    (lambda e, y: _means(e, y).roll(1), ONE_OFF),
    (lambda e, y: _means(e, y).roll(-1), ONE_OFF),
    (
        _by_digit(lambda errors, own: errors[own].median()),
        "Those are medians, which ignore how bad the bad ones are; take the mean.",
    ),
    (
        lambda e, y: _means(e, y).sqrt(),
        "Those are square roots of the means; the MSE is not rooted.",
    ),
    (
        _by_digit(lambda errors, own: errors[~own].mean()),
        "You average over the images of all *other* classes: == instead of !=.",
    ),
    (
        lambda e, y: _means(e, y).flip(0),
        "The ten means are right, but in reverse order: position 0 is digit 0.",
    ),
    (lambda e, y: y.bincount(), FREQUENT),
    (lambda e, y: y.bincount() / len(y), FREQUENT),
    *(
        (
            lambda e, y, digits=digits: _means(e, y).round(decimals=digits),
            "The ten means are right, but rounded: return them as they are.",
        )
        for digits in range(2, 8)
    ),
)


@check
def per_class(answer) -> str:
    """``answer(errors, labels)``: an error and a label per image → ten means, for 0, 1, …, 9."""
    case, what = _labelled(), "ten means, one per digit"
    found = call_unchanged(IN_PLACE, answer, *case)
    if isinstance(found, dict):
        try:
            by_digit = {int(key): value for key, value in found.items()}
            found = [by_digit[digit] for digit in range(10)]
        except (ValueError, TypeError, RuntimeError, KeyError):
            raise Mistake("The keys of your dict aren't the digits 0 to 9.") from None
    no_images = "It is the mean of no images: is your mask labels == d, for d from 0 to 9?"
    found = numbers(tensor(found, what, cure=no_images).squeeze(), what, 10)
    explain(
        found,
        _means(*case),
        [(rule(*case), text) for rule, text in PER_CLASS_MISTAKES],
        cases=[(digit,) for digit in range(10)],
        asked="{}",
        otherwise="Digit {case}: {found}, but the mean of its errors is {right}. labels == {case} "
        "is a mask that picks a class's images.",
    )
    return "Right: ten means, each over the images of one class."


# --------------------------------------------------------------------------- the measuring stick


def _pca_curve(train: Tensor, images: Tensor, centred: Tensor | None = None) -> Tensor:
    """As in the lesson: the error of keeping 0, 1, …, all components."""
    train, images = train.flatten(1), images.flatten(1)
    axes = torch.linalg.eigh(torch.cov(train.T)).eigenvectors.flip(1)
    centred = images - train.mean(0) if centred is None else centred.flatten(1)
    total, kept = centred.square().sum(1).mean(), (centred @ axes).square().mean(0).cumsum(0)
    return torch.cat([total[None], total - kept]) / images.shape[1]


def _crosses(sizes: list[int], middle: float) -> Tensor:
    """Grey images that differ along one pixel each, so that pixels *are* the components.

    All numbers are multiples of 1/64: sums and means of them are exact, so a tie is a tie.
    """
    steps = torch.diag(torch.tensor(sizes) / 64)
    return (middle + torch.cat([steps, -steps])).view(-1, 1, 4, 4)


def _least(curve: Tensor, error: float) -> int:
    return int((curve > error).sum())


def _last_equal(curve: Tensor, error: float) -> int:
    return int((curve >= error).sum())


def _right_count(error: float, train: Tensor, test: Tensor) -> int:
    return _least(_pca_curve(train, test), error)


TOO_FEW = (
    "One too few: with your k PCA is still worse than the network. Take the first at or below, not "
    "the last above. (And position k of the list is k components.)"
)
ON_TRAIN = (
    "PCA's error is measured on the training images, the network's on the test images. Both belong "
    "on the test images: pca_curve(train, test)."
)
FROM_TEST = (
    "Your components are learned from the test images. A baseline, too, may learn from the "
    "training images only: pca_curve(train, test)."
)
RISES = "You search as in a list that rises, as searchsorted and bisect expect; the curve falls."

COMPONENTS_MISTAKES = (
    (
        lambda e, a, b: _last_equal(_pca_curve(a, b), e),
        "Almost: where PCA's error equals the network's exactly, k is enough already: <= instead "
        "of <. And k may be 0: the search begins at position 0.",
    ),
    (
        lambda e, a, b: _right_count(e, a, b) + 1,
        "Always one too many. The list begins with no components: position k is k components.",
    ),
    (lambda e, a, b: _right_count(e, a, b) - 1, TOO_FEW),
    (lambda e, a, b: max(_right_count(e, a, b) - 1, 0), TOO_FEW),
    (
        lambda e, a, b: (_pca_curve(a, b) - e).abs().argmin(),
        "You take the k whose error is nearest, above or below. It has to be at or below.",
    ),
    (
        lambda e, a, b: 16,
        "You answer with all components: true, they suffice, but the least k is wanted.",
    ),
    (
        lambda e, a, b: 0,
        "You always answer 0 components, where PCA is worse than the network: is your comparison "
        "the wrong way round? Or do you divide by 784? The images of this test have 16 pixels; "
        "images.shape[1] knows how many there are.",
    ),
    (
        lambda e, a, b: 17 - _right_count(e, a, b),
        "You count how many k suffice; the least of them is wanted.",
    ),
    (lambda e, a, b: _right_count(e, a, a), ON_TRAIN),
    (lambda e, a, b: _last_equal(_pca_curve(a, a), e), ON_TRAIN),
    (lambda e, a, b: _right_count(e, b, b), FROM_TEST),
    (lambda e, a, b: _right_count(e, b, a), FROM_TEST),
    (
        lambda e, a, b: _least(_pca_curve(a, b, centred=b - b.mean(0)), e),
        "You subtract the test images' own mean. PCA learned its mean from the training images: "
        "subtract that one from both.",
    ),
    (
        lambda e, a, b: _pca_curve(a, b)[_right_count(e, a, b)],
        "You return PCA's error; its position in the list is wanted, the number of components.",
    ),
    (lambda e, a, b: bisect.bisect_left(_pca_curve(a, b).tolist(), e), RISES),
    (lambda e, a, b: bisect.bisect_right(_pca_curve(a, b).tolist(), e), RISES),
)


@check
def components_needed(answer) -> str:
    """``answer(network_error, train, test)`` → the least k with PCA's test error at or below it."""
    sizes = [32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17]
    train = _crosses(sizes, 0.5)
    test = _crosses([8, 31, 9, 24, 20, 11, 12, 13, 10, 22, 9, 8, 12, 7, 6, 5], 0.5625)
    curve = _pca_curve(train, test)
    # One error a little above the curve, one a little below; one exactly on it, where k is 0.
    step = curve[:-1] - curve[1:]
    errors = [
        *(curve[k] + 0.2 * step[k - 1] for k in (4, 9)),
        *(curve[k] - 0.2 * step[k] for k in (2, 11)),
        curve[0],
    ]
    cases = [(error.item(), train, test) for error in errors]
    what = "one number: how many components it takes"
    found = [number(call_unchanged(IN_PLACE, answer, *case), what) for case in cases]
    if max(found) > len(curve):
        raise Mistake(
            f"You answer {max(found)}, but the images of this test have 16 pixels, so there are "
            "only 16 components. Do you use the `train` and `test` that are given?"
        )
    explain(
        found,
        _right_count,
        COMPONENTS_MISTAKES,
        cases=cases,
        asked="a network with error {:.5f}",
        otherwise="For {case} you return {found}, but the least k is {right}: there PCA's error is "
        "at or below it, and with one component less above.",
    )
    return "Right: the least k whose test error is at or below the network's."
