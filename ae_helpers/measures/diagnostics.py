"""Three instruments that tell a healthy autoencoder from a dead one."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ae_helpers.data import to_float
from ae_helpers.measures.errors import image_errors


@dataclass(frozen=True)
class Instruments:
    """What ``read_instruments`` found on a set of images.

    1. ``error``, the MSE, beside ``mean_image_error``: where it isn't below, one picture for all
       would do as well.
    2. ``latent_spread``, ``(64,)``: the standard deviation of each latent number over the images. A
       number that is constant carries nothing. ``output_spread`` beside ``image_spread``: the same
       of the reconstructions and of the images, averaged over pixels. Where the latent numbers vary
       and the reconstructions don't, the decoder is dead.
    3. ``dead_relus``: for each ReLU, the share of its outputs that are zero on *every* image. They
       get no gradient; where a whole layer is dead, nothing below it learns any more.
    """

    error: float
    mean_image_error: float
    latent_spread: Tensor
    output_spread: float
    image_spread: float
    dead_relus: dict[str, float]

    @property
    def constant_numbers(self) -> int:
        """How many of the latent numbers are the same for every image."""
        return int((self.latent_spread < 1e-4).sum())

    def __repr__(self) -> str:
        dead = ", ".join(f"{name} {share:.0%}" for name, share in self.dead_relus.items())
        size = len(self.latent_spread)
        return (
            f"error {self.error:.4f} (mean image {self.mean_image_error:.4f})\n"
            f"constant latent numbers {self.constant_numbers} of {size}, "
            f"median spread {self.latent_spread.median():.3g}\n"
            f"spread of the reconstructions {self.output_spread:.5f} "
            f"(images {self.image_spread:.5f})\n"
            f"dead ReLUs: {dead or 'there are none in this network'}"
        )


@torch.inference_mode()
def read_instruments(model: nn.Module, images: Tensor) -> Instruments:
    """Pass images through ``model`` in evaluation mode and read the three instruments.

    Args:
        model: an autoencoder with an ``encoder``; its ReLUs are found by type.
        images: ``(N, C, H, W)``, ``uint8`` or floats in [0, 1]; at least two, 1,000 are plenty.

    Raises:
        ValueError: fewer than two images: a spread needs two.
    """
    if len(images) < 2:
        raise ValueError(f"{len(images)} images; expected at least 2, because a spread needs two.")
    device = next(model.parameters()).device
    batch = to_float(images).to(device)
    dead = {}

    def record(name: str):
        def hook(module, inputs, output):
            dead[name] = (output == 0).all(0).float().mean().item()

        return hook

    relus = [(name, m) for name, m in model.named_modules() if isinstance(m, nn.ReLU)]
    hooks = [module.register_forward_hook(record(name)) for name, module in relus]
    was_training = model.training
    model.eval()
    try:
        reconstructions = model(batch)
        latent = model.get_submodule("encoder")(batch).flatten(1)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return Instruments(
        error=image_errors(batch, reconstructions).mean().item(),
        mean_image_error=image_errors(batch, batch.mean(0, keepdim=True)).mean().item(),
        latent_spread=latent.std(0).cpu(),
        output_spread=_spread(reconstructions),
        image_spread=_spread(batch),
        dead_relus=dead,
    )


def has_collapsed(images: Tensor, reconstructions: Tensor) -> bool:
    """Whether the reconstructions are (nearly) the same picture, although the images differ.

    Nearly: the standard deviation over images, averaged over pixels, is below a hundredth of that
    of the images themselves. Both tensors are ``(N, C, H, W)``. One image alone can't tell.
    """
    if len(images) < 2:
        return False
    return _spread(reconstructions) < 0.01 * _spread(images)


def _spread(images: Tensor) -> float:
    return to_float(images).std(0).mean().item()
