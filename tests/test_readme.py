"""README's script for one's own pictures does what it says, and is lesson 13's."""

import re
from pathlib import Path

import pytest

from ae_helpers import data
from ae_helpers.models import any_shape, checkpoints

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def script():
    return re.search(r"```python\n(.*?)```", (PROJECT / "README.md").read_text("utf-8"), re.S)[1]


def test_the_script_runs(script, tmp_path, monkeypatch, capsys):
    folder = data.draw_badges(tmp_path / "photos", good=20, flawed=4)
    next(folder.rglob("*.png")).rename(tmp_path / "new.jpg")
    monkeypatch.chdir(tmp_path)
    exec(script.replace("1_000", "4"), {})
    assert float(capsys.readouterr().out.splitlines()[-1].strip("tensor([])")) > 0
    network = checkpoints.load_model("mine.pt", any_shape.ShapedAutoencoder)
    assert network.input_shape == (3, 28, 28)


def test_it_is_the_lessons(script):
    lesson = (PROJECT / "notebooks" / "13_make_it_yours.ipynb").read_text("utf-8")
    assert all(line.replace('"', '\\"') in lesson for line in script.splitlines())
