"""The stored table of lesson 07 is what the lesson's own functions make, and keeps its promises."""

import pytest

import lesson_code


@pytest.fixture(scope="module")
def table():
    return lesson_code.table("07", "recipes")


@pytest.fixture(scope="module")
def lesson():
    """The recipes and the function that trains by one."""
    return lesson_code.define("07", "recipes", "one_run")


def test_the_table_is_complete(table, lesson):
    rows = table[table["epochs"] > 0]
    assert not rows.duplicated(["recipe", "epochs", "seed"]).any()
    for name in lesson["recipes"]:
        found = rows[(rows["recipe"] == name) & (rows["epochs"] == 1)]
        assert sorted(found["seed"]) == [0, 1, 2, 3, 4], name
    for name in ("steady", "backbone"):
        found = rows[(rows["recipe"] == name) & (rows["epochs"] == 15)]
        assert sorted(found["seed"]) == [0, 1, 2], name
    assert rows["test error"].between(0.001, 0.12).all()


def test_the_steady_recipe_is_better(table):
    steady, backbone = (
        table[(table["recipe"] == name) & (table["epochs"] == 15)]["test error"]
        for name in ("steady", "backbone")
    )
    assert steady.median() <= 0.0022
    assert steady.max() < backbone.min()


@pytest.mark.verify
def test_a_row_is_derived_anew_on_the_sample(sample, table, lesson, cpu):
    """With as many steps as an epoch of the full set has: near the stored error, not there."""
    row = lesson["one_run"]("steady", 0, sample.take(test=500), 15)
    assert set(row) == set(table.columns)
    stored = table[(table["recipe"] == "steady") & (table["epochs"] == 1)]["test error"]
    assert stored.min() < row["test error"] < 2 * stored.max()  # fewer digits teach less
    assert row["constant numbers"] == 0


def test_a_row_is_the_same_twice(small, lesson, cpu):
    rows = [lesson["one_run"]("batch norm + dropout", 3, small, 1) for _ in range(2)]
    for row in rows:
        del row["seconds"]
    assert rows[0] == rows[1]
