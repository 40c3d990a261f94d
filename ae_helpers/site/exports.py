"""What the explorers of a page compute with, made of the arguments that they are called with.

For each explorer a function of its name, with the parameters of the one in ``widgets``. It returns
what JSON knows, and tensors, arrays, bytes, Pillow's images and networks, in dicts and lists;
``create(data, controls)`` of ``explorers/NAME.js`` gets the same in JavaScript's words.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from ae_helpers.data import ImageData, to_float
from ae_helpers.measures import baselines, image_errors, reconstruct
from ae_helpers.measures.latent import encode
from ae_helpers.measures.pca import Directions, principal_directions
from ae_helpers.site.networks import OnlyDecoder
from ae_helpers.training import History
from ae_helpers.widgets import (
    applications,
    architectures,
    convolutions,
    drawing,
    feature_maps,
    kernels,
    latent,
    reconstructions,
    vae,
)
from ae_helpers.widgets.batch_mates import (
    ALONE,
    BLACK,
    CHOSEN,
    LIMIT,
    MATES,
    nearest_others,
    of_one_class,
)
from ae_helpers.widgets.datasets import CHOSEN as BROWSED
from ae_helpers.widgets.digits import AROUND, PANEL, font
from ae_helpers.widgets.pictures import SMALL, Place, as_image, on_canvas

REBUILT = 200  # digits that a page has codes of, by each network

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
        "codes": walk.neighbours.points,
        "directions": directions(walk.directions),
        "deviations": walk.directions.deviations,
        "usual": walk.usual,
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
            "latents": each.latents[:REBUILT],
            "rate": each.rate[:REBUILT],
            "distortion": each.distortion[:REBUILT],
            "means": [each.rate.mean().item(), each.distortion.mean().item()],
            "active": sum(each.active),
            "bars": bars[beta],
        }
        for beta, each in found.items()
    ]
    # As a file of one bit for each pixel: the digits, one below the other.
    column = as_image(images[:REBUILT].reshape(-1, width)).convert("1")
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


def batch_mates(model: nn.Module, data: ImageData) -> dict:
    return {
        "model": model,
        "images": data.test_images,
        "labels": data.test_labels,
        "nearest": nearest_others(encode(model, data.test_images[:CHOSEN])),
        "classes": of_one_class(data.test_labels),
        "alone": ALONE,
        "black": BLACK,
        "rows": MATES,
        "limit": LIMIT,
    }


def architecture_picker(networks: dict[str, Any], data: ImageData) -> dict:
    images = data.test_images[: architectures.MEASURED]
    found = principal_directions(data.train_images)
    coordinates = found.coordinates(to_float(images).flatten(1))

    def side(model: Any) -> dict:  # nn.Module doesn't say what it has
        size = model.latent_size
        by_pca = found.points(coordinates[:, :size]).view(images.shape)
        same = baselines.pca_network(found, size, tuple(images.shape[1:])).state_dict()
        own = model.state_dict()
        is_pca = own.keys() == same.keys() and all(own[k].equal(same[k]) for k in own)
        return {
            "model": None if is_pca else model,  # which the page computes with the directions
            "size": size,
            "price": architectures.price(model, tuple(images.shape[1:])),
            "mean": image_errors(images, reconstruct(model, images)).mean().item(),
            "meanPca": image_errors(images, by_pca).mean().item(),
        }

    sides = {name: side(model) for name, model in networks.items()}
    return {
        "networks": sides,
        "images": images,
        "labels": data.test_labels,
        "directions": directions(found, max(each["size"] for each in sides.values())),
    }


def dataset_browser(networks: dict[str, nn.Module], datasets: dict[str, ImageData]) -> dict:
    tests = {name: data.test_images[:BROWSED] for name, data in datasets.items()}
    middles = {name: baselines.mean_image(data.train_images) for name, data in datasets.items()}
    return {
        "networks": networks,
        "datasets": {
            name: {
                "images": images,
                "labels": datasets[name].test_labels,
                "meanImage": middles[name],
                "byMeanImage": image_errors(images, middles[name]).mean().item(),
            }
            for name, images in tests.items()
        },
        "means": {
            network: {
                name: image_errors(images, reconstruct(model, images)).mean().item()
                for name, images in tests.items()
                if images.shape[1:] == model.input_shape
            }
            for network, model in networks.items()
        },
    }


def damage_digit(networks: dict[str, nn.Module], images: Tensor) -> dict:
    return {"networks": networks, "images": images, "scale": applications.SCALE}


def set_threshold(scores: dict[str, Tensor], unknown: Tensor, images: Tensor) -> dict:
    def detector(values: Tensor) -> dict:
        charts = applications.Charts(values, unknown)
        return {
            "scores": values,
            "histogram": placed(charts.background, charts.place),
            "roc": placed(charts.roc_background, charts.roc_place),
            "area": charts.area,
        }

    return {
        "detectors": {name: detector(values.float()) for name, values in scores.items()},
        "unknown": unknown,
        "images": images,
        "rows": applications.ROWS,
    }


def directions(found: Directions, count: int | None = None) -> dict:
    """The first principal directions, one after another: ``Directions`` of ``pca.js``."""
    return {"mean": found.mean, "axes": found.axes.T[:count]}


def layer_xray(model: nn.Module, images: Tensor) -> dict:
    return {
        "model": model,
        "images": images,
        "names": [stage.name for stage in feature_maps.find_stages(model, to_float(images[:1]))],
        "board": feature_maps.BOARD,
        "small": SMALL,
        "empty": feature_maps.EMPTY,
        "panels": [feature_maps.SEES, feature_maps.MAPS, feature_maps.REACHES],
    }


def before_after(before: nn.Module, after: nn.Module, images: Tensor) -> dict:
    def side(network: nn.Module) -> dict:
        errors = image_errors(images, reconstruct(network, images))
        return {"model": network, "errors": errors, "mean": errors.mean().item()}

    return {
        "before": side(before),
        "after": side(after),
        "images": images,
        "orders": reconstructions.ORDERS,
        "panel": reconstructions.WIPED,
        "wiped": reconstructions.BOTH,
    }


def browse_digits(digits: ImageData) -> dict:
    return {
        "parts": {
            "training": {"images": digits.train_images, "labels": digits.train_labels},
            "test": {"images": digits.test_images, "labels": digits.test_labels},
        },
        "around": AROUND,
        "panel": PANEL,
    }


def time_machine(images: Tensor, history: History, sticks: dict[str, float]) -> dict:
    rebuilt = torch.stack(history.reconstructions)
    return {
        "images": images[: rebuilt.shape[1]],
        "rebuilt": rebuilt,
        "testErrors": [history.error_before, *history.test_error],
        "trainErrors": history.train_error,
        "sticks": sticks,
        "columns": reconstructions.COLUMNS,
        "chart": chart(reconstructions.curve(history, sticks)),
    }


def chart(figure: Figure) -> dict:
    """A figure that is drawn once, and where in it numbers lie: a ``Chart`` of ``charts.js``."""
    return placed(*on_canvas(figure))


def placed(background: Image.Image, place: Place) -> dict:
    """What ``on_canvas`` gives: a ``Chart`` of ``charts.js``."""
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
        batch_mates,
        architecture_picker,
        dataset_browser,
        damage_digit,
        set_threshold,
        layer_xray,
        before_after,
        browse_digits,
        time_machine,
    )
}
