"""Checks for lesson 03: build the decoder."""

import copy
import math
from numbers import Integral, Real

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.exercises.answers import Mistake, call, check

CHANNELS = (64, 32, 16, 8, 1)  # of the decoder: what goes into its first layer, comes out of each
SIZES = (1, 4, 8, 16, 28)


@check
def transposed_size(answer) -> str:
    """``answer(n, kernel_size, stride, padding)``: the side of the output of ConvTranspose2d."""
    cases = ((1, 4, 1, 0), (4, 2, 2, 0), (16, 4, 2, 3), (8, 3, 2, 1), (5, 15, 1, 1), (2, 3, 4, 1))
    found = [_plain(call(answer, *case)) for case in cases]
    for case, value in zip(cases, found, strict=True):
        if isinstance(value, bool) or not isinstance(value, Real):
            raise Mistake(
                f"For {_named(case)} you return {value!r}; a size is one whole number, the side of "
                "the square."
            )
    wrong_rules = {
        "You use the rule of the convolution, which shrinks; here n is the number of stamps and "
        "the output is what they cover together.": (lambda n, k, s, p: (n + 2 * p - k) // s + 1),
        "You add the padding. In a transposed convolution it is cropped from every side: "
        "subtract it.": (lambda n, k, s, p: (n - 1) * s + 2 * p + k),
        "You crop p once, but it goes on both sides: left and right, top and bottom.": (
            lambda n, k, s, p: (n - 1) * s - p + k
        ),
        "The stamps are right, but nothing is cropped: the padding is missing.": (
            lambda n, k, s, p: (n - 1) * s + k
        ),
        "You take n steps. From the first to the last of n stamps there are only n − 1.": (
            lambda n, k, s, p: n * s - 2 * p + k
        ),
        "You count to where the last stamp begins; it still is k pixels long.": (
            lambda n, k, s, p: (n - 1) * s - 2 * p
        ),
        "You are one short: pixels 0 … m are m + 1 pixels. The last stamp begins at (n − 1)·s and "
        "covers k pixels.": (lambda n, k, s, p: (n - 1) * s - 2 * p + k - 1),
        "You are one too large. The + 1 belongs to the rule of the convolution; here k is counted "
        "in full.": (lambda n, k, s, p: (n - 1) * s - 2 * p + k + 1),
        "You place the stamps side by side, k apart; they are s apart, and may overlap or leave "
        "gaps.": (lambda n, k, s, p: n * k - 2 * p),
    }
    for message, rule in wrong_rules.items():
        if found == [rule(*case) for case in cases]:
            raise Mistake(message)
    for case, value in zip(cases, found, strict=True):
        right = _size(*case)
        if value != right:
            raise Mistake(
                f"For {_named(case)} you say {value}, but torch makes {right}. Draw the stamps on "
                "squared paper: where does the last one end, and what does the crop leave?"
            )
    return "Right: (n − 1)·s − 2p + k. The last stamp begins at (n − 1)·s, is k long, and 2p goes."


@check
def two_sizes(answer) -> str:
    """Two sizes that ``Conv2d(kernel_size=3, stride=2, padding=1)`` turns into the same size."""
    try:
        first, second = (_plain(size) for size in answer)
    except (TypeError, ValueError):
        raise Mistake(f"{answer!r} is not two sizes; write two numbers with a comma.") from None
    if first is ... or second is ...:
        raise Mistake("Not yet: both numbers of the pair are wanted.")
    for size in (first, second):
        if isinstance(size, bool) or not isinstance(size, Integral):
            raise Mistake(f"{size!r} is not the side of a picture: a whole number of pixels.")
        if size < 1:
            raise Mistake(f"A picture of side {size} has no pixels; sizes begin at 1.")
    if first == second:
        raise Mistake(f"Both are {first}. The puzzle wants two different pictures to go in.")
    outputs = [(size + 2 - 3) // 2 + 1 for size in (first, second)]
    if outputs[0] == outputs[1]:
        return (
            f"Right: {first} and {second} both become {outputs[0]}. Whoever sees only "
            f"{outputs[0]} can't know which of them it was."
        )
    if outputs[0] == second or outputs[1] == first:
        large, small = max(first, second), min(first, second)
        raise Mistake(
            f"{small} is what {large} becomes. Wanted are two sizes that go in, and the same one "
            "comes out of both."
        )
    if abs(first - second) == 1:
        raise Mistake(
            f"{first} becomes {outputs[0]}, {second} becomes {outputs[1]}. Neighbours are a good "
            "idea; try the one on the other side."
        )
    raise Mistake(
        f"{first} becomes {outputs[0]}, {second} becomes {outputs[1]}. These are too far apart: "
        "with stride 2, each output size belongs to only two input sizes."
    )


@check
def repaired_mirror(answer) -> str:
    """Four transposed layers, 64×1×1 → 32×4×4 → 16×8×8 → 8×16×16 → 1×28×28."""
    if isinstance(answer, (list, tuple)):
        raise Mistake("This is a list of layers; nn.Sequential(layer, layer, …) makes one network.")
    if not isinstance(answer, nn.Module):
        raise Mistake(f"This is {answer!r}; expected an nn.Sequential of layers.")
    modules = [module for module in answer.modules() if not any(module.children())]
    layers = [m for m in modules if any(True for _ in m.parameters())]
    for number, layer in enumerate(layers, start=1):
        if not isinstance(layer, nn.ConvTranspose2d):
            raise Mistake(
                f"Layer {number} is a {type(layer).__name__}; this exercise is about "
                "ConvTranspose2d, which lays stamps and so enlarges."
            )
    if any(isinstance(module, (nn.Upsample, nn.AvgPool2d, nn.MaxPool2d)) for module in modules):
        raise Mistake("You resize between the layers; let the transposed layers make the sizes.")
    if len(layers) != 4:
        raise Mistake(f"You have {len(layers)} transposed layers; the mirror has four.")
    for number, layer in enumerate(layers, start=1):
        wanted = CHANNELS[number - 1], CHANNELS[number]
        has = layer.in_channels, layer.out_channels
        if has != wanted:
            swapped = (
                " Conv2d and ConvTranspose2d both take (channels in, channels out)."
                if has == wanted[::-1]
                else ""
            )
            raise Mistake(
                f"Layer {number} takes {_count(has[0], 'channel')} and makes {has[1]}; it should "
                f"take {wanted[0]} and make {wanted[1]}.{swapped}"
            )
    with torch.inference_mode():
        step = torch.zeros(1, 64, 1, 1)
        for number, layer in enumerate(layers, start=1):
            before, step = SIZES[number - 1], _run(layer, number, step)
            if step.shape[2:] != (SIZES[number], SIZES[number]):
                raise Mistake(_wrong_layer(layer, number, before, tuple(step.shape[2:])))
    _run_whole(answer)
    if any(layer.output_padding != (0, 0) for layer in layers):
        how = "output_padding says which of the possible sizes you mean."
    else:
        how = "other kernels land on the encoder's sizes without output_padding."
    return f"Right: 1 → 4 → 8 → 16 → 28; {how}"


@check
def inner_products(answer) -> str:
    """``answer(layer, x, y)``: ⟨Conv x, y⟩ and ⟨x, ConvT y⟩ with a Conv2d's weight, no bias."""
    # Between equal channels wrong weights run too, and their numbers show what went wrong.
    square = _adjoint_case(channels=(4, 4), n=15)
    values = _probe(answer, *square)
    if values is None:  # a shape didn't fit; between 1×1 pictures all shapes do
        dot = _adjoint_case(channels=(4, 4), n=1)
        values = _probe(answer, *dot)
        if values is not None and _close(values[0], _inner(_conv(dot[0], dot[2]), dot[1])):
            raise Mistake(
                "You convolve y and transpose x. The layer turns x into something of y's shape; "
                "its transpose turns y into something of x's shape."
            )
    else:
        _explain_products(values, *square)
    layer, x, y = _adjoint_case(channels=(8, 16), n=15)
    values = _products(answer, layer, x, y)
    _explain_products(values, layer, x, y)
    again = _products(answer, layer, x, y)
    right = _inner(x, _transposed(layer, y))
    left_found, right_found = values
    if not _close(left_found, _inner(_conv(layer, x), y)):
        raise Mistake(
            f"The left product is {left_found:,.1f}; ⟨Conv x, y⟩ is {right:,.1f}. Look at the "
            "layer's weight, stride and padding: all three belong to Conv."
        )
    if not _close(right_found, right):
        if not _close(right_found, again[1]):
            raise Mistake(
                "The right product changes from call to call: a new ConvTranspose2d brings random "
                "weights of its own. Use layer.weight."
            )
        raise Mistake(
            f"The right product is {right_found:,.1f}, the left one {left_found:,.1f}; they should "
            "agree. ConvT has the weight, stride and padding of the layer."
        )
    return "Right: the two agree. That is what “transposed” means."


# --------------------------------------------------------------------------------------- the parts


def _size(n: int, kernel_size: int, stride: int, padding: int) -> int:
    return (n - 1) * stride - 2 * padding + kernel_size


def _named(case: tuple[int, int, int, int]) -> str:
    return "n={}, kernel_size={}, stride={}, padding={}".format(*case)


def _run(layer: nn.ConvTranspose2d, number: int, step: Tensor) -> Tensor:
    try:
        return layer(step)
    except (RuntimeError, ValueError) as error:
        if max(layer.output_padding) >= max(*layer.stride, *layer.dilation):
            raise Mistake(
                f"Layer {number} has output_padding={layer.output_padding[0]} with "
                f"stride={layer.stride[0]}; it must be smaller than the stride, which is how many "
                "sizes a convolution makes one of, and so all that there is to choose from."
            ) from None
        raise Mistake(f"Layer {number} stops with {type(error).__name__}: {error}") from None


def _run_whole(answer: nn.Module) -> None:
    """Raise a mistake unless the network, with all that stands between its layers, gives 28×28."""
    try:
        with torch.inference_mode():
            image = answer(torch.zeros(1, 64, 1, 1))
    except NotImplementedError:
        raise Mistake(
            f"Each layer is right, but a {type(answer).__name__} only keeps layers; nn.Sequential "
            "runs them in a row."
        ) from None
    except Exception as error:
        raise Mistake(
            f"Each layer is right, but all in a row stop with {type(error).__name__}: {error}"
        ) from None
    if getattr(image, "shape", None) != (1, 1, 28, 28):
        shape = tuple(getattr(image, "shape", ()))
        raise Mistake(
            f"Each layer is right, but the whole gives {shape}, not (1, 1, 28, 28): something else "
            "in it changes the size."
        )


def _wrong_layer(layer: nn.ConvTranspose2d, number: int, before: int, found: tuple) -> str:
    wanted = SIZES[number]
    if found[0] != found[1]:
        return f"Layer {number} gives {found[0]}×{found[1]}; expected the square {wanted}×{wanted}."
    k, s, p, extra = (
        value[0] for value in (layer.kernel_size, layer.stride, layer.padding, layer.output_padding)
    )
    reach = layer.dilation[0] * (k - 1) + 1
    sum_ = f"({before} − 1)·{s} − 2·{p} + {reach}" + (f" + {extra}" if extra else "")
    missing = wanted - found[0]
    if missing > 0:
        cure = f"{_count(missing, 'pixel')} missing: a larger kernel adds some"
        cure += ", and so does output_padding." if missing + extra < s else "."
    else:
        cure = f"{_count(-missing, 'pixel')} too many: more padding crops them in pairs, a smaller "
        cure += "kernel one by one."
    return (
        f"Layer {number} goes wrong: {sum_} = {found[0]}, so {before}×{before} becomes "
        f"{found[0]}×{found[0]}, not {wanted}×{wanted}. {cure}"
    )


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _adjoint_case(channels: tuple[int, int], n: int) -> tuple[nn.Conv2d, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    layer = nn.Conv2d(*channels, kernel_size=3, stride=2, padding=1)
    with torch.no_grad():
        for parameter in (layer.weight, layer.bias):
            # Positive numbers: nothing cancels, so that rounding stays far below any mistake.
            parameter.copy_(torch.rand(parameter.shape, generator=generator))
    side = (n + 2 - 3) // 2 + 1
    x = torch.rand(1, channels[0], n, n, generator=generator)
    return layer, x, torch.rand(1, channels[1], side, side, generator=generator)


def _conv(layer: nn.Conv2d, x: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.conv2d(x, layer.weight, bias, stride=2, padding=1)


def _transposed(layer: nn.Conv2d, y: Tensor, bias: Tensor | None = None, weight=None) -> Tensor:
    weight = layer.weight if weight is None else weight
    return F.conv_transpose2d(y, weight, bias, stride=2, padding=1)


def _inner(a: Tensor, b: Tensor) -> float:
    return (a * b).sum().item()


def _plain(value):
    """A tensor of one number, as the number; anything else as it is."""
    return value.item() if isinstance(value, Tensor) and value.ndim == 0 else value


def _close(a: float, b: float) -> bool:
    return math.isfinite(a) and abs(a - b) <= 1e-4 * max(abs(a), abs(b))


def _probe(answer, layer, x, y) -> tuple[float, float] | None:
    """The reader's two numbers for a case that the exercise doesn't name; None if it has none."""
    try:
        return _products(answer, layer, x, y)
    except Mistake:
        return None


def _products(answer, layer, x, y) -> tuple[float, float]:
    """The reader's two numbers."""
    before = x.clone(), y.clone()
    try:
        found = call(answer, copy.deepcopy(layer), x, y)
    except Mistake as mistake:
        shapes = ""
        if "must match the size" in str(mistake):
            shapes = (
                f". Conv x has y's shape {tuple(y.shape)}, and ConvT y needs x's {tuple(x.shape)}: "
                "multiply these pairs, and give both functions the layer's stride and padding."
            )
        raise Mistake(str(mistake) + shapes) from None
    if not (torch.equal(x, before[0]) and torch.equal(y, before[1])):
        raise Mistake("Your code changes x or y themselves; multiply into something new.")
    if not isinstance(found, tuple) or len(found) != 2:
        raise Mistake("Return two numbers: return left, right.")
    if any(value is ... or value is None for value in found):
        raise Mistake("Not yet: left and right are both wanted.")
    for side, value in zip(("left", "right"), found, strict=True):
        if isinstance(value, Tensor | np.ndarray) and math.prod(value.shape) != 1:
            raise Mistake(
                f"The {side} product is a tensor of shape {tuple(value.shape)}; an inner product "
                "is one number: multiply element by element, then sum everything."
            )
        if isinstance(value, Tensor) and (value.is_complex() or value.is_meta):
            raise Mistake(f"The {side} product is no real number.")
        if not isinstance(value, (Tensor, np.ndarray, Real)):
            raise Mistake(f"The {side} product is a {type(value).__name__}; expected a number.")
    left, right = (float(torch.as_tensor(value).detach().item()) for value in found)
    return left, right


def _explain_products(values: tuple[float, float], layer, x, y) -> None:
    """Raise the mistake that these two numbers give away, if they give one away."""
    left, right = values
    conv, back = _conv(layer, x), _transposed(layer, y)
    with_bias = _conv(layer, x, layer.bias)
    if _close(left, _inner(with_bias, y)):
        raise Mistake(
            "The left product contains the bias: layer(x) is Conv x + bias, and only Conv has a "
            "transpose. Take F.conv2d(x, layer.weight, …) without it."
        )
    if _close(left, (conv * y).mean().item()) or _close(right, (x * back).mean().item()):
        raise Mistake(
            "You take a mean. The left one divides by the numbers in y, the right one by those in "
            "x, so they can't agree: an inner product is the sum."
        )
    if not _close(left, _inner(conv, y)):
        return  # the caller says so
    if len(layer.weight) == layer.weight.shape[1]:
        turned = layer.weight.transpose(0, 1)
        if _close(right, _inner(x, _transposed(layer, y, weight=turned))):
            raise Mistake(
                "In the right product the weight's first two axes are exchanged. conv_transpose2d "
                "reads (in, out, k, k), and its in is the convolution's out: the same tensor fits."
            )
        if _close(right, _inner(x, _transposed(layer, y, layer.bias))):
            raise Mistake("The right product contains the bias; the transpose of Conv has none.")
    if _close(right, _inner(x, _transposed(layer, y, weight=layer.weight.flip(2, 3)))):
        raise Mistake(
            "In the right product the kernel is flipped. conv_transpose2d stamps it as it stands."
        )
