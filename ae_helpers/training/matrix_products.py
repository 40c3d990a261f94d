"""The same layers, computed as matrix products: same parameters, same numbers, less time.

The backbone is tiny, so a training step on a CPU is mostly the overhead of general convolution
routines. Six of its eight layers are matrix products in disguise, and here they are swapped in
while a network trains. (The backbone's gradients have a shorter way still, `by_hand`.) Results
agree with PyTorch's own layers up to the rounding of float32; lesson 12 measures what it brings.
"""

import contextlib
import functools
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler

from ae_helpers.training import loop
from ae_helpers.training.loop import Objective, reconstruction_error

# A convolution of which `_rule` has made sure what torch's types leave open: its settings are whole
# numbers, and it has a bias.
Fitting = Any
BLOCK = 4  # neighbouring output columns that the banded product computes at once; 4 measured best


def suits(
    model: nn.Module, objective: Objective, batch_size: int, processes: int, device: torch.device
) -> bool:
    """Whether these steps can train: whatever it is, on a CPU."""
    return device.type == "cpu"


def train_steps(
    model: nn.Module,
    images: Tensor,
    batches: Iterable[Tensor],
    optimizer: torch.optim.Optimizer,
    schedule: LRScheduler | None = None,
    objective: Objective = reconstruction_error,
) -> Generator[Tensor, None, None]:
    """The steps of `loop.train_steps`, with the layers of ``model`` as matrix products."""
    with as_products(model):
        yield from loop.train_steps(model, images, batches, optimizer, schedule, objective)


@contextlib.contextmanager
def as_products(model: nn.Module) -> Iterator[None]:
    """Within this block, the layers of ``model`` that can be matrix products are."""
    # A forward that somebody else has put there stays.
    layers = []
    for layer in model.modules():
        if (rule := _rule(layer)) and "forward" not in vars(layer):
            layer.forward = functools.partial(rule, layer)  # hides the method of the class …
            layers.append(layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward  # … until it is deleted
        _scratch.cache_clear()  # tens of megabytes


def _rule(layer: Any) -> Callable[[Fitting, Tensor], Tensor] | None:
    """The function that computes this kind of layer as a matrix product, if there is one."""
    if type(layer) not in (nn.Conv2d, nn.ConvTranspose2d) or layer.bias is None:
        return None
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):  # "same", "valid"
        return None
    square = all(a == b for a, b in (layer.kernel_size, layer.stride, layer.padding))
    if not square or layer.groups != 1 or layer.dilation != (1, 1):
        return None
    if isinstance(layer, nn.Conv2d):
        large = layer.in_channels == 1 and layer.stride == (1, 1) and layer.kernel_size[0] > 7
        return _banded if large else _conv_to_one_pixel
    if layer.output_padding != (0, 0):
        return None
    (k, _), (stride, _), (p, _) = layer.kernel_size, layer.stride, layer.padding
    if layer.out_channels == 1 and k > stride and k % stride == 0 and p >= k - stride:
        return _banded_stamps
    if p:
        return None
    return _stamps if layer.kernel_size == layer.stride else _stamp_of_one_pixel


def _conv_to_one_pixel(layer: Fitting, x: Tensor) -> Tensor:
    """One window that covers the whole image is a linear layer."""
    p, k, side = layer.padding[0], layer.kernel_size[0], x.shape[2]
    one_window = x.shape[3] == side and (side + 2 * p - k) // layer.stride[0] == 0
    if not one_window or k - p < side:
        return nn.Conv2d.forward(layer, x)
    seen = layer.weight[:, :, p : p + side, p : p + side]  # the rest of the kernel meets padding
    # Channels last, in both: so they lie in memory.
    x, seen = (t.permute(0, 2, 3, 1).flatten(1) for t in (x, seen))
    return F.linear(x, seen, layer.bias)[:, :, None, None]


def _stamp_of_one_pixel(layer: Fitting, x: Tensor) -> Tensor:
    """One pixel per channel stamps one kernel per channel: a linear layer without overlap."""
    if x.shape[2:] != (1, 1):
        return nn.ConvTranspose2d.forward(layer, x)
    k, out = layer.kernel_size[0], layer.out_channels
    stamps = layer.weight.permute(0, 2, 3, 1).flatten(1)
    y = torch.addmm(layer.bias.expand(k * k, -1).reshape(-1), x.flatten(1), stamps)
    return y.view(-1, k, k, out).permute(0, 3, 1, 2)


def _stamps(layer: Fitting, x: Tensor) -> Tensor:
    """Stamps as wide as their stride never overlap: one product, then put them side by side."""
    n, channels, height, width = x.shape
    k, out = layer.kernel_size[0], layer.out_channels
    stamps = layer.weight.permute(0, 2, 3, 1).flatten(1)  # (in, k·k·out)
    pixels = x.permute(0, 2, 3, 1).reshape(-1, channels)
    y = torch.addmm(layer.bias.expand(k * k, -1).reshape(-1), pixels, stamps)
    y = y.view(n, height, width, k, k, out).transpose(2, 3)
    return y.reshape(n, height * k, width * k, out).permute(0, 3, 1, 2)


def _banded(layer: Fitting, x: Tensor) -> Tensor:
    """A large kernel on one channel: each strip of the image times a banded copy of the kernel.

    A strip is k rows of k + BLOCK − 1 pixels: all that BLOCK neighbouring outputs of a row can see.
    The band holds the kernel BLOCK times, each one pixel further right, so that one product gives
    the BLOCK outputs of all channels. This copies the image k·(k + BLOCK − 1) / BLOCK times over,
    im2col would do it k·k times.
    """
    k, out = layer.kernel_size[0], layer.out_channels
    if (x.shape[3] + 2 * layer.padding[0] - k + 1) % BLOCK:
        return nn.Conv2d.forward(layer, x)
    x = F.pad(x, [layer.padding[0]] * 4)[:, 0]
    n, height, width = x.shape
    rows, columns, seen = height - k + 1, width - k + 1, k + BLOCK - 1
    strips = x.unfold(2, seen, BLOCK).transpose(1, 2).reshape(n, -1, height * seen)
    strips = strips.unfold(2, k * seen, seen).transpose(1, 2)  # (n, rows, columns / BLOCK, …)
    strips = _scratch(strips.shape, x.dtype).detach().copy_(strips).view(-1, k * seen)
    band = layer.weight.view(-1, k) @ _shifts(k).to(x.dtype)
    band = band.view(out, k, seen, BLOCK).permute(1, 2, 3, 0).reshape(k * seen, BLOCK * out)
    y = torch.addmm(layer.bias.expand(BLOCK, -1).reshape(-1), strips, band)
    return y.view(n, rows, columns, out).permute(0, 3, 1, 2)


def _banded_stamps(layer: Fitting, x: Tensor) -> Tensor:
    """Stamps that overlap, for one output channel: each row of the input times a banded matrix.

    The band holds the stamps of all pixels of a row, each at its columns of the output, so that one
    product gives every input row's stamp: k rows of the output. Stamps of neighbouring rows overlap
    and are added. The padding crops the outermost rows, which get fewer stamps.
    """
    (k, _), (stride, _), (p, _) = layer.kernel_size, layer.stride, layer.padding
    n, channels, height, width = x.shape
    rows, columns = ((side - 1) * stride - 2 * p + k for side in (height, width))
    band = layer.weight.reshape(-1, k) @ _places(k, stride, p, width, columns).to(x.dtype)
    band = band.view(channels, k, width, columns).permute(2, 0, 1, 3)
    stamps = x.permute(0, 2, 3, 1).reshape(n * height, -1) @ band.reshape(width * channels, -1)
    parts = stamps.view(n, height, k // stride, -1).unbind(2)  # of ``stride`` output rows each
    strips = height - len(parts) + 1
    y = sum(part[:, len(parts) - 1 - i :][:, :strips] for i, part in enumerate(parts))
    first = p - (k - stride)
    return y.view(n, 1, strips * stride, columns)[:, :, first : first + rows] + layer.bias


@functools.lru_cache(4)
@torch.inference_mode(False)  # or training couldn't use what an evaluation made
def _scratch(shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """Memory that each step uses again: new pages, megabytes of them, cost as much as a layer."""
    return torch.empty(shape, dtype=dtype)


@functools.cache
@torch.inference_mode(False)
def _shifts(k: int) -> Tensor:
    """Zeros and ones, ``(k, (k + BLOCK − 1) · BLOCK)``: spreads a kernel row over its shifts."""
    seen = k + BLOCK - 1
    return _places(k, 1, 0, BLOCK, seen).view(k, BLOCK, seen).transpose(1, 2).reshape(k, -1)


@functools.cache
@torch.inference_mode(False)
def _places(k: int, stride: int, padding: int, width: int, columns: int) -> Tensor:
    """Zeros and ones, ``(k, width · columns)``: where each column of a stamp falls, if anywhere."""
    places = torch.zeros(k, width, columns)
    for tap in range(k):
        column = torch.arange(width) * stride + tap - padding
        inside = (column >= 0) & (column < columns)
        places[tap, torch.arange(width)[inside], column[inside]] = 1
    return places.view(k, width * columns)
