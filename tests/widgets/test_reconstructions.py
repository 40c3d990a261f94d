"""The time machine shows each epoch of the history, the wipe both networks' own answers."""

import numpy as np
import pytest
import torch

from ae_helpers import measures
from ae_helpers.measures import image_errors
from ae_helpers.models import shipped
from ae_helpers.plots.style import SKY, VERMILION
from ae_helpers.training import History
from ae_helpers.widgets import before_after, pictures, reconstructions, time_machine
from ae_helpers.widgets.reconstructions import BOTH, ORDERS
from shown import pixels, set_to

STICKS = {"all-black": 0.114, "mean image": 0.0675, "PCA-64": 0.009}
DIGITS = "the same 10 digits: original, and below it reconstructed"


def columns_of(image, colour):
    """The columns in which something has that colour."""
    return np.flatnonzero((pixels(image) == list(bytes.fromhex(colour[1:]))).all(-1).any(0))


# --------------------------------------------------------------------------------- the time machine


@pytest.fixture(scope="module")
def trained():
    fields, originals, _ = shipped.history()
    return originals, History(**fields)


@pytest.fixture
def machine(trained):
    return time_machine(*trained, STICKS)


def test_every_epoch_is_shown_as_it_was(machine, trained):
    originals, history = trained
    assert machine.controls["epoch"].max == history.epochs
    for epoch in (0, 3, history.epochs):
        machine.controls["epoch"].value = epoch
        board = machine.shown[DIGITS].convert("L")
        for number in range(10):
            row, column = divmod(number, 5)
            left, top = 28 * column, (56 + 3) * row
            for image, y in ((originals, top), (history.reconstructions[epoch], top + 28)):
                tile = board.crop((left, y, left + 28, y + 28))
                assert tile.tobytes() == pictures.as_image(image[number]).tobytes()
        errors = [history.error_before, *history.test_error]
        assert f"Epoch {epoch} of 15: test error {errors[epoch]:.4f}" in machine.readout.value
        train = f"train error {history.train_error[epoch - 1]:.4f}"
        assert (train in machine.readout.value) == (epoch > 0)
    assert not machine.errors


def test_the_curve_can_be_read_where_it_is_smaller(machine):
    assert "ae-smooth" in machine.pictures["loss curve"]._dom_classes


def test_the_marker_moves_along(machine):
    places = []
    for epoch in range(16):
        machine.controls["epoch"].value = epoch
        places.append(columns_of(machine.shown["loss curve"], VERMILION).mean())
    steps = np.diff(places)
    assert steps.min() > 10 and np.ptp(steps) < 1.5  # as far each time, but for rounding


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (0.2437, "The next measuring stick is all-black, at 0.1140."),
        (0.114, "The next measuring stick is mean image, at 0.0675."),
        (0.0102, "The next measuring stick is PCA-64, at 0.0090."),
        (0.0041, "It is below all measuring sticks: all-black, mean image, PCA-64."),
    ],
)
def test_the_next_measuring_stick(error, says):
    assert reconstructions._next_stick(error, STICKS) == says


@pytest.mark.parametrize(("shown", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (7, 5, 2)])
def test_other_numbers_and_sizes_of_images(shown, columns, rows):
    images = torch.rand(shown, 1, 20, 24)
    again = [(images * 255).round().byte()] * 2
    history = History({}, 0.2, [0.1], [0.1], [1.0], again)
    machine = time_machine(images, history, STICKS)
    (board, _) = machine.shown.values()
    assert board.size == (24 * columns, rows * 43 - 3)


@pytest.mark.parametrize(
    ("images", "history", "error", "says"),
    [
        (torch.rand(0, 1, 28, 28), None, ValueError, "nothing in them"),
        (torch.rand(10, 1, 20, 20), None, ValueError,
         r"shape \(10, 1, 20, 20\); expected \(10, 1, 28, 28\)"),
        (torch.rand(10, 3, 28, 28), None, ValueError, r"expected \(10, 1, 28, 28\)"),
        (torch.rand(4, 1, 28, 28), None, ValueError, r"\(4, 1, 28, 28\); expected"),
        (torch.rand(10, 1, 28, 28), History({}), ValueError, "has 0 epochs; expected at least 1"),
        (torch.rand(10, 1, 28, 28), [0.1], TypeError, "is a list; expected the History"),
    ],
)  # fmt: skip
def test_what_no_time_machine_is_made_of(trained, images, history, error, says):
    with pytest.raises(error, match=says):
        time_machine(images, trained[1] if history is None else history, STICKS)


# ------------------------------------------------------------------------------ before and after


@pytest.fixture(scope="module")
def backbone():
    return shipped.backbone()


@pytest.fixture
def wipe(build, backbone, small):
    return before_after(build(), backbone, small.test_images)


def wiped(explorer, **values):
    return pixels(set_to(explorer, **values).shown[BOTH])


@pytest.mark.parametrize("maps", [False, True])
def test_each_side_is_its_networks_answer(wipe, build, backbone, small, maps):
    image, side = small.test_images[7:8], 9
    for right, model in ((0, build()), (100, backbone)):
        output = measures.reconstruct(model, image)[0]
        answer = pictures.error_map(image[0], output) if maps else pictures.as_image(output)
        shown = wiped(wipe, number=7, right=right, maps=maps)
        inside = slice(2, -2)  # the line lies at the rim now
        expected = pixels(pictures.enlarged(answer, side))
        assert (shown[:, inside] == expected[:, inside]).all()
        error = image_errors(image, output[None]).item()
        assert f"{error:.4f} {'after' if right else 'before'}" in wipe.readout.value
    assert (pixels(wipe.shown["original"])[::side, ::side, 0] == image[0, 0].numpy()).all()


def test_the_line_is_where_the_two_meet(wipe):
    before, after = wiped(wipe, right=0), wiped(wipe, right=100)
    for right in (10, 50, 75):
        shown = wiped(wipe, right=right)
        x = round((1 - right / 100) * shown.shape[1])
        assert abs(columns_of(wipe.shown[BOTH], SKY) - x).max() <= 1
        assert (shown[:, : x - 2] == before[:, : x - 2]).all()
        assert (shown[:, x + 2 :] == after[:, x + 2 :])[:, :-2].all()


def test_the_orders(wipe, backbone, small):
    images = small.test_images
    errors = image_errors(images, measures.reconstruct(backbone, images))
    for order, number, index in [
        (ORDERS[0], 4, 4),
        (ORDERS[1], 0, errors.argmin()),
        (ORDERS[2], 0, errors.argmax()),
        (ORDERS[2], len(images) - 1, errors.argmin()),
    ]:
        set_to(wipe, order=order, number=number)
        rank = 1 + (errors < errors[index]).sum()
        assert f"Image {index}: error" in wipe.readout.value
        assert (
            f"{errors[index]:.4f} after (MSE per pixel), rank {rank} of 100" in wipe.readout.value
        )
    assert f"{errors.mean():.4f} after.<" in wipe.readout.value


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"after": "untrained"}, ValueError, "it isn't trained"),
        ({"before": torch.nn.Conv2d(1, 1, 1)}, TypeError, "A Conv2d has no encode"),
        ({"images": torch.rand(0, 1, 28, 28)}, ValueError, "nothing in them"),
        ({"images": torch.rand(3, 1, 20, 20)}, ValueError, "this network takes"),
        ({"images": torch.rand(3, 3, 28, 28)}, ValueError, "this network takes"),
    ],
)
def test_what_cannot_be_compared(build, backbone, small, change, error, says):
    given = {"before": build(), "after": backbone, "images": small.test_images, **change}
    if given["after"] == "untrained":
        given["after"] = build(1)
    with pytest.raises(error, match=says):
        before_after(**given)
