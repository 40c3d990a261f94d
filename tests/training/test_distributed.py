"""Two real processes, started by torchrun, train as one does, and survive the death of one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed as dist

from ae_helpers.models import checkpoints
from ae_helpers.training import fit
from ae_helpers.training.distributed import Team

PROJECT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("trains_and_dies.py")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
needs_gloo = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="this torch has no gloo"
)


def torchrun(*words, **options):
    """Its standard output. It is asked to end, if it hangs, for only so its workers end as well."""
    run = subprocess.Popen(
        [*TORCHRUN, *words],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    try:
        out, err = run.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        run.terminate()
        out, err = run.communicate(timeout=60)
    assert run.returncode == 0, out + err
    assert "Warning" not in err
    return out


@needs_gloo
@pytest.mark.parametrize(
    "fate",
    [
        pytest.param([], id="as planned"),
        pytest.param(["dies"], id="one is killed", marks=pytest.mark.verify),
    ],
)
def test_two_processes_train_as_one(fate, digits, tmp_path, build, cpu):
    restarts = ["--max-restarts", "1"] if fate else []
    out = torchrun(*restarts, WORKER, tmp_path, "1e-3", *fate)
    content = checkpoints.load(tmp_path / "run" / "last.pt")

    alone = build()
    expected = fit(alone, digits, 4, 32, 1e-3, progress=False)
    for name in ("train_error", "test_error"):
        assert content["history"][name] == pytest.approx(getattr(expected, name), rel=1e-4)
    for name, weights in alone.state_dict().items():
        torch.testing.assert_close(content["weights"][name], weights, rtol=1e-3, atol=1e-4)

    said = [line for line in out.splitlines() if "/4: " in line or "going on" in line]
    if fate:  # in epoch 3, which alone is trained again
        assert said.pop(2) == "going on from run/last.pt, after epoch 2"
    assert [line[:10] for line in said] == [f"epoch  {n}/4" for n in range(1, 5)]


@needs_gloo
@pytest.mark.verify
def test_the_command_line_under_torchrun(tmp_path):
    """``train`` says everything once, and writes what it always writes."""
    options = ["--epochs", "1", "--batch-size", "500", "--output", "out"]
    out = torchrun("-m", "ae_helpers", "train", *options, cwd=tmp_path)
    assert out.count("4,000 training") == out.count("by 2 processes") == 1
    assert out.count("PCA-64") == out.count("written to out") == 1
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"last.pt", "best.pt", "loss_curve.png", "before_after.png"}


def test_alone_a_process_is_a_team_of_one(build):
    team, batches, values = Team(), [torch.arange(3)], torch.ones(2)

    def objective(model, batch):
        return batch.mean()

    assert (team.rank, team.processes) == (0, 1)
    assert team.averaging(build(), objective) is objective
    assert team.divide(objective, batches) == (objective, batches)
    assert team.mean(values) is values
    with team.first_goes_first():
        pass


def test_a_clusters_shell_is_no_team(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")  # alone: with an address it would wait for the others
    assert Team().processes == 1


@pytest.mark.parametrize("sizes", [[32, 32, 30], [32, 15], [32, 1], [5]])
@pytest.mark.parametrize("processes", [2, 3])
def test_the_parts_of_a_batch_weigh_what_they_should(sizes, processes):
    """The mean over processes of the weighted losses is the mean over the whole batch."""
    values = torch.rand(sum(sizes), dtype=torch.float64)
    batches = torch.arange(len(values)).split(sizes)
    losses = []
    for rank in range(processes):
        team = Team()
        team.rank, team.processes = rank, processes
        objective, parts = team.divide(lambda _, batch: batch.mean(), batches)
        losses.append(torch.stack([objective(None, values[part]) for part in parts]))
    expected = torch.stack([values[batch].mean() for batch in batches])
    torch.testing.assert_close(torch.stack(losses).mean(0), expected)
