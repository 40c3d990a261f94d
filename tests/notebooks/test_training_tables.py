"""Lesson 04: its training is found by the next; its stored tables are what its functions make."""

import importlib
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest

import lesson_code
from ae_helpers import training

RATES = ["rate 1e-4", "rate 3e-4", "rate 3e-3", "rate 3e-2", "rate 1e-1"]
KINDS = ["the recipe", "linear output", "leaky ReLU"]


@pytest.fixture(scope="module")
def cliff():
    return lesson_code.table("04", "cliff")


@pytest.fixture(scope="module")
def autopsy():
    return lesson_code.table("04", "autopsy")


@pytest.fixture(scope="module")
def lost_above(cliff):
    """What a network must be below that has learned more than next to nothing."""
    return 0.9 * cliff.set_index("recipe").loc["mean image", "test error"]


@pytest.fixture(scope="module")
def lesson(sample):
    """What trains, searches and opens."""
    functions = ("study_batches", "walk", "find_lost", "look_inside", "go_on", "post_mortem")
    settings = ("steps", "study", "study_epochs", "study_sticks", "recipes", "one_run")
    return lesson_code.define("04", *settings, *functions, digits=sample)


def test_the_training_writes_where_lesson_05_reads(small, tmp_path, monkeypatch, cpu):
    module = importlib.import_module("ae_helpers.training.fit")
    monkeypatch.setattr(module, "own_folder", lambda name: tmp_path / name)
    digits = small.take(64)
    found = lesson_code.define("04", "model", "folder", "history", digits=digits, redraw=None)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_record", None)  # it must be found, not trained
        _, known = training.trained_backbone(digits)
    assert known.epochs == 15 and known.test_error == found["history"].test_error


def test_the_tables_are_complete(cliff, autopsy, lesson):
    wanted = [(name, s) for name in lesson["recipes"] for s in range(20)]
    wanted += [(name, s) for name in RATES for s in range(5)]
    wanted += [(name, 0) for name in lesson["study_sticks"]]
    assert lesson_code.keys(cliff, "recipe", "seed") == sorted(wanted)
    assert not autopsy.duplicated(["recipe", "seed"]).any()
    assert autopsy["recipe"].value_counts().to_dict() == dict.fromkeys(KINDS, 10)


def begun_anew(name, tmp_path, **known):
    """What the cell that fills this table writes, where only its first line was there."""
    path = lesson_code.find("04")
    cells = nbformat.read(path, as_version=4).cells
    sources = [cell.source for cell in cells if "to_csv" in cell.source]
    (filling,) = (source for source in sources if f"{name}.csv" in source)
    folder = tmp_path / "notebooks" / "tables"
    folder.mkdir(parents=True)
    stored = (path.parent / "tables" / f"{name}.csv").read_text(encoding="utf-8")
    file = folder / f"{name}.csv"
    file.write_text(stored.splitlines()[0] + "\n", encoding="utf-8")
    digits = SimpleNamespace(is_sample=False)
    places = {"PROJECT": tmp_path, "table_file": folder / "cliff.csv"}
    exec(filling, {"pd": pd, "digits": digits, "full_study": True, **places, **known})
    return file.read_text(encoding="utf-8"), stored


def unrounded(row):
    """The row before it was stored."""
    return {k: v * (1 + 1e-7) if isinstance(v, float) else v for k, v in row.to_dict().items()}


def test_the_cliff_begun_anew_is_the_one_stored(cliff, lesson, tmp_path):
    known = lesson_code.define("04", "tried", "plan", **lesson)
    by_key = cliff.set_index(["recipe", "seed"])
    settings = known["recipes"] | known["tried"]

    def one_run(seed, **options):
        name = next(name for name, these in settings.items() if these == options)
        row = unrounded(by_key.loc[name, seed])
        return row | {"constant numbers": int(row["constant numbers"])}

    sticks = {name: by_key.loc[(name, 0), "test error"] for name in known["study_sticks"]}
    names = {key: known[key] for key in ("recipes", "tried", "plan")}
    found, stored = begun_anew("cliff", tmp_path, one_run=one_run, study_sticks=sticks, **names)
    assert found == stored


def test_the_autopsy_begun_anew_is_the_one_stored(autopsy, tmp_path):
    def post_mortem(recipe, first_seed):
        later = (autopsy["recipe"] == recipe) & (autopsy["seed"] >= first_seed)
        return unrounded(autopsy[later].iloc[0])

    found, stored = begun_anew("autopsy", tmp_path, post_mortem=post_mortem)
    assert found == stored


def test_what_the_lesson_says_of_the_rates(cliff, lost_above):
    errors = cliff[cliff["seed"] < 5].groupby("recipe")["test error"]
    rates = ["rate 1e-4", "rate 3e-4", "rate 1e-3", "rate 3e-3", "the recipe"]
    medians = errors.median()[rates]
    assert medians.is_monotonic_decreasing and medians["rate 3e-3"] < 1.3 * medians["the recipe"]
    assert (errors.max()[rates[2:]] < lost_above).all()
    assert (errors.min()[rates[:2]] > 0.8 * lost_above).all()  # about as far as the mean image
    lost = errors.agg(lambda five: (five > lost_above).sum())
    assert lost["rate 3e-2"] == 3 and lost["rate 1e-1"] == 5


def test_what_the_lesson_says_of_the_cliff(cliff, lost_above):
    errors = cliff.groupby("recipe")["test error"]
    lost = errors.agg(lambda twenty: (twenty > lost_above).sum())
    assert not lost[["rate 1e-3", "warm-up", "batch norm"]].any()
    assert lost["the recipe"] <= min(lost["linear output"], lost["leaky ReLU"])
    medians = errors.median()
    assert 1.6 < medians["rate 1e-3"] / medians["the recipe"] < 2
    assert medians["warm-up"] == pytest.approx(medians["the recipe"], rel=0.05)
    assert errors.max()["batch norm"] < errors.min()["the recipe"]


def test_what_the_lesson_says_of_the_dead(autopsy, lost_above):
    gone = autopsy["decoder's gradient"] < 1e-8
    treated = autopsy[["same Adam", "fresh Adam"]] < lost_above
    assert not treated["same Adam"].any()
    assert not treated.loc[autopsy["decoder's gradient"] == 0, "fresh Adam"].any()
    assert treated.loc[gone, "fresh Adam"].sum() <= 1  # "by luck, as with one of the recipe's"
    by_recipe = autopsy["recipe"]
    assert gone[by_recipe == "leaky ReLU"].all() and not gone[by_recipe == "linear output"].any()
    constant = autopsy["constant numbers"]
    assert (constant > 32).equals(by_recipe == "linear output")
    assert treated.loc[by_recipe == "linear output", "fresh Adam"].sum() == 2
    assert treated.loc[(by_recipe == "the recipe") & ~gone, "fresh Adam"].mean() > 0.8


@pytest.mark.verify
def test_a_row_is_derived_anew_on_the_sample(lesson, cliff, cpu):
    """With other digits: near the stored errors of the recipe that loses no seed."""
    row = lesson["one_run"](0, **lesson["recipes"]["batch norm"])
    stored = cliff[cliff["recipe"] == "batch norm"]
    assert {"recipe", "seed", *row} == set(cliff.columns)
    assert 0.7 * stored["test error"].min() < row["test error"] < 1.5 * stored["test error"].max()
    assert row["constant numbers"] == 0


@pytest.mark.verify
def test_a_lost_seed_is_found_and_opened_on_the_sample(lesson, autopsy, lost_above, cpu):
    row = lesson["post_mortem"]("leaky ReLU", 0)
    assert set(row) == set(autopsy.columns)
    assert row["test error"] > lost_above
    if row["decoder's gradient"] < 1e-10:  # nothing to go by, whatever Adam remembers
        assert row["same Adam"] == pytest.approx(row["fresh Adam"], rel=1e-3)
