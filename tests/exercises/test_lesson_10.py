"""Lesson 10's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ae_helpers.data import to_float
from ae_helpers.exercises import lesson_10 as check
from ae_helpers.measures import image_errors
from ae_helpers.measures.baselines import mean_image
from exercise_zoo import in_place, zoo_tests


def by_search(m, k, s, p):
    """Try one n after the other."""
    for n in range(1, m + 2 * p + 2):
        for o in range(s):
            if (n - 1) * s - 2 * p + k + o == m:
                return n, o


def by_difference(m, k, s, p):
    n = int((m + 2 * p - k) / s) + 1
    return n, m - ((n - 1) * s - 2 * p + k)


def rounded_up(m, k, s, p):
    n = math.ceil((m + 2 * p - k) / s) + 1
    return n, m - ((n - 1) * s - 2 * p + k)


def product(x, c):
    return x * c[:, :, None, None]


def coloured(images, colours):
    return product(images, colours).round().byte()


def by_loops(images, colours):
    out = torch.zeros(len(images), 3, *images.shape[2:], dtype=torch.uint8)
    for i in range(len(images)):
        for c in range(3):
            out[i, c] = (images[i, 0] * colours[i, c]).round().byte()
    return out


def ratio(test, rebuilt, train):
    return image_errors(test, rebuilt).mean() / image_errors(test, mean_image(train)).mean()


def mse(one, other):
    return (one - other).square().mean()


def over(stick, read=to_float):
    """The error as a share of the one of answering with ``stick(train)``."""
    return lambda test, rebuilt, train: mse(read(test), rebuilt) / mse(read(test), stick(train))


RIGHT = {
    check.before: {
        "divmod": lambda m, k, s, p: ((m + 2 * p - k) // s + 1, (m + 2 * p - k) % s),
        "a list": lambda m, k, s, p: [(m + 2 * p - k + s) // s, (m + 2 * p - k) % s],
        "by search": by_search,
        "floor": lambda m, k, s, p: (math.floor((m + 2 * p - k) / s) + 1, (m - k + 2 * p) % s),
        "o by difference": by_difference,
        "NumPy integers": lambda *case: tuple(np.int64(each) for each in by_search(*case)),
        "a tensor": lambda *case: torch.tensor(by_search(*case)),
    },
    check.colour: {
        "by axes": coloured,
        "by view": lambda x, c: (x * c.view(-1, 3, 1, 1)).round().to(torch.uint8),
        "half up": lambda x, c: (product(x, c) + 0.5).byte(),
        "einsum": lambda x, c: torch.einsum("nhw,nc->nchw", x[:, 0].float(), c).round().byte(),
        "by loops": by_loops,
        "in double": lambda x, c: coloured(x, c.double()),
        "NumPy": lambda x, c: by_loops(x, c).numpy(),
        "shares of 255": lambda x, c: (product(to_float(x), c) * 255).round().byte(),
    },
    check.share: {
        "by helpers": ratio,
        "by hand": over(lambda train: to_float(train).mean(0)),
        "a float": lambda *given: ratio(*given).item(),
        "in double": lambda t, r, a: over(lambda a: to_float(a).double().mean(0))(t, r.double(), a),
        "NumPy": lambda t, r, a: np.float64(ratio(t, r, a)),
        "sums": lambda t, r, a: image_errors(t, r).sum() / image_errors(t, mean_image(a)).sum(),
    },
}
WRONG = {
    check.before: {
        "the rule forwards": (lambda m, k, s, p: ((m - 1) * s - 2 * p + k, 0), "makes *of* m"),
        "one too few": (lambda m, k, s, p: ((m + 2 * p - k) // s, (m + 2 * p - k) % s), "One too"),
        "o forgotten": (lambda m, k, s, p: ((m + 2 * p - k) // s + 1, 0), "isn't always 0"),
        "minus 2p": (lambda m, k, s, p: ((m - 2 * p - k) // s + 1, 0), "sign of p"),
        "plus k": (lambda m, k, s, p: ((m + 2 * p + k) // s + 1, 0), "sign of k"),
        "swapped": (lambda *case: by_search(*case)[::-1], "other way round"),
        "rounded up": (rounded_up, "can only add"),
        "n too small": (lambda m, k, s, p: (1, m + 2 * p - k), "you say n = 1; expected 16"),
        "largest n missed": (lambda m, k, s, p: (-(-(m + 2 * p - k) // s), m), "smaller than the"),
        "o of m": (lambda m, k, s, p: (check._n(m, k, s, p), m % s), "m + 2p − k, not of m"),
        "o too large": (
            lambda m, k, s, p: (check._n(m, k, s, p), check._o(m, k, s, p) + s),
            "you say o = 2; expected 0",
        ),
        "floats": (lambda m, k, s, p: ((m + 2 * p - k) / s + 1, 0), "whole numbers"),
        "n alone": (lambda *case: by_search(*case)[0], "expected two whole numbers"),
        "half of m": (lambda m, k, s, p: (m // s, 0), "you say n = 14; expected 16"),
    },
    check.colour: {
        "floats": (product, "as float32"),
        "half precision": (lambda x, c: product(x.half(), c.half()), "as float16"),
        "whole numbers": (lambda x, c: product(x, c).round().long(), "as int64"),
        "over 255": (lambda x, c: product(x, c) / 255, "all but black"),
        "cut off": (lambda x, c: product(x, c).byte(), "Round first"),
        "shares cut off": (lambda x, c: product(to_float(x), c).byte(), "All is black"),
        "a list": (lambda x, c: list(coloured(x, c)), "as a list, not as bytes: torch.stack"),
        "brightened": (lambda x, c: coloured(x, c / c.max(1, keepdim=True).values), "furthest off"),
        "a mask": (lambda x, c: product(x > 0, c).round().byte(), "is 1 at"),
        "channels last": (lambda x, c: coloured(x, c).movedim(1, 3), "Your channels come last"),
        "one colour": (lambda x, c: coloured(x, c[:1]), "the colour of the first"),
        "swapped axes": (lambda x, c: coloured(x, c.T), "axes of your colours"),
        "BGR": (lambda x, c: coloured(x, c).flip(1), "Red and blue"),
        "grey": (lambda x, c: x.expand(-1, 3, -1, -1), "grey image three times"),
        "bytes overflow": (lambda x, c: x * (c * 255).byte()[:, :, None, None], "more than 255"),
        "colours cut off": (lambda x, c: x * c.byte()[:, :, None, None], "0 or 1"),
        "one channel": (lambda x, c: x * c.mean(1)[:, None, None, None], "still one channel"),
        "too many axes": (lambda x, c: x[:, None] * c.view(1, 3, 3, 1, 1), "too many axes"),
        "no batch": (lambda x, c: product(x, c)[0], "axis is lost"),
        "flat": (lambda x, c: product(x, c).flatten(1), "(3, 60)"),
        "in place": (in_place, "changes the tensors"),
        "too dark": (lambda x, c: (product(x, c) / 2).round().byte(), "furthest off"),
    },
    check.share: {
        "test's own mean": (lambda t, r, a: ratio(t, r, t), "mean image is that of the *test*"),
        "one grey": (over(lambda a: to_float(a).mean()), "one grey"),
        "mean of shares": (
            lambda t, r, a: (image_errors(t, r) / image_errors(t, mean_image(a))).mean(),
            "one hard",
        ),
        "upside down": (lambda *given: 1 / ratio(*given), "Upside down"),
        "roots": (lambda *given: ratio(*given) ** 0.5, "You take roots"),
        "of black": (over(lambda a: 0), "error of black"),
        "the error": (lambda t, r, a: mse(to_float(t), r), "the error itself"),
        "the stick": (lambda t, r, a: mse(to_float(t), mean_image(a)), "the mean image's error;"),
        "per cent": (lambda *given: 100 * ratio(*given), "In per cent"),
        "explained": (lambda *given: 1 - ratio(*given), "*explains*"),
        "bytes in test": (over(mean_image, torch.Tensor.float), "to_float(test), too"),
        "bytes in train": (over(lambda a: a.float().mean(0)), "to_float(train), too"),
        "bytes": (over(lambda a: a.float().mean(0), torch.Tensor.float), "to_float(test) and"),
        "an image's share": (lambda t, r, a: image_errors(t, r), "the shape (12,)"),
        "twice": (lambda *given: 2 * ratio(*given), "You say"),
    },
}


TestZoo = zoo_tests(RIGHT, WRONG)


@pytest.mark.parametrize("case", [(28, 4, 2, 3), (33, 4, 2, 3), (9, 2, 2, 1), (32, 5, 3, 1)])
def test_torch_agrees(case):
    m, k, s, p = case
    n, o = by_search(*case)
    made = F.conv_transpose2d(
        torch.ones(1, 1, n, n), torch.ones(1, 1, k, k), stride=s, padding=p, output_padding=o
    )
    assert made.shape[2] == m
