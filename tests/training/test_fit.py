"""The plain loop: what it computes, what it reports, what it refuses, and how it dies aloud."""

import contextlib
import copy
import importlib
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_pre_hook

from ae_helpers import measures, training
from ae_helpers.data import to_float
from ae_helpers.measures import image_errors
from ae_helpers.models import Autoencoder, checkpoints, shipped
from ae_helpers.training import best_device, fit

fit_module = importlib.import_module("ae_helpers.training.fit")  # there, `fit` is the function

pytestmark = pytest.mark.usefixtures("cpu")


def tiny(dropout=0.0):
    """A reader's first attempt: not a word about encoders, 28 pixels or options."""
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Dropout(dropout)),
        *(nn.Linear(16, 784), nn.Unflatten(1, (1, 28, 28))),
    )


# --------------------------------------------------------------------------------------- the parts


@pytest.mark.parametrize(
    ("cuda", "mps", "kind"), [(True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_best_device(monkeypatch, cuda, mps, kind):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert best_device() == torch.device(kind)


def test_batch_order():
    order = training.batch_order(1_000, seed=3, epoch=2)
    assert sorted(order.tolist()) == list(range(1_000))
    with torch.random.fork_rng():
        torch.manual_seed(12)  # no matter
        assert torch.equal(order, training.batch_order(1_000, seed=3, epoch=2))
    for seed, epoch in ((3, 1), (2, 2), (4, 2)):
        assert not torch.equal(order, training.batch_order(1_000, seed, epoch))


@pytest.mark.parametrize("mode", [True, False])
def test_evaluation_leaves_the_network_as_it_was(build, small, mode):
    model, images = build(norm="batch"), small.test_images
    with torch.no_grad():
        model.train()(to_float(small.train_images))  # so that the running statistics matter
    model.train(mode)
    before = copy.deepcopy(model.state_dict())
    output = measures.reconstruct(model, images)
    error = measures.evaluate(model, images)

    assert model.training == mode and all(m.training == mode for m in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    with torch.no_grad():
        expected = model.eval()(to_float(images))
    assert output.shape == images.shape and output.dtype == torch.float32
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-6)
    assert error == pytest.approx(((to_float(images) - expected) ** 2).mean().item(), rel=1e-5)


def test_the_batch_size_of_an_evaluation_does_not_matter(build, small):
    model = build(norm="batch")
    whole = measures.reconstruct(model, small.test_images)
    for size in (1, 33, 100):  # 33: the last batch is short
        parts = measures.reconstruct(model, small.test_images, batch_size=size)
        torch.testing.assert_close(parts, whole, rtol=0, atol=1e-6)


def test_a_failing_evaluation_restores_the_mode(build, small, monkeypatch):
    model = build().train()
    monkeypatch.setattr(model.decoder, "forward", lambda x: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        measures.reconstruct(model, small.test_images)
    assert model.training


@pytest.mark.parametrize(
    ("images", "word"),
    [(torch.rand(5, 28, 28), "images[:, None]"), (torch.rand(2, 1, 32, 32), "takes (1, 28, 28)")],
)
def test_evaluation_refuses_bad_images(build, images, word):
    for measure in (measures.reconstruct, measures.evaluate):
        with pytest.raises(ValueError) as raised:
            measure(build(), images)
        assert word in str(raised.value)


# --------------------------------------------------------------------------------- the plain loop


def by_hand(model, digits, epochs, batch_size, learning_rate, seed):
    """Lesson 04's loop, with nothing of ours but ``to_float``; returns the error per epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    errors = []
    for epoch in range(1, epochs + 1):
        generator = torch.Generator().manual_seed(1_000 * seed + epoch)
        order = torch.randperm(len(digits.train_images), generator=generator)
        model.train()
        total = 0.0
        for index in order.split(batch_size):
            batch = digits.train_images[index].float() / 255
            loss = F.mse_loss(model(batch), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
        errors.append(total / len(order))
    return errors


@pytest.mark.parametrize("options", [{}, {"norm": "batch", "activation": "leaky_relu"}])
def test_the_plain_loop_is_the_loop_by_hand(build, small, same_weights, options):
    digits = small.take(200)  # the last batch has 8 images
    mine, theirs = build(1, **options), build(1, **options)
    errors = by_hand(theirs, digits, epochs=2, batch_size=32, learning_rate=3e-3, seed=5)
    mine.eval()  # no matter
    history = fit(mine, digits, 2, 32, 3e-3, seed=5, fast=False, progress=False)
    assert same_weights(mine, theirs)  # to the last bit
    assert history.train_error == pytest.approx(errors, rel=1e-12)
    expected = measures.evaluate(theirs, digits.test_images)
    assert history.test_error[-1] == expected


def test_matrix_products_train_the_same_network(build, small):
    digits = small.take(320)  # 10 steps: later, rounding errors have grown
    mine, theirs = build(1), build(1)
    errors = by_hand(theirs, digits, epochs=1, batch_size=32, learning_rate=1e-2, seed=0)
    history = fit(mine, digits, 1, progress=False)
    assert history.train_error == pytest.approx(errors, rel=1e-4)
    initial = build(1).state_dict()
    for name, value in theirs.state_dict().items():
        moved = (value - initial[name]).norm()
        assert (mine.state_dict()[name] - value).norm() < 0.01 * moved


def test_train_error_counts_a_short_last_batch_by_its_images(build, small):
    """At a rate of almost nothing, the mean over steps must be the mean over images."""
    model, digits = build(), small.take(70)  # batches of 32, 32 and 6
    history = fit(model, digits, 1, learning_rate=1e-12, progress=False)
    expected = measures.evaluate(build(), digits.train_images)
    assert history.train_error[0] == pytest.approx(expected, rel=1e-6)


def test_seeds(build, small, same_weights):
    digits, models = small.take(160), [build(kind=tiny, dropout=0.2) for _ in range(4)]
    with torch.random.fork_rng():
        for number, (model, seed) in enumerate(zip(models, (1, 1, 2, 1), strict=True)):
            torch.manual_seed(90 + number)  # no matter
            state = torch.get_rng_state()
            fit(model, digits, 1, seed=seed, progress=False)
            assert torch.equal(torch.get_rng_state(), state)  # nobody else's numbers move
    assert same_weights(models[0], models[1]) and same_weights(models[0], models[3])
    assert not same_weights(models[0], models[2])


@pytest.fixture
def rates():
    """The learning rate of each step that any optimizer takes."""
    found = []
    hook = register_optimizer_step_pre_hook(
        lambda optimizer, *_: found.append(float(optimizer.param_groups[0]["lr"]))
    )
    yield found
    hook.remove()


def test_warmup_is_a_ramp(build, small, rates):
    digits = small.take(32 * 8)
    fit(build(), digits, 2, learning_rate=1e-2, warmup_steps=10, progress=False)
    line = torch.linspace(1e-3, 1e-2, 11)  # from a tenth
    assert rates == pytest.approx([*line.tolist(), *[1e-2] * 5])


def test_one_cycle_rises_and_falls(build, small, rates):
    fit(build(), small.take(32 * 10), 2, learning_rate=1e-2, one_cycle=True, progress=False)
    assert len(rates) == 20 and max(rates) == rates[5] == pytest.approx(1e-2)  # 30 % of 20 steps
    assert rates[0] == pytest.approx(1e-2 / 25) and rates[-1] < 1e-2 / 1e4
    assert rates[:6] == sorted(rates[:6]) and rates[5:] == sorted(rates[5:], reverse=True)


def test_one_cycle_goes_on_to_its_end_and_no_further(build, digits, tmp_path, goes_on):
    def stop(history):
        if history.epochs == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fit(build(), digits, 2, folder=tmp_path, one_cycle=True, on_epoch=stop)
    assert goes_on(tmp_path, digits, 2, one_cycle=True)
    with pytest.raises(ValueError, match="one_cycle=2, this call says 3"):
        fit(build(), digits, 3, folder=tmp_path, one_cycle=True)


def test_one_warm_up_is_enough(build, small):
    with pytest.raises(ValueError, match="warmup_steps=5; expected 0 beside one_cycle"):
        fit(build(), small, warmup_steps=5, one_cycle=True)


def test_without_warmup_the_rate_is_constant(build, small, rates):
    fit(build(), small.take(64), 2, learning_rate=2e-3, progress=False)
    assert rates == [2e-3] * 4


# ------------------------------------------------------------------------------------- the history


def test_history(build, small, capsys):
    seen = []

    def on_epoch(history):
        seen.append((history.epochs, len(history.reconstructions), id(history)))

    model, fresh = build(), build()
    history = fit(model, small, 2, 64, 5e-3, seed=4, on_epoch=on_epoch)
    assert history.settings == {
        "dataset": "mnist-sample",
        "images": 640,
        "batch_size": 64,
        "learning_rate": 5e-3,
        "seed": 4,
        "warmup_steps": 0,
        "one_cycle": False,
        "objective": False,
    }
    assert seen == [(epochs, epochs + 1, id(history)) for epochs in range(3)]
    assert history.epochs == 2 == len(history.train_error) == len(history.test_error)
    assert len(history.seconds) == 2 and min(history.seconds) > 0
    assert history.problems == []
    errors = [measures.evaluate(network, small.test_images) for network in (fresh, model)]
    assert [history.error_before, history.test_error[1]] == pytest.approx(errors, rel=1e-6)
    assert history.test_error[1] < history.test_error[0] < history.error_before

    ten = small.test_images[:10]
    for network, kept in ((fresh, history.reconstructions[0]), (model, history.reconstructions[2])):
        assert kept.shape == (10, 1, 28, 28) and kept.dtype == torch.uint8
        exact = measures.reconstruct(network, ten)
        assert (to_float(kept) - exact).abs().max() <= 0.5 / 255 + 1e-6

    before, *lines = capsys.readouterr().out.splitlines()
    assert before == f"before training: test error {history.error_before:.4f}"
    errors = zip(history.train_error, history.test_error, strict=True)
    for number, (line, (train, test)) in enumerate(zip(lines, errors, strict=True), start=1):
        start = f"epoch  {number}/2: train error {train:.4f}, test error {test:.4f}, "
        assert line.startswith(start)


def absolute_error(model, batch):
    return (model(batch) - batch).abs().mean()


def test_an_objective_of_ones_own(build, small, tmp_path, capsys):
    """It is the loss of each step, and is named; the test error is the MSE as ever."""
    model, expected = build(), build()
    history = fit(model, small, 1, 640, objective=absolute_error, folder=tmp_path, fast=False)
    digits = to_float(small.train_images)
    assert history.train_error[0] == pytest.approx(absolute_error(expected, digits).item())
    assert history.test_error[0] == pytest.approx(measures.evaluate(model, small.test_images))
    assert "train loss" in capsys.readouterr().out
    with pytest.raises(
        ValueError, match="trained with objective='absolute_error .*, this call says False"
    ):
        fit(build(), small, 2, 640, folder=tmp_path)


def test_silence(build, small, capsys):
    fit(build(), small.take(64), 1, progress=False)
    assert capsys.readouterr().out == ""


def test_progress_says_how_much_is_left(build, small, monkeypatch):
    said = []
    monkeypatch.setattr(fit_module.Progress, "update", lambda self, line: said.append(line))
    monkeypatch.setattr(fit_module.time, "monotonic", iter(range(1_000)).__next__)
    fit(build(), small.take(96), 2, progress=False)  # 3 steps an epoch; each takes a second
    assert said == [
        *("epoch  1/2:  33%, 0:05 left", "epoch  1/2:  67%, 0:04 left"),
        *("epoch  1/2: 100%, 0:03 left", "epoch  2/2:  33%, 0:02 left"),
        *("epoch  2/2:  67%, 0:01 left", "epoch  2/2: 100%, 0:00 left"),
    ]


def test_fewer_test_images_than_are_kept(build, small):
    history = fit(build(), small.take(64, 3), 1, progress=False)
    assert [len(kept) for kept in history.reconstructions] == [3, 3]


# --------------------------------------------------------------------------------- wrong arguments


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("epochs", 0, ["expected a whole number from 1 on", "15 by default"]),
        ("epochs", True, ["expected a whole number from 1 on"]),
        ("epochs", -1, ["expected a whole number from 1 on"]),
        ("epochs", 2.5, ["expected a whole number from 1 on"]),
        ("batch_size", 0, ["from 1 to the 640 training images", "32 by default"]),
        ("batch_size", True, ["from 1 to the 640 training images"]),
        ("batch_size", -32, ["from 1 to the 640 training images"]),
        ("batch_size", 641, ["from 1 to the 640 training images"]),
        ("batch_size", 3.0, ["from 1 to the 640 training images"]),
        ("learning_rate", -0.01, ["expected a number above 0", "0.01 by default"]),
        ("learning_rate", True, ["expected a number above 0"]),
        ("learning_rate", 0, ["expected a number above 0"]),
        ("learning_rate", math.nan, ["expected a number above 0"]),
        ("learning_rate", math.inf, ["expected a number above 0"]),
        ("learning_rate", "1e-2", ["expected a number above 0"]),
        ("warmup_steps", -1, ["expected a whole number from 0 on"]),
        ("seed", 3.5, ["expected a whole number from -2**53 to 2**53"]),
        ("seed", 2**54, ["expected a whole number from -2**53 to 2**53"]),
        ("one_cycle", "no", ["expected True or False"]),
        ("fast", None, ["expected True or False"]),
    ],
)
def test_settings_that_cannot_be_trained_with(
    build, small, tmp_path, capsys, same_weights, argument, value, words
):
    model = build()
    with pytest.raises(ValueError) as raised:
        fit(model, small, folder=tmp_path / "run", **{argument: value})
    for word in (f"{argument}={value!r}; ", *words):
        assert word in str(raised.value)
    assert same_weights(model, build()) and not list(tmp_path.iterdir())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("form", [np.array, torch.tensor, lambda n: pd.Series([n])[0]])
def test_settings_of_numpy_pandas_and_torch(build, digits, tmp_path, form):
    """They are numbers, in the history and in the file, which the next call goes on from."""
    given = {"batch_size": 95, "learning_rate": 0.5**7, "seed": 3, "warmup_steps": 2}
    digits = replace(digits, name=np.str_(digits.name))
    for epochs in (1, 2):
        other = {name: form(value) for name, value in given.items()}
        other |= {"one_cycle": form(False), "folder": tmp_path, "progress": False}
        history = fit(build(), digits, form(epochs), **other)
    assert history.epochs == 2
    kept = {name: history.settings[name] for name in given}
    assert kept == given and [*map(type, kept.values())] == [int, float, int, int]
    assert torch.equal(training.batch_order(9, form(3), 1), training.batch_order(9, 3, 1))


@pytest.mark.parametrize("where", ["train_images", "test_images"])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda x: x.float(), ["to 255", "expected [0, 1]", "Divide them by 255"]),
        (lambda x: x[:, 0], ["28, 28)", "(N, C, H, W)", "images[:, None]"]),
        (lambda x: x / 255 + math.nan, ["NaN", "[0, 1]", "drop them"]),
        (lambda x: x[:0], ["(0, 1, 28, 28)", "at least one image", "filter"]),
        (lambda x: x.repeat(1, 3, 1, 1), ["(3, 28, 28)", "takes (1, 28, 28)"]),
    ],
    ids=["0 to 255", "no channel axis", "NaN", "empty", "colour"],
)
def test_images_that_cannot_be_trained_with(
    build, small, tmp_path, same_weights, where, spoil, words
):
    model, digits = build(), replace(small, **{where: spoil(getattr(small, where))})
    with pytest.raises(ValueError) as raised:
        fit(model, digits, 1, folder=tmp_path / "run")
    for word in words:
        assert word in str(raised.value)
    assert same_weights(model, build()) and not list(tmp_path.iterdir())


# ------------------------------------------------------------- what is said when the network dies


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite(build, small, tmp_path, disturb, capsys, same_weights, value):
    folder = tmp_path / "run"

    def ruin(model):
        model.decoder.deconv4.bias.data.fill_(value)

    model, weights = build(output="linear"), []
    keep = {"folder": folder, "on_epoch": lambda _: weights.append(copy.deepcopy(model))}
    with disturb(3, 2, ruin):
        history = fit(model, small, 5, learning_rate=5e-3, **keep)
    assert history.problems == [
        f"epoch 3, step 3: the loss is {value}; the weights are lost. "
        "Try a learning_rate below 0.005."
    ]
    assert history.problems[0] in capsys.readouterr().out.splitlines()
    assert history.epochs == 2 == len(history.train_error) == len(history.reconstructions) - 1
    kept = checkpoints.load(folder / "last.pt")  # the last good epoch
    assert len(kept["history"]["test_error"]) == 2
    assert same_weights(checkpoints.load_model(folder / "last.pt"), weights[2])


def test_a_network_that_dies_in_the_last_step_of_an_epoch(build, small, tmp_path, capsys):
    """Every loss of the epoch is finite; only the test shows what the last step has done."""
    history = fit(build(), small, 3, 640, 1e10, folder=tmp_path / "run")
    assert history.problems == [
        "epoch 1: the test error is nan; the weights are lost. Try a learning_rate below 1e+10."
    ]
    assert history.problems[0] in capsys.readouterr().out
    assert history.epochs == 0 and not (tmp_path / "run").exists()


@pytest.mark.parametrize("learning_rate", [1.0, 1e3])
def test_a_collapse_is_said_once(build, small, capsys, learning_rate):
    history = fit(build(), small.take(320), 3, learning_rate=learning_rate)
    (problem,) = history.problems
    assert problem.startswith("epoch 1: the network has collapsed")
    for word in ("the same picture", "another seed", "smaller learning_rate", "warmup_steps=300"):
        assert word in problem
    assert capsys.readouterr().out.count(problem) == 1
    assert history.epochs == 3  # said, not stopped: lesson 04 looks at it


def test_a_later_collapse_is_said_with_its_epoch(build, small, disturb):
    def kill(model):
        model.encoder.conv4.weight.data.zero_()
        model.encoder.conv4.bias.data.fill_(-1e3)

    with disturb(2, 5, kill):
        history = fit(build(), small.take(160), 2, progress=False)
    assert [problem[:7] for problem in history.problems] == ["epoch 2"]


def test_trained_backbone(small, tmp_path, monkeypatch, same_weights, same_history, build):
    monkeypatch.setattr(fit_module, "own_folder", lambda name: tmp_path / name)
    digits = small.take(160)
    with torch.random.fork_rng():
        torch.manual_seed(99)
        model, history = training.trained_backbone(digits, epochs=2, seed=3)
        after = torch.rand(1)
        torch.manual_seed(99)
        assert torch.equal(after, torch.rand(1))  # nobody else's random numbers moved
    by_fit = build(3)
    assert same_history(history, fit(by_fit, digits, 2, seed=3, progress=False))
    assert same_weights(model, by_fit)

    (folder,) = (tmp_path / "checkpoints").iterdir()
    assert folder.name == "backbone-mnist-sample-160-epochs-2-seed-3"
    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "_record", None)  # it must be found, not trained
        again, known = training.trained_backbone(digits, epochs=2, seed=3)
    assert same_weights(again, model) and same_history(known, history)
    training.trained_backbone(digits, epochs=1, seed=3)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_a_backbone_trained_by_fit_is_found(small, tmp_path, monkeypatch, build, capsys):
    """Lesson 04 trains by ``fit`` in ``backbone_folder``; 05 reads by ``trained_backbone``."""
    monkeypatch.setattr(fit_module, "own_folder", lambda name: tmp_path / name)
    digits = small.take(160)
    folder = training.backbone_folder(digits, 2, 32, 1e-2, 3)
    history = fit(build(3), digits, 2, 32, 1e-2, seed=3, folder=folder, progress=False)
    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "_record", None)  # it must be found, not trained
        _, known = training.trained_backbone(digits, epochs=2, seed=3)
    assert known.test_error == history.test_error
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"going on from {folder.name}/last.pt, after epoch 2",
        "nothing is left to train; delete that file to train anew",
    ]


def test_each_training_of_the_backbone_has_a_folder_of_its_own(small, refused):
    recipe = small, 15, 32, 1e-2, 0
    others = [small.take(160), 14, 64, 3e-3, 1]
    folders = {training.backbone_folder(*recipe)}
    for place, other in enumerate(others):
        folders.add(training.backbone_folder(*recipe[:place], other, *recipe[place + 1 :]))
    assert len(folders) == 1 + len(others)
    by_numpy = small, np.int64(15), np.int64(32), np.float64(1e-2), np.int64(0)
    assert training.backbone_folder(*by_numpy) == training.backbone_folder(small)
    with refused(ValueError, "seed='x'"):
        training.backbone_folder(small, seed="x")


# ----------------------------------------------------------------------------- torch's own settings


@contextlib.contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


AROUND = {
    "float64": lambda: default_dtype(torch.float64),
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "another device": lambda: torch.device("meta"),
}


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("options", [{}, {"norm": "batch", "activation": "gelu"}])
def test_whatever_is_set_for_all_of_torch(build, small, same_weights, around, options):
    digits, model, expected = small.take(64, 20), build(**options), build(**options)
    fit(expected, digits, 1, progress=False)
    with around():
        history = fit(model, digits, 1, progress=False)
        assert measures.evaluate(model, digits.test_images) == history.test_error[-1]
        assert measures.evaluate(shipped.backbone(), digits.test_images) < 0.006
    assert same_weights(model, expected)


@pytest.mark.parametrize(
    ("around", "words"),
    [
        ("float64", ["encoder.conv1.weight is torch.float64 on cpu", "model.float()"]),
        ("another device", ["is torch.float32 on meta", "set_default_device(None)"]),
        ("inference", ["nothing to train", "outside of torch.inference_mode"]),
    ],
)
def test_a_network_that_such_a_setting_spoilt(small, refused, around, words):
    with AROUND[around](), refused((TypeError, ValueError), *words):
        fit(Autoencoder(), small.take(64), 1, progress=False)


def test_a_frozen_network_has_nothing_to_train(build, small, refused):
    with refused(ValueError, "nothing to train", "model.requires_grad_()"):
        fit(build().requires_grad_(False), small, 1)


# ------------------------------------------------------------------------------------- any network


def test_a_network_of_ones_own(build, small, tmp_path):
    model = build(kind=tiny)
    before = measures.evaluate(model, small.test_images)
    history = fit(model, small, 2, folder=tmp_path, progress=False)
    assert history.test_error[-1] < 0.7 * before
    error = image_errors(small.test_images, measures.reconstruct(model, small.test_images))
    assert history.test_error[-1] == pytest.approx(error.mean().item(), rel=1e-6)


# ------------------------------------------------------------------------- the reader's own images


@pytest.mark.parametrize(
    ("images", "steps", "epochs", "batch_size"),
    [(100, 1_000, 77, 8), (640, 1_000, 50, 32), (50_000, 1_000, 2, 64), (5, 3, 3, 5), (1, 1, 1, 1)],
)
def test_plan_has_the_steps_that_are_asked_for(images, steps, epochs, batch_size):
    assert training.plan(images, steps) == {"epochs": epochs, "batch_size": batch_size}
    assert training.plan(np.int64(images), torch.tensor(steps))["epochs"] == epochs
    per_epoch = math.ceil(images / batch_size)
    assert (epochs - 1) * per_epoch < steps <= epochs * per_epoch


@pytest.mark.parametrize("given", [(0, 5), (5, 0), (5, 2.5), ("5", 5), (True, 5)])
def test_plan_refuses(given):
    with pytest.raises(ValueError, match="expected a whole number from 1 on"):
        training.plan(*given)


def test_images_that_are_all_alike_teach_nothing(small, build, refused):
    same = replace(small, train_images=small.train_images[:1].repeat(1_200, 1, 1, 1))
    with refused(ValueError, "The 1,200 training images are all alike", "Choose others"):
        fit(build(), same, 1, progress=False)


def test_what_is_no_dataset_is_told_how_to_become_one(small, build, refused):
    with refused(TypeError, "The data are a Tensor", "data.from_tensors(images)"):
        fit(build(), small.train_images)


def test_one_cycle_is_no_collapse_while_its_rate_rises(small, build):
    """Two steps an epoch: after the first of ten, no network has learned anything yet."""
    settings = {"one_cycle": True, "progress": False}
    history = fit(build(), small.take(64), 10, 32, 1e-9, **settings)
    assert [problem.split(":")[0] for problem in history.problems] == ["epoch 4"]
