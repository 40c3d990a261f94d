"""Checkpoints: whole or refused, rebuilt exactly, and never a way in for somebody's code."""

import copy
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


def test_a_network_of_ones_own(tmp_path, same_weights, refused):
    class Mine(nn.Sequential):
        pass

    path, model = tmp_path / "mine.pt", Mine(nn.Linear(3, 2))
    checkpoints.save(path, model)
    said = f"{path} holds a network of class 'Mine'; expected 'Autoencoder'. Name its class"
    with refused(ValueError, said, "restore(model, checkpoint, path)"):
        checkpoints.load_model(path)
    other = Mine(nn.Linear(3, 2))
    checkpoints.restore(other, checkpoints.load(path), path)  # as the message says
    assert same_weights(model, other)


def test_no_such_file(tmp_path, refused):
    for missing in (tmp_path / "last.pt", tmp_path):
        said = f"No checkpoint at {missing}; expected a .pt file"
        with refused(FileNotFoundError, said, "python -m ae_helpers train"):
            checkpoints.load(missing)


@pytest.mark.parametrize("kept", [0, 4, 100, 0.5, 0.99, -1])
def test_truncated(path, kept, refused):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    before = path.read_bytes()
    for call in (checkpoints.load, checkpoints.load_model):
        said = f"{path} ({len(before):,} bytes) can't be read"
        cure = "delete it and train anew"
        with refused(ValueError, said, "expected a whole checkpoint", "cut short", cure):
            call(path)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


class Trap:
    """A pickle that makes a folder when it is opened the careless way."""

    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (str(self.victim),)


@pytest.mark.parametrize("hidden_in", ["a plain pickle", "the file", "the weights"])
def test_malicious_pickle_is_not_executed(path, hidden_in, refused):
    victim = path.with_name("made by the pickle")
    content = checkpoints.load(path)
    if hidden_in == "a plain pickle":
        path.write_bytes(pickle.dumps(Trap(victim), protocol=2))
    elif hidden_in == "the file":
        torch.save(Trap(victim), path)
    else:
        content["weights"]["encoder.conv1.bias"] = Trap(victim)
        torch.save(content, path)
    expected = "expected a checkpoint written by training"
    with refused(ValueError, f"{path}", "could run code", "was not opened", expected, "train anew"):
        checkpoints.load_model(path)
    assert list(path.parent.iterdir()) == [path]
    if hidden_in != "a plain pickle":
        torch.load(path, weights_only=False)
        assert victim.exists()  # so the trap was a real one


@pytest.mark.parametrize("content", [{"weights": {}}, {"format": "other 2"}, [1, 2], "text"])
def test_somebody_elses_checkpoint(tmp_path, content, refused):
    path = tmp_path / "theirs.pt"
    torch.save(content, path)
    said = f"{path} is not a checkpoint of this project"
    with refused(ValueError, said, repr(checkpoints.FORMAT), "Delete it, or point to one"):
        checkpoints.load(path)


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
        (wider, ["(8,) for 'encoder.conv1.bias'", "expects (9,)", "'norm': None"]),
        (lambda: nn.Sequential(nn.Linear(2, 2)), ["nothing for '0.bias'", "expects (2,)"]),
        (
            lambda: Autoencoder(activation="leaky_relu"),
            ["'activation': 'relu'", "this network with", "'activation': 'leaky_relu'"],
        ),
        (lambda: Autoencoder(output="linear"), ["'output': 'sigmoid'", "'output': 'linear'"]),
    ],
    ids=["more layers", "wider", "another network", "another activation", "another output"],
)
def test_another_architecture(tmp_path, build, network, words, same_weights, refused):
    path = tmp_path / "last.pt"
    checkpoints.save(path, build())
    model = network()
    before = copy.deepcopy(model)
    said = f"{path} is from another architecture"
    with refused(ValueError, said, "choose another checkpoint", *words):
        checkpoints.restore(model, checkpoints.load(path), path)
    assert same_weights(model, before)


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
def test_full_disk(path, build, full_disk, old, same_weights, refused):
    if not old:
        path.unlink()
    before = list(path.parent.iterdir())
    with full_disk(), refused(OSError, f"Can't save {path}", "Free some space"):
        checkpoints.save(path, build(8))
    assert list(path.parent.iterdir()) == before
    if old:
        assert same_weights(checkpoints.load_model(path), build(7, output="linear", norm="batch"))


@pytest.mark.parametrize(
    ("file", "load", "most"),
    [(shipped.BACKBONE, shipped.backbone, 0.006), (shipped.STEADY, shipped.steady, 0.0018)],
)
def test_the_shipped_networks_are_what_their_readme_says(sample, file, load, most):
    content = checkpoints.load(file)
    error = content.get("test_error") or content["history"]["test_error"][-1]
    assert file.stat().st_size < 1_000_000
    readme = file.with_name("README.md").read_text(encoding="utf-8")
    assert f"test error | {error:.4f} MSE per pixel" in readme
    assert measures.evaluate(load(), sample.test_images) < most


def test_the_shipped_history_is_that_of_the_shipped_backbone():
    fields, originals, sticks = shipped.history()
    history = training.History(**fields)
    readme = shipped.BACKBONE.with_name("README.md").read_text(encoding="utf-8")
    assert f"({', '.join(f'{name} {error:.4f}' for name, error in sticks.items())})" in readme
    assert history.settings["dataset"] == "mnist" and history.epochs == 15
    assert originals.shape == (10, 1, 28, 28) and originals.dtype == torch.uint8
    assert len(history.reconstructions) == history.epochs + 1
    again = measures.reconstruct(shipped.backbone(), originals) * 255
    assert (again - history.reconstructions[-1]).abs().max() < 2  # another machine rounds otherwise
