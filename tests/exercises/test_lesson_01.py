"""Lesson 01's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import math
from fractions import Fraction

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader

from ae_helpers.data import ImageData, to_float
from ae_helpers.exercises import lesson_01 as check
from exercise_zoo import Several, each, zoo_tests


def overwritten(pixels):
    pixels[pixels > 0] = 255
    return pixels[:, None].float() / 255


def stretched(pixels):
    low, high = (f(pixels.flatten(1), 1).values for f in (torch.min, torch.max))
    return (pixels.float() - low.view(-1, 1, 1))[:, None] / (high - low).view(-1, 1, 1, 1)


def tiny_digits():
    """Forty images to train on and twelve to test, whose every wrong error is another number."""
    generator = torch.Generator().manual_seed(1)
    pattern = torch.rand(28, 28, generator=generator).square()
    train, test = (
        (pattern * torch.rand(n, 1, 28, 28, generator=generator) * 255).byte() for n in (40, 12)
    )
    return ImageData("digits", "made up", train, torch.zeros(40), test, torch.zeros(12))


DIGITS = tiny_digits()


def error(function):
    """The answer that a function of test and training images and of their mean gives."""
    test, train = (to_float(images) for images in (DIGITS.test_images, DIGITS.train_images))
    return Several((function(test, train, train.mean(0)),), (DIGITS,))


RIGHT = {
    check.to_batch: {
        "None and float": lambda x: x[:, None].float() / 255,
        "unsqueeze": lambda x: x.unsqueeze(1).to(torch.float32).div(255),
        "true division makes floats": lambda x: x.view(-1, 1, 28, 28) / 255,
        "to_float": lambda x: to_float(x[:, None]),
        "numpy": lambda x: torch.from_numpy(x.numpy()[:, None].astype("float32") / 255),
        "in place, but on new numbers": lambda x: x.float().div_(255).unsqueeze_(1),
        "a table": lambda x: torch.linspace(0, 1, 256)[x.long()][:, None],
        "a parameter": lambda x: torch.nn.Parameter(x[:, None] / 255),
        "float64 on the way": lambda x: (x[:, None].double() / 255).float(),
        "a loop": lambda x: torch.stack([image[None].float() / 255 for image in x]),
        "an axis moved": lambda x: x[None].permute(1, 0, 2, 3) / 255,
        "unflatten": lambda x: (x / 255.0).unflatten(0, (-1, 1)),
        "into empty": lambda x: torch.empty(len(x), 1, 28, 28).copy_(x[:, None]).div_(255),
        "lists": lambda x: torch.tensor([[(image / 255).tolist()] for image in x]),
        "channels last in memory": lambda x: (x[:, None] / 255).contiguous(
            memory_format=torch.channels_last
        ),
    },
    check.batches_per_epoch: {
        "negative floor": lambda n, b: -(-n // b),
        "ceil": lambda n, b: math.ceil(n / b),
        "add, then floor": lambda n, b: (n + b - 1) // b,
        "with a remainder": lambda n, b: n // b + (n % b > 0),
        "a range": lambda n, b: len(range(0, n, b)),
        "one less, then one more": lambda n, b: (n - 1) // b + 1,
        "a tensor": lambda n, b: torch.ceil(torch.tensor(n / b)),
        "torch counts": lambda n, b: len(torch.arange(n).split(b)),
        "a float that is whole": lambda n, b: float(np.ceil(n / b)),
        "a fraction that is whole": lambda n, b: Fraction(-(-n // b)),
        "NumPy's floor": lambda n, b: -np.floor_divide(-n, b),
        "a DataLoader's": lambda n, b: len(DataLoader(range(n), batch_size=b)),
    },
    check.mean_image_error: {
        "number": error(lambda x, t, m: F.mse_loss(x, m.expand_as(x)).item()),
        "tensor": error(lambda x, t, m: (x - m).square().mean()),
        "per image": error(lambda x, t, m: (x - m).pow(2).flatten(1).mean(1).mean()),
        "numpy": error(lambda x, t, m: ((x - m).numpy() ** 2).mean()),
        "float64": error(lambda x, t, m: ((x.double() - m.double()) ** 2).mean().item()),
        "rounded": error(lambda x, t, m: round((x - m).square().mean().item(), 4)),
        "five decimals": error(lambda x, t, m: round((x - m).square().mean().item(), 5)),
        "by matrix products": error(
            lambda x, t, m: (
                torch.cdist(x.double().flatten(1), m.double()[None].flatten(1)).square().mean()
                / 784
            )
        ),
        "variance and bias": error(
            lambda x, t, m: (x.var(0, unbiased=False) + (x.mean(0) - m).square()).mean()
        ),
        "bytes, divided at the end": error(
            lambda x, t, m: (255 * x - 255 * m).square().mean() / 255**2
        ),
        "an array of one": error(lambda x, t, m: (x - m).square().mean().reshape(1).numpy()),
    },
}

WRONG = {
    check.to_batch: {
        "no channel axis": (lambda x: x.float() / 255, "channel axis is missing"),
        "channel axis last": (lambda x: x[..., None].float() / 255, "channel axis is last"),
        "an axis in front": (lambda x: x[None].float() / 255, "(1, 5, 28, 28). Expected"),
        "flattened": (lambda x: x.flatten(1).float() / 255, "(5, 784). Expected"),
        "still bytes": (lambda x: x[:, None], "still uint8"),
        "float64": (lambda x: x[:, None].double() / 255, "torch.float64"),
        "no division": (lambda x: x[:, None].float(), "division by 255 is missing"),
        "-1 to 1": (lambda x: x[:, None].float() / 127.5 - 1, "from -1 to 1"),
        "divided by 256": (lambda x: x[:, None].float() / 256, "256"),
        "stretched": (stretched, "its own minimum to its own maximum"),
        "transposed": (lambda x: x.mT[:, None].float() / 255, "Rows and columns are swapped"),
        "upside down": (lambda x: x.flip(1)[:, None].float() / 255, "in other places"),
        "dataset overwritten": (overwritten, "the dataset itself is now wrong"),
        "rounded": (lambda x: (x[:, None] / 255).round(), "0 or 1"),
        "negative": (lambda x: 1 - x[:, None] / 255, "Black became white"),
        "around 0": (
            lambda x: (x[:, None] / 255 - 0.13) / 0.31,
            "from -0.419355 to 2.80645. Numbers",
        ),
        "divided twice": (lambda x: x[:, None].float() / 255 / 255, "255 twice"),
        "floor": (lambda x: (x[:, None] // 255).float(), "throws the fraction away"),
        "by the largest": (lambda x: x[:, None].float() / x.max(), "largest pixel of the batch"),
        "by their range": (
            lambda x: (x[:, None].float() - x.min()) / (x.max() - x.min()),
            "from its darkest pixel to its brightest",
        ),
        "each by its largest": (
            lambda x: x[:, None].float() / x.amax((1, 2)).view(-1, 1, 1, 1),
            "each image by its own largest",
        ),
        "root": (lambda x: (x[:, None] / 255).sqrt(), "or have other values"),
        "mirrored": (lambda x: x.flip(2)[:, None] / 255, "or have other values"),
        "half": (lambda x: x[:, None].half() / 255, "torch.float16"),
        "three channels": (lambda x: (x[:, None] / 255).expand(-1, 3, -1, -1), "(5, 3, 28, 28)"),
        "fixed N": (lambda x: x.view(5, 1, 28, 28) / 255, "invalid for input of size 3136. For a"),
        "every second batch": (
            lambda x: (x[:, None] / 255).roll(len(x) - 5, 2),
            "In a second batch: The shape is right",
        ),
        "always five": (lambda x: torch.cat([x, x])[:5, None].float() / 255, "not for one of 4"),
        "meta": (lambda x: (x[:, None].float() / 255).to("meta"), "meta device"),
        "sparse": (lambda x: (x[:, None].float() / 255).to_sparse(), "a sparse tensor"),
        "numpy": (lambda x: x.numpy()[:, None] / 255, "You return a ndarray"),
    },
    check.batches_per_epoch: {
        "last batch dropped": (lambda n, b: n // b, "drop the last"),
        "always one more": (lambda n, b: n // b + 1, "always add one"),
        "nearest": (lambda n, b: round(n / b), "round to the nearest"),
        "fraction": (lambda n, b: n / b, "a fraction"),
        "remainder": (lambda n, b: n % b, "% gives the remainder"),
        "remainder added": (lambda n, b: n // b + n % b, "add the remainder itself"),
        "the other way round": (lambda n, b: b / n, "You divide the batch size by"),
        "that, rounded up": (lambda n, b: -(-b // n), "in batches of 32 you answer 1,"),
        "up from a tenth": (lambda n, b: int(n / b + 0.9), "For 97 images in batches of 32 you"),
        "of the images": (lambda n, b: math.ceil(len(n) / b), "has no len(). You are given how"),
        "of their shape": (lambda n, b: -(-n.shape[0] // b), "'shape'. You are given how many"),
        "always 32": (lambda n, b: -(-n // 32), "For 70 images in batches of 7 you answer 3"),
        "text": (lambda n, b: f"{-(-n // b)}", "Your answer is a str, '1875'"),
        "up twice": (lambda n, b: math.ceil(n / b) + 1, "you answer 1,876, not 1,875"),
        "the last batch's size": (lambda n, b: n % b or b, "you answer 32, not 1,875"),
        "at least one": (
            lambda n, b: max(1, n // b),
            "For 100 images in batches of 32 you answer 3",
        ),
    },
    check.mean_image_error: each(
        error,
        {
            "test's own mean": (lambda x, t, m: (x - x.mean(0)).square().mean(), "mean of the"),
            "three decimals": (
                lambda x, t, m: round((x - m).square().mean().item(), 3),
                "four decimals are needed",
            ),
            "two decimals": (
                lambda x, t, m: round((x - m).square().mean().item(), 2),
                "0.02 may be right, but four decimals are needed",
            ),
            "test's own variance": (lambda x, t, m: x.var(0).mean(), "variance of the test images"),
            "test's own mean, four decimals": (
                lambda x, t, m: round((x - x.mean(0)).square().mean().item(), 4),
                "Or you cut digits off",
            ),
            "variance": (lambda x, t, m: (x - m).var(), "the variance of the differences"),
            "deviation": (lambda x, t, m: (x - m).std(), "a standard deviation"),
            "half": (lambda x, t, m: (x - m).square().mean() / 2, "is not it; expected about"),
            "sum over pixels": (lambda x, t, m: 784 * (x - m).square().mean(), "784 times too"),
            "sum over images": (lambda x, t, m: (x - m).square().sum(0).mean(), "12 times too"),
            "mean, then square": (lambda x, t, m: (x - m).mean().square(), "a mean, squared"),
            "nothing": (lambda x, t, m: 0.0, "0 is not it"),
            "half of the training images": (
                lambda x, t, m: (x - t[:20].mean(0)).square().mean(),
                "0.0172268 is not it; expected about",
            ),
            "nearly": (
                lambda x, t, m: (x - m).square().mean() + 2e-5,
                "0.016895 is nearly it. Are *all*",
            ),
            "grey of each": (
                lambda x, t, m: (x - x.mean((1, 2, 3), True)).square().mean(),
                "its own",
            ),
            "sum over all": (lambda x, t, m: (x - m).square().sum(), "of all images"),
            "bytes": (lambda x, t, m: (255 * (x - m)).square().mean(), "255² times"),
            "mean of bytes": (lambda x, t, m: (x - 255 * m).square().mean(), "with a mean of"),
            "bytes and a mean": (lambda x, t, m: (255 * x - m).square().mean(), "compares bytes"),
            "root": (lambda x, t, m: (x - m).square().mean().sqrt(), "square root"),
            "absolute": (lambda x, t, m: (x - m).abs().mean(), "|x − m|"),
            "nothing subtracted": (lambda x, t, m: x.square().mean(), "all-black"),
            "one grey": (lambda x, t, m: (x - x.mean()).square().mean(), "uses one grey"),
            "grey of training": (
                lambda x, t, m: (x - t.mean()).square().mean(),
                "all training pixels",
            ),
            "on the training images": (lambda x, t, m: (t - m).square().mean(), "measured on"),
            "signs cancel": (lambda x, t, m: (x - m).mean(), "isn't squared"),
            "made up": (lambda x, t, m: 0.5, "0.5 is not it; expected about 0.0"),
            "one for each image": (
                lambda x, t, m: (x - m).square().flatten(1).mean(1),
                "has the shape (12,). Expected one number, the test MSE: .mean()",
            ),
        },
    ),
}


TestZoo = zoo_tests(RIGHT, WRONG, alike={"root", "mirrored"})
