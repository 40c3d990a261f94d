"""Moves every control of live widgets through its range, and says what goes wrong.

It runs where the widgets live: in a notebook's kernel, or in a test. Whatever it does to a widget
arrives as from the browser: as a message.
"""

import contextlib
import html
import io
import itertools
import logging
import random
import re
import sys
from collections.abc import Iterator

import ipywidgets as widgets
import traitlets.log
from anywidget import AnyWidget
from IPython import get_ipython
from ipywidgets.widgets import widget_float, widget_int, widget_media, widget_selection
from ipywidgets.widgets.widget import _instances
from PIL import Image

from ae_helpers.widgets.drawing import PAD, Pad
from ae_helpers.widgets.explorer import Explorer, KeepKeys
from ae_helpers.widgets.kernels import KernelFields
from ae_helpers.widgets.pictures import ClickablePicture

SLIDERS = widget_int._BoundedInt, widget_float._BoundedFloat
SHOW_ONLY = (
    *(widgets.HTML, widgets.HTMLMath, widgets.Label, widgets.Valid, widget_media._Media),
    *(widgets.IntProgress, widgets.FloatProgress, KeepKeys),
)


def move_all() -> dict:
    """Move all widgets of this process: how many explorers and others, and their problems."""
    alive = list(_instances.values())
    explorers = [widget for widget in alive if isinstance(widget, Explorer)]
    parts = {part.model_id for explorer in explorers for _, part in _parts(explorer)}
    others = [
        widget
        for widget in alive
        if isinstance(widget, (widgets.ValueWidget, widgets.Button, AnyWidget))
        and not isinstance(widget, SHOW_ONLY)
        and widget.model_id not in parts
    ]
    problems = [line for explorer in explorers for line in explorer_problems(explorer)]
    problems += [line for other in others for line in widget_problems(other)]
    return {"explorers": len(explorers), "others": len(others), "problems": problems}


def explorer_problems(explorer: Explorer) -> Iterator[str]:
    """Use each control, picture and button of an explorer, and each pair of controls at their ends.

    Yields a line for each problem, at once: explorer, control, value, in brackets whatever else
    isn't as at the start, and the error. A control that shows the same pictures at all its values
    is one, and so are settings that show other pictures the second time.
    """
    controls, start = explorer.controls, _settings(explorer)

    def shown() -> list[bytes]:
        return [panel.value for panel in explorer.pictures.values()]

    def use(name: str, widget: widgets.Widget, label: str, message: dict) -> Iterator[str]:
        known = len(explorer.errors)
        wrong, alert = _send(widget, message), _text(explorer._alert)
        for error in explorer.errors[known:]:
            wrong.append(alert if f"{error}" in alert else f"hidden from the reader: {error!r}")
        if not _text(explorer.readout):
            wrong.append("the readout is empty")
        moved = [
            f"{other} {value!r}"
            for other, value in _settings(explorer).items()
            if other != name and value != start[other] and not isinstance(value, bytes)
        ]
        where = f"{name}: {label}" + f" ({', '.join(moved)})" * bool(moved)
        yield from (f"{explorer.title} · {where}: {what}" for what in wrong)

    def put_back() -> Iterator[str]:
        for name, control in controls.items():  # those that limit others come first
            if _settings(explorer)[name] != start[name]:
                yield from use(name, control, "back", _update(**{_key(control): start[name]}))
        if _settings(explorer) != start:
            yield f"{explorer.title}: {start} became {_settings(explorer)}"

    at_start = shown()
    for name, widget in _parts(explorer):
        before, known, steps, pictures = shown(), len(explorer.errors), _steps(widget), []
        for step in steps:
            yield from use(name, widget, *step)
            pictures.append(shown())
        failed = len(explorer.errors) > known  # has been said
        if len(steps) > 1 and not failed and all(picture == before for picture in pictures):
            yield f"{explorer.title} · {name}: the picture never changes"
        if isinstance(widget, widgets.Button):
            continue  # the next one, such as a reset, shall have something to do
        yield from put_back()
        if shown() != at_start:
            yield f"{explorer.title} · {name}: put back, it shows other pictures than before"
    yield from put_back()
    for (one, first), (other, second) in itertools.combinations(controls.items(), 2):
        for step in _ends(first):
            yield from use(one, first, *step)
            for then in _ends(second):
                yield from use(other, second, *then)
        yield from put_back()


def widget_problems(widget: widgets.Widget) -> Iterator[str]:
    """Move a widget that is in no explorer; yields a line for each error: widget, value, error."""
    name = f"{type(widget).__name__} {widget.description!r}"
    try:
        steps = _steps(widget)
    except TypeError as error:
        yield f"{name}: {error}"
        return
    if not isinstance(widget, (widgets.Button, AnyWidget)):
        steps.append(("back", _update(**{_key(widget): getattr(widget, _key(widget))})))
    for label, message in steps:
        yield from (f"{name}: {label}: {what}" for what in _send(widget, message))


# --------------------------------------------------------------------------- what a reader could do


def _steps(widget: widgets.Widget) -> list[tuple[str, dict]]:
    """The messages that move a widget through its range, each with a label."""
    arrows = [
        (f"{way} {step:+}", _custom(**{way: step})) for way in ("right", "down") for step in (1, -1)
    ]
    if isinstance(widget, widgets.Button):
        return 3 * [("click", _custom(event="click"))]
    if isinstance(widget, Pad):
        drawings = {
            "stroke": PAD * (bytes(130) + 20 * b"\xff" + bytes(PAD - 150)),
            "nothing": bytes(PAD * PAD),
            "all": PAD * PAD * b"\xff",
            "noise": random.Random(0).randbytes(PAD * PAD),
        }
        return [(name, _update(value=drawing)) for name, drawing in drawings.items()] + arrows
    if isinstance(widget, KernelFields):
        kernels = ("0 0 0 0 1 0 0 0 0", "0 0 0 0 0 0 0 0 0", "1/9 -100 .5 −2 1e-3 100 +1 -0 7")
        return [(kernel, _update(value=kernel.split())) for kernel in kernels]
    if isinstance(widget, ClickablePicture):
        size = Image.open(io.BytesIO(widget.value)).size
        places = itertools.product(*((0, n // 2, n - 1, n, -1) for n in size))
        return [(f"click at {x}, {y}", _custom(x=x, y=y)) for x, y in places] + arrows
    if isinstance(widget, widget_selection._Selection):
        return [(text, _update(index=i)) for i, text in enumerate(widget._options_labels)]
    if isinstance(widget, (widgets.Checkbox, widgets.ToggleButton)):
        values = [not widget.value, widget.value]
    elif isinstance(widget, SLIDERS):
        steps = round((widget.max - widget.min) / widget.step)
        some = range(steps + 1) if steps < 30 else [round(i * steps / 14) for i in range(15)]
        values = [round(min(widget.min + i * widget.step, widget.max), 9) for i in some]
    else:
        raise TypeError("nobody knows how to move it; teach tests/explorers/every_control.py")
    return [(f"{value}", _update(value=value)) for value in values]


def _ends(widget: widgets.Widget) -> list[tuple[str, dict]]:
    steps = _steps(widget)
    return [steps[0], steps[-1]] if isinstance(widget, SLIDERS) else steps


def _update(**state) -> dict:
    return {"method": "update", "state": state}


def _custom(**content) -> dict:
    return {"method": "custom", "content": content}


def _key(widget: widgets.Widget) -> str:
    """What the browser sets: in a list to choose from, the place and not the value."""
    return "index" if isinstance(widget, widget_selection._Selection) else "value"


def _parts(explorer: Explorer) -> list[tuple[str, widgets.Widget]]:
    """All that answers a reader, by name; the buttons last."""
    clickable = {
        name: panel for name, panel in explorer.pictures.items() if isinstance(panel, AnyWidget)
    }
    return [*explorer.controls.items(), *clickable.items(), *explorer.buttons.items()]


# ------------------------------------------------------------------------------ what comes of it


def _settings(explorer: Explorer) -> dict:
    return {name: getattr(control, _key(control)) for name, control in explorer.controls.items()}


def _text(line: widgets.HTML) -> str:
    return html.unescape(re.sub("<[^>]*>", "", line.value)).strip()


def _send(widget: widgets.Widget, message: dict) -> list[str]:
    """Let a message arrive; what callbacks raise, or write to stderr, and no reader ever sees."""
    state = dict(message.get("state", {}))
    paths = [[name] for name, value in state.items() if isinstance(value, bytes)]
    buffers = [memoryview(state[name]) for (name,) in paths]  # bytes travel beside the message
    message = message | {"state": state, "buffer_paths": paths}
    with _listening() as heard:
        widget._handle_msg({"content": {"data": message}, "buffers": buffers})
    return heard


class _Ear(logging.Handler):
    """Hears what is logged, and what is written to it as to a file."""

    def __init__(self):
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.hear(record.exc_info[1] if record.exc_info else record.getMessage())

    def hear(self, what: BaseException | str) -> None:
        self.heard.append(what if isinstance(what, str) else f"{type(what).__name__}: {what}")

    def write(self, text: str) -> None:
        self.heard += [f"stderr: {line}" for line in text.splitlines() if line.strip()]


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    """In a kernel, ipywidgets has IPython show the errors of callbacks; elsewhere it logs them."""
    ear, shell, log = _Ear(), get_ipython(), traitlets.log.get_logger()
    log.addHandler(ear)
    if shell:
        shell.showtraceback = lambda error=None, **_: ear.hear((error or sys.exc_info())[1])
    try:
        with contextlib.redirect_stderr(ear):
            yield ear.heard
    finally:
        log.removeHandler(ear)
        if shell:
            del shell.showtraceback  # the class's own is back
