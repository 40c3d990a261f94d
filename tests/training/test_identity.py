"""A run is recognised by what its objective does, and by nothing that changes from day to day."""

import functools
import os
import subprocess
import sys
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ae_helpers.files import PROJECT
from ae_helpers.measures.applications import denoising_error
from ae_helpers.models.vae import NegativeElbo
from ae_helpers.training.identity import recognised

factor = 0.5  # a variable that an objective sees


def scaled(model, batch):
    return sum(factor * F.mse_loss(model(image), image) for image in batch)


def summed(depth, model, batch):
    return summed(depth - 1, model, batch) if depth else scaled(model, batch)


def seen_through(network, power):
    return lambda model, batch: (network(model(batch)) - network(batch)).abs().pow(power).mean()


class Weighted(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def forward(self, model, batch):
        return self.weight * F.l1_loss(model(batch), batch)


def network(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Conv2d(1, 2, 3)


DIFFERENT = {
    "code": (lambda model, batch: model(batch).mean(), lambda model, batch: model(batch).sum()),
    "constants": (lambda model, batch: 2 * batch.sum(), lambda model, batch: 3 * batch.sum()),
    "defaults": (lambda model, batch, k=1: k, lambda model, batch, k=2: k),
    "inner code": (
        lambda m, b: [(lambda: 1)() for _ in b],
        lambda m, b: [(lambda: 2)() for _ in b],
    ),
    "a closure": (seen_through(network(0), 1), seen_through(network(0), 2)),
    "weights in a closure": (seen_through(network(0), 1), seen_through(network(1), 1)),
    "arguments": (functools.partial(summed, 1), functools.partial(summed, 2)),
    "attributes": (Weighted(1), Weighted(2)),
    "of a method": (Weighted(1).forward, Weighted(2).forward),
    "a tensor": (Weighted(torch.ones(2)), Weighted(torch.ones(3))),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_objectives(one, other):
    assert recognised(one) == recognised(one) != recognised(other)


def test_a_variable_that_is_seen(monkeypatch):
    before = recognised(scaled)
    monkeypatch.setitem(globals(), "factor", 0.6)
    assert recognised(scaled) != before


def test_the_packages_own_are_known_by_name():
    """So runs from before there were such words go on."""
    assert recognised(denoising_error) == "denoising_error"
    assert recognised(NegativeElbo(2)) == "NegativeElbo(beta=2)"


def test_what_cannot_be_recognised_is_refused(refused):
    lock = threading.Lock()
    with refused(ValueError, "objective=<lambda>", "_thread.lock", "Leave the folder out"):
        recognised(lambda model, batch: lock and batch.mean())


def test_another_process_recognises_the_same(tmp_path):
    """A notebook's own functions and classes, a partial, a set of words; whatever hashes are."""
    script = tmp_path / "script.py"
    script.write_text(
        """
import functools
from torch.nn import functional as F
from ae_helpers.training.identity import recognised

def mine(model, batch, kind="a"):
    return F.mse_loss(model(batch), batch) if kind in {"a", "b", "c"} else batch.mean()

class Mine:
    def __init__(self, weight):
        self.weight = weight
    def __call__(self, model, batch):
        return self.weight * mine(model, batch)

for objective in (mine, Mine(2), functools.partial(mine, kind="b"), lambda m, b: Mine(3)(m, b)):
    print(recognised(objective))
"""
    )
    said = [
        subprocess.run(
            [sys.executable, script],
            env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] and len(set(said[0].split("\n"))) == 5
