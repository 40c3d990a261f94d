"""The builder: the backbone itself for its own shape, and for any other the same shape back."""

import random

import pytest
import torch

from ae_helpers import measures, models, training
from ae_helpers.data import coloured
from ae_helpers.measures import image_errors
from ae_helpers.measures.baselines import mean_image
from ae_helpers.models import Autoencoder, any_shape, checkpoints, shipped


@pytest.mark.parametrize(
    "options", [{}, {"activation": "gelu", "norm": "batch"}, {"output": "linear", "dropout": 0.1}]
)
def test_for_its_own_shape_it_is_the_backbone(build, same_weights, options):
    backbone = build(**options)
    built = build(kind=any_shape.build, shape=(1, 28, 28), **options)
    assert same_weights(built, backbone)
    assert list(built.state_dict()) == list(backbone.state_dict())
    assert repr(built.encoder) == repr(backbone.encoder)
    assert repr(built.decoder) == repr(backbone.decoder)
    ledgers = (models.ledger(network, (1, 28, 28)) for network in (built, backbone))
    assert next(ledgers).equals(next(ledgers))
    images = torch.rand(3, 1, 28, 28)
    assert torch.equal(built.eval()(images), backbone.eval()(images))
    assert (built.input_shape, built.latent_size) == ((1, 28, 28), 64)
    assert models.count_parameters(any_shape.build((1, 28, 28))) == 94_393


def test_the_class_is_left_alone():
    any_shape.build((3, 32, 32), 256)
    assert (Autoencoder.input_shape, Autoencoder.latent_size) == ((1, 28, 28), 64)


def test_a_thousand_shapes():
    """Each comes back exactly, or is refused with a reason that holds."""
    draw, built = random.Random(0), 0
    for _ in range(1_000):
        shape = draw.randint(1, 4), draw.randint(1, 70), draw.randint(1, 70)
        numbers = draw.choice([1, 12, 36, 64, 96, 144])
        try:
            network = any_shape.build(shape, numbers)
        except ValueError as error:
            if min(shape[1:]) < 21:
                assert "too short" in str(error) and "at least 21" in str(error)
            else:
                height, width = (any_shape.encoder_sizes(side)[-1] for side in shape[1:])
                assert numbers % (height * width) and "can't be divided" in str(error)
            continue
        built += 1
        images = torch.rand(1, *shape)
        with torch.inference_mode():
            codes = network.encode(images)
            assert codes.shape == (1, numbers) == (1, network.latent_size)
            assert network.decode(codes).shape == images.shape == network(images).shape
            assert torch.equal(network.decode(codes), network(images))
    assert built > 150


@pytest.mark.parametrize("side", range(21, 130))
def test_the_rule_for_a_side(side):
    """Torch agrees with the sizes, and every pixel of every layer is reached by a stamp."""
    sizes, settings = any_shape.encoder_sizes(side), any_shape.decoder_settings(side)
    x = torch.zeros(1, 1, side, side)
    for (k, s, p), size in zip(
        ((15, 1, 1), (3, 2, 1), (3, 2, 1), (5, 2, 1)), sizes[1:], strict=True
    ):
        x = torch.nn.functional.conv2d(x, torch.zeros(1, 1, k, k), stride=s, padding=p)
        assert x.shape[2:] == (size, size)
    y = torch.ones(1, 1, sizes[-1])
    for k, s, p, o in settings:
        y = torch.nn.functional.conv_transpose1d(
            torch.ones_like(y), torch.ones(1, 1, k), stride=s, padding=p, output_padding=o
        )
        assert y.min() >= 1
    assert y.shape[2] == side
    assert 3 <= settings[0][0] <= 5


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((1, 28, 28), [(28, 28), (14, 14), (7, 7)]),
        ((3, 64, 64), [(64, 64), (32, 32), (16, 16), (8, 8), (4, 4)]),
        ((3, 96, 96), [(96, 96), (48, 48), (24, 24), (12, 12), (6, 6)]),
        ((2, 33, 50), [(33, 50), (17, 25), (9, 13), (5, 7)]),
        ((3, 1, 9), [(1, 9), (1, 5)]),
        ((1, 7, 7), [(7, 7)]),
    ],
)
def test_a_deep_one_halves_and_goes_back_the_same_way(shape, sizes):
    network, seen = any_shape.build(shape, 5, deep=True).eval(), []
    assert any_shape.deep_sizes(*shape[1:]) == sizes
    for layer in network.modules():
        if "Conv" in type(layer).__name__:
            layer.register_forward_hook(lambda layer, given, made: seen.append(made.shape[2:]))
    images = torch.rand(2, *shape)
    codes = network.encode(images)
    assert codes.shape == (2, 5) and network.code_shape == (5, 1, 1)
    assert torch.equal(network.decode(codes), network(images)[:])
    way = [*sizes[1:], (1, 1)]
    assert [tuple(each) for each in seen[: len(way)]] == way
    assert [tuple(each) for each in seen[len(way) : 2 * len(way)]] == sizes[::-1]


def test_every_pixel_of_a_deep_one_is_reached():
    for side in range(8, 60):
        _, up = any_shape.deep_layers((1, side, side), 1)
        y = torch.ones(1, 1, 1)
        for layer in up:
            y = torch.nn.functional.conv_transpose1d(
                torch.ones_like(y),
                torch.ones(1, 1, layer.kernel_size[0]),
                stride=layer.stride[0],
                padding=layer.padding[0],
            )
            assert y.min() >= 1
        assert y.shape[2] == side


def test_a_deep_one_is_steady_like_the_others_and_is_saved(build, same_weights, tmp_path):
    options = {"activation": "gelu", "norm": "batch", "output": "linear", "dropout": 0.1}
    network = build(kind=any_shape.build, shape=(3, 40, 30), latent_size=7, deep=True, **options)
    kinds = [type(layer).__name__ for layer in network.encoder]
    assert kinds == [*["Conv2d", "BatchNorm2d", "GELU", "Dropout"] * 3, "Conv2d"]
    assert isinstance(network.decoder[-1], torch.nn.Identity)
    checkpoints.save(tmp_path / "deep.pt", network)
    again = checkpoints.load_model(tmp_path / "deep.pt", any_shape.ShapedAutoencoder)
    assert same_weights(again, network) and again.options == network.options
    assert "deep" not in any_shape.build((1, 28, 28)).options


def test_the_side_before_a_layer_of_the_decoder():
    assert any_shape.before(28, 4, 2, 3) == (16, 0)
    assert any_shape.before(33, 4, 2, 3) == (18, 1)


@pytest.mark.parametrize(
    ("shape", "numbers", "error", "words"),
    [
        ((1, 20, 28), 64, ValueError, ["side of 20", "at least 21", "pad(images, [1] * 4)"]),
        ((3, 40, 40), 64, ValueError, ["3×3 places", "multiple of 9", "63 or 72"]),
        ((3, 96, 96), 64, ValueError, ["10×10 places", "such as 100.", "deep=True"]),
        ((32, 32, 3), 64, ValueError, ["channels last", "(3, 32, 32)", "permute(0, 3, 1, 2)"]),
        ((0, 28, 28), 64, ValueError, ["0 channels", "1 or more"]),
        ((28, 28), 64, TypeError, ["(28, 28)", "three whole numbers", "images.shape[1:]"]),
        ((1, 28.0, 28), 64, TypeError, ["28.0", "three whole numbers"]),
        (28, 64, TypeError, ["28", "(C, H, W)"]),
        ("grey", 64, TypeError, ["'grey'", "(C, H, W)"]),
        ((1, 28, 28), 0, ValueError, ["latent_size=0", "from 1 on"]),
        ((1, 28, 28), 64.0, ValueError, ["latent_size=64.0", "whole number"]),
    ],
)
def test_what_cannot_be_built(shape, numbers, error, words, refused):
    with refused(error, *words):
        any_shape.build(shape, numbers)


def test_no_deep_one_of_no_pixels(refused):
    with refused(ValueError, "(1, 0, 8)", "1 or more"):
        any_shape.build((1, 0, 8), deep=True)


def test_an_unknown_option():
    with pytest.raises(ValueError, match="Unknown activation 'sine'"):
        any_shape.build((3, 32, 32), activation="sine")


def test_it_trains_and_is_saved(build, small, same_weights, tmp_path, cpu):
    images = coloured(small)
    network = build(kind=any_shape.build, shape=(3, 28, 28), norm="batch")
    history = training.fit(network, images, 2, folder=tmp_path, progress=False)
    assert history.test_error[-1] < history.error_before
    content = checkpoints.load(tmp_path / "last.pt")
    again = any_shape.build(**content["options"])
    checkpoints.restore(again, content, tmp_path / "last.pt")
    assert same_weights(again, network)
    other = any_shape.build((3, 28, 28))
    with pytest.raises(ValueError, match="another architecture"):
        checkpoints.restore(other, content, tmp_path / "last.pt")
    with pytest.raises(ValueError, match="takes .3, 28, 28."):
        measures.evaluate(network, small.test_images)


@pytest.mark.parametrize(("name", "channels"), [("clothes", 1), ("coloured", 3)])
def test_shipped(name, channels):
    network = shipped.shaped(name)
    assert network.input_shape == (channels, 28, 28) and not network.training
    assert all(torch.isfinite(weight).all() for weight in network.state_dict().values())


def test_the_shipped_know_what_they_were_trained_on(small):
    images = coloured(small)
    mean = image_errors(images.test_images, mean_image(images.train_images)).mean()
    assert measures.evaluate(shipped.shaped("coloured"), images.test_images) < 0.5 * mean


def test_nothing_shipped_of_that_name():
    with pytest.raises(FileNotFoundError, match="cats.pt"):
        shipped.shaped("cats")
