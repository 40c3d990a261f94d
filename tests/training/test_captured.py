"""Recorded steps are the loop's: by a tape in place of a graph, and on a GPU if there is one."""

import contextlib
import importlib
import signal
import warnings

import pytest
import torch
from tape import OnCpu
from torch import nn
from torch.optim.lr_scheduler import LinearLR, OneCycleLR

from ae_helpers import measures
from ae_helpers.measures.applications import denoising_error, filling_error
from ae_helpers.models import checkpoints, vae
from ae_helpers.training import captured, fit, loop, reconstruction_error

fit_module = importlib.import_module("ae_helpers.training.fit")  # there, `fit` is the function
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU with CUDA here")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=needs_gpu)])
def device(request, monkeypatch):
    """Where the steps are: on the CPU it is the tape that records."""
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    if request.param == "cpu":
        monkeypatch.setattr(captured, "Gpu", OnCpu)
    return torch.device(request.param)


@pytest.fixture
def made(device, monkeypatch):
    """The recorders that were made."""
    found, kind = [], captured.Gpu
    monkeypatch.setattr(captured, "Gpu", lambda: found.append(kind()) or found[-1])
    return found


@pytest.fixture
def trained(build, small, device):
    """A function that trains a new network for so many images; what there is at the end."""

    def run(
        steps, objective=reconstruction_error, schedule=None, images=190, rate=2**-10, **options
    ):
        model = build(**options).to(device)
        optimizer = torch.optim.Adam(model.parameters(), rate, fused=True)
        schedule = schedule and schedule(optimizer)
        batches = torch.arange(images, device=device).split(16)  # eleven, and one of 14
        with torch.random.fork_rng():
            torch.manual_seed(4)
            pixels = small.train_images.to(device)
            losses = list(steps(model, pixels, batches, optimizer, schedule, objective))
            after = torch.rand(1, device=device)
        return model, optimizer, torch.stack(losses), after

    return run


def agree(one, other):
    """Whether two have trained the same network; on a CPU, the same to the last bit.

    On a GPU rounding differs, and a weight without effect, such as a bias before a batch norm, goes
    wherever rounding sends it. There what counts are the losses, the errors and the random numbers.
    """
    (mine, my_adam, my_losses, *_), (theirs, their_adam, losses, *_) = one, other
    here, there = my_adam.state_dict(), their_adam.state_dict()
    assert here["param_groups"] == there["param_groups"]
    assert one[3] == other[3]
    if losses.is_cuda:
        torch.testing.assert_close(my_losses, losses, rtol=1e-2, atol=0)
    else:
        for tensors in (
            (my_losses, losses),
            (mine.state_dict(), theirs.state_dict()),
            (here["state"], there["state"]),
        ):
            torch.testing.assert_close(*tensors, rtol=0, atol=0)


def one_cycle(optimizer):
    return OneCycleLR(optimizer, 2**-10, total_steps=12)


def warm_up(optimizer):
    return LinearLR(optimizer, start_factor=1 / 8, total_iters=8)


def forgetful():
    layers = nn.Flatten(), nn.Linear(784, 16), nn.Dropout(0.3), nn.Linear(16, 784)
    return nn.Sequential(*layers, nn.Unflatten(1, (1, 28, 28)))


@pytest.mark.parametrize("schedule", [None, warm_up, one_cycle])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"norm": "batch"},
        {"kind": forgetful},
        {"kind": vae.VAE, "objective": vae.NegativeElbo(0.1)},
    ],
    ids=["backbone", "batch norm", "dropout", "vae"],
)
def test_an_epoch_is_the_loop_s(trained, options, schedule):
    options = {"schedule": schedule, **options}
    agree(trained(captured.train_steps, **options), trained(loop.train_steps, **options))


def test_what_is_recorded_and_when(made, trained):
    trained(captured.train_steps)
    if isinstance(made[0], OnCpu):
        assert made[0].done == [*["warm up"] * 3, "record", *["replay"] * 8, "finish"]


@pytest.mark.parametrize(
    ("schedule", "inside"), [(None, True), (warm_up, True), (one_cycle, False)]
)
def test_adam_is_recorded_unless_more_than_its_rate_moves(
    trained, monkeypatch, schedule, inside, device
):
    found, kind = [], captured.Recorded
    monkeypatch.setattr(captured, "Recorded", lambda *args: found.append(args[-1]) or kind(*args))
    trained(captured.train_steps, schedule=schedule)
    assert found == [inside]


@pytest.mark.parametrize("schedule", [None, one_cycle])
@pytest.mark.parametrize("fused", [True, False])
def test_batches_of_any_size_and_gradients_that_somebody_lets_go(
    build, small, device, schedule, fused
):
    """Eight of one size, others between them; and another program that wants the memory."""
    images, runs = small.train_images.to(device), []
    batches = torch.arange(174, device=device).split([16, 16, 16, 16, 7, 16, 16, 30, 16, 16, 9])
    for steps in (captured.train_steps, loop.train_steps):
        model = build().to(device)
        optimizer = torch.optim.Adam(model.parameters(), 2**-10, fused=fused)
        losses = []
        for loss in steps(model, images, batches, optimizer, schedule and schedule(optimizer)):
            losses.append(loss)
            model.zero_grad()
        runs.append((model, optimizer, torch.stack(losses), None))
    agree(*runs)


def test_a_run_that_is_broken_off_waits_for_the_gpu(build, small, device, made):
    images, models = small.train_images.to(device), [build().to(device) for _ in range(2)]
    for model, steps in zip(models, (captured.train_steps, loop.train_steps), strict=True):
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        losses = steps(model, images, torch.arange(160, device=device).split(16), optimizer)
        assert len([next(losses) for _ in range(6)]) == 6
        losses.close()
    mine, theirs = (measures.reconstruct(model, small.test_images) for model in models)
    torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)
    if isinstance(made[0], OnCpu):
        assert made[0].done[-1] == "finish"


@pytest.mark.parametrize("objective", [denoising_error, filling_error])
def test_what_cannot_be_recorded_is_trained_as_ever(made, trained, monkeypatch, objective):
    monkeypatch.setattr(
        OnCpu, "warm_up", lambda self, step: setattr(self, "refuses", True) or step()
    )
    mine = trained(captured.train_steps, objective=objective)
    agree(mine, trained(loop.train_steps, objective=objective))
    assert made[0].refuses


@pytest.fixture
def gpu(monkeypatch):
    """What CUDA is told by the warm-up, on a machine that may have none."""
    told = []

    class Stream:
        def __init__(self, name="side"):
            self.name = name

        def wait_stream(self, other):
            told.append(f"{self.name} waits for {other.name}")

    @contextlib.contextmanager
    def stream(of):
        told.append(f"on {of.name}")
        yield
        told.append("over")

    for name, value in {
        "Stream": Stream,
        "stream": stream,
        "current_stream": lambda: Stream("main"),
        "get_sync_debug_mode": lambda: 0,
        "set_sync_debug_mode": told.append,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return captured.Gpu(), told


def draws():
    return torch.rand(1)


def waits():
    warnings.warn("called a synchronizing CUDA operation (somewhere in C++)", stacklevel=1)


@pytest.mark.parametrize(("step", "refuses"), [(lambda: 3, False), (draws, True), (waits, True)])
def test_a_warm_up_goes_beside_and_is_watched(gpu, step, refuses):
    gpu, told = gpu
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gpu.warm_up(step)
    assert gpu.refuses == refuses
    order = ["side waits for main", "on side", "warn", 0, "over", "main waits for side"]
    assert told == order
    gpu.warm_up(lambda: 3)
    assert not gpu.refuses  # the last one counts


def test_other_warnings_are_still_heard(gpu):
    with pytest.warns(UserWarning, match="mind the gap"):
        gpu[0].warm_up(lambda: warnings.warn("mind the gap", stacklevel=1))
    assert not gpu[0].refuses


# --------------------------------------------------------------------------------------- with `fit`


@pytest.fixture
def recording(monkeypatch, device):
    """`fit` on that device, by recorded steps, on a CPU as well."""
    monkeypatch.setattr(fit_module, "best_device", lambda: device)
    monkeypatch.setattr(captured, "suits", lambda *args: True)


KINDS = [{}, {"norm": "batch"}, {"kind": forgetful}]
SETTINGS = [{}, {"warmup_steps": 8}, {"one_cycle": True}]


@pytest.mark.parametrize(("options", "settings"), [*zip(KINDS, SETTINGS, strict=True)])
@pytest.mark.parametrize("step", [2, 5, 12])
def test_stopped_runs_go_on(
    build, small, tmp_path, recording, device, disturb, goes_on, options, settings, step
):
    """Before, after the recording and at the end of an epoch; to the last bit, on a CPU."""
    few, settings = small.take(190), {"batch_size": 16, "learning_rate": 2**-7, **settings}
    with disturb(2, step, lambda _: signal.raise_signal(signal.SIGINT)):
        history = fit(build(**options), few, 3, folder=tmp_path, **settings)
    assert history.problems[-1].startswith(f"stopped in epoch 2, after {step} of 12 steps")
    same = goes_on(tmp_path, few, 3, options=options, **settings)
    assert same or device.type == "cuda"


@pytest.mark.parametrize("here_first", [True, False])
def test_a_run_goes_on_by_other_steps_and_elsewhere(
    build, small, tmp_path, recording, device, monkeypatch, here_first
):
    """Begun by lesson 04's loop on the CPU, and gone on with by a GPU's steps; or the reverse."""
    few, settings = small.take(190), {"learning_rate": 2**-10, "progress": False}
    for epochs, here in ((1, here_first), (2, not here_first)):
        where = device if here else torch.device("cpu")
        monkeypatch.setattr(fit_module, "best_device", lambda where=where: where)
        history = fit(build(epochs - 1), few, epochs, folder=tmp_path, fast=here, **settings)
    kept = checkpoints.load(tmp_path / "last.pt")["optimizer"]
    assert kept["param_groups"][0]["fused"] == (None if here_first else True)
    assert kept["param_groups"][0]["lr"] == 2**-10  # a number, and no tensor
    expected = fit(build(), few, 2, fast=False, **settings)
    assert history.test_error == pytest.approx(expected.test_error, rel=1e-3)


@pytest.mark.parametrize(
    ("where", "processes", "fast", "steps"),
    [
        *(("cuda", 1, True, captured.train_steps), ("cuda", 2, True, loop.train_steps)),
        *(("cuda", 1, False, loop.train_steps), ("mps", 1, True, loop.train_steps)),
    ],
)
def test_where_they_are_taken(build, where, processes, fast, steps):
    words = build(), reconstruction_error, 32, processes, torch.device(where), fast
    assert fit_module.choose_steps(*words) is steps
