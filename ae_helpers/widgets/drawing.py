"""Draw a digit, or anything else, and see what the network makes of it."""

import itertools

import anywidget
import matplotlib.pyplot as plt
import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from torch import Tensor, nn

from ae_helpers.data import to_float
from ae_helpers.measures import image_errors, reconstruct
from ae_helpers.plots.style import BLUE, VERMILION, styled
from ae_helpers.widgets.controls import slider, with_arrow_keys
from ae_helpers.widgets.explorer import Explorer, own_copy
from ae_helpers.widgets.pictures import as_image, error_map, on_canvas, picture

PAD = 280  # pixels that the pad is wide and high, as in drawing.js
FARTHEST = 8  # pixels that a digit can be shifted


def as_mnist(drawing: Tensor, side: int = 28) -> Tensor:
    """Scale and centre a drawing as the makers of MNIST did with theirs.

    What is drawn is cut out, scaled to fit a box of 20×20 pixels with its proportions kept, and
    laid on a field of 28×28 so that its centre of mass is the field's pixel (14, 14), as nearly as
    whole pixels allow (LeCun et al., "Gradient-based learning applied to document recognition",
    1998, section III.A).

    Args:
        drawing: ``(H, W)``, ``uint8``: 0 is paper, 255 is ink.
        side: of the field; the box is 20/28 of it.

    Returns:
        ``(1, side, side)``, ``uint8``; all 0 if nothing is drawn.

    Raises:
        TypeError, ValueError: no such drawing.
    """
    if not isinstance(drawing, Tensor) or drawing.dtype != torch.uint8:
        kind = drawing.dtype if isinstance(drawing, Tensor) else type(drawing).__name__
        raise TypeError(f"The drawing is {kind}; expected a uint8 tensor. Convert it to one.")
    if drawing.ndim != 2:
        raise ValueError(
            f"The drawing has shape {tuple(drawing.shape)}; expected two axes (H, W). "
            "Take one image and one channel: images[0, 0]."
        )
    field = torch.zeros(1, side, side, dtype=torch.uint8)
    rows, columns = (drawing.any(axis).nonzero() for axis in (1, 0))
    if not len(rows):
        return field
    ink = drawing[rows[0, 0] : rows[-1, 0] + 1, columns[0, 0] : columns[-1, 0] + 1]
    scale = side * 20 / 28 / max(ink.shape)
    height, width = (max(round(length * scale), 1) for length in ink.shape)
    small = as_image(ink).resize((width, height), Image.Resampling.BOX)  # the mean of each area
    ink = torch.as_tensor(np.array(small))
    offsets = []
    for length, profile in ((height, ink.sum(1)), (width, ink.sum(0))):
        centre = (profile @ torch.arange(length)).item() / max(profile.sum().item(), 1)
        offsets.append(min(max(round(side / 2 - centre), 0), side - length))
    top, left = offsets
    field[0, top : top + height, left : left + width] = ink
    return field


def shifted(image: Tensor, right: int, down: int) -> Tensor:
    """Move an image, ``(C, H, W)``, by whole pixels, black coming in; negative: left, up."""
    height, width = image.shape[1:]
    moved = torch.zeros_like(image)
    moved[:, max(down, 0) : height + down, max(right, 0) : width + right] = image[
        :, max(-down, 0) : height - down, max(-right, 0) : width - right
    ]
    return moved


def side_of(images: Tensor) -> int:
    """The side of images, ``(N, 1, S, S)``; refuse others, which the pad can't be laid on."""
    channels, side, width = images.shape[1:]
    if channels != 1 or side != width:
        raise ValueError(
            f"Images have shape {(channels, side, width)} each; expected one channel and a square, "
            "as what is drawn on the pad. Make them grey and cut them square."
        )
    return side


class Pad(anywidget.AnyWidget):
    """A square to draw on, by mouse, finger or pen; an arrow key sends where it points.

    ``value`` is the drawing: ``PAD × PAD`` bytes, row by row, 0 is black. Setting it in Python
    shows it; the reader's next stroke then begins a new drawing. The arrow keys send custom
    messages: ``{"right": 1}``, ``{"down": -1}`` and so on.
    """

    _esm = with_arrow_keys("drawing.js")
    description = traitlets.Unicode("drawing pad").tag(sync=True)
    # Bytes arrive as a memoryview, which the trait would refuse. Nor need they be sent back.
    value = traitlets.Bytes(bytes(PAD * PAD)).tag(
        sync=True, from_json=lambda value, _: bytes(value), echo_update=False
    )


class Brush(Pad):
    """A pad that lies on a picture and covers what is painted.

    ``value`` is what is covered: ``PAD × PAD`` bytes, 0 where the picture is to be seen. The
    reader's strokes add to it. The arrow keys move the brush, the space bar covers what is below
    it; held down while the brush moves, it covers a line.
    """

    picture = traitlets.Bytes(help="a PNG file, shown as large as the pad").tag(sync=True)


def draw_digit(model: nn.Module, test_images: Tensor) -> Explorer:
    """Draw, and watch the network rebuild it, its error beside the errors of the test images.

    Args:
        model: a trained autoencoder of grey, square images.
        test_images: ``(N, 1, S, S)``, ``uint8`` or in [0, 1]: what the error is compared with,
            and what can be loaded into the pad.

    Raises:
        TypeError, ValueError: as ``own_copy``; or images that aren't grey and square.
    """
    model, side = own_copy(model, test_images), side_of(test_images)
    errors = sorted_errors(model, test_images)
    median = errors.median().item()
    background, place = on_canvas(histogram(errors))
    pad, loading = Pad(), itertools.cycle(test_images)
    shifts = {name: slider(f"shift {name}", -FARTHEST, FARTHEST, 0) for name in ("right", "down")}

    def clear() -> None:
        pad.value = bytes(PAD * PAD)
        for shift in shifts.values():
            shift.value = 0

    def load() -> None:
        clear()
        image = as_image(next(loading)).resize((PAD, PAD), Image.Resampling.NEAREST)
        pad.value = image.tobytes()

    def move(_, steps: dict[str, int], __) -> None:
        for name, step in steps.items():
            shifts[name].value += step

    def marked(error: float | None) -> Image.Image:
        """Where an error, if any, lies among the others; one beyond is marked at the end."""
        chart = background.copy()
        if error is not None:
            x, bottom = place(min(max(error, place.x.low), place.x.high), 0)
            ImageDraw.Draw(chart).line([(x, 0), (x, bottom)], VERMILION, width=3)
        return chart

    def draw(pad: bytes, right: int, down: int) -> tuple[dict[str, Image.Image], str]:
        drawing = torch.frombuffer(bytearray(pad), dtype=torch.uint8).view(PAD, PAD)
        seen = to_float(shifted(as_mnist(drawing, side), right, down))
        empty = not seen.any()
        rebuilt = seen if empty else model.decode(model.encode(seen[None]))[0]
        error = None if empty else (seen - rebuilt).square().mean().item()
        pictures = {
            "what the network sees": as_image(seen),
            "its reconstruction": as_image(rebuilt),
            "squared error": error_map(seen, rebuilt),
            "its error among those of the test digits": marked(error),
        }
        if empty:
            return pictures, "The pad is empty: draw a digit."
        share = (errors < error).float().mean().item()
        return pictures, (
            f"Error {error:.4f} (MSE per pixel), larger than {share:.0%} of the errors of the "
            f"{len(errors):,} test digits; their median is {median:.4f}."
        )

    load()  # so that there is something to see at once
    pad.on_msg(move)
    return Explorer(
        "Draw a digit, a letter, a scribble: what does the network make of it?",
        {"pad": pad, **shifts},
        {
            "what the network sees": picture("The drawing, scaled and centred."),
            "its reconstruction": picture("What the network makes of it."),
            "squared error": picture("Where the two differ, the darker the more."),
            "its error among those of the test digits": picture(
                "A histogram of the test digits' errors, with a line at the drawing's.",
                *background.size,
            ),
        },
        draw,
        {"Clear": clear, "Load a test digit": load},
        "By mouse or finger. The drawing is scaled and centred as MNIST's digits were; the sliders "
        "or the arrow keys on the pad then shift it.",
        across=3,
    )


def sorted_errors(model: nn.Module, images: Tensor) -> Tensor:
    """The error of each image, the smallest first."""
    # Part by part: all of MNIST's, rebuilt, would be 31 MB.
    parts = images.split(1_000)
    errors = torch.cat([image_errors(part, reconstruct(model, part)) for part in parts])
    return errors.sort().values


@styled
def histogram(errors: Tensor) -> Figure:
    """Of errors, which are sorted, on a logarithmic axis that has room for far larger ones."""
    low = max(errors[0].item() / 2, 1e-6)
    high = max(20 * errors[-1].item(), 100 * low)
    figure = plt.figure(figsize=(3.8, 2.1), layout="none")
    axis = figure.add_axes((0.04, 0.26, 0.92, 0.7))
    axis.hist(errors, np.geomspace(low, high, 80), color=BLUE)
    axis.set(xscale="log", xlim=(low, high), yticks=[], xlabel="MSE per pixel")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.spines["left"].set_visible(False)
    return figure
