"""Matrix products instead of PyTorch's layers: the same numbers, the same gradients."""

import copy
import importlib

import pytest
import torch
from torch import nn

from ae_helpers import training
from ae_helpers.models import Autoencoder, any_shape
from ae_helpers.training import by_hand, loop, matrix_products

fit_module = importlib.import_module("ae_helpers.training.fit")  # there, `fit` is the function

BANDED, ONE_PIXEL = matrix_products._banded, matrix_products._conv_to_one_pixel
STAMPS, ONE_STAMP = matrix_products._stamps, matrix_products._stamp_of_one_pixel
OVERLAP = matrix_products._banded_stamps

conv, transposed = nn.Conv2d, nn.ConvTranspose2d

# A layer, the image it gets, the rule it falls under, and whether the rule can compute it or
# hands it back to PyTorch.
CASES = {
    "encoder 1": (conv(1, 8, 15, padding=1), (28, 28), BANDED, True),
    "encoder 2": (conv(8, 16, 3, stride=2, padding=1), (16, 16), ONE_PIXEL, False),
    "encoder 3": (conv(16, 32, 3, stride=2, padding=1), (8, 8), ONE_PIXEL, False),
    "encoder 4": (conv(32, 64, 5, stride=2, padding=1), (4, 4), ONE_PIXEL, True),
    "decoder 1": (transposed(64, 32, 4), (1, 1), ONE_STAMP, True),
    "decoder 2": (transposed(32, 16, 2, stride=2), (4, 4), STAMPS, True),
    "decoder 3": (transposed(16, 8, 2, stride=2), (8, 8), STAMPS, True),
    "decoder 4": (transposed(8, 1, 4, stride=2, padding=3), (16, 16), OVERLAP, True),
    "banded, no padding": (conv(1, 3, 9), (12, 16), BANDED, True),
    "banded, one strip": (conv(1, 3, 9, padding=2), (8, 8), BANDED, True),
    "columns not a multiple": (conv(1, 3, 9), (12, 15), BANDED, False),
    "columns not a multiple, padded": (conv(1, 3, 9, padding=1), (12, 15), BANDED, False),
    "large kernel, stride 2": (conv(1, 3, 9, stride=2), (20, 20), ONE_PIXEL, False),
    "large kernel, two channels": (conv(2, 3, 9), (12, 12), ONE_PIXEL, False),
    "small kernel": (conv(1, 3, 7), (14, 14), ONE_PIXEL, False),
    "one window, exact": (conv(2, 3, 4), (4, 4), ONE_PIXEL, True),
    "one window, wide padding": (conv(2, 3, 7, stride=3, padding=2), (4, 4), ONE_PIXEL, True),
    "one window, part unseen": (conv(2, 3, 4, stride=3), (5, 5), ONE_PIXEL, False),
    "one window, not square": (conv(2, 3, 4, stride=4), (4, 5), ONE_PIXEL, False),
    "stamps, not square": (transposed(3, 2, 3, stride=3), (2, 5), STAMPS, True),
    "stamps of one pixel": (transposed(3, 2, 1), (4, 4), STAMPS, True),
    "stamps that overlap": (transposed(3, 2, 4), (2, 2), ONE_STAMP, False),
    "one stamp, stride": (transposed(3, 2, 4, stride=2), (1, 1), ONE_STAMP, True),
    "overlap, three deep": (transposed(3, 1, 6, stride=2, padding=4), (5, 7), OVERLAP, True),
    "overlap, a thin rim": (transposed(3, 1, 4, stride=2, padding=1), (5, 5), None, False),
    "overlap, uneven": (transposed(3, 1, 3, stride=2, padding=1), (5, 5), None, False),
    "overlap, two channels": (transposed(3, 2, 4, stride=2, padding=3), (5, 5), None, False),
    "output padding": (transposed(3, 2, 2, stride=2, output_padding=1), (4, 4), None, False),
    "no bias": (conv(1, 3, 9, bias=False), (12, 12), None, False),
    "transposed, no bias": (transposed(3, 2, 2, stride=2, bias=False), (4, 4), None, False),
    "groups": (conv(4, 4, 4, groups=2), (4, 4), None, False),
    "transposed groups": (transposed(4, 4, 2, stride=2, groups=2), (4, 4), None, False),
    "dilation": (conv(2, 3, 3, dilation=2), (8, 8), None, False),
    "oblong kernel": (conv(1, 3, (9, 3)), (12, 12), None, False),
    "oblong stride": (conv(1, 3, 9, stride=(1, 2)), (12, 12), None, False),
    "oblong padding": (conv(1, 3, 9, padding=(1, 2)), (12, 12), None, False),
    "reflection": (conv(1, 3, 9, padding=4, padding_mode="reflect"), (12, 12), None, False),
    "padding=same": (conv(1, 3, 9, padding="same"), (12, 12), None, False),
    "another class": (nn.Linear(5, 2), (4, 5), None, False),
}


@pytest.fixture
def torchs_own(monkeypatch):
    """The layers that PyTorch itself computes, in order."""
    called = []

    def spy(kind, name):
        original = getattr(kind, name)

        def method(layer, *args, **kwargs):
            called.append(layer)
            return original(layer, *args, **kwargs)

        monkeypatch.setattr(kind, name, method)

    spy(nn.Conv2d, "_conv_forward")
    spy(nn.ConvTranspose2d, "forward")
    spy(nn.Linear, "forward")
    return called


def outcome(layer, x, weights):
    """The output, and the gradients of a weighted sum of it: of the input, the parameters."""
    x = x.clone().requires_grad_()
    layer.zero_grad()
    output = layer(x)
    (output * weights).sum().backward()
    return [output.detach(), x.grad, *(p.grad.clone() for p in layer.parameters())]


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("layer", "size", "rule", "fits"), CASES.values(), ids=CASES)
def test_same_numbers(layer, size, rule, fits, memory_format, torchs_own):
    layer = copy.deepcopy(layer)
    generator = torch.Generator().manual_seed(0)
    for parameter in layer.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) / 5)
    x = torch.randn(6, getattr(layer, "in_channels", 1), *size, generator=generator)
    x = x.contiguous(memory_format=memory_format)
    weights = torch.randn(layer(x).shape, generator=generator)
    expected = outcome(layer, x, weights)

    torchs_own.clear()
    with matrix_products.as_products(layer):
        assert getattr(layer.forward, "func", None) is rule
        found = outcome(layer, x, weights)
    assert torchs_own == ([] if fits else [layer])
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.shape == theirs.shape
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_cases_reach_every_rule():
    reached = {(rule, fits) for _, _, rule, fits in CASES.values()}
    both_ways = {(rule, fits) for rule in (BANDED, ONE_PIXEL, ONE_STAMP) for fits in (True, False)}
    assert reached == both_ways | {(STAMPS, True), (OVERLAP, True), (None, False)}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"norm": "batch", "output": "linear"},
        *(
            {"kind": any_shape.build, "shape": shape}
            for shape in ((3, 28, 28), (3, 32, 32), (1, 30, 30), (1, 28, 30), (1, 33, 30))
        ),
    ],
    ids=lambda options: str(options.get("shape", options)),
)
def test_a_whole_network(build, torchs_own, options):
    """The backbone, and networks for images of other shapes."""
    model, generator = build(**options), torch.Generator().manual_seed(1)
    images, weights = torch.rand(2, 70, *model.input_shape, generator=generator)
    expected = outcome(model, images, weights)
    model.to(memory_format=torch.channels_last)
    torchs_own.clear()
    with matrix_products.as_products(model):
        found = outcome(model, images, weights)
    largest = max(tensor.abs().max().item() for tensor in expected)
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5 * largest)
    if "kind" not in options:
        assert torchs_own == [model.encoder.conv2, model.encoder.conv3]


def test_memory_that_is_used_again():
    """Batches of several sizes in turn; an evaluation first; gradients of the input, and none."""
    layer = nn.Conv2d(1, 8, 15, padding=1)
    generator = torch.Generator().manual_seed(0)
    matrix_products._scratch.cache_clear()
    matrix_products._shifts.cache_clear()

    def gradient(x):
        layer.zero_grad()
        layer(x).square().sum().backward()
        return layer.weight.grad.clone()

    for count, input_too in ((4, True), (4, False), (3, True), (3, False), (2, True), (4, False)):
        x = torch.randn(count, 1, 28, 28, generator=generator)
        with torch.inference_mode():
            expected = layer(x)
        wanted = gradient(x)
        with matrix_products.as_products(layer):
            with torch.inference_mode():
                torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)
            found = gradient(x.requires_grad_(input_too))
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


def test_layers_are_restored():
    model = Autoencoder()
    with matrix_products.as_products(model):
        assert sum("forward" in vars(module) for module in model.modules()) == 8
    assert not any("forward" in vars(module) for module in model.modules())
    with pytest.raises(KeyError), matrix_products.as_products(model):
        raise KeyError
    assert not any("forward" in vars(module) for module in model.modules())


def test_a_subclass_keeps_its_own_method():
    class Doubled(nn.Conv2d):
        def forward(self, x):
            return 2 * super().forward(x)

    layer, x = Doubled(2, 3, 4), torch.rand(1, 2, 4, 4)
    expected = layer(x)
    with matrix_products.as_products(layer):
        torch.testing.assert_close(layer(x), expected)


def test_steps_agree_to_the_last_digits_of_double_precision(build, torchs_own):
    """In float32 rounding grows with the steps; in float64 it stays small enough to see through."""
    images, models = torch.rand(96, 1, 28, 28), []

    def squared(model, batch):
        return (model(batch.double()) - batch).square().mean()

    for steps in (loop.train_steps, matrix_products.train_steps):
        torchs_own.clear()
        models.append(build().double())
        optimizer = torch.optim.Adam(models[-1].parameters(), lr=1e-2)
        batches = torch.arange(96).repeat(5).split(32)
        assert len(list(steps(models[-1], images, batches, optimizer, None, squared))) == 15
    assert {models[1].encoder.conv2, models[1].encoder.conv3} == set(torchs_own)
    for mine, theirs in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("options", "settings", "steps"),
    [
        ({}, {}, by_hand.train_steps),
        ({}, {"fast": False}, loop.train_steps),
        ({}, {"batch_size": 600}, matrix_products.train_steps),
        ({}, {"objective": lambda model, batch: model(batch).mean()}, matrix_products.train_steps),
        ({"norm": "batch"}, {}, matrix_products.train_steps),
        ({"norm": "batch"}, {"fast": False}, loop.train_steps),
    ],
    ids=["backbone", "not fast", "large batches", "another objective", "another", "it, not fast"],
)
def test_the_steps_that_fit_takes(build, small, cpu, monkeypatch, options, settings, steps):
    chosen, choose = [], fit_module.choose_steps
    monkeypatch.setattr(
        fit_module, "choose_steps", lambda *args: chosen.append(choose(*args)) or chosen[-1]
    )
    digits = small.take(600 if "batch_size" in settings else 70)
    training.fit(build(**options), digits, 1, progress=False, **settings)
    assert chosen == [steps]
