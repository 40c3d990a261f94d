"""The browser of datasets shows each network's own answer, or says why there is none."""

import pytest
import torch

from ae_helpers import data, measures
from ae_helpers.measures import image_errors
from ae_helpers.measures.baselines import mean_image
from ae_helpers.models import any_shape, shipped
from ae_helpers.widgets import dataset_browser
from ae_helpers.widgets.pictures import error_map
from shown import same, set_to, shows


@pytest.fixture(scope="module")
def networks():
    names = {"digits": shipped.steady(), "hues": shipped.shaped("coloured")}
    return names | {"clothes": shipped.shaped("clothes")}


@pytest.fixture
def datasets(small):
    return {"digits": small, "coloured": data.coloured(small)}


@pytest.mark.parametrize(("dataset", "network"), [("digits", "clothes"), ("coloured", "hues")])
def test_it_shows_the_networks_own_answer(networks, datasets, dataset, network):
    explorer = dataset_browser(networks, datasets)
    set_to(explorer, dataset=dataset, network=network, number=17)
    images = datasets[dataset].test_images
    answers = measures.reconstruct(networks[network], images)
    assert shows(explorer, "original", images[17])
    assert shows(explorer, "reconstruction", answers[17])
    assert same(explorer.shown["squared error"], error_map(images[17], answers[17]))
    text = explorer.readout.value
    errors = image_errors(images, answers)
    by_mean = image_errors(images, mean_image(datasets[dataset].train_images))
    assert f"error {errors[17]:.4f} (MSE" in text
    assert f"mean image&#x27;s {by_mean[17]:.4f}" in text
    assert f"Over 100 images {errors.mean():.4f}" in text
    assert f"{errors.mean() / by_mean.mean():.0%} of" in text
    assert f"(label {datasets[dataset].test_labels[17]})" in text
    assert not explorer.errors


@pytest.mark.parametrize(("dataset", "network"), [("coloured", "digits"), ("digits", "hues")])
def test_another_shape_is_said_and_not_tried(networks, datasets, dataset, network):
    explorer = dataset_browser(networks, datasets)
    set_to(explorer, dataset=dataset, network=network)
    takes, has = ("1×28×28", "3×28×28") if network == "digits" else ("3×28×28", "1×28×28")
    assert f"it takes images of {takes}, and these are {has}" in explorer.readout.value
    assert shows(explorer, "original", datasets[dataset].test_images[0])
    assert explorer.shown["reconstruction"].getextrema()[1] == (0, 0)  # transparent
    assert not explorer.errors


def test_other_sizes_and_no_labels(small):
    images = torch.nn.functional.pad(small.test_images[:5], [2] * 4)
    framed = data.ImageData("framed", "", images, None, images, None)
    explorer = dataset_browser({"untrained": any_shape.build((1, 32, 32))}, {"framed": framed})
    assert explorer.controls["number"].max == 4 and "(label" not in explorer.readout.value
    assert explorer.shown["reconstruction"].size == (32, 32)


def test_the_networks_stay_as_they_are(networks, datasets):
    network = networks["digits"].train()
    explorer = dataset_browser(networks, datasets)
    explorer.controls["number"].value = 3
    assert network.training
    network.eval()


def test_what_cannot_be_browsed(networks, datasets, small):
    with pytest.raises(ValueError, match="The networks are empty; expected at least one"):
        dataset_browser({}, datasets)
    with pytest.raises(TypeError, match="The datasets are a ImageData; expected a dict"):
        dataset_browser(networks, small)
    with pytest.raises(ValueError, match="'hues' takes images of shape .3, 28, 28.*digits"):
        dataset_browser(networks, {"digits": small})
    with pytest.raises(ValueError, match="at least one image"):
        dataset_browser({"digits": networks["digits"]}, {"digits": small.take(0, 0)})
