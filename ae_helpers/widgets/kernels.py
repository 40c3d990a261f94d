"""Edit the nine weights of a kernel, and see what a convolution with it draws."""

import math
from pathlib import Path

import anywidget
import ipywidgets as widgets
import torch
import traitlets
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

from ae_helpers.data import ImageData, to_float
from ae_helpers.models import shipped
from ae_helpers.widgets.controls import choice, slider
from ae_helpers.widgets.convolutions import LINES, PADDING
from ae_helpers.widgets.digits import check_digits, font
from ae_helpers.widgets.explorer import Explorer
from ae_helpers.widgets.feature_maps import frame
from ae_helpers.widgets.pictures import ClickablePicture, as_image, coloured, enlarged, picture

BOARD = 240  # pixels of the screen that input and output are wide and high: 8 for each of theirs
WIDTH, HEIGHT = 40, 34  # of a number in the arithmetic
GAP, SUM = 24, 60  # width of what stands between its tables, and of the sum
SCALE = 3.0  # what is darkest: the most that the edge kernels give
LARGEST = 100  # weight that is accepted
FIRST_TRAINED = 43  # of the trained kernels, [5, 3], which has both signs
SIZES = (13, 11, 10, 9)  # of the font, until a number fits
INPUT, OUTPUT = "input, with its padding of 0 in grey", "output: −3 is blue, 0 white, 3 red"
ARITHMETIC = "window × kernel = products; their sum is the framed pixel of the output"

KERNELS = {
    "identity": ["0", "0", "0", "0", "1", "0", "0", "0", "0"],
    "blur": ["1/9"] * 9,
    "sharpen": ["0", "-1", "0", "-1", "5", "-1", "0", "-1", "0"],
    "vertical edges": ["-1", "0", "1", "-1", "0", "1", "-1", "0", "1"],
    "horizontal edges": ["-1", "-1", "-1", "0", "0", "0", "1", "1", "1"],
}


class KernelFields(anywidget.AnyWidget):
    """A table of nine fields to type numbers in; arrow keys up and down change one by 0.1.

    ``value`` is what stands in them, row by row, as text: ``read_kernel`` makes numbers of it.
    """

    _esm = Path(__file__).with_suffix(".js")
    description = traitlets.Unicode("kernel: nine weights").tag(sync=True)
    value = traitlets.List(traitlets.Unicode(), minlen=9, maxlen=9).tag(sync=True)


def edit_kernel(digits: ImageData) -> Explorer:
    """Type the weights of a 3×3 kernel, and see what it makes of a digit, pixel by pixel.

    Stride 1 and padding 1, so that the output is as large as the input. The colours of weights,
    products and output mean the same for all kernels and digits.

    Args:
        digits: from ``data.load``: grey images, ``uint8``, with their labels.

    Raises:
        TypeError, ValueError: see ``check_digits``.
    """
    check_digits(digits)
    images, labels = digits.train_images, digits.train_labels
    height, width = images.shape[2:]
    side = side_of(height, width)
    trained, next_trained = trained_kernels(), FIRST_TRAINED

    fields = KernelFields(value=KERNELS["vertical edges"])
    classes = labels.unique().tolist()
    first = to_float(images[labels == classes[0]][0])
    strongest = convolved(first, read_kernel(fields.value)).argmax().item()
    row = slider("row", 0, height - 1, strongest // width)
    column = slider("column", 0, width - 1, strongest % width)
    controls = {
        "kernel": fields,
        "label": choice("class", classes),
        "number": slider("number", 0, len(images) - 1, 0),
        "row": row,
        "column": column,
    }
    board = widgets.Layout(width=f"{BOARD}px", max_width="100%")
    pictures = {
        INPUT: ClickablePicture(
            tooltip="The chosen digit in its padding; a frame shows the window.", layout=board
        ),
        OUTPUT: ClickablePicture(
            tooltip="What the convolution gives, from blue over white to red; the chosen pixel "
            "has a frame.",
            layout=board,
        ),
        ARITHMETIC: picture(
            "The nine pixels of the window, the nine weights, the nine products, and their sum.",
            *arithmetic_size(),
        ).add_class("ae-smooth"),
    }

    def draw(kernel, label, number, row, column):
        weights = read_kernel(kernel)
        of_class = (labels == label).nonzero()[:, 0]
        controls["number"].max = len(of_class) - 1  # takes the value along if it is beyond
        index = of_class[min(number, len(of_class) - 1)].item()
        image = to_float(images[index])
        output = convolved(image, weights)
        padded = F.pad(image[0], (1, 1, 1, 1), value=torch.nan)
        window = padded[row : row + 3, column : column + 3]

        source = Image.new("RGB", (width + 2, height + 2), PADDING)
        source.paste(as_image(image), (1, 1))
        source = enlarged(source, side)
        frame(source, side, range(row, row + 3), range(column, column + 3))
        target = Image.new("RGBA", (source.width, source.height), "#FFFFFF00")
        target.paste(enlarged(signed(output), side), (side, side))
        rim = (side - 1, side - 1, side * (width + 1), side * (height + 1))
        ImageDraw.Draw(target).rectangle(rim, outline=LINES)
        frame(target, side, range(row + 1, row + 2), range(column + 1, column + 2))

        total = output[row, column].item()
        products = window.nan_to_num(0).double() * weights
        outside = window.isnan().sum().item()
        beyond = (output.abs() > SCALE).sum().item()
        text = f"{name_of(kernel, trained)} Row {row}, column {column}: "
        text += " + ".join(_bracketed(product) for product in products.flatten().tolist())
        text += f" = {as_text(total)}"
        text += f"; {outside} of the nine lie outside and count as 0." if outside else "."
        text += f" The whole output goes from {as_text(output.min())} to {as_text(output.max())}"
        lie = "pixel lies" if beyond == 1 else "pixels lie"
        text += f"; {beyond} {lie} beyond the darkest colours." if beyond else "."
        drawn = (source, target, arithmetic(window, weights, products, total))
        return dict(zip(pictures, drawn, strict=True)), text

    def choose(where: dict[str, int]) -> None:
        if "x" in where:
            place = where["y"] // side - 1, where["x"] // side - 1
        else:
            place = row.value + where.get("down", 0), column.value + where.get("right", 0)
        row.value, column.value = place  # a slider keeps what is beyond it at its end

    def take(texts: list[str]) -> None:
        fields.value = texts

    def take_trained() -> None:
        nonlocal next_trained
        take(list(trained.values())[next_trained % len(trained)])
        next_trained += 1

    explorer = Explorer(
        "Edit the nine weights of a kernel, and see what it draws",
        controls,
        pictures,
        draw,
        buttons={
            **{name: lambda texts=texts: take(texts) for name, texts in KERNELS.items()},
            "a trained kernel": take_trained,
        },
        hint="Type in the fields, or press ↑ and ↓ there. Click or drag in a picture, or use arrow "
        "keys, to move the window.",
        across=2,
    )
    for panel in (pictures[INPUT], pictures[OUTPUT]):
        panel.on_msg(lambda _, where, __: explorer.act(lambda: choose(where)))
    return explorer


def side_of(height: int, width: int) -> int:
    """The side of a digit's pixel on the board, in the board's pixels."""
    return max(BOARD // (max(height, width) + 2), 1)


def trained_kernels() -> dict[str, list[str]]:
    """By name the kernels of the backbone's second convolution, rounded, as they are typed."""
    second = shipped.backbone().encoder.conv2.weight.detach()
    return {  # of all pairs of an output and an input channel
        f"conv2.weight[{out}, {channel}]": [f"{weight:.3f}" for weight in kernel.flatten().tolist()]
        for out, kernels in enumerate(second)
        for channel, kernel in enumerate(kernels)
    }


def convolved(image: Tensor, weights: Tensor) -> Tensor:
    """An image, ``(1, H, W)``, convolved with padding 1: ``(H, W)``, ``float64``.

    Args:
        weights: ``(3, 3)``, ``float64``.
    """
    return F.conv2d(image[None].double(), weights[None, None], padding=1)[0, 0]


def read_kernel(texts: list[str]) -> Tensor:
    """The weights that stand in the nine fields, row by row: ``(3, 3)``, ``float64``.

    Raises:
        ValueError: see ``read_weight``.
    """
    return torch.tensor(
        [read_weight(text, *divmod(place, 3)) for place, text in enumerate(texts)],
        dtype=torch.float64,
    ).view(3, 3)


def read_weight(text: str, row: int, column: int) -> float:
    """The number in the field of that row and column of the kernel; a fraction, "1/9", is one.

    Raises:
        ValueError: none there, or none from −100 to 100; the message names the field.
    """
    top, slash, bottom = text.replace("−", "-").partition("/")
    try:
        parts = float(top), float(bottom if slash else 1)
        weight = parts[0] / parts[1] if all(map(math.isfinite, parts)) else math.nan
    except (ValueError, ZeroDivisionError):
        weight = math.nan
    if not abs(weight) <= LARGEST:  # which nan isn't, either
        what = f"holds “{text}”" if text.strip() else "is empty"
        raise ValueError(
            f"The kernel's field in row {row}, column {column} {what}; expected a number from "
            f"−{LARGEST} to {LARGEST}, such as -1, 0.5 or 1/9. Type one there, or choose a kernel "
            "by a button. Until then the pictures stay as they were."
        )
    return weight


def name_of(texts: list[str], trained: dict[str, list[str]]) -> str:
    """What the kernel in the fields is, in a sentence."""
    for name, known in KERNELS.items():
        if texts == known:
            return f"Kernel: {name}."
    for name, known in trained.items():
        if texts == known:
            return (
                f"Kernel: {name} of a trained encoder, rounded. In its place it reads a feature "
                "map of layer 1, not a digit, and its results are added to those of seven others."
            )
    return "Kernel: your own."


def signed(values: Tensor) -> Image.Image:
    """Numbers, ``(H, W)``, as colours: −3 and below darkest blue, 0 white, 3 and above red."""
    return coloured(values, "RdBu_r", -SCALE, SCALE).convert("RGB")


def as_text(number: float) -> str:
    """With three decimals, but for zeros at the end; a number smaller than that by its size."""
    text = f"{number:.3f}".rstrip("0").rstrip(".")
    if text in ("0", "-0"):
        text = f"{number:.0e}" if number else "0"
    return text.replace("-", "−")


def _bracketed(number: float) -> str:
    text = as_text(number)
    return f"({text})" if text.startswith("−") else text


def arithmetic_size() -> tuple[int, int]:
    """Width and height of the picture that ``arithmetic`` draws."""
    return 9 * WIDTH + 3 * GAP + SUM, 3 * HEIGHT


def arithmetic(window: Tensor, weights: Tensor, products: Tensor, total: float) -> Image.Image:
    """Three tables of nine numbers, and the sum of the last: pixels × weights = products → sum.

    Args:
        window: ``(3, 3)``, in [0, 1]; ``nan`` where it lies outside of the image.
        weights, products: ``(3, 3)``.
        total: the sum of the products.
    """
    board = Image.new("RGB", arithmetic_size(), "white")
    pixels = as_image(window.nan_to_num(0)).convert("RGB")
    for row, column in window.isnan().nonzero().tolist():
        pixels.paste(PADDING, (column, row, column + 1, row + 1))
    pen, left = ImageDraw.Draw(board), 0
    tables = (
        (pixels, window.nan_to_num(0)),
        (signed(weights), weights),
        (signed(products), products),
    )
    for (colours, numbers), sign in zip(tables, "×=→", strict=True):
        for place, value in enumerate(numbers.flatten().tolist()):
            row, column = divmod(place, 3)
            colour = colours.getpixel((column, row))
            _number(pen, left + column * WIDTH, row * HEIGHT, WIDTH, colour, value)
        left += 3 * WIDTH + GAP
        middle = (left - GAP / 2, board.height / 2)
        pen.text(middle, sign, "black", font(16), anchor="mm")
    colour = signed(torch.tensor([[total]])).getpixel((0, 0))
    _number(pen, left, HEIGHT, SUM, colour, total)
    return board


def _number(pen: ImageDraw.ImageDraw, x: int, y: int, width: int, colour: tuple, value: float):
    """A rectangle with a number in it, in a size in which it fits."""
    pen.rectangle((x, y, x + width - 1, y + HEIGHT - 1), colour, LINES)
    text = as_text(value)
    size = next((size for size in SIZES if font(size).getlength(text) < width - 3), 8)
    light = 0.3 * colour[0] + 0.6 * colour[1] + 0.1 * colour[2]
    ink = "white" if light < 128 else "black"
    pen.text((x + width / 2, y + HEIGHT / 2), text, ink, font(size), anchor="mm")
