"""What a trained autoencoder is good for: repair a damaged digit, and tell strangers apart."""

import io
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.data import check_images, to_float
from ae_helpers.measures import applications
from ae_helpers.plots.style import BLUE, ERROR_MAX, ORANGE, VERMILION, styled
from ae_helpers.widgets.controls import choice, slider
from ae_helpers.widgets.drawing import PAD, Brush
from ae_helpers.widgets.explorer import Explorer, check_named, own_copies
from ae_helpers.widgets.pictures import as_image, error_map, on_canvas, picture, tiles

ROWS = 4  # of digits that went wrong, and as many columns
BINS = 60
SCALE = f"squared error, 0 to {ERROR_MAX}"


def damage_digit(networks: dict[str, nn.Module], images: Tensor) -> Explorer:
    """Add noise to a digit, cover parts of it with a brush, and see what a network repairs.

    The noise is ``applications.add_noise``'s, one fixed pattern that the slider makes stronger.
    Then what is covered is black: each of the digit's pixels of which the brush has touched half
    or more.

    Args:
        networks: trained autoencoders by name, such as ``{"denoiser": shipped.denoiser()}``.
            Copies are explored, as they are now.
        images: ``(N, C, H, W)``, C 1 or 3, ``uint8`` or in [0, 1]: what to choose from. Under the
            brush, which is a square, others are stretched to one.

    Raises:
        TypeError, ValueError: no networks by name, or images or a network that can't be explored;
            the message says which, and why.
    """
    check_images(images)
    size, images = tuple(images.shape[2:]), images.cpu()
    copies = own_copies(networks, images, trained=False)
    seed, pad = 0, Brush(description="brush")

    def draw(brush: bytes, network: str, digit: int, noise: float):
        touched = torch.frombuffer(bytearray(brush), dtype=torch.uint8).view(1, PAD, PAD)
        covered = F.adaptive_avg_pool2d(touched / 255, size) >= 0.5
        clean = to_float(images[digit])
        noisy = applications.add_noise(clean[None], noise, torch.Generator().manual_seed(seed))[0]
        damaged = noisy.masked_fill(covered, 0)
        model = copies[network]
        repaired = model.decode(model.encode(damaged[None]))[0]
        file = io.BytesIO()
        as_image(noisy).save(file, "png")
        pad.picture = file.getvalue()
        before, after = ((clean - image).square().mean().item() for image in (damaged, repaired))
        return {
            "damaged": as_image(damaged),
            "repaired": as_image(repaired),
            "clean": as_image(clean),
            SCALE: error_map(clean, repaired),
        }, (
            f"Digit {digit}, noise {noise:.2f}, {covered.sum()} of {covered.numel()} pixels "
            f"covered. Against the clean digit the damaged one has an error of {before:.4f}, the "
            f"one repaired by the {network} {after:.4f} (MSE per pixel)."
        )

    def uncover() -> None:
        pad.value = bytes(PAD * PAD)

    def renew() -> None:
        nonlocal seed
        seed += 1

    square = torch.zeros(PAD, PAD, dtype=torch.uint8)
    square[130:200, 100:170] = 255
    pad.value = square.numpy().tobytes()  # so that there is something to see at once
    controls = {
        "network": choice("network", list(copies)),
        "digit": slider("digit", 0, len(images) - 1, 0),
        "noise": slider("noise", 0.0, 1.0, 0.3, 0.05),
    }
    return Explorer(
        "Damage a digit, and have it repaired",
        {"brush": pad, **controls},
        {
            "damaged": picture("The digit with noise, and black where it is covered."),
            "repaired": picture("What the chosen network makes of the damaged digit."),
            "clean": picture("The digit as it was."),
            SCALE: picture(
                "Where the repaired digit differs from the clean one: palest for 0, darkest from "
                f"{ERROR_MAX} on."
            ),
        },
        draw,
        {"Uncover": uncover, "New noise": renew},
        "Cover parts of it with the mouse or a finger. By keyboard: the arrow keys move the brush, "
        "the space bar covers.",
        across=2,
    )


def set_threshold(scores: dict[str, Tensor], unknown: Tensor, images: Tensor) -> Explorer:
    """Choose a detector and how many false alarms are accepted; see what it catches and misses.

    The threshold is such that no larger share of the known images than accepted scores above it;
    all that scores above it raises an alarm. The ROC curve shows the shares caught and falsely
    alarmed for all thresholds, by scikit-learn.

    Args:
        scores: by the detector's name, ``(N,)``: the higher, the stranger the image.
        unknown: ``(N,)``, ``bool``: which images are really strange.
        images: ``(N, C, H, W)``, C 1 or 3, ``uint8`` or in [0, 1]: those that the scores are of.

    Raises:
        TypeError, ValueError: no scores by name, or scores, marks and images that don't fit
            together; the message says which, and why.
    """
    check_named("scores", scores, '{"error": errors}')
    check_images(images)
    _check_marks(unknown, len(images))
    images, unknown = images.cpu(), unknown.cpu()
    scores = {name: _checked(name, values, len(images)) for name, values in scores.items()}
    charts = {name: Charts(values, unknown) for name, values in scores.items()}

    def draw(detector: str, accepted: int):
        own, chart = scores[detector], charts[detector]
        known = own[~unknown].sort().values
        # The score that the accepted share of the known ones, rounded down, is above.
        threshold = known[len(known) - 1 - int(accepted / 100 * len(known))].item()
        alarm = own > threshold
        false, missed = alarm & ~unknown, ~alarm & unknown
        caught = (alarm & unknown).sum() / unknown.sum()
        wrong = false.sum() / len(known)
        return {
            "scores": chart.histogram(threshold),
            "ROC curve": chart.roc(wrong.item(), caught.item()),
            "missed": _worst(images, own, missed, highest=False),
            "false alarms": _worst(images, own, false, highest=True),
        }, (
            f"{detector}, threshold {threshold:.4g}: {alarm.logical_and(unknown).sum()} of "
            f"{unknown.sum()} unknown caught ({caught:.1%}), {false.sum()} of {len(known)} known "
            f"are false alarms ({wrong:.1%}). Area under the curve: {chart.area:.3f} (0.5 for "
            "guessing, 1 for perfect)."
        )

    first = charts[next(iter(charts))]
    return Explorer(
        "Set a threshold: what is strange enough for an alarm?",
        {
            "detector": choice("detector", list(scores)),
            "accepted": slider("false alarms (%)", 0, 50, 5),
        },
        {
            "scores": picture(
                "Histograms of the scores of known and unknown images; a line at the threshold.",
                *first.histogram(0).size,
            ),
            "ROC curve": picture(
                "The share caught against the share of false alarms; a dot at the threshold.",
                *first.roc(0, 0).size,
            ),
            "missed": picture("Unknown images below the threshold, the lowest first.", 144),
            "false alarms": picture("Known images above the threshold, the highest first.", 144),
        },
        draw,
        across=2,
    )


class Charts:
    """The charts of one detector, drawn once; a threshold is marked without matplotlib."""

    def __init__(self, scores: Tensor, unknown: Tensor):
        from sklearn.metrics import roc_auc_score, roc_curve  # takes a second to import

        self.area = roc_auc_score(unknown, scores)
        curve = roc_curve(unknown, scores)[:2]
        # A few scores far out would push all others into one corner.
        self.low, self.high = scores.min().item(), scores.quantile(0.995).item()
        if self.high <= self.low:
            self.high = self.low + 1
        self.background, self.place = on_canvas(
            _histogram(scores[~unknown], scores[unknown], self.low, self.high)
        )
        self.roc_background, self.roc_place = on_canvas(_roc(*curve))

    def histogram(self, threshold: float) -> Image.Image:
        image = self.background.copy()
        x = min(max(threshold, self.low), self.high)
        line = [self.place(x, 0), self.place(x, math.inf)]
        ImageDraw.Draw(image).line(line, VERMILION, width=3)
        return image

    def roc(self, wrong: float, caught: float) -> Image.Image:
        image = self.roc_background.copy()
        x, y = self.roc_place(wrong, caught)
        ImageDraw.Draw(image).ellipse((x - 6, y - 6, x + 6, y + 6), VERMILION, "white", width=2)
        return image


def _worst(images: Tensor, scores: Tensor, chosen: Tensor, highest: bool) -> Image.Image:
    """The chosen images, sorted by score, as many as there is room for."""
    index = chosen.nonzero().flatten()
    index = index[scores[index].argsort(descending=highest, stable=True)]
    return tiles(images[index[: ROWS * ROWS]], ROWS, ROWS)


@styled
def _histogram(known: Tensor, unknown: Tensor, low: float, high: float) -> Figure:
    figure, axis = plt.subplots(figsize=(3.3, 2.5))
    edges = np.linspace(low, high, BINS + 1)
    for values, colour, name in ((known, BLUE, "known"), (unknown, ORANGE, "unknown")):
        shares = np.histogram(values.clamp(low, high), edges)[0] / len(values)
        axis.stairs(shares, edges, fill=True, alpha=0.3, color=colour)
        axis.stairs(shares, edges, color=colour, label=name, linewidth=1.5)
    axis.set(xlabel="score", ylabel="share", yticks=[], xlim=(low, high), ylim=(0, None))
    axis.locator_params(axis="x", nbins=4)  # long numbers beside each other would touch
    axis.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


@styled
def _roc(wrong: np.ndarray, caught: np.ndarray) -> Figure:
    figure, axis = plt.subplots(figsize=(2.5, 2.5))
    axis.plot([0, 1], [0, 1], ":", color="0.5")
    axis.plot(wrong, caught, color=BLUE)
    axis.set(xlabel="false alarms", ylabel="caught", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    axis.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    return figure


def _check_marks(unknown: Tensor, count: int) -> None:
    if not isinstance(unknown, Tensor) or unknown.dtype != torch.bool:
        kind = unknown.dtype if isinstance(unknown, Tensor) else type(unknown).__name__
        raise TypeError(
            f"unknown is {kind}; expected a bool tensor, true for what is strange. Write "
            "labels == 9, say."
        )
    if unknown.shape != (count,):
        raise ValueError(
            f"unknown has shape {tuple(unknown.shape)}; expected {(count,)}, one mark for each of "
            "the images. Pass both from the same set."
        )
    if unknown.all() or not unknown.any():
        raise ValueError(
            f"{unknown.sum()} of {count} images are unknown; expected some of both kinds, or there "
            "is nothing to tell apart. Pass images of both."
        )


def _checked(name: str, scores: Tensor, count: int) -> Tensor:
    if not isinstance(scores, Tensor):
        raise TypeError(
            f"{name}: the scores are a {type(scores).__name__}; expected a tensor. Convert them "
            "with torch.as_tensor(scores)."
        )
    if scores.shape != (count,):
        raise ValueError(
            f"{name}: the scores have shape {tuple(scores.shape)}; expected {(count,)}, one for "
            "each image. Pass one number per image, the higher the stranger."
        )
    if not scores.isfinite().all():
        raise ValueError(
            f"{name}: {(~scores.isfinite()).sum()} scores aren't finite; expected numbers. Look "
            "for NaN in what they were computed from."
        )
    return scores.detach().cpu().float()
