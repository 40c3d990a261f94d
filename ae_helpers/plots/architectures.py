"""Many networks in one picture: what each costs and how well it does."""

from collections.abc import Sequence
from statistics import median

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from ae_helpers.plots.style import BLUE, log_ticks, styled


@styled
def trade_off(points: dict[str, tuple[float, Sequence[float]]], sticks: dict[str, float]) -> Figure:
    """Error against price: a dot per network at its median, a line over its seeds' range.

    Args:
        points: multiplications per image, and the test errors of its seeds, by name.
        sticks: errors by name, as horizontal lines.
    """
    figure, axis = plt.subplots(figsize=(8, 4.4))
    for name, (price, errors) in points.items():
        middle = median(errors)
        axis.plot([price, price], [min(errors), max(errors)], "-", color=BLUE, linewidth=2)
        axis.plot(price, middle, "o", color=BLUE, markersize=8)
        label = axis.annotate(name, (price, middle), (8, 5), textcoords="offset points", fontsize=9)
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85})
    for name, error in sticks.items():
        axis.axhline(error, color="0.45", linewidth=1, linestyle=":")
        axis.text(1.01, error, name, transform=axis.get_yaxis_transform(), va="center", fontsize=9)
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="multiplications per image",
        ylabel="MSE per pixel, test set",
        title="What a network costs, and how well it does (dot: median of the seeds)",
    )
    axis.margins(x=0.15, y=0.1)
    log_ticks(axis.yaxis, at=range(1, 10))
    log_ticks(axis.xaxis, form="{x:,.0f}")
    return figure


@styled
def rate_distortion(curves: dict[str, dict[int, Sequence[float]]]) -> Figure:
    """Error against the number of numbers, both on log scales: a line at the medians, the range.

    Args:
        curves: by name; for each number of numbers the test errors of all seeds.
    """
    figure, axis = plt.subplots(figsize=(8, 4.4))
    for (name, curve), marker in zip(curves.items(), "osD^v", strict=False):
        sizes = list(curve)
        middles = [median(errors) for errors in curve.values()]
        (line,) = axis.plot(sizes, middles, marker + "-", label=name)
        low, high = ([end(errors) for errors in curve.values()] for end in (min, max))
        axis.fill_between(sizes, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
    axis.set(
        xscale="log",
        yscale="log",
        xticks=sizes,
        xlabel="numbers per image",
        ylabel="MSE per pixel, test set",
        title="Rate and distortion (line: median of the seeds, shaded: their range)",
    )
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    log_ticks(axis.yaxis)
    axis.legend(frameon=False)
    return figure
