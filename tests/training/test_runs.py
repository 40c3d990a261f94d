"""What happens to a run: its files, its stop button, its end half way, and how it goes on."""

import copy
import errno
import importlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from ae_helpers import training
from ae_helpers.models import Autoencoder, checkpoints
from ae_helpers.training import History, fit

PROJECT = Path(__file__).parents[2]
fit_module = importlib.import_module("ae_helpers.training.fit")  # there, `fit` is the function
STEPS = 6  # in an epoch of the 190 digits below; the last batch is a short one

pytestmark = pytest.mark.usefixtures("cpu")


class Forgetful(Autoencoder):
    """A backbone with dropout, so that a training depends on the state of the random numbers."""

    def forward(self, images):
        return self.decoder(F.dropout(self.encoder(images), 0.2, self.training))


def press_stop(*_):
    signal.raise_signal(signal.SIGINT)


def test_a_history_is_told_in_a_line_or_two():
    assert repr(History({})) == "History of 0 epochs"
    history = History({}, 0.2, [0.1, 0.05], [0.09, 0.04], problems=["epoch 2: it hurts"])
    assert history.epochs == 2
    assert repr(history) == "History of 2 epochs, test error 0.0400\nepoch 2: it hurts"


# ------------------------------------------------------------------------------------- checkpoints


def test_best_is_the_best_epoch(build, small, tmp_path, monkeypatch, same_weights):
    script, weights = iter([0.5, 0.3, 0.1, 0.2, 0.15]), []
    original = fit_module._test

    def test(*args):
        _, warning = original(*args)
        return next(script), warning

    monkeypatch.setattr(fit_module, "_test", test)
    model = build()
    keep = {"folder": tmp_path, "on_epoch": lambda _: weights.append(copy.deepcopy(model))}
    fit(model, small.take(64), 4, **keep)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.pt", "last.pt"]
    best, last = (checkpoints.load_model(tmp_path / name) for name in ("best.pt", "last.pt"))
    assert same_weights(best, weights[2]) and same_weights(last, weights[4])
    assert checkpoints.load(tmp_path / "best.pt")["test_error"] == 0.1


def test_a_finished_run_is_not_trained_again(
    build, digits, tmp_path, monkeypatch, same_weights, same_history
):
    model, again = build(), build(9)
    first = fit(model, digits, 2, folder=tmp_path, progress=False)
    monkeypatch.setattr(fit_module, "_record", None)
    second = fit(again, digits, 2, folder=tmp_path, progress=False)
    assert same_weights(again, model) and second.seconds == first.seconds
    assert same_history(first, second)


def test_a_longer_run_goes_on(build, digits, tmp_path, capsys, goes_on):
    fit(build(), digits, 1, folder=tmp_path / "some folder")
    assert goes_on(tmp_path / "some folder", digits, 3)
    assert "going on from some folder/last.pt, after epoch 1" in capsys.readouterr().out


def test_a_run_from_before_goes_on(build, digits, tmp_path, goes_on):
    """Weights, and what Adam remembers of them, once lay in memory channels last."""
    fit(build(), digits, 1, folder=tmp_path, progress=False)
    content = checkpoints.load(tmp_path / "last.pt")
    for kept in (content["weights"], *content["optimizer"]["state"].values()):
        for name, value in kept.items():
            if value.ndim == 4:
                kept[name] = value.contiguous(memory_format=torch.channels_last)
    torch.save(content, tmp_path / "last.pt")
    assert goes_on(tmp_path, digits, 2)


@pytest.mark.parametrize(("name", "known"), [("mnist-sample", True), ("my pictures", False)])
def test_a_run_from_before_pixels_were_kept(build, digits, tmp_path, goes_on, name, known):
    """It goes on where the name says which images they were."""
    images = replace(digits, name=name)
    fit(build(), images, 1, folder=tmp_path, progress=False)
    content = checkpoints.load(tmp_path / "last.pt")
    del content["known_by"]
    torch.save(content, tmp_path / "last.pt")
    if known:
        assert goes_on(tmp_path, images, 2)
    else:
        with pytest.raises(ValueError, match="trained with pixels='unknown', this call says '"):
            fit(build(), images, 2, folder=tmp_path, progress=False)


def other(name, was, says):
    change = f"last.pt was trained with {name}={was}, this call says {says};"
    return [change, "Choose another folder, or delete the file to start anew"]


@pytest.mark.parametrize(
    ("where", "change", "words"),
    [
        ("call", {"batch_size": 16}, other("batch_size", 32, 16)),
        ("call", {"learning_rate": 1e-3}, other("learning_rate", 0.01, 0.001)),
        ("call", {"seed": 1}, other("seed", 0, 1)),
        ("call", {"warmup_steps": 10}, other("warmup_steps", 0, 10)),
        (
            "data",
            {"train_images": torch.eye(96, 784).view(96, 1, 28, 28)},
            other("images", 190, 96),
        ),
        ("data", {"name": "mnist"}, other("dataset", "'mnist-sample'", "'mnist'")),
        (
            "data",
            {"train_images": torch.eye(190, 784).view(190, 1, 28, 28)},
            ["pixels='", "a name of their own"],
        ),
        ("data", {"test_images": torch.zeros(100, 1, 28, 28)}, ["pixels='", "a name of their own"]),
        ("model", {"norm": "batch"}, ["is from another architecture", "another checkpoint"]),
        ("model", {"activation": "gelu"}, ["is from another architecture", "another checkpoint"]),
        ("model", {"output": "linear"}, ["is from another architecture", "another checkpoint"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_folder_of_another_run_is_refused(build, digits, tmp_path, where, change, words):
    fit(build(), digits, 1, folder=tmp_path, progress=False)
    before = (tmp_path / "last.pt").read_bytes()
    model = build(**change) if where == "model" else build()
    digits = replace(digits, **change) if where == "data" else digits
    settings = change if where == "call" else {}
    with pytest.raises(ValueError) as raised:
        fit(model, digits, 2, folder=tmp_path, progress=False, **settings)
    for word in (str(tmp_path), *words):
        assert word in str(raised.value)
    assert (tmp_path / "last.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda last: os.truncate(last, 5_000), r"last\.pt \(5,000 bytes\) can't be read"),
        (
            lambda last: os.replace(last.with_name("best.pt"), last),
            "last.pt holds a network only; expected a run that can go on.*Choose another folder",
        ),
    ],
    ids=["damaged", "without its history"],
)
def test_a_file_that_no_run_can_go_on_from_is_refused(build, digits, tmp_path, spoil, message):
    fit(build(), digits, 1, folder=tmp_path, progress=False)
    spoil(tmp_path / "last.pt")
    before = (tmp_path / "last.pt").read_bytes()
    with pytest.raises(ValueError, match=message):
        fit(build(), digits, 2, folder=tmp_path, progress=False)
    assert (tmp_path / "last.pt").read_bytes() == before  # what to do with it is the reader's


def test_full_disk_while_training(build, digits, tmp_path, monkeypatch, goes_on):
    """The epoch before stays, whole, and the run goes on from it when there is space again."""
    folder, replaced, original = tmp_path / "run", [], os.replace

    def full(*args):
        replaced.append(args)
        if len(replaced) > 2:  # best.pt and last.pt of epoch 1 still fit
            raise OSError(errno.ENOSPC, "No space left on device")
        original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(OSError, match="Can't save .*No space left on device.*Free some space"):
            fit(build(), digits, 3, folder=folder, progress=False)
    assert sorted(path.name for path in folder.iterdir()) == ["best.pt", "last.pt"]
    assert len(checkpoints.load(folder / "last.pt")["history"]["test_error"]) == 1
    assert goes_on(folder, digits, 3)


# ------------------------------------------------------------------- stopped, killed, and going on


KINDS = [
    pytest.param({}, {}, id="backbone"),
    pytest.param({"kind": Forgetful}, {"warmup_steps": 10}, id="dropout and warm-up"),
    pytest.param({"norm": "batch"}, {"fast": False}, id="batch norm, plain loop"),
]


@pytest.mark.parametrize(("options", "settings"), KINDS)
@pytest.mark.parametrize("step", [1, 4, STEPS])
def test_stop_button(build, digits, tmp_path, disturb, capsys, goes_on, options, settings, step):
    handler, model, folder = signal.getsignal(signal.SIGINT), build(**options), tmp_path / "my run"
    with disturb(2, step, press_stop):
        history = fit(model, digits, 3, folder=folder, **settings)
    assert history.problems == [
        f"stopped in epoch 2, after {step} of {STEPS} steps: the network keeps all it has "
        "learned, and so does my run/last.pt: the same call goes on."
    ]
    assert capsys.readouterr().out.splitlines()[-1] == history.problems[0]
    assert history.epochs == 1 == len(history.train_error)
    assert signal.getsignal(signal.SIGINT) is handler
    kept = checkpoints.load(folder / "last.pt")
    assert all(torch.equal(kept["weights"][name], v) for name, v in model.state_dict().items())

    assert goes_on(folder, digits, 3, options=options, **settings)
    assert "going on from my run/last.pt, after epoch 1" in capsys.readouterr().out


def test_stop_button_without_a_folder(build, digits, disturb, same_weights):
    model, expected = build(), build()
    with disturb(1, 3, press_stop):
        history = fit(model, digits, 3, progress=False, fast=False)
    assert history.problems == [
        f"stopped in epoch 1, after 3 of {STEPS} steps: the network keeps all it has learned."
    ]
    assert history.epochs == 0
    order = training.batch_order(190, 0, 1)[:96]  # three steps' worth of images, in that order
    optimizer = torch.optim.Adam(expected.parameters(), lr=1e-2)
    list(training.train_steps(expected, digits.train_images, order.split(32), optimizer))
    assert same_weights(model, expected)


def test_stop_button_twice_means_now(build, small, disturb):
    handler = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (
            disturb(1, 2, lambda _: (press_stop(), press_stop())),
            pytest.raises(KeyboardInterrupt),
        ):
            fit(build(), small, 1, progress=False)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)


def test_stop_button_between_two_epochs(build, digits, tmp_path, goes_on):
    def stop(history):
        if history.epochs == 1:
            press_stop()

    history = fit(build(), digits, 2, folder=tmp_path, on_epoch=stop)
    assert history.problems[0].startswith(f"stopped in epoch 2, after 1 of {STEPS} steps")
    assert goes_on(tmp_path, digits, 2)


def test_a_thread_can_train(build, small):
    """There are no interrupts in a thread, and asking for them would raise."""
    with ThreadPoolExecutor() as threads:
        assert threads.submit(fit, build(), small.take(64), 1).result().epochs == 1


def test_a_killed_run_goes_on_bit_for_bit(digits, tmp_path, goes_on):
    """Kill -9 in epoch 3 of 4."""
    result = subprocess.run(
        [sys.executable, Path(__file__).with_name("trains_and_dies.py"), tmp_path, "1e-2", "dies"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": ".", "OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        text=True,
    )
    assert result.returncode not in (0, 1), result.stderr
    assert result.stdout.splitlines()[-1].startswith("epoch  2/4: ")
    assert goes_on(tmp_path / "run", digits, 4)


class Killed(BaseException):
    """Ends a run at once, without a second in a subprocess."""


def test_a_run_killed_between_its_two_files_goes_on(build, digits, tmp_path, monkeypatch, goes_on):
    original = os.replace

    def replace_but_not_the_second_last(part, path):
        if path.name == "last.pt" and path.exists():
            raise Killed
        original(part, path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_but_not_the_second_last)
        with pytest.raises(Killed):
            fit(build(), digits, 3, folder=tmp_path, progress=False)
    (tmp_path / ".last.123.part.pt").write_bytes(b"PK")  # what a real kill may leave

    assert goes_on(tmp_path, digits, 3)
    errors = checkpoints.load(tmp_path / "last.pt")["history"]["test_error"]
    assert checkpoints.load(tmp_path / "best.pt")["test_error"] == min(errors)
