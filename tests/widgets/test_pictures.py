"""Pictures that explorers show: what is drawn in them, to the pixel."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
from PIL import Image

from ae_helpers.widgets.pictures import (
    as_image,
    coloured,
    enlarged,
    error_map,
    on_canvas,
    picture,
    tiles,
    width_of,
)


def test_a_picture_has_its_size_and_says_what_it_shows():
    panel = picture("a digit", 90, 30)
    assert (panel.layout.width, width_of(panel), panel.tooltip) == ("90px", 90, "a digit")
    assert panel.layout.height == "min(30px, 33.33cqw)"  # a third of its width, if that is less


@pytest.mark.parametrize(
    "image, bytes_",
    [
        (torch.tensor([[0, 128, 255]], dtype=torch.uint8), [0, 128, 255]),
        (torch.tensor([[[0.0, 0.5, 1.0]]]), [0, 128, 255]),
        (torch.tensor([[-3.0, 0.2, 7.0]]), [0, 51, 255]),  # no autocontrast: 0 to 1, always
    ],
)
def test_an_image_is_shown_from_0_to_1(image, bytes_):
    shown = as_image(image)
    assert (shown.mode, shown.size, list(shown.tobytes())) == ("L", (3, 1), bytes_)


def test_an_image_in_colour():
    image = torch.tensor([[0.0, 1.0], [0.2, 1.0], [1.0, 0.0]])[:, None]
    shown = as_image(image)
    assert (shown.mode, shown.size) == ("RGB", (2, 1))
    assert [shown.getpixel((x, 0)) for x in (0, 1)] == [(0, 51, 255), (255, 255, 0)]
    corner = tiles(image[None], 1, 2).getpixel((3, 0))
    assert corner == (255, 255, 255, 0)  # of the place that is left over


def test_other_numbers_of_channels_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 4, 4\); expected 1 channel.*images\[:, :1"):
        as_image(torch.zeros(2, 4, 4))


def test_an_error_map_is_the_mean_of_all_channels():
    """On one scale for all: whatever is 0.5 or more is darkest."""
    image, rebuilt = torch.zeros(3, 1, 3), torch.zeros(3, 1, 3)
    rebuilt[0, 0, 1], rebuilt[:, 0, 2] = 0.75**0.5, 0.9
    shown = error_map(image, rebuilt).convert("RGB").tobytes()
    expected = coloured(torch.tensor([[0, 0.25, 0.5]]), "Oranges", 0, 0.5).convert("RGB").tobytes()
    assert shown == expected


def test_tiles_lie_side_by_side_and_what_is_left_over_is_transparent():
    images = torch.arange(1, 4, dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 1, 2, 3)
    board = tiles(images, 2, 2)
    assert board.size == (2 * 3 + 1, 2 * 2 + 1)
    corners = [board.getpixel(place) for place in ((0, 0), (4, 0), (2, 4), (4, 3), (3, 1))]
    assert corners == [(1, 255), (2, 255), (3, 255), (255, 0), (255, 0)]
    assert tiles(images, 1, 2).size == (7, 2)  # those beyond are left out
    assert tiles(images, 2, 2, below=5, beside=0).size == (6, 9)


def test_coloured():
    """Of matplotlib's colours, the first for ``low`` and below, the last for ``high`` and above."""
    shown = coloured(torch.tensor([[-9.0, 2.0, 3.0, 4.0, 99.0]]), "gray", 2, 4).convert("RGB")
    assert list(shown.tobytes())[::3] == [0, 0, 128, 255, 255]
    assert set(coloured(torch.full((2, 2), 5), "gray", 5, 5).convert("L").tobytes()) == {0}
    first = coloured(torch.zeros(1, 1), "viridis", 0, 1).convert("RGB").getpixel((0, 0))
    assert first == (68, 1, 84)


def test_enlarged():
    shown = enlarged(Image.frombytes("L", (2, 1), bytes([5, 250])), 3)
    assert (shown.mode, shown.size) == ("RGB", (6, 3))
    assert [shown.getpixel((x, 2))[1] for x in range(6)] == [5] * 3 + [250] * 3


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_place_in_a_chart_is_where_matplotlib_has_it(scale):
    figure, axis = plt.subplots()
    axis.set(xscale=scale, xlim=(0.02, 300), yscale=scale, ylim=(0.5, 7))
    plt.close(figure)
    shown, place = on_canvas(figure)
    for x, y in ((0.02, 7), (0.3, 0.5), (250, 3), (400, 1)):
        right, up = axis.transData.transform((x, y))
        assert place(x, y) == pytest.approx((right, shown.height - up))
    assert place(1, math.inf) == place(1, 7)
