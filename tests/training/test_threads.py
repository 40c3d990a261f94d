"""Threads: no more of them than the machine, or the container, has cores for."""

import os

import pytest
import torch

from ae_helpers import training
from ae_helpers.training import threads


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with 16 cores; a function that writes what Linux says of the container."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr(threads, "CGROUP", tmp_path)
    (tmp_path / "cpu").mkdir()

    def write(**files):
        for name, text in files.items():
            folder = tmp_path if name == "max" else tmp_path / "cpu"
            (folder / f"cpu.{name}").write_text(text)

    return write


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 16),
        ({"max": "max 100000\n"}, 16),
        ({"max": "200000 100000\n"}, 2),
        ({"max": "250000 100000\n"}, 2),
        ({"max": "50000 100000\n"}, 1),
        ({"max": "6400000 100000\n"}, 16),
        ({"max": "something else"}, 16),
        ({"cfs_quota_us": "-1\n", "cfs_period_us": "100000\n"}, 16),
        ({"cfs_quota_us": "300000\n", "cfs_period_us": "100000\n"}, 3),
        ({"cfs_quota_us": "300000\n"}, 16),
    ],
)
def test_usable_cores(machine, files, cores):
    machine(**files)
    assert threads.usable_cores() == cores


def test_without_affinity(machine, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    for count, cores in ((6, 6), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        assert threads.usable_cores() == cores


def test_training_in_a_container(machine, build, small):
    machine(max="100000 100000")
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(3)
    try:
        training.fit(
            build(), small.take(40), 1, progress=False,
            on_epoch=lambda _: seen.append(torch.get_num_threads()),
        )  # fmt: skip
        assert seen == [1, 1] and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
