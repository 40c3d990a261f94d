"""The table of lesson 08 is what the lesson's own functions make, and keeps its promises."""

from functools import partial

import pytest
import torch

import lesson_code
from ae_helpers.models import Autoencoder, count_parameters

SIZES = [2, 4, 8, 16, 32, 64, 128]
BUILDERS = ["row", "strided", "stacked", "pooled", "upsampled", "linear", "dense", "affordable"]
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
