"""Errors over epochs, seeds, classes and components: lines, dots and bars, with their sticks."""

from collections.abc import Sequence
from statistics import median

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from torch import Tensor

from ae_helpers.plots.style import BLUE, ORANGE, PURPLE, VERMILION, log_ticks, styled
from ae_helpers.training import History


@styled
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
        axis.text(1.06 * right, error, f"{name}\n{error:.4f}", va="center", fontsize=9)
    axis.set(
        yscale="log",
        xlim=(-0.05 * right, 1.05 * right),
        xlabel="epoch (0: before training)",
        ylabel="MSE per pixel",
        title="Error per epoch",
    )
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.yaxis.set_major_formatter("{x:g}")
    axis.legend(loc="upper right", frameon=False)
    return figure


@styled
def curves(errors: dict[str, Sequence[float]], sticks: dict[str, float], **labels) -> Figure:
    """Errors over steps or epochs, counted from 0, on a log scale, with sticks as dotted lines.

    Args:
        errors: one curve or more, by name; ``nan`` leaves a gap.
        sticks: errors by name, as ``baselines.measuring_sticks`` gives them.
        labels: ``title``, ``xlabel``, ``ylabel``, as matplotlib's ``Axes.set`` takes them.
    """
    figure, axis = plt.subplots(figsize=(8, 3.8))
    for (name, series), line in zip(errors.items(), 2 * ["-", "--", "-."], strict=False):
        marker = "o" if len(series) < 40 else None
        axis.plot(series, line, marker=marker, markersize=5, label=name)
    for name, error in sticks.items():
        axis.axhline(error, color="0.45", linewidth=1, linestyle=":")
        axis.annotate(f" {name} {error:.4f}", (1, error), va="center", fontsize=9,
                      xycoords=axis.get_yaxis_transform())  # fmt: skip
    axis.set(yscale="log", ylabel="MSE per pixel", **labels)
    axis.xaxis.get_major_locator().set_params(integer=True)
    log_ticks(axis.yaxis)
    axis.legend(frameon=False)
    return figure


@styled
def seeds(errors: dict[str, Sequence[float]], sticks: dict[str, float]) -> Figure:
    """One line per recipe, one dot per seed, on a log scale, with the sticks as vertical lines.

    Args:
        errors: the test errors of a recipe's seeds, by the recipe's name.
        sticks: errors by name, as ``baselines.measuring_sticks`` gives them.
    """
    figure, axis = plt.subplots(figsize=(8, 0.5 * len(errors) + 1.6))
    for line, values in enumerate(errors.values()):
        heights = torch.linspace(line - 0.2, line + 0.2, len(values))  # or equal ones would hide
        axis.plot(values, heights, "o", color=BLUE, alpha=0.6, markersize=6)
        axis.plot(median(values), line, "|", color="black", markersize=22)
    for name, error in sticks.items():
        axis.axvline(error, color="0.45", linewidth=1, linestyle=":")
        axis.text(error, -0.7, name, rotation=30, fontsize=9)
    axis.set(
        xscale="log",
        ylim=(len(errors) - 0.5, -0.6),
        yticks=range(len(errors)),
        yticklabels=errors,
        xlabel="MSE per pixel, test set (a dot is a seed; the bar, their median)",
    )
    log_ticks(axis.xaxis, at=(1, 1.5, 2, 3, 5, 7))
    return figure


@styled
def against(
    errors: dict[str, dict[float, Sequence[float]]],
    sticks: dict[str, float],
    yours: tuple[float, float] | None = None,
    **labels,
) -> Figure:
    """Errors against a setting, on log scales: a dot per seed, a line through the medians.

    Args:
        errors: by name, and for each value of the setting, above 0, the errors of its seeds.
        sticks: errors by name, as ``baselines.measuring_sticks`` gives them.
        yours: a value of the setting and an error: the reader's own network, as a star.
        labels: ``title``, ``xlabel``, ``ylabel``, as matplotlib's ``Axes.set`` takes them.
    """
    figure, axis = plt.subplots(figsize=(8, 4.2))
    values = sorted({value for found in errors.values() for value in found})
    colours = (BLUE, ORANGE, VERMILION, PURPLE)
    for (name, found), colour, mark in zip(errors.items(), colours, "osD^", strict=False):
        middles = [median(several) for several in found.values()]
        axis.plot(list(found), middles, "-", color=colour, linewidth=1.5)
        for value, several in found.items():
            axis.plot([value] * len(several), several, mark, color=colour, alpha=0.6, markersize=5)
        axis.plot([], [], mark + "-", color=colour, label=name)
    if yours:
        axis.plot(*yours, "*", color="black", markersize=14, label="yours", linestyle="none")
    for name, error in sticks.items():
        axis.axhline(error, color="0.45", linewidth=1, linestyle=":")
        axis.text(1.01, error, name, transform=axis.get_yaxis_transform(), va="center", fontsize=9)
    axis.set(xscale="log", yscale="log", ylabel="MSE per pixel, test set", **labels)
    axis.set(xticks=values, xticklabels=[f"{value:g}" for value in values])
    axis.xaxis.set_minor_formatter(NullFormatter())
    log_ticks(axis.yaxis, at=(1, 1.5, 2, 3, 5, 7))
    axis.legend(frameon=False)
    return figure


@styled
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


@styled
def by_layer(
    values: dict[str, Sequence[Sequence[float]]], layers: Sequence[str], **labels
) -> Figure:
    """A number from each layer, on a log scale: a line per seed, a colour and a mark per name.

    Args:
        values: the lines by name; each has one number, above 0, for each layer.
        layers: what stands below the axis, in the order of the way through the network.
        labels: ``title``, ``xlabel``, ``ylabel``, as matplotlib's ``Axes.set`` takes them.
    """
    figure, axis = plt.subplots(figsize=(8, 3.8))
    colours = (BLUE, ORANGE, VERMILION, PURPLE)
    for (name, lines), colour, mark in zip(values.items(), colours, "osD^", strict=False):
        for number, line in enumerate(lines):
            label = None if number else name
            axis.plot(line, mark + "-", color=colour, alpha=0.7, markersize=4, label=label)
    axis.set(yscale="log", xticks=range(len(layers)), xticklabels=layers, **labels)
    log_ticks(axis.yaxis, at=(1,))
    axis.legend(frameon=False)
    return figure


@styled
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


@styled
def measuring_stick(errors: Tensor, networks: dict[str, float], numbers: int = 64) -> Figure:
    """PCA's error against its number of components, and how many a network's error is worth.

    Args:
        errors: ``(K + 1,)``, PCA's error with 0, 1, …, K components, falling.
        networks: errors by name. Each is a point at ``numbers``, and a line from there to the first
            number of components whose error is at or below it.
        numbers: how many numbers the networks squeeze an image through.
    """
    largest = len(errors) - 1
    worth = {name: min(int((errors > e).sum()), largest) for name, e in networks.items()}
    last = min(largest, max(2 * numbers, *worth.values()) + 32)
    figure, axis = plt.subplots(figsize=(8, 4.4))
    axis.plot(range(last + 1), errors[: last + 1], color=BLUE, label="PCA with k components")
    axis.axvline(numbers, color="0.45", linewidth=1, linestyle=":")
    for (name, error), colour, marker in zip(
        networks.items(), (ORANGE, VERMILION, PURPLE), "osD", strict=False
    ):
        k = worth[name]
        axis.plot([numbers, k], [error, error], color=colour, linewidth=1.5)
        axis.plot(numbers, error, marker, color=colour, markersize=8)
        axis.plot(k, error, marker, color=colour, markersize=8, mfc="white", mew=2)
        axis.plot([], [], marker + "-", color=colour, label=f"{name}: {error:.4f} = PCA-{k}")
    axis.set(
        yscale="log",
        xlabel=f"numbers kept per image, k (dotted: {numbers}, as the network)",
        ylabel="MSE per pixel, test set",
        title="A network's error, measured in components of PCA",
    )
    log_ticks(axis.yaxis)
    axis.legend(frameon=False)
    return figure
