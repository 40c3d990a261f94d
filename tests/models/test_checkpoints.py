"""Checkpoints: whole or refused, rebuilt exactly, and never a way in for somebody's code."""

import errno
import os
import pickle

import pytest
import torch
from torch import nn

from ae_helpers import measures, training
from ae_helpers.models import Autoencoder, checkpoints, shipped


@pytest.fixture
def path(tmp_path, build):
    """A checkpoint of a backbone that isn't the default one."""
    file = tmp_path / "runs" / "last.pt"
    checkpoints.save(file, build(7, output="linear", norm="batch"), epoch=3)
    return file


def refusal(call, *args):
    with pytest.raises(ValueError) as raised:
        call(*args)
    return str(raised.value)


def test_round_trip(path, build, same_weights):
    model = checkpoints.load_model(path)
    assert same_weights(model, build(7, output="linear", norm="batch"))
    assert model.options == {"activation": "relu", "norm": "batch", "output": "linear"}
    assert not model.training
    assert list(path.parent.iterdir()) == [path]


def test_extra_values_come_back(tmp_path, build):
    extra = {
        "losses": [torch.tensor(0.5), torch.tensor(0.25)],
        "history": {"errors": [0.1, float("inf")], "text": "ε", "nothing": None},
        "random_state": torch.get_rng_state(),
    }
    checkpoints.save(tmp_path / "x.pt", build(), **extra)
    content = checkpoints.load(tmp_path / "x.pt")
    assert content["format"] == checkpoints.FORMAT and content["architecture"] == "Autoencoder"
    assert content["history"] == extra["history"] and content["losses"] == extra["losses"]
    assert torch.equal(content["random_state"], extra["random_state"])


def test_a_network_of_ones_own(tmp_path, same_weights):
    class Mine(nn.Sequential):
        pass

    path, model = tmp_path / "mine.pt", Mine(nn.Linear(3, 2))
    checkpoints.save(path, model)
    message = refusal(checkpoints.load_model, path)
    assert f"{path} holds a network of class 'Mine'; expected 'Autoencoder'" in message
    assert "restore(model, checkpoint, path)" in message
    other = Mine(nn.Linear(3, 2))
    checkpoints.restore(other, checkpoints.load(path), path)  # as the message says
    assert same_weights(model, other)


def test_no_such_file(tmp_path):
    for missing in (tmp_path / "last.pt", tmp_path):
        with pytest.raises(FileNotFoundError) as raised:
            checkpoints.load(missing)
        message = str(raised.value)
        assert f"No checkpoint at {missing}; expected a .pt file" in message
        assert "python -m ae_helpers train" in message


@pytest.mark.parametrize("kept", [0, 4, 100, 0.5, 0.99, -1])
def test_truncated(path, kept):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    before = path.read_bytes()
    for call in (checkpoints.load, checkpoints.load_model):
        message = refusal(call, path)
        assert f"{path} ({len(before):,} bytes) can't be read" in message
        assert "expected a whole checkpoint" in message and "cut short" in message
        assert "delete it and train anew" in message
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


class Trap:
    """A pickle that makes a folder when it is opened the careless way."""

    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (str(self.victim),)


@pytest.mark.parametrize("hidden_in", ["a plain pickle", "the file", "the weights"])
def test_malicious_pickle_is_not_executed(path, hidden_in):
    victim = path.with_name("made by the pickle")
    content = checkpoints.load(path)
    if hidden_in == "a plain pickle":
        path.write_bytes(pickle.dumps(Trap(victim), protocol=2))
    elif hidden_in == "the file":
        torch.save(Trap(victim), path)
    else:
        content["weights"]["encoder.conv1.bias"] = Trap(victim)
        torch.save(content, path)
    message = refusal(checkpoints.load_model, path)
    assert str(path) in message and "could run code" in message and "was not opened" in message
    assert "expected a checkpoint written by training" in message and "train anew" in message
    assert list(path.parent.iterdir()) == [path]
    if hidden_in != "a plain pickle":
        torch.load(path, weights_only=False)
        assert victim.exists()  # so the trap was a real one


@pytest.mark.parametrize("content", [{"weights": {}}, {"format": "other 2"}, [1, 2], "text"])
def test_somebody_elses_checkpoint(tmp_path, content):
    path = tmp_path / "theirs.pt"
    torch.save(content, path)
    message = refusal(checkpoints.load, path)
    assert f"{path} is not a checkpoint of this project" in message
    assert repr(checkpoints.FORMAT) in message and "Delete it, or point to one" in message


def wider():
    model = Autoencoder()
    model.encoder.conv1 = nn.Conv2d(1, 9, 15, padding=1)
    return model


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            lambda: Autoencoder(norm="batch"),
            ["nothing for 'decoder.norm1.bias'", "expects (32,)", "'norm': None"],
        ),
        (
            wider,
            ["(8,) for 'encoder.conv1.bias'", "expects (9,)", "'norm': None"],
        ),
        (
            lambda: nn.Sequential(nn.Linear(2, 2)),
            ["nothing for '0.bias'", "expects (2,)"],
        ),
        (
            lambda: Autoencoder(activation="leaky_relu"),
            ["'activation': 'relu'", "this network with", "'activation': 'leaky_relu'"],
        ),
        (lambda: Autoencoder(output="linear"), ["'output': 'sigmoid'", "'output': 'linear'"]),
    ],
    ids=["more layers", "wider", "another network", "another activation", "another output"],
)
def test_another_architecture(tmp_path, build, network, words):
    path = tmp_path / "last.pt"
    checkpoints.save(path, build())
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    message = refusal(checkpoints.restore, model, checkpoints.load(path), path)
    for word in [f"{path} is from another architecture", "choose another checkpoint", *words]:
        assert word in message
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_weights_of_the_same_shapes_fit_a_network_built_by_hand(tmp_path, build, same_weights):
    class ByHand(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = build().encoder, build().decoder

    path, model = tmp_path / "last.pt", ByHand()
    checkpoints.save(path, build(5))
    checkpoints.restore(model, checkpoints.load(path), path)
    assert same_weights(model, build(5))


@pytest.mark.parametrize("old", [True, False])
def test_full_disk(path, build, full_disk, old, same_weights):
    if not old:
        path.unlink()
    before = list(path.parent.iterdir())
    with full_disk(), pytest.raises(OSError) as raised:
        checkpoints.save(path, build(8))
    assert f"Can't save {path}" in str(raised.value) and "Free some space" in str(raised.value)
    assert list(path.parent.iterdir()) == before
    if old:
        assert same_weights(checkpoints.load_model(path), build(7, output="linear", norm="batch"))


def test_read_only_folder(path, build, monkeypatch, same_weights):
    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="Can't save .*Read-only file system.*another folder"):
        checkpoints.save(path, build(8))
    assert list(path.parent.iterdir()) == [path]
    assert same_weights(checkpoints.load_model(path), build(7, output="linear", norm="batch"))


def test_the_shipped_backbone_is_what_its_readme_says(sample):
    fields, _, sticks = shipped.history()
    history = training.History(**fields)
    assert shipped.BACKBONE.stat().st_size < 1_000_000
    readme = shipped.BACKBONE.with_name("README.md").read_text(encoding="utf-8")
    assert f"test error | {history.test_error[-1]:.4f} MSE per pixel" in readme
    assert f"({', '.join(f'{name} {error:.4f}' for name, error in sticks.items())})" in readme
    assert history.settings["dataset"] == "mnist" and history.epochs == 15
    assert measures.evaluate(shipped.backbone(), sample.test_images) < 0.006


def test_the_shipped_history_is_that_of_the_shipped_backbone():
    fields, originals, _ = shipped.history()
    history = training.History(**fields)
    assert originals.shape == (10, 1, 28, 28) and originals.dtype == torch.uint8
    assert len(history.reconstructions) == history.epochs + 1
    again = measures.reconstruct(shipped.backbone(), originals) * 255
    assert (again - history.reconstructions[-1]).abs().max() < 2  # another machine rounds otherwise


def test_the_shipped_steady_network_is_what_its_readme_says(sample):
    content = checkpoints.load(shipped.STEADY)
    assert shipped.STEADY.stat().st_size < 1_000_000
    readme = shipped.STEADY.with_name("README.md").read_text(encoding="utf-8")
    assert f"test error | {content['test_error']:.4f} MSE per pixel" in readme
    assert measures.evaluate(shipped.steady(), sample.test_images) < 0.0025
