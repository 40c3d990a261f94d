"""The stored tables of lesson 10 are what the lesson's own functions make, and say what it says."""

import pytest
import torch

import lesson_code
from ae_helpers import data
from ae_helpers.measures import baselines, image_errors, reconstruct
from ae_helpers.models import any_shape, count_parameters, shipped

WORLDS = ["digits", "mirrored", "inverted", "clothes"]
TRAINED = ["digits", "clothes", "both"]
LINES = [(48, "deep", 16), (48, "flat", 16), (96, "deep", 16)]


@pytest.fixture(scope="module")
def sizes():
    return lesson_code.table("10", "sizes")


@pytest.fixture(scope="module")
def transfer():
    return lesson_code.table("10", "transfer")


@pytest.fixture(scope="module")
def colours():
    return lesson_code.table("10", "colour")


@pytest.fixture(scope="module")
def lesson(sample):
    """What makes the worlds and trains in them; without clothes."""
    names = ("changed", "worlds", "few", "steady", "trained", "badges", "size_row", "mixed")
    names += ("linear", "rebuilt_by", "transfer_row", "in_parts", "Product", "colour_row")
    hued = data.coloured(sample)
    return lesson_code.define("10", *names, "few_hued", digits=sample, hued=hued, clothes=None)


def lower(one, other):
    """In how many of the seeds the one is lower."""
    assert (one.index == other.index).all()
    return int((one < other).sum())


# ------------------------------------------------------------------------------------------- sizes


def test_the_table_of_sizes_is_complete(sizes):
    wanted = [(*line, seed) for line in LINES for seed in range(5)]
    assert lesson_code.keys(sizes, "side", "network", "numbers", "seed") == sorted(wanted)


def test_the_sticks_of_sizes_are_derived_anew(lesson, sizes, cpu):
    """Those of the drawn badges, exactly; a network after one epoch is on its way."""
    row = lesson["size_row"](48, "deep", 16, 0, epochs=1)
    stored = sizes.set_index(["side", "network", "numbers", "seed"]).loc[48, "deep", 16, 0]
    assert list(row) == ["error", "PCA", "mean image"]
    for name in ("PCA", "mean image"):
        assert row[name] == pytest.approx(stored[name], rel=1e-2)
    assert row["error"] > stored["error"]


def test_what_the_lesson_says_of_the_sizes(sizes):
    lines = sizes.set_index(["side", "network", "numbers", "seed"]).sort_index()
    deep, flat, large = (lines.loc[line] for line in LINES)
    assert lower(deep["error"], flat["error"]) == 5
    assert round((deep["error"] / flat["error"]).median(), 1) == 0.4
    assert lower(flat["error"], flat["PCA"]) == 0
    assert lower(deep["error"], deep["PCA"]) == 4
    assert 1.9 < (deep["error"] / deep["PCA"]).max() < 2.3  # "with one twice as bad"
    assert lower(large["error"], large["PCA"]) == 2
    assert 0.16 < (large["error"] / large["mean image"]).median() < 0.18  # "a sixth"


def test_both_kinds_have_four_layers_in_each_half(lesson):
    flat, deep = (lesson["steady"]((3, 48, 48), 16, kind) for kind in (False, True))
    for network in (flat, deep):
        for half in (network.encoder, network.decoder):
            assert sum("conv" in name for name, _ in half.named_children()) == 4
    assert count_parameters(deep) > 3 * count_parameters(flat)


def test_most_parameters_of_the_deep_ones_shown_lie_at_the_code():
    """In the five; not in all: at 128×128 more halvings leave a smaller window."""
    for side in (28, 50, 64, 96, 224, 128):
        network = any_shape.build((3, side, side), 64, deep=True)
        down, up = any_shape.deep_layers((3, side, side), 64)
        share = (count_parameters(down[-1]) + count_parameters(up[0])) / count_parameters(network)
        assert (share > 0.5) == (side != 128)


# ---------------------------------------------------------------------------------------- transfer


def test_the_table_of_worlds_is_complete(transfer):
    wanted = [("mean image", name, 0) for name in WORLDS]
    wanted += [("PCA-64", name, 0) for name in [*WORLDS, "both"]]
    wanted += [("network", name, seed) for name in TRAINED for seed in range(5)]
    assert lesson_code.keys(transfer, "kind", "trained on", "seed") == sorted(wanted)


def test_nobody_is_better_than_who_was_made_of_it(transfer):
    for kind in ("mean image", "PCA-64"):
        means = transfer[transfer["kind"] == kind].set_index("trained on")[WORLDS]
        assert means.idxmin().to_dict() == {name: name for name in WORLDS}


def test_a_stick_is_derived_anew_on_the_sample(lesson, transfer):
    """Other digits of the same kind."""
    for kind in ("mean image", "PCA-64"):
        row = lesson["transfer_row"](kind, "digits", 0)
        stored = transfer[(transfer["kind"] == kind) & (transfer["trained on"] == "digits")]
        for name in row:
            assert row[name] == pytest.approx(stored[name].item(), rel=0.15)


def test_what_the_lesson_says_of_the_worlds(transfer):
    kinds = {
        kind: rows.set_index(["trained on", "seed"])[WORLDS]
        for kind, rows in transfer.groupby("kind")
    }
    mean, pca = (kinds[kind].droplevel("seed") for kind in ("mean image", "PCA-64"))
    own = {name: mean.loc[name, name] for name in WORLDS}
    digits, clothes, both = (kinds["network"].loc[name] for name in TRAINED)
    # digits: near, hardly, and worse than the mean image
    assert (digits["digits"] < digits["mirrored"]).all()
    assert 1.4 < (digits["mirrored"] / digits["digits"]).median() < 1.6
    assert (digits["clothes"] < own["clothes"]).all()
    assert round(digits["clothes"].median() / own["clothes"], 2) == 0.93
    for rows, times in ((digits, 9), (clothes, 3)):
        assert (rows["inverted"] > own["inverted"]).all()
        assert round(rows["inverted"].median() / own["inverted"]) == times
    assert (both["inverted"] > own["inverted"]).all()
    # clothes travel better
    assert lower(clothes["digits"] / own["digits"], digits["clothes"] / own["clothes"]) == 5
    assert lower(clothes["inverted"], digits["inverted"]) == 5
    assert 0.28 < (clothes["inverted"] / digits["inverted"]).median() < 0.38
    # both: behind the specialists at home, ahead of them abroad
    assert (
        lower(digits["digits"], both["digits"]) == lower(clothes["clothes"], both["clothes"]) == 5
    )
    assert round((both["digits"] / digits["digits"]).median(), 1) == 1.4
    assert round((both["clothes"] / clothes["clothes"]).median(), 2) == 1.07
    assert lower(both["digits"], clothes["digits"] / 2) >= 4
    assert lower(both["clothes"], digits["clothes"] / 2) == 5
    # PCA: better than the networks, save once
    for name, rows in zip(TRAINED, (digits, clothes, both), strict=True):
        for world in WORLDS:
            if (name, world) != ("digits", "inverted"):
                assert (rows[world] > pca.loc[name, world]).all()
    for name in ("mirrored", "inverted"):
        assert pca.loc["digits", name] == pca.loc[name, "digits"]


def test_pca_errors_are_the_same_both_ways_only_where_twice_leads_back(lesson):
    """Mirroring does, and a quarter turn, as rigid, doesn't."""

    def error(made_of, tried_on):
        few = lesson["few"]["digits"]
        made = lesson["changed"](few, "made of", made_of)
        tried = tried_on(few.test_images).contiguous()
        return image_errors(tried, reconstruct(lesson["linear"](made), tried)).mean().item()

    def still(pixels):
        return pixels

    for change, same in ((lambda x: x.flip(3), True), (lambda x: x.rot90(1, (2, 3)), False)):
        there, back = error(still, change), error(change, still)
        assert (there == pytest.approx(back, rel=1e-3)) is same


@pytest.mark.verify
def test_a_row_is_derived_anew_on_the_sample(lesson, transfer, cpu):
    row = lesson["transfer_row"]("network", "digits", 0)
    stored = transfer[(transfer["kind"] == "network") & (transfer["trained on"] == "digits")]
    for name in row:
        assert 0.75 * stored[name].min() < row[name] < 1.35 * stored[name].max()


def test_a_row_is_the_same_twice(lesson, cpu):
    few = lesson["few"]["digits"].take(300, 50)
    built = [lesson["rebuilt_by"]("network", few, 3)(few.test_images) for _ in "ab"]
    assert torch.equal(*built)


# ------------------------------------------------------------------------------------------ colour


def test_the_table_of_colours_is_complete(colours):
    wanted = [(name, 0) for name in ("mean image", "the perfect picture in grey", "PCA-64")]
    wanted += [(name, seed) for name in ("as it is", "with a product") for seed in range(5)]
    assert lesson_code.keys(colours, "network", "seed") == sorted(wanted)
    parts = colours["in grey"] + colours["in hue"]
    assert (parts - colours["error"]).abs().max() < 2e-5


def test_what_the_lesson_says_of_colour(colours, transfer):
    lines = colours.set_index(["network", "seed"])
    plain, product = lines.loc["as it is"], lines.loc["with a product"]
    mean, pca = lines.loc["mean image", 0], lines.loc["PCA-64", 0]
    grey = transfer.set_index(["kind", "trained on", "seed"])["digits"]
    share = grey["network"]["digits"] / grey["mean image"]["digits"].item()
    assert 0.4 < (share / (plain["error"] / mean["error"])).median() < 0.6  # "twice the share"
    assert (plain["error"] > pca["error"]).all() and (plain["error"] < mean["error"]).all()
    assert (plain["in grey"] < mean["in grey"] / 3).all()
    assert (plain["in hue"] > mean["in hue"]).all()
    for part, times in (("error", (0.45, 0.6)), ("in hue", (0.17, 0.22))):
        assert lower(product[part], plain[part]) == 5
        assert times[0] < (product[part] / plain[part]).median() < times[1]
    assert lower(product["in grey"], plain["in grey"]) == 4
    assert 0.93 < (product["in grey"] / plain["in grey"]).median() < 0.97  # "a twentieth"


@pytest.mark.parametrize("name", ["mean image", "the perfect picture in grey"])
def test_a_colour_row_is_derived_anew_on_the_sample(lesson, colours, name):
    row = lesson["colour_row"](name, 0)
    stored = colours[colours["network"] == name].iloc[0]
    for part in ("error", "in grey", "in hue"):
        assert row[part] == pytest.approx(stored[part], rel=0.15, abs=1e-6)


@pytest.mark.verify
@pytest.mark.parametrize("name", ["as it is", "with a product"])
def test_a_trained_colour_row_is_derived_anew_on_the_sample(lesson, colours, name, cpu):
    row = lesson["colour_row"](name, 0)
    stored = colours[colours["network"] == name]
    for part in ("error", "in grey", "in hue"):
        assert 0.7 * stored[part].min() < row[part] < 1.4 * stored[part].max()


def test_what_64_numbers_of_coloured_digits_are_worth(lesson):
    """On the sample, too, 38: PCA-38 of grey digits leaves no more, PCA-37 does."""
    few = lesson["few"]["digits"]
    pca, mean = (lesson["colour_row"](name, 0)["error"] for name in ("PCA-64", "mean image"))
    by_mean = image_errors(few.test_images, baselines.mean_image(few.train_images)).mean().item()
    less, enough = (error / by_mean for error in baselines.pca_errors(few, [37, 38]))
    assert enough <= pca / mean < less


def test_the_shipped_colours_are_greenish_or_violet(lesson):
    """Whatever the original's hue: green is the brightest channel or the darkest."""
    pixels = lesson["few_hued"].test_images[:200]
    rebuilt = reconstruct(shipped.shaped("coloured"), pixels)
    strokes = pixels.amax(1, keepdim=True) > 127
    red, green, blue = (rebuilt * strokes).sum((2, 3)).T
    two = (green > red.maximum(blue)) | (green < red.minimum(blue))
    assert two.float().mean() > 0.9


def test_the_parts_of_an_error(lesson):
    """A wrong grey is all grey, a wrong hue all hue; together they are the error."""
    images = torch.zeros(2, 3, 4, 4)
    answer = torch.ones(2, 3, 4, 4) / 2
    assert lesson["in_parts"](images, answer) == {"error": 0.25, "in grey": 0.25, "in hue": 0.0}
    answer = torch.tensor([0.5, 0.0, -0.5]).view(3, 1, 1).expand(2, 3, 4, 4)
    assert lesson["in_parts"](images, answer) == {
        "error": pytest.approx(0.16667),
        "in grey": 0.0,
        "in hue": pytest.approx(0.16667),
    }


def test_the_product_gives_each_image_one_colour(lesson):
    network = lesson["Product"]((3, 28, 28)).eval()
    with torch.inference_mode():
        made = network(torch.rand(4, 3, 28, 28))
    assert made.shape == (4, 3, 28, 28) and made.min() >= 0 and made.max() <= 1
    ratio = made[:, 0] / made[:, 1]
    assert torch.allclose(ratio, ratio[:, :1, :1].expand_as(ratio), rtol=1e-4)
