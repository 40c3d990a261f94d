"""The command line: what it trains, writes and prints, and what it says of wrong words."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ae_helpers import data, measures, plots, training
from ae_helpers.__main__ import RECIPE, main, parse
from ae_helpers.course import execute, own_pictures
from ae_helpers.measures import baselines
from ae_helpers.models import checkpoints

PROJECT = Path(__file__).parent.parent

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture
def digits(small, monkeypatch):
    """160 digits are all that ``load`` finds."""
    few = small.take(160, 50)
    monkeypatch.setattr(data, "load", lambda name, folder: few)
    return few


@pytest.fixture
def no_drawing(monkeypatch):
    """Pictures are made but not rendered, which would take most of the time."""
    monkeypatch.setattr(plots, "png", lambda figure: b"a picture")


def train(output, *options):
    return main(["train", "--epochs", "2", "--output", str(output), *options])


def test_train(digits, tmp_path, capsys, build, same_weights):
    output = tmp_path / "my run"
    assert train(output, "--batch-size", "16", "--learning-rate", "0.005", "--seed", "3") == 0
    names = ["before_after.png", "best.pt", "last.pt", "loss_curve.png"]
    assert sorted(path.name for path in output.iterdir()) == names
    for name in ("before_after.png", "loss_curve.png"):
        assert (output / name).read_bytes().startswith(b"\x89PNG")

    expected = build(3)
    history = training.fit(expected, digits, 2, 16, 5e-3, seed=3, progress=False)
    model = checkpoints.load_model(output / "last.pt")
    assert same_weights(model, expected)

    said = capsys.readouterr().out
    assert repr(digits) in said
    assert f"training for 2 epochs on cpu, into {output}" in said
    table = said.partition("test error (MSE per pixel)\n")[2].splitlines()
    sticks = baselines.measuring_sticks(digits)
    sticks["this network, untrained"] = history.error_before
    sticks["this network, 2 epochs"] = measures.evaluate(model, digits.test_images)
    assert table == [
        *(f"  {name:26} {error:.4f}" for name, error in sticks.items()),
        f"written to {output}: last.pt, best.pt, loss_curve.png, before_after.png",
    ]


def test_the_picture_shows_before_and_after(digits, no_drawing, tmp_path, monkeypatch, build):
    drawn, original = [], plots.before_after

    def before_after(images, **reconstructions):
        drawn.append((images, reconstructions))
        return original(images, **reconstructions)

    monkeypatch.setattr(plots, "before_after", before_after)
    for _ in range(2):  # the second time, the network comes from the checkpoint, trained
        assert train(tmp_path) == 0
    last = checkpoints.load_model(tmp_path / "last.pt")
    for images, found in drawn:
        assert torch.equal(images, digits.test_images[:10])
        untrained = measures.reconstruct(build(0), images)
        assert torch.equal(found["before"], untrained)
        assert torch.equal(found["after"], measures.reconstruct(last, images))


def test_train_goes_on_from_what_it_finds(digits, no_drawing, tmp_path, capsys):
    assert train(tmp_path) == 0
    assert main(["train", "--epochs", "3", "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert f"going on from {tmp_path.name}/last.pt, after epoch 2" in said
    assert "this network, 3 epochs" in said


def test_train_that_is_stopped_writes_what_there_is(
    digits, no_drawing, tmp_path, capsys, wrap_steps
):
    def train_steps(steps, *args):
        for loss in steps(*args):
            signal.raise_signal(signal.SIGINT)
            yield loss

    with wrap_steps(train_steps):
        assert train(tmp_path) == 1
    said = capsys.readouterr().out
    assert "stopped in epoch 1, after 1 of 5 steps" in said and "the same call goes on" in said
    assert "this network, 0 epochs" in said
    assert said.endswith(": last.pt, loss_curve.png, before_after.png\n")  # no best.pt yet
    names = ["before_after.png", "last.pt", "loss_curve.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert train(tmp_path) == 0  # the same call does go on


def test_train_that_goes_wrong_is_a_failure(digits, no_drawing, tmp_path, capsys):
    assert train(tmp_path, "--learning-rate", "1e3") == 1
    assert "the network has collapsed" in capsys.readouterr().out
    assert (tmp_path / "loss_curve.png").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", "0"], ["epochs=0; expected a whole number from 1 on"]),
        (["--batch-size", "161"], ["batch_size=161", "1 to the 160 training images"]),
        (["--learning-rate", "-0.1"], ["learning_rate=-0.1; expected a number above 0"]),
        (["--learning-rate", "nan"], ["learning_rate=nan; expected a number above 0"]),
    ],
)
def test_train_with_wrong_numbers(digits, tmp_path, capsys, options, words):
    assert train(tmp_path / "run", *options) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    for word in words:
        assert word in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["train", "data"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--data", "minst"], ["Unknown dataset 'minst'", "Did you mean 'mnist'?"]),
        (["--data-dir", "no/such"], ["no", "the folder given, doesn't exist", "Correct the path"]),
    ],
)
def test_wrong_data(tmp_path, capsys, monkeypatch, command, options, words):
    monkeypatch.chdir(tmp_path)
    assert main([command, *options]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.out == ""
    for word in words:
        assert word in captured.err
    assert not list(tmp_path.iterdir())


def test_train_into_a_place_that_cannot_be_written(digits, tmp_path, capsys):
    (tmp_path / "taken").touch()
    assert train(tmp_path / "taken") == 2
    error = capsys.readouterr().err
    assert f"error: Can't save {tmp_path / 'taken'}" in error and "another folder" in error
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_train_on_another_architecture_s_folder(digits, tmp_path, capsys, build):
    training.fit(build(norm="batch"), digits, 1, folder=tmp_path, progress=False)
    before = (tmp_path / "last.pt").read_bytes()
    assert train(tmp_path) == 2
    assert "is from another architecture" in capsys.readouterr().err
    assert (tmp_path / "last.pt").read_bytes() == before


def test_data_says_which_it_is(sample, capsys):
    assert main(["data", "--data-dir", "sample"]) == 0
    assert repr(sample) in capsys.readouterr().out


COMMANDS = {
    "lab": "--ip --port --no-browser",
    "play": "--port --no-browser --theme",
    "execute": "-p --lessons --output",
    "refresh": "--lessons --anyway",
    "site": "--output --serve --port",
    "sweep": "-p --notebook --processes --output",
    "inspect": "--output",
    "train": "--data --data-dir --size --numbers --steps --deep --epochs --batch-size "
    "--learning-rate --seed --output",
    "data": "--data --data-dir",
}


@pytest.mark.parametrize(("command", "options"), COMMANDS.items())
def test_help_explains_every_option(capsys, command, options):
    with pytest.raises(SystemExit) as stopped:
        parse([command, "--help"])
    assert stopped.value.code == 0
    lines = capsys.readouterr().out.partition("options:\n")[2].replace("\n" + " " * 20, " ")
    explained = {}
    for line in lines.splitlines():
        words = line.split()
        if words and words[0].startswith("-"):
            explained[words[0].rstrip(",")] = len(words)
    assert set(options.split()) | {"-h"} == set(explained)
    assert min(explained.values()) > 3  # the option, and a few words about it


def test_defaults_are_the_recipe():
    args = parse(["train"])
    own_pictures.settle(args, RECIPE, own_pictures.SETTINGS)
    assert (args.epochs, args.batch_size, args.learning_rate, args.seed) == (15, 32, 1e-2, 0)
    assert (args.data, args.data_dir, args.output) == ("mnist", None, Path("runs/train"))


@pytest.mark.parametrize("words", [[], ["trian"], ["train", "--epochs", "many"]])
def test_words_that_are_no_command(capsys, words):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "usage: python -m ae_helpers" in capsys.readouterr().err


def test_as_a_program():
    result = subprocess.run(
        [sys.executable, "-m", "ae_helpers", "data", "--data", "mnst"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == (
        "error: Unknown dataset 'mnst'; expected one of mnist, fashion-mnist, kmnist, cifar10, "
        "svhn, coloured-mnist. Did you mean 'mnist'?\n"
    )


def test_the_help_of_the_program_names_every_command(capsys):
    with pytest.raises(SystemExit):
        parse(["--help"])
    named = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert named == list(COMMANDS)


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("some/data", "{here}/some/data"),
        ('"some/data" ', "{here}/some/data"),
        ("sample", "sample"),
        ("", ""),
    ],
)
def test_a_relative_data_folder_holds_in_every_folder(tmp_path, monkeypatch, given, seen):
    """The lessons are run in another folder than the one in which the command was typed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AE_DATA_DIR", given)
    monkeypatch.setattr(execute, "execute", lambda args: 0)
    assert main(["execute"]) == 0
    assert os.environ["AE_DATA_DIR"] == seen.format(here=tmp_path)
