"""One digit through many networks: what each makes of it, and what each costs."""

import torch
from torch import nn

from ae_helpers.data import ImageData, to_float
from ae_helpers.measures import image_errors, pca, reconstruct
from ae_helpers.models import ledger
from ae_helpers.plots.style import ERROR_MAX
from ae_helpers.widgets.controls import choice, slider
from ae_helpers.widgets.explorer import Explorer, digit_name, own_copies
from ae_helpers.widgets.pictures import SMALL, as_image, error_map, picture

MEASURED = 500  # test images that can be chosen, and that mean errors are taken from


def architecture_picker(networks: dict[str, nn.Module], data: ImageData) -> Explorer:
    """Pick a network and a digit: its reconstruction, its error map, its price, and PCA beside it.

    PCA keeps as many components as the network's code has numbers; its directions are those of the
    training images. Shown are the first ``MEASURED`` test images.

    Args:
        networks: trained autoencoders, as ``own_copy`` takes them, by name.
        data: with at least two training images.

    Raises:
        TypeError, ValueError: no networks, or one that can't be explored (see ``own_copy``),
            or has more numbers than an image has pixels; the message names it.
    """
    images = data.test_images[:MEASURED].cpu()
    models, pixels = own_copies(networks, images), images[0].numel()
    for name, model in models.items():
        if model.latent_size > pixels:
            raise ValueError(
                f"{name}: a code of {model.latent_size} numbers is larger than the image's "
                f"{pixels} pixels, and PCA has no more components. Give it a smaller latent_size."
            )
    directions = pca.principal_directions(data.train_images.cpu())
    points = to_float(images).flatten(1)
    coordinates = directions.coordinates(points)
    labels = data.test_labels

    def by_pca(chosen: torch.Tensor | slice, k: int) -> torch.Tensor:
        return directions.points(coordinates[chosen, :k]).view(-1, *images.shape[1:])

    rebuilt, prices, errors = {}, {}, {}
    for name, model in models.items():
        rebuilt[name] = reconstruct(model, images)
        errors[name] = (
            image_errors(images, rebuilt[name]),
            image_errors(images, by_pca(slice(None), model.latent_size)),
        )
        prices[name] = price(model, tuple(images.shape[1:]))

    def draw(network: str, digit: int):
        image, answer = to_float(images[digit]), rebuilt[network][digit]
        k = models[network].latent_size
        own, pca = errors[network]
        return {
            "original": as_image(image),
            "reconstruction": as_image(answer),
            "squared error": error_map(image, answer),
            "by PCA": as_image(by_pca([digit], k)[0]),
        }, (
            f"{network}: {prices[network]} per image, {k} numbers. Error of "
            f"{digit_name(digit, labels)}: {own[digit]:.4f}, by PCA-{k} {pca[digit]:.4f}; "
            f"mean of {len(images)} digits: {own.mean():.4f}, by PCA-{k} {pca.mean():.4f}."
        )

    return Explorer(
        "Pick an architecture and a digit",
        {
            "network": choice("network", list(models)),
            "digit": slider("test digit", 0, len(images) - 1, 0),
        },
        {
            "original": picture("the chosen test digit", SMALL),
            "reconstruction": picture("what the chosen network makes of it", SMALL),
            "squared error": picture(
                f"the squared error of each pixel: palest is 0, darkest from {ERROR_MAX} on",
                SMALL,
            ),
            "by PCA": picture(
                "what PCA makes of the digit with as many numbers as the network's code has",
                SMALL,
            ),
        },
        draw,
    )


def price(model: nn.Module, shape: tuple[int, ...]) -> str:
    """What a network costs for an image of that shape, in words."""
    layers = ledger(model, shape)[["parameters", "multiplications"]].sum()
    return ", ".join(f"{count:,} {kind}" for kind, count in layers.items())
