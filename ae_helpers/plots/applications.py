"""What networks are used for: repairs over noise, detectors, bits."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from ae_helpers.plots.style import log_ticks, styled

MARKERS = "osD^vP"


@styled
def over_noise(sigmas: Sequence[float], errors: dict[str, Sequence[float]]) -> Figure:
    """The error that is left after each repair, over the strength of the noise.

    Args:
        sigmas: standard deviations of the noise.
        errors: one series for each repair, by name; an error for each sigma.
    """
    figure, axis = plt.subplots(figsize=(8, 4.4))
    for (name, series), marker in zip(errors.items(), MARKERS, strict=False):
        axis.plot(sigmas, series, marker + "-", label=name)
    axis.set(
        yscale="log",
        xlabel="standard deviation of the noise, σ",
        ylabel="MSE per pixel against the clean images",
        title="What is left of the noise",
    )
    log_ticks(axis.yaxis)
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@styled
def roc(curves: dict[str, tuple[Sequence[float], Sequence[float]]], unknown: str) -> Figure:
    """What detectors catch, for each share of false alarms; the dotted line is a coin.

    Args:
        curves: false alarms and what is caught, shares from 0 to 1, by the detector's name, as
            ``sklearn.metrics.roc_curve`` gives them.
        unknown: what is to be caught.
    """
    figure, axis = plt.subplots(figsize=(7.6, 4.4))
    for (name, (alarms, caught)), style in zip(curves.items(), 3 * ["-", "--", "-."], strict=False):
        axis.plot(alarms, caught, style, label=name)
    axis.plot([0, 1], [0, 1], color="0.45", linewidth=1, linestyle=":")
    axis.set(
        aspect="equal",
        xlabel="false alarms: share of the known above the threshold",
        ylabel=f"caught: share of {unknown}",
        title="Each point of a curve is a threshold",
    )
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@styled
def bits_and_errors(
    curves: dict[str, tuple[Sequence[float], Sequence[float]]], lossless: dict[str, float]
) -> Figure:
    """The error against the bits that an image costs, both on log scales; low and left is good.

    Args:
        curves: bits per image and errors, by name.
        lossless: bits per image of what keeps each pixel, by name, as vertical lines.
    """
    figure, axis = plt.subplots(figsize=(8, 4.6))
    for (name, (bits, errors)), marker in zip(curves.items(), MARKERS, strict=False):
        axis.plot(bits, errors, marker + "-", markersize=5, label=name)
    for name, bits in lossless.items():
        axis.axvline(bits, color="0.45", linewidth=1, linestyle=":")
        axis.text(bits, 0.99, name + " ", rotation=90, ha="right", va="top", fontsize=9,
                  transform=axis.get_xaxis_transform())  # fmt: skip
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="bits per image",
        ylabel="MSE per pixel, test set",
        title="Error for bits",
    )
    log_ticks(axis.yaxis)
    log_ticks(axis.xaxis)
    axis.legend(frameon=False)
    return figure
