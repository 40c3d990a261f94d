"""The error that every lesson reports: the mean squared error (MSE) per pixel.

Pixels are in [0, 1], and errors are averaged over images.
"""

import torch
from torch import Tensor, nn

from ae_helpers.data import to_float
from ae_helpers.models import in_evaluation


def image_errors(images: Tensor, reconstructions: Tensor) -> Tensor:
    """The MSE of each image: two ``(N, C, H, W)`` → ``(N,)``, ``float32``.

    Part by part to save memory. One reconstruction, ``(1, C, H, W)``, is compared with all images.
    """
    parts = (each.split(1_000) for each in (images, reconstructions.expand_as(images)))
    pairs = zip(*parts, strict=True)
    return torch.cat([(to_float(a) - to_float(b)).square().flatten(1).mean(1) for a, b in pairs])


def reconstruct(model: nn.Module, images: Tensor, batch_size: int = 200) -> Tensor:
    """Pass images through ``model`` in evaluation mode.

    Args:
        model: an autoencoder; its mode (training or evaluation) is put back afterwards.
        images: ``(N, C, H, W)``, ``uint8`` or floats in [0, 1].
        batch_size: how many at once; it changes memory and speed, not the result.

    Returns:
        Reconstructions, ``float32``, same shape, on the CPU.

    Raises:
        TypeError, ValueError: see ``data.check_images``.
    """
    return in_evaluation(model, model, images, batch_size)


def evaluate(model: nn.Module, images: Tensor) -> float:
    """The mean over images of the MSE per pixel, in evaluation mode.

    Raises:
        TypeError, ValueError: see ``data.check_images``.
    """

    def errors(batch: Tensor) -> Tensor:
        return image_errors(batch, model(batch))

    return in_evaluation(model, errors, images, batch_size=200).mean().item()
