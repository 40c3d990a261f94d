"""The networks that come with the package, trained: for looking at, at once.

``trained/README.md`` says how each was made and how well it does. A lesson that is about training
trains its own.
"""

from pathlib import Path

from torch import Tensor

from ae_helpers.models.any_shape import ShapedAutoencoder
from ae_helpers.models.backbone import Autoencoder
from ae_helpers.models.checkpoints import load, load_model
from ae_helpers.models.vae import BETAS, VAE

TRAINED = Path(__file__).parent / "trained"
BACKBONE = TRAINED / "backbone.pt"
STEADY = TRAINED / "steady.pt"
DENOISER = TRAINED / "denoiser.pt"
FILLER = TRAINED / "filler.pt"


def backbone() -> Autoencoder:
    """The backbone, trained by the recipe on all of MNIST."""
    return load_model(BACKBONE)


def history() -> tuple[dict, Tensor, dict[str, float]]:
    """What happened while the backbone was trained, and what it is to be compared with.

    Returns:
        The fields of a ``training.History`` of its 15 epochs; the ten test images that its
        ``reconstructions`` are of, ``uint8``, ``(10, 1, 28, 28)``; ``baselines.measuring_sticks``
        of the same data.
    """
    content = load(BACKBONE)
    return content["history"], content["originals"], content["sticks"]


def steady() -> Autoencoder:
    """``Autoencoder.steady()``, trained by lesson 07's recipe for 200 epochs on all of MNIST."""
    return load_model(STEADY)


def denoiser() -> Autoencoder:
    """``Autoencoder.steady()``, trained with ``applications.denoising_error`` on all of MNIST."""
    return load_model(DENOISER)


def filler() -> Autoencoder:
    """``Autoencoder.steady()``, trained with ``applications.filling_error`` on all of MNIST."""
    return load_model(FILLER)


def shaped(name: str) -> ShapedAutoencoder:
    """A network for other images: ``"clothes"`` (Fashion-MNIST) or ``"coloured"`` (MNIST).

    Raises:
        FileNotFoundError: there is none of that name.
    """
    return load_model(TRAINED / f"{name}.pt", ShapedAutoencoder)


def betas() -> dict[float, VAE]:
    """Four VAEs, trained on MNIST with β = 0.1, 1, 3 and 10, by β."""
    return {beta: load_model(vae_file(beta), VAE) for beta in BETAS}


def plane() -> VAE:
    """A VAE with two latent numbers, to be drawn as a plane."""
    return load_model(vae_file(1.0, 2), VAE)


def vae_file(beta: float, latent_size: int = 64) -> Path:
    """Where the VAE with this β lies, or the one with two latent numbers."""
    name = "vae_plane.pt" if latent_size == 2 else f"vae_beta_{beta:g}.pt"
    return TRAINED / name
