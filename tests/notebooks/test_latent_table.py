"""The stored table of lesson 06 is what the lesson's own functions make, and says what it says."""

import pytest
import torch

import lesson_code
from ae_helpers import data
from ae_helpers.measures import latent

OF_ALL = ["nearest", "shifted", "on the map", "least squares", "logistic"]
OF_CODES = [
    *(f"lonely after {steps}" for steps in (1, 2, 3)),
    *("middle, different", "middle, the same", "one Gaussian", "one per digit", "crowd"),
    *("error, 4 kept", "error, 32 kept"),
]
NO_CODES = ["pixels", "random sums"]  # nothing decodes them
FUNCTIONS = [
    *("before_training", "flat", "random_sums", "on_the_map", "five_nearest", "shifted"),
    *("along_lines", "lonely_after", "per_digit", "share_read", "errors_kept", "logistic_read"),
    *("row_of", "row_of_lines", "row_of_draws", "row_of_network", "study_row"),
]


@pytest.fixture(scope="module")
def table():
    return lesson_code.table("06", "latent")


@pytest.fixture(scope="module")
def lesson():
    """What measures points of any kind, and codes."""
    return lesson_code.define("06", *FUNCTIONS)


def test_the_table_is_complete(table):
    wanted = [("PCA-64", 0), ("pixels", 0)]
    wanted += [("random sums", seed) for seed in range(5)]
    wanted += [(name, seed) for name in ("trained", "untrained") for seed in range(6)]
    assert lesson_code.keys(table, "points", "seed") == sorted(wanted)
    assert list(table.columns) == ["points", "seed", *OF_ALL, *OF_CODES]
    assert table[OF_ALL].stack().between(0.3, 1).all()
    assert table.set_index("points")[OF_CODES].drop(NO_CODES).notna().all(axis=None)


def test_what_the_lesson_says_of_the_table(table):
    by = table.set_index("points")
    trained, untrained = by.loc["trained"], by.loc["untrained"]
    pca, pixels = by.loc["PCA-64"], by.loc["pixels"]
    # neighbours: level with PCA-64, above the pixels, which are far above the untrained
    assert (abs(trained["nearest"] - pca["nearest"]) < 0.0055).all()
    assert (trained["nearest"] > pixels["nearest"] + 0.004).all()
    assert (untrained["nearest"] < pixels["nearest"] - 0.08).all()
    assert untrained["on the map"].max() < pixels["on the map"] < pca["on the map"]
    assert (trained["on the map"] > pca["on the map"]).all()
    # random sums: between the untrained codes and the pixels, whatever is asked
    random = by.loc["random sums", OF_ALL]
    assert (random.max() < pixels[OF_ALL]).all() and (random.min() > untrained[OF_ALL].max()).all()
    # the tolerance of shifts is learned
    rivals = max(pca["shifted"], pixels["shifted"])
    assert (trained["shifted"] > rivals + 0.04).all()
    assert (untrained["shifted"] < rivals - 0.1).all()
    # labels: a lead that depends on the method
    lead, other = (trained[method] - pca[method] for method in ("least squares", "logistic"))
    assert lead.between(0.005, 0.02).all() and (other > 0).all() and (other < lead / 2).all()
    assert (untrained[["least squares", "logistic"]] < 0.84).all(axis=None)
    # gaps, walks and draws
    for row in (trained, by.loc[["PCA-64"]]):
        assert (row["middle, different"] > 1.25).all() and (row["middle, the same"] < 1.2).all()
        assert (row["lonely after 1"] < 0.2).all() and (row["lonely after 3"] > 0.8).all()
        assert (row["one Gaussian"] > 0.95).all() and (row["crowd"] > 1.3).all()
    assert (untrained["middle, different"] < 1.1).all()
    assert trained["one per digit"].between(0.5, pca["one per digit"]).all()
    # numbers kept
    assert (trained["error, 4 kept"] > pca["error, 4 kept"]).all()
    assert (trained["error, 32 kept"] < pca["error, 32 kept"]).all()
    assert (untrained[["error, 4 kept", "error, 32 kept"]] > 0.114).all(axis=None)


@pytest.mark.verify
@pytest.mark.parametrize("name", ["untrained", "PCA-64", "pixels", "random sums"])
def test_a_row_is_derived_anew_on_the_sample(lesson, table, sample, name):
    """Among fewer digits the nearest are farther away: near what is stored, not there."""
    row = lesson["study_row"](name, 0, sample)
    stored = table[(table["points"] == name) & (table["seed"] == 0)].iloc[0]
    of_codes = [] if name in NO_CODES else OF_CODES
    shares = [*OF_ALL, *of_codes[:5]]
    assert list(row) == ["points", "seed", *OF_ALL, *of_codes]
    for column in shares:
        # The middles are shares of a distance, which the number of codes changes more.
        room = 0.25 if column.startswith("middle") else 0.15
        assert row[column] == pytest.approx(stored[column], abs=room), column
    if of_codes:  # a tenth would be as lonely as digits are; with few digits all are
        assert 0.2 < row["one per digit"] < stored["one per digit"]
        assert row["one per digit"] < row["one Gaussian"]


def test_shifted_by_two_to_the_right(lesson, small):
    images = data.to_float(small.test_images)
    found = lesson["shifted"](small.test_images)
    assert torch.equal(found[..., 2:], images[..., :-2]) and not found[..., :2].any()


def test_the_five_nearest(lesson, small):
    found = lesson["five_nearest"](lesson["flat"], small, small.test_images)
    away = torch.cdist(lesson["flat"](small.test_images), lesson["flat"](small.train_images))
    assert torch.equal(found, away.topk(5, largest=False).indices)


def test_each_digit_is_drawn_from_its_own_codes(lesson):
    generator = torch.Generator().manual_seed(0)
    classes = torch.arange(10).repeat(50)
    codes = torch.randn(500, 3, generator=generator) + 100.0 * classes[:, None]
    drawn = lesson["per_digit"](codes, classes, 40, generator)
    assert torch.equal((drawn.mean(1) / 100).round(), torch.arange(10.0).repeat_interleave(40))


def test_lines_and_walks_are_measured_as_said(lesson, small, build):
    network = build()
    codes, test_codes = (
        latent.encode(network, images) for images in (small.train_images, small.test_images)
    )
    lines = lesson["along_lines"](codes, test_codes, small.test_labels, (0, 0.5), pairs=50)
    order = torch.randperm(100, generator=torch.Generator().manual_seed(0))
    first, second = order[:50], order[50:]
    alike = small.test_labels[first] == small.test_labels[second]
    middles = (test_codes[first] + test_codes[second]) / 2
    away = torch.cdist(middles, codes, compute_mode="donot_use_mm_for_euclid_dist").amin(1)
    wanted = away[~alike].median().item(), away[alike].median().item()
    assert lines[0.5] == pytest.approx(wanted, rel=1e-3)
    assert lesson["lonely_after"](0, codes, test_codes, 1e9) == 0
    at_digits = latent.Neighbours(codes).nearest(test_codes)[0].median().item()
    assert lesson["lonely_after"](0, codes, test_codes, at_digits) == pytest.approx(0.5, abs=0.01)
    assert lesson["lonely_after"](1_000, codes, test_codes, at_digits) == 1
