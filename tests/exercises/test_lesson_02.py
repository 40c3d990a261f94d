"""Each check of lesson 02 against right answers and a zoo of typical wrong ones."""

import contextlib
import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ae_helpers.exercises import lesson_02 as check
from ae_helpers.models import Encoder, ledger
from exercise_zoo import Several, zoo_tests

LEDGER = {"conv2": ((16, 8, 8), 1168), "conv3": ((32, 4, 4), 4640), "conv4": ((64, 1, 1), 51264)}


def work(i, o, k, size):
    return o * size**2 * i * k**2


def worked(function, most_parameters=4, most_multiplications=1):
    return Several((function, most_parameters, most_multiplications))


def fields(layers):
    r, j, found = 1, 1, []
    for k, s in layers:
        r += (k - 1) * j
        j *= s
        found.append(r)
    return found


def fields_backwards(layers):
    """From each layer back to the image; no jump is needed."""
    found = []
    for depth in range(1, len(layers) + 1):
        r = 1
        for k, s in reversed(layers[:depth]):
            r = (r - 1) * s + k
        found.append(r)
    return tuple(found)


def recursion(body):
    """A wrong recursion: ``body(r, j, k, s)`` gives the next r and j."""

    def answer(layers, r=1):
        j, found = 1, []
        for k, s in layers:
            r, j = body(r, j, k, s)
            found.append(r)
        return found

    return answer


def convolved(
    x,
    weight,
    bias,
    stride,
    padding,
    pad=lambda x, p: F.pad(x, (p, p, p, p)),
    size=lambda n, k, s: (n - k) // s + 1,
    begin=lambda i, s, k: i * s,
    pixel=lambda window, w, b: (window * w).sum() + b,
    make=torch.zeros,
    square=False,
):
    """The two loops of the lesson's solution, or with one part of them wrong."""
    x = pad(x, padding)
    (out, _, k, _), (_, height, width) = weight.shape, x.shape
    rows, columns = size(height, k, stride), size(width, k, stride)
    if square:
        columns = rows
    y = make((out, rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = begin(i, stride, k), begin(j, stride, k)
            window = x[:, top : top + k, left : left + k]
            for o in range(out):
                y[o, i, j] = pixel(window, weight[o], bias[o])
    return y


def but(**parts):
    """``convolved`` with other parts."""
    return lambda *case: convolved(*case, **parts)


def by_unfold(x, weight, bias, stride, padding):
    k, n = weight.shape[-1], [(side + 2 * padding - weight.shape[-1]) // stride + 1
                              for side in x.shape[1:]]  # fmt: skip
    windows = F.unfold(x[None], k, padding=padding, stride=stride)[0]
    return (weight.flatten(1) @ windows + bias[:, None]).view(len(weight), *n)


def by_kernel_places(x, weight, bias, stride, padding):
    """The loops over the kernel's places, each of which adds a shifted image."""
    x, (out, _, k, _) = F.pad(x, [padding] * 4), weight.shape
    h, w = ((side - k) // stride + 1 for side in x.shape[1:])
    y = bias[:, None, None].expand(out, h, w).clone()
    for u in range(k):
        for v in range(k):
            part = x[:, u : u + stride * h : stride, v : v + stride * w : stride][:, :h, :w]
            y += torch.einsum("oc,chw->ohw", weight[:, :, u, v], part)
    return y


def by_lists(x, weight, bias, stride, padding):
    return convolved(x, weight, bias, stride, padding).tolist()


def by_arrays(x, weight, bias, stride, padding):
    x, weight, bias = x.numpy(), weight.numpy(), bias.numpy()
    pad = lambda x, p: np.pad(x, ((0, 0), (p, p), (p, p)))  # noqa: E731
    return convolved(x, weight, bias, stride, padding, pad=pad, make=np.zeros)


def in_x(x, weight, bias, stride, padding):
    x += 1
    return convolved(x, weight, bias, stride, padding)


def flipped(x, weight, *rest):
    return convolved(x, weight.flip(2, 3), *rest)


RIGHT = {
    check.convolve: {
        "two loops": convolved,
        "torch": lambda x, w, b, s, p: F.conv2d(x[None], w, b, s, p)[0],
        "float64": but(make=lambda shape: torch.zeros(shape, dtype=torch.float64)),
        "unfolded": by_unfold,
        "over the kernel's places": by_kernel_places,
        "lists": by_lists,
        "arrays": by_arrays,
        "a module": lambda x, w, b, s, p: torch.func.functional_call(
            torch.nn.Conv2d(len(x), len(w), w.shape[-1], s, p).double(),
            {"weight": w, "bias": b},
            x[None],
        )[0],
    },
    check.output_size: {
        "floor": lambda n, k, s, p: (n + 2 * p - k) // s + 1,
        "math": lambda n, k, s, p: math.floor((n + 2 * p - k) / s + 1),
        "as in PyTorch's manual": lambda n, k, s, p: (n + 2 * p - (k - 1) - 1) // s + 1,
        "counted": lambda n, k, s, p: len(range(0, n + 2 * p - k + 1, s)),
        "rounded up": lambda n, k, s, p: math.ceil((n + 2 * p - k + 1) / s),
        "torch": lambda n, k, s, p: torch.nn.Conv2d(1, 1, k, s, p)(torch.ones(1, 1, n, n)).shape[3],
        "a float": lambda n, k, s, p: np.floor((n + 2 * p - k) / s) + 1,
        "in one fraction": lambda n, k, s, p: (n + 2 * p - k + s) // s,
    },
    check.fill_ledger: {
        "tuples": LEDGER,
        "lists": {name: [list(sizes), count] for name, (sizes, count) in LEDGER.items()},
        "sizes of torch": {n: (torch.Size(sizes), count) for n, (sizes, count) in LEDGER.items()},
        "tensors of one number": {
            n: (tuple(map(torch.tensor, sizes)), torch.tensor([count]))
            for n, (sizes, count) in LEDGER.items()
        },
        "arrays": {n: (np.array(sizes), np.int64(p)) for n, (sizes, p) in LEDGER.items()},
        "one layer more": {"conv1": ((8, 16, 16), 1808)} | LEDGER,
    },
    check.weight_and_work: {
        "whole": worked(work),
        "floats": worked(lambda i, o, k, size: float(i * k * k) * (o * size * size)),
        "a loop": worked(lambda i, o, k, size: sum(i * k * k for _ in range(o * size * size))),
        "arrays": worked(lambda *given: np.prod(np.array(given)[[0, 1, 2, 2, 3, 3]]), np.int64(4)),
    },
    check.receptive_fields: {
        "forwards": fields,
        "backwards": fields_backwards,
        "popped": lambda layers: [fields(layers), layers.clear()][0],
        "sums": lambda layers: [
            1 + sum((layers[i][0] - 1) * math.prod(s for _, s in layers[:i]) for i in range(n + 1))
            for n in range(len(layers))
        ],
        "list of tensors": lambda layers: [torch.tensor(field) for field in fields(layers)],
    },
}

WRONG_ROWS = [
    ("conv2", ((1, 16, 8, 8), 1168), "without the batch axis"),
    ("conv2", ((8, 8), 1168), "not 2 sizes"),
    ("conv2", ((8, 8, 16), 1168), "channels first"),
    ("conv2", ((8, 8, 8), 1168), "8 channels: that many go in"),
    ("conv2", ((24, 8, 8), 1168), "24 channels don't come out"),
    ("conv2", ((16, 8, 4), 1168), "isn't square"),
    ("conv2", ((16, 14, 14), 1168), "28 pixels"),
    ("conv2", ((16, 7, 7), 1168), "without the + 1 or without the padding"),
    ("conv3", ((32, 5, 5), 4640), "rounded up"),
    ("conv2", ((16, 8.5, 8.5), 1168), "8.5 is the size rule without rounding down"),
    ("conv3", ((32, 8, 8), 4640), "without the stride"),
    ("conv4", ((64, 2, 2), 51264), "or without the stride"),
    ("conv4", ((64, 3, 3), 51264), "not 3×3; put n=4, k=5, s=2, p=1"),
    ("conv2", ((16, 8, 8), 1152), "bias is missing"),
    ("conv3", ((32, 4, 4), 4609), "only one bias"),
    ("conv4", ((64, 1, 1), 51232), "not for each input channel"),
    ("conv4", ((64, 1, 1), 10304), "isn't squared"),
    ("conv2", ((16, 8, 8), 160), "input channels are missing"),
    ("conv3", ((32, 4, 4), 176), "only one output channel"),
    ("conv4", ((64, 1, 1), 2464), "added, not multiplied"),
    ("conv2", ((16, 8, 8), 73744), "weights are counted for each place"),
    ("conv2", ((16, 8, 8), 2176), "parameters: the bias is counted for each place"),
    ("conv2", ((16, 8, 8), 1280), "parameters: a kernel has one bias, not one for each input"),
    ("conv3", ((32, 4, 4), 5120), "reaches through or the bias is counted for each place"),
    ("conv3", ((32, 4, 4), 1536), "isn't squared, and the bias is missing"),
    ("conv2", ((16, 8, 8), 1296), "parameters: a kernel has one bias, not one for each of its k"),
    ("conv4", ((64, 1, 1), 18496), "Its 64 kernels have 5×5 weights"),
    ("conv2", ((16, 8, 8), 1000), "not 1,000 parameters"),
    ("conv2", 1168, "write ((channels"),
    ("conv2", (("16", 8, 8), 1168), "conv2: your shape, at position 0, is a str, '16'"),
    ("conv3", ((32, 4, 4), "4640"), "conv3: your count of parameters is a str, '4640'"),
    ("conv3", ((32, 4, 4), ...), "conv3 still holds a `...`. What stands before it is right"),
]

WRONG = {
    check.convolve: {
        "no bias": (but(pixel=lambda x, w, b: (x * w).sum()), "The bias is missing"),
        "minus bias": (but(pixel=lambda x, w, b: (x * w).sum() - b), "subtract the bias"),
        "a bias for each channel": (
            but(pixel=lambda x, w, b: sum((x[c] * w[c]).sum() + b for c in range(len(x)))),
            "once for each input channel",
        ),
        "a bias for each product": (
            but(pixel=lambda x, w, b: (x * w + b).sum()),
            "to each of the products",
        ),
        "first bias": (lambda x, w, b, s, p: convolved(x, w, b[[0] * len(b)], s, p), "first out"),
        "all biases": (
            lambda x, w, b, s, p: convolved(x, w, b.sum().expand(len(b)), s, p),
            "add all biases",
        ),
        "neither": (lambda x, w, b, s, p: convolved(x, w, b, 1, 0), "Neither padding nor stride"),
        "no padding": (but(pad=lambda x, p: x), "The padding is missing"),
        "nor bias": (
            lambda x, w, b, s, p: convolved(x, w, 0 * b, s, 0),
            "Neither bias nor padding",
        ),
        "same": (lambda x, w, b, s, p: convolved(x, w, b, s, w.shape[3] // 2), "padding is k // 2"),
        "stride of rows": (
            lambda x, w, b, s, p: F.conv2d(x[None], w, b, (s, 1), p)[0],
            "row to row only",
        ),
        "stride of columns": (
            lambda x, w, b, s, p: F.conv2d(x[None], w, b, (1, s), p)[0],
            "column to column only",
        ),
        "channels last": (lambda *case: convolved(*case).permute(1, 2, 0), "channels last"),
        "flat": (lambda *case: convolved(*case).flatten(), "shape (15,), not (1, 3, 5): (out"),
        "upper left": (but(pad=lambda x, p: F.pad(x, (p, 0, p, 0))), "above and on the left only"),
        "lower right": (but(pad=lambda x, p: F.pad(x, (0, p, 0, p))), "below and on the right on"),
        "rows": (but(pad=lambda x, p: F.pad(x, (0, 0, p, p))), "only above and below"),
        "columns": (but(pad=lambda x, p: F.pad(x, (p, p))), "only on the left and right"),
        "ones": (but(pad=lambda x, p: F.pad(x, [p] * 4, value=1)), "pad with ones"),
        "rim": (
            but(pad=lambda x, p: F.pad(x[None], [p] * 4, mode="replicate")[0]),
            "repeat the pixels of the rim",
        ),
        "output padded": (
            lambda x, w, b, s, p: F.pad(convolved(x, w, b, s, 0), [p] * 4),
            "zeros around the output",
        ),
        "padded twice": (but(pad=lambda x, p: F.pad(x, [2 * p] * 4)), "put p."),
        "no stride": (lambda x, w, b, s, p: convolved(x, w, b, 1, p), "The stride is missing"),
        "small steps": (but(begin=lambda i, s, k: i), "the windows stand one pixel apart"),
        "side by side": (
            lambda x, w, b, s, p: convolved(x, w, b, w.shape[-1], p),
            "next to each other",
        ),
        "first channel": (
            but(pixel=lambda x, w, b: (x[0] * w[0]).sum() + b),
            "input's first channel only",
        ),
        "one slice": (but(pixel=lambda x, w, b: (x * w[0]).sum() + b), "slice of its own"),
        "mean of channels": (
            but(pixel=lambda x, w, b: (x * w).sum((1, 2)).mean() + b),
            "mean over the input channels",
        ),
        "mean": (but(pixel=lambda x, w, b: (x * w).mean() + b), "mean of the products"),
        "largest": (but(pixel=lambda x, w, b: (x * w).max() + b), "largest of the products"),
        "added": (but(pixel=lambda x, w, b: (x + w).sum() + b), "multiply each pixel"),
        "first kernel": (
            lambda x, w, b, s, p: convolved(x, w[[0] * len(w)], b, s, p),
            "made by the first kernel",
        ),
        "first output": (
            lambda x, w, b, s, p: convolved(x, w[:1], b, s, p),
            "the first output channel only",
        ),
        "outputs added": (
            lambda *case: convolved(*case).sum(0, keepdim=True),
            "add the output channels up",
        ),
        "flipped": (flipped, "upside down"),
        "mirrored": (lambda x, w, *rest: convolved(x, w.flip(3), *rest), "kernel is mirrored"),
        "transposed kernel": (lambda x, w, *rest: convolved(x, w.mT, *rest), "of your kernel are"),
        "transposed output": (lambda *case: convolved(*case).mT, "of your output are exchanged"),
        "last left 0": (check._rim_left_out, "still 0"),
        "last missing": (but(size=lambda n, k, s: (n - k) // s), "lacks its last row"),
        "relu": (lambda *case: convolved(*case).relu(), "as a ReLU does"),
        "whole": (but(make=lambda shape: torch.zeros(shape, dtype=torch.int)), "whole numbers"),
        "with a batch": (lambda *case: convolved(*case)[None], "has a batch axis"),
        "one map": (lambda *case: convolved(*case).squeeze(0), "keep the axis of the channels"),
        "changes x": (in_x, "changes the tensors"),
        "all NaN": (lambda *case: convolved(*case) * math.nan, "Is every pixel of it written?"),
        "too large": (
            but(size=lambda n, k, s: (n - k) // s + 2),
            "does it lie inside the padded image?",
        ),
        "too large an index": (
            lambda *case: convolved(*case)[:, [9]],
            "as large as the size rule says",
        ),
        "the sum's root": (
            lambda *case: convolved(*case).abs().sqrt(),
            "For x of shape (1, 5, 7), weight of shape (1, 1, 3, 3), stride 1, padding 0 you have",
        ),
    },
    check.output_size: {
        "a fraction": (lambda n, k, s, p: (n + 2 * p - k) / s + 1, "Half a window"),
        "no + 1": (lambda n, k, s, p: (n + 2 * p - k) // s, "+ 1 is missing"),
        "p once": (lambda n, k, s, p: (n + p - k) // s + 1, "p once"),
        "no padding": (lambda n, k, s, p: (n - k) // s + 1, "leave the padding out"),
        "padding cropped": (lambda n, k, s, p: (n - 2 * p - k) // s + 1, "subtract the padding"),
        "ceil": (lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1, "round up"),
        "round": (lambda n, k, s, p: round((n + 2 * p - k) / s) + 1, "nearest. However"),
        "half up": (lambda n, k, s, p: int((n + 2 * p - k) / s + 0.5) + 1, "halves up"),
        "half even": (lambda n, k, s, p: round((n + 2 * p - k) / s + 1), "halves to the even"),
        "end left out": (lambda n, k, s, p: len(range(0, n + 2 * p - k, s)), "one pixel short"),
        "kernel halved": (
            lambda n, k, s, p: (n + 2 * p - k // 2 * 2) // s,
            "For n=15, k=3, s=2, p=1 you answer 7",
        ),
        "no stride": (lambda n, k, s, p: n + 2 * p - k + 1, "leave the stride out"),
        "times the stride": (lambda n, k, s, p: (n + 2 * p - k) * s + 1, "multiply by the stride"),
        "+ 1 inside": (lambda n, k, s, p: (n + 2 * p - k + 1) // s, "inside your division"),
        "k − 1": (lambda n, k, s, p: (n + 2 * p - (k - 1)) // s + 1, "k − 1"),
        "n divided": (lambda n, k, s, p: n // s + 2 * p - k + 1, "Only n is divided"),
        "k divided": (lambda n, k, s, p: n + 2 * p - k / s + 1, "Only k is divided by the stride:"),
        "k divided first": (lambda n, k, s, p: n + 2 * p - k // s + 1, "before all else"),
        "k after": (lambda n, k, s, p: (n + 2 * p) // s - k + 1, "after dividing"),
        "one by one": (lambda n, k, s, p: (n - k) // s + 2 * p // s + 1, "one by one"),
        "all three": (
            lambda n, k, s, p: n // s + 2 * p // s - k // s + 1,
            "n, 2p and k one by one",
        ),
        "half up, + 1 inside": (
            lambda n, k, s, p: (n + 2 * p - k + 1 + s // 2) // s,
            "For n=18, k=6, s=3, p=3 you answer 6, not 7.",
        ),
        "two steps less": (lambda n, k, s, p: (n + 2 * p - k) // s - 1, "you answer 14, not 16"),
        "lesson 03's": (lambda n, k, s, p: (n - 1) * s - 2 * p + k, "transposed"),
        "n": (lambda n, k, s, p: n, "For n=28, k=15, s=1, p=1 you answer 28, not 16."),
        "a pair": (lambda n, k, s, p: (n, n), "a tuple, (28, 28); expected a size, one number"),
    },
    check.fill_ledger: {
        f"{layer}: {row}": (LEDGER | {layer: row}, words) for layer, row, words in WRONG_ROWS
    }
    | {
        "a list": (list(LEDGER.values()), "a list; keep it a dictionary"),
        "without conv3": ({n: LEDGER[n] for n in ("conv2", "conv4")}, "conv3 is missing"),
    },
    check.weight_and_work: {
        "weights": (worked(lambda i, o, k, n: i * o * k**2), "These are the weights"),
        "parameters": (worked(lambda i, o, k, n: o * (i * k**2 + 1)), "These are the parameters"),
        "one row": (worked(lambda i, o, k, n: i * o * k**2 * n), "one row of places"),
        "k": (worked(lambda i, o, k, n: i * o * k * n**2), "only k of them"),
        "no input": (worked(lambda i, o, k, n: o * k**2 * n**2), "input channels are missing"),
        "no output": (worked(lambda i, o, k, n: i * k**2 * n**2), "output channels are missing"),
        "bias": (worked(lambda i, o, k, n: o * (i * k**2 + 1) * n**2), "only added"),
        "additions": (worked(lambda i, o, k, n: 2 * work(i, o, k, n)), "additions"),
        "exact additions": (
            worked(lambda i, o, k, n: o * (2 * i * k**2 - 1) * n**2),
            "one addition less",
        ),
        "input size": (worked(lambda i, o, k, n: i * o * k**2 * (n - k + 1) ** 2), "already"),
        "no channels": (worked(lambda i, o, k, n: (k * n) ** 2), "The channels are missing"),
        "outputs": (worked(lambda i, o, k, n: o * n**2), "output's numbers"),
        "made up": (worked(lambda i, o, k, n: 7), "output_side=16 you answer 7, not 460,800."),
        "from 0": (worked(work, 3, 0), "from 0"),
        "swapped": (worked(work, 1, 4), "swapped"),
        "first by parameters": (worked(work, 1, 1), "Layer 1 has 1,808 parameters"),
        "third by parameters": (worked(work, 3, 1), "Layer 3 has 4,640 parameters"),
        "fourth by work": (worked(work, 4, 4), "Layer 4 has 51,200 multiplications"),
        "second by work": (worked(work, 4, 2), "Layer 2 has 73,728 multiplications"),
        "by name": (worked(work, "conv4", 1), "a str, 'conv4'; expected a layer's number"),
        "fifth": (worked(work, 5, 1), "5 is no layer"),
    },
    check.receptive_fields: {
        "from 0": (lambda layers: [r - 1 for r in fields(layers)], "You start with 0"),
        "k · j": (recursion(lambda r, j, k, s: (r + k * j, j * s)), "k · j"),
        "no jump": (recursion(lambda r, j, k, s: (r + k - 1, j)), "stays 1"),
        "early": (recursion(lambda r, j, k, s: (r + (k - 1) * j * s, j * s)), "jump before"),
        "own stride": (recursion(lambda r, j, k, s: (r + (k - 1) * s, j)), "own stride"),
        "one stride": (recursion(lambda r, j, k, s: (r + (k - 1) * j, s)), "stride of one layer"),
        "sum": (recursion(lambda r, j, k, s: (r + (k - 1) * j, j + s)), "add the strides"),
        "product": (recursion(lambda r, j, k, s: (r * k, j)), "multiply kernel sizes"),
        "back": (recursion(lambda r, j, k, s: ((r - 1) * s + k, j)), "*back*"),
        "the last": (lambda layers: fields(layers)[-1], "one number, 37; expected a list"),
        "with 1": (lambda layers: [1, *fields(layers)], "starts with 1"),
        "appended early": (lambda layers: [1, *fields(layers)[:-1]], "append before you update"),
        "early return": (lambda layers: fields(layers)[:1], "return after the first layer"),
        "what is added": (recursion(lambda r, j, k, s: ((k - 1) * j, j * s)), "each layer adds"),
        "reversed": (lambda layers: fields(layers)[::-1], "wrong way round"),
        "a generator": (lambda layers: (r for r in fields(layers)), "Make a list of it"),
        "without the last": (lambda layers: fields(layers)[:-1], "last layer is missing"),
        "without the first": (lambda layers: fields(layers)[1:], "[17, 21, 37], not [15, 17, 21"),
        "the image": (lambda layers: [28] * len(layers), "not [15, 17, 21, 37]"),
    },
}

AGAIN = {
    check.convolve: {
        "square": (but(square=True), "have a size each: x needn't be square"),
        "as large as x": (but(size=lambda n, k, s: n), "inside the padded image?"),
        "bias as a row": (lambda x, w, b, s, p: convolved(x, w, 0 * b, s, p) + b, "bias[:, None"),
    },
    check.output_size: {
        "half to even, + 1 inside": (
            lambda n, k, s, p: round((n + 2 * p - k + 1) / s),
            "For n=18, k=6, s=3, p=3 you answer 6, not 7.",
        )
    },
}

TestZoo = zoo_tests(RIGHT, WRONG, AGAIN)


def test_what_is_partly_unsolved_says_not_yet():
    row = ((..., ..., ...), ...)
    half = {"conv2": ((16, 8, 8), 1168), "conv3": ..., "conv4": row}
    for verdict in (
        check.fill_ledger({"conv2": row, "conv3": row, "conv4": row}),
        check.fill_ledger(half),
        check.receptive_fields(lambda layers: [...] * len(layers)),
    ):
        assert not verdict
        assert verdict.message.startswith("Not yet")


def test_praise_tells_what_was_found():
    assert "58,880" in check.fill_ledger(LEDGER).message
    assert "87%" in (said := check.weight_and_work(work, 4, 1).message) and "70%" in said
    assert "15 → 17 → 21 → 37" in check.receptive_fields(lambda n: np.array(fields(n))).message


@pytest.mark.parametrize("layer", check.CONVS[1:])
def test_one_mistake_in_the_parameters_is_never_taken_for_another(layer):
    i, o, k, s, p = check._settings(layer)
    size = {8: 8, 16: 4, 32: 1}[i]
    right = i * o * k * k
    weights = [rule(i, o, k, size) + o for text, rule in check.WEIGHTS.items() if text]
    biases = [right + rule(i, o, k, size) for text, rule in check.BIASES.items() if text]
    if size == 1:  # one place only: counting it again changes nothing
        weights, biases = ([v for v in values if v != right + o] for values in (weights, biases))
    wrong = {*weights, *biases}
    assert right + o not in wrong
    # Where o · n² = i · o both mistakes in the biases are named.
    assert len(wrong) == len(weights) + len(biases) - (size * size == i)


def test_the_checks_agree_with_the_ledger_of_the_encoder():
    table = ledger(Encoder(), (1, 28, 28))
    rows = {
        f"conv{depth}": (tuple(map(int, row["output"].split("×"))), int(row["parameters"]))
        for depth, row in table.iloc[1:].iterrows()
    }
    assert rows == LEDGER
    sides = [f"{side}×{side}" for side in fields(check.FIELD_CASES[0][0])]
    assert list(table["receptive field"]) == sides


def test_no_two_wrong_sizes_agree_on_the_cases():
    rules = {"": check._size} | check.SIZE_MISTAKES
    found = {text: tuple(rule(*case) for case in check.SIZE_CASES) for text, rule in rules.items()}
    assert len(set(found.values())) == len(rules)


def test_no_two_wrong_convolutions_agree_on_the_cases():
    """Else a reader would hear of a mistake that another one made."""
    cases = check._convolution_cases()
    rules = {"": check._convolve} | check.CONVOLUTION_MISTAKES
    outputs = {}
    for text, rule in rules.items():
        with contextlib.suppress(RuntimeError):  # a rule that can't be computed for all
            outputs[text] = [rule(*case) for case in cases]
    assert len(outputs) >= len(rules) - 2
    for (one, first), (other, second) in itertools.combinations(outputs.items(), 2):
        alike = [
            a.shape == b.shape and torch.allclose(a, b, 1e-3)
            for a, b in zip(first, second, strict=True)
        ]
        assert not all(alike), (one, other)


def test_a_convolution_of_floats_passes_with_its_rounding():
    def rounded(x, weight, bias, stride, padding):
        return convolved(x.float(), weight.float(), bias.float(), stride, padding)

    assert check.convolve(rounded)
