"""Checks for lesson 02: build the encoder."""

from itertools import product
from math import ceil, floor

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.exercises.answers import (
    Mistake,
    call,
    call_unchanged,
    check,
    explain,
    given,
    number,
    numbers,
    tensor,
    whole,
)
from ae_helpers.models import Encoder, count_parameters, ledger

CONVS = [layer for layer in Encoder() if isinstance(layer, nn.Conv2d)]


def _settings(layer: nn.Conv2d) -> tuple[int, int, int, int, int]:
    """In, out, kernel size, stride, padding."""
    sides = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    return layer.in_channels, layer.out_channels, *sides


# ----------------------------------------------------------------------------------- the size rule

SIZE_CASES = (  # n, k, s, p
    *((28, 15, 1, 1), (16, 3, 2, 1), (15, 3, 2, 1), (4, 5, 2, 1)),
    *((28, 3, 2, 0), (6, 6, 1, 0), (18, 6, 3, 3), (11, 3, 3, 1)),
)


def _size(n: int, k: int, s: int, p: int) -> int:
    return (n + 2 * p - k) // s + 1


SIZE_MISTAKES = {
    "Half a window is none: round down (//).": lambda n, k, s, p: (n + 2 * p - k) / s + 1,
    "The + 1 is missing: the first window needs no step. A kernel as large as the image fits once, "
    "but you answer 0.": lambda n, k, s, p: (n + 2 * p - k) // s,
    "You add p once, but padding is put on both sides: n + 2p.": (
        lambda n, k, s, p: (n + p - k) // s + 1
    ),
    "You leave the padding out: windows are placed on n + 2p pixels.": (
        lambda n, k, s, p: (n - k) // s + 1
    ),
    "You subtract the padding, but it makes the image larger: n + 2p.": (
        lambda n, k, s, p: (n - 2 * p - k) // s + 1
    ),
    "You round up, but a last window that would stick out is never placed: round down.": (
        lambda n, k, s, p: ceil((n + 2 * p - k) / s) + 1
    ),
    "You round to the nearest. However little a last window lacks, it isn't placed: use //.": (
        lambda n, k, s, p: round((n + 2 * p - k) / s) + 1
    ),
    "You round to the nearest, halves up. Not even half a window is placed: use //.": (
        lambda n, k, s, p: floor((n + 2 * p - k) / s + 1.5)
    ),
    "You round to the nearest, halves to the even number. Not even half a window is placed: use "
    "//.": lambda n, k, s, p: round((n + 2 * p - k) / s + 1),
    "You leave the stride out: with s = 2 only every second window is computed.": (
        lambda n, k, s, p: n + 2 * p - k + 1
    ),
    "You multiply by the stride, but longer steps mean fewer windows: divide.": (
        lambda n, k, s, p: (n + 2 * p - k) * s + 1
    ),
    "The + 1 stands inside your division. The first window needs no step: add it afterwards.": (
        lambda n, k, s, p: (n + 2 * p - k + 1) // s
    ),
    "You subtract k − 1 *and* add 1 at the end, which counts a window too many: n + 2p − k.": (
        lambda n, k, s, p: (n + 2 * p - k + 1) // s + 1
    ),
    "You are one pixel short: a window may begin at n + 2p − k itself, the end of its way.": (
        lambda n, k, s, p: (n + 2 * p - k - 1) // s + 1
    ),
    "Only n is divided by the stride; divide the whole way a window can go, n + 2p − k.": (
        lambda n, k, s, p: n // s + 2 * p - k + 1
    ),
    "Only k is divided by the stride: put brackets around the whole way, (n + 2p − k).": (
        lambda n, k, s, p: n + 2 * p - k / s + 1
    ),
    "Only k is divided by the stride, before all else: put brackets around (n + 2p − k).": (
        lambda n, k, s, p: n + 2 * p - k // s + 1
    ),
    "You divide the image and its padding one by one, and lose what each leaves over: put brackets "
    "around the whole way, (n + 2p − k).": lambda n, k, s, p: (n - k) // s + 2 * p // s + 1,
    "You divide n, 2p and k one by one, and lose what each leaves over: put brackets around the "
    "whole way, (n + 2p − k).": lambda n, k, s, p: n // s + 2 * p // s - k // s + 1,
    "You subtract k after dividing. A window can go n + 2p − k pixels: divide that.": (
        lambda n, k, s, p: (n + 2 * p) // s - k + 1
    ),
    "This is the size rule of the *transposed* convolution, the topic of lesson 03.": (
        lambda n, k, s, p: (n - 1) * s - 2 * p + k
    ),
}


@check
def output_size(answer) -> str:
    """``answer(n, k, s, p)``: the side of a convolution's output."""
    found = [number(call(answer, *case), "a size, one number") for case in SIZE_CASES]
    asked = "n={}, k={}, s={}, p={}"
    explain(found, _size, SIZE_MISTAKES, cases=SIZE_CASES, asked=asked)
    return "Right, for all eight cases tried: ⌊(n + 2p − k)/s⌋ + 1."


# ---------------------------------------------------------------------------------- the convolution

# in, out, H, W, k, stride, padding. Neither square nor alike: H before W, and an even kernel, too.
CONVOLUTIONS = (
    *((1, 1, 5, 7, 3, 1, 0), (1, 1, 6, 4, 3, 1, 1), (1, 1, 8, 11, 3, 2, 0), (3, 1, 5, 6, 2, 1, 0)),
    *((2, 3, 6, 9, 3, 2, 1), (4, 2, 7, 5, 4, 3, 2)),
)
CONVOLVED = "x of shape {}, weight of shape {}, stride {}, padding {}"


def _convolution_cases() -> list[tuple]:
    """x, weight, bias, stride, padding: float64 of both signs, no two of them alike."""
    generator = torch.Generator().manual_seed(2)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    return [
        (random(i, h, w), random(o, i, k, k), random(o), s, p)
        for i, o, h, w, k, s, p in CONVOLUTIONS
    ]


def _convolve(x, weight, bias, stride, padding) -> Tensor:
    return F.conv2d(x[None], weight, bias, stride, padding)[0]


def _padded(x, weight, bias, stride, padding, sides=(1, 1, 1, 1), **how) -> Tensor:
    """The same with other padding: on other sides (left, right, top, bottom) or of another kind."""
    x = F.pad(x[None], [padding * side for side in sides], **how)[0]
    return _convolve(x, weight, bias, stride, 0)


def _without_stride(x, weight, bias, stride, padding) -> Tensor:
    """The right size, but filled from the upper left with windows that are one pixel apart."""
    height, width = _convolve(x, weight, bias, stride, padding).shape[1:]
    return _convolve(x, weight, bias, 1, padding)[:, :height, :width]


def _products(x, weight, bias, stride, padding, reduce) -> Tensor:
    """``reduce`` the products of each window, ``(out, places, in·k·k)``, and add the bias."""
    height, width = _convolve(x, weight, bias, stride, padding).shape[1:]
    windows = F.unfold(x[None], weight.shape[-1], padding=padding, stride=stride)[0].T
    products = windows[None] * weight.flatten(1)[:, None]
    return reduce(products).view(-1, height, width) + bias[:, None, None]


def _rim_left_out(*case) -> Tensor:
    right = _convolve(*case)
    right[:, -1], right[:, :, -1] = 0, 0
    return right


CONVOLUTION_MISTAKES = {
    "The bias is missing: each output channel has one, added to all of its pixels.": (
        lambda x, w, b, s, p: _convolve(x, w, None, s, p)
    ),
    "You subtract the bias; add it.": lambda x, w, b, s, p: _convolve(x, w, -b, s, p),
    "You add the bias once for each input channel; a kernel has one bias, added once.": (
        lambda x, w, b, s, p: _convolve(x, w, len(x) * b, s, p)
    ),
    "You add the bias to each of the products, in · k · k times; add it once, to their sum.": (
        lambda x, w, b, s, p: _convolve(x, w, w[0].numel() * b, s, p)
    ),
    "You add the bias of the first output channel to all; each has its own.": (
        lambda x, w, b, s, p: _convolve(x, w, b[:1].expand(len(b)), s, p)
    ),
    "You add all biases to each output channel; each has its own.": (
        lambda x, w, b, s, p: _convolve(x, w, b.sum().expand(len(b)), s, p)
    ),
    "Neither padding nor stride is used: the windows begin on x itself, one pixel apart.": (
        lambda x, w, b, s, p: _convolve(x, w, b, 1, 0)
    ),
    "Neither bias nor padding is used: zeros go around x before, the bias is added after.": (
        lambda x, w, b, s, p: _convolve(x, w, None, s, 0)
    ),
    "Your padding is k // 2, whatever p says; take the padding that is given.": (
        lambda x, w, b, s, p: _convolve(x, w, b, s, w.shape[-1] // 2)
    ),
    "The padding is missing: put p rows and columns of zeros around x first.": (
        lambda x, w, b, s, p: _convolve(x, w, b, s, 0)
    ),
    "You pad above and on the left only; padding goes on all four sides.": (
        lambda *case: _padded(*case, sides=(1, 0, 1, 0))
    ),
    "You pad below and on the right only; padding goes on all four sides.": (
        lambda *case: _padded(*case, sides=(0, 1, 0, 1))
    ),
    "You pad only above and below, not on the left and right.": (
        lambda *case: _padded(*case, sides=(0, 0, 1, 1))
    ),
    "You pad only on the left and right, not above and below.": (
        lambda *case: _padded(*case, sides=(1, 1, 0, 0))
    ),
    "You pad with ones; what lies outside counts as 0.": lambda *case: _padded(*case, value=1.0),
    "You repeat the pixels of the rim; what lies outside counts as 0.": (
        lambda *case: _padded(*case, mode="replicate")
    ),
    "You put the zeros around the output; they go around x, before the windows are laid.": (
        lambda x, w, b, s, p: F.pad(_convolve(x, w, b, s, 0), [p] * 4)
    ),
    "You put 2p rows and columns of zeros on each side; put p.": (
        lambda x, w, b, s, p: _convolve(x, w, b, s, 2 * p)
    ),
    "The stride is missing: with stride s a window begins at every s-th pixel only.": (
        lambda x, w, b, s, p: _convolve(x, w, b, 1, p)
    ),
    "The stride is used from row to row only; columns are `stride` pixels apart, too.": (
        lambda x, w, b, s, p: _convolve(x, w, b, (s, 1), p)
    ),
    "The stride is used from column to column only; rows are `stride` pixels apart, too.": (
        lambda x, w, b, s, p: _convolve(x, w, b, (1, s), p)
    ),
    "The size is right, but the windows stand one pixel apart: the window of output (i, j) begins "
    "at row i · stride, column j · stride.": _without_stride,
    "Your windows stand k apart, next to each other; they begin `stride` pixels apart.": (
        lambda x, w, b, s, p: _convolve(x, w, b, w.shape[-1], p)
    ),
    "You read the input's first channel only; a window reaches through all of them.": (
        lambda x, w, b, s, p: _convolve(x[:1], w[:, :1], b, s, p)
    ),
    "You lay the kernel's first slice on all input channels; each has a slice of its own.": (
        lambda x, w, b, s, p: _convolve(x, w[:, :1].expand_as(w), b, s, p)
    ),
    "You take the mean over the input channels; add them.": (
        lambda x, w, b, s, p: _convolve(x, w / len(x), b, s, p)
    ),
    "You take the mean of the products; add them.": (
        lambda x, w, b, s, p: _convolve(x, w / w[0].numel(), b, s, p)
    ),
    "You take the largest of the products; add them.": (
        lambda *case: _products(*case, lambda products: products.amax(2))
    ),
    "You add the pixels of the window and the weights; multiply each pixel with its weight.": (
        lambda x, w, b, s, p: _convolve(x, torch.ones_like(w), b + w.sum((1, 2, 3)), s, p)
    ),
    "All output channels are made by the first kernel; weight[o] makes channel o.": (
        lambda x, w, b, s, p: _convolve(x, w[:1].expand_as(w), b, s, p)
    ),
    "You make the first output channel only; weight[o] makes channel o.": (
        lambda x, w, b, s, p: _convolve(x, w[:1], b[:1], s, p)
    ),
    "You add the output channels up; each is a map of its own.": (
        lambda *case: _convolve(*case).sum(0, keepdim=True)
    ),
    "Your kernel lies upside down and mirrored on the window, as convolutions do in mathematics. "
    "In networks nothing is flipped.": lambda x, w, b, s, p: _convolve(x, w.flip(2, 3), b, s, p),
    "Your kernel is mirrored: weight[…, u, v] meets the pixel u rows below and v columns right of "
    "the window's first.": lambda x, w, b, s, p: _convolve(x, w.flip(3), b, s, p),
    "Rows and columns of your kernel are exchanged: weight[…, u, v] has row u, column v.": (
        lambda x, w, b, s, p: _convolve(x, w.transpose(2, 3), b, s, p)
    ),
    "Rows and columns of your output are exchanged: (out, height, width).": (
        lambda *case: _convolve(*case).transpose(1, 2)
    ),
    "Your output has its channels last; PyTorch puts them first: (out, height, width).": (
        lambda *case: _convolve(*case).permute(1, 2, 0)
    ),
    "Your last row and column of the output are still 0: the loops end one step early.": (
        _rim_left_out
    ),
    "Your output lacks its last row and column: (n + 2p − k) // s + 1 windows fit.": (
        lambda *case: _convolve(*case)[:, :-1, :-1]
    ),
    "You cut off what is negative, as a ReLU does; a convolution's output has both signs.": (
        lambda *case: _convolve(*case).relu()
    ),
    "Your output holds whole numbers: what you write into it loses its fraction. Does it begin as "
    "a tensor of integers?": lambda *case: _convolve(*case).trunc(),
}


@check
def convolve(answer) -> str:
    """``answer(x, weight, bias, stride, padding)``: ``F.conv2d`` of one input, without a batch.

    x ``(in, H, W)``, weight ``(out, in, k, k)``, bias ``(out,)`` → ``(out, H′, W′)``.
    """
    cases = _convolution_cases()
    right = [_convolve(*case) for case in cases]
    found = []
    for case, wanted in zip(cases, right, strict=True):
        asked = CONVOLVED.format(tuple(case[0].shape), tuple(case[1].shape), *case[3:])
        values = call_unchanged(
            "+= on x. Work on a copy, or on the padded image.", answer, *case, cures=CONVOLVE_CURES
        )
        where, what = f"For {asked} your output", "the output's pixels, (out, height, width)"
        values = tensor(values, what, where=where, cure="Is every pixel of it written?")
        if values.shape == (1, *wanted.shape) and values.ndim == 4:
            raise Mistake(f"{where} has a batch axis, but x has none: leave it out.")
        if values.shape == wanted.shape[1:] and len(wanted) == 1:
            raise Mistake(f"{where} is one map; keep the axis of the channels: (out, H, W).")
        found.append(values)
    # float32 is fine for the answer: what tells the rules apart is far larger than its rounding
    explain(found, right, CONVOLUTION_MISTAKES, cases=cases, otherwise=None, atol=1e-5)
    for case, values, wanted in zip(cases, found, right, strict=True):
        shapes = tuple(case[0].shape), tuple(case[1].shape)
        asked = CONVOLVED.format(*shapes, *case[3:])
        if values.shape != wanted.shape:
            raise Mistake(
                f"For {asked} your output has the shape {tuple(values.shape)}, not "
                f"{tuple(wanted.shape)}: (out, height, width), by the size rule for H and for W."
            )
        otherwise = f"For {asked} you have {{found}}, not {{right}}."
        explain(values, wanted, otherwise=otherwise, atol=1e-5)
    return f"Right, for all {len(cases)} cases tried: this is F.conv2d, by your own hands."


CONVOLVE_CURES = {
    "must match the size": "Is each window (in, k, k), as the kernel, and does it lie inside the "
    "padded image? Rows and columns have a size each: x needn't be square. To add biases to whole "
    "maps at once, write bias[:, None, None].",
    "out of bounds": "Is the output as large as the size rule says, for rows and for columns?",
}


# -------------------------------------------------------------------------------------- the ledger

WEIGHTS = {  # of a layer with i and o channels, a k×k kernel, and an output n wide
    "": lambda i, o, k, n: i * o * k * k,
    "the kernel isn't squared": lambda i, o, k, n: i * o * k,
    "the input channels are missing": lambda i, o, k, n: o * k * k,
    "the channels are added, not multiplied": lambda i, o, k, n: (i + o) * k * k,
    "only one output channel is counted": lambda i, o, k, n: i * k * k,
    "the weights are counted for each place, but all places share them": lambda i, o, k, n: (
        i * o * k * k * n * n
    ),
}
BIASES = {
    "": lambda i, o, k, n: o,
    "the bias is missing": lambda i, o, k, n: 0,
    "only one bias is counted": lambda i, o, k, n: 1,
    "there is a bias for each output channel, not for each input channel": lambda i, o, k, n: i,
    "a kernel has one bias, not one for each input channel that it reaches through": (
        lambda i, o, k, n: i * o
    ),
    "a kernel has one bias, not one for each of its k · k places": lambda i, o, k, n: o * k * k,
    "the bias is counted for each place, but all places of a channel share it": (
        lambda i, o, k, n: o * n * n
    ),
}
SIZES = {
    "without the + 1": lambda n, k, s, p: (n + 2 * p - k) // s,
    "with p instead of 2p": lambda n, k, s, p: (n + p - k) // s + 1,
    "without the padding": lambda n, k, s, p: (n - k) // s + 1,
    "rounded up": lambda n, k, s, p: ceil((n + 2 * p - k) / s) + 1,
    "without rounding down": lambda n, k, s, p: (n + 2 * p - k) / s + 1,
    "without the stride": lambda n, k, s, p: n + 2 * p - k + 1,
}


def _either(guesses: dict[str, int], found: int | float) -> str:
    """What may explain a number: the names of all that are equal to it."""
    return " or ".join(name for name, guess in guesses.items() if guess == found)


@check
def fill_ledger(answer) -> str:
    """``answer``: ``{"conv2": ((C, H, W), parameters), "conv3": …, "conv4": …}``."""
    if not isinstance(answer, dict):
        raise Mistake(f"The ledger is a {type(answer).__name__}; keep it a dictionary of layers.")
    n = _size(28, *_settings(CONVS[0])[2:])
    for depth, layer in enumerate(CONVS[1:], start=2):
        name = f"conv{depth}"
        if name not in answer:
            raise Mistake(f"{name} is missing; the keys are conv2, conv3 and conv4.")
        try:
            sizes, parameters = given(answer[name])
            unsolved = any(value is ... for value in (*given(sizes), parameters))
        except (TypeError, ValueError):
            raise Mistake(f"{name}: write ((channels, height, width), parameters).") from None
        if unsolved:
            so_far = " What stands before it is right." if depth > 2 else ""
            raise Mistake(f"Not yet: {name} still holds a `...`.{so_far}")
        sizes = numbers(sizes, "(channels, height, width)", where=f"{name}: your shape")
        _check_shape(name, tuple(sizes), layer, n)
        n = _size(n, *_settings(layer)[2:])
        count = number(parameters, where=f"{name}: your count of parameters")
        _check_parameters(name, count, layer, n)
    total = count_parameters(nn.Sequential(*CONVS))
    return f"Right, all three. With conv1's 1,808 that makes {total:,} parameters."


def _check_shape(name: str, found: tuple, layer: nn.Conv2d, n: int) -> None:
    i, o, k, s, p = _settings(layer)
    size = _size(n, k, s, p)
    if len(found) != 3:
        what = "without the batch axis" if len(found) == 4 else f"not {len(found)} sizes"
        raise Mistake(f"{name}: write (channels, height, width), {what}.")
    if found == (size, size, o):
        raise Mistake(f"{name}: PyTorch puts the channels first: (channels, height, width).")
    channels, height, width = found
    if channels != o:
        why = ": that many go in" if channels == i else " don't come out"
        raise Mistake(
            f"{name}: {channels} channels{why}. One comes out for each of the {o} kernels."
        )
    if height != width:
        raise Mistake(f"{name}: {height}×{width} isn't square, but image and kernels are.")
    if height == size:
        return
    if height == _size(28, k, s, p):
        raise Mistake(f"{name}: {height} would be right for 28 pixels, but {n} come from before.")
    if named := _either({text: rule(n, k, s, p) for text, rule in SIZES.items()}, height):
        raise Mistake(f"{name}: {height} is the size rule {named}.")
    raise Mistake(f"{name}: not {height}×{height}; put n={n}, k={k}, s={s}, p={p} into the rule.")


def _check_parameters(name: str, found: int | float, layer: nn.Conv2d, n: int) -> None:
    i, o, k, _, _ = _settings(layer)
    if found == count_parameters(layer):
        return
    pairs = product(WEIGHTS.items(), BIASES.items())
    guesses = {
        (of_weights, of_biases): weights(i, o, k, n) + biases(i, o, k, n)
        for (of_weights, weights), (of_biases, biases) in pairs
    }
    one = {"".join(texts): guess for texts, guess in guesses.items() if "" in texts}
    two = {", and ".join(texts): guess for texts, guess in guesses.items() if "" not in texts}
    if named := _either(one, found) or _either(two, found):
        raise Mistake(f"{name}, {found:,} parameters: {named}.")
    cure = f"Its {o} kernels have {k}×{k} weights for each channel that goes in, and a bias each."
    raise Mistake(f"{name}: not {found:,} parameters. {cure}")


# --------------------------------------------------------------------------------- weight and work

WORK_MISTAKES = {
    "These are the weights. Each is used at every place of the output: times output_side².": (
        lambda i, o, k, n: i * o * k * k
    ),
    "These are the parameters. Each weight is used at every place of the output, times "
    "output_side²; a bias is only added.": lambda i, o, k, n: o * (i * k * k + 1),
    "You count one row of places; the output has output_side rows of output_side.": (
        lambda i, o, k, n: i * o * k * k * n
    ),
    "A window is k · k numbers of each channel; you multiply only k of them.": (
        lambda i, o, k, n: i * o * k * n * n
    ),
    "The input channels are missing: a window reaches through all of them.": (
        lambda i, o, k, n: o * k * k * n * n
    ),
    "The output channels are missing: each place is computed for every one of them.": (
        lambda i, o, k, n: i * k * k * n * n
    ),
    "You count the bias as a multiplication, but it is only added.": (
        lambda i, o, k, n: o * (i * k * k + 1) * n * n
    ),
    "Exactly twice too many: you count the additions as well.": (
        lambda i, o, k, n: 2 * i * o * k * k * n * n
    ),
    "You count the additions as well: a window has in · k² products, and one addition less.": (
        lambda i, o, k, n: o * (2 * i * k * k - 1) * n * n
    ),
    "output_side is the side of the output already: there are output_side² places.": (
        lambda i, o, k, n: i * o * k * k * (n - k + 1) ** 2
    ),
    "The channels are missing: in of them are read, and out of them are made, at each place.": (
        lambda i, o, k, n: k * k * n * n
    ),
    "You count the output's numbers. Each of them costs in · k² multiplications.": (
        lambda i, o, k, n: o * n * n
    ),
}


@check
def weight_and_work(answer, most_parameters: int, most_multiplications: int) -> str:
    """``answer(in_channels, out_channels, kernel_size, output_side)``, and two layers' numbers."""
    table = ledger(Encoder(), (1, 28, 28))
    held, done = table["parameters"], table["multiplications"]
    n, cases = 28, []
    for i, o, k, s, p in map(_settings, CONVS):
        n = _size(n, k, s, p)
        cases.append((i, o, k, n))
    found = [number(call(answer, *case)) for case in cases]
    asked = "in_channels={}, out_channels={}, kernel_size={}, output_side={}"
    explain(found, done.tolist(), WORK_MISTAKES, cases=cases, asked=asked)
    layers = [
        whole(layer, "a layer's number: 1, 2, 3 or 4", where="One of your two layers")
        for layer in (most_parameters, most_multiplications)
    ]
    if layers == [3, 0]:
        raise Mistake("You count the layers from 0; here the first is layer 1.")
    if layers == [1, 4]:
        raise Mistake("Your function is right, but the two layers are swapped.")
    for layer, column in zip(layers, (held, done), strict=True):
        if layer not in column:
            raise Mistake(f"{layer} is no layer; they are numbered 1, 2, 3 and 4.")
        if layer != column.idxmax():
            raise Mistake(f"Layer {layer} has {column[layer]:,} {column.name}; another has more.")
    return (
        f"Right: layer {held.idxmax()} holds {held.max() / held.sum():.0%} of the parameters, "
        f"layer {done.idxmax()} does {done.max() / done.sum():.0%} of the multiplications."
    )


# ----------------------------------------------------------------------------- the receptive field

FIELD_CASES = (
    ([_settings(layer)[2:4] for layer in CONVS],),
    ([(3, 1), (3, 1), (5, 1)],),
    ([(3, 2), (4, 3), (5, 3), (2, 2), (3, 1)],),
)


def _fields(layers, field=1, grow=lambda r, j, k, s: r + (k - 1) * j, step=lambda j, s: j * s):
    """The recursion r ← r + (k − 1)·j, j ← j·s, or one with a wrong part."""
    jump, fields = 1, []
    for k, s in layers:
        field = grow(field, jump, k, s)
        jump = step(jump, s)
        fields.append(field)
    return fields


FIELD_MISTAKES = {
    "Your list starts with 1, the pixel itself: leave it out.": (
        lambda layers: [1, *_fields(layers)]
    ),
    "You append before you update: the first number is the field *after* the first layer.": (
        lambda layers: [1, *_fields(layers)[:-1]]
    ),
    "The last layer is missing from your list: one number for each layer.": (
        lambda layers: _fields(layers)[:-1]
    ),
    "You return after the first layer: does your return stand inside the loop?": (
        lambda layers: _fields(layers)[:1]
    ),
    "This is what each layer adds; the field is 1, the pixel, plus the sum so far.": (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: (k - 1) * j)
    ),
    "Your list is the wrong way round: the first layer's field comes first.": (
        lambda layers: _fields(layers)[::-1]
    ),
    "You start with 0, but before any layer a pixel sees itself: r = 1.": (
        lambda layers: _fields(layers, field=0)
    ),
    "You add k · j. The first of the k numbers is already in r: only k − 1 are new.": (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: r + k * j)
    ),
    "Your jump stays 1, but after a stride of 2 neighbours stand two pixels apart.": (
        lambda layers: _fields(layers, step=lambda j, s: 1)
    ),
    "You update the jump before you use it. A layer's own stride matters to the next layer.": (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: r + (k - 1) * j * s)
    ),
    "Your jump is the layer's own stride; it is the product of the strides *before* it.": (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: r + (k - 1) * s)
    ),
    "Your jump is the stride of one layer; it is the product of all before: j ← j · s.": (
        lambda layers: _fields(layers, step=lambda j, s: s)
    ),
    "You add the strides up, but jumps multiply: two strides of 2 make a jump of 4.": (
        lambda layers: _fields(layers, step=lambda j, s: j + s)
    ),
    "You multiply kernel sizes, as if windows never overlapped. A layer *adds* (k − 1) · j.": (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: r * k)
    ),
    "r ← (r − 1) · s + k goes from the output *back* to the image. You go forward.": (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: (r - 1) * s + k)
    ),
}


@check
def receptive_fields(answer) -> str:
    """``answer(layers)``: ``[(k, s), …]`` → the side of the field after each layer, as a list."""
    found = [
        numbers(call(answer, list(layers)), "a list of numbers, one for each layer")
        for (layers,) in FIELD_CASES
    ]
    asked = "the layers (k, s) = {}"
    explain(found, _fields, FIELD_MISTAKES, cases=FIELD_CASES, asked=asked)
    return f"Right: {' → '.join(f'{field:g}' for field in found[0])}. The image is only 28 wide."
