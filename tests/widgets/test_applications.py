"""Damage and threshold: what is painted is covered, what is counted is what scikit-learn counts."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import nn

from ae_helpers import measures
from ae_helpers.measures import applications
from ae_helpers.models import any_shape, shipped
from ae_helpers.plots.style import VERMILION
from ae_helpers.widgets import damage_digit, pictures, set_threshold
from ae_helpers.widgets.applications import ROWS
from ae_helpers.widgets.drawing import PAD, Brush
from shown import Copy, same, set_to, shows

ERROR = "squared error, 0 to 0.5"

# ------------------------------------------------------------------------------------- the damage


@pytest.fixture(scope="module")
def networks():
    return {"backbone": shipped.backbone(), "steady": shipped.steady()}


@pytest.fixture
def damage(networks, small):
    return damage_digit(networks, small.test_images)


def paint(explorer, mask):
    """Cover these of the digit's pixels, ``(28, 28)``, ``bool``, as the browser would."""
    drawing = mask.repeat_interleave(10, 0).repeat_interleave(10, 1).byte() * 255
    explorer.controls["brush"].set_state({"value": memoryview(drawing.numpy().tobytes())})


@pytest.mark.parametrize("network", ["backbone", "steady"])
@pytest.mark.parametrize("sigma", [0.0, 0.45, 1.0])
def test_it_shows_the_damage_and_the_networks_own_repair(damage, networks, small, network, sigma):
    mask = torch.zeros(28, 28, dtype=torch.bool)
    mask[5:12, 8:20] = True
    paint(damage, mask)
    set_to(damage, digit=3, noise=sigma, network=network)
    clean = small.test_images[3:4] / 255
    damaged = applications.add_noise(clean, sigma, torch.Generator().manual_seed(0))
    damaged[..., mask] = 0
    repaired = measures.reconstruct(networks[network], damaged)
    expected = {"damaged": damaged[0], "repaired": repaired[0], "clean": clean[0]}
    for name, image in expected.items():
        assert shows(damage, name, image)
    assert same(damage.shown[ERROR], pictures.error_map(clean[0], repaired[0]))
    text = damage.readout.value
    assert f"noise {sigma:.2f}, 84 of 784 pixels covered" in text
    assert f"an error of {(clean - damaged).square().mean():.4f}" in text
    assert f"by the {network} {(clean - repaired).square().mean():.4f} (MSE" in text
    assert not damage.errors


def test_the_brush_lies_on_the_noisy_digit(damage, small):
    """So that what is uncovered again is what was there before."""
    noisy = applications.add_noise(small.test_images[:1], 0.3, torch.Generator().manual_seed(0))
    below = Image.open(io.BytesIO(damage.controls["brush"].picture))
    assert same(below, pictures.as_image(noisy[0]))
    damage.buttons["Uncover"].click()
    assert shows(damage, "damaged", noisy[0])
    assert "0 of 784 pixels" in damage.readout.value


def test_damage_in_colour_and_of_any_shape():
    images = torch.rand(4, 3, 21, 24, generator=torch.Generator().manual_seed(0))
    network = any_shape.build((3, 21, 24), 4).eval()
    explorer = damage_digit({"own": network}, images)
    set_to(explorer, digit=2, noise=0.0)
    drawing = torch.zeros(PAD, PAD, dtype=torch.uint8)
    drawing[:, : PAD // 2] = 255
    explorer.controls["brush"].set_state({"value": memoryview(drawing.numpy().tobytes())})
    damaged = images[2:3].clone()
    damaged[..., :12] = 0
    assert shows(explorer, "damaged", damaged[0])
    assert shows(explorer, "repaired", measures.reconstruct(network, damaged)[0])
    assert "252 of 504 pixels covered" in explorer.readout.value and not explorer.errors


def test_threshold_in_colour():
    images = torch.rand(30, 3, 21, 24, generator=torch.Generator().manual_seed(0))
    unknown = torch.arange(30) >= 20
    explorer = set_threshold({"a score": torch.arange(30.0)}, unknown, images)
    assert "10 of 10 unknown caught" in explorer.readout.value
    assert explorer.shown["false alarms"].mode == "RGBA" and not explorer.errors


def test_a_pixel_is_covered_if_half_of_it_is(damage):
    for rows, covered in ((4, 0), (5, 1), (10, 1)):
        drawing = torch.zeros(PAD, PAD, dtype=torch.uint8)
        drawing[50 : 50 + rows, 70:80] = 255
        damage.controls["brush"].value = drawing.numpy().tobytes()
        assert f", {covered} of 784 pixels" in damage.readout.value


def test_the_noise_is_one_pattern_until_a_new_one_is_wanted(damage):
    before = damage.shown["damaged"].tobytes()
    damage.controls["noise"].value = 0.6
    stronger = damage.shown["damaged"].tobytes()
    damage.controls["noise"].value = 0.3
    assert damage.shown["damaged"].tobytes() == before != stronger
    damage.buttons["New noise"].click()
    assert damage.shown["damaged"].tobytes() != before
    assert "49 of 784" in damage.readout.value  # what is covered stays so


def test_another_size(small):
    explorer = damage_digit({"copy": Copy((1, 20, 20))}, small.test_images[:, :, 4:24, 4:24])
    assert explorer.shown["repaired"].size == (20, 20)
    assert same(explorer.shown["repaired"], explorer.shown["damaged"])
    assert "25 of 400 pixels" in explorer.readout.value and not explorer.errors


@pytest.mark.parametrize(
    ("networks", "shape", "error", "says"),
    [
        ([], (5, 1, 28, 28), TypeError, "The networks are a list; expected a dict"),
        ({}, (5, 1, 28, 28), ValueError, "The networks are empty"),
        ({"c": Copy((1, 20, 20))}, (5, 1, 28, 28), ValueError, "c: .*this network takes"),
        ({"linear": nn.Linear(2, 2)}, (5, 1, 28, 28), TypeError, "linear: A Linear has no encode"),
        ({"c": Copy((1, 28, 28))}, (0, 1, 28, 28), ValueError, "nothing in them"),
    ],
)
def test_what_cannot_be_damaged(networks, shape, error, says):
    with pytest.raises(error, match=says):
        damage_digit(networks, torch.rand(shape))


def test_the_brush_in_the_browser_covers_in_the_colour_of_figures():
    assert f'colour: "{VERMILION}"' in Brush._esm


# ---------------------------------------------------------------------------------- the threshold


@pytest.fixture(scope="module")
def scores():
    """A good detector, a bad one, and one with many scores alike; 100 scores each."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(100, generator=generator)
    return {"good": noise + 3 * UNKNOWN, "bad": noise, "ties": (noise + UNKNOWN).round()}


UNKNOWN = torch.arange(100) % 5 == 0  # 20 of 100


@pytest.fixture(scope="module")
def threshold(scores, small):
    return set_threshold(scores, UNKNOWN, small.test_images)


@pytest.mark.parametrize("detector", ["good", "bad", "ties"])
@pytest.mark.parametrize("accepted", [0, 5, 13, 50])
def test_it_counts_what_is_above_the_threshold(threshold, scores, detector, accepted):
    set_to(threshold, detector=detector, accepted=accepted)
    own, text = scores[detector], threshold.readout.value
    known = own[~UNKNOWN]
    share = accepted / 100
    # The lowest threshold that doesn't alarm more of the known ones than are accepted.
    level = min(score for score in known.tolist() if (known > score).float().mean() <= share)
    false, caught = (known > level).sum(), (own[UNKNOWN] > level).sum()
    assert f"threshold {level:.4g}: {caught} of 20 unknown caught ({caught / 20:.1%})" in text
    assert f"{false} of 80 known are false alarms ({false / 80:.1%})" in text
    assert false <= share * 80
    assert f"curve: {roc_auc_score(UNKNOWN, own):.3f} (0.5" in text
    assert not threshold.errors


def test_strips_show_what_went_wrong_the_worst_first(threshold, scores, small):
    set_to(threshold, detector="bad", accepted=10)
    own = scores["bad"]
    level = own[~UNKNOWN].sort().values[71]  # of 80, 8 are above
    false = sorted((i for i in range(100) if i % 5 and own[i] > level), key=lambda i: -own[i])
    missed = sorted((i for i in range(0, 100, 5) if own[i] <= level), key=lambda i: own[i])
    assert len(false) == 8 and len(missed) > 16  # there is room for 16
    for name, index in (("false alarms", false), ("missed", missed)):
        expected = pictures.tiles(small.test_images[index], ROWS, ROWS)
        assert threshold.shown[name].tobytes() == expected.tobytes()


def marks(explorer, name):
    """The middle of what is marked in a chart."""
    chart = np.asarray(explorer.shown[name].convert("RGB")).astype(int)
    rows, columns = (abs(chart - [0xD5, 0x5E, 0]).max(-1) < 9).nonzero()
    return columns.mean(), rows.mean()


def test_the_marks_follow_the_threshold(threshold):
    lines, dots = [], []
    threshold.controls["detector"].value = "good"
    for accepted in (0, 10, 30, 50):
        threshold.controls["accepted"].value = accepted
        lines.append(marks(threshold, "scores")[0])
        dots.append(marks(threshold, "ROC curve"))
    assert lines == sorted(lines, reverse=True) and len(set(lines)) == 4
    across, up = zip(*dots, strict=True)
    assert list(across) == sorted(across) and list(up) == sorted(up, reverse=True)


def test_scores_that_are_all_the_same(small):
    explorer = set_threshold({"constant": torch.zeros(100)}, UNKNOWN, small.test_images)
    assert "0 of 20 unknown caught" in explorer.readout.value
    assert "curve: 0.500" in explorer.readout.value and not explorer.errors


GOOD = torch.arange(100.0)


@pytest.mark.parametrize(
    ("scores", "unknown", "error", "says"),
    [
        (GOOD, UNKNOWN, TypeError, "The scores are a Tensor; expected a dict"),
        ({}, UNKNOWN, ValueError, "The scores are empty"),
        ({"a": GOOD.tolist()}, UNKNOWN, TypeError, "a: the scores are a list; expected a tensor"),
        ({"a": GOOD[:5]}, UNKNOWN, ValueError, r"a: the scores have shape \(5,\); .*\(100,\)"),
        ({"a": GOOD / 0}, UNKNOWN, ValueError, "a: 100 scores aren't finite"),
        ({"a": GOOD}, UNKNOWN.float(), TypeError, "unknown is torch.float32; expected a bool"),
        ({"a": GOOD}, UNKNOWN.tolist(), TypeError, "unknown is list; expected a bool"),
        ({"a": GOOD}, UNKNOWN[:5], ValueError, r"unknown has shape \(5,\); expected \(100,\)"),
        ({"a": GOOD}, UNKNOWN & False, ValueError, "0 of 100 images are unknown; expected some"),
        ({"a": GOOD}, UNKNOWN | True, ValueError, "100 of 100 images are unknown; expected some"),
    ],
)
def test_what_does_not_fit_together(small, scores, unknown, error, says):
    with pytest.raises(error, match=says):
        set_threshold(scores, unknown, small.test_images)
