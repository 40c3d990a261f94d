"""Principal component analysis: the axes along which codes, or images, vary most.

It is the best *linear* autoencoder, and so what every other one is measured by.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ae_helpers.data import to_float

WHOLE = 1_000  # up to so many numbers in a point, the table of all pairs of them is made


@dataclass(frozen=True)
class Directions:
    """Axes through a cloud of points, along which it varies most, second most, …

    Attributes:
        mean: ``(D,)``, the middle of the cloud.
        axes: ``(D, K)``; column j is direction j, of length 1, at right angles to the others. K is
            D; or N − 1, where N points of more than ``WHOLE`` numbers have made them, and N is
            smaller than D: they vary along no others.
        deviations: ``(K,)``, falling: the standard deviation of the points along each direction.
    """

    mean: Tensor
    axes: Tensor
    deviations: Tensor

    def coordinates(self, points: Tensor) -> Tensor:
        """Where points are along each direction, seen from the mean: ``(N, D)`` → ``(N, K)``."""
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

    Of some hundred photographs, with thousands of numbers each, the same directions come out of a
    table of N × N in place of D × D, in a fraction of the time (Sirovich & Kirby, 1987).

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
    if WHOLE < len(mean) > len(points):
        centred = (to_float(points).flatten(1) - mean).double()
        vectors, spreads, _ = torch.linalg.svd(centred.T, full_matrices=False)
        # The last one is none: a cloud of N points has N − 1 directions.
        vectors, values = vectors[:, :-1], spreads[:-1].square() / (len(points) - 1)
    else:
        covariance = torch.zeros(len(mean), len(mean), dtype=torch.float64)
        for part in parts:
            centred = to_float(part) - mean
            covariance += centred.T @ centred
        values, vectors = torch.linalg.eigh(covariance / (len(points) - 1))
        values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)  # the largest came last
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return Directions(mean, (vectors * largest.sign()).float(), values.sqrt().float())
