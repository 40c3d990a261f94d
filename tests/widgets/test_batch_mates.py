"""The explorer of batch-mates shows what the network makes of that batch, and leaves it alone."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from ae_helpers.data import to_float
from ae_helpers.measures import image_errors
from ae_helpers.models import shipped
from ae_helpers.widgets import batch_mates
from ae_helpers.widgets.pictures import coloured
from shown import set_to, shows

HERE, USUAL = "in this batch", "in evaluation mode"


@pytest.fixture
def model():
    return shipped.steady()


def mates_of(small, name, digit, size, draw):
    """The batch that the explorer's settings stand for, computed another way."""
    order = torch.randperm(100, generator=torch.Generator().manual_seed(draw)).tolist()
    chosen = {
        "random digits": [i for i in order if i != digit],
        "nobody: a batch of one": [],
        "only of class 3": [i for i in order if i != digit and small.test_labels[i] == 3],
    }[name]
    return to_float(small.test_images[[digit, *chosen[:size]]])


@pytest.mark.parametrize("mates", ["random digits", "only of class 3", "nobody: a batch of one"])
@pytest.mark.parametrize("evaluation", [False, True])
def test_it_shows_the_networks_own_answer_for_the_batch(small, model, mates, evaluation):
    explorer = batch_mates(model, small)
    set_to(explorer, mates=mates, size=5, draw=3, digit=17, evaluation=evaluation)
    batch = mates_of(small, mates, digit=17, size=5, draw=3)
    network = copy.deepcopy(model).train(not evaluation)
    with torch.inference_mode():
        code, rebuilt = network.encode(batch)[0], network(batch)[0]
        model.eval()
        codes = model.encode(to_float(small.test_images))
        usual = model(batch[:1])[0]
    assert shows(explorer, "digit", batch[0])
    assert shows(explorer, HERE, rebuilt)
    assert shows(explorer, USUAL, usual)
    difference = coloured((rebuilt - usual)[0], "RdBu_r", -0.5, 0.5).convert("RGB")
    found = explorer.shown["difference"].convert("RGB")
    assert abs(np.asarray(found, int) - np.asarray(difference, int)).max() <= 8
    text, moved = explorer.readout.value, (code - codes[17]).norm().item()
    assert f"with {len(batch) - 1} batch-mates: its code is {moved:.2f} away" in text
    assert text.count("Evaluation mode, digit 17") == evaluation
    near = (codes - codes[17]).norm(dim=1).sort().values[1]
    assert f"another digit is {near:.2f} away" in text
    assert f"Error in this batch {image_errors(batch[:1], rebuilt[None]).item():.4f}" in text
    assert (moved < 0.01) == evaluation
    assert not explorer.errors


def test_black_mates_and_few_of_a_class(small, model):
    explorer = batch_mates(model, small.take(test=12))
    explorer.controls["mates"].value = "black images"
    with torch.inference_mode():
        batch = torch.cat([to_float(small.test_images[:1]), torch.zeros(7, 1, 28, 28)])
        assert shows(explorer, HERE, copy.deepcopy(model).train()(batch)[0])
    label = small.test_labels[0].item()
    explorer.controls["mates"].value = f"only of class {label}"
    others = (small.test_labels[:12] == label).sum() - 1
    assert f"with {others} batch-mates" in explorer.readout.value
    assert not explorer.errors


def test_the_model_stays_as_it_is(small, model, same_weights):
    model.train()
    before = copy.deepcopy(model)
    explorer = batch_mates(model, small)
    first = {name: image.tobytes() for name, image in explorer.shown.items()}
    other = {"mates": "black images", "size": 31, "draw": 9, "digit": 99, "evaluation": True}
    for name, control in explorer.controls.items():
        start, control.value = control.value, other[name]
        control.value = start
    assert same_weights(model, before) and model.training  # running statistics are among them
    assert {name: image.tobytes() for name, image in explorer.shown.items()} == first
    assert not explorer.errors


def test_dropout_stays_off(small, model, build):
    dropping = build(activation="gelu", norm="batch", dropout=0.5)
    dropping.load_state_dict(model.state_dict())
    with_it, without = (batch_mates(each, small) for each in (dropping, model))
    for name, image in with_it.shown.items():
        assert image.tobytes() == without.shown[name].tobytes()


def test_without_labels(small, model):
    data = type(small)("cut", "", small.train_images, None, small.test_images, None)
    explorer = batch_mates(model, data)
    assert len(explorer.controls["mates"].options) == 3
    assert "(label" not in explorer.readout.value


def test_what_has_no_batch_mates_is_refused(small, model):
    with pytest.raises(ValueError, match="no batch normalisation.*steady"):
        batch_mates(shipped.backbone(), small)
    with pytest.raises(ValueError, match="at least one image"):
        batch_mates(model, small.take(0, 0))
    for layer in [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]:
        layer.running_mean = layer.running_var = None
        layer.track_running_stats = False
    with pytest.raises(ValueError, match="keeps no running statistics"):
        batch_mates(model, small)
