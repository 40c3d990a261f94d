"""What a reader moves: sliders, lists, boxes to tick, and the arrow keys."""

from pathlib import Path

import ipywidgets as widgets

HERE = Path(__file__).parent


def with_arrow_keys(name: str) -> str:
    """The front-end module of that file, which is to know the table of arrow keys."""
    return "".join((HERE / part).read_text(encoding="utf-8") for part in ("keys.js", name))


def slider(label: str, low: float, high: float, value: float, step: float = 1) -> widgets.Widget:
    """A slider with its label and its value, for whole numbers if all four are whole."""
    whole = all(isinstance(number, int) for number in (low, high, value, step))
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(value=value, min=low, max=high, step=step, description=label)


def choice(label: str, options, value=None) -> widgets.Dropdown:
    """A list to choose from; ``options`` as ``ipywidgets.Dropdown`` takes them."""
    chosen = {} if value is None else {"value": value}
    return widgets.Dropdown(options=options, description=label, **chosen)


def stops(label: str, options: list[tuple[str, object]], value=None) -> widgets.SelectionSlider:
    """A slider that stops at given values only; ``options`` are their names and values, in order.

    It begins at ``value``, or at the first.
    """
    value = options[0][1] if value is None else value
    return widgets.SelectionSlider(options=options, value=value, description=label)


def switch(label: str, value: bool) -> widgets.Checkbox:
    """On or off."""
    return widgets.Checkbox(value=value, description=label, indent=False)
