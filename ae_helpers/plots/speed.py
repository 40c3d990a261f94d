"""How fast operations and loops are, beside the limits that the machine sets them."""

from collections.abc import Mapping, Sequence
from statistics import median

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from ae_helpers.plots.style import BLUE, GREEN, ORANGE, PURPLE, VERMILION, log_ticks, styled

Points = Mapping[str, tuple[float, float]]  # arithmetic operations per byte and per second


@styled
def roofline(peak: float, bandwidth: float, groups: Mapping[str, Points]) -> Figure:
    """What operations reach, below the roof that arithmetic and memory set them.

    Williams, Waterman & Patterson, "Roofline", Communications of the ACM 52(4), 2009.

    Args:
        peak: arithmetic operations per second that the machine can't go beyond, the flat roof.
        bandwidth: bytes per second, the slanted one.
        groups: (operations per byte, operations per second) of each point, by its name, by the name
            of the group, which has a colour and a mark. Points of groups of one are named.
    """
    figure, axis = plt.subplots(figsize=(8, 4.6))
    points = [point for group in groups.values() for point in group.values()]
    ridge = peak / bandwidth
    left = min(ridge, *(x for x, _ in points)) / 2
    right = max(ridge, *(x for x, _ in points)) * 9  # there is room for the last one's name
    axis.plot([left, ridge, right], [left * bandwidth, peak, peak], color=VERMILION, linewidth=2)
    axis.axvline(ridge, color="0.7", linewidth=1, linestyle=":")
    colours = ("black", ORANGE, BLUE, GREEN, PURPLE)
    for (name, group), colour, mark in zip(groups.items(), colours, "Dos^v", strict=False):
        x, y = zip(*group.values(), strict=True)
        axis.plot(x, y, mark, color=colour, alpha=0.8, label=name)
        for word, point in group.items() if colour == "black" else ():
            axis.annotate(word, point, (8, -13), textcoords="offset points", fontsize=8)
    red = {"fontsize": 10, "color": VERMILION}
    axis.annotate(
        f"memory-bound:\n{bandwidth / 1e9:,.0f} GB/s", (left * 1.1, peak), va="top", **red
    )
    axis.annotate(
        f"compute-bound: {peak / 1e9:,.0f} GFLOP/s", (right, peak * 1.2), ha="right", **red
    )
    axis.set(
        xscale="log",
        yscale="log",
        xlim=(left, right),
        ylim=(min(y for _, y in points) / 3, max(peak, *(y for _, y in points)) * 3),
        xlabel="arithmetic operations per byte moved",
        ylabel="GFLOP/s reached",
    )
    log_ticks(axis.xaxis, at=(1,))
    log_ticks(axis.yaxis, at=(1,))
    axis.yaxis.set_major_formatter(lambda value, _: f"{value / 1e9:g}")
    axis.legend(frameon=False, loc="lower right", fontsize=9)
    return figure


@styled
def speeds(rates: Mapping[str, Sequence[float]], roof: float | None = None) -> Figure:
    """Images per second of each loop, on a log scale: a dot per measurement, a bar at the median.

    Beside them stands the median, and how many times that of the first loop.

    Args:
        rates: images per second, one or more measurements of each loop, by its name.
        roof: images per second that the machine can't go beyond; a line, if it is given.
    """
    figure, axis = plt.subplots(figsize=(8, 0.42 * len(rates) + 1.3))
    first = median(next(iter(rates.values())))
    _dots(axis, rates, BLUE, lambda middle: f"{middle:,.0f} · {middle / first:.2f}×")
    lowest = min(min(values) for values in rates.values())
    highest = max(roof or 0, *(max(values) for values in rates.values()))
    left, right = 0.8 * lowest, highest * (highest / lowest) ** 0.15 * 1.6  # room for the words
    axis.axvline(first, color="0.45", linewidth=1, linestyle=":", zorder=0)
    if roof:
        axis.axvline(roof, color=VERMILION, linewidth=2)
        axis.text(roof, -0.75, f"the roof: {roof:,.0f}", ha="right", color=VERMILION, fontsize=10)
    axis.set(
        xlim=(left, right),
        ylim=(len(rates) - 0.4, -1.1 if roof else -0.6),
        xlabel="images per second (a dot is a measurement; the bar, their median)",
    )
    log_ticks(axis.xaxis, at=(1, 2, 5) if right < 1_000 * left else (1,), form="{x:,.0f}")
    return figure


@styled
def gains(ratios: Mapping[str, Mapping[str, Sequence[float]]], xlabel: str) -> Figure:
    """How many times as fast each change makes a loop, on a log scale, for several networks.

    Args:
        ratios: for each network, by its name, the gains by the name of the change; all networks
            have the same changes.
        xlabel: what stands below the axis.
    """
    changes = next(iter(ratios.values()))
    figure, axis = plt.subplots(figsize=(8, 0.6 * len(changes) + 1.5))
    apart = 0.36
    for number, (name, group) in enumerate(ratios.items()):
        colour, shift = (BLUE, ORANGE, GREEN)[number], apart * (number - (len(ratios) - 1) / 2)
        rows = {change: group[change] for change in changes}
        _dots(axis, rows, colour, lambda middle: f"{middle:.2f}×", shift, name)
    axis.axvline(1, color="0.45", linewidth=1, linestyle=":", zorder=0)
    axis.set(ylim=(len(changes) - 0.4, -0.6), xlabel=xlabel)
    axis.margins(x=0.12)
    log_ticks(axis.xaxis, at=(1, 1.5, 2, 3, 5, 7))
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 1.16), ncols=len(ratios))
    return figure


def _dots(axis, rows, colour, words, shift: float = 0.0, label: str | None = None) -> None:
    """A row for each name: dots, a bar at their median, and words about it to their right."""
    for line, values in enumerate(rows.values()):
        middle, at = median(values), line + shift
        axis.plot(values, [at] * len(values), "o", color=colour, markersize=4, alpha=0.6)
        axis.plot(middle, at, "|", color=colour, markersize=14, markeredgewidth=2.5,
                  label=None if line else label)  # fmt: skip
        place = (max(values), at)
        text = axis.annotate(words(middle), place, (8, 0), textcoords="offset points")
        text.set(fontsize=9, va="center", zorder=3)  # above the roof
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85})
    axis.set(xscale="log", yticks=range(len(rows)), yticklabels=rows)
