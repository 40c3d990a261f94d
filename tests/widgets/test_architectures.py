"""The architecture picker shows each network's own answer, and what it costs."""

import pytest
from torch import nn

from ae_helpers import measures, models
from ae_helpers.measures import baselines, image_errors, pca
from ae_helpers.models import shipped
from ae_helpers.widgets import architecture_picker, pictures
from shown import same, set_to, shows


@pytest.fixture(scope="module")
def networks(small):
    directions = pca.principal_directions(small.train_images)
    linear = {f"PCA-{k}": baselines.pca_network(directions, k) for k in (2, 16)}
    return {"backbone": shipped.backbone(), **linear}


@pytest.fixture
def picker(networks, small):
    return architecture_picker(networks, small)


def test_each_network_answers_for_itself(picker, networks, small):
    image = small.test_images[7:8]
    for name, model in networks.items():
        set_to(picker, network=name, digit=7)
        answer = measures.reconstruct(model, image)
        assert shows(picker, "original", image[0]) and shows(picker, "reconstruction", answer[0])
        assert same(picker.shown["squared error"], pictures.error_map(image[0], answer[0]))
        text = picker.readout.value
        products = models.ledger(model, (1, 28, 28))["multiplications"].sum()
        assert f"{name}: {models.count_parameters(model):,} parameters, {products:,} mult" in text
        assert f"{model.latent_size} numbers" in text
        assert f"{image_errors(image, answer).item():.4f}, by PCA-{model.latent_size}" in text
        mean = measures.evaluate(model, small.test_images)
        (pca,) = baselines.pca_errors(small, [model.latent_size])
        assert f"mean of 100 digits: {mean:.4f}, by PCA-{model.latent_size} {pca:.4f}." in text


def test_a_linear_network_set_to_pca_is_pca(picker):
    set_to(picker, network="PCA-16")
    assert same(picker.shown["reconstruction"], picker.shown["by PCA"])


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ([], TypeError, "are a list; expected a dict"),
        ({}, ValueError, "The networks are empty"),
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
