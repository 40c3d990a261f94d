"""The stored table of lesson 09 is what the lesson's own functions make; so is its distance."""

import pytest
import torch

import lesson_code
from ae_helpers.models import shipped, vae


@pytest.fixture(scope="module")
def table():
    table = lesson_code.table("09", "beta")
    table["total"] = table["rate"] + table["distortion"]
    return table


@pytest.fixture(scope="module")
def by_beta(table):
    """The mean over the seeds, by β."""
    return table[table["numbers"] == 64].groupby("beta").mean(numeric_only=True)


@pytest.fixture(scope="module")
def lesson():
    """What trains and measures."""
    return lesson_code.define("09", "trained", "results")


def test_the_table_is_complete(table):
    wanted = [(64, beta, seed) for beta in (0.1, 1.0, 3.0, 10.0, 30.0) for seed in range(5)]
    assert lesson_code.keys(table, "numbers", "beta", "seed") == [(2, 1.0, 0), *wanted]
    assert (table["epochs"] == 8).all()


def test_seeds_lie_closer_to_each_other_than_to_another_beta(table):
    for column in ("rate", "distortion"):
        seeds = table[table["numbers"] == 64].groupby("beta")[column]
        lowest, highest = seeds.min(), seeds.max()
        for beta in lowest.index:
            others = table[(table["numbers"] == 64) & (table["beta"] != beta)][column]
            gap = min((others - end).abs().min() for end in (lowest[beta], highest[beta]))
            assert highest[beta] - lowest[beta] < gap


def test_seeds_are_of_one_device(table):
    """So that networks of the same seed can be compared: a GPU rounds otherwise than a CPU."""
    assert (table.groupby("seed")["device"].nunique() == 1).all()


def test_what_the_lesson_says_of_the_table(by_beta):
    assert by_beta["rate"].is_monotonic_decreasing
    assert by_beta["distortion"].is_monotonic_increasing
    assert by_beta["active"].is_monotonic_decreasing
    assert by_beta["total"].idxmin() == 1.0
    assert by_beta.loc[30.0, "active"] == 0 and by_beta.loc[30.0, "rate"] < 0.01
    assert by_beta.loc[30.0, "MSE"] == pytest.approx(0.0675, abs=2e-4)  # the mean image's
    assert by_beta.loc[0.1, "active"] == 64


def test_the_shipped_networks_are_those_of_the_table(table, sample):
    """Stored with half the digits, and measured on other images: near."""
    stored = table[(table["numbers"] == 64) & (table["seed"] == 0)].set_index("beta")
    for beta, model in shipped.betas().items():
        found = vae.measure(model, sample.test_images)
        assert found["rate"] == pytest.approx(stored.loc[beta, "rate"], rel=0.1)
        assert found["distortion"] == pytest.approx(stored.loc[beta, "distortion"], rel=0.1)


@pytest.mark.verify
def test_a_row_is_derived_anew_on_the_sample(lesson, sample, table, cpu):
    """In a twentieth of the steps: the same columns, on the way to the stored row."""
    network, history = lesson["trained"](3.0, sample.take(4_000, 100), 6)
    row = lesson["results"](network, sample.test_images[:100])
    columns = {"numbers", "beta", "seed", "epochs", "device", *row, "total"}
    assert columns == set(table.columns)
    assert history.settings["objective"] == "NegativeElbo(beta=3)"
    stored = table[(table["numbers"] == 64) & (table["beta"] == 3.0)].iloc[0]
    total = row["rate"] + row["distortion"]
    assert stored["total"] < total < 1.5 * stored["total"]
    assert row["rate"] == pytest.approx(stored["rate"], rel=0.4)


def test_a_row_is_the_same_twice(lesson, small, cpu):
    few = small.take(256, 50)
    rows = [lesson["results"](lesson["trained"](1.0, few, 1)[0], few.test_images) for _ in "ab"]
    assert rows[0] == rows[1]


MIXED = [[1.0, 0.2, 0, 0.4], [0, 0.5, 0.3, 0], [0.1, 0, 2.0, 0], [0, 0.6, 0, 0.7]]


def test_frechet_distance_of_known_gaussians():
    """‖m₁ − m₂‖² + tr(C₁ + C₂ − 2 (C₁C₂)^½): a shift counts squared, a scale by its excess."""
    frechet = lesson_code.define("09", "frechet")["frechet"]
    points = torch.randn(500, 4, generator=torch.Generator().manual_seed(0)) @ torch.tensor(MIXED)
    total = points.T.cov().trace().item()
    assert frechet(points, points) == pytest.approx(0, abs=1e-3 * total)
    assert frechet(points, points + 3) == pytest.approx(4 * 9, rel=1e-3)
    middle = points.mean(0)
    assert frechet(points, middle + 3 * (points - middle)) == pytest.approx(4 * total, rel=1e-3)
