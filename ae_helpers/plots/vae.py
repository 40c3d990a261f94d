"""Variational autoencoders: their codes as clouds, and their two losses against each other."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from torch import Tensor

from ae_helpers.plots.latent import CLASSES
from ae_helpers.plots.style import BLUE, VERMILION, styled


@styled
def one_number(
    z: Tensor,
    densities: dict[str, Tensor],
    bounds: dict[str, Sequence[Tensor]],
    log_evidence: float,
) -> Figure:
    """A model of one latent number: its densities, and bounds on log p(x) for many clouds.

    Args:
        z: ``(N,)``, the places at which the densities are given.
        densities: ``(N,)`` by name.
        bounds: by name, of a line: the means of clouds and their ELBO, in nats.
        log_evidence: log p(x), drawn as a line that no bound may cross.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
    for (name, values), line in zip(densities.items(), ["-", "--", "-.", ":"], strict=False):
        left.plot(z, values, line, label=name)
    left.set(xlabel="z, the code", title="One number", xlim=(-3, 3), ylim=(0, None))
    for name, (means, elbo) in bounds.items():
        right.plot(means, elbo, label=name)
    right.axhline(log_evidence, color=VERMILION, linestyle="--", label="log p(x)")
    right.set(xlabel="mean of the cloud", ylabel="ELBO, nats", ylim=(log_evidence - 4, 0))
    right.set_title("Below the line, whatever the cloud")
    for axis in (left, right):
        axis.legend(frameon=False, fontsize=9)
    return figure


@styled
def clouds(mean: Tensor, log_variance: Tensor, labels: Tensor) -> Figure:
    """Gaussians in the plane as ellipses of one standard deviation, coloured by class.

    The dashed circle is one standard deviation of N(0, 1), the dotted one two.

    Args:
        mean, log_variance: ``(N, 2)``.
        labels: ``(N,)``, the class of each, 0 to 9.
    """
    figure, axis = plt.subplots(figsize=(6, 5))
    sizes = 2 * (log_variance / 2).exp()  # the whole width, which is two deviations
    for name in labels.unique().tolist():
        own = labels == name
        ellipses = EllipseCollection(
            *sizes[own].T.numpy(),
            angles=0,
            units="xy",
            offsets=mean[own].numpy(),
            offset_transform=axis.transData,
            facecolors=CLASSES[name],
            edgecolors=CLASSES[name],
            alpha=0.35,
        )
        axis.add_collection(ellipses)
        axis.plot([], [], "o", color=CLASSES[name], label=f"{name}")
    for radius, line in ((1, "--"), (2, ":")):
        axis.add_patch(plt.Circle((0, 0), radius, fill=False, color="0.3", linestyle=line))
    edge = 1.05 * max(2.0, mean.abs().max().item())
    axis.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")
    axis.set(xlabel="first latent number", ylabel="second latent number")
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), title="label")
    return figure


@styled
def beta_curve(points: dict[float, Sequence[tuple[float, float, float]]]) -> Figure:
    """Distortion against rate, a dot for each seed of each β, with lines of equal −ELBO.

    Args:
        points: by β; for each seed its rate and its distortion, in nats per image, and how many of
            its latent numbers are active.
    """
    figure, axis = plt.subplots(figsize=(8, 5))
    middles = []
    for beta, seeds in points.items():
        rates, distortions, active = zip(*seeds, strict=True)
        axis.plot(rates, distortions, "o", color=BLUE, markersize=7, alpha=0.7)
        middles.append((sum(rates) / len(rates), sum(distortions) / len(distortions)))
        numbers = "–".join(f"{count}" for count in sorted(set(active)))
        text = f"β = {beta:g}: {numbers} active"
        axis.annotate(text, middles[-1], (9, 7), textcoords="offset points", fontsize=9)
    axis.plot(*zip(*middles, strict=True), "-", color=BLUE, linewidth=1)
    right, top = 1.25 * max(rate for rate, _ in middles), 1.1 * max(lost for _, lost in middles)
    for total in range(100, int(right + top), 50):
        axis.plot([0, total], [total, 0], ":", color="0.6", linewidth=1)
        x = min(total, right) if total < top else right
        if total - x < top:
            place = (x, max(total - x, 0))
            axis.annotate(f"{total}", place, (2, 4), textcoords="offset points", color="0.4")
    axis.set(
        xlim=(-3, right),
        ylim=(0, top),
        xlabel="rate, nats per image",
        ylabel="distortion, nats per image",
        title="Rate and distortion (dotted: equal sum, which is −ELBO)",
    )
    return figure
