"""Checks for lesson 03: build the decoder."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.exercises.answers import (
    Mistake,
    call,
    call_unchanged,
    check,
    explain,
    near,
    number,
    numbers,
    shape,
)

# ----------------------------------------------------------------------------------- the size rule

SIZE_CASES = (  # n, k, s, p
    *((1, 4, 1, 0), (4, 2, 2, 0), (16, 4, 2, 3), (8, 3, 2, 1)),
    *((5, 15, 1, 1), (2, 3, 4, 1), (8, 3, 1, 2)),
)
SIZE_MISTAKES = {
    "You use the rule of the convolution, which shrinks; here n is the number of stamps and the "
    "output is what they cover together.": lambda n, k, s, p: (n + 2 * p - k) // s + 1,
    "You add the padding. In a transposed convolution it is cropped from every side: subtract "
    "it.": lambda n, k, s, p: (n - 1) * s + 2 * p + k,
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
    "covers k pixels.": lambda n, k, s, p: (n - 1) * s - 2 * p + k - 1,
    "You are one too large. The + 1 belongs to the rule of the convolution; here k is counted in "
    "full.": lambda n, k, s, p: (n - 1) * s - 2 * p + k + 1,
    "You place the stamps side by side, k apart; they are s apart, and may overlap or leave "
    "gaps.": lambda n, k, s, p: n * k - 2 * p,
    "n · s is right only where k − 2p happens to be s: the last stamp is k long, and p is cropped "
    "from both sides.": lambda n, k, s, p: n * s,
    "Kernel and stride are exchanged: stamps begin s apart and are k long.": (
        lambda n, k, s, p: (n - 1) * k - 2 * p + s
    ),
    "You crop p · s. The padding is cropped from the output, where it is p pixels a side.": (
        lambda n, k, s, p: (n - 1) * s - 2 * p * s + k
    ),
}


def _size(n: int, k: int, s: int, p: int) -> int:
    return (n - 1) * s - 2 * p + k


@check
def transposed_size(answer) -> str:
    """``answer(n, kernel_size, stride, padding)``: the side of the output of ConvTranspose2d."""
    found = [number(call(answer, *case), "a size, one number") for case in SIZE_CASES]
    asked = "n={}, kernel_size={}, stride={}, padding={}"
    otherwise = (
        "For {case} you say {found}, but torch makes {right}. Draw the stamps on squared paper: "
        "where does the last one end, and what does the crop leave?"
    )
    explain(found, _size, SIZE_MISTAKES, cases=SIZE_CASES, asked=asked, otherwise=otherwise)
    return "Right: (n − 1)·s − 2p + k. The last stamp begins at (n − 1)·s, is k long, and 2p goes."


# -------------------------------------------------------------------------------------- the puzzle


@check
def two_sizes(answer) -> str:
    """Two sizes that ``Conv2d(kernel_size=3, stride=2, padding=1)`` turns into the same size."""
    sizes = shape(answer, "two whole numbers of pixels", 2)
    first, second = sizes
    if min(sizes) < 1:
        raise Mistake(f"A picture of side {min(sizes)} has no pixels; sizes begin at 1.")
    if first == second:
        raise Mistake(f"Both are {first}. The puzzle wants two different pictures to go in.")
    outputs = [(size + 2 - 3) // 2 + 1 for size in sizes]
    if outputs[0] == outputs[1]:
        return (
            f"Right: {first} and {second} both become {outputs[0]}. Whoever sees only "
            f"{outputs[0]} can't know which of them it was."
        )
    if outputs[0] == second or outputs[1] == first:
        raise Mistake(
            f"{min(sizes)} is what {max(sizes)} becomes. Wanted are two sizes that go in, and the "
            "same one comes out of both."
        )
    cure = "These are too far apart: with stride 2, each output size belongs to only two input "
    cure += "sizes."
    if abs(first - second) == 1:
        cure = "Neighbours are a good idea; try the one on the other side."
    raise Mistake(f"{first} becomes {outputs[0]}, {second} becomes {outputs[1]}. {cure}")


# -------------------------------------------------------------------------------------- the mirror

CHANNELS = (64, 32, 16, 8, 1)  # of the decoder: what goes into its first layer, comes out of each
SIZES = (1, 4, 8, 16, 28)
# What counts as a layer; what keeps sizes, such as ReLU and all normalisation, may stand between.
KERNELS = nn.Linear | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d


@check
def repaired_mirror(answer) -> str:
    """Four transposed layers, 64×1×1 → 32×4×4 → 16×8×8 → 8×16×16 → 1×28×28."""
    if isinstance(answer, list | tuple) and any(isinstance(part, nn.Module) for part in answer):
        name = type(answer).__name__
        raise Mistake(
            f"This is a {name} of layers; nn.Sequential(layer, layer, …) makes a network."
        )
    if not isinstance(answer, nn.Module):
        raise Mistake(f"This is {answer!r}; expected an nn.Sequential of layers.")
    network = copy.deepcopy(answer).float().cpu().eval()  # a reader's own stays as it is
    modules = list(network.modules())
    layers = [module for module in modules if isinstance(module, KERNELS)]
    for place, layer in enumerate(layers, start=1):
        if not isinstance(layer, nn.ConvTranspose2d):
            raise Mistake(
                f"Layer {place} is a {type(layer).__name__}; this exercise is about "
                "ConvTranspose2d, which lays stamps and so enlarges."
            )
    if any(isinstance(module, nn.Upsample | nn.AvgPool2d | nn.MaxPool2d) for module in modules):
        raise Mistake("You resize between the layers; let the transposed layers make the sizes.")
    if len(layers) != 4:
        raise Mistake(f"You have {len(layers)} transposed layers; the mirror has four.")
    for place, layer in enumerate(layers, start=1):
        takes, makes = CHANNELS[place - 1], CHANNELS[place]
        has = layer.in_channels, layer.out_channels
        if has != (takes, makes):
            cure = " Conv2d and ConvTranspose2d both take (channels in, channels out)."
            raise Mistake(
                f"Layer {place} takes {_count(has[0], 'channel')} and makes {has[1]}; it should "
                f"take {takes} and make {makes}." + cure * (has == (makes, takes))
            )
    with torch.inference_mode():
        step = torch.zeros(1, 64, 1, 1)
        for place, layer in enumerate(layers, start=1):
            step = _run(layer, place, step)
            if step.shape[2:] != (SIZES[place], SIZES[place]):
                raise Mistake(_wrong_layer(layer, place, tuple(step.shape[2:])))
        _run_whole(network)
    how = "other kernels land on the encoder's sizes without output_padding."
    if any(layer.output_padding != (0, 0) for layer in layers):
        how = "output_padding says which of the possible sizes you mean."
    return f"Right: 1 → 4 → 8 → 16 → 28; {how}"


def _run(layer: nn.ConvTranspose2d, place: int, step: Tensor) -> Tensor:
    try:
        return layer(step)
    except (RuntimeError, ValueError) as error:
        if max(layer.output_padding) >= max(*layer.stride, *layer.dilation):
            raise Mistake(
                f"Layer {place} has output_padding={layer.output_padding[0]} with "
                f"stride={layer.stride[0]}; it must be smaller than the stride, which is how many "
                "sizes a convolution makes one of, and so all that there is to choose from."
            ) from None
        raise Mistake(f"Layer {place} stops with {type(error).__name__}: {error}") from None


def _run_whole(network: nn.Module) -> None:
    """Raise a mistake unless the network, with all that stands between its layers, gives 28×28."""
    try:
        image = network(torch.zeros(1, 64, 1, 1))
    except NotImplementedError:
        raise Mistake(
            f"Each layer is right, but a {type(network).__name__} only keeps layers; nn.Sequential "
            "runs them in a row."
        ) from None
    except Exception as error:
        raise Mistake(
            f"Each layer is right, but all in a row stop with {type(error).__name__}: {error}"
        ) from None
    found = tuple(getattr(image, "shape", ()))
    if found != (1, 1, 28, 28):
        raise Mistake(
            f"Each layer is right, but the whole gives {found}, not (1, 1, 28, 28): something else "
            "in it changes the size."
        )


def _wrong_layer(layer: nn.ConvTranspose2d, place: int, found: tuple) -> str:
    before, wanted = SIZES[place - 1], SIZES[place]
    if found[0] != found[1]:
        return f"Layer {place} gives {found[0]}×{found[1]}; expected the square {wanted}×{wanted}."
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
        f"Layer {place} goes wrong: {sum_} = {found[0]}, so {before}×{before} becomes "
        f"{found[0]}×{found[0]}, not {wanted}×{wanted}. {cure}"
    )


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" + "s" * (count != 1)


# ------------------------------------------------------------------------------ the inner products

SETTINGS = {"stride": 2, "padding": 1}
PAIR = "two numbers (return left, right): multiply element by element, then sum everything"
# What torch says to wrong arguments, and what to add; the shapes are those of the exercise.
PRODUCT_CURES = {
    "must match the size": "Conv x has y's shape (1, 16, 8, 8), and ConvT y needs x's "
    "(1, 8, 15, 15): multiply these, and give both functions the layer's stride and padding.",
    "weight of size [8, 16": "Here the weight's first two axes are exchanged. conv2d reads "
    "(out, in, k, k), conv_transpose2d (in, out, k, k), and its in is the convolution's out: the "
    "same tensor fits both.",
    "groups=1, weight of size [16, 8, 3, 3], expected input[1, 16": "You convolve y, but Conv "
    "turns x into something of y's shape; F.conv_transpose2d leads back from y.",
    "transposed=1, weight of size [16, 8, 3, 3], expected input[1, 8": "You transpose x, but ConvT "
    "turns y into something of x's shape; F.conv2d leads there from x.",
    "expected bias": "The right product contains the bias; the transpose of Conv has none.",
}


def _adjoint_case() -> tuple[nn.Conv2d, Tensor, Tensor]:
    """The layer, x and y, of numbers around 0: of positive ones all kernels make much the same."""
    generator = torch.Generator().manual_seed(3)
    layer = nn.Conv2d(8, 16, kernel_size=3, **SETTINGS)
    with torch.no_grad():
        for parameter in (layer.weight, layer.bias):
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    x = torch.randn(1, 8, 15, 15, generator=generator)
    return layer, x, torch.randn(1, 16, 8, 8, generator=generator)


def _products(answer, layer: nn.Conv2d, x: Tensor, y: Tensor) -> list[float]:
    """The reader's two numbers."""
    cause = "mul_; multiply into something new."
    found = call_unchanged(cause, answer, copy.deepcopy(layer), x, y, cures=PRODUCT_CURES)
    if isinstance(found, tuple | list) and any(value is ... or value is None for value in found):
        raise Mistake("Not yet: left and right are both wanted.")
    return numbers(found, PAIR, 2)


@check
def inner_products(answer) -> str:
    """``answer(layer, x, y)``: ⟨Conv x, y⟩ and ⟨x, ConvT y⟩ with a Conv2d's weight, no bias."""
    layer, x, y = _adjoint_case()
    found, again = (_products(answer, layer, x, y) for _ in range(2))
    conv = F.conv2d(x, layer.weight, **SETTINGS)

    def back(weight: Tensor = layer.weight, bias: Tensor | None = None) -> Tensor:
        return F.conv_transpose2d(y, weight, bias, **SETTINGS)

    mean = (
        "You take a mean. The left one divides by the numbers in y, the right one by those in x, "
        "so they can't agree: an inner product is the sum."
    )
    mistakes = {
        "The left product contains the bias: layer(x) is Conv x + bias, and only Conv has a "
        "transpose. Take F.conv2d(x, layer.weight, …) without it.": (layer(x) * y).sum(),
        mean: (conv * y).mean(),
        "You sum before you multiply: multiply element by element, then sum the products.": (
            conv.sum() * y.sum()
        ),
    }
    otherwise = (
        "The left product is {found}; ⟨Conv x, y⟩ is {right}: Conv x, with the layer's weight, "
        "stride and padding, times y element by element, and all of that summed."
    )
    explain(found[0], (conv * y).sum(), mistakes, otherwise=otherwise)
    mistakes = {
        mean: (x * back()).mean(),
        "The right product contains the bias; the transpose of Conv has none.": (
            x * back(bias=layer.bias[:8])
        ).sum(),
        "In the right product the kernel is flipped. conv_transpose2d stamps it as it stands.": (
            x * back(layer.weight.flip(2, 3))
        ).sum(),
    }
    otherwise = (
        f"The right product is {{found}}, the left one {found[0]:,.4g}; they should agree. ConvT "
        "has the weight, stride and padding of the layer."
    )
    if not near(found[1], again[1]):
        otherwise = (
            "The right product changes from call to call: a new ConvTranspose2d brings random "
            "numbers of its own. Use layer.weight, and bias=False."
        )
    explain(found[1], (x * back()).sum(), mistakes, otherwise=otherwise)
    return "Right: the two agree. That is what “transposed” means."
