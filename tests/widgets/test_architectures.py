"""The architecture picker shows each network's own answer, and what it costs."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ae_helpers import measures, models
from ae_helpers.measures import baselines, image_errors, pca
from ae_helpers.models import shipped
from ae_helpers.plots.style import ERROR_MAX
from ae_helpers.widgets import architecture_picker, pictures


@pytest.fixture(scope="module")
def networks(small):
    directions = pca.principal_directions(small.train_images)
    linear = {f"PCA-{k}": baselines.pca_network(directions, k) for k in (2, 16)}
    return {"backbone": shipped.backbone(), **linear}


@pytest.fixture
def picker(networks, small):
    return architecture_picker(networks, small)


def pixels(image):
    return np.asarray(image.convert("RGB")).astype(int)


def test_each_network_answers_for_itself(picker, networks, small):
    image = small.test_images[7:8]
    picker.controls["digit"].value = 7
    for name, model in networks.items():
        picker.controls["network"].value = name
        answer = measures.reconstruct(model, image)
        squared = (image[0] / 255 - answer[0]).square()[0]
        expected = {
            "original": pictures.as_image(image[0]),
            "reconstruction": pictures.as_image(answer[0]),
            "squared error": pictures.coloured(squared, "Oranges", 0, ERROR_MAX),
        }
        for panel, picture in expected.items():
            assert abs(pixels(picker.shown[panel]) - pixels(picture)).max() <= 1
        text = picker.readout.value
        products = models.ledger(model, (1, 28, 28))["multiplications"].sum()
        assert f"{name}: {models.count_parameters(model):,} parameters, {products:,} mult" in text
        assert f"{model.latent_size} numbers" in text
        assert f"{image_errors(image, answer).item():.4f}, by PCA-{model.latent_size}" in text
        mean = measures.evaluate(model, small.test_images)
        (pca,) = baselines.pca_errors(small, [model.latent_size])
        assert f"mean of 100 digits: {mean:.4f}, by PCA-{model.latent_size} {pca:.4f}." in text
    assert not picker.errors


def test_a_linear_network_set_to_pca_is_pca(picker):
    picker.controls["network"].value = "PCA-16"
    one, other = (picker.shown[name] for name in ("reconstruction", "by PCA"))
    assert abs(pixels(one) - pixels(other)).max() <= 1


def test_later_training_changes_nothing(networks, small):
    model = shipped.backbone()
    picker = architecture_picker({"it": model}, small)
    before = picker.readout.value
    with torch.no_grad():
        model.decoder.deconv4.bias += 1
    picker.controls["digit"].value = 1
    picker.controls["digit"].value = 0
    assert picker.readout.value == before


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ([], TypeError, "are a list; expected a dict"),
        ({}, ValueError, "no network in the dict"),
        ({"new": models.Autoencoder()}, ValueError, "new: This network's error .* isn't trained"),
        ({"half": nn.Conv2d(1, 1, 1)}, TypeError, "half: A Conv2d has no encode"),
    ],
)
def test_what_cannot_be_picked(given, error, says, small):
    with pytest.raises(error, match=says):
        architecture_picker(given, small)


def test_a_code_larger_than_the_image(small):
    wider = models.Paired(
        nn.Sequential(nn.Flatten(), nn.ZeroPad1d((0, 1))),
        nn.Sequential(nn.Flatten(), nn.ZeroPad1d((0, -1)), nn.Unflatten(1, (1, 28, 28))),
        785,
    )
    with pytest.raises(ValueError, match="wider: a code of 785 numbers is larger"):
        architecture_picker({"wider": wider}, small)


def test_images_that_do_not_fit(networks, small):
    from dataclasses import replace

    cut = replace(small, test_images=small.test_images[:, :, :20, :20])
    with pytest.raises(ValueError, match="backbone: .*this network takes"):
        architecture_picker(networks, cut)


def test_pictures_arrive_and_errors_are_shown(picker):
    for name, panel in picker.pictures.items():
        sent = Image.open(io.BytesIO(panel.value))
        assert (pixels(sent) == pixels(picker.shown[name])).all()
        assert panel.tooltip
    bundle, metadata = picker._repr_mimebundle_()
    assert bundle["image/png"] and "Pick an architecture" in metadata["image/png"]["alt"]
    picker.draw = lambda **_: 1 / 0
    picker.controls["digit"].value += 1
    assert isinstance(picker.errors[0], ZeroDivisionError)
