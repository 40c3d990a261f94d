"""Pictures that explorers show: panels on the screen, and what is drawn in them."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import anywidget
import ipywidgets as widgets
import matplotlib
import numpy as np
import torch
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from ae_helpers.data import to_float
from ae_helpers.plots.style import ERROR_MAX
from ae_helpers.widgets.controls import with_arrow_keys

SIDE = 168  # pixels of the screen that a digit is wide and high: six for each of its own
SMALL = 140  # five: of four digits side by side, with room for controls beside them


class ClickablePicture(anywidget.AnyWidget):
    """A picture that tells where it is clicked or dragged, and which arrow key is pressed on it.

    ``value`` is a PNG file, as in ``widgets.Image``. A click sends the custom message
    ``{"x": …, "y": …}``, in pixels of the picture; an arrow key ``{"right": 1}``, ``{"down": -1}``
    and so on. While the pointer is held down it sends where it has got to, also outside of the
    picture, whenever Python has answered; the last place always arrives.
    """

    _esm = with_arrow_keys("clickable.js")
    value = traitlets.Bytes().tag(sync=True)
    # The browser shows a tooltip only of what has a description, and fails without one.
    description = traitlets.Unicode("").tag(sync=True)


class _Panel(widgets.Image):
    # The browser shows a tooltip only of what has a description, and fails without one.
    description = traitlets.Unicode("").tag(sync=True)


def picture(alt: str, width: int = SIDE, height: int | None = None) -> widgets.Image:
    """A panel for a picture, with crisp pixels.

    Args:
        alt: what is to be seen in it, whatever the controls say; also the tooltip.
        width, height: its size on the screen in pixels, by default a square; the picture keeps its
            proportions.
    """
    height = height or width
    # Where there is no room for it, it is smaller, in proportion: cqw is 1% of that room.
    in_proportion = f"min({height}px, {100 * height / width:.4g}cqw)"
    layout = widgets.Layout(width=f"{width}px", height=in_proportion)
    return _Panel(format="png", layout=layout, tooltip=alt).add_class("ae-picture")


def width_of(panel: widgets.DOMWidget) -> int:
    """How many pixels wide a panel is on the screen, where there is room."""
    return int(panel.layout.width.removesuffix("px"))


def as_image(image: Tensor) -> Image.Image:
    """An image, ``(H, W)`` or ``(1, H, W)`` in grey, ``(3, H, W)`` in RGB; ``uint8`` or in [0, 1].

    Always on the same scale: 0 is black, 1 is white.
    """
    channels = len(image) if image.ndim == 3 else 1
    if image.ndim not in (2, 3) or channels not in (1, 3):
        raise ValueError(
            f"An image has shape {tuple(image.shape)}; expected 1 channel, to be shown in grey, or "
            "3, in colour. Take one: images[:, :1]."
        )
    if image.dtype != torch.uint8:
        image = (image.clamp(0, 1) * 255).round().byte()
    image = image.permute(1, 2, 0) if channels == 3 else image.reshape(image.shape[-2:])
    return Image.fromarray(image.contiguous().cpu().numpy())


def coloured(values: Tensor, colormap: str, low: float, high: float) -> Image.Image:
    """Numbers, ``(H, W)``, as colours: ``low`` and all below is the first one of ``colormap``."""
    scaled = (values.float() - low) / max(high - low, 1e-12)
    image = Image.fromarray((scaled.clamp(0, 1) * 255).round().byte().cpu().numpy(), mode="P")
    image.putpalette(matplotlib.colormaps[colormap](range(256), bytes=True)[:, :3].tobytes())
    return image


def error_map(image: Tensor, rebuilt: Tensor) -> Image.Image:
    """Squared errors, the mean of all channels: palest is 0, darkest from ``ERROR_MAX`` on.

    Args:
        image, rebuilt: ``(C, H, W)``; ``uint8`` or in [0, 1].
    """
    squared = (to_float(image) - to_float(rebuilt)).square().mean(0)
    return coloured(squared, "Oranges", 0, ERROR_MAX)


def tiles(images: Tensor, rows: int, columns: int, below: int = 1, beside: int = 1) -> Image.Image:
    """The first images, ``(N, C, H, W)``, side by side, row by row.

    What is left over, and the gaps of so many pixels, are transparent, for a dark page.
    """
    channels, height, width = images.shape[1:]
    size = (columns * (width + beside) - beside, rows * (height + below) - below)
    board = Image.new("RGBA" if channels == 3 else "LA", size, "#FFFFFF00")
    for number, image in enumerate(images[: rows * columns]):
        row, column = divmod(number, columns)
        board.paste(as_image(image), (column * (width + beside), row * (height + below)))
    return board


def enlarged(image: Image.Image, factor: int) -> Image.Image:
    """Each pixel becomes a square of ``factor`` pixels, in RGB, ready to be drawn upon."""
    size = (image.width * factor, image.height * factor)
    return image.convert("RGB").resize(size, Image.Resampling.NEAREST)


@dataclass(frozen=True)
class Axis:
    """Where an axis's numbers lie in a picture: ``low`` at pixel ``start``, ``high`` at ``end``.

    In between by their differences or, with ``log``, by their ratios.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool

    def __call__(self, value: float) -> float:
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


class Place(NamedTuple):
    """From a chart's data to the pixels of its picture; what is above or below, to its border."""

    x: Axis
    y: Axis

    def __call__(self, x: float, y: float) -> tuple[float, float]:
        return self.x(x), self.y(min(max(y, self.y.low), self.y.high))


def on_canvas(figure: Figure) -> tuple[Image.Image, Place]:
    """A figure as a picture, and the way from its first axis's data to the picture's pixels.

    A marker can then be moved without matplotlib, which takes a hundred times as long.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    picture = picture.quantize(250, Image.Quantize.MAXCOVERAGE)  # is sent ten times as fast
    axes = figure.axes[0]
    x, y = (tuple(map(float, ends)) for ends in (axes.get_xlim(), axes.get_ylim()))
    (left, low), (right, high) = axes.transData.transform([*zip(x, y, strict=True)]).tolist()
    return picture, Place(
        Axis(*x, left, right, axes.get_xscale() == "log"),
        Axis(*y, picture.height - low, picture.height - high, axes.get_yscale() == "log"),
    )
