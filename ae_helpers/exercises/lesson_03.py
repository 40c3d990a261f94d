"""Checks for lesson 03: build the decoder."""

import contextlib
import copy
import textwrap

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.exercises.answers import (
    Mistake,
    call,
    call_unchanged,
    check,
    explain,
    number,
    tensor,
)

# ----------------------------------------------------------------------------------- the size rule

SIZE_CASES = (  # n, k, s, p
    *((1, 4, 1, 0), (4, 2, 2, 0), (16, 4, 2, 3), (8, 3, 2, 1)),
    *((5, 15, 1, 1), (2, 3, 4, 1), (8, 3, 1, 2), (1, 5, 2, 1)),  # the last: all p from one stamp
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


# ------------------------------------------------------------------------------------ the stamping

# Channels in and out, height and width of the input and of the kernel, stride, padding. All sides
# differ; stamps overlap in rows and touch in columns, overlap in both, leave gaps, lose much.
STAMP_CASES = (
    *((2, 1, 3, 2, 3, 2, 2, 0), (2, 3, 3, 4, 4, 5, 3, 1)),
    *((3, 2, 2, 3, 2, 5, 4, 0), (2, 2, 4, 3, 3, 5, 1, 2)),
)
FLOAT64 = dict.fromkeys(  # what to add to torch's words when types are mixed
    ("should be the same", "same dtype", "expected scalar type"),
    "What the check gives is float64; let what you make be of the same type, as in "
    "torch.zeros(2, 3, dtype=torch.float64).",
)
UNEQUAL = dict.fromkeys(  # torch's words, and NumPy's
    ("match the size of tensor", "match the broadcast shape", "be broadcast"),
    "weight[i, o] is one stamp, height × width; x has channels in, the canvas channels out. Is "
    "each slice of the canvas as large as a stamp, down to its last row? Is the bias, (out,), laid "
    "out as (out, 1, 1)?",
)
WHOLE = dict.fromkeys(
    ("can't be cast", "Cannot cast"),
    "A canvas of whole numbers can't hold these: make it of floats.",
)
STAMP_CURES = {
    **FLOAT64,
    **UNEQUAL,
    **WHOLE,
    "out of bounds": "x has the axes (in, height, width), and the weight (in, out, height, width).",
}


def _stamp_cases() -> list[tuple[Tensor, Tensor, Tensor, int, int]]:
    """x, weight, bias, stride and padding of each case, in float64 and of both signs."""
    generator = torch.Generator().manual_seed(3)

    def draw(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    return [
        (draw(into, height, width), draw(into, out, tall, wide), draw(out), stride, padding)
        for into, out, height, width, tall, wide, stride, padding in STAMP_CASES
    ]


def _stamped(x, weight, bias, stride, padding) -> Tensor:
    return F.conv_transpose2d(x[None], weight, bias, stride, padding)[0]


def _add(part: Tensor, stamps: Tensor, bias: Tensor) -> None:
    part += stamps.sum(0)


def _laid(x, weight, bias, stride, padding, lay=_add, step=None, first=None) -> Tensor:
    """By loops, as readers do it, so that each part of it can be wrong; without the last bias.

    Args:
        lay: puts ``stamps``, one for each channel that goes in, on their part of the canvas.
        step: pixels from stamp to stamp, down and to the right; ``None`` for the stride.
        first: the first row and column that the crop leaves; ``None`` for the padding.
    """
    down, right = step or (stride, stride)
    first = padding if first is None else first
    size = _stamped(x, weight, bias, stride, 0).shape
    canvas = x.new_zeros(size)
    for i, row in enumerate(x.unbind(1)):
        for j, column in enumerate(row.unbind(1)):
            part = canvas[:, i * down :, j * right :][:, : weight.shape[2], : weight.shape[3]]
            lay(part, column[:, None, None, None] * weight, bias)
    rows, columns = size[1] - 2 * padding, size[2] - 2 * padding
    return canvas[:, first : first + rows, first : first + columns]


def _with_bias(**how):
    return lambda x, w, b, s, p: _laid(x, w, b, s, p, **how) + b[:, None, None]


def _counts(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """How many stamps of one channel lie on a pixel, at least 1: ``(1, H, W)``."""
    ones = torch.ones_like(x[:1]), torch.ones_like(weight[:1, :1])
    return _stamped(*ones, None, stride, padding).clamp_min(1)


STAMP_MISTAKES = {
    "Where stamps overlap you keep the last one; they add up: += instead of =.": _with_bias(
        lay=lambda part, stamps, bias: part.copy_(stamps.sum(0))
    ),
    "A channel's stamp replaces the one that another channel laid; they add up: += instead of "
    "=.": _with_bias(lay=lambda part, stamps, bias: part.copy_(stamps[-1])),
    "Each pixel is divided by the number of stamps on it; overlaps are added, not averaged.": (
        lambda x, w, b, s, p: _laid(x, w, b, s, p) / _counts(x, w, s, p) + b[:, None, None]
    ),
    "The bias is missing: one for each channel that comes out, added to all its pixels.": _laid,
    "The bias is subtracted: add it.": lambda x, w, b, s, p: (
        _laid(x, w, b, s, p) - b[:, None, None]
    ),
    "The bias comes along with every stamp; add it once, to every pixel.": lambda *case: _laid(
        *case, lay=lambda part, stamps, bias: part.add_(stamps.sum(0) + bias[:, None, None])
    ),
    "The bias comes along with the stamp of every channel; add it once, to every pixel.": (
        lambda *case: _laid(
            *case, lay=lambda part, stamps, bias: part.add_((stamps + bias[:, None, None]).sum(0))
        )
    ),
    "The bias is added for each channel that goes in; add it once.": (
        lambda x, w, b, s, p: _laid(x, w, b, s, p) + len(x) * b[:, None, None]
    ),
    "All channels get the first bias; each has its own.": (
        lambda x, w, b, s, p: _laid(x, w, b, s, p) + b[0]
    ),
    "Only the first channel of x is stamped; all of them are, on the same canvas.": (
        lambda x, w, b, s, p: _stamped(x[:1], w[:1], b, s, p)
    ),
    "Only the last channel of x is left; all of them are stamped, on the same canvas.": (
        lambda x, w, b, s, p: _stamped(x[-1:], w[-1:], b, s, p)
    ),
    "You take the mean over the channels that go in; their stamps add up.": (
        lambda x, w, b, s, p: _laid(x, w, b, s, p) / len(x) + b[:, None, None]
    ),
    "All channels of x use the first one's stamps, weight[0]; each has its own, weight[i].": (
        lambda x, w, b, s, p: _stamped(x, w[:1].expand_as(w), b, s, p)
    ),
    "All channels that come out are alike: you use the stamps weight[i, 0] for each of them.": (
        lambda x, w, b, s, p: _stamped(x, w[:, :1].expand_as(w), b, s, p)
    ),
    "The kernel is flipped; it is stamped as it stands.": (
        lambda x, w, b, s, p: _stamped(x, w.flip(2, 3), b, s, p)
    ),
    "The kernel is upside down; it is stamped as it stands.": (
        lambda x, w, b, s, p: _stamped(x, w.flip(2), b, s, p)
    ),
    "The kernel is mirrored, left is right; it is stamped as it stands.": (
        lambda x, w, b, s, p: _stamped(x, w.flip(3), b, s, p)
    ),
    "All stamps lie on the same place, the upper left corner: begin at row · stride and column · "
    "stride.": _with_bias(step=(0, 0)),
    "The stamps begin 1 apart, whatever the stride is: row · stride, column · stride.": _with_bias(
        step=(1, 1)
    ),
    "Down, the stamps begin 1 apart; the stride holds for rows and for columns.": (
        lambda x, w, b, s, p: _with_bias(step=(1, s))(x, w, b, s, p)
    ),
    "To the right, the stamps begin 1 apart; the stride holds for rows and for columns.": (
        lambda x, w, b, s, p: _with_bias(step=(s, 1))(x, w, b, s, p)
    ),
    "The right size, but all of the crop is taken at the bottom and at the right: p goes on each "
    "side.": _with_bias(first=0),
    "The right size, but all of the crop is taken at the top and at the left: p goes on each "
    "side.": lambda x, w, b, s, p: _laid(x, w, b, s, p, first=2 * p) + b[:, None, None],
}


def _stamp_shapes(x, weight, bias, stride, padding) -> dict[tuple, str]:
    """What to say about a wrong shape."""
    out, height, width = right = tuple(_stamped(x, weight, bias, stride, padding).shape)
    rows, columns = height + 2 * padding, width + 2 * padding
    tall, wide = weight.shape[2:]
    sizes = {  # height, width: those of wrong rules
        (rows, columns): "Nothing is cropped: padding takes p rows and columns from each side.",
        (rows - padding, columns - padding): "The crop is taken from one side only: p rows go at "
        "the top and p at the bottom, and so left and right.",
        (rows + 2 * padding, columns + 2 * padding): "Padding is added; here it takes away.",
        (0, 0): "With padding 0, canvas[p:-p] keeps nothing, since −0 is 0: let the slice end at "
        "its size minus p.",
        (height + stride, width + stride): "One step too many: from the first of n stamps to the "
        "last there are n − 1.",
        (height - tall, width - wide): "The canvas ends where the last stamp begins; that one is "
        "as long as the kernel.",
        (height - tall + wide, width - wide + tall): "The kernel's height and width are exchanged.",
        (width, height): "Height and width are exchanged.",
        tuple(
            (n + 2 * padding - k) // stride + 1
            for n, k in zip(x.shape[1:], (tall, wide), strict=True)
        ): ("That is the size of an ordinary convolution. Here each number of x lays a stamp."),
        tuple(x.shape[1:]): "That is the input's size; the stamps cover more or less than it.",
    }
    shapes = {(out, *size): text for size, text in sizes.items()}
    shapes |= {
        (1, *right): "There is a batch axis too many; x comes without one.",
        (height, width, out): "The channels come first.",
        (height, width): "The channel axis is missing, or its channels were added up.",
        (len(x), height, width): "That many channels go in; weight.shape[1] come out.",
        (len(x), *right): "Channels that go in have an axis of their own left: add over it.",
    }
    shapes.pop(right, None)
    return shapes


@check
def stamping(answer) -> str:
    """``answer(x, weight, bias, stride, padding)``: a transposed convolution of one image.

    x is ``(in, H, W)``, the weight ``(in, out, kH, kW)``, the bias ``(out,)``.
    """
    cases, found = _stamp_cases(), []
    asked = "x.shape={0.shape}, weight.shape={1.shape}, stride={3}, padding={4}"
    for case in cases:
        made = call_unchanged("mul_ or +=.", answer, *case, cures=STAMP_CURES)
        where, right = f"For {asked.format(*case)} your answer", _stamped(*case).shape
        what = "(channels out, height, width)"
        found.append(tensor(made, what, right, _stamp_shapes(*case), where=where))
    otherwise = (
        "The shapes are right, but for {case} your numbers are not: {found}, and {right} from "
        "torch. Compare with F.conv_transpose2d for one channel in and one out, with bias 0 and "
        "padding 0; then let the rest come back one by one."
    )
    right = [_stamped(*case) for case in cases]
    explain(found, right, STAMP_MISTAKES, cases=cases, asked=asked, otherwise=otherwise, atol=1e-5)
    return (
        f"Right, for all {len(cases)} cases tried, with overlaps, gaps and crops: what you wrote "
        "is ConvTranspose2d."
    )


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
        shown = textwrap.shorten(repr(answer), 60, placeholder=" …")
        raise Mistake(f"This is {shown}; expected an nn.Sequential of layers.")
    network = copy.deepcopy(answer).float().cpu().eval()  # a reader's own stays as it is
    modules = list(network.modules())
    layers, entered = _in_order(network, [each for each in modules if isinstance(each, KERNELS)])
    for place, layer in enumerate(layers, start=1):
        if not isinstance(layer, nn.ConvTranspose2d):
            raise Mistake(
                f"Layer {place} is a {type(layer).__name__}; this exercise is about "
                "ConvTranspose2d, which lays stamps and so enlarges."
            )
    resized = "You resize between the layers; let the transposed layers make the sizes."
    if any(isinstance(module, nn.Upsample | nn.AvgPool2d | nn.MaxPool2d) for module in modules):
        raise Mistake(resized)
    if len(layers) != 4:
        raise Mistake(f"You have {_count(len(layers), 'transposed layer')}; the mirror has four.")
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
        for place, layer in enumerate(layers, start=1):
            if not _takes_part(network, layer):
                raise Mistake(
                    f"Each layer is right, but layer {place} has no part in what the network "
                    "gives: forward() has to use its weights."
                )
        if entered not in ([], list(SIZES[:-1])):  # by a function, such as F.interpolate
            raise Mistake(resized)
    how = "other kernels land on the encoder's sizes without output_padding."
    if any(layer.output_padding != (0, 0) for layer in layers):
        how = "output_padding says which of the possible sizes you mean."
    return f"Right: 1 → 4 → 8 → 16 → 28; {how}"


def _in_order(network: nn.Module, layers: list[nn.Module]) -> tuple[list[nn.Module], list[int]]:
    """The layers as they are called, which a class may do in another order than it makes them.

    Also the height of what enters each; no heights where ``forward`` doesn't call all of them once.
    """
    called: list[nn.Module] = []
    entered: list[int] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        called.append(layer)
        entered.append(inputs[0].shape[-2])

    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    with contextlib.suppress(Exception), torch.inference_mode():  # what is wrong is said later
        network(torch.zeros(1, 64, 1, 1))
    for hook in hooks:
        hook.remove()
    once = len(called) == len(layers) == len(set(called))
    return (called, entered) if once else (layers, [])


def _takes_part(network: nn.Module, layer: nn.Module) -> bool:
    """Whether the layer's weights reach the output: it is NaN where they are."""
    kept = copy.deepcopy(layer.state_dict())
    for parameter in layer.parameters():
        parameter.fill_(torch.nan)
    reached = network(torch.zeros(1, 64, 1, 1)).isnan().any().item()
    layer.load_state_dict(kept)
    return reached


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
    if not isinstance(image, Tensor):
        raise Mistake(
            f"Each layer is right, but the whole gives a {type(image).__name__}; expected an image."
        )
    found = tuple(image.shape)
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


# -------------------------------------------------------------------------------------- the matrix

MATRIX_CASES = (  # height and width of the kernel, of the image; stride
    *((2, 3, 3, 7, 1), (3, 2, 5, 4, 2), (2, 2, 7, 5, 3), (1, 2, 3, 3, 1)),
)


def _matrix_cases() -> list[tuple[Tensor, int, int, int]]:
    """Kernel, height, width and stride of each case; kernels of both signs, in float64."""
    generator = torch.Generator().manual_seed(4)
    return [
        (torch.randn(tall, wide, generator=generator, dtype=torch.float64), height, width, stride)
        for tall, wide, height, width, stride in MATRIX_CASES
    ]


def _corners(kernel: Tensor, height: int, width: int, stride: int) -> list[tuple[int, int]]:
    """Where the windows begin, row by row."""
    rows = range(0, height - len(kernel) + 1, stride)
    return [(i, j) for i in rows for j in range(0, width - kernel.shape[1] + 1, stride)]


def _matrix(kernel, height, width, stride, corners=_corners, flatten=Tensor.flatten) -> Tensor:
    """A row for each window: the kernel where it lies, 0 elsewhere. Two parts can be wrong."""
    rows = []
    for i, j in corners(kernel, height, width, stride):
        image = kernel.new_zeros(height, width)
        part = image[i : i + len(kernel), j : j + kernel.shape[1]]
        part.copy_(kernel[: len(part), : part.shape[1]])
        rows.append(flatten(image))
    return torch.stack(rows)


def _side_by_side(kernel, height, width, stride) -> Tensor:
    """With the weights in one stretch."""
    rows = kernel.new_zeros(len(_corners(kernel, height, width, stride)), height * width)
    for row, (i, j) in zip(rows, _corners(kernel, height, width, stride), strict=True):
        part = row[i * width + j :][: kernel.numel()]
        part.copy_(kernel.flatten()[: len(part)])
    return rows


MATRIX_MISTAKES = {
    "The kernel is flipped; in a window it lies as it stands.": (
        lambda kernel, *sizes: _matrix(kernel.flip(0, 1), *sizes)
    ),
    "The pixels stand in the order of columns: .flatten() puts one image row behind the "
    "other.": lambda *case: _matrix(*case, flatten=lambda image: image.T.flatten()),
    "The windows stand in the order of columns; all windows of the first row come first.": (
        lambda *case: _matrix(
            *case, corners=lambda *case: sorted(_corners(*case), key=lambda corner: corner[::-1])
        )
    ),
    "The rows are in the opposite order: the window at the upper left comes first.": (
        lambda *case: _matrix(*case).flip(0)
    ),
    "The number of windows is right, but they begin 1 apart, whatever the stride is.": (
        lambda *case: _matrix(
            *case, corners=lambda *case: [(i // case[3], j // case[3]) for i, j in _corners(*case)]
        )
    ),
    "All rows are alike: the window has to move.": (
        lambda *case: _matrix(*case, corners=lambda *case: [(0, 0)] * len(_corners(*case)))
    ),
    "A row's weights stand in one stretch. Between a window's rows there are pixels that it "
    "doesn't see: lay the kernel on an image of zeros, then flatten that.": _side_by_side,
    "You mark where the window is; the kernel's weights belong there.": (
        lambda kernel, *sizes: _matrix(torch.ones_like(kernel), *sizes)
    ),
    "One image is filled again and again, so that earlier windows are still in it: begin each row "
    "with new zeros.": lambda *case: _piled(_matrix(*case)),
    "All rows are the last one, with all windows in it: they share one image. Begin each row with "
    "new zeros.": lambda *case: _piled(_matrix(*case))[-1:].expand(len(_corners(*case)), -1),
    "Each window is added to those before it: begin each row with new zeros.": (
        lambda *case: _matrix(*case).cumsum(0)
    ),
    "All windows are added up, in every row: they share one image. Begin each row with new "
    "zeros.": lambda *case: _matrix(*case).sum(0).expand(len(_corners(*case)), -1),
}


def _piled(rows: Tensor) -> Tensor:
    """Each row with the rows before it below."""
    piled = rows.clone()
    for before, row in zip(piled, piled[1:], strict=False):
        row[row == 0] = before[row == 0]
    return piled


def _matrix_shapes(kernel, height, width, stride) -> dict[tuple, str]:
    """What to say about a wrong shape."""
    windows, pixels = _matrix(kernel, height, width, stride).shape
    tall, wide = (
        (side - k) // stride + 1 for side, k in zip((height, width), kernel.shape, strict=True)
    )
    shapes = {
        (pixels, windows): "The shape of the transposed matrix; A has a row for each window, a "
        "column for each pixel.",
        (windows, height, width): "Flatten each image: a row of A has a number for each pixel.",
        (tall, wide, pixels): "The windows are in a grid; put all of them below each other.",
        (tall, wide, height, width): "Flatten both: a row for each window, a column for each "
        "pixel.",
        (windows, kernel.numel()): "Each row has only the kernel's weights. It needs a number for "
        "each pixel, 0 where the window isn't.",
        ((tall - 1) * (wide - 1), pixels): "A window is missing in each row and column. One may "
        "begin at height − k, and range leaves its end out.",
        (
            (height - len(kernel) + 1) * (width - kernel.shape[1] + 1),
            pixels,
        ): "You have all windows; only those that begin at multiples of the stride are placed.",
        (windows - 1, pixels): "One window is missing.",
        (pixels, pixels): "A row for each pixel; there are fewer windows than pixels.",
        (pixels,): "One row; each window has one.",
    }
    exchanged = len(_corners(kernel.T, height, width, stride)), pixels
    shapes.setdefault(exchanged, "Height and width are exchanged, of the kernel or of the image.")
    shapes.pop((windows, pixels), None)
    return shapes


@check
def convolution_matrix(answer) -> str:
    """``answer(kernel, height, width, stride)``: A, with ``A @ x.flatten()`` = Conv x, no padding.

    A is ``(windows, height · width)``.
    """
    cases, found = _matrix_cases(), []
    asked = "kernel.shape={0.shape}, height={1}, width={2}, stride={3}"
    for case in cases:
        made = call_unchanged("mul_.", answer, *case, cures=FLOAT64)
        where, right = f"For {asked.format(*case)} your answer", _matrix(*case).shape
        what = "a row for each window, a column for each pixel"
        found.append(tensor(made, what, right, _matrix_shapes(*case), where=where))
    otherwise = (
        "The shape is right, but for {case} there is {found}; it should be {right}. Row r, laid "
        "out as an image, is the kernel in window r and 0 around it."
    )
    explain(found, _matrix, MATRIX_MISTAKES, cases=cases, asked=asked, otherwise=otherwise)
    return (
        f"Right, for all {len(cases)} cases tried: A @ x is the convolution, A.T @ y the stamping."
    )
