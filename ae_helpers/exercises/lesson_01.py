"""Checks for lesson 01: load the digits."""

from numbers import Real

import torch

from ae_helpers.data import ImageData, to_float
from ae_helpers.exercises.answers import Mistake, call, check
from ae_helpers.measures import image_errors
from ae_helpers.measures.baselines import black, mean_image


@check
def to_batch(answer) -> str:
    """``answer(pixels)``: uint8 ``(N, 28, 28)`` → float32 ``(N, 1, 28, 28)`` in [0, 1]."""
    pixels = torch.randint(30, 180, (5, 28, 28), generator=torch.Generator().manual_seed(1))
    pixels[0, 0, :2] = torch.tensor([0, 255])  # only here: the other images are fainter
    pixels = pixels.to(torch.uint8)
    untouched = pixels.clone()
    batch = call(answer, pixels)
    if not isinstance(batch, torch.Tensor):
        raise Mistake(f"You return a {type(batch).__name__}; a batch is a torch tensor.")
    if batch.layout is not torch.strided or batch.device != pixels.device:
        raise Mistake("A batch here is an ordinary tensor, dense and on the pixels' device.")
    if not torch.equal(pixels, untouched):
        raise Mistake("Your code changes the pixels it was given: the dataset itself is now wrong.")
    if batch.ndim == 3:
        raise Mistake(
            f"The shape is {tuple(batch.shape)}: the channel axis is missing. A convolution wants "
            "(N, C, H, W), here (5, 1, 28, 28). Think of indexing with None."
        )
    if batch.shape == (5, 28, 28, 1):
        raise Mistake("The channel axis is last; PyTorch wants it second: (5, 1, 28, 28).")
    if batch.shape != (5, 1, 28, 28):
        raise Mistake(f"The shape is {tuple(batch.shape)}; expected (5, 1, 28, 28).")
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
            f"Pixels run from {low:g} to {high:g}. [-1, 1] suits some networks, but ours ends in a "
            "sigmoid, which can't reach below 0."
        )
    if abs(high - 255 / 256) < 1e-6:
        raise Mistake("White is 0.996: you divide by 256, but the largest byte is 255.")
    expected = to_float(pixels)[:, None]
    lowest, highest = expected.amin((2, 3), True), expected.amax((2, 3), True)
    if torch.allclose(batch, (expected - lowest) / (highest - lowest), atol=1e-6):
        raise Mistake(
            "You stretch each image from its own minimum to its own maximum, so a faint one looks "
            "as bright as any other. Divide all of them by 255."
        )
    if torch.allclose(batch, expected.mT, atol=1e-6):
        raise Mistake("Rows and columns are swapped: a 7 lies on its side. Don't transpose.")
    if not torch.allclose(batch, expected, atol=1e-6):
        raise Mistake(
            "Shape and range are right, but pixels are in other places or have other values: each "
            "is its byte divided by 255, and stays where it was."
        )
    fainter = call(answer, pixels[1:].clone())  # no pixel of these is white
    if not isinstance(fainter, torch.Tensor) or fainter.shape != expected[1:].shape:
        raise Mistake("For a batch of 5 all is right, but not for one of 4: N may be any number.")
    if not torch.allclose(fainter, expected[1:], atol=1e-6):
        raise Mistake(
            "You divide by the largest pixel of the batch, so how bright a digit is depends on its "
            "neighbours. Divide by 255 in every batch."
        )
    return "Right: float32, (N, 1, 28, 28), black is 0 and white is 1."


@check
def mean_image_error(answer: float, data: ImageData) -> str:
    """The test MSE of answering every image with the mean training image, as a number."""
    try:
        value = float(answer)
    except Exception:
        if shape := tuple(getattr(answer, "shape", ())):
            what = f"This is a {type(answer).__name__} of shape {shape}; it"
        else:
            what = f"{answer!r}"
        raise Mistake(f"{what} is not a single number; .mean() over everything.") from None
    test = to_float(data.test_images)
    mean = mean_image(data.train_images)
    right = image_errors(test, mean).mean().item()

    def close(other: float) -> bool:
        return abs(value - other) <= 2e-3 * abs(other)

    own = image_errors(test, mean_image(data.test_images)).mean().item()
    parts = [image_errors(part, mean) for part in data.train_images.split(5_000)]
    train = torch.cat(parts).mean().item()
    # The test set's own mean is so close that only more digits tell it apart.
    if value != right and abs(value - own) < abs(value - right) and abs(value - own) < 1e-6:
        raise Mistake("You took the mean of the test images. A baseline may learn from training.")
    if close(right):
        return f"Right: {right:.4f}. Any network must get below this, or it has learned nothing."
    if close(right * 784):
        raise Mistake(f"{value:.4f} is 784 times too large: you sum over pixels; take the mean.")
    if close(right * 255**2):
        raise Mistake(f"{value:.0f} is 255² times too large: pixels must be in [0, 1] first.")
    if close(right**0.5):
        raise Mistake(f"{value:.4f} is the square root (RMSE); the MSE is not rooted.")
    if close((test - mean).abs().mean().item()):
        raise Mistake(f"{value:.4f} is the mean of |x − m|; square the difference, not its size.")
    if close(black(test)):
        raise Mistake(f"{value:.4f} is all-black's error: the mean image was not subtracted.")
    if close((test - test.mean()).square().mean().item()):
        raise Mistake(f"{value:.4f} uses one grey for all pixels: .mean(0) keeps a mean per pixel.")
    if close(train):
        raise Mistake(f"{value:.4f} is measured on the training images; measure on the test set.")
    raise Mistake(f"{value:.6g} is not it; expected about {right:.2g}. Look at each step's shape.")


@check
def batches_per_epoch(answer) -> str:
    """``answer(images, batch_size)``: how many steps an epoch takes, the last short one too."""
    cases = ((60_000, 32), (4_000, 32), (100, 32), (120, 32), (96, 32), (5, 32), (70, 7))
    found = [call(answer, *case) for case in cases]
    right = [-(-images // size) for images, size in cases]
    found = [v.item() if isinstance(v, torch.Tensor) and v.ndim == 0 else v for v in found]
    for value in found:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise Mistake(f"You return a {type(value).__name__}; how many is a number.")
    if any(value % 1 != 0 for value in found):  # true for nan and infinity, too
        raise Mistake(
            "Your answer for 100 images in batches of 32 is a fraction; a step is taken or not."
        )
    if found == [images // size for images, size in cases]:
        raise Mistake("You drop the last, short batch: 100 images in 32s are 4 batches, not 3.")
    if found == [images // size + 1 for images, size in cases]:
        raise Mistake("You always add one: 96 images in 32s are exactly 3 batches, not 4.")
    if found == [round(images / size) for images, size in cases]:
        raise Mistake("You round to the nearest; a short batch of any size is still a batch.")
    if found != right:
        case, value, wanted = next(
            (c, f, r) for c, f, r in zip(cases, found, right, strict=True) if f != r
        )
        raise Mistake(f"For {case[0]:,} images in batches of {case[1]}: {value}, not {wanted}.")
    return "Right: 60,000 images in batches of 32 are 1,875 steps."
