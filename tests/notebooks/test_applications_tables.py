"""The stored tables of lesson 11 are what the lesson's own functions make, and say what it says."""

import pytest
import torch
from sklearn.metrics import roc_auc_score

import lesson_code
from ae_helpers import data, measures
from ae_helpers.measures import applications, latent
from ae_helpers.measures.pca import principal_directions
from ae_helpers.models import count_parameters, shipped

OF_AN_AUTOENCODER = ("error", "worst pixel", "worst patch", "nearest code")
CONTROLS = ["ink", "mean image: error", "blur: error", "blur: worst pixel"]
LIBRARY = ["Mahalanobis", "isolation forest", "local outlier factor"]
OWN, LINEAR = ([f"{name}: {kind}" for kind in OF_AN_AUTOENCODER] for name in ("network", "PCA"))
RIVALS = LINEAR + CONTROLS + LIBRARY
KINDS = ["scratch", "specks", "gap", "stain", "mirrored"]
WHERE = [f"{name}: where" for name in ("PCA", "blur", "network")]
FOR_A_CLASS = [name for name in [*OWN, *RIVALS] if "worst" not in name]
FUNCTIONS = (
    "seeded",
    "trained",
    "without",
    "autoencoder_scores",
    "blurred",
    "control_scores",
    "library_scores",
    "rival_scores",
    "areas",
    "studied",
    "unknown_rows",
    "broken",
    "spoiled",
    "pointed_at",
    "defect_rows",
)


@pytest.fixture(scope="module")
def unknown():
    return lesson_code.table("11", "unknown")


@pytest.fixture(scope="module")
def defects():
    return lesson_code.table("11", "defects")


@pytest.fixture(scope="module")
def lesson():
    """What trains, damages, scores and makes the rows."""
    return lesson_code.define("11", *FUNCTIONS, digits=None, few=None, few_epochs=2)


def test_the_tables_are_complete(unknown, defects):
    wanted = [(digit, seed) for digit in range(10) for seed in range(5)]
    assert lesson_code.keys(unknown, "left out", "seed") == wanted
    assert list(unknown.columns) == ["left out", "seed", "epochs", *FOR_A_CLASS]
    wanted = [(share, kind, s) for share in (0, 0.01, 0.1) for kind in KINDS for s in range(5)]
    assert lesson_code.keys(defects, "scratched", "defect", "seed") == sorted(wanted)
    keys = ["scratched", "defect", "seed", "error"]
    assert list(defects.columns) == [*keys, *OWN, *RIVALS, *WHERE]
    assert unknown[FOR_A_CLASS].stack().between(0, 1).all()
    assert defects[[*OWN, *RIVALS, *WHERE]].stack().between(0, 1).all()
    assert (defects["error"] < 0.0675 / 5).all()  # the mean image's


def test_rivals_know_no_seed(unknown, defects):
    of_a_class = [name for name in FOR_A_CLASS if name in RIVALS]
    assert (unknown.groupby("left out")[of_a_class].nunique() == 1).all(axis=None)
    assert (defects.groupby(["scratched", "defect"])[RIVALS].nunique() == 1).all(axis=None)


def test_what_the_lesson_says_of_a_class_never_seen(unknown):
    assert (unknown["network: nearest code"] > unknown["network: error"]).all()  # 50 of 50
    areas = unknown.groupby("left out")[FOR_A_CLASS].mean()
    mean, error = areas.mean(), areas["network: error"]
    assert mean["network: error"] < mean["PCA: error"] < 0.65
    assert mean["PCA: nearest code"] == pytest.approx(0.87, abs=0.005)
    assert (error[[2, 6, 8]] > 0.8).all() and (abs(error[[7, 9]] - 0.5) < 0.06).all()
    assert error[1] < 0.1
    ahead = areas["network: nearest code"] - areas["PCA: nearest code"]
    each = unknown.set_index("left out")
    of_each = each["network: nearest code"] - each["PCA: nearest code"]
    assert (of_each.loc[1] > 0.2).all() and (of_each.loc[[4, 7]] > 0.07).all()  # all five seeds
    assert (abs(ahead.drop([1, 4, 7])) < 0.05).all()
    behind = areas["network: nearest code"] - areas["local outlier factor"]
    assert behind.idxmax() == 1 and (behind[[1, 3, 5]] > 0.08).all()
    assert (behind.drop([1, 3, 5]) < 0.07).all()
    for name in ("isolation forest", "Mahalanobis"):
        assert abs(mean[name] - mean["network: error"]) < 0.07
    nothing_to_draw = areas.loc[1, ["ink", "mean image: error", "blur: error"]]
    assert (nothing_to_draw < 0.25).all()


def test_what_the_lesson_says_of_defects(defects):
    clean = defects[defects["scratched"] == 0]
    medians = clean.groupby("defect")[[*OWN, *RIVALS]].median()
    for defect, rows in clean.groupby("defect"):
        error_first = rows["network: error"] > rows["network: nearest code"]
        assert error_first.sum() == (5 if defect in ("scratch", "specks", "stain") else 0)
    for defect, area in (("scratch", 0.97), ("specks", 0.99)):
        rows = clean[clean["defect"] == defect]
        assert medians.loc[defect, "network: worst pixel"] == pytest.approx(area, abs=0.006)
        assert (rows["blur: worst pixel"] > rows[OWN].max(axis=1)).all()
    best = {kind: clean[clean["defect"] == kind][RIVALS].max(axis=1) for kind in KINDS}
    ahead = {
        kind: clean[clean["defect"] == kind][OWN].sub(best[kind], axis=0) > 0 for kind in KINDS
    }
    assert (
        ahead["stain"]["network: error"].all() and ahead["mirrored"]["network: nearest code"].all()
    )
    assert ahead["gap"]["network: nearest code"].sum() == 3
    stain = medians.loc["stain"].round(2)
    assert list(stain[["PCA: error", "Mahalanobis", "network: error"]]) == [0.66, 0.72, 0.81]
    assert medians.loc["stain", "blur: worst pixel"] < 0.5
    forest = medians["isolation forest"]
    assert forest["mirrored"] > 0.7 and (forest.drop("mirrored") < 0.54).all()
    alike = medians["local outlier factor"] - medians["PCA: nearest code"]
    assert (alike.abs() < 0.035).all()  # "nearly what PCA's finds"
    assert (medians[["ink", "mean image: error"]] < 0.59).all(axis=None)
    where = clean.groupby("defect")[WHERE].median()
    assert (
        where.loc["scratch", "network: where"] > 0.9 and where.loc["specks", "network: where"] > 0.9
    )
    assert (where["blur: where"] > where["network: where"])[["scratch", "specks", "gap"]].all()
    assert where.loc["gap", "network: where"] == pytest.approx(0.5, abs=0.03)


def test_what_the_lesson_says_of_scratched_training_images(defects):
    names = [*OWN, *RIVALS]
    scratches = defects[defects["defect"] == "scratch"].set_index(["scratched", "seed"])[names]
    for share, most in ((0.01, 0.0051), (0.1, 0.0301)):
        lost = scratches.loc[0.0] - scratches.loc[share]
        assert (lost.abs() <= most).all(axis=None)
        assert lost["Mahalanobis"].median() == lost.median().max()
        if share == 0.01:
            assert (lost[OWN].abs() < 0.002).all(axis=None)
            assert lost["Mahalanobis"].median() == pytest.approx(0.004, abs=0.0005)
    assert lost["network: error"].max() < 0.005 and lost["network: nearest code"].max() < 0.011


@pytest.mark.verify
def test_a_row_is_derived_anew_on_the_sample(lesson, unknown, sample, cpu):
    """With other digits and a ninth of the steps, so not the same, but near."""
    images = sample.take(2_000, 1_000)
    (row,) = lesson["unknown_rows"](1, images, [0], run_epochs=4, batch=32)
    assert list(row) == list(unknown.columns)
    stored = unknown[unknown["left out"] == 1].mean()
    for name in FOR_A_CLASS[:-1]:  # the last one, of densities, depends on how many are known
        assert row[name] == pytest.approx(stored[name], abs=0.15), name


@pytest.mark.verify
def test_rows_of_defects_are_derived_anew_on_the_sample(lesson, defects, sample, cpu):
    rows = list(lesson["defect_rows"](0.0, sample.take(2_000, 1_000), [0], run_epochs=4))
    assert [row["defect"] for row in rows] == KINDS
    stored = defects[defects["scratched"] == 0].groupby("defect")[[*OWN, *RIVALS, *WHERE]].median()
    for row in rows:
        assert list(row) == list(defects.columns)
        for name in (*RIVALS, *WHERE[:2]):
            near = pytest.approx(stored.loc[row["defect"], name], abs=0.12)
            assert row[name] == near, (row["defect"], name)
    assert rows[0]["network: worst pixel"] > 0.85 and rows[4]["network: nearest code"] > 0.7


@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.8])
def test_what_pca_lets_through_of_noise(sample, sigma):
    """64/784 of Gaussian noise, about twice that share of noise that is cut off."""
    axes = principal_directions(sample.train_images).axes[:, :64]
    images, generator = data.to_float(sample.test_images), torch.Generator().manual_seed(0)
    gaussian = sigma * torch.randn(images.shape, generator=generator)
    cut_off = (images + gaussian).clamp(0, 1) - images

    def share(noise):
        return (noise.flatten(1) @ axes).square().sum().item() / noise.square().sum().item()

    assert share(gaussian) == pytest.approx(64 / 784, rel=0.02)
    assert 2 < share(cut_off) / (64 / 784) < 2.6


def test_a_patch_isnt_the_pointer_for_all_of_its_size(lesson, sample):
    """The worst pixel finds more gaps, which are as large as the patch, and scratches."""
    test, kinds, names, whole = lesson["broken"](sample.take(2_000, 400))
    rebuilt = measures.reconstruct(shipped.steady(), test)
    for kind, name in enumerate(names[1:-1], start=1):
        these = kinds == kind
        case = rebuilt[these], test[these], whole
        pixel, patch = (lesson["pointed_at"](*case, side)[0] for side in (1, 5))
        assert (patch > pixel) == (name == "stain"), (name, pixel, patch)


def test_ink_is_in_the_middle_though_most_digits_reach_beyond(sample):
    images = data.to_float(sample.test_images)
    around = images.clone()
    frame = applications.FRAME
    around[..., frame:-frame, frame:-frame] = 0
    assert 0.02 < around.sum() / images.sum() < 0.05
    assert around.flatten(1).any(1).float().mean() > 0.5


def test_a_mirrored_1_is_a_1(sample):
    """To the nearest training image; most others aren't what they were."""
    seen = data.to_float(sample.train_images).flatten(1)
    mirrored = data.to_float(sample.test_images).flip(3).flatten(1)
    digits = sample.test_labels
    kept = sample.train_labels[torch.cdist(mirrored, seen).argmin(1)] == digits
    shares = torch.stack([kept[digits == digit].float().mean() for digit in range(10)])
    assert shares[1] > 0.9 and shares[[0, 8]].min() > 0.5
    assert shares[[2, 3, 5, 6]].max() < 0.35


@pytest.mark.parametrize(("sigma", "share"), [(0.2, 0.4), (0.4, 0.4), (0.8, 0.35)])
def test_the_veil(sigma, share):
    """0.4σ on average over black pixels, and less where much is cut off at 1, too."""
    black = torch.zeros(100, 1, 28, 28)
    noisy = applications.add_noise(black, sigma, torch.Generator().manual_seed(0))
    assert noisy.mean().item() / sigma == pytest.approx(share, abs=0.006)


def test_tables_of_p_are_small_beside_the_decoder(sample):
    backbone = shipped.steady()
    codes = latent.encode(backbone, sample.train_images)
    symbols = applications.quantise(codes, 0.5 * codes.std(0).mean().item())
    entries = (symbols.amax(0) - symbols.amin(0) + 1).sum()
    assert entries < count_parameters(backbone.decoder) / 20


def test_a_filler_repairs_noise_worse_than_who_was_never_shown_any(sample):
    """It takes some of it away all the same, as any narrow code does."""
    images, filler, backbone = sample.test_images[:200], shipped.filler(), shipped.steady()
    noisy = applications.add_noise(images, 0.6, torch.Generator().manual_seed(0))
    left = [
        measures.image_errors(images, rebuilt).mean()
        for rebuilt in (*(measures.reconstruct(m, noisy) for m in (backbone, filler)), noisy)
    ]
    assert left[0] < left[1] < 0.6 * left[2]


def test_leaving_out_leaves_out(lesson, small):
    known = lesson["without"](small, 3)
    assert set(known.train_labels.tolist()) == set(range(10)) - {3}
    kept = small.train_labels != 3
    assert torch.equal(known.train_images, small.train_images[kept])
    assert torch.equal(known.test_images, small.test_images)


def test_the_scores_are_what_they_are_called(lesson, small, build):
    network, known, test = build(norm="batch"), small.train_images, small.test_images[:20]
    scores = lesson["autoencoder_scores"]("network", network, known, test)
    assert list(scores) == OWN
    rebuilt = measures.reconstruct(network, test)
    error = (data.to_float(test) - rebuilt).square().flatten(1)
    torch.testing.assert_close(scores["network: error"], error.mean(1))
    torch.testing.assert_close(scores["network: worst pixel"], error.amax(1))
    codes = [latent.encode(network, images) for images in (test, known)]
    torch.testing.assert_close(scores["network: nearest code"], torch.cdist(*codes).amin(1))
    rivals = lesson["rival_scores"](small.train_images, test)
    assert list(rivals) == RIVALS
    assert all(each.shape == (20,) and each.isfinite().all() for each in rivals.values())
    flat = torch.full((1, 1, 28, 28), 0.5)
    assert lesson["blurred"](flat)[..., 1:-1, 1:-1] == pytest.approx(0.5)


def test_areas_compare_a_kind_with_the_good(lesson):
    scores, kinds = {"a": torch.tensor([0.1, 0.2, 0.3, 0.0, 0.15])}, torch.tensor([0, 0, 1, 2, 2])
    assert lesson["areas"](scores, kinds, 1) == {"a": 1.0}
    expected = roc_auc_score([False, False, True, True], [0.1, 0.2, 0.0, 0.15])
    assert lesson["areas"](scores, kinds, 2) == {"a": expected}


def test_training_images_are_spoiled_by_share(lesson, small):
    share = 10 / len(small.train_images)
    found = lesson["spoiled"](small, share)
    changed = (found.train_images != small.train_images).flatten(1).any(1)
    assert 8 <= changed.sum() <= 10 and not changed[10:].any()
    assert torch.equal(lesson["spoiled"](small, 0).train_images, small.train_images)


def test_a_map_points_at_the_worst_place(lesson):
    whole = torch.zeros(2, 1, 28, 28)
    broken = whole.clone()
    broken[:, 0, 10, 10] = 1
    rebuilt = broken.clone()
    rebuilt[0, 0, 11, 11] = 0.5  # beside the defect
    rebuilt[1, 0, 20, 20] = 0.5
    assert lesson["pointed_at"](rebuilt, broken, whole) == (0.5, pytest.approx(9 / 784))
    rebuilt[0, 0, 20, 20:22] = 0.4  # the worst patch is elsewhere
    assert lesson["pointed_at"](rebuilt, broken, whole, side=5)[0] == 0
