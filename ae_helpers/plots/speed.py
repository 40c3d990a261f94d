"""How fast loops train, beside the roof that the machine sets them."""

from collections.abc import Sequence
from statistics import median

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from ae_helpers.plots.style import SKY, VERMILION, log_ticks, styled


@styled
def speeds(rates: dict[str, Sequence[float]], roof: float | None = None) -> Figure:
    """Images per second of each loop, on a log scale: a bar to the median, a dot per measurement.

    Beside each bar stands its median, and how many times that of the first bar.

    Args:
        rates: images per second, one or more measurements of each loop, by its name.
        roof: images per second that the machine can't go beyond; a line, if it is given.
    """
    middles = [median(values) for values in rates.values()]
    lowest = min(min(values) for values in rates.values())
    highest = max(roof or 0, *(max(values) for values in rates.values()))
    left, right = 0.5 * lowest, highest * (highest / lowest) ** 0.15 * 1.6  # room for the words
    figure, axis = plt.subplots(figsize=(8, 0.42 * len(rates) + 1.3))
    for line, (values, middle) in enumerate(zip(rates.values(), middles, strict=True)):
        axis.barh(line, middle - left, left=left, height=0.7, color=SKY)
        axis.plot(values, [line] * len(values), "o", color="black", markersize=4, alpha=0.6)
        times = f" · {middle / middles[0]:.2f}×" if line else ""
        place = max(middle, *values), line
        text = axis.annotate(f"{middle:,.0f}{times}", place, (7, 0), textcoords="offset points")
        text.set(fontsize=9, va="center", zorder=3)  # above the roof
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85})
    if roof:
        axis.axvline(roof, color=VERMILION, linewidth=2)
        axis.text(roof, -0.75, f"the roof: {roof:,.0f}", ha="right", color=VERMILION, fontsize=10)
    axis.set(
        xscale="log",
        xlim=(left, right),
        ylim=(len(rates) - 0.4, -1.1 if roof else -0.6),
        yticks=range(len(rates)),
        yticklabels=rates,
        xlabel="images per second (a dot is a measurement; the bar, their median)",
    )
    log_ticks(axis.xaxis, at=(1, 2, 5) if right < 1_000 * left else (1,), form="{x:,.0f}")
    return figure
