"""The tables of lesson 08 are what the lesson's own functions make, and keep their promises."""

from functools import partial

import pytest
import torch

import lesson_code
from ae_helpers.models import Autoencoder, count_parameters, ledger

SIZES = [2, 4, 8, 16, 32, 64, 128]


stored = partial(lesson_code.table, "08")


@pytest.fixture(scope="module")
def lesson():
    """What builds the networks and trains them."""
    parts = ("affordable", "linear", "row", "dense", "small_kernels", "stacked", "pooled")
    names = ("networks", *parts, "upsampled", "with_numbers", "train", "one_run")
    return lesson_code.define("08", *names, visits=8)


def test_the_tables_are_complete(lesson):
    architectures, bottleneck = stored("architectures"), stored("bottleneck")
    mixed = [f"{name}, shuffled" for name in ("backbone", "3×3 strided", "wide dense")]
    wanted = [(name, seed) for name in [*lesson["networks"], *mixed] for seed in range(3)]
    assert lesson_code.keys(architectures, "network", "seed") == sorted([*wanted, ("PCA-64", 0)])

    wanted = [(f"PCA-{k}", 0) for k in SIZES]
    wanted += [(f"backbone-{k}", seed) for k in SIZES if k != 64 for seed in range(3)]
    assert lesson_code.keys(bottleneck, "network", "seed") == sorted(wanted)
    for table in (architectures, bottleneck):
        assert table["test error"].between(0.002, 0.06).all()


def test_the_stored_counts_are_those_of_the_networks(lesson):
    table = stored("architectures").set_index("network")
    for name, build in lesson["networks"].items():
        counts = ledger(build(), (1, 28, 28))[["parameters", "multiplications"]].sum()
        for column, count in counts.items():
            assert (table.loc[name, column] == count).all()


def test_what_the_lesson_says_of_the_tables():
    table = stored("architectures").pivot(index="network", columns="seed", values="test error")
    for name in ("3×3 max-pooled", "3×3 mean-pooled"):
        assert (table.loc[name] > table.loc["3×3 strided"]).all()
    median, pca = table.median(axis=1), table.loc["PCA-64", 0]
    for name in ("backbone", "3×3 strided"):
        assert median[name] < median["wide dense"] < pca < median[f"{name}, shuffled"]
    assert abs(median["wide dense, shuffled"] / median["wide dense"] - 1) < 0.02
    assert pca < median["linear"] < 1.05 * pca < median["dense"]
    assert (table.loc["3×3 upsampled"] < table.loc["3×3 strided"]).sum() == 1

    errors = stored("bottleneck").groupby("network")["test error"].median()
    for k in (16, 32):
        assert errors[f"backbone-{k}"] < errors[f"PCA-{k}"] / 2
    assert errors["backbone-128"] > errors["PCA-128"]


@pytest.mark.parametrize("k", SIZES)
def test_a_backbone_with_other_numbers(lesson, k):
    network = lesson["with_numbers"](k).eval()
    images = torch.rand(3, 1, 28, 28)
    assert network.encode(images).shape == (3, k)
    assert network(images).shape == images.shape
    if k == 64:
        assert count_parameters(network) == count_parameters(Autoencoder.steady())


@pytest.mark.parametrize("name", ["linear", "dense"])
def test_a_row_is_derived_anew_on_the_sample(lesson, sample, cpu, name):
    """In as many steps as the study has: near the stored error, not there."""
    row = lesson["one_run"](lesson["networks"][name], sample, 0, epochs=8)
    table = stored("architectures")
    assert {"network", "seed", *row} == set(table.columns)
    errors = table.loc[table["network"] == name, "test error"]
    assert errors.min() < row["test error"] < 2 * errors.max()  # fewer digits teach less


@pytest.mark.verify
def test_a_bottleneck_row_is_derived_anew_on_the_sample(lesson, sample, cpu):
    row = lesson["one_run"](partial(lesson["with_numbers"], 2), sample.take(test=500), 0, epochs=4)
    errors = stored("bottleneck").query("network == 'backbone-2'")["test error"]
    assert errors.min() < row["test error"] < 2 * errors.max()
    assert row["numbers"] == 2
