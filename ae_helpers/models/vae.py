"""The variational autoencoder: the backbone with two heads, its loss in nats, and what it reached.

A nat is the natural logarithm's bit: log 2 nats are one bit. All nats here are per image, summed
over pixels and over latent numbers, so that β means what it says (Kingma & Welling, "Auto-Encoding
Variational Bayes", 2014; Higgins et al., "β-VAE", 2017).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.data import to_float
from ae_helpers.data.settings import is_number, is_whole, plain
from ae_helpers.models.backbone import Decoder, Encoder, in_evaluation

BETAS = (0.1, 1.0, 3.0, 10.0)
ACTIVE = 0.01  # a latent number whose mean varies less than this over images says nothing of them


class VAE(nn.Module):
    """The backbone's eight layers with a second head: ``(N, 1, 28, 28)`` in [0, 1] → the same.

    The encoder's last layer is there twice: one gives the mean of each latent number, the other the
    logarithm of its variance. As a plain autoencoder it uses the mean.

    One thing is new in the decoder: after its first layer a bias for each *place*, ``places``. For
    the middle of all codes is 0 now, and of zeros a transposed convolution makes the same
    everywhere: from there, no decoder could draw a digit on a black ground.

    Args:
        latent_size: how many numbers a code has; 64 is the backbone's.
        activation, norm: as ``Autoencoder`` takes them; the defaults are ``Autoencoder.steady``'s.

    Raises:
        ValueError: a ``latent_size`` that isn't a whole number from 1 on, or an unknown option.
    """

    input_shape = (1, 28, 28)

    def __init__(self, latent_size: int = 64, activation: str = "gelu", norm: str | None = "batch"):
        super().__init__()
        latent_size, activation, norm = map(plain, (latent_size, activation, norm))
        if not is_whole(latent_size, 1):
            raise ValueError(f"latent_size={latent_size!r}; expected a whole number from 1 on.")
        self.latent_size = latent_size
        self.options = {"latent_size": latent_size, "activation": activation, "norm": norm}
        self.encoder = Encoder(activation, norm)[:-1]  # → (32, 4, 4)
        self.mean = nn.Conv2d(32, latent_size, kernel_size=5, stride=2, padding=1)
        self.log_variance = nn.Conv2d(32, latent_size, kernel_size=5, stride=2, padding=1)
        self.decoder = Decoder(activation, norm)
        if latent_size != 64:
            self.decoder.deconv1 = nn.ConvTranspose2d(latent_size, 32, kernel_size=4)
        self.places = nn.Parameter(torch.zeros(32, 4, 4))

    def distribution(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The Gaussian of each image: mean and log variance, ``(N, latent_size)`` each."""
        features = self.encoder(images)
        return self.mean(features).flatten(1), self.log_variance(features).flatten(1)

    def encode(self, images: Tensor) -> Tensor:
        """The mean of each image's Gaussian: ``(N, 1, 28, 28)`` → ``(N, latent_size)``."""
        return self.distribution(images)[0]

    def decode(self, latent: Tensor) -> Tensor:
        """The image of each latent code: ``(N, latent_size)`` → ``(N, 1, 28, 28)`` in (0, 1)."""
        first, rest = self.decoder[0], self.decoder[1:]
        return rest(first(latent[:, :, None, None]) + self.places)

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct images from their means: ``(N, 1, 28, 28)`` → ``(N, 1, 28, 28)``."""
        return self.decode(self.encode(images))


def sample_latent(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Draw from Gaussians so that gradients pass: mean + σ·ε with ε from N(0, 1); any shape.

    The reparameterisation of Kingma & Welling (2014). σ = exp(½ log σ²).
    """
    return mean + (log_variance / 2).exp() * torch.randn_like(mean)


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) ‖ N(0, 1)), summed over latent numbers: two ``(N, D)`` → ``(N,)`` nats.

    ½ Σ (μ² + σ² − 1 − log σ²), the *rate*: what an image's code costs.
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2


def distortion(images: Tensor, output: Tensor) -> Tensor:
    """−log p(image | output), summed over pixels: two ``(N, C, H, W)`` in [0, 1] → ``(N,)`` nats.

    Each output is the probability that its pixel is white: binary cross-entropy. For a grey image
    it is the mean over all ways to draw its pixels black or white.
    """
    return F.binary_cross_entropy(output, images, reduction="none").flatten(1).sum(1)


class NegativeElbo:
    """The loss of a VAE, for ``training.fit``: distortion + β · rate, mean over the batch, in nats.

    Every pixel is drawn black or white anew at every visit, with its grey value as the probability
    of white, for the Bernoulli likelihood is one of binary pixels. At β = 1 the loss is the
    negative evidence lower bound (ELBO) of such images, estimated from one draw of each code.

    Raises:
        ValueError: ``beta`` is negative, infinite, or no number.
    """

    def __init__(self, beta: float = 1.0):
        beta = plain(beta)
        if not (is_number(beta) and 0 <= beta < math.inf):
            raise ValueError(
                f"beta={beta!r}; expected a number from 0 on: 1 for the ELBO, more for a code that "
                "says less, 0 for none of its cost."
            )
        self.beta = beta

    def __repr__(self) -> str:
        return f"NegativeElbo(beta={self.beta:g})"

    def __call__(self, model: VAE, batch: Tensor) -> Tensor:
        """The loss of a batch of floats in [0, 1]; a scalar."""
        images = torch.bernoulli(batch)
        mean, log_variance = model.distribution(images)
        output = model.decode(sample_latent(mean, log_variance))
        return (distortion(images, output) + self.beta * kl(mean, log_variance)).mean()


def binarised(images: Tensor, seed: int = 0) -> Tensor:
    """Each pixel black or white, white with its grey value as probability: the same for a seed.

    ``(N, 1, H, W)``, ``uint8`` or floats in [0, 1] → the same shape, ``float32``, 0 or 1.
    """
    return torch.bernoulli(to_float(images), generator=torch.Generator().manual_seed(seed))


def measure(model: VAE, images: Tensor, seed: int = 0) -> dict[str, float]:
    """How far a VAE got: on one binarisation of the images, with one draw of each code.

    Args:
        model: in any mode; it is put back.
        images: ``(N, 1, 28, 28)``, ``uint8`` or floats in [0, 1].
        seed: of binarisation and draws.

    Returns:
        ``"rate"`` and ``"distortion"``, means over images in nats (their sum is −ELBO), and
        ``"active"``, the number of latent numbers whose mean has a variance above 0.01 over the
        images (Burda et al., 2016).
    """

    def parts(batch: Tensor) -> Tensor:
        mean, log_variance = model.distribution(batch)
        output = model.decode(sample_latent(mean, log_variance))
        nats = [kl(mean, log_variance), distortion(batch, output)]
        return torch.cat([torch.stack(nats, dim=1), mean], dim=1)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        found = in_evaluation(model, parts, binarised(images, seed), batch_size=500)
    rate, lost = found[:, :2].double().mean(0).tolist()
    active = int((found[:, 2:].var(0) > ACTIVE).sum())
    return {"rate": rate, "distortion": lost, "active": active}


def importance_bound(model: VAE, images: Tensor, samples: int = 100, seed: int = 0) -> float:
    """A bound on log p(image) that is tighter than the ELBO: mean over images, in nats.

    log of the mean of ``samples`` importance weights p(x | z) p(z) / q(z | x), with codes z from
    the encoder's q (Burda, Grosse & Salakhutdinov, "Importance Weighted Autoencoders", 2016). With
    one sample it is the ELBO, with ever more it approaches log p.
    """

    def bound(batch: Tensor) -> Tensor:
        mean, log_variance = (part[:, None] for part in model.distribution(batch))
        spread = mean.new_zeros(1, samples, 1)
        latent = sample_latent(mean + spread, log_variance + spread)  # (N, samples, latent_size)
        output = model.decode(latent.flatten(0, 1))
        log_likelihood = -distortion(batch.repeat_interleave(samples, dim=0), output)
        noise = (latent - mean) / (log_variance / 2).exp()
        log_ratio = (noise.square() + log_variance - latent.square()).sum(2) / 2  # p(z) / q(z | x)
        return (log_likelihood.view(-1, samples) + log_ratio).logsumexp(1) - math.log(samples)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        found = in_evaluation(model, bound, binarised(images, seed), batch_size=20)
    return found.double().mean().item()
