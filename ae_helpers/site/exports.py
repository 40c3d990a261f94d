"""What the explorers of a page compute with, made of the arguments that they are called with.

For each explorer a function of its name, with the parameters of the one in ``widgets``. It returns
what JSON knows, and tensors, arrays, bytes, Pillow's images and networks, in dicts and lists;
``create(data, controls)`` of ``explorers/NAME.js`` gets the same in JavaScript's words.
"""

import itertools
from collections.abc import Callable
from dataclasses import asdict

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from ae_helpers.data import ImageData
from ae_helpers.measures.pca import Directions
from ae_helpers.site.networks import OnlyDecoder
from ae_helpers.widgets import convolutions, drawing, kernels, latent, vae
from ae_helpers.widgets.digits import font
from ae_helpers.widgets.pictures import as_image, on_canvas

DRAWS = 50  # of random codes; then a page begins anew
SHEETS = 20  # of invented digits, likewise
CODED = 200  # digits whose codes a page has, by each network

LOOK = {
    "board": convolutions.BOARD,
    "lines": convolutions.LINES,
    "kinds": [
        convolutions.PADDING,
        convolutions.PIXEL,
        convolutions.SEEN_PADDING,
        convolutions.SEEN,
    ],
}


def size_rule(**_) -> dict:
    return {"look": LOOK}


def transposed_convolution(**_) -> dict:
    return {"look": LOOK, "cropped": convolutions.CROPPED}


def edit_kernel(digits: ImageData) -> dict:
    names = ("WIDTH", "HEIGHT", "GAP", "SUM", "SCALE", "LARGEST", "LINES", "PADDING")
    advances = {  # how wide the letters of numbers are, by the size of the font
        size: {letter: font(size).getlength(letter) for letter in "0123456789.−e+"}
        for size in kernels.SIZES
    }
    return {
        "images": digits.train_images,
        "labels": digits.train_labels,
        "side": kernels.side_of(*digits.train_images.shape[2:]),
        "kernels": kernels.KERNELS,
        "trained": kernels.trained_kernels(),
        "firstTrained": kernels.FIRST_TRAINED,
        "look": {name: getattr(kernels, name) for name in names},
        "sizes": kernels.SIZES,
        "advances": advances,
        "panels": [kernels.INPUT, kernels.OUTPUT, kernels.ARITHMETIC],
    }


def draw_digit(model: nn.Module, test_images: Tensor) -> dict:
    errors = drawing.sorted_errors(model, test_images)
    return {
        "model": model,
        "images": test_images,
        "errors": errors,
        "chart": chart(drawing.histogram(errors)),
    }


def latent_sliders(model: nn.Module, train_images: Tensor) -> dict:
    walk = latent.walk_among(model, train_images)
    return {
        "model": model,
        "images": train_images,
        "codes": walk.codes,
        "directions": directions(walk.directions),
        "deviations": walk.deviations,
        "usual": walk.usual,
        "random": torch.stack([*itertools.islice(walk.random(), DRAWS)]),
        "step": latent.STEP,
        "far": latent.FAR,
    }


def blend(model: nn.Module, images: Tensor) -> dict:
    return {"model": model, "images": images}


def keep_k(model: nn.Module, data: ImageData) -> dict:
    kept = latent.kept_numbers(model, data)
    means, count = kept.mean_errors(), len(kept.test)
    return {
        "model": model,
        "images": data.test_images[:count],
        "labels": data.test_labels,
        "ofCodes": directions(kept.of_codes),
        "ofPixels": directions(kept.of_pixels, kept.pixels.shape[1]),
        "means": means,
        "chart": chart(latent.curves(means, count)),
        "pens": latent.PENS,
    }


def beta_slider(models: dict[float, nn.Module], images: Tensor) -> dict:
    images, found = vae.measured(models, images)
    bars, width = vae.rate_bars(found), images.shape[3]
    networks = [
        {
            "beta": beta,
            "model": OnlyDecoder(each.model),
            "latents": each.latents[:CODED],
            "rate": each.rate[:CODED],
            "distortion": each.distortion[:CODED],
            "means": [each.rate.mean().item(), each.distortion.mean().item()],
            "active": sum(each.active),
            "bars": bars[beta],
            "random": torch.stack([vae.random_codes(each.model, s) for s in range(SHEETS)]),
        }
        for beta, each in found.items()
    ]
    # As a file of one bit for each pixel: the digits, one below the other.
    column = as_image(images[:CODED].reshape(-1, width)).convert("1")
    return {"digits": column, "count": len(images), "rows": vae.ROWS, "networks": networks}


def vae_plane(model: nn.Module, data: ImageData) -> dict:
    plane = vae.plane_of(model, data)
    return {
        "model": OnlyDecoder(plane.model),
        "codes": plane.codes,
        "labels": plane.labels,
        "chart": chart(vae.scatter(plane.codes, plane.labels, plane.reach)),
        "reach": plane.reach,
        "step": vae.STEP,
        "nearest": vae.NEAREST,
    }


def directions(found: Directions, count: int | None = None) -> dict:
    """The first principal directions, one after another: ``Directions`` of ``pca.js``."""
    return {"mean": found.mean, "axes": found.axes.T[:count]}


def chart(figure: Figure) -> dict:
    """A figure that is drawn once, and where in it numbers lie: a ``Chart`` of ``charts.js``."""
    background, place = on_canvas(figure)
    return {"background": background, "x": asdict(place.x), "y": asdict(place.y)}


EXPORTS: dict[str, Callable[..., dict]] = {
    export.__name__: export
    for export in (
        size_rule,
        transposed_convolution,
        edit_kernel,
        draw_digit,
        latent_sliders,
        blend,
        keep_k,
        beta_slider,
        vae_plane,
    )
}
