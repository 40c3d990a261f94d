"""Images, reconstructions, kernels, feature maps: pictures made of pixels.

Digits are always shown on the scale 0 to 1.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from ae_helpers.data import to_float
from ae_helpers.measures import image_errors
from ae_helpers.plots.style import ERROR_MAX, ORANGE, digit, grid, styled
from ae_helpers.training import History


@styled
def images(rows: Tensor | dict[str, Tensor], titles: Sequence[str] = ()) -> Figure:
    """A grid of images, grey from 0 (black) to 1 (white), or RGB.

    Args:
        rows: ``(N, 1, H, W)`` or ``(N, 3, H, W)``, one row; or one tensor for each row, keyed by
            the row's label. ``uint8`` or floats in [0, 1].
        titles: one above each column.
    """
    rows = rows if isinstance(rows, dict) else {"": rows}
    figure, axes = grid(len(rows), max(len(row) for row in rows.values()), rows)
    for line, row in zip(axes, rows.values(), strict=True):
        for axis, image in zip(line, to_float(row), strict=False):
            digit(axis, image)
    for axis, title in zip(axes[0], titles, strict=False):
        axis.set_title(title, fontsize=10)
    return figure


@styled
def before_after(images: Tensor, error_max: float = ERROR_MAX, **reconstructions: Tensor) -> Figure:
    """Images, and below them each reconstruction with its error map and its error per image.

    Args:
        images: ``(N, C, H, W)``, C 1 or 3, ``uint8`` or floats in [0, 1]; ten fit well.
        error_max: from where on the error map is darkest.
        reconstructions: one ``(N, C, H, W)`` each, keyed by its label: ``before=…, after=…``.

    The error map is the squared error of each pixel, in RGB the mean of its three, palest for 0,
    darkest from ``ERROR_MAX`` on, the same scale in every figure, unless a smaller one is given: in
    colour pictures few pixels are off by as much. The number is the image's MSE.
    """
    labels = ["original"]
    for label in reconstructions:
        labels += [label.replace("_", " "), "squared\nerror"]
    figure, axes = grid(len(labels), len(images), labels)
    for axis, image in zip(axes[0], to_float(images), strict=True):
        digit(axis, image)
    for number, output in enumerate(reconstructions.values()):
        output, errors = to_float(output), image_errors(images, output)
        squared = (to_float(images) - output).square()
        for i, error in enumerate(errors):
            digit(axes[2 * number + 1, i], output[i])
            mapped = axes[2 * number + 2, i].imshow(
                squared[i].mean(0), cmap="Oranges", vmin=0, vmax=error_max
            )
            axes[2 * number + 2, i].set_xlabel(f"{error:.4f}", fontsize=9)
    bar = figure.colorbar(mapped, ax=axes[:, -1], extend="max", aspect=30)
    bar.set_label("squared error of a pixel")
    return figure


@styled
def epochs(originals: Tensor, history: History, chosen: Sequence[int]) -> Figure:
    """The same digits as reconstructed after the chosen epochs (0: before training).

    Args:
        originals: the images that ``history.reconstructions`` are of: the first test images.
        history: from ``training.fit``.
        chosen: epochs, each at most ``history.epochs``.
    """
    rows = {"original": originals[: len(history.reconstructions[0])]}
    for epoch in chosen:
        rows["before" if epoch == 0 else f"epoch {epoch}"] = history.reconstructions[epoch]
    return images.__wrapped__(rows)


@styled
def kernels(weight: Tensor, label: str = "weight") -> Figure:
    """The kernels of a layer as pictures: blue is negative, white 0, red positive.

    Args:
        weight: ``(out, in, kH, kW)``; the first input channel is shown. One scale for all.
        label: what the numbers are; beside the colour scale.
    """
    limit = weight[:, 0].abs().max().item()
    return _numbered(weight[:, 0], label, cmap="RdBu_r", vmin=-limit, vmax=limit)


@styled
def feature_maps(maps: Tensor) -> Figure:
    """The outputs of a layer for one image, a picture per channel, on one scale.

    Args:
        maps: ``(C, H, W)``.
    """
    scale = {"vmin": maps.min().item(), "vmax": maps.max().item()}
    return _numbered(maps, "output of the layer", cmap="viridis", **scale)


def _numbered(tables: Tensor, label: str, **colours) -> Figure:
    """``(N, H, W)``, each with its number, eight in a row; ``colours`` are those of ``imshow``."""
    columns = min(8, len(tables))
    figure, axes = grid(-(-len(tables) // columns), columns)
    for axis in axes.flat[len(tables) :]:
        axis.axis("off")
    for number, (axis, table) in enumerate(zip(axes.flat, tables.detach().cpu(), strict=False)):
        drawn = axis.imshow(table, **colours)
        axis.set_title(f"{number}", fontsize=9)
    figure.colorbar(drawn, ax=axes, label=label)
    return figure


@styled
def heatmap(table: Tensor, title: str, label: str, annotate: bool = True) -> Figure:
    """A small matrix as coloured squares, each with its number.

    Args:
        table: ``(H, W)``.
        title: above the picture.
        label: what the numbers are, with their unit; beside the colour scale.
        annotate: write the numbers into the squares.
    """
    side = min(0.34, 6.7 / len(table))  # of a square, in inches: 28 rows fit a laptop's window
    figure, axis = plt.subplots(figsize=(side * table.shape[1] + 1.4, side * len(table) + 0.4))
    drawn = axis.imshow(table, cmap="viridis")
    if annotate:
        _write(table, axis, (table.min() + table.max()) / 2, fontsize=min(8, 29 * side))
    axis.set(title=title, xticks=[], yticks=[])
    figure.colorbar(drawn, label=label)
    return figure


@styled
def heatmaps(tables: dict[str, Tensor], label: str, annotate: bool = True) -> Figure:
    """Small matrices side by side, one colour scale and one size of square for all.

    Args:
        tables: ``(H, W)`` each, by the title above it; sizes may differ.
        label: what the numbers are, with their unit; beside the colour scale.
        annotate: write the numbers into the squares, which are small without.
    """
    side = 0.25 if annotate else 0.07  # of a square, in inches
    tables = {title: torch.as_tensor(table) for title, table in tables.items()}
    widths = [table.shape[1] for table in tables.values()]
    height = max(len(table) for table in tables.values())
    low = min(table.min().item() for table in tables.values())
    high = max(table.max().item() for table in tables.values())
    figure, axes = plt.subplots(
        1,
        len(tables),
        figsize=(side * sum(widths) + 0.3 * len(widths) + 0.7, side * height + 0.6),
        width_ratios=widths,
        squeeze=False,
    )
    for axis, (title, table) in zip(axes[0], tables.items(), strict=True):
        drawn = axis.imshow(table, cmap="viridis", vmin=low, vmax=high)
        if annotate:
            _write(table, axis, (low + high) / 2)
        axis.set(xticks=[], yticks=[], anchor="N")
        axis.set_title(title, fontsize=10)
        axis.spines[:].set_visible(False)
    whole = all((table == table.round()).all() for table in tables.values())
    figure.colorbar(drawn, ax=axes, label=label, aspect=15, ticks=MaxNLocator(6, integer=whole))
    return figure


def _write(table: Tensor, axis, middle: float, fontsize: float = 8) -> None:
    """Each number into its square, white where that is dark, below ``middle``."""
    for (row, column), value in cells(table):
        colour = "white" if value < middle else "black"
        middled = {"ha": "center", "va": "center", "fontsize": fontsize}
        axis.text(column, row, f"{value:g}", color=colour, **middled)


@styled
def path(steps: dict[str, Tensor]) -> Figure:
    """What one image becomes on its way, step by step: the area shows how many numbers there are.

    Args:
        steps: ``(C, H, W)`` each, by name, in order. Several channels are laid out as a mosaic. A
            step of one channel is an image, grey from 0 to 1; any other is coloured on its own
            scale, from its lowest number to its highest.
    """
    mosaics = {}
    for name, maps in steps.items():
        maps = maps.detach().cpu()
        channels, side, width = maps.shape
        columns = 2 ** ((channels.bit_length() - 1) // 2)
        columns = next(c for c in range(columns, 0, -1) if channels % c == 0)
        # (C, H, W) → (rows, columns, H, W) → (rows, H, columns, W) → one picture
        grid = maps.view(channels // columns, columns, side, width).transpose(1, 2)
        mosaic = grid.reshape(channels // columns * side, columns * width)
        mosaics[f"{name}\n{channels}×{side}×{width}\n= {maps.numel():,}"] = mosaic, maps.shape
    widths = [max(mosaic.shape[1], 18) + 4 for mosaic, _ in mosaics.values()]
    tallest = max(len(mosaic) for mosaic, _ in mosaics.values())
    figure, axes = plt.subplots(
        1,
        len(mosaics),
        figsize=(0.042 * sum(widths), 0.042 * tallest + 0.8),
        width_ratios=widths,
        squeeze=False,
    )
    # One step would otherwise be drawn larger than another: the same number of pixels for all.
    for axis, room, (title, (mosaic, shape)) in zip(axes[0], widths, mosaics.items(), strict=True):
        coloured, (height, width) = shape[0] > 1, mosaic.shape
        scale = {"cmap": "viridis"} if coloured else {"cmap": "gray", "vmin": 0, "vmax": 1}
        right, top = width / 2, height / 2
        axis.imshow(mosaic, extent=(-right, right, -top, top), **scale)
        if coloured and shape[1] > 1:
            lines = {"color": "white", "linewidth": 0.8}
            axis.vlines(torch.arange(shape[2], width, shape[2]) - right, -top, top, **lines)
            axis.hlines(torch.arange(shape[1], height, shape[1]) - top, -right, right, **lines)
        axis.set(xticks=[], yticks=[], xlim=(-room / 2, room / 2))
        axis.set_ylim(-tallest / 2 - 1, tallest / 2)
        axis.spines[:].set_visible(False)
        axis.set_xlabel(title, fontsize=9)
    return figure


@styled
def one_pixel(
    image: Tensor, kernel: Tensor, output: Tensor, row: int, column: int, bias: float = 0.0
) -> Figure:
    """The arithmetic behind one output pixel of a convolution without padding, stride 1.

    Args:
        image: ``(H, W)`` or ``(C, H, W)``: a row of the figure for each channel. In [0, 1] it is
            grey, else blue where it is negative and red where it is positive.
        kernel: ``(k, k)`` or ``(C, k, k)``.
        output: ``(H − k + 1, W − k + 1)``, what the convolution makes of the image.
        row, column: the output pixel; the window it sees starts at the same place of the image.
        bias: what is added to the sum.
    """
    image, kernel = image.view(-1, *image.shape[-2:]), kernel.view(-1, *kernel.shape[-2:])
    channels, k = range(len(image)), kernel.shape[-1]
    windows = image[:, row : row + k, column : column + k]
    products = windows * kernel
    sums = [f"{each:.3f}" for each in products.sum((1, 2)).tolist()]
    near, far, signed = (
        {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
        for limit in (
            max(1.5, products.abs().max().item()),
            max(kernel.abs().max().item(), output.abs().max().item()),
            image.abs().max().item(),
        )
    )
    grey = {"cmap": "gray", "vmin": 0, "vmax": 1}
    seen = grey if image.min() >= 0 and image.max() <= 1 else signed
    figure, axes = plt.subplot_mosaic(
        [[f"{channel}.{part}" for part in range(4)] + ["output"] for channel in channels],
        figsize=(11, 0.3 + 2.3 * len(image)),
        width_ratios=[1.25, 1, 1, 1, 1.25],
    )
    several = len(image) > 1
    for channel in channels:
        panels = {
            f"channel {channel}" if several else "image": (image[channel], seen, k),
            "window": (windows[channel], seen, 0),
            "kernel": (kernel[channel], near, 0),
            "products" + f": {sums[channel]}" * several: (products[channel], near, 0),
        }
        for part, (title, panel) in enumerate(panels.items()):
            axis = axes[f"{channel}.{part}"]
            _panel(axis, title, *panel, row, column)
            place = {"transform": axis.transAxes, "ha": "center", "va": "center"}
            axis.text(1.13, 0.5, "→×=→"[part], fontsize=16, **place)
    terms = " + ".join([*sums, f"bias {bias:g}"]) + "\n= " if several else "sum "
    _panel(axes["output"], f"{terms}{output[row, column]:.3f}", output, far, 1, row, column)
    figure.get_layout_engine().set(wspace=0.1)
    return figure


def _panel(axis, title: str, table: Tensor, colours: dict, frame: int, row: int, column: int):
    """A table as colours: a large one with a frame at the place, a small one with its numbers."""
    axis.imshow(table, **colours)
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=11)
    if frame:
        corner = (column - 0.5, row - 0.5)
        axis.add_patch(plt.Rectangle(corner, frame, frame, fill=False, ec=ORANGE, lw=2.5))
        return
    for (y, x), value in cells(table):
        strong = abs(value) > 0.6 * colours["vmax"]
        dark = value < 0.5 if colours["cmap"] == "gray" else strong
        colour, text = "white" if dark else "black", f"{round(value, 3) + 0.0:g}"  # no −0
        axis.text(x, y, text, ha="center", va="center", fontsize=9, color=colour)


def cells(table: Tensor):
    table = torch.as_tensor(table)
    return (((r, c), table[r, c].item()) for r in range(len(table)) for c in range(table.shape[1]))
