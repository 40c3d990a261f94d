"""What all pictures share: colours, sizes, how they are drawn and shown."""

import functools
import io
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from PIL import Image
from torch import Tensor

# Okabe & Ito's colours, which people with any colour vision can tell apart.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILION, PURPLE, SKY = "#D55E00", "#CC79A7", "#56B4E9"
ERROR_MAX = 0.5  # the squared error per pixel that error maps show as darkest; the range is 0 to 1

STYLE = {
    "figure.facecolor": "white",  # not transparent: black on white reads on a dark page too
    "figure.dpi": 80,
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "image.interpolation": "nearest",  # pixels are squares, not a blur
    "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY]),
    "figure.constrained_layout.use": True,
}


def styled(function: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw in the shared style, and close the figure so that a notebook shows it only once.

    The style is all of matplotlib's defaults and ours: nothing of what the reader has set is seen.
    """
    alike = plt.style.context(["default", STYLE])

    @functools.wraps(function)
    def drawn(*args, **kwargs) -> Figure:
        figure = alike(function)(*args, **kwargs)
        # Some settings are read only when it is drawn or saved, perhaps by the reader.
        figure.draw, figure.savefig = alike(figure.draw), alike(figure.savefig)
        plt.close(figure)
        return figure

    return drawn


def show(figure: Figure, alt: str, colours: int = 256, **kwargs):
    """Show a figure in a notebook, with a text for those who can't see it.

    It reaches them on the pages of ``make execute`` and where only text is shown; JupyterLab itself
    gives a screen reader nothing of a picture. Where a notebook runs as a plain script, the text
    is printed.

    Args:
        figure: from this module, or any matplotlib figure.
        alt: what is to be seen, in a sentence.
        colours: as for ``png``; 16 are enough for a row of grey digits, and take half the bytes.
        kwargs: for ``IPython.display.display``, such as ``display_id=True``.
    """
    plt.close(figure)
    if not InteractiveShell.initialized():  # display would print the picture's bytes
        return print(alt)
    bundle = {"image/png": png(figure, colours=colours), "text/plain": alt}
    return display(bundle, raw=True, metadata={"image/png": {"alt": alt}}, **kwargs)


def png(figure: Figure, dpi: float | None = None, colours: int = 256, kmeans: int = 0) -> bytes:
    """The figure as a PNG file of 256 colours, a third as large as one of 16 million.

    With few colours, ``kmeans`` rounds keep the greys of a digit grey beside those of a chart.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.1)
    buffer.seek(0)
    small = io.BytesIO()
    image = Image.open(buffer).convert("RGB")
    image = image.quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans, dither=Image.Dither.NONE)
    image.save(small, "png", optimize=True)
    return small.getvalue()


def log_ticks(axis, at: Sequence[float] = (1, 2, 5), form: str = "{x:g}") -> None:
    """Ticks of a log scale: plain numbers, at these multiples of the powers of ten."""
    axis.set_major_locator(LogLocator(subs=at))
    axis.set_major_formatter(form)
    axis.set_minor_formatter(NullFormatter())


def grid(rows: int, columns: int, labels: Sequence[str] = ()):
    figure, axes = plt.subplots(
        rows, columns, figsize=(0.95 * columns + 1, 1.0 * rows + 0.3), squeeze=False
    )
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for axis, label in zip(axes[:, 0], labels, strict=False):
        axis.set_ylabel(label, rotation=0, ha="right", va="center")
    return figure, axes


def digit(axis, image: Tensor) -> None:
    """Draw an image in [0, 1]: ``(1, H, W)`` in grey, ``(3, H, W)`` in RGB."""
    image = image.detach().cpu()
    if len(image) == 3:
        axis.imshow(image.clamp(0, 1).permute(1, 2, 0))
    else:
        axis.imshow(image[0], cmap="gray", vmin=0, vmax=1)
