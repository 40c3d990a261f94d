"""Two real processes, started by torchrun, train as one does, and survive the death of one."""

import atexit
import os
import re
import shutil
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
TORCHRUN += ["--local-addr", "127.0.0.1"]
# On a computer whose own name doesn't resolve, as that of a laptop away from its network.
NOWHERE = ["unshare", "--uts", "sh", "-c", 'hostname nowhere && exec "$@"', "sh"]
if not shutil.which("unshare") or subprocess.call([*NOWHERE, "true"], stderr=subprocess.DEVNULL):
    NOWHERE = []  # this system or user can't give a process another name
needs_gloo = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="this torch has no gloo"
)


def torchrun(*words, **options):
    """Its standard output. It is asked to end, if it hangs, for only so its workers end as well."""
    run = subprocess.Popen(
        [*NOWHERE, *TORCHRUN, *words],
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",  # on the CPU, where rounding is the same in each run
        },
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
    assert "Warning" not in re.sub(".*Unable to resolve hostname.*", "", err)  # gloo says so, once
    return out


@needs_gloo
@pytest.mark.verify
@pytest.mark.parametrize("fate", [[], ["dies"]], ids=["as planned", "one is killed"])
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
    cpu = torch.device("cpu")
    team, batches, values = Team(cpu), [torch.arange(3)], torch.ones(2)

    def objective(model, batch):
        return batch.mean()

    assert (team.rank, team.processes, team.device) == (0, 1, cpu)
    assert team.averaging(build(), objective) is objective
    assert team.divide(objective, batches) == (objective, batches)
    assert team.mean(values) is values
    with team.first_goes_first():
        pass


def test_a_clusters_shell_is_no_team(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")  # alone: with an address it would wait for the others
    assert Team(torch.device("cpu")).processes == 1


@pytest.mark.parametrize("sizes", [[32, 32, 30], [32, 15], [32, 1], [5]])
@pytest.mark.parametrize("processes", [2, 3])
def test_the_parts_of_a_batch_weigh_what_they_should(sizes, processes):
    """The mean over processes of the weighted losses is the mean over the whole batch."""
    values = torch.rand(sum(sizes), dtype=torch.float64)
    batches = torch.arange(len(values)).split(sizes)
    losses = []
    for rank in range(processes):
        team = Team(torch.device("cpu"))
        team.rank, team.processes = rank, processes
        objective, parts = team.divide(lambda _, batch: batch.mean(), batches)
        losses.append(torch.stack([objective(None, values[part]) for part in parts]))
    expected = torch.stack([values[batch].mean() for batch in batches])
    torch.testing.assert_close(torch.stack(losses).mean(0), expected)


@needs_gloo
@pytest.mark.parametrize(
    ("device", "gpus", "other", "backend", "says"),
    [
        ("cuda", 2, "True", "nccl", False),
        ("cuda", 1, "False", "gloo", True),  # two processes, one GPU
        ("cuda", 2, "False", "gloo", True),  # a second machine that lacks some
        ("cpu", 2, "False", "gloo", False),  # asked for, as by a lesson or a test
        ("mps", 0, "False", "gloo", True),
    ],
)
def test_all_train_on_gpus_of_their_own_or_none_does(
    monkeypatch, capsys, device, gpus, other, backend, says
):
    store, told = dist.HashStore(), {}
    dist.PrefixStore("0", store).set("GPU 1", other)

    def start(backend, **_):
        told["backend"] = backend

    for place, name, value in [
        (dist, "rendezvous", lambda _: iter([(store, 0, 2)])),
        (dist, "init_process_group", start),
        (dist, "get_rank", lambda: 0),
        (dist, "get_backend", lambda: told["backend"]),
        (atexit, "register", lambda _: None),
        (torch.cuda, "device_count", lambda: gpus),
        (torch.cuda, "set_device", lambda number: told.update(number=number)),
    ]:
        monkeypatch.setattr(place, name, value)
    torchrun = {"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": 2, "LOCAL_RANK": 0}
    for name, value in (torchrun | {"WORLD_SIZE": 2}).items():
        monkeypatch.setenv(name, str(value))
    team = Team(torch.device(device))
    assert team.device.type == ("cuda" if backend == "nccl" else "cpu")
    assert told == {"backend": backend} | ({"number": 0} if backend == "nccl" else {})
    line = "2 processes, and not a GPU for each: all train on the CPU\n"
    assert capsys.readouterr().out == (line if says else "")


def test_every_command_that_we_give_finds_itself_without_a_name():
    """torchrun asks for the computer's own name, and waits for 300 s if nobody knows it."""
    texts = [*PROJECT.glob("*.md"), *PROJECT.glob("*/*.md"), *PROJECT.glob("notebooks/*.ipynb")]
    commands = [
        line for text in texts for line in text.read_text().splitlines() if "nproc-per-node" in line
    ]
    assert len(commands) > 3
    assert [line for line in commands if "--local-addr" not in line] == []
