"""Browse the digits, and read the numbers that they are made of."""

import functools

import torch
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ae_helpers.data import ImageData, check_images
from ae_helpers.plots.style import ORANGE
from ae_helpers.widgets.controls import choice, slider
from ae_helpers.widgets.explorer import Explorer
from ae_helpers.widgets.pictures import ClickablePicture, as_image, enlarged, picture

AROUND = 9  # pixels that the window of numbers is wide and high
PANEL = 288  # pixels of the screen that both pictures are wide and high


def browse_digits(digits: ImageData) -> Explorer:
    """Choose an image by set, class and number; read its pixels through a movable window.

    The window goes where the digit is clicked, and by sliders or arrow keys.

    Args:
        digits: from ``data.load``: grey images, ``uint8``, with their labels.

    Raises:
        TypeError, ValueError: see ``check_digits``.
    """
    check_digits(digits)
    sets = {
        "training": (digits.train_images, digits.train_labels),
        "test": (digits.test_images, digits.test_labels),
    }
    means = {  # by NumPy, because torch would make a copy of all images as floats
        name: torch.from_numpy(images.flatten(1).numpy().mean(1))
        for name, (images, _) in sets.items()
    }
    height, width = digits.train_images.shape[2:]
    classes = digits.train_labels.unique().tolist()
    controls = {
        "part": choice("set", list(sets)),
        "label": choice("class", ["any", *classes]),
        "number": slider("number", 0, len(digits.train_images) - 1, 0),
        "row": slider("row", 0, height - 1, height // 2),
        "column": slider("column", 0, width - 1, width // 2),
    }
    pictures = {
        "digit": ClickablePicture(
            tooltip="The chosen digit; a frame shows where the window lies. A click moves it.",
            layout={"width": f"{PANEL}px", "max_width": "100%"},
        ),
        "pixel values in the frame": picture(
            "The pixels in the frame, enlarged, each with its value; the chosen one has an orange "
            "rim.",
            PANEL,
        ),
    }

    def draw(part, label, number, row, column):
        images, labels = sets[part]
        of_class = labels == label if label != "any" else torch.ones_like(labels)
        chosen = of_class.nonzero()[:, 0]
        if not len(chosen):
            raise ValueError(f"No {part} image has the label {label}. Choose another class or set.")
        controls["number"].max = len(chosen) - 1  # takes the value along if it is beyond
        number = min(number, len(chosen) - 1)
        index = chosen[number].item()
        image = images[index, 0]

        size = min(AROUND, *image.shape)
        top, left = (
            min(max(place - size // 2, 0), length - size)
            for place, length in zip((row, column), image.shape, strict=True)
        )
        near = image[top : top + size, left : left + size]
        side = max(PANEL // max(image.shape), 1)
        whole = enlarged(as_image(image), side)
        outline(whole, side, top, left, size, size)
        numbers = numbered(as_image(near), near, PANEL // size)
        outline(numbers, PANEL // size, row - top, column - left, 1, 1)

        kind = f"{part} images" if label == "any" else f"{part} images of class {label}"
        value = image[row, column].item()
        return {"digit": whole, "pixel values in the frame": numbers}, (
            f"Number {number:,} (0 to {len(chosen) - 1:,}) of the {kind}: index {index:,} of the "
            f"set, label {labels[index]}. Its pixels go from {image.min()} to {image.max()}, mean "
            f"{image.float().mean():.1f}; {(image == 0).float().mean():.0%} are exactly 0, black. "
            f"The mean of all {len(chosen):,} is {means[part][chosen].mean():.1f}. "
            f"Row {row}, column {column}: {value}, as a fraction of 255 {value / 255:.3f}."
        )

    def choose(where: dict[str, int]) -> None:
        """Move the window to where the digit was clicked, or by an arrow key."""
        side = max(PANEL // max(height, width), 1)
        for name, along, step in (("row", "y", "down"), ("column", "x", "right")):
            control = controls[name]
            place = where[along] // side if "x" in where else control.value + where.get(step, 0)
            control.value = min(max(place, 0), control.max)

    explorer = Explorer("Browse the digits, pixel by pixel", controls, pictures, draw)
    pictures["digit"].on_msg(lambda _, where, __: explorer.act(lambda: choose(where)))
    return explorer


def check_digits(digits: ImageData) -> None:
    """Refuse what isn't digits to read numbers from: grey images in bytes, with their labels.

    Raises:
        TypeError, ValueError: something else, an empty set, images in colour or not in bytes, a
            label too many or too few; the message says which.
    """
    if not isinstance(digits, ImageData):
        raise TypeError(
            f"The digits are a {type(digits).__name__}; expected an ImageData: images with labels. "
            "Get one with data.load('mnist')."
        )
    for name, images, labels in (
        ("training", digits.train_images, digits.train_labels),
        ("test", digits.test_images, digits.test_labels),
    ):
        check_images(images)
        if images.shape[1] != 1 or images.dtype != torch.uint8:
            raise ValueError(
                f"The {name} images are {images.dtype} with {images.shape[1]} channel(s); expected "
                "torch.uint8 with 1, so that a square shows one number. Take the bytes of one "
                "channel: images[:, :1]."
            )
        if len(labels) != len(images):
            raise ValueError(
                f"There are {len(labels)} labels for {len(images)} {name} images; expected one "
                "each. Cut both alike, or use digits.take."
            )


def numbered(image: Image.Image, values: Tensor, side: int) -> Image.Image:
    """Each pixel becomes a square of ``side`` pixels with its value written in it, if it has room.

    Args:
        image: the colours, ``W × H`` pixels.
        values: the numbers, whole, ``(H, W)``.
        side: below 13 nothing is written: nobody could read it.
    """
    squares = enlarged(image, side)
    if side < 13:
        return squares
    light = image.convert("L").tobytes()
    for place, value in enumerate(values.flatten().tolist()):
        row, column = divmod(place, image.width)
        ink = "white" if light[place] < 128 else "black"
        squares.paste(ink, (column * side, row * side), _written(f"{value}", side))
    return squares


def outline(
    image: Image.Image,
    side: int,
    top: int,
    left: int,
    height: int,
    width: int,
    colour: str = ORANGE,
) -> None:
    """Frame a block of squares, ``side`` pixels each, three pixels thick."""
    box = (left * side, top * side, (left + width) * side - 1, (top + height) * side - 1)
    ImageDraw.Draw(image).rectangle(box, outline=colour, width=3)


@functools.lru_cache(4096)  # to write is slow, to paste what is written is not
def _written(text: str, side: int) -> Image.Image:
    """The text in the middle of a square, as a mask."""
    mask = Image.new("L", (side, side))
    ink = {"font": font(min(side * 2 // 5 + 2, 14)), "anchor": "mm"}
    ImageDraw.Draw(mask).text((side / 2, side / 2), text, 255, **ink)
    return mask


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font of the charts, which comes with matplotlib."""
    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)
