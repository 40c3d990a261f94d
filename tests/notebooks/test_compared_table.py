"""The stored table of lesson 05 is what the lesson's own functions make, and says what it says."""

import importlib

import numpy as np
import pandas as pd
import pytest
from torch.nn import functional as F

import lesson_code
from ae_helpers import data, measures

fit_module = importlib.import_module("ae_helpers.training.fit")  # there, `fit` is the function
CLASSES = [f"error of {digit}" for digit in range(10)]
FUNCTIONS = (
    "rims",
    "unusual",
    "grey",
    "principal_components",
    "pca_curve",
    "measured",
    "network_row",
    "rival_row",
)


@pytest.fixture(scope="module")
def table():
    return lesson_code.table("05", "compared")


@pytest.fixture(scope="module")
def lesson():
    return lesson_code.define("05", *FUNCTIONS)


@pytest.fixture
def networks(table):
    """The networks' rows by seed: on 60,000 and on 4,000 images."""
    rows = table[table["name"] == "network"].set_index("seed").sort_index()
    return [rows[rows["images"] == images] for images in (60_000, 4_000)]


@pytest.fixture
def rivals(table):
    """The rivals' rows by name and number of images."""
    return table[table["name"] != "network"].set_index(["name", "images"])


def test_the_table_is_complete(table):
    wanted = []
    for images in (60_000, 4_000):
        wanted += [(name, images, 0) for name in ("all-black", "PCA-64", "PCA-64, cut")]
        wanted += [("network", images, seed) for seed in range(5)]
    assert lesson_code.keys(table, "name", "images", "seed") == sorted(wanted)
    means = table[CLASSES].mean(axis=1)
    np.testing.assert_allclose(means, table["error"], rtol=0.03)  # classes are about equally large


def test_what_the_lesson_says_of_steps_and_images(networks, rivals):
    many, few = networks
    pca, cut = (rivals.loc[(name, 60_000), "error"] for name in ("PCA-64", "PCA-64, cut"))
    below = many["after 1 epoch"][many["after 1 epoch"] < pca]
    assert below.tolist() == [0.00902] and pca == 0.00905
    assert (few["error"] > rivals.loc[("PCA-64, cut", 4_000), "error"]).all()
    assert ((many["= PCA after 1"] >= 64) == (many["after 1 epoch"] < pca)).all()
    assert (many["after 1 epoch"] > cut).all() and (many["error"] < cut).all()
    assert (few["error"] > rivals.loc[("PCA-64", 4_000), "error"]).all()
    by_images = few["error"] - many["after 1 epoch"]  # both after 1,875 steps
    by_steps = many["after 1 epoch"] - many["error"]
    assert by_images.between(0.001, 0.003).all() and by_steps.min() > 0.0045
    assert (many["= PCA"].min(), many["= PCA"].max()) == (109, 131)
    assert many["error"].median() / pca == pytest.approx(0.5, abs=0.05)


def test_what_the_lesson_says_of_pictures_and_classes(networks, rivals, table):
    many, _ = networks
    assert (many["on rims"] > 0.98).all() and (many["ones in best ten"] == 10).all()
    assert many["grey"].between(0.09, 0.11).all()
    assert (many["unusual"] > 0.9).all() and rivals.loc[("PCA-64", 60_000), "unusual"] > 0.9
    assert rivals.loc[("all-black", 60_000), "unusual"] == pytest.approx(0.5, abs=0.05)
    black = rivals.loc[("all-black", 60_000), CLASSES]
    asked = [*many.iloc, rivals.loc[("PCA-64", 60_000)]]
    orders = [(row[CLASSES] / black).astype(float).to_numpy().argsort() for row in asked]
    assert all(set(order[:2]) == {0, 1} for order in orders)
    assert len({order[-1] for order in orders[:-1]}) > 1  # the highest changes with the seed


@pytest.mark.parametrize("name", ["all-black", "PCA-64", "PCA-64, cut"])
def test_a_rival_is_derived_anew_on_the_sample(lesson, sample, rivals, name):
    row, stored = lesson["rival_row"](sample, name), rivals.loc[(name, 4_000)]
    for column in ("error", "on rims", "grey", *CLASSES):
        assert row[column] == pytest.approx(stored[column], rel=0.15), column


@pytest.mark.verify
def test_a_network_is_derived_anew_on_the_sample(
    lesson, sample, networks, table, tmp_path, monkeypatch, cpu
):
    """As many images and steps as a row of 4,000; other images, so near, not equal."""
    monkeypatch.setattr(fit_module, "own_folder", lambda name: tmp_path / name)
    row, (_, few) = lesson["network_row"](sample, 0), networks
    assert {"name", "images", "seed", *row} == set(table.columns)
    assert few["error"].min() * 0.8 < row["error"] < few["error"].max() * 1.2
    assert few["after 1 epoch"].min() * 0.8 < row["after 1 epoch"]
    assert row["after 1 epoch"] < few["after 1 epoch"].max() * 1.2
    assert abs(row["= PCA"] - few["= PCA"].median()) < 15
    assert row["on rims"] > 0.95 and row["ones in best ten"] == 10 and row["unusual"] > 0.9


def test_with_equally_many_rims_groups_are_others_than_with_equal_ink(lesson, sample):
    """A blur has learned nothing: equal ink lets it find unusual digits, equal rims less so."""
    images = sample.test_images
    blur = F.avg_pool2d(data.to_float(images), kernel_size=3, stride=1, padding=1)
    errors = measures.image_errors(images, blur)
    by_ink, by_rims = (float(lesson["unusual"](errors, sample, each)) for each in ("ink", "rims"))
    assert by_ink > 0.85 and 0.6 < by_rims < 0.8


def test_black_knows_nothing_of_what_is_unusual(lesson, sample):
    """The control of the experiment: errors without sense give about one half."""
    row = lesson["rival_row"](sample, "all-black")
    assert isinstance(row["unusual"], float) and 0.35 < row["unusual"] < 0.65
    assert pd.notna(list(row.values())).all()
