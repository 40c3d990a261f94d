"""The space of latent codes: codes of images, their principal directions, neighbours, draws.

Arrays only. ``widgets.latent`` moves through this space, ``plots.latent`` draws it.
"""

import math

import torch
from torch import Tensor, nn

from ae_helpers.measures.pca import Directions, principal_directions
from ae_helpers.models import in_evaluation


def encode(model: nn.Module, images: Tensor) -> Tensor:
    """The latent codes of images, in evaluation mode, part by part to save memory.

    Args:
        model: with ``encode``; its mode (training or evaluation) is put back afterwards.
        images: ``(N, C, H, W)``, ``uint8`` or floats in [0, 1].

    Returns:
        ``(N, latent_size)``, ``float32``, on the CPU.

    Raises:
        TypeError, ValueError: see ``data.check_images``.
    """
    return in_evaluation(model, model.encode, images, batch_size=200)


class Neighbours:
    """Finds the nearest of given points, by Euclidean distance.

    Args:
        points: ``(N, D)``, floats.
    """

    def __init__(self, points: Tensor):
        self.points, self.half_squares = points, points.norm(dim=1).square() / 2

    def nearest(self, queries: Tensor, count: int = 1) -> tuple[Tensor, Tensor]:
        """The ``count`` points nearest to each query, the nearest first.

        Args:
            queries: ``(Q, D)``.
            count: at most N.

        Returns:
            Their distances and their indices, ``(Q, count)`` each.
        """
        # In one piece: small tensors between the large ones that come and go would keep their
        # memory from being used again.
        distances = queries.new_empty(len(queries), count)
        index = torch.empty_like(distances, dtype=torch.int64)
        parts = zip(queries.split(10), distances.split(10), index.split(10), strict=True)
        for part, away, found in parts:
            # ‖p − q‖² / 2 = ‖p‖² / 2 − p·q + ‖q‖² / 2, and the last is the same for all points.
            ranks = torch.addmm(self.half_squares, part, self.points.T, alpha=-1)
            found.copy_(ranks.topk(count, largest=False).indices)
            # The difference of large squares is good enough to rank by, but not as a distance.
            away.copy_((self.points[found] - part[:, None]).norm(dim=2))
        return distances, index


def tsne(points: Tensor, perplexity: float = 30.0, steps: int = 500) -> Tensor:
    """A map of points on which near ones stay near (van der Maaten & Hinton, "t-SNE", 2008).

    It begins with the two widest principal directions, so it needs no random numbers. Every point
    pulls or pushes every other one, so the time grows with N²; 2,000 points take about 10 seconds.

    Args:
        points: ``(N, D)``, floats.
        perplexity: about how many neighbours count for each point; below N.
        steps: of gradient descent with momentum; in the first quarter attraction counts 12-fold,
            which lets the groups find together.

    Returns:
        ``(N, 2)``.

    Raises:
        ValueError: too few points for this perplexity.
    """
    if not 1 < perplexity < len(points):
        raise ValueError(
            f"perplexity={perplexity:g} for {len(points)} points; expected a number above 1 and "
            "below that of the points. Give more points, or a smaller perplexity."
        )
    wanted = _nearness(points, perplexity)
    places = principal_directions(points).coordinates(points)[:, :2]
    places = 1e-4 * places / places[:, 0].std()
    moves = torch.zeros_like(places)
    for step in range(steps):
        attraction, momentum = (12, 0.5) if step < steps // 4 else (1, 0.8)
        pulls, pushes, total = [], [], -len(points)  # for each is at distance 0 from itself
        for own, shares in zip(places.split(200), wanted.split(200), strict=True):
            near = torch.cdist(own, places).square_().add_(1).reciprocal_()
            total += near.sum()
            for forces, strength in ((pulls, shares * near), (pushes, near.square())):
                forces.append(strength @ places - strength.sum(1, keepdim=True) * own)
        uphill = attraction * torch.cat(pulls) - torch.cat(pushes) / total
        moves = momentum * moves + len(points) / 3 * uphill
        places = places + moves
    return places


def _nearness(points: Tensor, perplexity: float) -> Tensor:
    """A share for each pair, ``(N, N)``, together 1: large for those that shall stay near.

    Each point looks at the others through a Gaussian, as wide as leaves it the ``perplexity``. Its
    precision is found by bisection, part by part to save memory.
    """
    shares = torch.empty(len(points), len(points))
    scale = points.var(0).sum()  # of the squared distances
    for first in range(0, len(points), 200):
        part, chosen = points[first : first + 200], shares[first : first + 200]
        squares = torch.cdist(part, points).square_().div_(scale)
        squares.diagonal(first).fill_(math.inf)  # nobody is their own neighbour
        low, high = torch.zeros(len(part), 1), torch.full((len(part), 1), 1_000.0)
        for _ in range(20):
            precision = (low + high) / 2
            torch.softmax(-precision * squares, 1, out=chosen)
            is_wide = torch.special.entr(chosen).sum(1, keepdim=True) > math.log(perplexity)
            low, high = torch.where(is_wide, precision, low), torch.where(is_wide, high, precision)
    return (shares + shares.T).div_(2 * len(points))


def random_codes(directions: Directions, count: int, generator: torch.Generator) -> Tensor:
    """Codes drawn from the Gaussian with the mean and covariance of the training codes.

    Args:
        directions: the training codes' principal directions.
        count: how many.
        generator: of random numbers; it makes the draw repeatable.

    Returns:
        ``(count, latent_size)``.
    """
    noise = torch.randn(count, len(directions.mean), generator=generator)
    return directions.points(noise * directions.deviations)
