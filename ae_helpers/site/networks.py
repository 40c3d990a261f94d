"""Networks as a page's nn.js takes them: a list of layers, and all weights in one piece."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ae_helpers.models import ordinary
from ae_helpers.models.vae import VAE

# Layers that act on each number by itself, by what nn.js calls them.
ACTIVATIONS = {nn.ReLU: "relu", nn.LeakyReLU: "leaky_relu", nn.GELU: "gelu", nn.Sigmoid: "sigmoid"}
PASSED = (nn.Identity, nn.Dropout)  # which do nothing in evaluation mode


@dataclass(frozen=True)
class OnlyDecoder:
    """Of an autoencoder what a page needs that encodes nothing."""

    model: nn.Module


def exported(model: nn.Module | OnlyDecoder) -> tuple[dict, bytes]:
    """A network for the page.

    Args:
        model: ``models.Autoencoder``, one for images of another shape, ``VAE`` or ``Paired``. It
            encodes by the layers of ``encoder``, of a VAE also by ``mean``.

    Returns:
        The shapes of an image and of a code, ``(C, H, W)``, and the layers of both halves, to be
        written as JSON; the weights, ``float32``, little endian.

    Raises:
        TypeError: a layer that nn.js doesn't have; the message names it.
    """
    encodes = not isinstance(model, OnlyDecoder)
    # nn.Module doesn't say what its parts are.
    network: Any = model.model if isinstance(model, OnlyDecoder) else model
    weights: list[Tensor] = []
    down: list[tuple[str, nn.Module | Tensor]] = []
    if encodes:
        down += _flat("", network.encoder)
    up: list[tuple[str, nn.Module | Tensor]] = list(_flat("", network.decoder))
    if isinstance(network, VAE):
        if encodes:
            down.append(("mean", network.mean))
        up.insert(1, ("places", network.places))
    code = getattr(model, "code_shape", (network.latent_size, 1, 1))
    with ordinary(), torch.inference_mode():
        image = torch.zeros(1, *network.input_shape)
        definition = {
            "input": list(network.input_shape),
            "code": list(code),
            "encode": _layers(down, image, weights) if encodes else None,
            "decode": _layers(up, torch.zeros(1, *code), weights),
        }
    numbers = torch.cat([weight.flatten() for weight in weights]).cpu()
    return definition, numbers.numpy().astype("<f4").tobytes()


def _flat(prefix: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers of a half, also of one made of several ``Sequential``, by name and in order."""
    for name, part in module.named_children():
        if isinstance(part, nn.Sequential):
            yield from _flat(f"{prefix}{name}.", part)
        else:
            yield f"{prefix}{name}", part


def _layers(
    parts: Sequence[tuple[str, nn.Module | Tensor]], batch: Tensor, weights: list[Tensor]
) -> list[dict]:
    """What nn.js is to do, layer by layer, and with which shapes; the weights join ``weights``.

    Args:
        parts: layers by name; a tensor is added.
        batch: a zero image or code, to pass through them.
    """

    def put(tensor: Tensor | None, length: int) -> int:
        """Where these numbers begin among all weights; none stands for so many zeros."""
        start = sum(weight.numel() for weight in weights)
        weights.append(torch.zeros(length) if tensor is None else tensor.detach().float())
        return start

    layers = []
    for name, part in parts:
        if isinstance(part, PASSED):
            continue
        layer: dict = {"name": name}
        if isinstance(part, Tensor):
            layer |= {"kind": "places", "bias": put(part, part.numel())}
            batch = batch + part
        else:
            if isinstance(part, nn.Linear) and batch.ndim != 2:
                raise TypeError(
                    f"{name} is {part} and takes {tuple(batch.shape[1:])}; expected a row of "
                    "numbers, as nn.js has it. Put nn.Flatten() before it."
                )
            layer |= _layer(name, part, put)
            batch = _evaluated(part, batch)
        layer["shape"] = [*batch.shape[1:], 1, 1][:3]  # a linear layer's numbers are channels
        layers.append(layer)
    return layers


def _evaluated(part: nn.Module, batch: Tensor) -> Tensor:
    was_training = part.training
    try:
        return part.eval()(batch)
    finally:
        part.train(was_training)


def _layer(name: str, part: nn.Module, put) -> dict:
    """One layer as nn.js takes it. Weights lie as [input channel][place][output channel]."""
    if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d)):
        plain = part.groups == 1 and part.padding_mode == "zeros" and set(part.dilation) == {1}
        if not plain or isinstance(part.padding, str):
            raise TypeError(
                f"{name} is {part}; expected a convolution without groups and dilation, and with "
                "a number of zeros around its input. nn.js would have to learn more."
            )
        transposed = isinstance(part, nn.ConvTranspose2d)
        order = (0, 2, 3, 1) if transposed else (1, 2, 3, 0)
        return {
            "kind": "deconv" if transposed else "conv",
            "kernel": list(part.kernel_size),
            "stride": list(part.stride),
            "padding": list(part.padding),
            "weight": put(part.weight.permute(*order), 0),
            "bias": put(part.bias, part.out_channels),
        }
    if isinstance(part, nn.Linear):
        return {
            "kind": "linear",
            "weight": put(part.weight.T, 0),
            "bias": put(part.bias, part.out_features),
        }
    if isinstance(part, nn.BatchNorm2d) and part.track_running_stats:
        channels = part.num_features
        return {
            "kind": "batch_norm",
            "weight": put(part.weight if part.affine else torch.ones(channels), channels),
            "bias": put(part.bias, channels),
            "mean": put(part.running_mean, channels),
            "variance": put(part.running_var, channels),
            "eps": part.eps,
        }
    if isinstance(part, (nn.Flatten, nn.Unflatten)):
        return {"kind": "reshape"}
    kind = ACTIVATIONS.get(type(part))
    if kind is None or getattr(part, "approximate", "none") != "none":
        raise TypeError(
            f"{name} is {part}; expected one of the layers of the shipped networks. Teach it to "
            "nn.js and to networks.py."
        )
    return {"kind": kind} | ({"slope": part.negative_slope} if kind == "leaky_relu" else {})
