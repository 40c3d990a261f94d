"""What happens to a run: its files, its stop button, its end half way, and how it goes on."""

import copy
import errno
import importlib
import os
import signal
import subprocess
import sys
import threading
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
    fit(
        model,
        small.take(64),
        4,
        folder=tmp_path,
        progress=False,
        on_epoch=lambda _: weights.append(copy.deepcopy(model)),
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.pt", "last.pt"]
    best, last = (checkpoints.load_model(tmp_path / name) for name in ("best.pt", "last.pt"))
    assert same_weights(best, weights[2]) and same_weights(last, weights[4])
    assert checkpoints.load(tmp_path / "best.pt")["test_error"] == 0.1


def test_a_finished_run_is_not_trained_again(
    build, small, tmp_path, monkeypatch, same_weights, same_history
):
    digits, model, again = small.take(160), build(), build(9)
    first = fit(model, digits, 2, folder=tmp_path, progress=False)
    monkeypatch.setattr(fit_module, "_record", None)
    second = fit(again, digits, 2, folder=tmp_path, progress=False)
    assert same_weights(again, model) and second.seconds == first.seconds
    assert same_history(first, second)


def test_a_longer_run_goes_on(build, small, tmp_path, capsys, same_weights, same_history):
    digits, model, whole = small.take(160), build(9), build()
    folder = tmp_path / "some folder"
    fit(build(), digits, 1, folder=folder, progress=False)
    history = fit(model, digits, 3, folder=folder)
    assert "going on from some folder/last.pt, after epoch 1" in capsys.readouterr().out
    assert same_history(history, fit(whole, digits, 3, progress=False))
    assert same_weights(model, whole)


def test_a_run_from_before_goes_on(build, small, tmp_path, same_weights):
    """Weights, and what Adam remembers of them, once lay in memory channels last."""
    digits, model, whole = small.take(160), build(), build()
    fit(build(), digits, 1, folder=tmp_path, progress=False)
    content = checkpoints.load(tmp_path / "last.pt")
    for kept in (content["weights"], *content["optimizer"]["state"].values()):
        for name, value in kept.items():
            if value.ndim == 4:
                kept[name] = value.contiguous(memory_format=torch.channels_last)
    torch.save(content, tmp_path / "last.pt")
    fit(model, digits, 2, folder=tmp_path, progress=False)
    fit(whole, digits, 2, progress=False)
    assert same_weights(model, whole)


@pytest.mark.parametrize(
    ("change", "was", "says"),
    [
        ({"batch_size": 16}, "batch_size=32", "16"),
        ({"learning_rate": 1e-3}, "learning_rate=0.01", "0.001"),
        ({"seed": 1}, "seed=0", "1"),
        ({"warmup_steps": 10}, "warmup_steps=0", "10"),
        ({"data": "fewer"}, "images=160", "96"),
        ({"data": "another"}, "dataset='mnist-sample'", "'mnist'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_folder_of_other_settings_is_refused(build, small, tmp_path, change, was, says):
    digits = small.take(160)
    fit(build(), digits, 1, folder=tmp_path, progress=False)
    before = (tmp_path / "last.pt").read_bytes()
    others = {"fewer": small.take(96), "another": replace(digits, name="mnist")}
    digits = others.get(change.pop("data", ""), digits)
    with pytest.raises(ValueError) as raised:
        fit(build(), digits, 2, folder=tmp_path, progress=False, **change)
    message = str(raised.value)
    assert message.startswith(
        f"{tmp_path / 'last.pt'} was trained with {was}, this call says {says};"
    )
    assert "Choose another folder, or delete the file to start anew" in message
    assert (tmp_path / "last.pt").read_bytes() == before


@pytest.mark.parametrize(
    "options", [{"norm": "batch"}, {"activation": "leaky_relu"}, {"output": "linear"}]
)
def test_a_folder_of_another_architecture_is_refused(build, small, tmp_path, options):
    fit(build(), small.take(64), 1, folder=tmp_path, progress=False)
    with pytest.raises(ValueError, match="is from another architecture.*another checkpoint"):
        fit(build(**options), small.take(64), 2, folder=tmp_path, progress=False)


def test_a_damaged_checkpoint_is_refused(build, small, tmp_path):
    fit(build(), small.take(64), 1, folder=tmp_path, progress=False)
    os.truncate(tmp_path / "last.pt", 5_000)
    with pytest.raises(ValueError, match=r"last\.pt \(5,000 bytes\) can't be read"):
        fit(build(), small.take(64), 2, folder=tmp_path, progress=False)
    assert (tmp_path / "last.pt").stat().st_size == 5_000  # what to do with it is the reader's


def test_a_network_without_its_history_is_refused(build, small, tmp_path):
    fit(build(), small.take(64), 1, folder=tmp_path, progress=False)
    os.replace(tmp_path / "best.pt", tmp_path / "last.pt")
    with pytest.raises(ValueError) as raised:
        fit(build(), small.take(64), 2, folder=tmp_path, progress=False)
    assert "last.pt holds a network only; expected a run that can go on" in str(raised.value)
    assert "Choose another folder" in str(raised.value)


def test_full_disk_while_training(build, small, tmp_path, monkeypatch, same_weights):
    """The epoch before stays, whole, and the run goes on from it when there is space again."""
    digits, folder, replaced, original = small.take(160), tmp_path / "run", [], os.replace

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

    model, whole = build(9), build()
    fit(model, digits, 3, folder=folder, progress=False)
    fit(whole, digits, 3, progress=False)
    assert same_weights(model, whole)


# ------------------------------------------------------------------- stopped, killed, and going on


KINDS = [
    pytest.param({}, {}, id="backbone"),
    pytest.param({"kind": Forgetful}, {"warmup_steps": 10}, id="dropout and warm-up"),
    pytest.param({"norm": "batch"}, {"fast": False}, id="batch norm, plain loop"),
]


@pytest.mark.parametrize(("options", "settings"), KINDS)
@pytest.mark.parametrize("step", [1, 4, STEPS])
def test_stop_button(
    build, small, tmp_path, disturb, capsys, same_weights, same_history, options, settings, step
):
    handler, digits = signal.getsignal(signal.SIGINT), small.take(190)
    model, folder = build(**options), tmp_path / "my run"
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

    whole, resumed = build(**options), build(9, **options)
    expected = fit(whole, digits, 3, progress=False, **settings)
    history = fit(resumed, digits, 3, folder=folder, **settings)
    assert "going on from my run/last.pt, after epoch 1" in capsys.readouterr().out
    assert same_weights(resumed, whole) and same_history(history, expected)


def test_stop_button_without_a_folder(build, small, disturb, same_weights):
    model, expected = build(), build()
    with disturb(1, 3, press_stop):
        history = fit(model, small.take(190), 3, progress=False, fast=False)
    assert history.problems == [
        f"stopped in epoch 1, after 3 of {STEPS} steps: the network keeps all it has learned."
    ]
    assert history.epochs == 0
    order = training.batch_order(190, 0, 1)[:96]  # three steps' worth of images, in that order
    optimizer = torch.optim.Adam(expected.parameters(), lr=1e-2)
    list(training.train_steps(expected, small.train_images, order.split(32), optimizer))
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


def test_stop_button_between_two_epochs(build, small, tmp_path, same_weights):
    model, whole, digits = build(), build(), small.take(160)
    history = fit(
        model,
        digits,
        2,
        folder=tmp_path,
        progress=False,
        on_epoch=lambda history: press_stop() if history.epochs == 1 else None,
    )
    assert history.problems[0].startswith("stopped in epoch 2, after 1 of 5 steps")
    fit(model, digits, 2, folder=tmp_path, progress=False)
    fit(whole, digits, 2, progress=False)
    assert same_weights(model, whole)


def test_a_thread_can_train(build, small):
    """There are no interrupts in a thread, and asking for them would raise."""
    found = []
    worker = threading.Thread(
        target=lambda: found.append(fit(build(), small.take(64), 1, progress=False).epochs)
    )
    worker.start()
    worker.join()
    assert found == [1]


KILLED = """
import functools, importlib, os, signal, sys
import torch
from ae_helpers import data, training
from ae_helpers.models import Autoencoder

fit_module = importlib.import_module("ae_helpers.training.fit")  # there, `fit` is the function

digits, epochs = data.ImageData(*torch.load(sys.argv[1])), []

def train_steps(steps, *args):
    epochs.append(None)
    for number, loss in enumerate(steps(*args)):
        if (len(epochs), number) == (3, 5):
            print("dying", flush=True)
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        yield loss

choose, fit_module.best_device = fit_module.choose_steps, lambda: torch.device("cpu")
fit_module.choose_steps = lambda *args: functools.partial(train_steps, choose(*args))
torch.manual_seed(0)
training.fit(Autoencoder(), digits, 5, folder=sys.argv[2])
"""


def test_a_killed_run_goes_on_bit_for_bit(build, small, tmp_path, same_weights, same_history):
    """Kill -9 in epoch 3 of 5."""
    fields = [getattr(small, name) for name in small.__dataclass_fields__]
    torch.save(fields, tmp_path / "digits.pt")
    folder = tmp_path / "run"
    result = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "digits.pt", folder],
        cwd=PROJECT,
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        text=True,
    )
    assert result.returncode not in (0, 1) and result.stdout.endswith("dying\n"), result.stderr
    assert len(checkpoints.load(folder / "last.pt")["history"]["test_error"]) == 2

    whole, resumed = build(), build(9)
    expected = fit(whole, small, 5, progress=False)
    history = fit(resumed, small, 5, folder=folder, progress=False)
    assert same_weights(resumed, whole) and same_history(history, expected)


class Killed(BaseException):
    """Ends a run at once, without a second in a subprocess."""


def test_a_run_killed_between_its_two_files_goes_on(
    build, small, tmp_path, monkeypatch, same_weights
):
    digits, original, whole, resumed = small.take(160), os.replace, build(), build(9)

    def replace_but_not_the_second_last(part, path):
        if path.name == "last.pt" and path.exists():
            raise Killed
        original(part, path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_but_not_the_second_last)
        with pytest.raises(Killed):
            fit(build(), digits, 3, folder=tmp_path, progress=False)
    (tmp_path / ".last.123.part.pt").write_bytes(b"PK")  # what a real kill may leave

    expected = fit(whole, digits, 3, progress=False)
    fit(resumed, digits, 3, folder=tmp_path, progress=False)
    assert same_weights(resumed, whole)
    best = checkpoints.load(tmp_path / "best.pt")["test_error"]
    assert best == min(expected.test_error)
