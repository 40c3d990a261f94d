"""The space of latent codes: maps of it, walks through it, distances in it."""

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ae_helpers.plots.style import BLUE, GREEN, ORANGE, PURPLE, SKY, STYLE, VERMILION, styled

CLASSES = [BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, "#D4C400", "black", "0.6", "#8C5A2B"]


@styled
def scatter(maps: dict[str, Tensor], labels: Tensor) -> Figure:
    """Points in the plane, coloured by class; each class's number stands in its middle.

    Args:
        maps: ``(N, 2)`` by title; a panel each, side by side.
        labels: ``(N,)``, the class of each point, 0 to 9.
    """
    figure, axes = plt.subplots(1, len(maps), figsize=(5 * len(maps), 4.8), squeeze=False)
    for axis, (title, points) in zip(axes[0], maps.items(), strict=True):
        points = torch.as_tensor(points)
        for name in labels.unique().tolist():
            own = points[labels == name]
            axis.plot(*own.T, ".", color=CLASSES[name], markersize=3, alpha=0.6)
            x, y = own.median(0).values.tolist()
            box = {"facecolor": "white", "edgecolor": CLASSES[name], "boxstyle": "circle,pad=0.15"}
            axis.text(x, y, f"{name}", ha="center", va="center", fontsize=9, bbox=box)
        axis.set(title=title, xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


@styled
def walks(images: Tensor, places: Tensor, distances: Tensor, lonely: float) -> Figure:
    """What is decoded along principal directions, and how far each step is from the nearest digit.

    Args:
        images: ``(R, S, 1, H, W)`` in [0, 1], a row for each of R directions.
        places: ``(S,)``, where along its direction each image is, in standard deviations; in equal
            steps.
        distances: ``(R, S)``, from each code to the nearest training code.
        lonely: the distance from which on a code counts as lonely; a dashed line.
    """
    step = (places[1] - places[0]).item()
    edge = places[-1].item() + 0.5 * step
    figure, axes = plt.subplots(
        2 * len(images),
        figsize=(9, 1.6 * len(images) + 0.4),
        height_ratios=[1, 0.55] * len(images),
        sharex=True,
    )
    for number, (row, away) in enumerate(zip(images, distances, strict=True)):
        above, below = axes[2 * number : 2 * number + 2]
        for image, place in zip(row, places.tolist(), strict=True):
            side = 0.46 * step
            extent = (place - side, place + side, 0, 1)
            above.imshow(image[0], cmap="gray", vmin=0, vmax=1, extent=extent, aspect="auto")
        below.plot(places.tolist(), away.tolist(), "o-", color=BLUE, markersize=4)
        below.axhline(lonely, color=VERMILION, linestyle="--", linewidth=1)
        above.set_ylabel(f"direction\n{number + 1}", rotation=0, ha="right", va="center")
        above.set(yticks=[])
        below.set(xlim=(-edge, edge), ylim=(0, 1.1 * distances.max().item()))
        for axis in (above, below):
            axis.spines[:].set_visible(False)
            axis.tick_params(bottom=False)
    below.set(
        xticks=places.tolist(),
        xlabel="standard deviations from the digit; blue: distance to the nearest training code "
        "(dashed: lonely)",
    )
    return figure


@styled
def distances(groups: dict[str, Tensor], label: str) -> Figure:
    """Histograms over each other, as lines.

    Args:
        groups: ``(N,)`` by name.
        label: what the numbers are.
    """
    figure, axis = plt.subplots(figsize=(8, 3.6))
    edges = torch.linspace(0, max(values.max().item() for values in groups.values()), 60)
    styles = zip(STYLE["axes.prop_cycle"].by_key()["color"], ["-", "--", "-.", ":"], strict=False)
    for (name, values), (colour, line) in zip(groups.items(), styles, strict=False):
        shares = torch.histogram(values, edges).hist / len(values)
        middles = (edges[1:] + edges[:-1]) / 2
        text = f"{name}: median {values.median():.0f}"
        axis.plot(middles, shares, line, color=colour, label=text)
    axis.set(xlabel=label, ylabel="share", ylim=(0, None))
    axis.legend(frameon=False)
    return figure
