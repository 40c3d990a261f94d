"""Networks with codes of different width in one picture."""

from collections.abc import Sequence
from statistics import median

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from ae_helpers.plots.style import log_ticks, styled


@styled
def over_numbers(curves: dict[str, dict[int, Sequence[float]]]) -> Figure:
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
        title="Error and width of the code (line: median of the seeds, shaded: their range)",
    )
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    log_ticks(axis.yaxis)
    axis.legend(frameon=False)
    return figure
