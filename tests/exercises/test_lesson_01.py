"""Lesson 01's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ae_helpers.data import to_float
from ae_helpers.exercises import lesson_01 as check
from exercise_zoo import zoo_tests


def overwritten(pixels):
    pixels[pixels > 0] = 255
    return pixels[:, None].float() / 255


def stretched(pixels):
    low, high = (f(pixels.flatten(1), 1).values for f in (torch.min, torch.max))
    return (pixels.float() - low.view(-1, 1, 1))[:, None] / (high - low).view(-1, 1, 1, 1)


RIGHT = {
    check.to_batch: {
        "None and float": lambda x: x[:, None].float() / 255,
        "unsqueeze": lambda x: x.unsqueeze(1).to(torch.float32).div(255),
        "true division makes floats": lambda x: x.view(-1, 1, 28, 28) / 255,
        "to_float": lambda x: to_float(x[:, None]),
        "numpy": lambda x: torch.from_numpy(x.numpy()[:, None].astype("float32") / 255),
        "a loop": lambda x: torch.stack([image[None].float() / 255 for image in x]),
    },
    check.batches_per_epoch: {
        "negative floor": lambda n, b: -(-n // b),
        "ceil": lambda n, b: math.ceil(n / b),
        "add, then floor": lambda n, b: (n + b - 1) // b,
        "with a remainder": lambda n, b: n // b + (n % b > 0),
        "torch counts": lambda n, b: len(torch.arange(n).split(b)),
        "a float that is whole": lambda n, b: float(np.ceil(n / b)),
    },
}

WRONG = {
    check.to_batch: {
        "no channel axis": (lambda x: x.float() / 255, "channel axis is missing"),
        "channel axis last": (lambda x: x[..., None].float() / 255, "channel axis is last"),
        "an axis in front": (lambda x: x[None].float() / 255, "(1, 5, 28, 28); expected"),
        "flattened": (lambda x: x.flatten(1).float() / 255, "(5, 784); expected"),
        "still bytes": (lambda x: x[:, None], "still uint8"),
        "float64": (lambda x: x[:, None].double() / 255, "torch.float64"),
        "no division": (lambda x: x[:, None].float(), "division by 255 is missing"),
        "-1 to 1": (lambda x: x[:, None].float() / 127.5 - 1, "from -1 to 1"),
        "divided by 256": (lambda x: x[:, None].float() / 256, "256"),
        "stretched": (stretched, "its own minimum to its own maximum"),
        "transposed": (lambda x: x.mT[:, None].float() / 255, "Rows and columns are swapped"),
        "upside down": (lambda x: x.flip(1)[:, None].float() / 255, "in other places"),
        "dataset overwritten": (overwritten, "changes the pixels"),
        "numpy": (lambda x: x.numpy()[:, None] / 255, "You return a ndarray"),
        "exception": (lambda x: x[:, None].convert("float"), "AttributeError"),
        "forgets to return": (lambda x: None, "returns None"),
    },
    check.batches_per_epoch: {
        "last batch dropped": (lambda n, b: n // b, "drop the last"),
        "always one more": (lambda n, b: n // b + 1, "always add one"),
        "nearest": (lambda n, b: round(n / b), "round to the nearest"),
        "fraction": (lambda n, b: n / b, "a fraction"),
        "remainder": (lambda n, b: n % b, "60,000 images in batches of 32: 0, not 1875"),
        "the other way round": (lambda n, b: -(-b // n), "60,000 images in batches of 32: 1,"),
        "exception": (lambda n, b: n // 0, "ZeroDivisionError"),
        "forgets to return": (lambda n, b: None, "returns None"),
    },
}


TestZoo = zoo_tests(RIGHT, WRONG)


def test_a_verdict_is_one_line_in_a_notebook():
    assert repr(check.batches_per_epoch(...)).startswith("✗ Not yet")
    assert repr(check.batches_per_epoch(RIGHT[check.batches_per_epoch]["ceil"])).startswith(
        "✓ Right"
    )


# ---------------------------------------------------------------- the one whose answer is a number


def means(digits):
    test, train = (to_float(i) for i in (digits.test_images, digits.train_images))
    return test, train, train.mean(0)


RIGHT_NUMBERS = {
    "tensor": lambda x, train, mean: (x - mean).square().mean(),
    "number": lambda x, train, mean: F.mse_loss(x, mean.expand_as(x)).item(),
    "per image first": lambda x, train, mean: (x - mean).pow(2).flatten(1).mean(1).mean(),
    "numpy": lambda x, train, mean: ((x - mean).numpy() ** 2).mean(),
    "float64": lambda x, train, mean: ((x.double() - train.double().mean(0)) ** 2).mean().item(),
    "rounded": lambda x, train, mean: round((x - mean).square().mean().item(), 4),
}
WRONG_NUMBERS = {
    "test's own mean": (lambda x, train, mean: (x - x.mean(0)).square().mean(), "mean of the test"),
    "sum over pixels": (
        lambda x, train, mean: (x - mean).square().flatten(1).sum(1).mean(),
        "784 times too large",
    ),
    "bytes": (lambda x, train, mean: (255 * (x - mean)).square().mean(), "255² times too large"),
    "root": (lambda x, train, mean: (x - mean).square().mean().sqrt(), "square root"),
    "absolute": (lambda x, train, mean: (x - mean).abs().mean(), "|x − m|"),
    "nothing subtracted": (lambda x, train, mean: x.square().mean(), "all-black"),
    "one grey": (lambda x, train, mean: (x - x.mean()).square().mean(), "one grey"),
    "one grey of training": (lambda x, train, mean: (x - train.mean()).square().mean(), "one grey"),
    "on the training images": (
        lambda x, train, mean: (train - mean).square().mean(),
        "measured on the training",
    ),
    "signs cancel": (lambda x, train, mean: (x - mean).mean(), "is not it; expected about 0.06"),
    "one for each image": (
        lambda x, train, mean: (x - mean).square().flatten(1).mean(1),
        "not a single number",
    ),
    "text": (lambda x, train, mean: "0,0675", "'0,0675' is not a single number"),
}


@pytest.mark.parametrize("answer", RIGHT_NUMBERS.values(), ids=RIGHT_NUMBERS)
def test_right_mean_image_error_passes(sample, answer):
    verdict = check.mean_image_error(answer(*means(sample)), sample)
    assert verdict and verdict.message.startswith("Right: 0.0"), verdict


@pytest.mark.parametrize(("answer", "words"), WRONG_NUMBERS.values(), ids=WRONG_NUMBERS)
def test_wrong_mean_image_error_hears_what_is_wrong(sample, answer, words):
    verdict = check.mean_image_error(answer(*means(sample)), sample)
    assert not verdict
    assert words in verdict.message


def test_each_wrong_number_has_a_message_of_its_own(sample):
    answers = {n: a for n, (a, _) in WRONG_NUMBERS.items() if n != "one grey of training"}
    messages = {
        check.mean_image_error(answer(*means(sample)), sample).message
        for answer in answers.values()
    }
    assert len(messages) == len(answers)


@pytest.mark.parametrize("unsolved", [..., None])
def test_unsolved_mean_image_error_says_not_yet(sample, unsolved):
    verdict = check.mean_image_error(unsolved, sample)
    assert not verdict and verdict.message.startswith("Not yet")


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda x: x[:, None].float() / x.max(), "largest pixel of the batch"),
        (lambda x: torch.cat([x, x])[:5, None].float() / 255, "not for one of 4"),
        (lambda x: (x[:, None].float() / 255).to("meta"), "ordinary tensor"),
        (lambda x: (x[:, None].float() / 255).to_sparse(), "ordinary tensor"),
    ],
)
def test_a_batch_must_be_right_for_other_pixels_too(answer, word):
    verdict = check.to_batch(answer)
    assert not verdict and word in verdict.message


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (np.arange(3), "ndarray"),
        (torch.arange(3), "Tensor"),
        ([1], "list"),
        (True, "bool"),
        (1j, "complex"),
        (math.nan, "fraction"),
        (math.inf, "fraction"),
        (torch.tensor(3), "3, not 1875"),
    ],
)
def test_odd_numbers_of_batches_are_told_apart(value, word):
    verdict = check.batches_per_epoch(lambda n, b: value)
    assert not verdict and word in verdict.message


def test_a_long_answer_is_not_quoted(sample):
    verdict = check.mean_image_error(torch.rand(1000), sample)
    assert not verdict and "Tensor of shape (1000,); it is not a single number" in verdict.message
    verdict = check.mean_image_error([0.07], sample)
    assert not verdict and "[0.07] is not a single number" in verdict.message
