"""Checks for lesson 02: build the encoder.

Most of them try an answer on several cases and compare it with the right rule, then with rules that
are wrong in a typical way: (wrong rule, what to say about it).
"""

from collections.abc import Callable, Sequence
from math import ceil, isfinite
from numbers import Real

import numpy as np
from torch import Tensor, nn

from ae_helpers.exercises.answers import Mistake, call, check, given
from ae_helpers.models import Encoder, count_parameters, ledger

CONVS = [layer for layer in Encoder() if isinstance(layer, nn.Conv2d)]


def _settings(layer: nn.Conv2d) -> tuple[int, int, int, int, int]:
    """In, out, kernel size, stride, padding."""
    sides = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    return layer.in_channels, layer.out_channels, *sides


def _is_number(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _plain(value):
    """A tensor of one number, as the number; anything else as it is."""
    return value.item() if isinstance(value, Tensor) and value.ndim == 0 else value


def _explain(found: list, cases: Sequence, mistakes: Sequence[tuple[Callable, str]]) -> None:
    """Raise the first mistake whose rule gives what was found."""
    for rule, text in mistakes:
        if found == [rule(*case) for case in cases]:
            raise Mistake(text)


# ----------------------------------------------------------------------------------- the size rule

SIZE_CASES = (  # n, k, s, p
    *((28, 15, 1, 1), (16, 3, 2, 1), (15, 3, 2, 1), (4, 5, 2, 1)),
    *((28, 3, 2, 0), (7, 7, 1, 0), (20, 4, 3, 2), (12, 5, 4, 2)),
)


def _size(n: int, k: int, s: int, p: int) -> int:
    return (n + 2 * p - k) // s + 1


SIZE_MISTAKES = (
    (
        lambda n, k, s, p: (n + 2 * p - k) // s,
        "The + 1 is missing: the first window needs no step. A kernel as large as the image fits "
        "once, but you answer 0.",
    ),
    (
        lambda n, k, s, p: (n + p - k) // s + 1,
        "You add p once, but padding is put on both sides: n + 2p.",
    ),
    (
        lambda n, k, s, p: (n - k) // s + 1,
        "You leave the padding out: windows are placed on n + 2p pixels.",
    ),
    (
        lambda n, k, s, p: (n - 2 * p - k) // s + 1,
        "You subtract the padding, but it makes the image larger: n + 2p.",
    ),
    (
        lambda n, k, s, p: ceil((n + 2 * p - k) / s) + 1,
        "You round up, but a last window that would stick out is never placed: round down.",
    ),
    (
        lambda n, k, s, p: round((n + 2 * p - k) / s) + 1,
        "You round to the nearest. However little a last window lacks, it isn't placed: use //.",
    ),
    (
        lambda n, k, s, p: n + 2 * p - k + 1,
        "You leave the stride out: with s = 2 only every second window is computed.",
    ),
    (
        lambda n, k, s, p: (n + 2 * p - k) * s + 1,
        "You multiply by the stride, but longer steps mean fewer windows: divide.",
    ),
    (
        lambda n, k, s, p: (n + 2 * p - k + 1) // s,
        "The + 1 stands inside your division. The first window needs no step: add it afterwards.",
    ),
    (
        lambda n, k, s, p: (n + 2 * p - k + 1) // s + 1,
        "You subtract k − 1 *and* add 1 at the end, which counts a window too many: n + 2p − k.",
    ),
    (
        lambda n, k, s, p: n // s + 2 * p - k + 1,
        "Only n is divided by the stride; divide the whole way a window can go, n + 2p − k.",
    ),
    (
        lambda n, k, s, p: (n + 2 * p) // s - k + 1,
        "You subtract k after dividing. A window can go n + 2p − k pixels: divide that.",
    ),
    (
        lambda n, k, s, p: (n - 1) * s - 2 * p + k,
        "This is the size rule of the *transposed* convolution, the topic of lesson 03.",
    ),
)


@check
def output_size(answer) -> str:
    """``answer(n, k, s, p)``: the side of a convolution's output."""
    found = [_plain(call(answer, *case)) for case in SIZE_CASES]
    right = [_size(*case) for case in SIZE_CASES]
    for case, value in zip(SIZE_CASES, found, strict=True):
        if not _is_number(value):
            asked = "For n={}, k={}, s={}, p={}".format(*case)
            raise Mistake(f"{asked} you return a {type(value).__name__}; a size is a number.")
    if found == right:
        return "Right, for all eight cases tried: ⌊(n + 2p − k)/s⌋ + 1."
    for case, value, wanted in zip(SIZE_CASES, found, right, strict=True):
        asked = "For n={}, k={}, s={}, p={}".format(*case)
        if not isfinite(value):
            raise Mistake(f"{asked} you answer {value:g}; a size is a finite number.")
        if not float(value).is_integer():
            raise Mistake(f"{asked} you answer {value:g}. Half a window is none: round down (//).")
        if value != wanted:
            _explain(found, SIZE_CASES, SIZE_MISTAKES)
            raise Mistake(f"{asked} you answer {value:g}, not {wanted}.")


# -------------------------------------------------------------------------------------- the ledger

WEIGHTS = {  # of a layer with i and o channels, a k×k kernel, and an output n wide
    "": lambda i, o, k, n: i * o * k * k,
    "the kernel isn't squared": lambda i, o, k, n: i * o * k,
    "the input channels are missing": lambda i, o, k, n: o * k * k,
    "only one output channel is counted": lambda i, o, k, n: i * k * k,
    "the channels are added, not multiplied": lambda i, o, k, n: (i + o) * k * k,
    "the weights are counted for each place, but all places share them": lambda i, o, k, n: (
        i * o * k * k * n * n
    ),
}
BIASES = {
    "": lambda i, o, n: o,
    "the bias is missing": lambda i, o, n: 0,
    "only one bias is counted": lambda i, o, n: 1,
    "there is a bias for each output channel, not for each input channel": lambda i, o, n: i,
    "the bias is counted for each place, but all places of a channel share it": lambda i, o, n: (
        o * n * n
    ),
}
SIZES = {
    "without the + 1": lambda n, k, s, p: (n + 2 * p - k) // s,
    "with p instead of 2p": lambda n, k, s, p: (n + p - k) // s + 1,
    "without the padding": lambda n, k, s, p: (n - k) // s + 1,
    "rounded up": lambda n, k, s, p: ceil((n + 2 * p - k) / s) + 1,
    "without the stride": lambda n, k, s, p: n + 2 * p - k + 1,
}


@check
def fill_ledger(answer) -> str:
    """``answer``: ``{"conv2": ((C, H, W), parameters), "conv3": …, "conv4": …}``."""
    if not isinstance(answer, dict):
        raise Mistake(f"The ledger is a {type(answer).__name__}; keep it a dictionary of layers.")
    n = _size(28, *_settings(CONVS[0])[2:])
    for number, layer in enumerate(CONVS[1:], start=2):
        name = f"conv{number}"
        if name not in answer:
            raise Mistake(f"{name} is missing; the keys are conv2, conv3 and conv4.")
        try:
            shape, parameters = given(answer[name])
            values = [*given(shape), parameters]
        except (TypeError, ValueError):
            raise Mistake(f"{name}: write ((channels, height, width), parameters).") from None
        if any(value is ... for value in values):
            so_far = " What stands before it is right." if number > 2 else ""
            raise Mistake(f"Not yet: {name} still holds a `...`.{so_far}")
        if not all(map(_is_number, values)):
            raise Mistake(f"{name}: expected four numbers, found {values}.")
        _check_shape(name, tuple(shape), layer, n)
        n = shape[-1]
        _check_parameters(name, parameters, layer, n)
    total = count_parameters(nn.Sequential(*CONVS))
    return f"Right, all three. With conv1's 1,808 that makes {total:,} parameters."


def _check_shape(name: str, shape: tuple, layer: nn.Conv2d, n: int) -> None:
    i, o, k, s, p = _settings(layer)
    size = _size(n, k, s, p)
    if shape == (o, size, size):
        return
    if len(shape) != 3:
        what = "without the batch axis" if len(shape) == 4 else f"not {len(shape)} sizes"
        raise Mistake(f"{name}: write (channels, height, width), {what}.")
    if shape == (size, size, o):
        raise Mistake(f"{name}: PyTorch puts the channels first: (channels, height, width).")
    channels, height, width = shape
    if channels != o:
        why = ": that many go in" if channels == i else " don't come out"
        raise Mistake(
            f"{name}: {channels} channels{why}. One comes out for each of the {o} kernels."
        )
    if height != width:
        raise Mistake(f"{name}: {height}×{width} isn't square, but image and kernels are.")
    if height == _size(28, k, s, p):
        raise Mistake(f"{name}: {height} would be right for 28 pixels, but {n} come from before.")
    if named := [text for text, rule in SIZES.items() if rule(n, k, s, p) == height]:
        raise Mistake(f"{name}: {height} is the size rule {' or '.join(named)}.")
    raise Mistake(f"{name}: not {height}×{height}; put n={n}, k={k}, s={s}, p={p} into the rule.")


def _check_parameters(name: str, parameters: int, layer: nn.Conv2d, n: int) -> None:
    i, o, k, _, _ = _settings(layer)
    if parameters == count_parameters(layer):
        return
    guesses = [
        (weights(i, o, k, n) + biases(i, o, n), [text for text in (of_weights, of_biases) if text])
        for of_weights, weights in WEIGHTS.items()
        for of_biases, biases in BIASES.items()
    ]
    for value, texts in sorted(guesses, key=lambda guess: len(guess[1])):  # one mistake, then two
        if value == parameters:
            raise Mistake(f"{name}, {parameters:,} parameters: {', and '.join(texts)}.")
    raise Mistake(f"{name}: not {parameters:,} parameters. It has {o} kernels, each with a bias.")


# --------------------------------------------------------------------------------- weight and work

WORK_MISTAKES = (
    (
        lambda i, o, k, n: i * o * k * k,
        "These are the weights. Each is used at every place of the output: times output_size².",
    ),
    (
        lambda i, o, k, n: i * o * k * k * n,
        "You count one row of places; the output has output_size rows of output_size.",
    ),
    (
        lambda i, o, k, n: i * o * k * n * n,
        "A window is k · k numbers of each channel; you multiply only k of them.",
    ),
    (
        lambda i, o, k, n: o * k * k * n * n,
        "The input channels are missing: a window reaches through all of them.",
    ),
    (
        lambda i, o, k, n: i * k * k * n * n,
        "The output channels are missing: each place is computed for every one of them.",
    ),
    (
        lambda i, o, k, n: o * (i * k * k + 1) * n * n,
        "You count the bias as a multiplication, but it is only added.",
    ),
    (
        lambda i, o, k, n: 2 * i * o * k * k * n * n,
        "Exactly twice too many: you count the additions as well.",
    ),
    (
        lambda i, o, k, n: o * n * n,
        "You count the output's numbers. Each of them costs in · k² multiplications.",
    ),
)


@check
def weight_and_work(answer, most_parameters: int, most_multiplications: int) -> str:
    """``answer(in_channels, out_channels, kernel_size, output_size)``, and two layers' numbers."""
    table = ledger(Encoder(), (1, 28, 28))
    held, done = table["parameters"], table["multiplications"]
    n, cases = 28, []
    for i, o, k, s, p in map(_settings, CONVS):
        n = _size(n, k, s, p)
        cases.append((i, o, k, n))
    found = [_plain(call(answer, *case)) for case in cases]
    if odd := [value for value in found if not _is_number(value)]:
        raise Mistake(f"Your function returns a {type(odd[0]).__name__}; expected a number.")
    if found != list(done):
        _explain(found, cases, WORK_MISTAKES)
        number = next(number for number in done.index if found[number - 1] != done[number])
        raise Mistake(f"Layer {number}: {done[number]:,} is right, not {found[number - 1]:,}.")
    most_parameters, most_multiplications = map(_plain, (most_parameters, most_multiplications))
    for number in (most_parameters, most_multiplications):
        if not _is_number(number):
            raise Mistake(f"{number!r} is no layer; write its number: 1, 2, 3 or 4.")
    if (most_parameters, most_multiplications) == (3, 0):
        raise Mistake("You count the layers from 0; here the first is layer 1.")
    if (most_parameters, most_multiplications) == (1, 4):
        raise Mistake("Your function is right, but the two layers are swapped.")
    for number, column, what in (
        (most_parameters, held, "parameters"),
        (most_multiplications, done, "multiplications"),
    ):
        if number not in (1, 2, 3, 4):
            raise Mistake(f"{number!r} is no layer; they are numbered 1, 2, 3 and 4.")
        if number != column.idxmax():
            raise Mistake(f"Layer {number} has {column[number]:,} {what}; another has more.")
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


FIELD_MISTAKES = (
    (
        lambda layers: _fields(layers, field=0),
        "You start with 0, but before any layer a pixel sees itself: r = 1.",
    ),
    (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: r + k * j),
        "You add k · j. The first of the k numbers is already in r: only k − 1 are new.",
    ),
    (
        lambda layers: _fields(layers, step=lambda j, s: 1),
        "Your jump stays 1, but after a stride of 2 neighbours stand two pixels apart.",
    ),
    (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: r + (k - 1) * j * s),
        "You update the jump before you use it. A layer's own stride matters to the next layer.",
    ),
    (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: r + (k - 1) * s),
        "Your jump is the layer's own stride; it is the product of the strides *before* it.",
    ),
    (
        lambda layers: _fields(layers, step=lambda j, s: s),
        "Your jump is the stride of one layer; it is the product of all before: j ← j · s.",
    ),
    (
        lambda layers: _fields(layers, step=lambda j, s: j + s),
        "You add the strides up, but jumps multiply: two strides of 2 make a jump of 4.",
    ),
    (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: r * k),
        "You multiply kernel sizes, as if windows never overlapped. A layer *adds* (k − 1) · j.",
    ),
    (
        lambda layers: _fields(layers, grow=lambda r, j, k, s: (r - 1) * s + k),
        "r ← (r − 1) · s + k goes from the output *back* to the image. You go forward.",
    ),
)


@check
def receptive_fields(answer) -> str:
    """``answer(layers)``: ``[(k, s), …]`` → the side of the field after each layer, as a list."""
    found, right = [], [_fields(*case) for case in FIELD_CASES]
    for (layers,), wanted in zip(FIELD_CASES, right, strict=True):
        value = call(answer, list(layers))
        if isinstance(value, Tensor | np.ndarray):
            value = value.tolist()
        if _is_number(value):
            raise Mistake(f"You return one number, {value}; expected a list, one for each layer.")
        if not isinstance(value, list | tuple) or not all(map(_is_number, map(given, value))):
            raise Mistake(f"You return {value!r}; expected a list of numbers.")
        if list(value) == [1, *wanted]:
            raise Mistake("Your list starts with 1, the pixel itself: leave it out.")
        if len(value) != len(layers):
            raise Mistake(f"{len(value)} numbers for {len(layers)} layers; one for each, please.")
        found.append(list(value))
    if found == right:
        return f"Right: {' → '.join(map(str, found[0]))}. The image is only 28 wide."
    _explain(found, FIELD_CASES, FIELD_MISTAKES)
    (layers,), value, wanted = next(
        triple for triple in zip(FIELD_CASES, found, right, strict=True) if triple[1] != triple[2]
    )
    raise Mistake(f"For the layers (k, s) = {layers} you answer {value}, not {wanted}.")
