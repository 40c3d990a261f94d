"""Networks that invent digits: what β does to them, and a plane of codes to drag through."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from torch import Tensor, nn

from ae_helpers.data import ImageData, check_images
from ae_helpers.measures import latent
from ae_helpers.models import vae
from ae_helpers.plots.latent import CLASSES
from ae_helpers.plots.style import BLUE, styled
from ae_helpers.widgets.controls import slider, stops
from ae_helpers.widgets.explorer import Explorer, check_named, own_copies, own_copy
from ae_helpers.widgets.pictures import ClickablePicture, as_image, on_canvas, picture, tiles

MEASURED = 500  # images that can be chosen, and that means and active numbers are taken from
ROWS = 4  # of invented digits, and as many columns
STEP = 0.05  # of the sliders of the plane, in standard deviations of the prior
NEAREST = 20  # test codes around the place in the plane whose labels are counted


def beta_slider(models: dict[float, nn.Module], images: Tensor) -> Explorer:
    """Slide over β: how well a digit is rebuilt, what is invented, which latent numbers are used.

    The images are drawn black or white by ``vae.binarised`` and rebuilt from one draw of each code,
    so that rate and distortion are the two terms of the negative ELBO, in nats. Digits are invented
    from random codes, the same for every β.

    Args:
        models: variational autoencoders like ``vae.VAE`` by the β that they were trained with,
            such as ``shipped.betas()``. Copies are explored, as they are now.
        images: ``(N, 1, H, W)``, at least two: test images. The first ``MEASURED`` are used.

    Raises:
        TypeError, ValueError: no networks by β, or images or networks that can't be explored; the
            message says which, and why.
    """
    images, found = measured(models, images)
    bars, seed = rate_bars(found), 0

    def added(*parts: Tensor) -> str:
        rate, lost = (round(part.item(), 1) for part in parts)  # so that what is shown adds up
        return f"rate {rate:.1f} + distortion {lost:.1f} = {rate + lost:.1f} nats"

    def draw(beta: float, digit: int):
        here = found[beta]
        model, rate, lost = here.model, here.rate, here.distortion
        return {
            "digit": as_image(images[digit]),
            "rebuilt": as_image(model.decode(here.latents[[digit]])[0]),
            "invented": tiles(model.decode(random_codes(model, seed)), ROWS, ROWS),
            "rate of each number": bars[beta],
        }, (
            f"β = {beta:g}. Digit {digit}: {added(rate[digit], lost[digit])}. Mean of "
            f"{len(images)} digits: {added(rate.mean(), lost.mean())}; {sum(here.active)} of "
            f"{model.latent_size} numbers are active."
        )

    def invent() -> None:
        nonlocal seed
        seed += 1

    values = [(f"{beta:g}", beta) for beta in found]
    return Explorer(
        "Slide over β: what a nat of code must be worth",
        {
            "beta": stops("β", values, 1.0 if 1.0 in found else None),
            "digit": slider("test digit", 0, len(images) - 1, 0),
        },
        {
            "digit": picture("The chosen digit, its pixels black or white.", 112),
            "rebuilt": picture("What the network rebuilds from its code.", 112),
            "invented": picture("What it makes of random codes.", 230),
            "rate of each number": picture(
                "How many nats each number of the code costs on average, in falling order; grey: "
                "not active.",
                *bars[next(iter(found))].size,
            ),
        },
        draw,
        {"Invent others": invent},
        hint="A number is active if its mean varies over these digits with a variance above "
        f"{vae.ACTIVE:g}. One just above it costs so little that no bar is to be seen.",
    )


@dataclass(frozen=True)
class Measured:
    """What a network makes of images, by one draw of each code.

    Attributes:
        model: a copy, to explore.
        latents: the draws, ``(N, latent_size)``.
        rate, distortion: of each image, in nats.
        rates: what each number of the code costs on average, in nats.
        active: which of them say something of the image.
    """

    model: nn.Module
    latents: Tensor
    rate: Tensor
    distortion: Tensor
    rates: Tensor
    active: list[bool]


def measured(
    models: dict[float, nn.Module], images: Tensor
) -> tuple[Tensor, dict[float, Measured]]:
    """What ``beta_slider`` shows: the images, binarised, and the networks in the order of β.

    It takes and raises the same.
    """
    check_named("models", models, "{1.0: model}, or shipped.betas()")
    for beta in models:
        if isinstance(beta, bool) or not isinstance(beta, (int, float)) or not 0 <= beta < math.inf:
            raise ValueError(
                f"A model is named {beta!r}; expected its β, a number from 0 on. Write "
                "{1.0: model}."
            )
    check_images(images)
    if len(images) < 2:
        raise ValueError(
            f"There is {len(images)} image; expected at least 2, or no number of a code could vary "
            "over them. Pass more."
        )
    images = vae.binarised(images[:MEASURED].cpu())
    named = {f"β = {beta:g}": models[beta] for beta in sorted(models)}
    for name, model in named.items():
        if not hasattr(model, "distribution"):
            raise TypeError(
                f"{name}: A {type(model).__name__} has no distribution; expected a variational "
                "autoencoder, which gives a mean and a log variance for each image. Take a vae.VAE."
            )
    copies = own_copies(named, images, trained=False).values()
    with torch.inference_mode():
        found = {b: _measured(copy, images) for b, copy in zip(sorted(models), copies, strict=True)}
    return images, found


def _measured(model: nn.Module, images: Tensor) -> Measured:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        mean, log_variance = model.distribution(images)
        latents = vae.sample_latent(mean, log_variance)
    rate, lost = vae.kl(mean, log_variance), vae.distortion(images, model.decode(latents))
    alone = vae.kl(mean.reshape(-1, 1), log_variance.reshape(-1, 1))  # each number
    active = (mean.var(0) > vae.ACTIVE).tolist()
    return Measured(model, latents, rate, lost, alone.view(mean.shape).mean(0), active)


def random_codes(model: nn.Module, seed: int) -> Tensor:
    """Draws from the prior, one for each invented digit."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(ROWS * ROWS, model.latent_size, generator=generator)


def rate_bars(found: dict[float, Measured]) -> dict[float, Image.Image]:
    """For each network the chart of what its numbers cost, all on one scale."""
    top = 1.05 * max(each.rates.max().item() for each in found.values())
    return {b: on_canvas(_bars(each.rates, each.active, top))[0] for b, each in found.items()}


def vae_plane(model: nn.Module, data: ImageData) -> Explorer:
    """Drag a marker through the plane of a code of two numbers, and watch what is decoded there.

    In the plane lie the codes of the test images, coloured by label; the prior, from which random
    codes are drawn, is the standard Gaussian around its middle.

    Args:
        model: a trained autoencoder with ``latent_size`` 2, such as ``shipped.plane()``.
        data: its test images and their labels, 0 to 9, are shown.

    Raises:
        TypeError, ValueError: a network or images that can't be explored, a code that isn't of two
            numbers, or no such labels; the message says why.
    """
    model, codes, labels, reach = plane_of(model, data)
    neighbours = latent.Neighbours(codes)
    background, place = on_canvas(scatter(codes, labels, reach))
    left, top = place(-reach, reach)
    scale = (place(reach, 0)[0] - left) / (2 * reach)  # pixels for 1
    sliders = {name: slider(name, -reach, reach, 0.0, STEP) for name in "xy"}
    plane = ClickablePicture(
        tooltip="The codes of the test digits, coloured by label; a ring marks the chosen place.",
        layout={"width": f"{background.width}px", "max_width": "100%"},
    ).add_class("ae-smooth")

    def draw(x: float, y: float):
        here = torch.tensor([[x, y]])
        distance, index = neighbours.nearest(here, min(NEAREST, len(codes)))
        near = labels[index[0]]
        counts = near.bincount(minlength=len(CLASSES))
        ranked = sorted(counts.nonzero().flatten().tolist(), key=lambda name: -counts[name])
        which = ", ".join(f"{counts[name]}× “{name}”" for name in ranked)
        return {
            "plane of codes: drag here": _marked(background, *place(x, y)),
            "decoded": as_image(model.decode(here)[0]),
        }, (
            f"At ({x:.2f}, {y:.2f}) the nearest test code is {distance[0, 0]:.2f} away. Labels of "
            f"the {len(near)} nearest: {which}."
        )

    def go(where: dict[str, int]) -> None:
        if "x" in where:
            sliders["x"].value = _rounded(where["x"] - left, scale, reach)
            sliders["y"].value = 0 - _rounded(where["y"] - top, scale, reach)  # which is not −0
        else:
            sliders["x"].value = round(sliders["x"].value + 2 * STEP * where.get("right", 0), 9)
            sliders["y"].value = round(sliders["y"].value - 2 * STEP * where.get("down", 0), 9)

    explorer = Explorer(
        "Drag through the plane of codes, or go there by arrow keys",
        sliders,
        {
            "plane of codes: drag here": plane,
            "decoded": picture("What the decoder makes of the chosen place."),
        },
        draw,
    )
    plane.on_msg(lambda _, where, __: explorer.act(lambda: go(where)))
    return explorer


class Plane(NamedTuple):
    """A copy of a network, the codes of images with their labels, and how far axes go."""

    model: nn.Module
    codes: Tensor
    labels: Tensor
    reach: float


def plane_of(model: nn.Module, data: ImageData) -> Plane:
    """What ``vae_plane`` shows; it takes and raises the same."""
    model = own_copy(model, data.test_images, trained=False)
    if model.latent_size != 2:
        raise ValueError(
            f"The code has {model.latent_size} numbers; expected 2, x and y in the plane. Take "
            "shipped.plane(), or train a vae.VAE(latent_size=2)."
        )
    labels = data.test_labels
    if not isinstance(labels, Tensor) or labels.min() < 0 or labels.max() >= len(CLASSES):
        raise ValueError(
            f"The labels of the test images are {labels}; expected a tensor of numbers from 0 to "
            f"{len(CLASSES) - 1}, to colour the codes by. Pass images with such labels."
        )
    codes = latent.encode(model, data.test_images)
    reach = float(min(max(math.ceil(codes.abs().quantile(0.999).item()), 3), 20))
    return Plane(model, codes, labels, reach)


def _rounded(pixels: float, scale: float, reach: float) -> float:
    """A place on an axis from −reach to reach, in whole steps of a slider, within its ends."""
    value = round((pixels / scale - reach) / STEP) * STEP
    return round(min(max(value, -reach), reach), 9)


def _marked(background: Image.Image, x: float, y: float) -> Image.Image:
    image = background.copy()
    pen = ImageDraw.Draw(image)
    for radius, colour, width in ((11, "white", 7), (9, "black", 3)):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=width)
    return image


@styled
def scatter(codes: Tensor, labels: Tensor, reach: float) -> Figure:
    """Codes of two numbers, coloured by label, with axes from −reach to reach."""
    figure, axis = plt.subplots(figsize=(5.2, 4.7))
    for name in labels.unique().tolist():
        own = codes[labels == name]
        axis.plot(*own.T.numpy(), ".", color=CLASSES[name], markersize=3, label=name)
        x, y = own.median(0).values.clamp(-reach, reach).tolist()
        box = {"facecolor": "white", "edgecolor": CLASSES[name], "boxstyle": "circle,pad=0.15"}
        axis.text(x, y, f"{name}", ha="center", va="center", fontsize=9, bbox=box)
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="x", ylabel="y")
    axis.legend(
        loc="upper left", bbox_to_anchor=(1, 1), frameon=False, markerscale=4, handlelength=0.5
    )  # the numbers in the middle of each class may lie upon each other
    return figure


@styled
def _bars(rates: Tensor, active: list[bool], top: float) -> Figure:
    figure, axis = plt.subplots(figsize=(3.6, 2.9))
    order = rates.argsort(descending=True).tolist()
    colours = [BLUE if active[number] else "0.6" for number in order]
    axis.bar(range(1, len(order) + 1), rates[order].numpy(), color=colours, width=0.9)
    axis.set(xlabel="latent numbers, sorted", ylabel="rate in nats", ylim=(0, top))
    return figure
