"""What training does to reconstructions: epoch by epoch, and before it beside after it."""

import functools
import math

import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from torch import Tensor, nn

from ae_helpers.data import check_images, to_float
from ae_helpers.measures import image_errors, reconstruct
from ae_helpers.plots.charts import loss_curve
from ae_helpers.plots.style import BLUE, SKY, VERMILION
from ae_helpers.training import History
from ae_helpers.widgets.controls import choice, slider, switch
from ae_helpers.widgets.explorer import Explorer, own_copy
from ae_helpers.widgets.pictures import as_image, enlarged, error_map, on_canvas, picture, tiles

COLUMNS = 5  # digits side by side in the time machine
TILE, WIPED = 84, 252  # pixels of the screen: the side of a digit there, and of one to be wiped
ORDERS = ("as in the set", "best first", "worst first")
BOTH = "left of the line: before · right: after"  # the panel of the wipe


def time_machine(images: Tensor, history: History, sticks: dict[str, float]) -> Explorer:
    """Slide over the epochs: the same digits take shape, a marker moves along the loss curve.

    Args:
        images: ``(N, C, H, W)``, ``uint8`` or in [0, 1], that begin with those which
            ``history.reconstructions`` are of: the test images, for a history of ``training.fit``.
        history: of at least one epoch.
        sticks: errors by name, as ``baselines.measuring_sticks`` gives them.

    Raises:
        TypeError, ValueError: see ``data.check_images``; or a history without epochs, or of other
            images.
    """
    check_images(images)
    if not isinstance(history, History):
        raise TypeError(
            f"The history is a {type(history).__name__}; expected the History that training.fit "
            "returns. Pass that, or the one of training.trained_backbone."
        )
    if not history.epochs:
        raise ValueError(
            "This history has 0 epochs; expected at least 1 to slide over. Train first, with "
            "training.fit."
        )
    wanted = tuple(history.reconstructions[0].shape)
    images = images[: wanted[0]]
    if tuple(images.shape) != wanted:
        raise ValueError(
            f"The images have shape {tuple(images.shape)}; expected {wanted}, that of the "
            "reconstructions in this history. Pass the test images that it was measured on."
        )
    background, place = on_canvas(curve(history, sticks))
    test_errors = [history.error_before, *history.test_error]
    digits = f"the same {wanted[0]} digits: original, and below it reconstructed"

    def draw(epoch: int):
        rebuilt = history.reconstructions[epoch]
        chart = background.copy()
        pen = ImageDraw.Draw(chart)
        x, y = place(epoch, test_errors[epoch])
        pen.line([place(epoch, 0), place(epoch, math.inf)], VERMILION, width=2)
        pen.ellipse((x - 7, y - 7, x + 7, y + 7), fill=BLUE, outline=VERMILION, width=3)
        text = f"Epoch {epoch} of {history.epochs}: test error {test_errors[epoch]:.4f}"
        if epoch:
            text += f", train error {history.train_error[epoch - 1]:.4f}"
        return {digits: _pairs(images, rebuilt), "loss curve": chart}, (
            f"{text} (MSE per pixel). {_next_stick(test_errors[epoch], sticks)}"
        )

    side = max(TILE // wanted[3], 1)
    size = [length * side for length in _pairs(images, history.reconstructions[0]).size]
    return Explorer(
        "Slide over the epochs: the same digits take shape",
        {"epoch": slider("epoch (0: before)", 0, history.epochs, 1)},
        {
            digits: picture("Test digits, each with its reconstruction below.", *size),
            "loss curve": picture(
                "Train and test error per epoch, on a log scale; a line marks the chosen epoch.",
                *background.size,
            ).add_class("ae-smooth"),
        },
        draw,
    )


def curve(history: History, sticks: dict[str, float]) -> Figure:
    """The loss curve as the time machine shows it: for a panel, which has the title."""
    figure = loss_curve(history, sticks)
    figure.set_size_inches(4.9, 3.6)
    figure.axes[0].set_title(None)
    return figure


def before_after(before: nn.Module, after: nn.Module, images: Tensor) -> Explorer:
    """Wipe from one network's reconstruction to another's, or from error map to error map.

    Args:
        before: an autoencoder, which may be untrained.
        after: a trained one, such as the same after its training.
        images: ``(N, 1, H, W)``, ``uint8`` or in [0, 1], that both reconstruct.

    Raises:
        TypeError, ValueError: see ``own_copy``.
    """
    models = {
        "before": own_copy(before, images, trained=False),
        "after": own_copy(after, images),
    }
    images = images.cpu()
    errors = {
        name: image_errors(images, reconstruct(model, images)) for name, model in models.items()
    }
    best_first = errors["after"].argsort(stable=True)
    indices = dict(
        zip(ORDERS, (torch.arange(len(images)), best_first, best_first.flip(0)), strict=True)
    )
    side = max(WIPED // max(images.shape[2:]), 1)
    size = [length * side for length in reversed(images.shape[2:])]
    means = ", ".join(f"{error.mean():.4f} {name}" for name, error in errors.items())

    @functools.lru_cache(maxsize=1)
    def shown(index: int, maps: bool) -> list[Image.Image]:
        """The reconstructions by both networks, or their error maps."""
        image, pictures = to_float(images[index]), []
        for model in models.values():
            rebuilt = reconstruct(model, image[None])[0]
            shown = error_map(image, rebuilt) if maps else as_image(rebuilt)
            pictures.append(enlarged(shown, side))
        return pictures

    def draw(order: str, number: int, right: int, maps: bool):
        index = indices[order][number].item()
        rank = (best_first == index).nonzero().item() + 1
        own = ", ".join(f"{error[index]:.4f} {name}" for name, error in errors.items())
        return {
            "original": enlarged(as_image(images[index]), side),
            BOTH: _wiped(*shown(index, maps), right / 100),
        }, (
            f"Image {index}: error {own} (MSE per pixel), rank {rank:,} of {len(images):,} from "
            f"the best. Mean of all: {means}."
        )

    return Explorer(
        "Wipe from before the training to after it",
        {
            "right": slider("after (% of the width)", 0, 100, 50),
            "order": choice("order", ORDERS),
            "number": slider("number in this order", 0, len(images) - 1, 0),
            "maps": switch("error maps", False),
        },
        {
            "original": picture("The chosen digit.", *size),
            BOTH: picture(
                "Its reconstructions, or their error maps: before training on the left of a line, "
                "after it on the right.",
                *size,
            ),
        },
        draw,
    )


def _pairs(images: Tensor, rebuilt: Tensor) -> Image.Image:
    """Each image above its reconstruction, ``COLUMNS`` in a row, with gaps between the rows."""
    pairs = torch.cat([to_float(images), to_float(rebuilt)], dim=2)
    columns = min(COLUMNS, len(pairs))
    return tiles(pairs, math.ceil(len(pairs) / columns), columns, below=3, beside=0)


def _next_stick(error: float, sticks: dict[str, float]) -> str:
    below = {name: stick for name, stick in sticks.items() if stick < error}
    if not below:
        return f"It is below all measuring sticks: {', '.join(sticks)}."
    name = max(below, key=below.get)
    return f"The next measuring stick is {name}, at {below[name]:.4f}."


def _wiped(left: Image.Image, right: Image.Image, share: float) -> Image.Image:
    """The left part of one picture and the right part, a ``share`` of the width, of another."""
    image, x = left.copy(), round((1 - share) * left.width)
    image.paste(right.crop((x, 0, *right.size)), (x, 0))
    ImageDraw.Draw(image).line([(x, 0), (x, image.height)], SKY, width=2)
    return image
