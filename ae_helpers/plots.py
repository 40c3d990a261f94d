"""Pictures: tensors in, matplotlib Figure out. Images are always shown on the scale 0 to 1."""

import functools
import io
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import torch
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image
from torch import Tensor

from ae_helpers.baselines import image_errors
from ae_helpers.data import to_float
from ae_helpers.training import History

# Okabe & Ito's colours, which people with any colour vision can tell apart.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
)
ERROR_MAX = 0.5  # the squared error per pixel that error maps show as darkest; the range is 0 to 1

STYLE = {
    "figure.facecolor": "white",  # not transparent: black on white reads on a dark page too
    "figure.dpi": 80,
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY]),
    "figure.constrained_layout.use": True,
}


def _figure(function: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw in the shared style, and close the figure so that a notebook shows it only once."""

    @functools.wraps(function)
    def styled(*args, **kwargs) -> Figure:
        with plt.rc_context(STYLE):
            figure = function(*args, **kwargs)
        plt.close(figure)
        return figure

    return styled


def show(figure: Figure, alt: str, **kwargs):
    """Show a figure in a notebook, with a text for those who can't see it.

    Args:
        figure: from this module, or any matplotlib figure.
        alt: what is to be seen, in a sentence; screen readers read it out.
        kwargs: for ``IPython.display.display``, such as ``display_id=True``.
    """
    plt.close(figure)
    bundle = {"image/png": png(figure), "text/plain": alt}
    return display(bundle, raw=True, metadata={"image/png": {"alt": alt}}, **kwargs)


def png(figure: Figure) -> bytes:
    """The figure as a PNG file of 256 colours, a third as large as one of 16 million."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", pad_inches=0.1)
    buffer.seek(0)
    small = io.BytesIO()
    Image.open(buffer).convert("RGB").quantize(256).save(small, "png", optimize=True)
    return small.getvalue()


@_figure
def images(rows: Tensor | dict[str, Tensor], titles: Sequence[str] = ()) -> Figure:
    """A grid of images in grey, from 0 (black) to 1 (white).

    Args:
        rows: ``(N, 1, H, W)``, one row; or one tensor for each row, keyed by the row's label.
            ``uint8`` or floats in [0, 1].
        titles: one above each column.
    """
    rows = rows if isinstance(rows, dict) else {"": rows}
    figure, axes = _grid(len(rows), max(len(row) for row in rows.values()), rows)
    for line, row in zip(axes, rows.values(), strict=True):
        for axis, image in zip(line, to_float(row), strict=False):
            _digit(axis, image)
    _titles(axes[0], titles)
    return figure


@_figure
def before_after(images: Tensor, **reconstructions: Tensor) -> Figure:
    """Images, and below them each reconstruction with its error map and its error per image.

    Args:
        images: ``(N, 1, H, W)``, ``uint8`` or floats in [0, 1]; ten fit well.
        reconstructions: one ``(N, 1, H, W)`` each, keyed by its label: ``before=…, after=…``.

    The error map is the squared error of each pixel, white for 0, darkest from ``ERROR_MAX`` on: it
    is the same scale in every figure. The number is the image's MSE.
    """
    labels = ["original"]
    for label in reconstructions:
        labels += [label.replace("_", " "), "squared\nerror"]
    figure, axes = _grid(len(labels), len(images), labels)
    for axis, image in zip(axes[0], to_float(images), strict=True):
        _digit(axis, image)
    for number, output in enumerate(reconstructions.values()):
        output, errors = to_float(output), image_errors(images, output)
        squared = (to_float(images) - output).square()
        for i, error in enumerate(errors):
            _digit(axes[2 * number + 1, i], output[i])
            mapped = axes[2 * number + 2, i].imshow(
                squared[i, 0], cmap="Oranges", vmin=0, vmax=ERROR_MAX
            )
            axes[2 * number + 2, i].set_xlabel(f"{error:.4f}", fontsize=9)
    bar = figure.colorbar(mapped, ax=axes[:, -1], extend="max", aspect=30)
    bar.set_label("squared error of a pixel")
    return figure


@_figure
def loss_curve(history: History, sticks: dict[str, float]) -> Figure:
    """Train and test error per epoch, with measuring sticks as horizontal lines, on a log scale.

    Args:
        history: from ``training.fit``.
        sticks: errors by name, as ``baselines.measuring_sticks`` gives them.
    """
    figure, axis = plt.subplots(figsize=(8, 4.2))
    epochs = range(1, history.epochs + 1)
    axis.plot([0, *epochs], [history.error_before, *history.test_error], "o-", label="test")
    axis.plot(epochs, history.train_error, "s--", markersize=4, label="train, while it changes")
    right = max(history.epochs, 1)
    for name, error in sticks.items():
        axis.axhline(error, color="0.45", linewidth=1, linestyle=":")
        axis.text(right, error, f"{name} {error:.4f}", ha="right", va="bottom", fontsize=9)
    axis.set(
        yscale="log",
        xlabel="epoch (0: before training)",
        ylabel="MSE per pixel",
        title="Error per epoch",
    )
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.yaxis.set_major_formatter("{x:g}")
    axis.legend(loc="upper right", bbox_to_anchor=(1, 0.93), frameon=False)
    return figure


@_figure
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


@_figure
def kernels(weight: Tensor) -> Figure:
    """The kernels of a layer as pictures: blue is negative, white 0, red positive.

    Args:
        weight: ``(out, in, kH, kW)``; the first input channel is shown. One scale for all.
    """
    weight = weight.detach().cpu()[:, 0]
    columns = min(8, len(weight))
    figure, axes = _grid(-(-len(weight) // columns), columns)
    limit = weight.abs().max().item()
    for axis in axes.flat[len(weight) :]:
        axis.axis("off")
    for number, (axis, kernel) in enumerate(zip(axes.flat, weight, strict=False)):
        drawn = axis.imshow(kernel, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_title(f"{number}", fontsize=9)
    figure.colorbar(drawn, ax=axes, label="weight")
    return figure


@_figure
def feature_maps(maps: Tensor) -> Figure:
    """The outputs of a layer for one image, a picture per channel, on one scale.

    Args:
        maps: ``(C, H, W)``.
    """
    maps = maps.detach().cpu()
    columns = min(8, len(maps))
    figure, axes = _grid(-(-len(maps) // columns), columns)
    low, high = maps.min().item(), maps.max().item()
    for axis in axes.flat[len(maps) :]:
        axis.axis("off")
    for number, (axis, channel) in enumerate(zip(axes.flat, maps, strict=False)):
        drawn = axis.imshow(channel, cmap="viridis", vmin=low, vmax=high)
        axis.set_title(f"{number}", fontsize=9)
    figure.colorbar(drawn, ax=axes, label="output of the layer")
    return figure


@_figure
def heatmap(table: Tensor, title: str, label: str, annotate: bool = True) -> Figure:
    """A small matrix as coloured squares, each with its number.

    Args:
        table: ``(H, W)``.
        title: above the picture.
        label: what the numbers are, with their unit; beside the colour scale.
        annotate: write the numbers into the squares.
    """
    figure, axis = plt.subplots(figsize=(0.34 * table.shape[1] + 2, 0.34 * table.shape[0] + 0.8))
    drawn = axis.imshow(table, cmap="viridis")
    middle = (table.min() + table.max()) / 2
    for (row, column), value in _cells(table) if annotate else ():
        colour = "white" if value < middle else "black"
        axis.text(column, row, f"{value:g}", ha="center", va="center", fontsize=8, color=colour)
    axis.set(title=title, xticks=[], yticks=[])
    figure.colorbar(drawn, label=label)
    return figure


@_figure
def curve(x: Sequence[float], y: Sequence[float], points: dict[str, tuple], **labels) -> Figure:
    """A line with some labelled points on it, on a log scale.

    Args:
        x, y: the line.
        points: ``(x, y)`` by name.
        labels: ``title``, ``xlabel``, ``ylabel``, as matplotlib's ``Axes.set`` takes them.
    """
    figure, axis = plt.subplots(figsize=(8, 4.2))
    axis.plot(x, y)
    markers = "osD^v"
    for marker, (name, (px, py)) in zip(markers, points.items(), strict=False):
        axis.plot(px, py, marker, markersize=9, label=name, color=VERMILION, mfc="white", mew=2)
    axis.set(yscale="log", **labels)
    axis.yaxis.set_major_formatter("{x:g}")
    axis.legend(frameon=False)
    return figure


@_figure
def heatmaps(tables: dict[str, Tensor], label: str) -> Figure:
    """Small matrices side by side, one colour scale and one size of square for all.

    Args:
        tables: ``(H, W)`` each, by the title above it; sizes may differ.
        label: what the numbers are, with their unit; beside the colour scale.
    """
    tables = {title: torch.as_tensor(table) for title, table in tables.items()}
    widths = [table.shape[1] for table in tables.values()]
    height = max(len(table) for table in tables.values())
    low = min(table.min().item() for table in tables.values())
    high = max(table.max().item() for table in tables.values())
    figure, axes = plt.subplots(
        1,
        len(tables),
        figsize=(0.25 * sum(widths) + 0.3 * len(widths) + 0.7, 0.25 * height + 0.6),
        width_ratios=widths,
        squeeze=False,
    )
    for axis, (title, table) in zip(axes[0], tables.items(), strict=True):
        drawn = axis.imshow(table, cmap="viridis", vmin=low, vmax=high)
        for (row, column), value in _cells(table):
            colour = "white" if value < (low + high) / 2 else "black"
            axis.text(column, row, f"{value:g}", ha="center", va="center", fontsize=8, color=colour)
        axis.set(xticks=[], yticks=[], anchor="N")
        axis.set_title(title, fontsize=10)
        axis.spines[:].set_visible(False)
    whole = all((table == table.round()).all() for table in tables.values())
    figure.colorbar(drawn, ax=axes, label=label, aspect=15, ticks=MaxNLocator(6, integer=whole))
    return figure


@_figure
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
        figsize=(0.048 * sum(widths), 0.048 * tallest + 0.8),
        width_ratios=widths,
    )
    # One step would otherwise be drawn larger than another: the same number of pixels for all.
    for axis, room, (title, (mosaic, shape)) in zip(axes, widths, mosaics.items(), strict=True):
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


@_figure
def one_pixel(image: Tensor, kernel: Tensor, output: Tensor, row: int, column: int) -> Figure:
    """The arithmetic behind one output pixel of a convolution without padding, stride 1.

    Args:
        image: ``(H, W)``, in [0, 1].
        kernel: ``(k, k)``.
        output: ``(H − k + 1, W − k + 1)``, what the convolution makes of the image.
        row, column: the output pixel; the window it sees starts at the same place of the image.
    """
    k = len(kernel)
    window = image[row : row + k, column : column + k]
    limit = max(kernel.abs().max().item(), output.abs().max().item())
    grey, signed = {"cmap": "gray", "vmin": 0, "vmax": 1}, {"cmap": "RdBu_r"}
    near, far = {"vmin": -1.5, "vmax": 1.5}, {"vmin": -limit, "vmax": limit}
    panels = {
        "image": (image, grey, k),
        "window": (window, grey, 0),
        "kernel": (kernel, signed | near, 0),
        "products": (window * kernel, signed | near, 0),
        f"sum {output[row, column]:.3f}": (output, signed | far, 1),
    }
    figure, axes = plt.subplots(1, 5, figsize=(11, 2.6), width_ratios=[1.25, 1, 1, 1, 1.25])
    for axis, (title, (table, colours, frame)) in zip(axes, panels.items(), strict=True):
        axis.imshow(table, **colours)
        axis.set(title=title, xticks=[], yticks=[])
        corner = (column - 0.5, row - 0.5)
        if frame:
            axis.add_patch(plt.Rectangle(corner, frame, frame, fill=False, ec=ORANGE, lw=2.5))
            continue
        for (y, x), value in _cells(table):
            dark = value < 0.5 if colours is grey else abs(value) > 0.9
            colour, text = "white" if dark else "black", f"{round(value, 3) + 0.0:g}"  # no −0
            axis.text(x, y, text, ha="center", va="center", fontsize=9, color=colour)
    for axis, sign in zip(axes[:4], ("→", "×", "=", "→"), strict=True):
        axis.text(1.13, 0.5, sign, transform=axis.transAxes, ha="center", va="center", fontsize=16)
    figure.get_layout_engine().set(wspace=0.1)
    return figure


@_figure
def bars(heights: dict[str, Sequence[float]], ticks: Sequence[str], **labels) -> Figure:
    """Bars side by side, each with its number.

    Args:
        heights: one series of bars, or more, by name; a number for each tick.
        ticks: what stands below the bars.
        labels: ``title``, ``xlabel``, ``ylabel``, as matplotlib's ``Axes.set`` takes them.
    """
    figure, axis = plt.subplots(figsize=(8, 3.6))
    width = 0.8 / len(heights)
    for number, (name, series) in enumerate(heights.items()):
        places = [x + (number - (len(heights) - 1) / 2) * width for x in range(len(series))]
        axis.bar_label(axis.bar(places, series, width, label=name), fmt="{:,.0f}", padding=2)
    axis.margins(y=0.12)  # room for the numbers
    axis.set(xticks=range(len(ticks)), xticklabels=ticks, **labels)
    if len(heights) > 1:
        axis.legend(frameon=False)
    return figure


@_figure
def seeds(errors: dict[str, Sequence[float]], sticks: dict[str, float]) -> Figure:
    """One line per recipe, one dot per seed, on a log scale, with the sticks as vertical lines.

    Args:
        errors: the test errors of a recipe's seeds, by the recipe's name.
        sticks: errors by name, as ``baselines.measuring_sticks`` gives them.
    """
    figure, axis = plt.subplots(figsize=(8, 0.5 * len(errors) + 1.6))
    for line, values in enumerate(errors.values()):
        axis.plot(values, [line] * len(values), "o", color=BLUE, alpha=0.6, markersize=8)
        axis.plot(torch.tensor(values).median(), line, "|", color="black", markersize=22)
    for name, error in sticks.items():
        axis.axvline(error, color="0.45", linewidth=1, linestyle=":")
        axis.text(error, -0.7, name + " ", rotation=90, ha="right", va="top", fontsize=8)
    axis.set(
        xscale="log",
        ylim=(len(errors) - 0.5, -0.8),
        yticks=range(len(errors)),
        yticklabels=errors,
        xlabel="test MSE per pixel after 600 steps; a dot is a seed, the bar their median",
    )
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("{x:g}")
    return figure


@_figure
def class_bars(panels: dict[str, Tensor], ylabel: str = "MSE per pixel") -> Figure:
    """A bar for each digit class, in a panel for each kind of error; each panel has its own scale.

    Args:
        panels: ``(10,)`` by title; one value per class. The largest bar of each is orange.
        ylabel: what the first panel's values are, with their unit.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(3.4 * len(panels), 3.2), squeeze=False)
    for axis, (title, values) in zip(axes[0], panels.items(), strict=True):
        values = torch.as_tensor(values).tolist()
        colours = [ORANGE if value == max(values) else BLUE for value in values]
        axis.bar(range(len(values)), values, color=colours)
        axis.set(title=title, xlabel="digit class", xticks=range(len(values)))
        axis.yaxis.set_major_formatter("{x:g}")
    axes[0, 0].set_ylabel(ylabel)
    return figure


@_figure
def measuring_stick(errors: Tensor, networks: dict[str, float], numbers: int = 64) -> Figure:
    """PCA's error against its number of components, and how many a network's error is worth.

    Args:
        errors: ``(K + 1,)``, PCA's error with 0, 1, …, K components, falling.
        networks: errors by name. Each is a point at ``numbers``, and a line from there to the first
            number of components whose error is at or below it.
        numbers: how many numbers the networks squeeze an image through.
    """
    worth = {name: int((errors > error).sum()) for name, error in networks.items()}
    last = min(len(errors) - 1, max(2 * numbers, *worth.values()) + 32)
    figure, axis = plt.subplots(figsize=(8, 4.4))
    axis.plot(range(last + 1), errors[: last + 1], color=BLUE, label="PCA with k components")
    axis.axvline(numbers, color="0.45", linewidth=1, linestyle=":")
    for (name, error), colour, marker in zip(
        networks.items(), (ORANGE, VERMILION, PURPLE), "osD", strict=False
    ):
        k = worth[name]
        axis.plot([numbers, k], [error, error], color=colour, linewidth=1.5)
        axis.plot(numbers, error, marker, color=colour, markersize=8)
        axis.plot(k, errors[k], marker, color=colour, markersize=8, mfc="white", mew=2)
        axis.plot([], [], marker + "-", color=colour, label=f"{name}: {error:.4f} = PCA-{k}")
    axis.set(
        yscale="log",
        xlabel=f"numbers kept per image, k (dotted: {numbers}, as the network)",
        ylabel="MSE per pixel, test set",
        title="A network's error, measured in components of PCA",
    )
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("{x:g}")
    axis.tick_params(which="minor", labelsize=8)
    axis.legend(frameon=False)
    return figure


# --------------------------------------------------------------------------------------- the parts


def _grid(rows: int, columns: int, labels: Sequence[str] = ()):
    figure, axes = plt.subplots(
        rows, columns, figsize=(0.95 * columns + 1, 1.0 * rows + 0.3), squeeze=False
    )
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for axis, label in zip(axes[:, 0], labels, strict=False):
        axis.set_ylabel(label, rotation=0, ha="right", va="center")
    return figure, axes


def _digit(axis, image: Tensor) -> None:
    axis.imshow(image[0].detach().cpu(), cmap="gray", vmin=0, vmax=1)


def _titles(axes, titles: Sequence[str]) -> None:
    for axis, title in zip(axes, titles, strict=False):
        axis.set_title(title, fontsize=10)


def _cells(table: Tensor):
    table = torch.as_tensor(table)
    return (((r, c), table[r, c].item()) for r in range(len(table)) for c in range(table.shape[1]))
