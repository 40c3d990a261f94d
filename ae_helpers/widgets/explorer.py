"""What all explorers share: controls, pictures, a readout, and a voice when something fails."""

import copy
import html
import io
import textwrap
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import anywidget
import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from ae_helpers.data import check_images, to_float
from ae_helpers.measures import image_errors, reconstruct
from ae_helpers.models import check_weights, ordinary
from ae_helpers.plots.style import png, styled
from ae_helpers.widgets.pictures import width_of

CSS = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
GAP = 12  # pixels between pictures side by side, as in explorer.css


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
        hint: how one uses it, or what else is to be known, in a sentence or two of HTML.
        across: so many pictures side by side; by default all. Where this leaves room beside them,
            the controls are there, else above them.

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
        hint: str = "",
        across: int | None = None,
    ):
        self.title, self.controls, self.pictures, self.draw = title, controls, pictures, draw
        self.hint, self.across = hint, across
        self.errors: list[Exception] = []
        self.shown: dict[str, Image.Image] = {}
        self.readout = widgets.HTML()
        self._alert, self._paused = widgets.HTML(), False
        self.buttons = {}
        for label, action in (buttons or {}).items():
            button = widgets.Button(description=label)
            button.on_click(lambda _, action=action: self._answer(action))
            self.buttons[label] = button
        self._draw()  # nobody listens to the controls before this
        for control in controls.values():
            control.observe(lambda _: self._answer(), names="value")

        panels = [
            _box("ae-panel", [widgets.Label(name), panel], width=panel.layout.width)
            for name, panel in pictures.items()
        ]
        row = sum(width_of(panel) + GAP for panel in list(pictures.values())[:across]) - GAP
        settings = [
            _box("ae-controls", controls.values()),
            _box("ae-buttons", self.buttons.values()),
        ]
        parts = [_box("ae-settings", settings), _box("ae-pictures", panels, max_width=f"{row}px")]
        super().__init__(
            [
                widgets.HTML(f"<style>{CSS}</style><b>{html.escape(title)}</b><div>{hint}</div>"),
                _box("ae-body", parts),
                self._alert,
                self.readout,
                KeepKeys(layout=widgets.Layout(display="none")),
            ]
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
        with ordinary(), torch.inference_mode():
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
        poster = png(_poster(self), dpi=72, colours=32, kmeans=2)  # a notebook stores many
        bundle |= {"image/png": poster, "text/plain": alt}
        return bundle, {"image/png": {"alt": alt}}


def _box(kind: str, children: Iterable[widgets.Widget], **layout) -> widgets.Box:
    """A part of the explorer that ``explorer.css`` lays out, but for what is given here."""
    return widgets.Box(list(children), layout=widgets.Layout(**layout)).add_class(kind)


@styled
def _poster(explorer: Explorer) -> Figure:
    """The pictures side by side, as large as on the screen, and what could be moved."""
    widths = [width_of(panel) for panel in explorer.pictures.values()]
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
        axis.imshow(image.convert("RGB"), interpolation="antialiased")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        axis.set_title(name, fontsize=10)
    moved = [control.description for control in explorer.controls.values()] + list(explorer.buttons)
    figure.suptitle(explorer.title, fontsize=12)
    how = "live in Jupyter, once you run this cell (Ctrl+Enter), with: "
    lines = [explorer._text, how + " · ".join(filter(None, moved))]
    letters = round(13 * figure.get_figwidth())  # that fit into a line
    figure.supxlabel("\n".join(textwrap.fill(line, letters) for line in lines), fontsize=9)
    return figure


# -------------------------------------------------------------------- what explorers begin with


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
    check_weights(model)
    new = torch.empty(0)  # old torch doesn't say by itself which device a block has set
    if new.dtype != torch.float32 or new.device.type != "cpu":
        raise ValueError(
            f"torch makes new tensors {new.dtype} on {new.device}; expected torch.float32 on the "
            "CPU, as explorers are. Call torch.set_default_dtype(torch.float32) and "
            "torch.set_default_device(None)."
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


def own_copies(
    networks: dict[str, nn.Module], images: Tensor, trained: bool = True
) -> dict[str, nn.Module]:
    """``own_copy`` of each network by name; the message of what is wrong begins with its name."""
    check_named("networks", networks, '{"backbone": model}')
    copies = {}
    for name, network in networks.items():
        try:
            copies[name] = own_copy(network, images, trained)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from None
    return copies


def digit_name(number: int, labels: Tensor | None, kind: str = "digit") -> str:
    """How a readout calls a digit, or an image of another ``kind``: number, and label if any."""
    return f"{kind} {number}" if labels is None else f"{kind} {number} (label {labels[number]})"
