"""Checks for lesson 05: compare before and after.

Each tries an answer on cases of which every wrong rule in its table makes something else.
"""

import torch
from torch import Tensor

from ae_helpers.exercises.answers import (
    Mistake,
    call,
    call_unchanged,
    check,
    explain,
    indices,
    misordered,
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
    wrong[9, 0, :7] = torch.linspace(0.35, 0.38, 28)  # second: a quarter far too bright
    wrong[2] = -0.16  # third: everywhere too dark, so its mean |difference| is above that of 9
    wrong[2, 0, 27, 27] = 0  # … but for one pixel
    images[2] += 0.2  # so bright that in proportion 5 is worse
    wrong[4, 0, 1, 2] = 0.39  # a single pixel, the worst of all pixels
    wrong[5] = 0.12  # the largest difference if signs aren't squared away
    wrong[3, 0, :16] = 0.14 * sign[3, 0, :16]  # more than half: its median is above that of 5
    return images, images - wrong


WRONG_SCORES = {  # of the differences
    "Those are positions of single pixels: you rank all pixels of all images together. Average "
    "over each image first.": torch.square,
    "You average over the batch axis: that leaves an error per pixel, not per image. "
    ".flatten(1).mean(1) keeps axis 0.": lambda wrong: wrong.square().mean(0),
    "You square the mean difference; square each pixel's, then take the mean.": (
        lambda wrong: wrong.flatten(1).mean(1).square()
    ),
    "The square is missing: too bright and too dark cancel.": lambda wrong: wrong.mean((1, 2, 3)),
    "The square is missing: too dark and too bright cancel.": lambda wrong: -wrong.mean((1, 2, 3)),
    "You rank by the mean of |x − x̂|. The MSE squares, so big errors count more.": (
        lambda wrong: wrong.abs().flatten(1).mean(1)
    ),
    "You rank by the median, which ignores how bad the bad pixels are; take the mean.": (
        lambda wrong: wrong.square().flatten(1).median(1).values
    ),
    "You rank by the worst pixel of each image; take the mean over its pixels.": (
        lambda wrong: wrong.abs().flatten(1).amax(1)
    ),
}


@check
def worst(answer) -> str:
    """``answer(images, reconstructions, n)`` → indices of the n worst images, the worst first."""
    images, reconstructions = _pictures()
    wrong = images - reconstructions
    order = wrong.square().flatten(1).mean(1).argsort(descending=True)
    one_each = "One error per image is needed: average over all its axes, .flatten(1).mean(1)."
    cures = {
        "out of range": one_each,
        "0-dim": one_each,
        "step must be greater": "[::-1] turns lists and arrays, not tensors; these have .flip(0).",
    }
    both = "Values and indices? Return the n indices alone: sort and topk give .indices."
    for n in (3, 2):
        shapes = {
            (): f"argmax finds only the worst. {one_each}",
            (n, *images.shape[1:]): "Return only their indices, which tell where they are.",
            **dict.fromkeys([(2, n), (n, 2), (2, len(images))], both),
        }
        found = call_unchanged(IN_PLACE, answer, images, reconstructions, n, cures=cures)
        mistakes = {
            **misordered(order, n, "worst"),
            **{text: of(wrong).flatten().topk(n).indices for text, of in WRONG_SCORES.items()},
        }
        explain(
            indices(found, n, "images", shapes, one_each),
            order[:n],
            mistakes,
            otherwise="{found} is not the order that the MSE per image gives, {right}.",
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


WRONG_MEANS = {  # of the errors of a class
    "Those are medians, which ignore how bad the bad ones are; take the mean.": torch.median,
    "Those are medians, as NumPy takes them; take the mean.": lambda own: own.quantile(0.5),
    "Those are the largest errors; take the mean.": torch.max,
    "Those are the smallest errors; take the mean.": torch.min,
    "Those are spreads (standard deviations); take the mean.": torch.std,
    "The errors are squares already, and you square them again.": lambda own: own.square().mean(),
    "Those are means of square roots; leave the root out.": lambda own: own.sqrt().mean(),
    "Each takes the first image of its class only; take the mean of all.": lambda own: own[0],
    "Each takes the last image of its class only: is there = instead of +=?": lambda own: own[-1],
}


@check
def per_class(answer) -> str:
    """``answer(errors, labels)``: an error and a label per image → ten means, for 0, 1, …, 9."""
    errors, labels = _labelled()
    what = "ten means, one per digit"
    found = call_unchanged(IN_PLACE, answer, errors, labels)
    if isinstance(found, dict):
        try:
            by_digit = {int(key): value for key, value in found.items()}
            found = [by_digit[digit] for digit in range(10)]
        except (ValueError, TypeError, RuntimeError, KeyError):
            raise Mistake("The keys of your dict aren't the digits 0 to 9.") from None
    no_images = "It is the mean of no images: is your mask labels == d, for d from 0 to 9?"
    found = numbers(tensor(found, what, cure=no_images).squeeze(), what, 10)
    own = [labels == digit for digit in range(10)]
    counts, sums = labels.bincount(), labels.bincount(errors)
    right = sums / counts
    mistakes = {
        "Those are sums: a class with more images looks worse. Divide by how many it has.": sums,
        f"You divide each class's sum by all {len(labels)} images; divide by those of the class. "
        "(Yours add up to the overall mean: they are shares of it.)": sums / len(labels),
        "You divide by a tenth of all images, as if the classes were equally large. They are not: "
        "count each.": sums / len(labels) * 10,
        "You divide every class by the count of the largest; count each.": sums / counts.max(),
        "You divide by one image too many: does your count begin at 1? (scatter_reduce and "
        "index_reduce do so unless you say include_self=False.)": sums / (counts + 1),
        "Ten times the same number, the overall mean: pick a class's images first.": (
            errors.mean().expand(10)
        ),
        "The ten means are right, but in the order in which the digits first occur in labels. "
        "Position d should hold digit d.": right[list(dict.fromkeys(labels.tolist()))],
        "The ten means are right, but sorted: position d should hold digit d.": right.sort()[0],
        "The ten means are right, but sorted, largest first: position d should hold digit d.": (
            right.sort(descending=True)[0]
        ),
        "The means are one place off: position 0 should hold digit 0.": right.roll(-1),
        "The means are one place off: digit 9 stands first, at position 0.": right.roll(1),
        "The ten means are right, but in reverse order: position 0 is digit 0.": right.flip(0),
        **{
            text: torch.stack([rule(errors[mask]) for mask in own])
            for text, rule in WRONG_MEANS.items()
        },
        "The total isn't set back to 0 before the next class: start it inside the loop.": (
            sums.cumsum(0) / counts
        ),
        "Those are square roots of the means; the MSE is not rooted.": right.sqrt(),
        "You average over the images of all *other* classes: == instead of !=.": (
            torch.stack([errors[~mask].mean() for mask in own])
        ),
        "That is how many images the classes have; take the mean of their errors.": counts,
        "That is how frequent the classes are; take the mean of their errors.": (
            counts / len(labels)
        ),
        **{
            f"The ten means are right, but rounded to {digits} digits: return them as they are.": (
                right.round(decimals=digits)
            )
            for digits in range(2, 8)
        },
    }
    explain(
        found,
        right,
        mistakes,
        cases=[(digit,) for digit in range(10)],
        asked="{}",
        otherwise="Digit {case}: {found}, but the mean of its errors is {right}. labels == {case} "
        "is a mask that picks a class's images.",
    )
    return "Right: ten means, each over the images of one class."


# ---------------------------------------------------------------------- digits from components


def _axes() -> tuple[Tensor, Tensor, Tensor]:
    """Three images of six pixels, a mean that isn't theirs, and six components, a column each."""
    generator = torch.Generator().manual_seed(2)
    images, mean = torch.rand(3, 6, generator=generator), torch.rand(6, generator=generator)
    axes = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))[0]
    return images, mean, axes.float()


WRONG_SUMS = {  # of the images, the mean, the components and k
    "The mean is missing at the end: what you add up are differences from it.": (
        lambda x, m, c, k: (x - m) @ c[:, :k] @ c[:, :k].T
    ),
    "Coordinates are those of image − mean: subtract the mean first.": (
        lambda x, m, c, k: m + x @ c[:, :k] @ c[:, :k].T
    ),
    "The mean is missing: subtract it first, and add it at the end.": (
        lambda x, m, c, k: x @ c[:, :k] @ c[:, :k].T
    ),
    "You take the first k rows; the components are columns: components[:, :k].": (
        lambda x, m, c, k: m + (x - m) @ c[:k].T @ c[:k]
    ),
    "You take the last k components; the first are those that matter most.": (
        lambda x, m, c, k: m + (x - m) @ c[:, -k:] @ c[:, -k:].T
    ),
    "You take one component too many: components[:, :k] are k.": (
        lambda x, m, c, k: m + (x - m) @ c[:, : k + 1] @ c[:, : k + 1].T
    ),
    "You take one component too few: components[:, :k] are k.": (
        lambda x, m, c, k: m + (x - m) @ c[:, : k - 1] @ c[:, : k - 1].T
    ),
    "You leave out the first component, at position 0.": (
        lambda x, m, c, k: m + (x - m) @ c[:, 1 : k + 1] @ c[:, 1 : k + 1].T
    ),
    "Only the k-th component is in it: add up all of the first k (= instead of +=?).": (
        lambda x, m, c, k: m + (x - m) @ c[:, k - 1 : k] @ c[:, k - 1 : k].T
    ),
    "Only component number k is in it: add up all of the first k.": (
        lambda x, m, c, k: m + (x - m) @ c[:, k : k + 1] @ c[:, k : k + 1].T
    ),
    "Those are coordinates, of all components. Multiply the first k by their components, and add "
    "the mean.": lambda x, m, c, k: (x - m) @ c,
    "Those are the images themselves, as with all components: where is k?": (
        lambda x, m, c, k: x + 0 * m
    ),
    "That is what is left over, image − answer; the answer is wanted.": (
        lambda x, m, c, k: (x - m) - (x - m) @ c[:, :k] @ c[:, :k].T
    ),
    "Right but for a cut: you keep it within 0 and 1. PCA itself doesn't.": (
        lambda x, m, c, k: (m + (x - m) @ c[:, :k] @ c[:, :k].T).clamp(0, 1)
    ),
    "You subtract the mean of these images; PCA's own mean is given: use that.": (
        lambda x, m, c, k: x.mean(0) + (x - x.mean(0)) @ c[:, :k] @ c[:, :k].T
    ),
    "You subtract the mean of these images; subtract the mean that is given.": (
        lambda x, m, c, k: m + (x - x.mean(0)) @ c[:, :k] @ c[:, :k].T
    ),
    "The mean is added once for each component; add it once.": (
        lambda x, m, c, k: k * m + (x - m) @ c[:, :k] @ c[:, :k].T
    ),
    "The sign is turned round: coordinates are (image − mean) times component, and are added.": (
        lambda x, m, c, k: m - (x - m) @ c[:, :k] @ c[:, :k].T
    ),
    "That is the mean, for every image: as with no component.": lambda x, m, c, k: m + 0 * x,
    "You add the components, all by the same amount: multiply each by its coordinate.": (
        lambda x, m, c, k: m + c[:, :k].sum(1) + 0 * x
    ),
}


@check
def rebuild(answer) -> str:
    """``answer(images, mean, components, k)``: rows ``(N, D)`` → what k components make of them."""
    images, mean, components = _axes()
    whole = f"Expected {tuple(images.shape)}: a row for each image, as they were given."
    cases = [(images, mean, components, k) for k in (2, 4)]
    cures = {"shapes cannot be multiplied": "The first k components are components[:, :k], "
             "(D, k); turned over by .T they are (k, D)."}  # fmt: skip
    found = []
    for case in cases:
        k = case[-1]
        shapes = {
            (3, k): "Those are coordinates, k for each image. Multiply them by the components, as "
            f"rows, and add the mean. {whole}",
            (6, 3): f"The axes are swapped: .T at the end turns them back. {whole}",
            (3, 3): f"A product of images with images? {whole}",
            (6,): f"Is that a single image? {whole}",
        }
        result = call_unchanged(IN_PLACE, answer, *case, cures=cures)
        found.append(tensor(result, "images built from k components", (3, 6), shapes))
    explain(
        found,
        lambda x, m, c, k: m + (x - m) @ c[:, :k] @ c[:, :k].T,
        WRONG_SUMS,
        cases=cases,
        asked="k = {3}",
        otherwise="For {case} you give {found}, but the mean plus the sum of the first k "
        "coordinates times their components is {right}.",
        atol=1e-5,
    )
    return "Right: the mean, plus each of the first k components times its coordinate."


# --------------------------------------------------------------------------- the measuring stick


def _pca_curve(train: Tensor, images: Tensor) -> Tensor:
    """As in the lesson: the error of keeping 0, 1, …, all components."""
    train, images = train.flatten(1), images.flatten(1)
    axes = torch.linalg.eigh(torch.cov(train.T)).eigenvectors.flip(1)
    centred = images - train.mean(0)
    total, kept = centred.square().sum(1).mean(), (centred @ axes).square().mean(0).cumsum(0)
    return torch.cat([total[None], total - kept]) / images.shape[1]


def _crosses(sizes: list[int], middle: float) -> Tensor:
    """Grey images that differ along one pixel each, so that pixels *are* the components.

    All numbers are multiples of 1/64: sums and means of them are exact, so a tie is a tie.
    """
    steps = torch.diag(torch.tensor(sizes) / 64)
    return (middle + torch.cat([steps, -steps])).view(-1, 1, 4, 4)


def _turned(images: Tensor) -> Tensor:
    """Those images in a row of axes that aren't pixels, around the mean that PCA learns there.

    The axes are those of a Hadamard matrix, whose entries are ±1/4: sums stay exact.
    """
    two = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / 2
    axes = 4 * torch.kron(torch.kron(two, two), torch.kron(two, two))
    axes = axes[[*range(3, 16), 0, 1, 2]]  # else it would be its own transpose
    return 0.125 + ((images.flatten(1) - 0.125) @ axes).view_as(images)


@check
def components_needed(answer) -> str:
    """``answer(network_error, train, test)`` → the least k with PCA's test error at or below it."""
    train = _crosses(list(range(32, 16, -1)), 0.125)  # so low that PCA leaves [0, 1], as digits do
    test = _crosses([8, 31, 9, 24, 20, 11, 12, 13, 10, 22, 9, 8, 12, 7, 6, 5], 0.1875)
    curve = _pca_curve(train, test)
    # One error a little above the curve, one a little below; one exactly on it, where k is 0.
    step = curve[:-1] - curve[1:]
    above, below = [curve[k] + 0.2 * step[k - 1] for k in (4, 9)], (2, 11)
    errors = torch.stack([*above, *(curve[k] - 0.2 * step[k] for k in below), curve[0]])
    cases = [(error.item(), train, test) for error in errors]
    what = "one number: how many components it takes"
    cures = {"StopIteration": "No k meets your condition: PCA's error has to be <= the network's."}
    found = [number(call_unchanged(IN_PLACE, answer, *case, cures=cures), what) for case in cases]
    if max(found) > len(curve):
        raise Mistake(
            f"You answer {max(found)}, but the images of this test have 16 pixels, so there are "
            "only 16 components. Do you use the `train` and `test` that are given?"
        )

    def least(curve: Tensor) -> Tensor:
        return (curve[:, None] > errors).sum(0)

    # As pixels are the components, k of them make the first k pixels, and the mean of the others.
    kept = (torch.arange(16) < torch.arange(17)[:, None])[:, None]
    rebuilt = torch.where(kept, test.flatten(1), train.mean(0).flatten()).clamp(0, 1)
    cut = (test.flatten(1) - rebuilt).square().mean((1, 2))

    right = least(curve)
    mistakes = {
        "Almost: where PCA's error equals the network's exactly, k is enough already: <= instead "
        "of <. And k may be 0: the search begins at position 0.": (
            (curve[:, None] >= errors).sum(0)
        ),
        "Always one too many. The list begins with no components: position k is k components.": (
            right + 1
        ),
        "One too few: with your k PCA is still worse than the network. Take the first at or below, "
        "not the last above. (And position k of the list is k components.)": (
            (right - 1).clamp(min=0)
        ),
        "One too few, down to -1: with your k PCA is still worse than the network. Take the first "
        "at or below, not the last above.": right - 1,
        "You take the k whose error is nearest, above or below. It has to be at or below.": (
            (curve[:, None] - errors).abs().argmin(0)
        ),
        "You answer with all components: true, they suffice, but the least k is wanted.": [16] * 5,
        "You always answer 0 components, where PCA is worse than the network: is your comparison "
        "the wrong way round? Or do you divide by 784? The images of this test have 16 pixels; "
        "images[0].numel() knows how many there are.": [0] * 5,
        "You count how many k suffice; the least of them is wanted.": 17 - right,
        "PCA's error is measured on the training images, the network's on the test images. Both "
        "belong on the test images: pca_curve(train, test).": least(_pca_curve(train, train)),
        "Your components are learned from the test images. A baseline, too, may learn from the "
        "training images only: pca_curve(train, test).": least(_pca_curve(test, test)),
        "You learn from the test images and measure on the training images; it is the other way "
        "round: pca_curve(train, test).": least(_pca_curve(test, train)),
        "You subtract the test images' own mean. PCA learns its mean, too, from the training "
        "images: subtract that one from both.": least(
            _pca_curve(train, test - test.mean(0) + 0.125)
        ),
        "You cut PCA's images to [0, 1]. That is a fairer rival, but another ruler: pca_curve "
        "doesn't cut.": least(cut),
        "PCA's error is summed over pixels, the network's is a mean: divide by their number.": (
            least(16 * curve)
        ),
        "You learn from train and test together. A baseline, too, may learn from the training "
        "images only: pca_curve(train, test).": least(_pca_curve(torch.cat([train, test]), test)),
        "You return PCA's error; its position in the list is wanted, the number of components.": (
            curve[right]
        ),
        "You search as in a list that rises, as searchsorted and bisect do; the curve falls.": (
            torch.searchsorted(curve, errors)
        ),
    }
    explain(
        found,
        right,
        mistakes,
        cases=cases,
        asked="a network with error {:.5f}",
        otherwise="For {case} you return {found}, but the least k is {right}: there PCA's error is "
        "at or below it, and with one component less above.",
    )
    again = [
        number(call(answer, error, _turned(train), _turned(test)), what)
        for error, train, test in cases
    ]
    if again != found:
        raise Mistake(
            "Right for images whose components are single pixels; for the same ones turned to "
            "other axes your k is another. Components are the *columns* that eigh gives, but the "
            "*rows* of what svd gives."
        )
    return "Right: the least k whose test error is at or below the network's."
