"""What all explorers share: controls, pictures, a readout, and a voice when something fails."""

import copy
import html
import io
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path

import anywidget
import ipywidgets as widgets
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from ae_helpers.data import check_images, to_float
from ae_helpers.measures import image_errors, reconstruct
from ae_helpers.plots.style import png, styled

SIDE = 168  # pixels of the screen that a digit is wide and high: six for each of its own
CSS = """<style>
.ae-picture { image-rendering: pixelated; }
.ae-explorer .widget-label, .ae-explorer .widget-html-content {
  color: var(--jp-ui-font-color1, #222); font-size: 13px; }
.ae-explorer .widget-html-content { line-height: 1.35; }
.ae-panel > .widget-label { white-space: normal; height: auto; line-height: 1.35; padding: 5px 0; }
.ae-alert { border: 2px solid #D55E00; padding: 6px; white-space: pre-wrap; }
</style>"""


class KeepKeys(anywidget.AnyWidget):
    """Keeps keys pressed in the explorer around it from JupyterLab; nothing is to be seen."""

    _esm = Path(__file__).with_suffix(".js")


class Explorer(widgets.VBox):
    """Controls, the pictures that they change, and a line of text: the frame of every explorer.

    Args:
        title: what can be explored, as an instruction: "Slide over the epochs".
        controls: widgets with a ``value``, by name. A change of one draws anew.
        pictures: a panel for each picture, by name, as ``picture`` makes them.
        draw: called with the controls' values by name; returns a PIL image for each picture, by
            name, and the readout: one line of plain text.
        buttons: what a click does, by the button's label. It may set controls: the explorer draws
            once, afterwards.
        arranged: the controls, laid out; by default one below the other.

    The first pictures are drawn at once, so a mistake in the arguments raises here. Controls
    answer only from then on. An exception in ``draw`` or in a button is shown in the explorer and
    kept in ``errors``; the last pictures stay.
    """

    def __init__(
        self,
        title: str,
        controls: dict[str, widgets.Widget],
        pictures: dict[str, widgets.Widget],
        draw: Callable[..., tuple[dict[str, Image.Image], str]],
        buttons: dict[str, Callable[[], None]] | None = None,
        arranged: widgets.Widget | None = None,
    ):
        self.title, self.controls, self.pictures, self.draw = title, controls, pictures, draw
        self.errors: list[Exception] = []
        self.shown: dict[str, Image.Image] = {}
        self.readout = widgets.HTML()
        self._alert, self._paused = widgets.HTML(), False
        self.buttons = {}
        for label, action in (buttons or {}).items():
            button = widgets.Button(description=label, layout=widgets.Layout(width="auto"))
            button.on_click(lambda _, action=action: self._answer(action))
            self.buttons[label] = button
        self._draw()  # nobody listens to the controls before this
        for control in controls.values():
            control.observe(lambda _: self._answer(), names="value")

        row = widgets.Layout(flex_flow="row wrap", align_items="flex-start", overflow="hidden")
        panels = [
            widgets.VBox(
                [widgets.Label(name), panel],
                layout=widgets.Layout(margin="0 12px 4px 0", overflow="hidden"),
            ).add_class("ae-panel")
            for name, panel in pictures.items()
        ]
        super().__init__(
            [
                widgets.HTML(f"{CSS}<b>{html.escape(title)}</b>"),
                arranged or widgets.VBox(list(controls.values())),
                widgets.Box(list(self.buttons.values()), layout=row),
                self._alert,
                widgets.Box(panels, layout=row),
                self.readout,
                KeepKeys(layout=widgets.Layout(display="none")),
            ],
            layout=widgets.Layout(
                border="1px solid #8888", padding="8px", max_width="900px", overflow="hidden"
            ),
        )
        self.add_class("ae-explorer")

    def act(self, action: Callable[[], None]) -> None:
        """What a click on a button does, for a picture that answers: act, then draw once."""
        self._answer(action)

    def _answer(self, action: Callable[[], None] | None = None) -> None:
        """Act and draw anew; whatever is raised, the reader sees it."""
        if self._paused:
            return
        try:
            self._paused = True
            if action:
                action()
            self._draw()
            self._alert.value = ""
        except Exception as error:  # ipywidgets would hide it in a log
            self.errors.append(error)
            place = traceback.extract_tb(error.__traceback__)[-1].name
            text = html.escape(f"{type(error).__name__} in {place}: {error}")
            self._alert.value = f'<div class="ae-alert" role="alert">{text}</div>'
        finally:
            self._paused = False

    def _draw(self) -> None:
        with torch.inference_mode():
            pictures, readout = self.draw(**{k: c.value for k, c in self.controls.items()})
        if pictures.keys() != self.pictures.keys():
            raise ValueError(f"Drawn: {list(pictures)}; expected {list(self.pictures)}.")
        for name, image in pictures.items():
            buffer = io.BytesIO()
            image.save(buffer, "png", compress_level=1)
            self.pictures[name].value = buffer.getvalue()
        self.shown = pictures
        self.readout.value = f'<div role="status">{html.escape(readout)}</div>'
        self._text = readout

    def _repr_mimebundle_(self, **kwargs):
        """The live widget, and a poster for whoever looks without a kernel, as on GitHub."""
        bundle = super()._repr_mimebundle_(**kwargs)
        alt = f"{self.title}: {self._text}"
        poster = png(_poster(self), dpi=72, colours=64, kmeans=2)  # a notebook stores many
        bundle |= {"image/png": poster, "text/plain": alt}
        return bundle, {"image/png": {"alt": alt}}


# ------------------------------------------------------------------------------------- the controls


def slider(label: str, low: float, high: float, value: float, step: float = 1) -> widgets.Widget:
    """A slider with its label and its value, for whole numbers if all four are whole."""
    whole = all(isinstance(number, int) for number in (low, high, value, step))
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(value=value, min=low, max=high, step=step, description=label, **_look())


def choice(label: str, options, value=None) -> widgets.Dropdown:
    """A list to choose from; ``options`` as ``ipywidgets.Dropdown`` takes them."""
    chosen = {} if value is None else {"value": value}
    return widgets.Dropdown(options=options, description=label, **chosen, **_look())


def stops(label: str, options: list[tuple[str, object]], value=None) -> widgets.SelectionSlider:
    """A slider that stops at given values only; ``options`` are their names and values, in order.

    It begins at ``value``, or at the first.
    """
    value = options[0][1] if value is None else value
    return widgets.SelectionSlider(options=options, value=value, description=label, **_look())


def switch(label: str, value: bool) -> widgets.Checkbox:
    """On or off."""
    return widgets.Checkbox(value=value, description=label, **_look())


def _look() -> dict:
    return {
        "style": {"description_width": "11em"},
        "layout": widgets.Layout(width="100%", max_width="480px"),
    }


def digit_name(number: int, labels: Tensor | None, kind: str = "digit") -> str:
    """How a readout calls a digit, or an image of another ``kind``: number, and label if any."""
    return f"{kind} {number}" if labels is None else f"{kind} {number} (label {labels[number]})"


# ------------------------------------------------------------------------------------- the pictures


class _Panel(widgets.Image):
    # The browser shows a tooltip only of what has a description, and fails without one.
    description = traitlets.Unicode("").tag(sync=True)


def picture(alt: str, width: int = SIDE, height: int = SIDE) -> widgets.Image:
    """A panel for a picture, with crisp pixels.

    Args:
        alt: what is to be seen in it, whatever the controls say; also the tooltip.
        width, height: its size on the screen in pixels; the picture keeps its proportions.
    """
    layout = widgets.Layout(
        width=f"{width}px",
        height=f"{height}px",
        max_width="100%",  # where the window is narrower, it is smaller
        object_fit="contain",
        align_self="flex-start",
    )
    panel = _Panel(format="png", layout=layout, tooltip=alt)
    panel.add_class("ae-picture")
    return panel


def grey(image: Tensor) -> Image.Image:
    """An image, ``(H, W)`` or ``(1, H, W)``, ``uint8`` or in [0, 1]: 0 is black, 1 is white."""
    image = image.squeeze(0) if image.ndim == 3 else image
    if image.ndim != 2:
        raise ValueError(
            f"An image has shape {tuple(image.shape)}; expected one channel, to be shown in grey. "
            "Take one: images[:, :1]."
        )
    if image.dtype != torch.uint8:
        image = (image.clamp(0, 1) * 255).round().byte()
    return Image.fromarray(image.cpu().numpy())


def as_image(image: Tensor) -> Image.Image:
    """An image as it is, ``(1, H, W)`` in grey or ``(3, H, W)`` in RGB; ``uint8`` or in [0, 1]."""
    if image.ndim != 3 or len(image) != 3:
        return grey(image)
    if image.dtype != torch.uint8:
        image = (image.clamp(0, 1) * 255).round().byte()
    return Image.fromarray(image.permute(1, 2, 0).contiguous().cpu().numpy())


def coloured(values: Tensor, colormap: str, low: float, high: float) -> Image.Image:
    """Numbers, ``(H, W)``, as colours: ``low`` and all below is the first one of ``colormap``."""
    scaled = (values.float() - low) / max(high - low, 1e-12)
    image = Image.fromarray((scaled.clamp(0, 1) * 255).round().byte().cpu().numpy(), mode="P")
    image.putpalette(matplotlib.colormaps[colormap](range(256), bytes=True)[:, :3].tobytes())
    return image


def tiles(images: Tensor, rows: int, columns: int) -> Image.Image:
    """The first images, ``(N, 1, H, W)``, side by side with thin gaps, row by row.

    What is left over, and the gaps, are transparent, for a dark page.
    """
    height, width = images.shape[2:]
    board = Image.new("LA", (columns * (width + 1) - 1, rows * (height + 1) - 1), (255, 0))
    for number, image in enumerate(images[: rows * columns]):
        row, column = divmod(number, columns)
        board.paste(grey(image), (column * (width + 1), row * (height + 1)))
    return board


def enlarged(image: Image.Image, factor: int) -> Image.Image:
    """Each pixel becomes a square of ``factor`` pixels, in RGB, ready to be drawn upon."""
    size = (image.width * factor, image.height * factor)
    return image.convert("RGB").resize(size, Image.Resampling.NEAREST)


def on_canvas(figure: Figure) -> tuple[Image.Image, Callable[[float, float], tuple[float, float]]]:
    """A figure as a picture, and a function from its first axis's data to the picture's pixels.

    A marker can then be moved without matplotlib, which takes a hundred times as long.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    picture = picture.quantize(250, Image.Quantize.MAXCOVERAGE)  # is sent ten times as fast
    axis = figure.axes[0]

    def place(x: float, y: float) -> tuple[float, float]:
        low, high = axis.get_ylim()
        right, up = axis.transData.transform((x, min(max(y, low), high)))
        return right, picture.height - up

    return picture, place


@styled
def _poster(explorer: Explorer) -> Figure:
    """The pictures side by side, as large as on the screen, and what could be moved."""
    widths = [int(panel.layout.width[:-2]) for panel in explorer.pictures.values()]
    heights = [
        width * image.height / image.width
        for width, image in zip(widths, explorer.shown.values(), strict=True)
    ]
    figure, axes = plt.subplots(
        1,
        len(widths),
        figsize=(max(sum(widths) / 80 + 0.5, 5), max(heights) / 80 + 1.2),
        width_ratios=widths,
        squeeze=False,
    )
    for axis, (name, image) in zip(axes[0], explorer.shown.items(), strict=True):
        # Digits stay crisp; lines that are one pixel wide aren't doubled here and there.
        axis.imshow(image.convert("RGB"), interpolation="auto")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        axis.set_title(name, fontsize=10)
    moved = [control.description for control in explorer.controls.values()] + list(explorer.buttons)
    figure.suptitle(explorer.title, fontsize=12)
    lines = [explorer._text, f"live in Jupyter, with: {' · '.join(filter(None, moved))}"]
    letters = round(13 * figure.get_figwidth())  # that fit into a line
    figure.supxlabel("\n".join(textwrap.fill(line, letters) for line in lines), fontsize=9)
    return figure


# ---------------------------------------------------------------------------------- what is checked


def check_named(kind: str, given: dict, example: str) -> None:
    """Refuse what isn't a dict with something in it.

    Args:
        kind: what it holds, as in "networks".
        given: what is to be checked.
        example: how one writes it, such as ``{"backbone": model}``.

    Raises:
        TypeError, ValueError: not a dict, or an empty one.
    """
    if not isinstance(given, dict):
        raise TypeError(
            f"The {kind} are a {type(given).__name__}; expected a dict. Write {example}."
        )
    if not given:
        raise ValueError(f"The {kind} are empty; expected at least one. Write {example}.")


def own_copy(model: nn.Module, images: Tensor, trained: bool = True) -> nn.Module:
    """A copy of the model to explore: on the CPU, in evaluation mode, as it is now.

    Args:
        model: with ``encode`` ``(N, C, H, W)`` → ``(N, latent_size)`` and ``decode`` back again.
        images: what it shall reconstruct, as in ``data.check_images``.
        trained: refuse a network that reconstructs them no better than their mean image does.

    Raises:
        TypeError, ValueError: images or a model that can't be explored; the message says why.
    """
    check_images(images, getattr(model, "input_shape", None))
    missing = [name for name in ("encode", "decode", "latent_size") if not hasattr(model, name)]
    if missing:
        raise TypeError(
            f"A {type(model).__name__} has no {' and no '.join(missing)}; expected an autoencoder "
            "like models.Autoencoder. Give your class what is missing."
        )
    model, few = copy.deepcopy(model).cpu().eval(), to_float(images[:200].cpu())
    with torch.inference_mode():
        latent = model.encode(few)
        if latent.shape != (len(few), model.latent_size):
            raise ValueError(
                f"encode gave codes of shape {tuple(latent.shape)} for {len(few)} images; expected "
                f"{(len(few), model.latent_size)}, for this model's latent_size is "
                f"{model.latent_size}. Correct latent_size, or flatten what encode returns."
            )
        back = tuple(model.decode(latent).shape)
    if back != tuple(few.shape):
        raise ValueError(
            f"decode gave images of shape {back}; expected {tuple(few.shape)}, that of the images "
            "encoded. Compare the layers of encoder and decoder with models.ledger."
        )
    if trained:
        error = image_errors(few, reconstruct(model, few)).mean().item()
        mean = image_errors(few, few.mean(0, keepdim=True)).mean().item()
        if len(few) > 1 and not error < mean:
            raise ValueError(
                f"This network's error on these images is {error:.4f}, no better than {mean:.4f}, "
                "the error of their mean image: it isn't trained. Train it with training.fit, or "
                "take training.trained_backbone(digits)."
            )
    return model
