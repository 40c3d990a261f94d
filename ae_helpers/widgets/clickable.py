"""A picture that answers to the mouse, a finger and the arrow keys."""

from pathlib import Path

import anywidget
import traitlets


class ClickablePicture(anywidget.AnyWidget):
    """A picture that tells where it is clicked or dragged, and which arrow key is pressed on it.

    ``value`` is a PNG file, as in ``widgets.Image``. A click sends the custom message
    ``{"x": …, "y": …}``, in pixels of the picture; an arrow key ``{"right": 1}``, ``{"down": -1}``
    and so on. While the pointer is held down it sends where it has got to, also outside of the
    picture, whenever Python has answered; the last place always arrives.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = """
    .ae-clickable { cursor: crosshair; display: block; max-width: 100%; touch-action: none; }
    .ae-clickable:focus { outline: 3px solid #E69F00; outline-offset: -1px; }"""
    value = traitlets.Bytes().tag(sync=True)
    # The browser shows a tooltip only of what has a description, and fails without one.
    description = traitlets.Unicode("").tag(sync=True)
