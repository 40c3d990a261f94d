"""Networks by datasets: a matrix of errors, coloured by what they are worth."""

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ae_helpers.plots.style import styled

if TYPE_CHECKING:
    import pandas as pd


@styled
def matrix(errors: "pd.DataFrame", sticks: "pd.Series", title: str) -> Figure:
    """Errors as coloured squares: a row is who rebuilds, a column what is rebuilt.

    Each square holds the error, and what share of the mean image's error of its column that is.
    The share makes the colour, on a log scale from 2 % to 20 times, so that a hard dataset can be
    compared with an easy one.

    Args:
        errors: MSE per pixel.
        sticks: for each column the error of its own mean image.
        title: above the matrix.
    """
    shares = errors / sticks
    figure, axis = plt.subplots(figsize=(1.45 * errors.shape[1] + 3.2, 0.55 * len(errors) + 1.5))
    drawn = axis.imshow(shares, cmap="viridis_r", norm=LogNorm(0.02, 20), aspect="auto")
    for row in range(len(errors)):
        for column in range(errors.shape[1]):
            share = shares.iloc[row, column]
            times = f"{share:.0%}" if share < 2 else f"{share:.0f} times"
            text = f"{errors.iloc[row, column]:.4f}\n{times}"
            colour = "white" if share > 0.6 else "black"
            axis.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
    axis.set(
        title=title,
        xticks=range(errors.shape[1]),
        xticklabels=errors.columns,
        yticks=range(len(errors)),
        yticklabels=errors.index,
        xlabel="rebuilt: test images of",
    )
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    figure.colorbar(drawn, label="share of the mean image's error", format="{x:g}", extend="both")
    return figure
