"""The backbone's tables, and a ledger that agrees with what can be counted without it."""

import contextlib
import math

import pytest
import torch
from torch import nn

from ae_helpers import models
from ae_helpers.models import Autoencoder, Decoder, Encoder

# The layer, its output and its parameters: the tables that the project is built around.
ENCODER = [
    ("Conv2d(1, 8, kernel_size=15, stride=1, padding=1)", "8×16×16", 1_808),
    ("Conv2d(8, 16, kernel_size=3, stride=2, padding=1)", "16×8×8", 1_168),
    ("Conv2d(16, 32, kernel_size=3, stride=2, padding=1)", "32×4×4", 4_640),
    ("Conv2d(32, 64, kernel_size=5, stride=2, padding=1)", "64×1×1", 51_264),
]
DECODER = [
    ("ConvTranspose2d(64, 32, kernel_size=4, stride=1, padding=0)", "32×4×4", 32_800),
    ("ConvTranspose2d(32, 16, kernel_size=2, stride=2, padding=0)", "16×8×8", 2_064),
    ("ConvTranspose2d(16, 8, kernel_size=2, stride=2, padding=0)", "8×16×16", 520),
    ("ConvTranspose2d(8, 1, kernel_size=4, stride=2, padding=3)", "1×28×28", 129),
]


@pytest.mark.parametrize(
    ("half", "shape", "table", "parameters"),
    [
        (Encoder, (1, 28, 28), ENCODER, 58_880),
        (Decoder, (64, 1, 1), DECODER, 35_513),
        (Autoencoder, (1, 28, 28), ENCODER + DECODER, 94_393),
    ],
)
def test_tables(half, shape, table, parameters):
    found = models.ledger(half(), shape)
    assert list(zip(found["layer"], found["output"], found["parameters"], strict=True)) == table
    assert list(found.index) == list(range(1, len(table) + 1))
    assert list(found)[:4] == ["layer", "output", "parameters", "ever read"]
    assert list(found)[4:] == ["multiplications", "receptive field"]
    assert models.count_parameters(half()) == parameters == found["parameters"].sum()


def test_multiplications():
    """Outputs × the window that each is the sum of, then inputs × the stamp that each gives."""
    outputs = [8 * 16 * 16, 16 * 8 * 8, 32 * 4 * 4, 64 * 1 * 1]
    windows = [1 * 15 * 15, 8 * 3 * 3, 16 * 3 * 3, 32 * 5 * 5]
    inputs = [64 * 1 * 1, 32 * 4 * 4, 16 * 8 * 8, 8 * 16 * 16]
    stamps = [32 * 4 * 4, 16 * 2 * 2, 8 * 2 * 2, 1 * 4 * 4]
    found = models.ledger(Autoencoder(), (1, 28, 28))["multiplications"]
    expected = zip(outputs + inputs, windows + stamps, strict=True)
    assert list(found) == [many * each for many, each in expected]


def test_multiplications_agree_with_torch():
    from torch.utils.flop_counter import FlopCounterMode

    model = Autoencoder()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(torch.zeros(1, 1, 28, 28))
    multiplied_and_added = counter.get_total_flops()
    assert models.ledger(model, (1, 28, 28))["multiplications"].sum() * 2 == multiplied_and_added


def test_receptive_fields_are_what_can_be_seen():
    """Which pixels have a gradient, in an image so large that no border is near."""
    fields = models.ledger(Encoder(), (1, 28, 28))["receptive field"]
    assert list(fields) == ["15×15", "17×17", "21×21", "37×37"]
    layers = [layer for layer in Encoder() if isinstance(layer, nn.Conv2d)]
    for layer in layers:
        nn.init.ones_(layer.weight)
    for depth, field in enumerate(fields, start=1):
        image = torch.zeros(1, 1, 120, 120, requires_grad=True)
        output = nn.Sequential(*layers[:depth])(image)
        output[0, 0, output.shape[2] // 2, output.shape[3] // 2].backward()
        seen = image.grad[0, 0] != 0
        assert f"{seen.any(1).sum()}×{seen.any(0).sum()}" == field


def test_receptive_field_ends_where_the_decoder_begins():
    fields = list(models.ledger(Autoencoder(), (1, 28, 28))["receptive field"])
    assert fields == ["15×15", "17×17", "21×21", "37×37", "", "", "", ""]
    stack = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ConvTranspose2d(1, 1, 3), nn.Conv2d(1, 1, 3))
    assert list(models.ledger(stack, (1, 9, 9))["receptive field"]) == ["3×3", "", ""]


def test_ledger_of_pooling_upsampling_and_linear_layers():
    stack = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(2, 3, 3, padding=1),
        nn.AvgPool2d(2, padding=1),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(3, 1, 3, padding=1),
        nn.Upsample(size=3),
        nn.Flatten(),
        nn.Linear(9, 4),
    )
    table = models.ledger(stack, (1, 8, 8))
    assert table.values.tolist() == [
        ["Conv2d(1, 2, kernel_size=3, stride=1, padding=1)", "2×8×8", 20, 20, 2 * 64 * 9, "3×3"],
        ["MaxPool2d(kernel_size=2, stride=2, padding=0)", "2×4×4", 0, 0, 0, "4×4"],
        ["Conv2d(2, 3, kernel_size=3, stride=1, padding=1)", "3×4×4", 57, 57, 3 * 16 * 18, "8×8"],
        ["AvgPool2d(kernel_size=2, stride=2, padding=1)", "3×3×3", 0, 0, 0, "10×10"],
        ["Upsample(scale_factor=2.0)", "3×6×6", 0, 0, 0, ""],
        ["Conv2d(3, 1, kernel_size=3, stride=1, padding=1)", "1×6×6", 28, 28, 36 * 27, ""],
        ["Upsample(size=3)", "1×3×3", 0, 0, 0, ""],
        ["Linear(9, 4)", "4", 40, 40, 36, ""],
    ]


def test_ledger_knows_the_weights_that_only_ever_meet_padding():
    """Nine of conv4's 25 places: its one window begins on the padding, above and on the left."""
    table = models.ledger(Autoencoder(), (1, 28, 28))
    unread = table["parameters"] - table["ever read"]
    assert list(unread) == [0, 0, 0, 9 * 32 * 64, 0, 0, 0, 0]
    assert table["ever read"][4] == 512 * 64 + 64  # each of 512 numbers to each of 64, and biases


@pytest.mark.parametrize(
    ("layer", "side", "unread"),
    [
        (nn.Conv2d(3, 2, 5, stride=2, padding=1), 4, 6 * 9),
        (nn.Conv2d(3, 2, 5, stride=2, padding=1), 5, 6 * 0),  # two windows in a row and column
        (nn.Conv2d(3, 2, 4), 4, 0),
        (nn.Conv2d(1, 1, 3, padding=1), 1, 8),  # of a single pixel only the middle
        (nn.Conv2d(1, 1, (3, 5), padding=(1, 0)), 5, 0),
        (nn.Conv2d(1, 1, (3, 5), padding=(1, 2)), 1, 14),
        (nn.Conv2d(1, 1, 3, dilation=2, padding=2), 2, 8),
        (nn.Conv2d(4, 6, 3, padding=1, groups=2), 1, 12 * 8),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="replicate"), 1, 0),  # no zeros: copies
        (nn.ConvTranspose2d(2, 1, 4, padding=3), 4, 0),
        (nn.ConvTranspose2d(2, 1, 3, padding=1), 1, 2 * 8),  # all but the middle is cropped
    ],
    ids=str,
)
def test_what_is_never_read_can_be_overwritten(layer, side, unread):
    table = models.ledger(nn.Sequential(layer, nn.ReLU()), (layer.in_channels, side, side))
    assert table["parameters"][1] - table["ever read"][1] == unread
    images = torch.randn(50, layer.in_channels, side, side)
    (gradient,) = torch.autograd.grad(layer(images).square().sum(), layer.weight)
    assert int((gradient == 0).sum()) == unread
    before = layer(images)
    with torch.no_grad():
        layer.weight[gradient == 0] = 1000.0
    assert torch.equal(layer(images), before)


def test_frozen_and_dead_layers_in_the_ledger():
    """What a ReLU lets through is another matter: it depends on the image, and on training."""
    dead = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Conv2d(1, 1, 3))
    nn.init.constant_(dead[0].bias, -100.0)
    assert list(models.ledger(dead, (1, 3, 3))["ever read"]) == [2, 10]
    frozen = nn.Conv2d(1, 1, 3, padding=1).requires_grad_(False)
    assert list(models.ledger(frozen, (1, 1, 1))["ever read"]) == [0]
    layer = nn.Conv2d(1, 1, 3, padding=1)
    with torch.inference_mode():  # where no gradient can be had
        table = models.ledger(layer, (1, 1, 1))
    assert list(table["ever read"]) == [2]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("channels", [1, 3], ids=["fits", "does not fit"])
def test_ledger_leaves_the_network_as_it_was(build, same_weights, training, channels):
    model = build(norm="batch").train(training)
    with contextlib.nullcontext() if channels == 1 else pytest.raises(RuntimeError):
        models.ledger(model, (channels, 28, 28))
    assert all(module.training == training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())
    assert same_weights(model, build(norm="batch"))


# ------------------------------------------------------------------------------------ the networks


def kinds(module):
    return [f"{name} {type(child).__name__}" for name, child in module.named_children()]


def test_a_relu_after_every_layer_but_the_last_and_a_sigmoid_at_the_end():
    assert kinds(Encoder()) == [
        *("conv1 Conv2d", "relu1 ReLU", "conv2 Conv2d", "relu2 ReLU"),
        *("conv3 Conv2d", "relu3 ReLU", "conv4 Conv2d"),
    ]
    assert kinds(Decoder()) == [
        *("deconv1 ConvTranspose2d", "relu1 ReLU", "deconv2 ConvTranspose2d", "relu2 ReLU"),
        *("deconv3 ConvTranspose2d", "relu3 ReLU", "deconv4 ConvTranspose2d", "sigmoid Sigmoid"),
    ]


def test_options():
    assert kinds(Encoder("leaky_relu", "batch"))[:3] == [
        *("conv1 Conv2d", "norm1 BatchNorm2d", "leaky_relu1 LeakyReLU"),
    ]
    decoder = Decoder("leaky_relu", "batch", "linear")
    assert kinds(decoder)[-3:] == [
        *("leaky_relu3 LeakyReLU", "deconv4 ConvTranspose2d", "linear Identity"),
    ]
    assert [child.num_features for child in decoder if isinstance(child, nn.BatchNorm2d)] == [
        *(32, 16, 8),
    ]
    model = Autoencoder("leaky_relu", norm="batch", output="linear")
    assert model.options == {"activation": "leaky_relu", "norm": "batch", "output": "linear"}
    assert Autoencoder(dropout=0.1).options["dropout"] == 0.1
    assert kinds(model.encoder) == kinds(Encoder("leaky_relu", "batch"))
    assert kinds(model.decoder) == kinds(decoder)
    assert models.count_parameters(model) == 94_393 + 2 * (8 + 16 + 32 + 32 + 16 + 8)


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("activation", "tanh", "['relu', 'leaky_relu', 'gelu']"),
        ("activation", None, "['relu', 'leaky_relu', 'gelu']"),
        ("norm", "layer", "[None, 'batch']"),
        ("output", "tanh", "['sigmoid', 'linear']"),
    ],
)
def test_unknown_option(option, value, expected, refused):
    with refused(ValueError, f"Unknown {option} {value!r}; expected one of {expected}."):
        Autoencoder(**{option: value})


def test_dropout_stands_after_each_activation():
    assert kinds(Encoder(dropout=0.5))[:3] == ["conv1 Conv2d", "relu1 ReLU", "dropout1 Dropout"]
    dropped = [m.p for m in Autoencoder(dropout=0.5).modules() if isinstance(m, nn.Dropout)]
    assert dropped == [0.5] * 6


@pytest.mark.parametrize("value", [-0.1, 1, 1.5, "half", math.nan])
def test_dropout_is_a_probability(value):
    with pytest.raises(ValueError, match=rf"dropout={value!r}; expected a probability in \[0, 1\)"):
        Autoencoder(dropout=value)


def test_the_steady_one_has_the_layers_of_the_backbone():
    table = models.ledger(Autoencoder.steady(), (1, 28, 28))
    assert table.equals(models.ledger(Autoencoder(), (1, 28, 28)))
    assert Autoencoder.steady().options == Autoencoder("gelu", "batch").options


def test_paired_halves_are_an_autoencoder(build):
    whole, images = build(), torch.rand(5, 1, 28, 28)
    paired = models.Paired(whole.encoder, whole.decoder)
    assert torch.equal(paired(images), whole(images))
    assert torch.equal(paired.encode(images), whole.encode(images))
    flat = models.Paired(
        nn.Sequential(nn.Flatten(), nn.Linear(784, 7)),
        nn.Sequential(nn.Flatten(), nn.Linear(7, 784), nn.Unflatten(1, (1, 28, 28))),
        latent_size=7,
    )
    assert flat.encode(images).shape == (5, 7) and flat(images).shape == images.shape
    assert torch.equal(flat.decode(flat.encode(images)), flat(images))


def test_encode_and_decode_are_the_halves(build):
    model, images = build(), torch.rand(5, 1, 28, 28)
    latent = model.encode(images)
    assert latent.shape == (5, model.latent_size) == (5, 64)
    assert images.shape[1:] == model.input_shape
    assert torch.equal(latent[:, :, None, None], model.encoder(images))
    assert torch.equal(model.decode(latent), model.decoder(latent[:, :, None, None]))
    assert torch.equal(model.decode(latent), model(images))


def test_a_half_can_be_cut(build):
    model, images = build(), torch.rand(5, 1, 28, 28)
    first, rest = model.encoder[:3], model.encoder[3:]
    assert kinds(first) == kinds(model.encoder)[:3] and model.encoder[0] is model.encoder.conv1
    assert torch.equal(rest(first(images)), model.encoder(images))
    assert model.decoder[-1] is model.decoder.sigmoid
    assert kinds(model.decoder[-2:]) == kinds(model.decoder)[-2:]


def test_output_range(build):
    images = torch.rand(5, 1, 28, 28)
    with torch.no_grad():
        for output, bounded in (("sigmoid", True), ("linear", False)):
            model = build(output=output)
            model.decoder.deconv4.weight *= 1_000
            low, high = model(images).aminmax()
            assert (low >= 0 and high <= 1) == bounded


def test_seeds(build, same_weights):
    assert same_weights(build(seed=1), build(seed=1))
    assert not same_weights(build(seed=1), build(seed=2))


def test_count_parameters_counts_what_is_trained():
    layer = nn.Linear(3, 2)
    assert models.count_parameters(layer) == 8
    layer.bias.requires_grad_(False)
    assert models.count_parameters(layer) == 6
