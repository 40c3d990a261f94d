"""Lesson 12: its stored table is what its own functions make, and says what it says; its race."""

import pytest

import lesson_code
from ae_helpers.measures import baselines
from ae_helpers.models import Autoencoder


@pytest.fixture(scope="module")
def table():
    return lesson_code.table("12", "contest")


@pytest.fixture(scope="module")
def lesson():
    """The settings of the contest and the function that trains by one."""
    return lesson_code.define("12", "contest", "one_run")


def test_the_table_is_complete(table, lesson):
    wanted = [(name, seed) for name in lesson["contest"] for seed in range(5)]
    assert lesson_code.keys(table, "name", "seed") == sorted(wanted)


def test_every_network_has_learned_something(table):
    """What is worse than the mean image proves nothing about speed."""
    assert (table["test error"] < table["mean image"]).all()


def test_what_the_lesson_says_of_it(table):
    errors = table.pivot(index="seed", columns="name", values="test error")
    assert (errors["steadied, 32"] < errors["batches of 32"]).all()
    assert (errors["batches of 32"] < errors["batches of 128"]).all()


@pytest.mark.verify
def test_a_row_is_derived_anew_on_the_sample(sample, table, lesson, cpu):
    row = lesson["one_run"]("batches of 32", 0, sample)
    assert row.pop("images/s") > 0
    assert [*row, "mean image"] == list(table.columns)
    stored = table[table["name"] == "batches of 32"]["test error"]
    assert 0.5 * stored.min() < row["test error"] < 2 * stored.max()  # other digits
    assert row["test error"] < baselines.measuring_sticks(sample)["mean image"]


def test_a_row_is_the_same_twice(small, lesson, cpu):
    rows = [lesson["one_run"]("steadied, 32", 3, small, 1) for _ in range(2)]
    for row in rows:
        del row["images/s"]
    assert rows[0] == rows[1]


def test_what_a_loop_builds_first_isn_t_timed_each_time(small):
    """Places in memory took by_hand longer than a step: a race of first steps says little of it."""
    begun, sizes = [], []

    def steps(model, pixels, batches, optimizer):
        begun.append(model)
        for index in batches:
            sizes.append(len(index))
            yield

    pixels = small.train_images
    run = lesson_code.define("12", "training_run", pixels=pixels)["training_run"]
    trained = run(Autoencoder(), size=8, steps=steps)
    assert [trained(), trained(32)] == [256, 32]
    assert len(begun) == 1 and sizes == 36 * [8]
