"""What the explorers of a page compute with, made of the arguments that they are called with.

For each explorer a function of its name, with the parameters of the one in ``widgets``. It returns
what JSON knows, and tensors, arrays, bytes, Pillow's images and networks, in dicts and lists;
``create(data, controls)`` of ``explorers/NAME.js`` gets the same in JavaScript's words.
"""

from collections.abc import Callable

import torch

from ae_helpers.data import ImageData
from ae_helpers.models import shipped
from ae_helpers.widgets import convolutions, kernels
from ae_helpers.widgets.digits import font

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


EXPORTS: dict[str, Callable[..., dict]] = {
    export.__name__: export
    for export in (
        size_rule,
        transposed_convolution,
    )
}
