"""The backbone's loss and gradients without autograd: each layer forward and backward by hand.

On a CPU, a training step of a network as small as this one has many small costs: new memory for
every result, bookkeeping for every operation. Here each result has a place that every step uses
again, each layer is one matrix product in each direction, and the activations are computed while
results are carried from one layer to the next. `training.fit` takes this way when it can; the
numbers are those of PyTorch's layers up to the rounding of float32, `benchmarks/` has the seconds.

A convolution *gathers*: each pixel of its output looks at a window of its input. A transposed
convolution *spreads*: each pixel of its input stamps a window of its output. Each is the other's
gradient (Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016). So both
are the same here, in opposite directions, between an ``image``, the side of the windows, and a
``map``, with a pixel for each window. Both lie in memory channels last, ``(n, height, width,
channels)``. ``by_x`` is the gradient of the loss with respect to ``x``.
"""

from collections.abc import Generator, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from ae_helpers.data import to_float
from ae_helpers.models import Autoencoder
from ae_helpers.training.loop import Objective, reconstruction_error

# One of the backbone's; torch's types leave open that its settings are numbers, and its bias there.
Convolution = Any
UP_TO = 512  # images per batch, for each of them takes 300 kB
COPYING = 40  # copying a number takes about as long as so many multiplications; 40 measured best

# PyTorch has no other names for derivatives that are written to a given place.
relu_derivative = torch.ops.aten.threshold_backward.grad_input
sigmoid_derivative = torch.ops.aten.sigmoid_backward.grad_input


def suits(
    model: nn.Module, objective: Objective, batch_size: int, processes: int, device: torch.device
) -> bool:
    """Whether these steps can train: the backbone by its own objective, alone, on a CPU."""
    plain = objective is reconstruction_error and batch_size <= UP_TO
    return plain and processes == 1 and device.type == "cpu" and ByHand.suits(model)


def train_steps(
    model: nn.Module,
    images: Tensor,
    batches: Iterable[Tensor],
    optimizer: torch.optim.Optimizer,
    schedule: LRScheduler | None = None,
    objective: Objective = reconstruction_error,
) -> Generator[Tensor, None, None]:
    """The steps of `loop.train_steps`, for the backbone and its own objective.

    Raises:
        ValueError: another network, see ``ByHand.suits``, or another objective.
    """
    if objective is not reconstruction_error:
        raise ValueError(
            f"the objective is {objective!r}; expected reconstruction_error, whose gradients are "
            "written down here. Use loop.train_steps for others."
        )
    gradients = ByHand(model)
    model.train()
    for index in batches:
        loss = gradients(to_float(images[index]))
        optimizer.step()
        if schedule:
            schedule.step()
        yield loss


class ByHand:
    """Does for the backbone what ``F.mse_loss(model(batch), batch).backward()`` does.

    Raises:
        ValueError: another network, see ``suits``.
    """

    def __init__(self, model: nn.Module):
        if not self.suits(model):
            raise ValueError(
                f"this {type(model).__name__} isn't what is written down here; expected "
                "Autoencoder() as it comes, nothing frozen and no hooks. Use autograd for others."
            )
        self.layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
        self.steps: dict[tuple[int, ...], Step] = {}

    @staticmethod
    def suits(model: nn.Module) -> bool:
        """Whether ``model`` is the backbone, nothing in it is frozen and nobody listens in."""
        with torch.device("meta"):  # without weights, and so without random numbers
            known = Autoencoder()
        modules, parameters = list(model.modules()), list(model.parameters())
        same = [*map(type, modules)] == [*map(type, known.modules())] and str(model) == str(known)
        hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
        heard = any(vars(m)[name] for m in modules for name in hooks) or any(
            p._backward_hooks or p._post_accumulate_grad_hooks for p in parameters
        )
        replaced = any("forward" in vars(module) for module in modules)
        return same and not (heard or replaced) and all(p.requires_grad for p in parameters)

    def __call__(self, batch: Tensor) -> Tensor:
        """Set the gradients of all parameters, whatever they were; return the loss.

        The next call with as many images writes its gradients into the same memory.

        Args:
            batch: images, ``(N, 1, 28, 28)``, floats in [0, 1].
        """
        # The places are for a number of images, and for parameters that stay where they are.
        key = len(batch), *(p.data_ptr() for layer in self.layers for p in layer.parameters())
        if key not in self.steps:
            if len(self.steps) > 1:  # whole batches, and the last of an epoch
                self.steps.clear()
            self.steps[key] = Step(self.layers, len(batch))
        return self.steps[key](batch)


class Step:
    """A training step with ``n`` images but for the optimiser: through all layers and back."""

    @torch.no_grad()
    def __init__(self, layers: list[Convolution], n: int):
        self.layers: list[Layer] = []
        size: tuple[int, ...] = (n, 28, 28, 1)
        for layer in layers:
            self.layers.append(Layer(layer, size, first=not self.layers))
            size = self.layers[-1].y_size
        self.reconstruction, self.difference = layers[0].weight.new_zeros(2, *size)
        # A ReLU follows each layer but the last of either half.
        pairs = list(zip(self.layers, self.layers[1:], [1, 1, 1, 0, 1, 1, 1], strict=False))
        self.forth: list[tuple[Any, ...]] = [(a, relu, *_alike(a.y, b.x)) for a, b, relu in pairs]
        self.back: list[tuple[Any, ...]] = [
            (b, relu, *_alike(b.by_x, b.x, a.by_y)) for a, b, relu in pairs[::-1]
        ]

    @torch.no_grad()
    def __call__(self, batch: Tensor) -> Tensor:
        """Set the gradients of all parameters; return the loss."""
        first, last, images = self.layers[0], self.layers[-1], batch.permute(0, 2, 3, 1)
        first.x.copy_(images)
        for layer, relu, y, x in self.forth:
            layer.forward()
            torch.clamp_min(y, 0, out=x) if relu else x.copy_(y)
        last.forward()

        y, reconstruction = _alike(last.y, self.reconstruction)
        torch.sigmoid(y, out=reconstruction)
        torch.sub(self.reconstruction, images, out=self.difference)
        loss = self.difference.square().mean()
        self.difference.mul_(2 / self.difference.numel())
        sigmoid_derivative(self.difference, self.reconstruction, grad_input=last.by_y)

        for layer, relu, by_x, x, by_y in self.back:
            layer.backward()
            relu_derivative(by_x, x, 0, grad_input=by_y) if relu else by_y.copy_(by_x)
            layer.differentiate()
        first.differentiate()
        return loss


class Layer:
    """A layer: the way from its input ``x`` to its output ``y``, and from ``by_y`` to ``by_x``."""

    x: Tensor
    y: Tensor
    by_x: Tensor
    by_y: Tensor

    def __init__(self, layer: Convolution, x_size: tuple[int, ...], first: bool):
        n, height, width, channels = x_size
        y = layer(layer.weight.new_zeros(n, channels, height, width))
        self.y_size = tuple(y.permute(0, 2, 3, 1).shape)
        self.spreads = isinstance(layer, nn.ConvTranspose2d)
        image, map = (self.y_size, x_size) if self.spreads else (x_size, self.y_size)
        if map[1:3] == (1, 1) or layer.kernel_size == layer.stride:
            sides: Separate | Overlapping = Separate(layer, image, map)
        else:
            sides = Overlapping(layer, image, map, spreads=not first)
        self.sides = sides
        if self.spreads:
            self.x, self.y = sides.map_in, sides.image_out
            self.by_y, self.by_x = sides.image_in, sides.map_out
        else:
            self.x, self.y = sides.image_in, sides.map_out
            self.by_y, self.by_x = sides.map_in, sides.image_out
        whole = sides.image_whole if self.spreads else sides.map_in
        self.by_y_rows = whole.view(-1, whole[0, 0].numel()).T
        self.ones = whole.new_ones(self.by_y_rows.shape[1])
        self.parameters, self.bias = (layer.weight, layer.bias), layer.bias.detach()
        self.gradients = sides.by_weight, torch.zeros_like(self.bias)

    def forward(self) -> None:
        """``x`` → ``y``."""
        (self.sides.spread if self.spreads else self.sides.gather)(self.bias)

    def backward(self) -> None:
        """``by_y`` → ``by_x``."""
        (self.sides.gather if self.spreads else self.sides.spread)()

    def differentiate(self) -> None:
        """``x``, ``by_y`` → the gradients of the parameters.

        The first layer has no ``backward``; in all others it comes before.
        """
        self.sides.differentiate()
        total = torch.mv(self.by_y_rows, self.ones)
        torch.sum(total.view(-1, len(self.bias)), 0, out=self.gradients[1])
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            parameter.grad = gradient


class Separate:
    """The two sides of a layer whose windows lie side by side, or that has but one: it is linear.

    Attributes:
        image_in, map_in: where the sides are put, to ``gather`` or ``spread``.
        map_out, image_out: where the result is then.
        image_whole: ``image_in`` with its padding, as it lies in memory.
        by_weight: where ``differentiate`` puts the gradient of the loss by the layer's kernel.
    """

    def __init__(self, layer: Convolution, image: tuple, map: tuple):
        (n, height, _, channels), (_, h, w, maps) = image, map
        k, p = height // h, layer.padding[0]
        self.by_weight = torch.zeros_like(layer.weight)
        seen = slice(p, p + k)  # of a larger kernel, the part that meets the image
        self.kernel, self.by_kernel = (
            t.permute(0, 2, 3, 1)[:, seen, seen] for t in (layer.weight.detach(), self.by_weight)
        )
        self.gradient = self.by_weight.new_zeros(maps, k * k * channels)
        self.rows_in, self.rows_out = self.by_weight.new_zeros(2, n * h * w, k * k * channels)
        self.image_whole = self.rows_in.view(n, h, w, k, k * channels)
        self.image_in = self.image_whole.transpose(2, 3)
        self.image_out = self.rows_out.view(self.image_whole.shape).transpose(2, 3)
        self.map_in, self.map_out = self.by_weight.new_zeros(2, *map)
        self.pixels_in, self.pixels_out = self.map_in.view(-1, maps), self.map_out.view(-1, maps)

    def gather(self, bias: Tensor | None = None) -> None:
        """``image_in`` → ``map_out``: a convolution."""
        _multiply(self.rows_in, self.kernel.flatten(1).T, bias, out=self.pixels_out)

    def spread(self, bias: Tensor | None = None) -> None:
        """``map_in`` → ``image_out``: a transposed convolution."""
        _multiply(self.pixels_in, self.kernel.flatten(1), bias, out=self.rows_out)

    def differentiate(self) -> None:
        """``image_in``, ``map_in`` → ``by_weight``."""
        torch.mm(self.pixels_in.T, self.rows_in, out=self.gradient)
        self.by_weight.zero_()  # what isn't seen, even if somebody has written there
        self.by_kernel.copy_(self.gradient.view(self.by_kernel.shape))


class Overlapping:
    """The same for windows that overlap.

    To spread, a pixel of the image gathers what t × t neighbouring pixels of the map stamp there.
    Which, and through which part of the kernel, repeats every ``stride`` pixels. So these are
    windows of the map, each of which gives ``stride`` × ``stride`` pixels (Shi et al., "Is the
    deconvolution layer the same as a convolutional layer?", 2016).
    """

    def __init__(self, layer: Convolution, image: tuple, map: tuple, spreads: bool):
        (n, height, width, channels), (_, h, w, maps) = image, map
        (k, _), (stride, _), (p, _) = layer.kernel_size, layer.stride, layer.padding
        self.weight, self.by_weight = layer.weight.detach(), torch.zeros_like(layer.weight)
        self.kernel, self.by_kernel = (
            t.permute(2, 3, 1, 0).unsqueeze(3) for t in (self.weight, self.by_weight)
        )
        self.image_whole = self.weight.new_zeros(n, height + 2 * p, width + 2 * p, channels)
        self.image_in = self.image_whole[:, p : p + height, p : p + width]
        self.windows = Windows(self.image_whole, k, stride, 1, maps)
        self.map_in, self.map_out = self.weight.new_zeros(map), self.windows.product.view(map)
        self.image_out: Any = None
        if not spreads:
            return

        before = -p % stride  # zeros, so that windows begin at multiples of the stride
        t = -(-(before + k) // stride)
        zeros = self.weight.new_zeros(maps, channels, t * stride, t * stride)
        self.inner = zeros[:, :, before : before + k, before : before + k]
        self.parts = zeros.unflatten(3, (t, stride)).unflatten(2, (t, stride))
        padded = self.weight.new_zeros(n, height // stride + t - 1, width // stride + t - 1, maps)
        first = t - 1 - (p + before) // stride
        self.map_padded = padded[:, first : first + h, first : first + w]
        self.stamps = Windows(padded, t, 1, stride, stride * channels)
        self.image_out = self.stamps.output

    def gather(self, bias: Tensor | None = None) -> None:
        """``image_in`` → ``map_out``: a convolution."""
        self.windows.multiply(self.kernel, bias)

    def spread(self, bias: Tensor | None = None) -> None:
        """``map_in`` → ``image_out``: a transposed convolution."""
        self.map_padded.copy_(self.map_in)
        self.inner.copy_(self.weight)
        parts = self.parts.flip(2, 4).permute(2, 4, 0, 3, 5, 1)  # the last part is met first
        self.stamps.multiply(parts.flatten(4), bias)

    def differentiate(self) -> None:
        """``image_in``, ``map_in`` → ``by_weight``; windows are those of the last ``gather``."""
        by_map = self.map_in.view_as(self.windows.product)
        torch.mm(self.windows.matrix.T, by_map, out=self.windows.gradient)
        torch.sum(self.windows.by_kernels, 4, out=self.by_kernel)


class Windows:
    """All windows of an image times a kernel, as one matrix product.

    A block of neighbouring windows is taken as one wide window. Its matrix is a band: the kernel as
    often as there are windows in it, each one stride further right, with zeros around.

    Args:
        image: ``(n, height, width, channels)``, with its padding.
        k, stride: the side of a window, and the way from one to the next.
        high, wide: each window gives ``high`` rows of ``wide`` numbers.

    Attributes:
        output: ``(n, rows, high, blocks, block · wide)``, as an image of ``rows · high`` rows.
    """

    def __init__(self, image: Tensor, k: int, stride: int, high: int, wide: int):
        n, height, width, channels = image.shape
        rows, columns = ((side - k) // stride + 1 for side in (height, width))
        block = _block(columns, k, stride, high * wide)
        seen = (block - 1) * stride + k  # columns
        a, b, c, _ = image.stride()
        shape = n, rows, columns // block, k, seen * channels
        self.windows = image.as_strided(shape, (a, stride * b, block * stride * c, b, 1))
        self.copies = image.new_zeros(shape)
        self.matrix = self.copies.view(-1, k * seen * channels)

        band, gradient = image.new_zeros(2, k, seen, channels, high, block, wide)
        a, b, c, d, e, f = band.stride()
        kernels, strides = (k, k, channels, high, block, wide), (a, b, c, d, e + stride * b, f)
        self.kernels = band.as_strided(kernels, strides)
        self.by_kernels = gradient.as_strided(kernels, strides, gradient.storage_offset())
        self.band, self.gradient = (t.view(self.matrix.shape[1], -1) for t in (band, gradient))

        self.product = self.matrix @ self.band
        self.output = self.product.view(n, rows, -1, high, block * wide).transpose(2, 3)

    def multiply(self, kernel: Tensor, bias: Tensor | None) -> None:
        """Fill ``output``, by a kernel ``(k, k, channels, high, wide)``."""
        self.kernels.copy_(kernel.unsqueeze(4))
        self.copies.copy_(self.windows)
        _multiply(self.matrix, self.band, bias, out=self.product)


def _block(columns: int, k: int, stride: int, numbers: int) -> int:
    """How many neighbouring windows, of ``numbers`` results each, are best taken as one.

    The more, the fewer copies, for they overlap, and the more multiplications by zeros.
    """

    def cost(block: int) -> float:  # for each output column
        return ((block - 1) * stride + k) / block * (block * numbers + COPYING)

    return min((b for b in range(1, columns + 1) if columns % b == 0), key=cost)


def _multiply(a: Tensor, b: Tensor, bias: Tensor | None, out: Tensor) -> None:
    """``a @ b``, plus a bias for each channel; the channels come last in each row."""
    if bias is None:
        torch.mm(a, b, out=out)
    else:
        bias = bias.expand(out.shape[1] // len(bias), -1).reshape(-1)
        torch.addmm(bias, a, b, out=out)


def _alike(*tensors: Tensor) -> list[Tensor]:
    """Views of the tensors with the same shape: that of the one with most dimensions."""
    shape = max((tensor.shape for tensor in tensors), key=len)
    return [tensor.view(shape) for tensor in tensors]
