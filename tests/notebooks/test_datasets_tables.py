"""The stored tables of lesson 10 are what the lesson's own functions make."""

import pytest
import torch

import lesson_code
from ae_helpers import data

WORLDS = ["digits", "mirrored", "inverted", "clothes"]


@pytest.fixture(scope="module")
def transfer():
    return lesson_code.table("10", "transfer")


@pytest.fixture(scope="module")
def colours():
    return lesson_code.table("10", "colour")


@pytest.fixture(scope="module")
def lesson(sample):
    """What makes the worlds and trains in them; without clothes."""
    names = ("changed", "worlds", "trained", "by_mean", "linear", "prepared", "across")
    return lesson_code.define("10", *names, "by_channel", digits=sample.take(4_000, 500))


def test_the_table_of_worlds_is_complete(transfer):
    wanted = [("mean image", name, 0) for name in WORLDS]
    for kind, seeds in (("PCA-64", [0]), ("network", [0, 1])):
        wanted += [(kind, name, seed) for name in [*WORLDS, "both"] for seed in seeds]
    assert lesson_code.keys(transfer, "kind", "trained on", "seed") == sorted(wanted)
    assert (transfer[transfer["kind"] == "network"]["epochs"] == 2).all()


def test_nobody_is_better_than_who_trained_on_it(transfer):
    for kind in ("mean image", "PCA-64", "network"):
        means = transfer[transfer["kind"] == kind].groupby("trained on")[WORLDS].mean()
        assert means.idxmin().to_dict() == {name: name for name in WORLDS}


def test_the_sticks_of_digits_are_those_of_every_lesson(transfer):
    digits = transfer[transfer["trained on"] == "digits"].set_index("kind")["digits"]
    assert digits["mean image"] == pytest.approx(0.0675, abs=1e-4)
    assert digits["PCA-64"] == pytest.approx(0.00905, abs=1e-5)


@pytest.mark.verify
def test_a_row_is_derived_anew_on_the_sample(lesson, transfer, cpu):
    """A quarter of the steps, so less well; near and far are the same."""
    worlds = lesson["worlds"]
    row = lesson["across"](lesson["prepared"]("network", worlds["digits"], 0, 8), worlds)
    stored = transfer[(transfer["kind"] == "network") & (transfer["trained on"] == "digits")]
    assert stored["digits"].max() < row["digits"] < 6 * stored["digits"].max()
    assert row["digits"] < row["mirrored"] < 0.0675 < 0.3 < row["inverted"] < 0.8
    pca = lesson["across"](lesson["prepared"]("PCA-64", worlds["digits"], 0, 0), worlds)
    stored = transfer[(transfer["kind"] == "PCA-64") & (transfer["trained on"] == "digits")]
    for name in worlds:
        assert pca[name] == pytest.approx(stored[name].item(), rel=0.25)


def test_a_row_is_the_same_twice(lesson, cpu):
    few = {"digits": lesson["digits"].take(300, 50)}
    rows = [lesson["across"](lesson["prepared"]("network", few["digits"], 3, 1), few) for _ in "ab"]
    assert rows[0] == rows[1]


def test_the_table_of_colours_is_complete(colours):
    found = colours.groupby("network")["seed"].count().to_dict()
    assert found == {
        "all-black": 1,
        "mean image": 1,
        "the perfect picture in grey": 1,
        "PCA-64": 1,
        "3×28×28, 64 numbers": 1,
        "3×32×32, 64 numbers": 1,
        "3×32×32, 256 numbers": 1,
    }
    channels = colours[["red", "green", "blue"]].mean(axis=1)
    assert (channels - colours["middle"]).abs().max() < 2e-5


def test_a_colour_row_is_derived_anew_on_the_sample(lesson, colours):
    hued = data.coloured(lesson["digits"])
    row = lesson["by_channel"](hued.test_images, lesson["by_mean"](hued)(hued.test_images))
    stored = colours[colours["network"] == "mean image"].iloc[0]
    for name in ("middle", "red", "green", "blue"):
        assert row[name] == pytest.approx(stored[name], rel=0.1)


def test_only_the_middle_counts(lesson):
    """A frame that is wrong costs nothing."""
    images = torch.zeros(2, 3, 32, 32)
    answer = torch.ones(2, 3, 32, 32)
    answer[:, :, 2:30, 2:30] = torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1)
    errors = lesson["by_channel"](images, answer)
    assert errors == {"middle": 0.41667, "red": 0.0, "green": 0.25, "blue": 1.0}
