"""What a trained autoencoder is good for: damaged images, repairs, and what a code costs in bits.

Lesson 11 shows the objectives and the detectors; here are the damages, the networks that come with
the package, and the rivals without a network.
"""

import io
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.data import to_float
from ae_helpers.measures.pca import Directions

FRAME = 4  # pixels outside the middle 20×20, which holds 97% of MNIST's ink: damage lies inside


def add_noise(
    images: Tensor, sigma: float | Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Gaussian noise on every pixel, and then no pixel below 0 or above 1.

    Args:
        images: ``(N, C, H, W)``, ``uint8`` or floats in [0, 1]; they stay as they are.
        sigma: the noise's standard deviation, pixels in [0, 1]; one for all images, or
            ``(N, 1, 1, 1)``.
        generator: of random numbers, on the CPU; it makes the noise repeatable.

    Returns:
        Noisy images, ``float32``.
    """
    images = to_float(images)
    # Drawn on the CPU, so that a seed gives the same noise on every device.
    noise = torch.randn(images.shape, generator=generator).to(images.device)
    return (images + sigma * noise).clamp(0, 1)


def cover(
    images: Tensor, side: int = 10, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """A black square on each image, at a random place within the middle 20×20 pixels.

    Args:
        images: ``(N, C, 28, 28)``, ``uint8`` or floats in [0, 1]; they stay as they are.
        side: of the square, in pixels, from 1 to 20.
        generator: of random numbers, on the CPU; it makes the places repeatable.

    Returns:
        Covered images, ``float32``, and where they are covered, ``bool``, ``(N, 1, 28, 28)``.

    Raises:
        ValueError: another side.
    """
    images = to_float(images)
    size = images.shape[-1]
    if not 1 <= side <= size - 2 * FRAME:
        raise ValueError(
            f"A square of side {side}; expected 1 to {size - 2 * FRAME}, the box that holds "
            "most of the digit. Take 10."
        )
    corners = torch.randint(
        FRAME, size - FRAME - side + 1, (2, len(images), 1), generator=generator
    )
    line = torch.arange(size)
    rows, columns = (corners <= line) & (line < corners + side)
    covered = (rows[:, None, :, None] & columns[:, None, None, :]).to(images.device)
    return images.masked_fill(covered, 0), covered


def defects(images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """The same images with five kinds of defects, by name, each at a random place.

    A white ``scratch``, nine pixels long; three ``specks``, pixels turned over; a black ``gap`` of
    5×5 in a stroke; a soft grey ``stain``, some eight pixels wide; and ``mirrored`` images.

    Args:
        images: ``(N, 1, 28, 28)``, ``uint8`` or floats in [0, 1]; they stay as they are.
        generator: of random numbers, on the CPU; it makes the places repeatable.

    Returns:
        ``(N, 1, 28, 28)`` each, ``float32``.
    """
    images, middle = to_float(images), torch.zeros(images.shape, dtype=torch.bool)
    middle[..., FRAME:-FRAME, FRAME:-FRAME] = True
    scratch = _widened(_somewhere(middle, generator), 1, 9)
    specks = _somewhere(middle, generator, 3)
    gap = _widened(_somewhere(images > 0.5, generator), 5, 5)
    bell = torch.exp(-torch.arange(-7, 8).square() / 18)  # a Gaussian, three pixels wide
    spot = F.pad(_somewhere(middle, generator).float(), (7, 7, 7, 7), mode="reflect")
    spot = F.conv2d(spot, (bell[:, None] * bell)[None, None])
    stain = 0.5 * spot / spot.amax((2, 3), keepdim=True)
    return {
        "scratch": images.masked_fill(scratch, 1),
        "specks": torch.where(specks, 1 - images, images),
        "gap": images.masked_fill(gap, 0),
        "stain": torch.maximum(images, stain),
        "mirrored": images.flip(3),
    }


def _somewhere(allowed: Tensor, generator: torch.Generator, count: int = 1) -> Tensor:
    """So many pixels of each image, at random among those allowed; bools, of the same shape."""
    ranks = torch.rand(allowed.shape, generator=generator).masked_fill(~allowed, -1).flatten(1)
    chosen = torch.zeros_like(allowed).flatten(1)
    return chosen.scatter(1, ranks.topk(count).indices, True).view_as(allowed)


def _widened(pixels: Tensor, height: int, width: int) -> Tensor:
    """Each pixel becomes a rectangle around it; both sides are odd."""
    return F.max_pool2d(pixels.float(), (height, width), 1, (height // 2, width // 2)).bool()


def denoising_error(model: nn.Module, batch: Tensor) -> Tensor:
    """The objective of ``denoiser.pt``: noisy images in, the clean ones as the target; a scalar.

    How strong the noise is, is drawn for each image: a standard deviation from 0 to 0.8. (Vincent
    et al., "Extracting and Composing Robust Features with Denoising Autoencoders", ICML 2008.)
    """
    sigma = 0.8 * torch.rand(len(batch), 1, 1, 1).to(batch.device)
    return F.mse_loss(model(add_noise(batch, sigma)), batch)


def filling_error(model: nn.Module, batch: Tensor) -> Tensor:
    """The objective of ``filler.pt``: covered images in, the whole ones as the target; a scalar.

    The square's side is drawn for each batch, from 6 to 14, so that one network serves all sizes.
    (Pathak et al., "Context Encoders", CVPR 2016.)
    """
    covered, _ = cover(batch, int(torch.randint(6, 15, ())))
    return F.mse_loss(model(covered), batch)


def best_linear(
    images: Tensor, damage: Callable[[Tensor], Tensor], pairs: int = 20_000
) -> Callable[[Tensor], Tensor]:
    """The linear map (with a constant) from damaged to clean images of the least squared error.

    Fitted by least squares; no linear filter, blur or projection does better on these pairs.

    Args:
        images: clean training images, ``(N, 1, H, W)``, ``uint8`` or floats in [0, 1].
        damage: makes damaged images, ``float32``, of clean ones, each time with other noise.
        pairs: how many damaged images to learn from. Where there are fewer images, each is damaged
            more than once, or the map would learn the noise by heart.

    Returns:
        A function that repairs images: ``(N, 1, H, W)`` → the same shape, in [0, 1].
    """
    inner = outer = torch.zeros(())
    for start in range(0, pairs, 2_000):
        chosen = torch.arange(start, min(start + 2_000, pairs)) % len(images)
        clean = to_float(images[chosen])
        damaged = F.pad(damage(clean).flatten(1), (0, 1), value=1)  # the 1 is for the constant
        inner = inner + damaged.T @ damaged
        outer = outer + damaged.T @ clean.flatten(1)
    # Pixels that are always black leave the sum singular: a trace of ridge regression.
    weights = torch.linalg.solve(inner + 1e-3 * torch.eye(len(inner)), outer)

    def repair(damaged: Tensor) -> Tensor:
        flat = F.pad(to_float(damaged).flatten(1), (0, 1), value=1)
        return (flat @ weights).view(damaged.shape).clamp(0, 1)

    return repair


def fill_by_pca(
    directions: Directions, images: Tensor, covered: Tensor, components: int = 400
) -> Tensor:
    """The most probable content of covered pixels, if images were Gaussian along PCA's directions.

    Along the first ``components`` directions images have the spreads of the training images; what
    is left over is noise, equally strong in all pixels (Tipping & Bishop, "Probabilistic Principal
    Component Analysis", 1999). With P the inverse of that covariance, h the hidden and v the
    visible pixels, the most probable x_h is μ_h − P_hh⁻¹ P_hv (x_v − μ_v).

    Args:
        directions: ``pca.principal_directions`` of the training images.
        images: ``(N, 1, H, W)``, ``uint8`` or floats in [0, 1].
        covered: where not to look, ``bool``, ``(N, 1, H, W)``.
        components: from 1 to one less than the number of pixels.

    Returns:
        The images with those pixels filled in, in [0, 1].

    Raises:
        ValueError: directions of fewer images than an image has numbers.
    """
    if len(directions.deviations) < len(directions.mean):
        raise ValueError(
            f"{len(directions.deviations)} directions for images of {len(directions.mean):,} "
            "numbers; expected as many as numbers. Compute them from more images than that."
        )
    spreads = directions.deviations.square().double()
    noise = spreads[components:].mean()
    axes = directions.axes.double()
    variances = torch.where(torch.arange(len(spreads)) < components, spreads, noise)
    inverse = axes @ torch.diag(1 / variances) @ axes.T
    filled = to_float(images).flatten(1).clone()
    for image, hidden in zip(filled, covered.flatten(1), strict=True):
        away = torch.where(hidden, 0, image - directions.mean).double()
        change = torch.linalg.solve(inverse[hidden][:, hidden], (inverse @ away)[hidden])
        image[hidden] = (directions.mean[hidden] - change).clamp(0, 1).float()
    return filled.view(images.shape)


def quantise(codes: Tensor, step: float) -> Tensor:
    """Whole numbers for codes: how many steps each number is from 0, ``int64``, same shape."""
    return (codes / step).round().long()


def code_bits(train: Tensor, test: Tensor) -> float:
    """Bits per image that an ideal coder spends on quantised codes it knows the statistics of.

    Each of the d numbers has a table of how often each value occurs among training codes, one
    added to each; a value of probability p costs −log₂ p bits (Shannon, 1948), which arithmetic
    coding reaches to within two bits per file.

    Args:
        train: whole numbers, ``(N, d)``, from ``quantise``: the tables are made of them.
        test: whole numbers, ``(M, d)``: those to be sent.
    """
    bits = 0.0
    for known, sent in zip(train.T, test.T, strict=True):
        low, high = torch.cat([known, sent]).aminmax()
        counts = (known - low).bincount(minlength=int(high - low) + 1).double() + 1
        bits -= (counts / counts.sum()).log2()[sent - low].sum().item()
    return bits / len(test)


def file_bits(images: Tensor, kind: str, **options) -> tuple[float, Tensor]:
    """Bits per image of a picture file by Pillow, with all its headers, and what comes out of it.

    Args:
        images: ``uint8``, ``(N, 1, H, W)``. All go into one file, as tiles in rows of 50, so that
            N = 1 gives the size of a file for one image.
        kind: ``"JPEG"`` or ``"PNG"``.
        options: for Pillow's ``save``, such as ``quality=50``.

    Returns:
        Bits per image, and the images as they are read back, ``uint8``.
    """
    count, _, height, width = images.shape
    columns = min(50, count)
    rows = -(-count // columns)
    tiles = torch.zeros(rows * columns, height, width, dtype=torch.uint8)
    tiles[:count] = images[:, 0]
    # (rows, columns, H, W) → (rows, H, columns, W) → one picture
    sheet = tiles.view(rows, columns, height, width).transpose(1, 2)
    file = io.BytesIO()
    picture = Image.fromarray(sheet.reshape(rows * height, columns * width).numpy())
    picture.save(file, kind, optimize=True, **options)
    back = torch.from_numpy(np.array(Image.open(file))).view(rows, height, columns, width)
    back = back.transpose(1, 2).reshape(-1, 1, height, width)[:count]
    return 8 * len(file.getvalue()) / count, back
