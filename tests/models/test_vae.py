"""The VAE: the backbone's layers, and losses in nats that are what torch.distributions says."""

import math

import pandas as pd
import pytest
import torch
from torch import distributions, nn

from ae_helpers import training
from ae_helpers.measures import latent
from ae_helpers.measures.baselines import mean_image
from ae_helpers.models import Autoencoder, checkpoints, count_parameters, shipped, vae


@pytest.fixture
def network(build):
    """An untrained VAE in evaluation mode."""
    return build(kind=vae.VAE).eval()


@pytest.fixture
def binary(small):
    return vae.binarised(small.test_images)


def test_the_layers_are_the_backbones(network):
    steady, mine = Autoencoder.steady().state_dict(), network.state_dict()
    for name, tensor in steady.items():
        if name.startswith("encoder.conv4"):
            for head in ("mean", "log_variance"):
                assert mine.pop(name.replace("encoder.conv4", head)).shape == tensor.shape
        else:
            assert mine.pop(name).shape == tensor.shape
    assert {name: tensor.shape for name, tensor in mine.items()} == {"places": (32, 4, 4)}
    for head in (network.mean, network.log_variance):
        assert repr(head) == repr(Autoencoder().encoder.conv4)
    assert count_parameters(network) == count_parameters(Autoencoder.steady()) + 51_264 + 512


@pytest.mark.parametrize("numbers", [1, 2, 64, 100])
def test_shapes(build, numbers):
    network = build(kind=vae.VAE, latent_size=numbers)
    images = torch.rand(3, 1, 28, 28)
    mean, log_variance = network.distribution(images)
    assert mean.shape == log_variance.shape == (3, numbers)
    output = network.decode(mean)
    assert output.shape == images.shape and (output > 0).all() and (output < 1).all()
    assert network.latent_size == numbers and network.input_shape == (1, 28, 28)


def test_as_an_autoencoder_it_uses_the_mean(network):
    images = torch.rand(3, 1, 28, 28)
    assert torch.equal(network.encode(images), network.distribution(images)[0])
    assert torch.equal(network(images), network.decode(network.encode(images)))
    assert latent.encode(network, images).shape == (3, 64)


@pytest.mark.parametrize("numbers", [0, -1, 2.0, "64"])
def test_numbers_that_are_none(numbers):
    with pytest.raises(ValueError, match=f"latent_size={numbers!r}; expected a whole number"):
        vae.VAE(numbers)


def test_another_activation_must_be_known():
    with pytest.raises(ValueError, match="Unknown activation 'tanh'"):
        vae.VAE(activation="tanh")


def test_a_code_of_zeros_can_have_a_border(network):
    """Without its places the decoder repeats a tile of 8×8 pixels."""
    zeros = torch.zeros(1, 64)
    tiled = network.decode(zeros)[0, 0]
    torch.testing.assert_close(tiled[:20, :20], tiled[8:, 8:])
    with torch.no_grad():
        network.places[:, 0] -= 3
    other = network.decode(zeros)[0, 0]
    assert (other[:4] - tiled[:4]).abs().max() > 1e-4
    torch.testing.assert_close(other[14:], tiled[14:])


def test_it_can_be_saved_and_rebuilt(build, same_weights, tmp_path):
    network = build(kind=vae.VAE, latent_size=3, activation="relu", norm=None)
    checkpoints.save(tmp_path / "a.pt", network)
    rebuilt = checkpoints.load_model(tmp_path / "a.pt", vae.VAE)
    assert same_weights(rebuilt, network)
    assert rebuilt.options == network.options and not rebuilt.training


# ------------------------------------------------------------------------------------ the terms


def rate(mean, log_variance):
    gaussian = distributions.Normal(mean, (log_variance / 2).exp())
    return distributions.kl_divergence(gaussian, distributions.Normal(0.0, 1.0)).sum(1)


def log_likelihood(images, output):
    return distributions.Bernoulli(output).log_prob(images).sum((1, 2, 3))


def test_the_rate_is_that_of_torch():
    codes = torch.randn(2, 5, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(vae.kl(*codes), rate(*codes), rtol=1e-5, atol=0)
    assert torch.equal(vae.kl(torch.zeros(2, 3), torch.zeros(2, 3)), torch.zeros(2))


def test_the_distortion_is_that_of_torch(binary):
    output = 0.01 + 0.98 * torch.rand(binary.shape, generator=torch.Generator().manual_seed(0))
    found, expected = vae.distortion(binary, output), -log_likelihood(binary, output)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)
    coin = vae.distortion(binary, torch.full_like(binary, 0.5))
    torch.testing.assert_close(coin, torch.full_like(coin, 784 * math.log(2)))


def test_draws_have_the_mean_and_the_variance_that_they_should():
    mean, log_variance = torch.tensor([[-1.0, 3.0]]), torch.tensor([[-2.0, 1.0]])
    torch.manual_seed(0)
    draws = vae.sample_latent(mean.expand(100_000, 2), log_variance.expand(100_000, 2))
    torch.testing.assert_close(draws.mean(0), mean[0], atol=0.03, rtol=0)
    torch.testing.assert_close(draws.var(0), log_variance[0].exp(), atol=0, rtol=0.03)
    assert torch.corrcoef(draws.T)[0, 1].abs() < 0.02


def test_gradients_pass_through_a_draw():
    mean, log_variance = torch.zeros(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    draw = vae.sample_latent(mean, log_variance)
    draw.sum().backward()
    assert torch.equal(mean.grad, torch.ones(3))
    torch.testing.assert_close(log_variance.grad, draw.detach() / 2)  # ½ σ ε, and σ is 1


# ------------------------------------------------------------------------------------- the loss


@pytest.mark.parametrize("beta", [0, 0.1, 1, 4.0])
def test_the_loss_is_the_negative_elbo(network, binary, beta):
    """In nats per image, to 1e-5; for another β the rate counts β times."""
    torch.manual_seed(3)
    loss = vae.NegativeElbo(beta)(network, binary).item()

    torch.manual_seed(3)
    images = torch.bernoulli(binary)  # which changes nothing, but takes as many random numbers
    assert torch.equal(images, binary)
    mean, log_variance = network.distribution(images)
    output = network.decode(vae.sample_latent(mean, log_variance))
    elbo = log_likelihood(images, output) - beta * rate(mean, log_variance)
    assert loss == pytest.approx(-elbo.mean().item(), rel=1e-5)


def test_the_loss_sees_grey_pixels_as_chances(network):
    """Every visit draws them anew; black and white ones stay."""
    seen = []
    network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    grey = torch.cat([torch.zeros(1, 14, 28), torch.ones(1, 7, 28), torch.full((1, 7, 28), 0.3)], 1)
    for _ in "ab":
        vae.NegativeElbo()(network, grey.expand(200, 1, 28, 28))
    for images in seen:
        assert set(images.unique().tolist()) == {0.0, 1.0}
        assert (images[:, :, :14] == 0).all() and (images[:, :, 14:21] == 1).all()
        assert images[:, :, 21:].mean().item() == pytest.approx(0.3, abs=0.02)
    assert not torch.equal(*seen)


@pytest.mark.parametrize("beta", [-1, -1e-9, math.nan, math.inf, "1", None])
def test_a_beta_that_is_none(beta):
    with pytest.raises(ValueError, match=f"beta={beta!r}; expected a number from 0 on"):
        vae.NegativeElbo(beta)


def test_training_makes_it_smaller_and_says_with_which_beta(build, small, cpu):
    network = build(kind=vae.VAE)
    history = training.fit(
        network, small, 4, one_cycle=True, objective=vae.NegativeElbo(2), progress=False
    )
    assert history.settings["objective"] == "NegativeElbo(beta=2)"
    assert history.train_error[-1] < 0.5 * history.train_error[0]
    found = vae.measure(network, small.test_images)
    stick = mean_image(small.train_images).clamp(1e-3, 1 - 1e-3)
    binary = vae.binarised(small.test_images)
    by_mean_image = vae.distortion(binary, stick.expand_as(binary)).mean().item()
    assert found["distortion"] < by_mean_image


# ------------------------------------------------------------------------------ what is measured


def test_binarised_is_the_same_for_a_seed(small):
    images = small.test_images
    one, same, other = (vae.binarised(images, seed) for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert set(one.unique().tolist()) == {0.0, 1.0} and one.dtype == torch.float32
    assert (one[images == 0] == 0).all() and (one[images == 255] == 1).all()
    assert one.mean().item() == pytest.approx(images.float().mean().item() / 255, rel=0.02)


class Stub(vae.VAE):
    """Its codes are two: the mean of the image, and a constant; it answers all images with ½."""

    def __init__(self):
        super().__init__(2)

    def distribution(self, images):
        bright = images.mean((1, 2, 3))
        return torch.stack([10 * bright, 0.3 + 0 * bright], 1), torch.zeros(len(images), 2)

    def decode(self, latent):
        return torch.full((len(latent), 1, 28, 28), 0.5)


def test_measure(small):
    found = vae.measure(Stub(), small.test_images)
    binary = vae.binarised(small.test_images)
    rate = ((10 * binary.mean((1, 2, 3))).square() + 0.3**2).mean().item() / 2
    assert found["rate"] == pytest.approx(rate, rel=1e-5)
    assert found["distortion"] == pytest.approx(784 * math.log(2), rel=1e-5)
    assert found["active"] == 1


def test_measuring_leaves_everything_as_it_was(network, small):
    network.train()
    state = torch.get_rng_state()
    found = vae.measure(network, small.test_images)
    bound = vae.importance_bound(network, small.test_images[:5], samples=3)
    assert found == vae.measure(network, small.test_images)
    assert bound == vae.importance_bound(network, small.test_images[:5], samples=3)
    assert network.training and torch.equal(torch.get_rng_state(), state)


def test_the_importance_bound_lies_above_the_elbo(network, small):
    """With one draw it is the ELBO, with more it rises."""
    images = small.test_images[:50]
    found = vae.measure(network, images)
    elbo = -found["rate"] - found["distortion"]
    one, many = (vae.importance_bound(network, images, samples) for samples in (1, 50))
    assert one == pytest.approx(elbo, rel=0.01)
    assert many > one


def test_the_importance_bound_finds_the_truth():
    """Where p(x) is known: a decoder that ignores its code answers ½, whatever q is."""
    images = (torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0)) < 0.2).float()
    bound = vae.importance_bound(Stub(), images, samples=2_000)
    assert bound == pytest.approx(-784 * math.log(2), abs=0.5)


# ------------------------------------------------------------------------- those of the package


def test_the_shipped_networks(sample):
    """Trained on all of MNIST, they know the sample's digits; β is what their names say."""
    models, images = shipped.betas(), sample.test_images[:300]
    assert list(models) == list(vae.BETAS) == [0.1, 1.0, 3.0, 10.0]
    found = pd.DataFrame([vae.measure(model, images) for model in models.values()], vae.BETAS)
    changes = found.diff().dropna()  # from each β to the next
    assert (changes[["rate", "active"]] < 0).all(axis=None) and (changes["distortion"] > 0).all()
    sums = found["rate"] + found["distortion"]
    assert sums.idxmin() == 1.0 and sums[1.0] < 110
    for beta in vae.BETAS:
        assert shipped.vae_file(beta).stat().st_size < 400_000
        assert not models[beta].training


def test_the_shipped_plane(sample):
    plane = shipped.plane()
    assert plane.latent_size == 2 and isinstance(plane.mean, nn.Conv2d)
    found = vae.measure(plane, sample.test_images[:300])
    assert found["active"] == 2 and found["rate"] + found["distortion"] < 170
