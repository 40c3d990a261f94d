"""Checks for lesson 01: load the digits."""

import math

import torch

from ae_helpers.data import ImageData, to_float
from ae_helpers.exercises.answers import (
    Mistake,
    call,
    call_unchanged,
    check,
    explain,
    number,
    tensor,
)
from ae_helpers.measures import image_errors
from ae_helpers.measures.baselines import black, mean_image

# ---------------------------------------------------------------------------------------- a batch

BATCH_SHAPES = {
    (5, 28, 28): "The channel axis is missing. A convolution wants (N, C, H, W), here "
    "(5, 1, 28, 28). Think of indexing with None.",
    (5, 28, 28, 1): "The channel axis is last; PyTorch wants it second: (5, 1, 28, 28).",
}


@check
def to_batch(answer) -> str:
    """``answer(pixels)``: uint8 ``(N, 28, 28)`` → float32 ``(N, 1, 28, 28)`` in [0, 1]."""
    pixels = torch.randint(30, 180, (5, 28, 28), generator=torch.Generator().manual_seed(1))
    pixels[0, 0, :2] = torch.tensor([0, 255])  # only here: the other images are fainter
    pixels = pixels.to(torch.uint8)
    found = call_unchanged("/= or a mask: the dataset itself is now wrong.", answer, pixels)
    if not isinstance(found, torch.Tensor):
        raise Mistake(f"You return a {type(found).__name__}; a batch is a torch tensor.")
    right = to_float(pixels)[:, None]
    batch = tensor(found, "a batch", right.shape, BATCH_SHAPES, dtype=None)
    if batch.dtype == torch.uint8:
        raise Mistake(
            "The batch is still uint8, which holds whole numbers only: .float() it, then divide by "
            "255."
        )
    if batch.dtype != torch.float32:
        raise Mistake(f"The numbers are {batch.dtype}; layers hold float32 weights. Use .float().")
    low, high = batch.min().item(), batch.max().item()
    if high > 200:
        raise Mistake(f"Pixels run up to {high:g}: the division by 255 is missing.")
    if low < 0:
        raise Mistake(
            f"Pixels run from {low:g} to {high:g}. Numbers around 0 suit some networks, but ours "
            "ends in a sigmoid, which can't reach below 0."
        )
    darkest, brightest = right.amin((2, 3), True), right.amax((2, 3), True)
    mistakes = {
        "White is 0.996: you divide by 256, but the largest byte is 255.": right * 255 / 256,
        "White is 0.004: you divide by 255 twice.": right / 255,
        "All but white became 0: // throws the fraction away. Divide by /.": right.floor(),
        "All pixels became 0 or 1, but between black and white are greys: don't round or "
        "compare.": right.round(),
        "Black became white: 1 − x turns each image into its negative.": 1 - right,
        "You stretch each image from its own minimum to its own maximum, so a faint one looks as "
        "bright as any other. Divide all of them by 255.": (right - darkest)
        / (brightest - darkest),
        "You divide each image by its own largest pixel, so a faint one becomes as bright as any "
        "other. Divide all of them by 255.": right / brightest,
        "Rows and columns are swapped: a 7 lies on its side. Don't transpose.": right.mT,
    }
    otherwise = (
        "The shape is right, but pixels are in other places or have other values: each is its byte "
        "divided by 255, and stays where it was."
    )
    explain(batch, right, mistakes, otherwise=otherwise, atol=1e-6)
    fewer = "For a batch of 5 all is right, but not for one of 4: N may be any number."
    cures = {"is invalid for input of size": fewer}
    fainter = tensor(call(answer, pixels[1:].clone(), cures=cures), "a batch")
    right = right[1:]  # no pixel of these is white, and none is black
    if fainter.shape != right.shape:
        raise Mistake(fewer)
    neighbours = "so how bright a digit is depends on its neighbours. Divide by 255 in every batch."
    mistakes = {
        f"You divide by the largest pixel of the batch, {neighbours}": right / right.max(),
        f"You stretch the batch from its darkest pixel to its brightest, {neighbours}": (
            (right - right.min()) / (right.max() - right.min())
        ),
    }
    explain(fainter, right, mistakes, otherwise="In a second batch: " + otherwise, atol=1e-6)
    return "Right: float32, (N, 1, 28, 28), black is 0 and white is 1."


# ------------------------------------------------------------------------------- steps of an epoch

BATCH_CASES = ((60_000, 32), (100, 32), (97, 32), (120, 32), (96, 32), (5, 32), (70, 7))
BATCH_MISTAKES = {
    "Your answer for 100 images in batches of 32 is a fraction; a step is taken or not.": (
        lambda n, b: n / b
    ),
    "You drop the last, short batch: 100 images in 32s are 4 batches, not 3.": lambda n, b: n // b,
    "You always add one: 96 images in 32s are exactly 3 batches, not 4.": lambda n, b: n // b + 1,
    "You round to the nearest; a short batch of any size is still a batch.": (
        lambda n, b: round(n / b)
    ),
    "That is how many images are left for the last, short batch: % gives the remainder, // how "
    "often a batch fits.": lambda n, b: n % b,
    "You add the remainder itself, but whatever is left makes one batch.": (
        lambda n, b: n // b + n % b
    ),
    "You divide the batch size by the images; how often does a batch fit into the images?": (
        lambda n, b: b / n
    ),
}


@check
def batches_per_epoch(answer) -> str:
    """``answer(n, batch_size)``: how many steps an epoch takes, the last short one too."""
    cures = {"'int' ": "You are given how many images there are, a number, and not the images."}
    what = "how many, one number"
    found = [number(call(answer, *case, cures=cures), what) for case in BATCH_CASES]
    asked = "{:,} images in batches of {}"
    explain(found, lambda n, b: -(-n // b), BATCH_MISTAKES, cases=BATCH_CASES, asked=asked)
    return "Right: 60,000 images in batches of 32 are 1,875 steps."


# ----------------------------------------------------------------------------- the measuring stick


@check
def mean_image_error(answer: float, data: ImageData) -> str:
    """The test MSE of answering every image with the mean training image, as a number."""
    value = number(answer, "one number, the test MSE: .mean() over everything")
    test, mean = to_float(data.test_images), mean_image(data.train_images)
    right = image_errors(test, mean).mean().item()
    # Four decimals do, but not less: the mean of the test images themselves is 0.00006 away.
    decimals = next((d for d in (2, 3, 4, 5) if abs(value - round(value, d)) < 1e-8), 6)

    mistakes = {
        "You took the mean of the test images. A baseline may learn from training."
        + " (Or you cut digits off: round.)" * (decimals == 4): (
            lambda: image_errors(test, mean_image(data.test_images)).mean()
        ),
        "You took the variance of the test images, which is around their own mean. A baseline may "
        "learn from training.": lambda: test.var(0).mean(),
        f"{value:g} may be right, but four decimals are needed: fewer can't tell the mean of "
        "the training images from that of the test images.": round(right, min(decimals, 3)),
        f"{value:.6f} is the variance of the differences, which takes their mean away first: "
        ".square().mean() doesn't.": lambda: (test - mean).var(),
        f"{value:.4f} is 784 times too large: you sum over pixels; take the mean.": right * 784,
        f"{value:.0f} is the sum over all pixels of all images; take the mean.": (
            right * 784 * len(test)
        ),
        f"{value:.4f} is {len(test):,} times too large: you sum over images; take the mean.": (
            right * len(test)
        ),
        f"{value:.0f} is 255² times too large: pixels must be in [0, 1] first.": right * 255**2,
        f"{value:.0f} compares pixels in [0, 1] with a mean of bytes: to_float for both.": (
            lambda: (test - 255 * mean).square().mean()
        ),
        f"{value:.0f} compares bytes with a mean in [0, 1]: to_float for both.": (
            lambda: (255 * test - mean).square().mean()
        ),
        f"{value:.4f} is the square root (RMSE); the MSE is not rooted.": right**0.5,
        f"{value:.4f} is a standard deviation, a square root too; the MSE is not rooted.": (
            lambda: (test - mean).std()
        ),
        f"{value:.4f} is the mean of |x − m|; square the difference, not its size.": (
            lambda: (test - mean).abs().mean()
        ),
        f"{value:.4f} isn't squared: too bright and too dark cancel each other.": (
            lambda: math.copysign((test - mean).mean(), value)
        ),
        f"{value:.2g} is a mean, squared: too bright and too dark have cancelled each other. "
        "Square first, then take the mean.": (
            lambda: (test - mean).mean().square() if value else None  # 0 has another cause
        ),
        f"{value:.4f} is all-black's error: the mean image was not subtracted.": black(test),
        f"{value:.4f} uses one grey for all pixels: .mean(0) keeps a mean per pixel.": (
            lambda: (test - test.mean()).square().mean()
        ),
        f"{value:.4f} uses one grey, of all training pixels: .mean(0) keeps a mean per pixel.": (
            lambda: (test - mean.mean()).square().mean()
        ),
        f"{value:.4f} answers each test image with its own grey; the mean image is one for all, of "
        "the training images: .mean(0).": (
            lambda: (test - test.mean((1, 2, 3), keepdim=True)).square().mean()
        ),
        f"{value:.4f} is measured on the training images; measure on the test set.": (
            lambda: image_errors(data.train_images, mean).mean()
        ),
    }
    otherwise = f"{value:.6g} is not it; expected about {right:.2g}. Look at each step's shape."
    if abs(value - right) < 0.02 * right:
        otherwise = (
            f"{value:.6g} is nearly it. Are *all* training and *all* test images in it? Or were "
            "digits lost, in float16, or in a sum of millions? .mean() of float32 is exact enough."
        )
    atol = 5.1 * 0.1 ** (max(decimals, 4) + 1)
    explain(value, right, mistakes, otherwise=otherwise, rtol=2e-5, atol=atol)
    return f"Right: {right:.4f}. Any network must get below this, or it has learned nothing."
