"""What the tests of explorers share: set one, and compare what it shows."""

import numpy as np
import torch
from torch import nn

from ae_helpers.widgets.pictures import as_image


def pixels(image):
    """A PIL image as ``(H, W, 3)`` integers."""
    return np.asarray(image.convert("RGB")).astype(int)


def same(shown, image, within=1):
    """Whether two PIL images are equal, up to rounding to 256 greys."""
    found, wanted = pixels(shown), pixels(image)
    return found.shape == wanted.shape and abs(found - wanted).max() <= within


def shows(explorer, name, image, within=1):
    """Whether the explorer's picture of that name is this image, ``(C, H, W)``."""
    return same(explorer.shown[name], as_image(image), within)


def set_to(explorer, **values):
    for name, value in values.items():
        explorer.controls[name].value = value
    assert not explorer.errors
    return explorer


class Copy(nn.Module):
    """A perfect autoencoder of images of any shape, whose code is the image itself."""

    def __init__(self, shape):
        super().__init__()
        self.input_shape, self.latent_size = tuple(shape), torch.Size(shape).numel()

    def encode(self, images):
        return images.flatten(1)

    def decode(self, latent):
        return latent.view(-1, *self.input_shape)

    def forward(self, images):
        return self.decode(self.encode(images))
