"""Threads: no more of them than the machine, or the container, has cores for."""

import joblib
import pytest
import torch

from ae_helpers import training


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (16, 3)])
def test_training_in_a_container(monkeypatch, build, small, cpu, cores, threads):
    monkeypatch.setattr(joblib, "cpu_count", lambda: cores)
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(3)
    try:
        training.fit(
            build(), small.take(40), 1, progress=False,
            on_epoch=lambda _: seen.append(torch.get_num_threads()),
        )  # fmt: skip
        assert seen == [threads, threads] and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
