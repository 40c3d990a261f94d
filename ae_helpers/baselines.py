"""Measuring sticks: what an error is worth, from reconstructions that need no network.

Every error here and elsewhere is the mean squared error (MSE) per pixel, pixels in [0, 1], averaged
over images.
"""

import torch
from torch import Tensor

from ae_helpers.data import ImageData, to_float


def image_errors(images: Tensor, reconstructions: Tensor) -> Tensor:
    """The MSE of each image: two ``(N, C, H, W)`` → ``(N,)``, ``float32``."""
    return (to_float(images) - to_float(reconstructions)).square().flatten(1).mean(1)


def black(images: Tensor) -> float:
    """The error of answering every image with black: the mean of the squared pixels."""
    return to_float(images).square().mean().item()


def mean_image(train_images: Tensor) -> Tensor:
    """The pixel-wise mean of the training images, ``(1, C, H, W)`` in [0, 1]."""
    # Sums in int64 are exact and need no float copy of the whole set.
    total = train_images.sum(0, keepdim=True, dtype=torch.int64).double()
    return (total / len(train_images) / 255).float()


def pca_errors(data: ImageData, components: list[int]) -> list[float]:
    """The test error of keeping the first k principal components, for each k in ``components``.

    PCA is the best *linear* way to squeeze images through k numbers (Eckart & Young, 1936). The
    components come from the training images (scikit-learn, exact solver); the error from the test
    images.

    Raises:
        ValueError: a k below 1, or above the number of pixels or of training images.
    """
    from sklearn.decomposition import PCA

    train, test = (to_float(i).flatten(1).numpy() for i in (data.train_images, data.test_images))
    most = min(train.shape)
    wrong = [k for k in components if not 1 <= k <= most]
    if wrong:
        raise ValueError(f"{wrong[0]} components; expected 1 to {most}: as many as pixels, images.")
    pca = PCA(max(components), svd_solver="covariance_eigh").fit(train)
    latent = pca.transform(test)
    errors = []
    for k in components:
        restored = latent[:, :k] @ pca.components_[:k] + pca.mean_
        errors.append(float(((restored - test) ** 2).mean()))
    return errors


def measuring_sticks(data: ImageData, components: int = 64) -> dict[str, float]:
    """Test errors that cost nothing: all-black, the mean image, and PCA with as many numbers."""
    mean = mean_image(data.train_images)
    return {
        "all-black": black(data.test_images),
        "mean image": image_errors(data.test_images, mean).mean().item(),
        f"PCA-{components}": pca_errors(data, [components])[0],
    }
