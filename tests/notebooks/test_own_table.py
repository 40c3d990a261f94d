"""The stored table of lesson 13 is what the lesson's own functions make, and says what it says."""

from dataclasses import replace

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

import lesson_code
from ae_helpers import data
from ae_helpers.__main__ import main
from ae_helpers.models import any_shape

KEYS = ["pictures", "mirrored"]
LINES = [(80, False), (80, True), (600, False)]
NUMBERS = [
    f"{name}: {what}"
    for name in ("network", "PCA")
    for what in ("error", "area, mean error", "area, worst patch")
]


@pytest.fixture(scope="module")
def table():
    return lesson_code.table("13", "own")


def test_the_table_is_complete(table):
    wanted = sorted((*line, seed) for line in LINES for seed in range(5))
    assert lesson_code.keys(table, *KEYS, "seed") == wanted
    assert list(table.columns) == [*KEYS, "seed", *NUMBERS]
    areas = table[[name for name in NUMBERS if "area" in name]]
    assert areas.stack().between(0, 1).all()


def test_pca_knows_no_seed_and_no_mirror(table):
    linear = table[NUMBERS[3:]].groupby(table["pictures"])
    assert (linear.nunique() == 1).all(axis=None)


@pytest.mark.verify
def test_a_row_is_derived_anew(table, tmp_path, cpu):
    """With a fifth of the steps: PCA to the last digit, the network on its way."""
    lesson = lesson_code.define("13", "trained", "mirrored_error", "study_row")
    own = data.load_folder(data.draw_badges(tmp_path / "badges"), channels=3, size=28)
    known = torch.tensor([name.split("/")[0] == "flawed" for name in own.classes])
    in_train, in_test = known[own.train_labels], known[own.test_labels]
    lesson["good"] = replace(
        own,
        train_images=own.train_images[~in_train],
        train_labels=own.train_labels[~in_train],
        test_images=own.test_images[~in_test],
        test_labels=own.test_labels[~in_test],
    )
    lesson["flawed"] = torch.cat([own.train_images[in_train], own.test_images[in_test]])
    lesson["shape"] = (3, 28, 28)
    row = lesson["study_row"](80, False, 0, run_steps=200)
    stored = table.set_index([*KEYS, "seed"]).loc[(80, False, 0)]
    assert list(row) == list(table.columns)
    for name in NUMBERS[3:]:
        assert row[name] == pytest.approx(stored[name], rel=1e-2)
    assert stored["network: error"] * 0.9 < row["network: error"] < 0.016  # the mean image's


def test_what_the_lesson_says_of_the_table(table):
    by_line = {line: rows.set_index("seed") for line, rows in table.groupby(KEYS)}
    lines = plain, few, mirrored = by_line[600, False], by_line[80, False], by_line[80, True]
    assert (table["network: error"] < 0.0109 / 4).all()  # the mean image's
    assert (plain["network: error"] < 0.0109 / 5).all()
    assert (plain["network: area, worst patch"] >= 0.9).all()

    def pair(one, other):
        return (one < other).sum(), (one / other).median()

    for rows, times in ((plain, 1.16), (few, 1.35)):
        assert pair(rows["PCA: error"], rows["network: error"])[0] == 5
        assert pair(rows["network: error"], rows["PCA: error"])[1] == pytest.approx(times, abs=0.01)
    ahead = [rows["network: area, worst patch"] - rows["PCA: area, worst patch"] for rows in lines]
    assert (ahead[0].abs() < 0.006).all()
    assert [(each > 0.001).sum() for each in ahead] == [0, 0, 3]  # only where they were mirrored
    assert all((rows["PCA: error"] < rows["network: error"]).all() for rows in lines)
    assert (plain["network: area, mean error"] > plain["PCA: area, mean error"]).all()
    assert pair(plain["network: error"], few["network: error"]) == (
        5,
        pytest.approx(0.73, abs=0.01),
    )
    gained = pair(mirrored["network: error"], few["network: error"])
    assert gained == (5, pytest.approx(0.93, abs=0.01))


@pytest.mark.parametrize(("side", "places"), [(28, 1), (29, 4)])
def test_a_number_draws_the_whole_or_its_part(side, places):
    network = any_shape.build((1, side, side), places)
    for weights in network.decoder.parameters():
        weights.data.abs_()  # so that no ReLU stops a change
    with torch.inference_mode():
        changed = network.decode(1 + torch.eye(places)) != network.decode(torch.ones(1, places))
    assert [each.all().item() for each in changed] == [places == 1] * places


@pytest.mark.verify
def test_the_same_way_with_pictures_that_nobody_prepared(tmp_path, monkeypatch):
    """Fish of 48×40, 200 of them and none known to be flawed; one line of the lesson is another."""
    monkeypatch.setenv("AE_DATA_DIR", "sample")
    numbers = np.random.default_rng(0)
    (tmp_path / "fish").mkdir()
    for i in range(200):
        image = Image.new("RGB", (40, 48), tuple(map(int, numbers.integers(150, 200, 3))))
        x, y, long, high = numbers.normal((18, 24, 11, 6), (2, 2, 1, 1))
        colour = tuple(map(int, numbers.integers(30, 140, 3)))
        draw = ImageDraw.Draw(image)
        draw.ellipse((x - long, y - high, x + long, y + high), colour)
        draw.polygon([(x + long - 2, y), (x + long + 6, y - 6), (x + long + 6, y + 6)], colour)
        image.save(tmp_path / "fish" / f"{i}.jpg")
    changed = ["-p", "folder", str(tmp_path / "fish"), "-p", "steps", "300"]  # steps: to be quick
    assert main(["execute", "--lessons", "13", *changed, "--output", str(tmp_path / "out")]) == 0
    (done,) = (tmp_path / "out").glob("13*.ipynb")
    code = [cell for cell in nbformat.read(done, 4).cells if cell.cell_type == "code"]
    said = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    assert "200 pictures of your own" in said and "No better than the mean image" not in said
