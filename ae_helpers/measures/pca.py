"""Principal component analysis: the axes along which codes, or images, vary most.

It is the best *linear* autoencoder, and so what every other one is measured by.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ae_helpers.data import to_float


@dataclass(frozen=True)
class Directions:
    """Axes through a cloud of points, along which it varies most, second most, …

    Attributes:
        mean: ``(D,)``, the middle of the cloud.
        axes: ``(D, D)``; column j is direction j, of length 1, at right angles to the others.
        deviations: ``(D,)``, falling: the standard deviation of the points along each direction.
    """

    mean: Tensor
    axes: Tensor
    deviations: Tensor

    def coordinates(self, points: Tensor) -> Tensor:
        """Where points are along each direction, seen from the mean: ``(N, D)`` → ``(N, D)``."""
        return (points - self.mean) @ self.axes

    def points(self, coordinates: Tensor) -> Tensor:
        """The way back from the first k coordinates, the others being 0: ``(N, k)`` → ``(N, D)``.

        For k = 0 it is the mean; for k = D it undoes ``coordinates``.
        """
        return self.mean + coordinates @ self.axes[:, : coordinates.shape[1]].T


def principal_directions(points: Tensor) -> Directions:
    """Principal component analysis (Pearson, 1901) of codes, or of images.

    The directions are the eigenvectors of the points' covariance, the deviations the roots of its
    eigenvalues. Points are taken part by part: all of MNIST as floats would not fit beside a
    network on the smallest machines that these lessons run on. A direction and its opposite are
    equally right; here the largest entry of each is positive.

    Args:
        points: ``(N, …)``, flattened to ``(N, D)``; ``uint8`` is divided by 255.

    Raises:
        ValueError: fewer than two points: a single one doesn't vary.
    """
    if len(points) < 2:
        raise ValueError(
            f"{len(points)} point(s) have no direction in which they vary; expected at least two. "
            "Give more codes or images."
        )
    parts = [part.flatten(1) for part in points.split(1_000)]
    sums = (to_float(part).double().sum(0) for part in parts)
    mean = (sum(sums, torch.zeros(())) / len(points)).float()
    covariance = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for part in parts:
        centred = to_float(part) - mean
        covariance += centred.T @ centred
    values, vectors = torch.linalg.eigh(covariance / (len(points) - 1))
    values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)  # the largest came last
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return Directions(mean, (vectors * largest.sign()).float(), values.sqrt().float())
