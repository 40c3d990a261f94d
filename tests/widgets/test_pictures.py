"""Pictures that explorers show: what is drawn in them, to the pixel."""

import pytest
import torch
from PIL import Image

from ae_helpers.widgets.pictures import coloured, enlarged, grey, picture, tiles, width_of


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
def test_grey(image, bytes_):
    shown = grey(image)
    assert (shown.mode, shown.size, list(shown.tobytes())) == ("L", (3, 1), bytes_)


def test_grey_refuses_colour():
    with pytest.raises(ValueError, match=r"shape \(3, 4, 4\); expected one channel.*images\[:, :1"):
        grey(torch.zeros(3, 4, 4))


def test_tiles_lie_side_by_side_and_what_is_left_over_is_transparent():
    images = torch.arange(1, 4, dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 1, 2, 3)
    board = tiles(images, 2, 2)
    assert board.size == (2 * 3 + 1, 2 * 2 + 1)
    corners = [board.getpixel(place) for place in ((0, 0), (4, 0), (2, 4), (4, 3), (3, 1))]
    assert corners == [(1, 255), (2, 255), (3, 255), (255, 0), (255, 0)]
    assert tiles(images, 1, 2).size == (7, 2)  # those beyond are left out


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
