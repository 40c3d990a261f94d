"""The digits explorer shows the image that is chosen, and its numbers."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from ae_helpers.widgets import browse_digits, digits
from ae_helpers.widgets.pictures import as_image

WHOLE, NEAR = "digit", "pixel values in the frame"


def shrunk(explorer, rows=28):
    """The digit in the explorer, a pixel for each of its own, taken from the squares' middle."""
    side = explorer.shown[WHOLE].height // rows
    return explorer.shown[WHOLE].convert("L").resize((rows, rows), Image.Resampling.NEAREST), side


@pytest.mark.parametrize("part, images", [("training", "train"), ("test", "test")])
def test_set_class_and_number_choose_the_image(sample, part, images):
    explorer = browse_digits(sample)
    explorer.controls["part"].value = part
    explorer.controls["label"].value = 7
    explorer.controls["number"].value = 12
    labels = getattr(sample, f"{images}_labels")
    index = (labels == 7).nonzero()[12].item()
    image = getattr(sample, f"{images}_images")[index]
    found = torch.tensor(list(shrunk(explorer)[0].tobytes())).view(28, 28)
    off_frame = torch.ones(28, 28, dtype=torch.bool)
    off_frame[10:19, 10:19] = False
    assert torch.equal(found[off_frame], image[0].long()[off_frame])
    assert f"index {index:,} of the set, label 7." in explorer.readout.value
    assert f"mean {image.float().mean():.1f}; {(image == 0).float().mean():.0%}" in (
        explorer.readout.value
    )
    mean = getattr(sample, f"{images}_images")[labels == 7].float().mean()
    assert f"The mean of all {(labels == 7).sum()} is {mean:.1f}." in explorer.readout.value
    assert not explorer.errors


def test_a_class_with_fewer_images_takes_the_number_along(sample):
    explorer = browse_digits(sample)
    number = explorer.controls["number"]
    number.value = number.max
    explorer.controls["label"].value = 3
    assert number.value == number.max == (sample.train_labels == 3).sum() - 1
    explorer.controls["label"].value = "any"
    assert number.max == len(sample.train_images) - 1
    assert not explorer.errors


def test_a_click_or_an_arrow_key_moves_the_window(sample):
    explorer = browse_digits(sample)
    side = explorer.shown[WHOLE].height // 28

    def after(where):
        explorer.pictures[WHOLE]._handle_custom_msg(where, [])
        return explorer.controls["row"].value, explorer.controls["column"].value

    assert after({"x": 3 * side + 2, "y": 21 * side}) == (21, 3)
    assert after({"down": -1}) == (20, 3)
    assert after({"right": 1}) == (20, 4)
    assert after({"x": -5, "y": 40 * side}) == (27, 0)  # dragged out of the picture
    assert after({"down": 1}) == (27, 0) == after({"right": -1})
    assert "Row 27, column 0: " in explorer.readout.value and not explorer.errors


@pytest.mark.parametrize("row, column", [(0, 0), (14, 9), (27, 27), (2, 26)])
def test_the_window_shows_the_values_around_the_pixel(sample, row, column):
    explorer = browse_digits(sample)
    explorer.controls["row"].value, explorer.controls["column"].value = row, column
    image = sample.train_images[0, 0]
    top, left = min(max(row - 4, 0), 19), min(max(column - 4, 0), 19)
    near = image[top : top + 9, left : left + 9]
    expected = digits.numbered(as_image(near), near, digits.PANEL // 9)
    digits.outline(expected, digits.PANEL // 9, row - top, column - left, 1, 1)
    assert explorer.shown[NEAR].tobytes() == expected.tobytes()
    value = image[row, column].item()
    assert f"Row {row}, column {column}: {value}, as" in explorer.readout.value


def test_a_number_is_written_only_where_it_can_be_read():
    values = torch.tensor([[0, 255]])
    for side in (12, 20):
        squares = digits.numbered(as_image(values.byte()), values, side).convert("L")
        assert (squares.getcolors() != [(side * side, 0), (side * side, 255)]) == (side >= 13)


def test_images_of_another_size_are_browsed_too(sample):
    tiny = replace(sample, train_images=sample.train_images[..., :6, :8])
    explorer = browse_digits(tiny)
    assert (explorer.controls["row"].max, explorer.controls["column"].max) == (5, 7)
    assert not explorer.errors


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"train_images": torch.zeros(0, 1, 28, 28).byte()}, "nothing in them"),
        ({"train_images": torch.zeros(4, 3, 28, 28).byte()}, r"training images .* 3 channel"),
        ({"test_images": torch.zeros(4, 1, 28, 28)}, r"test images are torch.float32"),
        ({"test_labels": torch.zeros(3).long()}, r"3 labels for 1000 test images"),
    ],
)
def test_what_cannot_be_browsed_is_refused(sample, changed, message):
    with pytest.raises(ValueError, match=message):
        browse_digits(replace(sample, **changed))


def test_images_without_labels_are_refused(sample):
    with pytest.raises(TypeError, match=r"are a Tensor; expected an ImageData.*data\.load"):
        browse_digits(sample.train_images)
