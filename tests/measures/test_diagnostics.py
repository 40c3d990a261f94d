"""The three instruments on networks whose disease is known."""

import pytest
import torch
from torch import nn

from ae_helpers.data import to_float
from ae_helpers.measures import diagnostics, image_errors


@pytest.mark.parametrize("training", [True, False])
def test_instruments_are_what_can_be_computed_by_hand(build, same_weights, small, training):
    model, images = build(norm="batch").train(training), small.test_images
    found = diagnostics.read_instruments(model, images)

    assert model.training == training  # and left as it was
    assert same_weights(model, build(norm="batch"))
    assert not any(module._forward_hooks for module in model.modules())

    batch = to_float(images)
    model.eval()
    with torch.inference_mode():
        assert found.error == pytest.approx(image_errors(batch, model(batch)).mean().item())
        torch.testing.assert_close(found.latent_spread, model.encode(batch).std(0))
        assert found.output_spread == pytest.approx(model(batch).std(0).mean().item())
        after_relu1 = model.encoder[:3](batch)
        share = (after_relu1.amax(0) == 0).float().mean().item()
    mean_error = image_errors(batch, batch.mean(0)).mean().item()
    assert found.mean_image_error == pytest.approx(mean_error)
    assert found.image_spread == pytest.approx(batch.std(0).mean().item())
    assert found.latent_spread.shape == (64,) and found.constant_numbers == 0
    assert list(found.dead_relus) == [
        f"{half}.relu{i}" for half in ("encoder", "decoder") for i in (1, 2, 3)
    ]
    assert found.dead_relus["encoder.relu1"] == pytest.approx(share)


def test_dead_relus_and_constant_numbers_are_counted(build, small):
    model = build()
    with torch.no_grad():
        model.encoder.conv2.bias[:4] = -1_000  # 4 of 16 channels
        model.encoder.conv4.weight[:10] = 0  # 10 of 64 numbers
        model.decoder.deconv1.bias.fill_(-1_000)
    found = diagnostics.read_instruments(model, small.test_images)
    assert found.dead_relus["encoder.relu2"] == pytest.approx(0.25, abs=0.1)
    assert found.dead_relus["encoder.relu2"] >= 0.25
    assert found.dead_relus["decoder.relu1"] == 1
    assert found.constant_numbers == 10
    assert (found.latent_spread[:10] == 0).all() and (found.latent_spread[10:] > 0).all()


def test_report(build, small):
    found = diagnostics.read_instruments(build(), small.test_images)
    error, latent, output, relus = repr(found).splitlines()
    assert error == f"error {found.error:.4f} (mean image {found.mean_image_error:.4f})"
    assert latent.startswith("constant latent numbers 0 of 64, median spread 0.")
    assert output.startswith(f"spread of the reconstructions {found.output_spread:.5f} (images 0.")
    assert relus.startswith("dead ReLUs: encoder.relu1 ") and relus.count("%") == 6
    leaky = diagnostics.read_instruments(build(activation="leaky_relu"), small.test_images)
    assert leaky.dead_relus == {} and "there are none in this network" in repr(leaky)


def test_a_network_that_fails_is_left_clean(build):
    model = build().train()
    with pytest.raises(RuntimeError):
        diagnostics.read_instruments(model, torch.rand(2, 3, 28, 28))
    assert model.training and not any(m._forward_hooks for m in model.modules())


@pytest.mark.parametrize("count", [0, 1])
def test_a_spread_needs_two_images(build, small, count):
    with pytest.raises(ValueError, match=f"^{count} images; expected at least 2"):
        diagnostics.read_instruments(build(), small.test_images[:count])


@pytest.mark.parametrize(
    ("share", "collapsed"), [(0, True), (0.009, True), (0.011, False), (0.5, False), (1, False)]
)
def test_has_collapsed(small, share, collapsed):
    """Reconstructions that keep a share of what is special about each image."""
    images = to_float(small.test_images)
    mean = images.mean(0, keepdim=True)
    answers = mean + share * (images - mean)
    assert diagnostics.has_collapsed(small.test_images, answers) is collapsed


def test_has_collapsed_needs_images_that_differ(small):
    one = small.test_images[:1]
    assert diagnostics.has_collapsed(one, one) is False
    same = nn.functional.interpolate(to_float(one), size=28).repeat(5, 1, 1, 1)
    assert diagnostics.has_collapsed(same, same) is False
