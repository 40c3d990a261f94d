"""Without a notebook: train on a folder, judge pictures by the network, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from ae_helpers import data, measures
from ae_helpers.__main__ import main
from ae_helpers.course import own_pictures
from ae_helpers.models import Autoencoder, checkpoints
from ae_helpers.models.any_shape import ShapedAutoencoder

PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return data.draw_badges(tmp_path_factory.mktemp("pictures") / "badges", good=60, flawed=4)


@pytest.fixture(scope="module")
def trained(folder):
    """Steps enough to beat the mean image, on 28×28, where any code goes."""
    output = folder.parent / "my run"
    words = ["--size", "28", "--numbers", "6", "--steps", "300", "--output", str(output)]
    assert main(["train", "--data", str(folder), *words]) == 0
    return output / "network.pt"


def test_train_on_a_folder(trained, folder):
    assert sorted(path.name for path in trained.parent.iterdir()) == [
        "before_after.png",
        "network.pt",
    ]
    network = checkpoints.load_model(trained, ShapedAutoencoder)
    assert network.input_shape == (3, 28, 28) and network.latent_size == 6
    known = data.load_folder(folder, 3, 28).train_images
    scores = measures.worst_patch(known, measures.reconstruct(network, known)).sort().values
    torch.testing.assert_close(checkpoints.load(trained)["scores"], scores)


def test_it_says_what_it_did(folder, tmp_path, capsys):
    words = ["--steps", "4", "--numbers", "4", "--output", str(tmp_path)]
    assert main(["train", "--data", str(folder), *words]) == 1  # so few steps teach nothing
    said = capsys.readouterr().out
    assert "badges: 52 training and 12 test images of 3×28×28" in said
    assert "training for 1 epochs in batches of 8" in said
    for name in ("all-black", "mean image", "PCA-4", "this network"):
        assert f"  {name} " in said
    assert "learned nothing that the mean image doesn't know" in said


def test_inspect(trained, folder, tmp_path, capsys):
    new = data.draw_badges(tmp_path / "new", good=2, flawed=4, seed=5)
    files = sorted(new.rglob("*.png"))
    assert main(["inspect", str(trained), *map(str, files)]) == 0
    said = capsys.readouterr().out.splitlines()
    network, known = checkpoints.load_model(trained, ShapedAutoencoder), checkpoints.load(trained)
    for file, line in zip(files, said[1:], strict=False):
        image = data.load_picture(file, network.input_shape)
        rebuilt = measures.reconstruct(network, image)
        worst = measures.worst_patch(image, rebuilt).item()
        rank = sum(score > worst for score in known["scores"].tolist()) + 1
        error = measures.image_errors(image, rebuilt).item()
        assert line.split() == [
            f"{error:.5f}",
            f"{worst:.5f}",
            str(rank),
            "of",
            "53",
            *file.name.split(),
        ]
    maps = sorted(path.name for path in (trained.parent / "inspected").iterdir())
    assert maps == sorted(f"{file.parent.name}, {file.name}.png" for file in files)


def test_inspect_in_a_process_that_never_saw_the_folder(trained, tmp_path):
    """A picture of another size and colour, in another working folder."""
    Image.new("L", (90, 70), 200).save(tmp_path / "grey.jpg")
    command = [sys.executable, "-m", "ae_helpers", "inspect", trained, "grey.jpg", "none.png"]
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [*command, "--output", "maps"], cwd=tmp_path, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 1 and "none.png isn't a file" in done.stderr  # the other is judged
    assert "1 of 53" in done.stdout and "grey.jpg" in done.stdout
    assert [path.suffix for path in (tmp_path / "maps").iterdir()] == [".png"]


def test_inspect_refuses_other_checkpoints(tmp_path, capsys, build):
    checkpoints.save(tmp_path / "backbone.pt", Autoencoder())
    checkpoints.save(tmp_path / "bare.pt", ShapedAutoencoder((3, 28, 28), 4))
    (tmp_path / "text.pt").write_text("no network")
    for name, words in {
        "backbone.pt": "has no scores of its training pictures",
        "bare.pt": "has no scores of its training pictures",
        "text.pt": "was not opened",
        "none.pt": "No checkpoint at",
    }.items():
        assert main(["inspect", str(tmp_path / name), "a.png"]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "inspected").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "no/such/folder"], "isn't a folder"),
        (["--data", "./photos"], "isn't a folder"),
        (["--data", "photos"], "Nor is there a folder of that name in"),
        (["--data", "{empty}"], "There is no picture in"),
        (["--data", "{folder}", "--size", "12"], "A side of 12 pixels is too short"),
        (
            ["--data", "{folder}", "--size", "32", "--numbers", "7"],
            "expected a multiple of 4, such as 4 or 8",
        ),
        (["--data", "{folder}", "--steps", "0"], "steps=0; expected a whole number from 1 on"),
        (["--data", "{folder}", "--epochs", "3"], "--epochs has no meaning for"),
        (["--data", "{folder}", "--size", "0"], "size=0; expected"),
        (["--size", "32"], "--size has no meaning for mnist"),
        (["--deep"], "--deep has no meaning for mnist"),
    ],
)
def test_what_is_refused_writes_nothing(folder, tmp_path, capsys, words, said):
    (tmp_path / "empty").mkdir()
    places = {"folder": folder, "empty": tmp_path / "empty"}
    words = [word.format(**places) for word in words]
    assert main(["train", *words, "--output", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_deep_one_takes_any_code(folder, tmp_path, capsys):
    words = ["--size", "40", "--numbers", "7", "--deep", "--steps", "4", "--output", str(tmp_path)]
    assert main(["train", "--data", str(folder), *words]) in (0, 1)
    network = checkpoints.load_model(tmp_path / "network.pt", ShapedAutoencoder)
    assert network.input_shape == (3, 40, 40) and network.code_shape == (7, 1, 1)


def test_pictures_that_are_all_alike_teach_nothing(tmp_path, capsys):
    for i in range(12):
        path = tmp_path / "alike" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (30, 30), (90, 120, 30)).save(path)
    words = ["--data", str(tmp_path / "alike"), "--size", "21", "--numbers", "2", "--steps", "3"]
    assert main(["train", *words, "--output", str(tmp_path / "out")]) == 2
    assert "all alike" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_what_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "mnist").mkdir()
    assert own_pictures.is_folder("photos") and own_pictures.is_folder("no/such")
    assert own_pictures.is_folder("./photo") and own_pictures.is_folder("photo/")
    assert not own_pictures.is_folder("mnist") and not own_pictures.is_folder("photo")
