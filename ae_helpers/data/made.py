"""Datasets that are made from others."""

import colorsys
from dataclasses import replace

import torch
from torch import Tensor

from ae_helpers.data.images import ImageData

SATURATION = 0.7  # below 1, so that a blue digit isn't dark


def coloured(digits: ImageData, seed: int = 0) -> ImageData:
    """Grey digits on black, each in a hue of its own: ``(N, 1, H, W)`` → ``(N, 3, H, W)``.

    A hue is drawn uniformly from the whole circle of colours, for each image by itself, so it says
    nothing about the digit. Saturation and brightness are the same for all: a stroke's brightest
    channel keeps the grey value, the darkest gets 0.3 of it.

    Args:
        digits: ``uint8``, one channel.
        seed: of the training images' hues; those of the test images are drawn with the next.

    Raises:
        ValueError: images that have colours already.
    """
    if digits.train_images.shape[1] != 1:
        raise ValueError(
            f"{digits.name} has {digits.train_images.shape[1]} channels; expected 1, in grey, to "
            'be coloured. Take data.load("mnist").'
        )
    return replace(
        digits,
        name=f"coloured-{digits.name}",
        provenance=f"{digits.provenance}; each coloured here, in a hue drawn with seed {seed}",
        train_images=_in_colour(digits.train_images, seed),
        test_images=_in_colour(digits.test_images, seed + 1),
    )


def _in_colour(images: Tensor, seed: int) -> Tensor:
    hues = torch.rand(len(images), generator=torch.Generator().manual_seed(seed)).tolist()
    colours = torch.tensor([colorsys.hsv_to_rgb(hue, SATURATION, 1) for hue in hues])
    out = torch.empty(len(images), 3, *images.shape[2:], dtype=torch.uint8)
    for start in range(0, len(images), 5_000):  # as floats, all at once would be large
        part = slice(start, start + 5_000)
        out[part] = (images[part] * colours[part, :, None, None]).round().byte()
    return out
