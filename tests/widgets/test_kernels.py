"""The kernel's explorer draws torch's convolution, with what is typed, or says what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ae_helpers.models import shipped
from ae_helpers.widgets import edit_kernel, kernels
from ae_helpers.widgets.kernels import ARITHMETIC, INPUT, OUTPUT, as_text, read_kernel
from shown import pixels, same, set_to

OWN = "2 -1/3 .5  0.25 −7 1e-3  +1 0 -0.125".split()  # noqa: SIM905
WEIGHTS = torch.tensor([[2, -1 / 3, 0.5], [0.25, -7, 1e-3], [1, 0, -0.125]], dtype=torch.float64)


@pytest.fixture
def explorer(small):
    return edit_kernel(small)


def middles(picture, padding):
    """The colour in the middle of each square of a digit: ``(28, 28, 3)``."""
    at = slice(8 * padding + 4, 8 * (padding + 28), 8)
    return pixels(picture)[at, at]


# ----------------------------------------------------------------------------------- what is drawn


@pytest.mark.parametrize("texts", [OWN, *kernels.KERNELS.values()])
def test_the_output_is_the_convolution(explorer, small, texts):
    set_to(explorer, label=3, number=2, row=0, column=5, kernel=texts)
    image = (small.train_images[small.train_labels == 3][2] / 255).double()  # rounded as there
    output = F.conv2d(image[None], read_kernel(texts)[None, None], padding=1)[0, 0]
    away = np.ones((28, 28), dtype=bool)  # from the frames
    away[:3, 3:8] = False
    assert (
        abs(middles(explorer.shown[INPUT], 1)[away] - (255 * image[0].numpy())[away][:, None]) < 1
    ).all()
    shown = middles(explorer.shown[OUTPUT], 1)[away]
    assert (abs(shown - pixels(kernels.signed(output))[away]) <= 1).all()
    low, high = as_text(output.min()), as_text(output.max())
    assert f"The whole output goes from {low} to {high}" in explorer._text
    beyond = (output.abs() > 3).sum()
    assert (f"; {beyond} pixel" in explorer._text) == (beyond > 0)


def test_a_single_pixel_lies_beyond_and_two_lie(explorer, small):
    image = small.train_images[small.train_labels == 3][2].double() / 255
    brightest = F.conv2d(image[None], WEIGHTS[None, None], padding=1).abs().flatten().topk(3).values
    for beyond, said in ((1, "; 1 pixel lies beyond"), (2, "; 2 pixels lie beyond")):
        factor = 6 / brightest[beyond - 1 : beyond + 1].sum()  # so that 3 is between both
        texts = [f"{weight:.6f}" for weight in (factor * WEIGHTS).flatten()]
        set_to(explorer, label=3, number=2, kernel=texts)
        assert said in explorer._text


@pytest.mark.parametrize(
    "row, column, outside", [(9, 14, 0), (0, 14, 3), (27, 0, 5), (0, 27, 5), (14, 27, 3)]
)
def test_the_arithmetic_is_that_of_the_framed_pixel(explorer, small, row, column, outside):
    set_to(explorer, kernel=OWN, row=row, column=column)
    image = small.train_images[small.train_labels == 0][0, 0].double() / 255
    window = F.pad(image, (1, 1, 1, 1))[row : row + 3, column : column + 3]
    products = window * WEIGHTS
    inside = F.pad(torch.ones(28, 28), (1, 1, 1, 1))[row : row + 3, column : column + 3] == 1
    assert (inside == 0).sum() == outside
    assert (f"{outside} of the nine lie outside" in explorer._text) == (outside > 0)
    texts = [as_text(product) for product in products.flatten().tolist()]
    total = " + ".join(f"({text})" if text[0] == "−" else text for text in texts)
    assert f"Row {row}, column {column}: {total} = {as_text(products.sum())}" in explorer._text
    with_holes = window.masked_fill(~inside, torch.nan)
    drawn = kernels.arithmetic(with_holes, WEIGHTS, products, products.sum().item())
    assert same(explorer.shown[ARITHMETIC], drawn, 0)


def test_the_frames_lie_on_the_window_and_on_its_pixel(explorer):
    """Vermilion at all sides of 3×3 squares of the input, and of one of the output."""
    set_to(explorer, row=4, column=20)
    for name, top, left, size in ((INPUT, 4, 20, 3), (OUTPUT, 5, 21, 1)):
        orange = (pixels(explorer.shown[name]) == [213, 94, 0]).all(-1)
        rows, columns = (orange.any(axis).nonzero()[0] for axis in (1, 0))
        ends = rows[0], rows[-1], columns[0], columns[-1]
        corners = (top * 8, (top + size) * 8 - 1, left * 8, (left + size) * 8 - 1)
        assert ends == pytest.approx(corners, abs=2)


def test_a_square_has_the_colour_and_the_number_of_its_place():
    window = torch.tensor([[1.0, 0, torch.nan]] * 3)
    weights = torch.arange(9.0).view(3, 3)
    drawn = kernels.arithmetic(window, weights, weights * window.nan_to_num(0), 9.0)
    corner = {place: drawn.getpixel((place * kernels.WIDTH + 2, 2)) for place in range(3)}
    assert corner == {0: (255, 255, 255), 1: (0, 0, 0), 2: (0xE4, 0xE4, 0xE4)}
    at = 3 * kernels.WIDTH + kernels.GAP  # the kernel begins here
    darkest = kernels.signed(torch.tensor([[3.0]])).getpixel((0, 0))
    assert drawn.getpixel((at + 2, kernels.HEIGHT + 2)) == darkest  # 3, at the end of the scale
    assert drawn.getpixel((drawn.width - 3, kernels.HEIGHT + 2)) == darkest


@pytest.mark.parametrize(
    "number, text",
    [(0.0, "0"), (-0.0, "0"), (0.5, "0.5"), (-2.984313, "−2.984"), (1e-4, "1e−04"), (100, "100"),
     (-899.99999, "−900"), (0.1 + 0.2, "0.3"), (10.0, "10")],
)  # fmt: skip
def test_a_number_as_text(number, text):
    assert as_text(number) == text


# ------------------------------------------------------------------------------------ what is typed


def test_numbers_are_read_as_they_are_meant():
    assert torch.equal(read_kernel(OWN), WEIGHTS)


BAD = ["", "  ", "-", "abc", "nan", "inf", "-inf", "1e999", "1/0", "0/0", "1/", "/2", "1/2/3",
       "1/inf", "0,5", "100.1", "-101", "1/0.001", "two", "1 2"]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_weight_is_named_and_the_pictures_stay(explorer, text):
    before = {name: panel.value for name, panel in explorer.pictures.items()}
    wrong = [*explorer.controls["kernel"].value]
    wrong[5] = text
    explorer.controls["kernel"].value = wrong
    what = f"holds “{text}”" if text.strip() else "is empty"
    (error,) = explorer.errors
    assert f"The kernel's field in row 1, column 2 {what}; expected a number" in f"{error}"
    assert "from −100 to 100, such as -1, 0.5 or 1/9. Type one there" in f"{error}"
    assert "row 1, column 2" in explorer._alert.value
    assert {name: panel.value for name, panel in explorer.pictures.items()} == before
    explorer.controls["row"].value = 3  # still nothing is drawn of it
    assert {name: panel.value for name, panel in explorer.pictures.items()} == before
    explorer.buttons["blur"].click()
    assert explorer._alert.value == "" and "Kernel: blur. Row 3" in explorer._text


# ----------------------------------------------------------------------------- presets and places


def test_a_button_says_in_the_fields_what_it_is(explorer):
    for name, texts in kernels.KERNELS.items():
        explorer.buttons[name].click()
        assert explorer.controls["kernel"].value == texts
        assert explorer._text.startswith(f"Kernel: {name}. ")
    set_to(explorer, kernel=["1", *texts[1:]])
    assert explorer._text.startswith("Kernel: your own. ")


def test_trained_kernels_are_slices_of_the_shipped_second_layer(explorer):
    second = shipped.backbone().encoder.conv2.weight
    for place in [*range(43, 128), 0]:  # and from the start again
        explorer.buttons["a trained kernel"].click()
        out, channel = divmod(place, 8)
        assert explorer._text.startswith(f"Kernel: conv2.weight[{out}, {channel}] of a trained")
        shown = read_kernel(explorer.controls["kernel"].value)
        assert abs(shown - second[out, channel]).max() <= 0.0005


def test_a_click_and_an_arrow_key_move_the_window(explorer):
    places = explorer.controls["row"], explorer.controls["column"]

    def sent(name, **where):
        explorer.pictures[name]._handle_custom_msg(where, [])
        return [place.value for place in places]

    assert sent(INPUT, x=8 * 11 + 3, y=8 * 6) == [5, 10]
    assert sent(OUTPUT, x=8 * 21, y=8 * 9 + 7) == [8, 20]
    assert sent(OUTPUT, right=-1) == [8, 19] and sent(INPUT, down=1) == [9, 19]
    assert sent(OUTPUT, x=-50, y=900) == [27, 0]  # dragged beyond
    assert sent(OUTPUT, right=-1) == [27, 0] and not explorer.errors


def test_another_class_takes_the_number_along(small):
    digits = small.take(635, 100)
    explorer = edit_kernel(digits)
    counts = [(digits.train_labels == label).sum().item() for label in range(10)]
    most, least = counts.index(max(counts)), counts.index(min(counts))
    set_to(explorer, label=most, number=max(counts) - 1)
    set_to(explorer, label=least)
    number = explorer.controls["number"]
    assert number.value == number.max == min(counts) - 1 < max(counts) - 1


def test_other_sizes_and_classes(small):
    wide = replace(small, train_images=small.train_images[..., :6, :9].contiguous())
    some = replace(wide, train_labels=torch.where(small.train_labels == 4, 7, 5))
    explorer = set_to(edit_kernel(some), row=5, column=8)
    assert list(explorer.controls["label"].options) == [5, 7]
    assert explorer.shown[INPUT].size == explorer.shown[OUTPUT].size
    assert "5 of the nine lie outside" in explorer._text


def test_what_has_no_digits_is_refused(small):
    with pytest.raises(TypeError, match=r"are a Tensor; expected an ImageData.*data\.load"):
        edit_kernel(small.train_images)
    with pytest.raises(ValueError, match="training images .* 3 channel"):
        edit_kernel(replace(small, train_images=torch.zeros(4, 3, 28, 28).byte()))
