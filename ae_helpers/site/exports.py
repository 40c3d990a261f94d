"""What the explorers of a page compute with, made of the arguments that they are called with.

For each explorer a function of its name, with the parameters of the one in ``widgets``. It returns
what JSON knows, and tensors, arrays, bytes, Pillow's images and networks, in dicts and lists;
``create(data, controls)`` of ``explorers/NAME.js`` gets the same in JavaScript's words.
"""

from collections.abc import Callable
from dataclasses import asdict

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from ae_helpers.data import ImageData, to_float
from ae_helpers.measures import image_errors, reconstruct
from ae_helpers.training import History
from ae_helpers.widgets import convolutions, drawing, feature_maps, kernels, reconstructions
from ae_helpers.widgets.digits import AROUND, PANEL, font
from ae_helpers.widgets.pictures import SMALL, on_canvas

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


def blend(model: nn.Module, images: Tensor) -> dict:
    return {"model": model, "images": images}


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
    background, place = on_canvas(figure)
    return {"background": background, "x": asdict(place.x), "y": asdict(place.y)}


EXPORTS: dict[str, Callable[..., dict]] = {
    export.__name__: export
    for export in (
        size_rule,
        transposed_convolution,
        edit_kernel,
        draw_digit,
        blend,
        layer_xray,
        before_after,
        browse_digits,
        time_machine,
    )
}
