"""Move through the latent space: along its directions, from digit to digit, with fewer numbers."""

import base64
import contextlib
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from torch import Tensor, nn

from ae_helpers.data import ImageData, to_float
from ae_helpers.measures import image_errors, latent, pca
from ae_helpers.plots.style import BLUE, ORANGE, SKY, styled
from ae_helpers.widgets.controls import slider
from ae_helpers.widgets.explorer import Explorer, digit_name, own_copy
from ae_helpers.widgets.pictures import SMALL, as_image, on_canvas, picture

try:
    from ae_helpers.training.matrix_products import as_products
except ImportError:  # which is only faster
    as_products = contextlib.nullcontext

DIRECTIONS = 8  # sliders
FARTHEST, STEP = 3.0, 0.05  # standard deviations, to both sides
FAR = 0.9  # of training digits have a nearer neighbour: a code as far from all is lonely
PENS = {"code": BLUE, "PCA": ORANGE}
MEASURED = 500  # images that "usual" distances and mean errors are taken from


def latent_sliders(model: nn.Module, train_images: Tensor) -> Explorer:
    """Walk along the leading principal directions of the training codes, and see what is decoded.

    Above each slider stands the density of the training codes. The readout compares the distance
    to the nearest training code with the distances among the training codes themselves, and warns
    where it is large. (The distance from their mean would not do: it calls random codes usual.)

    Args:
        model: a trained autoencoder, as ``own_copy`` takes it.
        train_images: ``(N, 1, H, W)``, at least two: the digits that it was trained with.

    Raises:
        TypeError, ValueError: see ``own_copy`` and ``pca.principal_directions``.
    """
    walk = walk_among(model, train_images)
    model, neighbours, directions = walk.model, walk.neighbours, walk.directions
    codes, shown = neighbours.points, len(walk.deviations)
    deviations, usual, random = walk.deviations, walk.usual, walk.random()

    names = [f"direction {number}" for number in range(1, shown + 1)]
    sliders = {name: slider(name, -FARTHEST, FARTHEST, 0.0, STEP) for name in names}
    digit = slider("training digit", 0, len(train_images) - 1, 0)
    rest = torch.zeros(codes.shape[1])  # the code's coordinates, less what the sliders add

    def draw(digit: int, **values: float):
        here = rest.clone()
        here[:shown] += torch.tensor(list(values.values())) * deviations
        code = directions.points(here[None])
        distances, index = neighbours.nearest(code)
        nearer = (usual < distances).float().mean().item()
        warning = "⚠ Few digits are as lonely as this. " if nearer > FAR else ""
        return {
            "decoded": as_image(model.decode(code)[0]),
            "nearest training digit": as_image(train_images[index.item()]),
            "digit to start from": as_image(train_images[digit]),
        }, (
            f"{warning}The nearest training digit is {distances.item():.0f} away; {nearer:.0%} of "
            "the training digits have another one nearer than that."
        )

    def go(place: Tensor) -> None:
        """Set the sliders to coordinates; whatever they can't show stays in ``rest``."""
        nonlocal rest
        rest = place.clone()
        for number, control in enumerate(sliders.values()):
            # The slider stops at its ends, and the browser rounds to whole steps.
            control.value = round((place[number] / deviations[number]).item() / STEP) * STEP
            rest[number] -= control.value * deviations[number]

    axes = directions.axes[:, :shown]  # without a copy of all codes
    leading = codes @ axes - directions.mean @ axes
    return Explorer(
        "Walk along the principal directions of the codes, in standard deviations",
        {**sliders, "digit": digit},
        {
            "decoded": picture("what the decoder draws for this code"),
            "nearest training digit": picture("the training digit with the nearest code"),
            "digit to start from": picture("the chosen training digit"),
        },
        draw,
        buttons={
            "start from this digit": lambda: go(directions.coordinates(codes[digit.value])),
            "random code": lambda: go(next(random)),
            "reset to the mean code": lambda: go(torch.zeros_like(rest)),
        },
        hint="The hills above the sliders: how many training codes lie there."
        + _densities(list(sliders.values()), leading / deviations),
        across=2,
    )


@dataclass(frozen=True)
class Walk:
    """The codes among which a reader walks.

    Attributes:
        model: a copy, to explore.
        neighbours: the codes of the training images, ``(N, latent_size)``.
        directions: along which they vary.
        deviations: of those directions that have sliders.
        usual: distances of some of the codes to the nearest of the others.
    """

    model: nn.Module
    neighbours: latent.Neighbours
    directions: pca.Directions
    deviations: Tensor
    usual: Tensor

    def random(self) -> Iterator[Tensor]:
        """The coordinates of random codes, ``(K,)`` each: the same ones each time, without end."""
        generator = torch.Generator().manual_seed(0)
        while True:
            code = latent.random_codes(self.directions, 1, generator)
            yield self.directions.coordinates(code)[0]


def walk_among(model: nn.Module, train_images: Tensor) -> Walk:
    """What ``latent_sliders`` shows; it takes and raises the same."""
    model = own_copy(model, train_images)
    codes = latent.encode(model, train_images)
    directions, neighbours = pca.principal_directions(codes), latent.Neighbours(codes)
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(0))
    some = codes[order[:MEASURED]]  # at random: the sample's labels run from 0 to 9 again and again
    usual = neighbours.nearest(some, 2)[0][:, 1]  # the nearest is itself
    deviations = directions.deviations[:DIRECTIONS]
    deviations = deviations[deviations > 1e-4 * deviations[0]]  # along the others nothing varies
    return Walk(model, neighbours, directions, deviations, usual)


def _densities(sliders: list[widgets.Widget], coordinates: Tensor) -> str:
    """Rules that draw a histogram of each column of ``coordinates`` above the track of its slider.

    By CSS, on the track itself: so it is as wide as the track, whatever the window's width.
    """
    rules = []
    for control, values in zip(sliders, coordinates.T, strict=True):
        heights = torch.histc(values, bins=60, min=-FARTHEST, max=FARTHEST)
        lit = torch.arange(20).flip(0)[:, None] < (20 * heights / heights.max()).ceil()
        pixels = torch.tensor([*to_rgb(SKY), 1]).mul(255).round() * lit[:, :, None]
        buffer = io.BytesIO()
        Image.fromarray(pixels.byte().numpy(), "RGBA").save(buffer, "png")
        url = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        # Another explorer has other densities; a page that is built anew has the same names.
        name = f"ae-density-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
        control.add_class("ae-hill").add_class(name)
        rules.append(f".{name} .noUi-target::before {{ background-image: url({url}); }}")
    return f"<style>{' '.join(rules)}</style>"


def blend(model: nn.Module, images: Tensor) -> Explorer:
    """Go from one digit to another on a straight line: of their codes, and of their pixels.

    At both ends the line of codes is the reconstruction of a digit, the line of pixels the digit.

    Args:
        model: a trained autoencoder, as ``own_copy`` takes it.
        images: ``(N, 1, H, W)``: what to choose from, such as the test images.

    Raises:
        TypeError, ValueError: see ``own_copy``.
    """
    model, last = own_copy(model, images), len(images) - 1

    def grey_share(image: Tensor) -> float:
        return ((image > 0.25) & (image < 0.75)).float().mean().item()

    def draw(first: int, second: int, way: int):
        ends, share = to_float(images[[first, second]]), way / 100
        code = torch.lerp(*model.encode(ends), share)
        of_codes, of_pixels = model.decode(code[None])[0], torch.lerp(*ends, share)
        return {
            "first": as_image(ends[0]),
            "line of codes": as_image(of_codes),
            "line of pixels": as_image(of_pixels),
            "second": as_image(ends[1]),
        }, (
            f"{way}% of the way from digit {first} to digit {second}. Pixels neither dark nor "
            f"bright (0.25 to 0.75): {grey_share(of_codes):.0%} on the line of codes, "
            f"{grey_share(of_pixels):.0%} on the line of pixels."
        )

    return Explorer(
        "Go from one digit to another",
        {
            "way": slider("way (%)", 0, 100, 50),
            "first": slider("first digit", 0, last, 0),
            "second": slider("second digit", 0, last, min(1, last)),
        },
        {
            "first": picture("the first digit", SMALL),
            "line of codes": picture("decoded from a code between those of the two digits", SMALL),
            "line of pixels": picture("both digits, one fading into the other", SMALL),
            "second": picture("the second digit", SMALL),
        },
        draw,
    )


def keep_k(model: nn.Module, data: ImageData) -> Explorer:
    """Reconstruct digits from the first k principal coordinates of their codes; or of their pixels.

    Directions are those of the training images. Shown are the first ``MEASURED`` test images; the
    curves are means over them.

    Args:
        model: a trained autoencoder, as ``own_copy`` takes it.
        data: with at least two training images.

    Raises:
        TypeError, ValueError: see ``own_copy`` and ``pca.principal_directions``.
    """
    kept = kept_numbers(model, data)
    test, means, size = kept.test, kept.mean_errors(), kept.model.latent_size
    labels = data.test_labels
    background, place = on_canvas(curves(means, len(test)))

    def draw(k: int, digit: int):
        images = kept.restored([digit], k)
        own = {name: image_errors(test[[digit]], image).item() for name, image in images.items()}
        chart = background.copy()
        pen = ImageDraw.Draw(chart)
        for name, colour in PENS.items():
            for error, fill in ((means[name][k].item(), colour), (own[name], "white")):
                x, y = place(k, error)
                pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill=fill, outline=colour, width=2)
        share = f"{means['code'][k]:.4f} and {means['PCA'][k]:.4f}"
        name = digit_name(digit, labels)
        return {
            "original": as_image(test[digit]),
            "from the code": as_image(images["code"][0]),
            "PCA of the pixels": as_image(images["PCA"][0]),
            "error": chart,
        }, (
            f"{k} of {size} numbers kept: the error of {name} is {own['code']:.4f} from the code, "
            f"{own['PCA']:.4f} by PCA of the pixels; on average over {len(test)} digits {share}."
        )

    return Explorer(
        "Keep only k numbers",
        {
            "k": slider("numbers kept, k", 0, size, min(16, size)),
            "digit": slider("test digit", 0, len(test) - 1, 0),
        },
        {
            "original": picture("the chosen test digit"),
            "from the code": picture("decoded from the first k coordinates of its code"),
            "PCA of the pixels": picture("made of the first k principal components"),
            "error": picture(
                "errors of both against k; filled dots: the mean, hollow: this digit",
                *background.size,
            ),
        },
        draw,
        across=3,
    )


@dataclass(frozen=True)
class Kept:
    """Test images and what is left of them when only the first k numbers are kept.

    Attributes:
        model: a copy, to explore.
        test: the images, in [0, 1].
        of_codes, of_pixels: the principal directions of training codes, and of training images.
        codes, pixels: the test images' coordinates along those, ``(N, latent_size)`` each.
    """

    model: nn.Module
    test: Tensor
    of_codes: pca.Directions
    of_pixels: pca.Directions
    codes: Tensor
    pixels: Tensor

    def restored(self, chosen: list[int] | slice, k: int) -> dict[str, Tensor]:
        """Images made of the first k coordinates: of their codes, and of their pixels."""
        of_pixels = self.of_pixels.points(self.pixels[chosen, :k])
        return {
            "code": self.model.decode(self.of_codes.points(self.codes[chosen, :k])),
            "PCA": of_pixels.view(-1, *self.test.shape[1:]),
        }

    def mean_errors(self) -> dict[str, Tensor]:
        """Of all images, for each k from 0 to all."""
        size = self.model.latent_size
        # For each k the error of each image; in one piece, not as small tensors among large ones.
        errors = {name: torch.empty(size + 1, len(self.test)) for name in ("code", "PCA")}
        with torch.inference_mode(), as_products(self.model):
            for k in range(size + 1):
                for name, images in self.restored(slice(None), k).items():
                    errors[name][k] = image_errors(self.test, images)
        return {name: each.mean(1) for name, each in errors.items()}


def kept_numbers(model: nn.Module, data: ImageData) -> Kept:
    """What ``keep_k`` shows; it takes and raises the same."""
    model = own_copy(model, data.test_images)
    size, test = model.latent_size, to_float(data.test_images[:MEASURED])
    of_codes = pca.principal_directions(latent.encode(model, data.train_images))
    of_pixels = pca.principal_directions(data.train_images)
    codes = of_codes.coordinates(latent.encode(model, test))
    pixels = of_pixels.coordinates(test.flatten(1))[:, :size]
    return Kept(model, test, of_codes, of_pixels, codes, pixels)


@styled
def curves(means: dict[str, Tensor], images: int) -> Figure:
    """Mean errors by the number of numbers kept."""
    figure, axis = plt.subplots(figsize=(3.9, 2.6))
    axis.plot(means["code"], "-", color=PENS["code"], label="code")
    axis.plot(means["PCA"], "--", color=PENS["PCA"], label="PCA")
    axis.set(xlabel="numbers kept, k", ylabel="MSE per pixel", ylim=(0, None))
    axis.legend(frameon=False, title=f"mean of {images} digits\n(hollow: this one)")
    return figure
