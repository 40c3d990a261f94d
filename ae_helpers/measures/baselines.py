"""Measuring sticks: what an error is worth, from reconstructions that need no network."""

import torch
from torch import Tensor, nn

from ae_helpers.data import ImageData, to_float
from ae_helpers.measures.errors import image_errors
from ae_helpers.measures.pca import Directions, principal_directions
from ae_helpers.models import Paired


def black(images: Tensor) -> float:
    """The error of answering every image with black: the mean of the squared pixels."""
    return image_errors(images, torch.zeros_like(images[:1])).mean().item()


def mean_image(train_images: Tensor) -> Tensor:
    """The pixel-wise mean of the training images, ``(1, C, H, W)`` in [0, 1]."""
    # Part by part: a float copy of the whole set would be four times as large as the set.
    parts = (to_float(part).double().sum(0, keepdim=True) for part in train_images.split(1_000))
    return (sum(parts, torch.zeros(())) / len(train_images)).float()


def pca_errors(data: ImageData, components: list[int]) -> list[float]:
    """The test error of keeping the first k principal components, for each k in ``components``.

    PCA is the best *linear* way to squeeze images through k numbers (Eckart & Young, 1936). The
    components are the principal directions of the training images; the error is measured on the
    test images, part by part to save memory.

    Raises:
        ValueError: a k below 1, or above the number of pixels.
    """
    pixels = data.train_images[0].numel()
    wrong = [k for k in components if not 1 <= k <= pixels]
    if wrong:
        raise ValueError(f"{wrong[0]} components; expected 1 to {pixels}, the number of pixels.")
    directions = principal_directions(data.train_images)
    total = torch.zeros(max(components) + 1, dtype=torch.float64)
    for part in data.test_images.split(1_000):
        points = to_float(part).flatten(1)
        # Each component takes the square of its coordinate away from what is left of the image.
        gains = directions.coordinates(points).square().sum(0)[: max(components)]
        total[0] += (points - directions.mean).square().sum()
        total[1 : len(gains) + 1] -= gains
    left = total.cumsum(0) / (len(data.test_images) * pixels)
    return [max(left[k].item(), 0.0) for k in components]  # rounding may end below 0


def measuring_sticks(data: ImageData, components: int = 64) -> dict[str, float]:
    """Test errors that cost nothing: all-black, the mean image, and PCA with as many numbers."""
    mean = mean_image(data.train_images)
    return {
        "all-black": black(data.test_images),
        "mean image": image_errors(data.test_images, mean).mean().item(),
        f"PCA-{components}": pca_errors(data, [components])[0],
    }


def pca_network(
    directions: Directions, components: int, shape: tuple[int, ...] = Paired.input_shape
) -> Paired:
    """PCA as an autoencoder of two linear layers, with its weights set and not trained.

    Args:
        directions: ``pca.principal_directions`` of images.
        components: how many numbers its code has, from 1 to the number of directions.
        shape: ``(C, H, W)`` of an image.
    """
    axes = directions.axes[:, :components]
    down, up = nn.Linear(*axes.shape), nn.Linear(*axes.T.shape)
    with torch.no_grad():
        down.weight.copy_(axes.T)
        down.bias.copy_(-directions.mean @ axes)
        up.weight.copy_(axes)
        up.bias.copy_(directions.mean)
    encoder = nn.Sequential(nn.Flatten(), down)
    decoder = nn.Sequential(nn.Flatten(), up, nn.Unflatten(1, shape))
    network = Paired(encoder, decoder, components)
    network.input_shape = shape
    return network
