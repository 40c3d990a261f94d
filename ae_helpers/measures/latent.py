"""The space of latent codes: codes of images, their principal directions, neighbours, draws.

Arrays only. ``widgets.latent`` moves through this space, ``plots.latent`` draws it.
"""

import torch
from torch import Tensor, nn

from ae_helpers.measures.pca import Directions
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
    # torch has no type for a network's own methods.
    return in_evaluation(model, model.encode, images, batch_size=200)  # type: ignore[arg-type]


def decode(model: nn.Module, codes: Tensor) -> Tensor:
    """The images of latent codes, in evaluation mode, part by part to save memory.

    Args:
        model: with ``decode``; its mode (training or evaluation) is put back afterwards.
        codes: ``(N, latent_size)``, floats, as ``encode`` gives them.

    Returns:
        ``(N, C, H, W)``, ``float32``, on the CPU.
    """
    device, was_training = next(model.parameters(), codes).device, model.training
    model.eval()
    try:
        with torch.no_grad():
            parts = [model.decode(part.float().to(device)).cpu() for part in codes.split(200)]  # type: ignore[operator]
    finally:
        model.train(was_training)
    return torch.cat(parts)


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


def tsne(points: Tensor, perplexity: float = 30.0) -> Tensor:
    """A map of points on which near ones stay near (van der Maaten & Hinton, "t-SNE", 2008).

    By scikit-learn, with an approximation that makes the time grow with N·log(N) (van der Maaten,
    "Accelerating t-SNE using tree-based algorithms", 2014). It begins with the two widest principal
    directions, and the same points give the same map.

    Args:
        points: ``(N, D)``, floats.
        perplexity: about how many neighbours count for each point; below N.

    Returns:
        ``(N, 2)``, ``float32``.

    Raises:
        ValueError: too few points for this perplexity.
    """
    from sklearn.manifold import TSNE  # takes a second and 100 MB, so only where it is needed

    # Half of scikit-learn's steps give the same picture in half the time.
    method = TSNE(perplexity=perplexity, max_iter=500, random_state=0)
    return torch.from_numpy(method.fit_transform(points.numpy()))


def random_codes(directions: Directions, count: int, generator: torch.Generator) -> Tensor:
    """Codes drawn from the Gaussian with the mean and covariance of the training codes.

    Args:
        directions: the training codes' principal directions.
        count: how many.
        generator: of random numbers; it makes the draw repeatable.

    Returns:
        ``(count, latent_size)``.
    """
    noise = torch.randn(count, len(directions.deviations), generator=generator)
    return directions.points(noise * directions.deviations)
