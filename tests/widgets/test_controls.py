"""What a reader moves: sliders, lists, boxes to tick."""

import ipywidgets as widgets
import pytest

from ae_helpers.widgets.controls import choice, slider, stops, switch


@pytest.mark.parametrize(
    "numbers, kind",
    [((0, 9, 3), widgets.IntSlider), ((0, 9, 3, 0.5), widgets.FloatSlider),
     ((-1.0, 9, 3), widgets.FloatSlider), ((0, 9, 3.0), widgets.FloatSlider)],
)  # fmt: skip
def test_a_slider_is_whole_if_all_its_numbers_are(numbers, kind):
    control = slider("n", *numbers)
    assert type(control) is kind and control.description == "n"
    assert (control.min, control.max, control.value, control.step) == (*numbers, 1)[:4]


def test_a_choice_and_a_switch():
    assert choice("set", ["a", "b"]).value == "a"
    control = choice("set", [("one", 1), ("two", 2)], 2)
    assert (control.value, control.description) == (2, "set")
    control = switch("maps", True)
    assert (control.value, control.description) == (True, "maps")


def test_a_slider_with_stops():
    named = [("0.1", 0.1), ("1", 1.0), ("10", 10.0)]
    control = stops("β", named)
    assert (control.value, control.description) == (0.1, "β")
    control.index = 2
    assert control.value == 10.0 and stops("β", named, 1.0).index == 1
