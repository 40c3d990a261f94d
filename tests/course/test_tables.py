"""Stored tables: only what is missing is measured, and what was measured is kept at once."""

import pandas as pd
import pytest

from ae_helpers.course import tables

COLUMNS, PLAN = ["recipe", "seed"], [("plain", 0), ("plain", 1), ("steady", 0)]


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Where tables lie now, and a list of what was measured."""
    monkeypatch.setattr(tables, "TABLES", tmp_path)
    return []


def measure_into(asked):
    def measure(recipe, seed):
        asked.append((recipe, seed))
        return {"error": 0.1 + seed}

    return measure


def test_a_table_is_begun_and_then_only_read(asked, tmp_path):
    made = tables.filled("t", COLUMNS, PLAN, measure_into(asked))
    assert asked == PLAN
    assert made.to_dict("list") == {
        "recipe": ["plain", "plain", "steady"],
        "seed": [0, 1, 0],
        "error": [0.1, 1.1, 0.1],
    }
    assert (tmp_path / "t.csv").read_text().splitlines()[1] == "plain,0,0.1"
    for go_on in (True, False):
        again = tables.filled("t", COLUMNS, PLAN, measure_into(asked), go_on)
        pd.testing.assert_frame_equal(again, made)
    assert asked == PLAN


def test_what_is_missing_is_measured_and_only_where_asked_for(asked):
    tables.filled("t", COLUMNS, PLAN[1:2], measure_into(asked))
    assert len(tables.filled("t", COLUMNS, PLAN, measure_into(asked), go_on=False)) == 1
    table = tables.filled("t", COLUMNS, PLAN, measure_into(asked))
    assert asked == [PLAN[1], PLAN[0], PLAN[2]] and len(table) == 3


def test_what_was_measured_before_an_interrupt_is_kept(asked):
    def stopped(recipe, seed):
        if seed:
            raise KeyboardInterrupt
        return {"error": 0.5}

    with pytest.raises(KeyboardInterrupt):
        tables.filled("t", COLUMNS, PLAN, stopped)
    assert tables.filled("t", COLUMNS, PLAN, stopped, go_on=False)["error"].tolist() == [0.5]


def test_a_table_that_is_not_there(asked):
    with pytest.raises(FileNotFoundError, match="none"):
        tables.filled("none", COLUMNS, PLAN, measure_into(asked), go_on=False)


def test_the_stored_tables_are_where_it_looks():
    assert (tables.TABLES / "cliff.csv").is_file()
