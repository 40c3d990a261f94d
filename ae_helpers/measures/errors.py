"""The error that every lesson reports: the mean squared error (MSE) per pixel.

Pixels are in [0, 1], and errors are averaged over images. ``in_pairs`` compares the errors of two
kinds of networks.
"""

from collections.abc import Sequence
from math import comb
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.data import check_axes, to_float
from ae_helpers.models import in_evaluation


def image_errors(images: Tensor, reconstructions: Tensor) -> Tensor:
    """The MSE of each image: two ``(N, C, H, W)`` → ``(N,)``, ``float32``.

    Part by part to save memory. One reconstruction, ``(1, C, H, W)``, is compared with all images.

    Raises:
        ValueError: see ``data.check_axes``.
    """
    check_axes(images)
    parts = (each.split(1_000) for each in (images, reconstructions.expand_as(images)))
    pairs = zip(*parts, strict=True)
    return torch.cat([(to_float(a) - to_float(b)).square().flatten(1).mean(1) for a, b in pairs])


def error_maps(images: Tensor, reconstructions: Tensor) -> Tensor:
    """The squared error of each pixel, mean of its channels: two ``(N, C, H, W)`` → ``(N, H, W)``.

    Part by part to save memory; ``float32``.

    Raises:
        ValueError: see ``data.check_axes``.
    """
    check_axes(images)
    parts = zip(images.split(1_000), reconstructions.split(1_000), strict=True)
    return torch.cat([(to_float(a) - to_float(b)).square().mean(1) for a, b in parts])


def worst_patch(images: Tensor, reconstructions: Tensor, side: int = 5) -> Tensor:
    """The highest error that a square of the image has: two ``(N, C, H, W)`` → ``(N,)``.

    A defect is small. In the mean over all pixels it drowns; in a square of about its own size, the
    mean of ``side × side`` pixels of ``error_maps``, it doesn't.
    """
    maps = error_maps(images, reconstructions)
    return F.avg_pool2d(maps[:, None], side, stride=1).flatten(1).amax(1)


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


class InPairs(NamedTuple):
    """How the errors of one kind of network stand to those of another, seed by seed."""

    lower: int
    pairs: int  # that differ; a tie speaks for neither
    difference: float  # the median of one − other, ties included

    @property
    def luck(self) -> float:
        """How often a fair coin is at least as one-sided, either way: the sign test's p."""
        side = max(self.lower, self.pairs - self.lower)
        throws = sum(comb(self.pairs, heads) for heads in range(side, self.pairs + 1))
        return min(1.0, 2 * throws / 2**self.pairs)

    def __str__(self) -> str:
        return f"lower in {self.lower} of {self.pairs}, median difference {self.difference:+.4f}"


def in_pairs(one: Sequence[float], other: Sequence[float]) -> InPairs:
    """Compare errors in pairs: the same seed on both sides, so that what it does to both cancels.

    Args:
        one: an error for each seed.
        other: the errors of what ``one`` is compared with, for the same seeds in the same order.

    Raises:
        ValueError: none, or not as many on both sides.
    """
    if len(one) != len(other) or not len(one):
        raise ValueError(f"{len(one)} errors beside {len(other)}; expected as many, and some.")
    differences = [a - b for a, b in zip(one, other, strict=True)]
    lower, higher = sum(d < 0 for d in differences), sum(d > 0 for d in differences)
    return InPairs(lower, lower + higher, float(median(differences)))
