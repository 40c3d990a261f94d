"""The pad: what is drawn is scaled and centred as in MNIST, and shown as the network answers."""

import numpy as np
import pytest
import torch

from ae_helpers import measures
from ae_helpers.measures import image_errors
from ae_helpers.models import shipped
from ae_helpers.widgets import draw_digit, pictures
from ae_helpers.widgets.drawing import FARTHEST, PAD, Pad, as_mnist, shifted
from shown import Copy, set_to

NAMES = ("what the network sees", "its reconstruction", "squared error")


def drawing(*boxes):
    """Paper of the pad's size with white boxes on it: (top, bottom, left, right)."""
    paper = torch.zeros(PAD, PAD, dtype=torch.uint8)
    for top, bottom, left, right in boxes:
        paper[top:bottom, left:right] = 255
    return paper


BAR = drawing((30, 230, 200, 240))
ANGLE = drawing((30, 230, 200, 240), (30, 60, 100, 240))


@pytest.fixture(scope="module")
def model():
    return shipped.backbone()


@pytest.fixture
def explorer(model, small):
    return draw_digit(model, small.test_images)


def draw(explorer, paper):
    explorer.controls["pad"].value = paper.numpy().tobytes()


def test_digits_of_mnist_stay_as_they_are(sample):
    """Drawn ten times as large, each comes back to the last bit, so its scale and place are ours.

    But for those whose box is 19 pixels instead of 20, as that of 13 of MNIST's 60,000.
    """
    images = sample.test_images[:300]
    back = [
        as_mnist(torch.as_tensor(np.array(pictures.as_image(image).resize((PAD, PAD), 0))))
        for image in images
    ]
    assert sum(torch.equal(*pair) for pair in zip(images, back, strict=True)) >= 299


@pytest.mark.parametrize("side", [28, 32])
def test_a_bar_fills_the_box_and_lies_in_the_middle(side):
    image, length = as_mnist(BAR, side), round(side * 20 / 28)
    assert image.shape == (1, side, side) and image.dtype == torch.uint8
    rows, columns = (image[0].any(axis).nonzero().flatten() for axis in (1, 0))
    assert len(rows) == length and len(columns) == round(length / 5)
    for places in (rows, columns):
        assert abs(places.float().mean() - side / 2) <= 0.5


def test_neither_place_nor_size_matter_but_the_centre_of_mass_does():
    smaller = drawing((0, 100, 0, 20))
    assert torch.equal(as_mnist(smaller), as_mnist(BAR))
    heavy = as_mnist(ANGLE)[0].float()
    for profile in (heavy.sum(0), heavy.sum(1)):
        assert abs(profile @ torch.arange(28.0) / profile.sum() - 14) <= 0.5


@pytest.mark.parametrize("box", [(0, 1, 0, 1), (0, 1, 0, PAD), (0, PAD, 0, PAD)])
def test_extreme_drawings_stay_on_the_field(box):
    assert as_mnist(drawing(box)).any()


def test_an_empty_drawing_is_black():
    assert not as_mnist(drawing()).any()


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (BAR.numpy(), TypeError, "The drawing is ndarray; expected a uint8 tensor"),
        (BAR / 255, TypeError, "The drawing is torch.float32; expected a uint8 tensor"),
        (BAR[None], ValueError, r"shape \(1, 280, 280\); expected two axes"),
    ],
)
def test_what_is_no_drawing(wrong, error, says):
    with pytest.raises(error, match=says):
        as_mnist(wrong)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (2, 1), (-3, 0), (-1, -8), (8, -8)])
def test_shifted(right, down):
    image = torch.arange(1, 28 * 28 + 1).view(1, 28, 28)
    moved = shifted(image, right, down)
    rolled = image.roll((down, right), (1, 2))
    assert torch.equal(moved[moved > 0], rolled[moved > 0])
    assert (moved > 0).sum() == (28 - abs(right)) * (28 - abs(down))


def expected(model, image):
    """The pictures that a digit, ``uint8`` ``(1, 28, 28)``, should make, and its error."""
    output = measures.reconstruct(model, image[None])[0]
    shown = pictures.as_image(image), pictures.as_image(output), pictures.error_map(image, output)
    return shown, (image / 255 - output).square().mean().item()


@pytest.mark.parametrize("paper", [BAR, ANGLE])
@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, -2)])
def test_it_shows_what_the_network_answers(explorer, model, small, paper, right, down):
    draw(explorer, paper)
    set_to(explorer, right=right, down=down)
    pictures, error = expected(model, shifted(as_mnist(paper), right, down))
    for name, picture in zip(NAMES, pictures, strict=True):
        assert explorer.shown[name].convert("RGB").tobytes() == picture.convert("RGB").tobytes()
    images = small.test_images
    errors = image_errors(images, measures.reconstruct(model, images))
    assert f"Error {error:.4f}" in explorer.readout.value
    assert f"their median is {errors.median().item():.4f}" in explorer.readout.value
    assert f"larger than {(errors < error).float().mean().item():.0%}" in explorer.readout.value
    assert not explorer.errors


def marked_column(explorer):
    chart = explorer.shown["its error among those of the test digits"].convert("RGB")
    chart = np.asarray(chart).astype(int)
    columns = np.flatnonzero((np.abs(chart[5] - [0xD5, 0x5E, 0]) < 9).all(-1))
    return columns.mean() if len(columns) else None


def test_the_mark_moves_with_the_error(explorer):
    places = []
    for right in range(0, FARTHEST + 1, 4):
        explorer.controls["right"].value = right
        places.append(marked_column(explorer))
    assert places == sorted(places) and places[0] < places[-1] - 20


def test_an_empty_pad_is_no_error(explorer):
    explorer.buttons["Clear"].click()
    assert "The pad is empty: draw a digit." in explorer.readout.value
    assert not explorer.errors and marked_column(explorer) is None
    assert not np.asarray(explorer.shown["its reconstruction"]).any()


def test_test_digits_are_loaded_one_after_the_other(explorer, small):
    seen = [explorer.shown[NAMES[0]].tobytes()]
    explorer.controls["right"].value = 5
    for _ in range(len(small.test_images)):
        explorer.buttons["Load a test digit"].click()
        seen.append(explorer.shown[NAMES[0]].tobytes())
    assert seen[:3] == [pictures.as_image(image).tobytes() for image in small.test_images[:3]]
    assert seen[-1] == seen[0]  # from the beginning again


def test_arrow_keys_shift_as_far_as_the_sliders(explorer):
    drawn = explorer.controls["pad"]
    for _ in range(FARTHEST + 2):
        drawn._handle_custom_msg({"down": -1}, [])
    drawn._handle_custom_msg({"right": 1}, [])
    assert (explorer.controls["right"].value, explorer.controls["down"].value) == (1, -FARTHEST)
    assert not explorer.errors


def test_bytes_arrive_as_the_browser_sends_them(explorer, model):
    explorer.controls["pad"].set_state({"value": memoryview(BAR.numpy().tobytes())})
    assert explorer.shown[NAMES[0]].tobytes() == pictures.as_image(as_mnist(BAR)).tobytes()


@pytest.mark.parametrize("side", [20, 28, 32])
def test_another_latent_size_and_image_size(side):
    images = torch.rand(5, 1, side, side)
    explorer = draw_digit(Copy(images.shape[1:]), images)
    draw(explorer, BAR)
    assert explorer.shown[NAMES[1]].tobytes() == pictures.as_image(as_mnist(BAR, side)).tobytes()
    assert "Error 0.0000" in explorer.readout.value and not explorer.errors


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((5, 3, 28, 28), r"shape \(3, 28, 28\) each; expected one channel and a square"),
        ((5, 1, 28, 20), r"shape \(1, 28, 20\) each; expected one channel and a square"),
        ((0, 1, 28, 28), "nothing in them"),
    ],
)
def test_images_that_cannot_be_drawn(shape, says):
    with pytest.raises(ValueError, match=says):
        draw_digit(Copy(shape[1:]), torch.rand(shape))


def test_an_untrained_network(build, small):
    with pytest.raises(ValueError, match="it isn't trained"):
        draw_digit(build(), small.test_images)


def test_the_pad_in_the_browser_is_as_large():
    assert f"const SIDE = {PAD};" in Pad._esm
