"""The table of lesson 08 is what the lesson's own functions make, and keeps its promises."""

import re
from functools import partial

import nbformat
import pytest
import torch

import lesson_code
from ae_helpers import measures
from ae_helpers.measures import baselines
from ae_helpers.models import Autoencoder, count_parameters, ledger

SIZES = [2, 4, 8, 16, 32, 64, 128]
BUILDERS = ["row", "strided", "stacked", "pooled", "upsampled", "linear", "dense", "affordable"]
BUILDERS += ["with_sigmoid"]
UNTIED = ["OwnWindows", "OwnStamps", "untie", "untied"]

stored = partial(lesson_code.table, "08", "architectures")


@pytest.fixture(scope="module")
def lesson():
    """What builds the networks and trains them, in as many steps as the study has on the sample."""
    names = ("networks", *BUILDERS, *UNTIED, "local", "with_numbers", "sizes", "wide")
    known = {"visits": 8, "sticks": {}}
    return lesson_code.define("08", *names, "train", "images_of", "one_run", "rearranged", **known)


@pytest.fixture(scope="module")
def errors():
    """Five seeds of each network, by name."""
    return stored().pivot(index="seed", columns="network", values="test error")


def test_the_table_is_complete(lesson, errors):
    once = ["mean image", *(f"PCA-{k}" for k in SIZES)]
    wanted = [(name, seed) for name in lesson["networks"] for seed in range(5)]
    found = lesson_code.keys(stored(), "network", "seed")
    assert found == sorted([*wanted, *((name, 0) for name in once)])
    learned = errors.drop(columns="mean image")
    assert learned.min().min() > 0.002 and learned.max().max() < errors.loc[0, "mean image"]


# The lesson's comparisons by its rule: the median difference of 5 of 5, or None: we can't tell.
SAID = {
    ("15×15 strided", "backbone"): None,
    ("3×3 strided", "15×15 strided"): -0.0006,
    ("3×3 strided", "backbone"): -0.0007,
    ("3×3 stack", "backbone"): -0.0006,
    ("max-pooled", "3×3 strided"): 0.0027,
    ("mean-pooled", "3×3 strided"): 0.0012,
    ("upsampled", "3×3 strided"): 0.001,
    ("dense", "linear"): 0.0046,
    ("wide dense", "linear"): -0.0021,
    ("wide dense", "backbone"): None,
    ("linear, sigmoid", "linear"): -0.0038,
    ("linear, sigmoid", "wide dense"): -0.0017,
    ("linear, sigmoid", "backbone"): -0.0008,
    ("untied", "3×3 strided"): None,
    ("untied", "wide dense"): -0.0015,
    ("3×3 strided", "wide dense"): -0.0014,
    ("3×3 strided, shuffled", "3×3 strided"): 0.0067,
    ("untied, shuffled", "untied"): 0.0028,
    ("wide dense, shuffled", "wide dense"): None,
    ("3×3 strided, shuffled", "untied, shuffled"): 0.0035,
    ("backbone", "backbone-32"): -0.0013,
    ("backbone-128", "backbone"): -0.0006,
    ("backbone-128", "PCA-128"): 0.0014,
}


def in_pairs(errors, one, other):
    """PCA has no seed: the one error it has stands on all."""
    return measures.in_pairs(*(errors[name].ffill().tolist() for name in (one, other)))


def test_the_lesson_speaks_of_each_comparison_as_the_table_does(errors):
    printed = []
    for cell in nbformat.read(lesson_code.find("08"), as_version=4).cells:
        texts = (output.get("text", "") for output in cell.get("outputs", []))
        printed += re.findall(r"(?m)^(.+) against (.+): (lower in .+)$", "".join(texts))
    found = {(one, other): line for one, other, line in printed}
    assert found.keys() == SAID.keys() and len(printed) == len(SAID)
    for (one, other), line in found.items():
        pairs = in_pairs(errors, one, other)
        assert line == str(pairs), (one, other)
        told = pairs.pairs == 5 and pairs.lower in (0, 5)
        assert (round(pairs.difference, 4) if told else None) == SAID[one, other], (one, other)


def test_the_lesson_reads_each_seed(errors):
    """``five`` knows what has no seed from a network whose name begins alike."""
    sticks = {"mean image": 0, **{f"PCA-{k}": 0 for k in SIZES}}
    five = lesson_code.define("08", "five", "one_row", sticks=sticks, digits=None)["five"]
    for name in errors.drop(columns=[*sticks]):
        assert five(name) == errors[name].tolist()
    assert five("PCA-64") == [errors["PCA-64"][0]] * 5


def test_a_change_leaves_all_other_layers_as_they_were(lesson):
    """The same seed, and so the same weights: else a pair would differ in more than is said."""

    def built(name):
        torch.manual_seed(3)
        return lesson["networks"][name]().state_dict()

    changed = {
        ("backbone", "15×15 strided"): ["encoder.conv1"],
        ("15×15 strided", "3×3 strided"): ["encoder.conv1"],
        ("backbone", "3×3 stack"): ["encoder.conv1"],
        ("3×3 strided", "max-pooled"): [],
        ("3×3 strided", "mean-pooled"): [],
        ("3×3 strided", "upsampled"): [f"decoder.deconv{number}" for number in (2, 3, 4)],
    }
    for pair, layers in changed.items():
        one, other = map(built, pair)
        alike = {k for k in one.keys() & other.keys() if torch.equal(one[k], other[k])}
        for key in one.keys() | other.keys():
            assert key in alike or any(key.startswith(layer) for layer in layers), (pair, key)


def test_an_untied_network_starts_as_the_shared_one(lesson):
    networks, images = [], torch.rand(3, 1, 28, 28)
    for name in ("3×3 strided", "untied"):
        torch.manual_seed(3)
        networks.append(lesson["networks"][name]())
    shared, own = networks
    torch.testing.assert_close(own(images), shared(images))
    # and goes its own way: no two places of a layer get the same gradient
    own(images).square().sum().backward()
    gradient = own.encoder.conv2.weight.grad.view(16, 49, -1)
    assert not torch.allclose(gradient[:, 20], gradient[:, 21])


def test_a_first_pooled_is_a_stride(lesson):
    """Pooling that kept the first of each 2×2 would be the strided network."""

    class First(torch.nn.Module):
        def __init__(self, size, ceil_mode):
            super().__init__()
            assert (size, ceil_mode) == (2, True)

        def forward(self, x):
            return x[:, :, ::2, ::2]

    images, networks = torch.rand(3, 1, 28, 28), []
    for build in (lesson["networks"]["3×3 strided"], partial(lesson["pooled"], First)):
        torch.manual_seed(3)
        networks.append(build().eval())
    torch.testing.assert_close(networks[0](images), networks[1](images))


def test_what_the_lesson_says_of_its_picture(errors):
    drawn = errors.loc[:, ~errors.columns.str.contains("backbone-|PCA|mean image")]
    worse = drawn.columns[(drawn > errors["PCA-64"][0]).all()]
    assert sorted(worse) == ["3×3 strided, shuffled", "dense", "linear"]
    best = ["linear, sigmoid", "untied", "3×3 strided"]
    assert drawn.median().nsmallest(3).index.tolist() == best


def test_what_the_lesson_says_of_sizes(errors):
    """Claims about the bottleneck that aren't comparisons in pairs."""
    share = {k: errors["backbone" if k == 64 else f"backbone-{k}"].median() for k in SIZES}
    share = {k: error / errors[f"PCA-{k}"][0] for k, error in share.items()}
    assert sorted(share, key=share.get)[:2] == [32, 16] and max(share[16], share[32]) < 0.5
    for k in (32, 64):
        assert 1.8 < errors[f"PCA-{k}"][0] / errors[f"PCA-{2 * k}"][0] < 2.2


def test_what_the_lesson_says_of_prices(lesson):
    """Multiplications of one image, and parameters that are ever read."""
    totals = {}
    for name in lesson["networks"]:
        totals[name] = ledger(lesson["networks"][name](), (1, 28, 28)).sum(numeric_only=True)
    backbone, shared, own = (totals[name] for name in ("backbone", "3×3 strided", "untied"))
    assert round(shared["multiplications"] / backbone["multiplications"], 1) == 0.4
    assert round(totals["3×3 stack"]["multiplications"] / backbone["multiplications"], 1) == 2.5
    for name, times in {"max-pooled": 2, "mean-pooled": 2, "upsampled": 3}.items():
        assert round(totals[name]["multiplications"] / shared["multiplications"]) == times
    assert round(backbone["multiplications"] / totals["linear, sigmoid"]["multiplications"]) == 8
    assert round(own["parameters"] / shared["parameters"], 1) == 3.5
    assert shared["ever read"] < own["ever read"] < totals["wide dense"]["ever read"]


@pytest.mark.parametrize("k", SIZES)
def test_a_backbone_with_other_numbers(lesson, k):
    network = lesson["with_numbers"](k).eval()
    images = torch.rand(3, 1, 28, 28)
    assert network.encode(images).shape == (3, k)
    assert network(images).shape == images.shape
    if k == 64:
        assert count_parameters(network) == count_parameters(Autoencoder.steady())


@pytest.mark.parametrize("name", ["linear", "dense"])
def test_a_row_is_derived_anew_on_the_sample(lesson, errors, sample, cpu, name):
    """Near the stored error, not there: fewer digits teach less."""
    lesson["study"] = sample
    assert errors[name].min() < lesson["one_run"](name, 0) < 2 * errors[name].max()


@pytest.mark.verify
@pytest.mark.parametrize("name", ["backbone-2", "untied"])
def test_a_slow_row_is_derived_anew_on_the_sample(lesson, errors, sample, cpu, name):
    lesson["study"] = sample.take(test=500)
    assert errors[name].min() < lesson["one_run"](name, 0) < 2 * errors[name].max()


@pytest.mark.verify
def test_on_the_sample_a_sigmoid_alone_is_no_gain(lesson, sample, cpu, monkeypatch):
    """Other than in the table, and the lesson says so."""
    lesson["study"] = sample
    monkeypatch.setitem(lesson, "visits", 3)  # the lesson's, 375 steps
    found = [lesson["one_run"](name, 0) for name in ("linear", "wide dense", "linear, sigmoid")]
    assert baselines.pca_errors(sample, [64])[0] < found[0] < found[1] < found[2]
