"""What all explorers share: what is drawn when, what is said of errors, what is refused."""

import io

import ipywidgets as widgets
import matplotlib.pyplot as plt
import pytest
import torch
from PIL import Image
from torch import nn

from ae_helpers import measures
from ae_helpers.models import shipped
from ae_helpers.widgets.controls import slider
from ae_helpers.widgets.explorer import Explorer, _poster, check_named, own_copy
from ae_helpers.widgets.pictures import as_image, picture


def explore(draw=None, **more):
    """An explorer of one grey pixel, as bright as its slider says, that counts its drawings."""
    drawn = []

    def drawing(level):
        drawn.append(level)
        return {"pixel": Image.new("L", (1, 1), level)}, f"It is {level} <bright>."

    explorer = Explorer(
        "Set the level",
        {"level": slider("level", 0, 255, 7)},
        {"pixel": picture("one pixel")},
        draw or drawing,
        **more,
    )
    return explorer, drawn


def brightness(explorer):
    """Of the pixel that the browser is given."""
    return Image.open(io.BytesIO(explorer.pictures["pixel"].value)).getpixel((0, 0))


def alerts(explorer):
    """The texts on the page that a screen reader would interrupt for."""
    return [
        child.value
        for child in explorer.children
        if isinstance(child, widgets.HTML) and 'role="alert"' in child.value
    ]


def test_the_first_pictures_are_drawn_before_a_control_is_moved():
    explorer, drawn = explore()
    assert drawn == [7] and brightness(explorer) == 7
    assert explorer.shown["pixel"].getpixel((0, 0)) == 7
    assert explorer.readout.value == '<div role="status">It is 7 &lt;bright&gt;.</div>'
    assert not alerts(explorer)


def test_whatever_the_reader_has_set():
    """The poster looks the same, and torch's defaults don't matter while it draws."""
    explorer, _ = explore(
        lambda level: ({"pixel": as_image(torch.ones(1, 1) * 1.0)}, f"{torch.ones(1).dtype}")
    )
    poster = explorer._repr_mimebundle_()[0]["image/png"]
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        explorer.controls["level"].value = 9
        with pytest.raises(ValueError, match="new tensors torch.float64 on cpu; expected"):
            own_copy(shipped.backbone(), torch.zeros(3, 1, 28, 28))
    finally:
        torch.set_default_dtype(before)
    assert explorer._text == "torch.float32" and not explorer.errors
    with plt.style.context("dark_background"):
        assert explorer._repr_mimebundle_()[0]["image/png"] == poster


def test_no_control_answers_before_the_first_pictures_are_drawn():
    """``draw`` may set controls: while it does, none of them draws."""
    inside = []

    def draw(level):
        inside.append(level)
        control.value = 100
        return {"pixel": Image.new("L", (1, 1))}, ""

    control = slider("level", 0, 255, 7)
    Explorer("", {"level": control}, {"pixel": picture("")}, draw)
    assert inside == [7]
    control.value = 50
    assert inside == [7, 50]


def test_a_mistake_in_the_first_drawing_is_raised():
    with pytest.raises(ZeroDivisionError):
        explore(lambda level: 1 / 0)
    with pytest.raises(ValueError, match=r"Drawn: \['other'\]; expected \['pixel'\]"):
        explore(lambda level: ({"other": Image.new("L", (1, 1))}, ""))


def test_drawing_needs_no_gradients():
    modes = []

    def draw(level):
        modes.append(torch.is_inference_mode_enabled())
        return {"pixel": Image.new("L", (1, 1))}, ""

    explore(draw)[0].controls["level"].value = 8
    assert modes == [True, True]


def test_an_error_is_shown_kept_and_forgotten_by_the_next_success():
    def draw(level):
        if level == 13:
            raise RuntimeError("unlucky <b>")
        return {"pixel": Image.new("L", (1, 1), level)}, f"It is {level}."

    explorer, _ = explore(draw)
    explorer.controls["level"].value = 13
    [alert] = alerts(explorer)
    assert "RuntimeError in draw: unlucky &lt;b&gt;" in alert
    assert [str(error) for error in explorer.errors] == ["unlucky <b>"]
    assert brightness(explorer) == 7 and "It is 7." in explorer.readout.value  # the last ones stay
    explorer.controls["level"].value = 14
    assert not alerts(explorer) and brightness(explorer) == 14
    assert len(explorer.errors) == 1


def test_an_error_in_a_button_is_shown_and_buttons_still_answer():
    def fail():
        raise KeyError("gone")

    explorer, drawn = explore(buttons={"Fail": fail})
    explorer.buttons["Fail"].click()
    assert "KeyError in fail: &#x27;gone&#x27;" in alerts(explorer)[0]
    assert drawn == [7]
    explorer.buttons["Fail"].click()
    assert len(explorer.errors) == 2


def test_a_button_draws_once_however_many_controls_it_sets():
    def set_thrice():
        for level in (1, 2, 3):
            explorer.controls["level"].value = level

    explorer, drawn = explore(buttons={"Set": set_thrice})
    explorer.buttons["Set"].click()
    assert drawn == [7, 3] and brightness(explorer) == 3


def test_without_a_kernel_there_is_a_poster_that_says_what_it_shows():
    explorer, _ = explore(buttons={"Set": lambda: None})
    explorer.controls["level"].value = 200
    bundle, metadata = explorer._repr_mimebundle_()
    alt = "Set the level: It is 200 <bright>."
    assert bundle["text/plain"] == alt and metadata == {"image/png": {"alt": alt}}
    assert "application/vnd.jupyter.widget-view+json" in bundle
    poster = Image.open(io.BytesIO(bundle["image/png"])).convert("L")
    middle = poster.crop(
        (poster.width // 2 - 40, poster.height // 2 - 40, *map(_half, poster.size))
    )
    assert middle.getextrema() == (200, 200)
    words = " ".join(_poster(explorer).get_supxlabel().split())
    assert words.endswith("once you run this cell (Ctrl+Enter), with: level · Set")


def _half(length):
    return length // 2


def test_a_picture_that_answers_draws_once_and_its_errors_are_shown():
    def act():
        for level in (1, 2, 3):
            explorer.controls["level"].value = level

    explorer, drawn = explore()
    explorer.act(act)
    assert drawn == [7, 3]
    explorer.act(lambda: 1 / 0)
    assert "ZeroDivisionError" in alerts(explorer)[0] and drawn == [7, 3]


def test_check_named():
    check_named("networks", {"one": 1}, "{…}")
    with pytest.raises(TypeError, match="The networks are a list; expected a dict. Write {1: x}."):
        check_named("networks", [], "{1: x}")
    with pytest.raises(ValueError, match="The networks are empty; expected at least one. Write"):
        check_named("networks", {}, "{1: x}")


@pytest.fixture(scope="module")
def model():
    return shipped.backbone()


def test_the_copy_answers_as_the_model_did_and_does_not_follow_its_training(model, small):
    training_on = shipped.backbone().train()
    copy = own_copy(training_on, small.test_images)
    before = measures.reconstruct(copy, small.test_images)
    assert torch.equal(before, measures.reconstruct(model, small.test_images))
    assert not copy.training and training_on.training
    with torch.no_grad():
        for weights in training_on.parameters():
            weights.zero_()
    assert torch.equal(before, measures.reconstruct(copy, small.test_images))


class Odd(nn.Module):
    """An autoencoder whose code is the image, but for what is planted."""

    def __init__(self, latent_size=16, decoded=(1, 4, 4)):
        super().__init__()
        self.latent_size, self.decoded = latent_size, decoded

    def encode(self, images):
        return images.flatten(1)

    def decode(self, latent):
        return latent[:, :1].expand(-1, torch.Size(self.decoded).numel()).view(-1, *self.decoded)

    def forward(self, images):
        return self.decode(self.encode(images))


TINY = torch.rand(5, 1, 4, 4)


@pytest.mark.parametrize(
    "model, images, error, says",
    [
        (None, torch.zeros(2, 1, 32, 32), ValueError, r"\(1, 32, 32\) each; this network takes"),
        (None, torch.zeros(2, 3, 28, 28), ValueError, r"\(3, 28, 28\) each; this network takes"),
        (None, torch.zeros(0, 1, 28, 28), ValueError, "nothing in them.*at least one image"),
        (None, "digits", TypeError, "Images are a str; expected a torch tensor"),
        (Odd(7), TINY, ValueError, r"codes of shape \(5, 16\) for 5 images; expected \(5, 7\)"),
        (Odd(decoded=(1, 5, 5)), TINY, ValueError, r"images of shape \(5, 1, 5, 5\); expected \(5"),
        (nn.Identity(), TINY, TypeError, "Identity has no encode and no decode and no latent_size"),
        (Odd(), TINY, ValueError, "no better than .* it isn't trained. Train it with training.fit"),
    ],
)  # fmt: skip
def test_what_cannot_be_explored(model, images, error, says):
    model = model or shipped.backbone()
    with pytest.raises(error, match=says):
        own_copy(model, images)


def test_an_untrained_network_is_refused_only_where_it_matters(build, small):
    with pytest.raises(ValueError, match="it isn't trained"):
        own_copy(build(), small.test_images)
    own_copy(build(), small.test_images, trained=False)
