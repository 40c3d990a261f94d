"""Layer X-ray: what each layer makes of a digit, what each number sees of it and reaches."""

import copy
import functools
import math
from dataclasses import dataclass, replace

import ipywidgets as widgets
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from ae_helpers.data import check_images, to_float
from ae_helpers.plots.style import VERMILION
from ae_helpers.widgets.controls import choice, slider
from ae_helpers.widgets.explorer import Explorer
from ae_helpers.widgets.pictures import (
    SMALL,
    ClickablePicture,
    as_image,
    coloured,
    enlarged,
    picture,
)

BOARD = 288  # pixels of the screen that the mosaic is high and wide, at most
EMPTY = "#8A8A8A"  # the colour where there is no map
SEES, MAPS, REACHES = "what it sees", "feature maps", "what it reaches"


@dataclass(frozen=True)
class Mosaic:
    """Feature maps side by side, in about as many rows as columns, and their cells.

    A cell is ``(channel, row, column)``; the squares of all maps are counted through, so that a
    step to the right of a map's last column leads into the next map.
    """

    channels: int
    height: int
    width: int

    @property
    def rows(self) -> int:
        return 2 ** (int(math.log2(self.channels)) // 2)  # 8 maps in 2 rows, 64 in 8

    @property
    def columns(self) -> int:
        return math.ceil(self.channels / self.rows)

    @property
    def side(self) -> int:
        """The side of a cell, in pixels."""
        return max(BOARD // max(self.rows * self.height, self.columns * self.width), 1)

    def square(self, channel: int, row: int, column: int) -> tuple[int, int]:
        """The row and column of a cell's square in the whole mosaic."""
        down, right = divmod(channel, self.columns)
        return down * self.height + row, right * self.width + column

    def cell(self, down: int, right: int) -> tuple[int, int, int] | None:
        """The cell of a square; none beyond the last map."""
        inside = 0 <= down < self.rows * self.height and 0 <= right < self.columns * self.width
        channel = down // self.height * self.columns + right // self.width
        if not inside or channel >= self.channels:
            return None
        return channel, down % self.height, right % self.width

    def picture(self, maps: Tensor, chosen: tuple[int, int, int]) -> Image.Image:
        """The maps, ``(C, H, W)``, on one colour scale; the chosen cell has a frame."""
        places, side = self.rows * self.columns, self.side
        tiles = torch.cat([maps, maps.new_zeros(places - self.channels, self.height, self.width)])
        tiles = tiles.view(self.rows, self.columns, self.height, self.width)
        board = tiles.transpose(1, 2).reshape(self.rows * self.height, self.columns * self.width)
        colours = coloured(board, "viridis", maps.min().item(), maps.max().item())
        image = enlarged(colours, side)
        pen = ImageDraw.Draw(image)
        for place in range(places):
            top, left = (length * side for length in self.square(place, 0, 0))
            right, bottom = left + self.width * side, top + self.height * side
            empty = EMPTY if place >= self.channels else None
            pen.rectangle((left, top, right - 1, bottom - 1), fill=empty, outline="white")
        down, right = self.square(*chosen)
        frame(image, side, range(down, down + 1), range(right, right + 1))
        return image


@dataclass(frozen=True)
class Stage:
    """A convolution, transposed or not, with what follows it and acts on each number by itself."""

    name: str
    convolution: nn.Conv2d | nn.ConvTranspose2d
    modules: list[nn.Module]  # the convolution first
    input_size: torch.Size  # height and width
    output_shape: torch.Size  # channels, height and width


def layer_xray(model: nn.Module, images: Tensor) -> Explorer:
    """The feature maps of a digit after each layer, and what a number in them sees and reaches.

    The *receptive field* of a number is the rectangle of the image that it is computed from; what
    it *reaches* is the rectangle of the output that is computed from it. Both follow from kernel
    sizes, strides and paddings, whatever the weights. Neither hides the other: a number of the
    backbone's decoder sees the whole image, through the code, and a number of its encoder reaches
    the whole output.

    Args:
        model: layers one after another, ``Conv2d`` or ``ConvTranspose2d`` and what acts on each
            number by itself: ``models.Autoencoder``, one of its halves, or an ``nn.Sequential``.
            It may be untrained. A copy is explored, as it is now.
        images: ``(N, 1, H, W)``, ``uint8`` or in [0, 1]: what to choose from.

    Raises:
        TypeError, ValueError: images or a model that can't be explored; the message says why.
    """
    check_images(images, getattr(model, "input_shape", None))
    images = images.cpu()
    stages = find_stages(model, to_float(images[:1]))
    mosaics = [Mosaic(*stage.output_shape) for stage in stages]
    layers = [
        (f"{stage.name.partition(' ')[0]} · {'×'.join(map(str, stage.output_shape))}", number)
        for number, stage in enumerate(stages)
    ]
    channels, height, width = stages[0].output_shape
    controls = {
        "digit": slider("digit", 0, len(images) - 1, 0),
        "layer": choice("layer", layers),
        "channel": slider("channel", 0, channels - 1, 0),
        "row": slider("row", 0, height - 1, height // 2),
        "column": slider("column", 0, width - 1, width // 2),
    }
    place = [controls[name] for name in ("channel", "row", "column")]
    pictures = {
        SEES: picture("The chosen digit; a frame shows what the chosen number sees.", SMALL),
        MAPS: ClickablePicture(
            tooltip="The layer's feature maps side by side; the chosen number has a frame.",
            layout=widgets.Layout(width=f"{BOARD}px", max_width="100%"),
        ),
    }
    if stages[-1].output_shape == images.shape[1:]:
        pictures[REACHES] = picture(
            "The network's output; a frame shows what the chosen number reaches.", SMALL
        )

    @functools.lru_cache(maxsize=1)
    def passed(digit: int) -> list[Tensor]:
        """What each stage gives: (1, C, H, W)."""
        given = [to_float(images[digit : digit + 1])]
        for stage in stages:
            given.append(nn.Sequential(*stage.modules)(given[-1]))
        return given[1:]

    def draw(digit, layer, channel, row, column):
        stage, outputs = stages[layer], passed(digit)
        for control, size in zip(place, stage.output_shape, strict=True):
            control.max = size - 1  # takes the value along if it is beyond
        cell = channel, row, column = tuple(control.value for control in place)
        maps = outputs[layer][0]
        seen = field(stages[: layer + 1], row, column, backwards=True)
        drawn = {SEES: _framed(images[digit], seen), MAPS: mosaics[layer].picture(maps, cell)}
        count, height, width = stage.output_shape
        text = (
            f"{stage.name} gives {count} map{'s' * (count > 1)} of {height}×{width}, from "
            f"{_as_text(maps.min())} (dark) to {_as_text(maps.max())} (yellow). The number in "
            f"channel {channel}, row {row}, column {column} is {_as_text(maps[cell])}. It sees "
            f"{_in_words(seen, images.shape[2:], 'digit')}"
        )
        if REACHES in pictures:
            reached = field(stages[layer + 1 :], row, column, backwards=False)
            drawn[REACHES] = _framed(outputs[-1][0], reached)
            text += f" and reaches {_in_words(reached, images.shape[2:], 'output')}"
        return drawn, f"{text}."

    def choose(where: dict[str, int]) -> None:
        mosaic = mosaics[controls["layer"].value]
        if "x" in where:
            down, right = where["y"] // mosaic.side, where["x"] // mosaic.side
        else:
            down, right = mosaic.square(*(control.value for control in place))
            down, right = down + where.get("down", 0), right + where.get("right", 0)
        for control, value in zip(place, mosaic.cell(down, right) or (), strict=False):
            control.value = value

    title = "X-ray the layers: click a number in the feature maps, or go there by arrow keys"
    explorer = Explorer(title, controls, pictures, draw)
    pictures[MAPS].on_msg(lambda _, where, __: explorer.act(lambda: choose(where)))
    return explorer


def find_stages(model: nn.Module, image: Tensor) -> list[Stage]:
    """Cut a copy of a network, in evaluation mode, after what follows each of its convolutions.

    Args:
        model: as in ``layer_xray``.
        image: ``(1, C, H, W)``, in [0, 1], to pass through it.

    Raises:
        TypeError: not a network.
        ValueError: one that can't take the image, or whose layers can't be called in a row.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"The model is a {type(model).__name__}; expected an nn.Module. Pass the network "
            "itself, such as models.Autoencoder()."
        )
    model, stages, given = copy.deepcopy(model).cpu().eval(), [], image
    with torch.inference_mode():
        try:
            expected = model(image)
        except RuntimeError as error:
            raise ValueError(
                f"This {type(model).__name__} can't take images of shape {tuple(image.shape[1:])}: "
                f"{error}. Resize them, or build a network for their shape."
            ) from error
        for name, module in model.named_modules():
            if any(module.children()):
                continue  # what it is made of comes next
            try:
                output = module(given)
            except (RuntimeError, TypeError) as error:
                raise _not_in_a_row(model, f"{name} can't follow ({error})") from error
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                if max(module.dilation) > 1:
                    raise _not_in_a_row(model, f"the kernel of {name} has gaps, by its dilation")
                stages.append(Stage(name, module, [module], given.shape[2:], output.shape[1:]))
            elif stages and output.shape == given.shape:
                last = stages[-1]
                text = f"{last.name} + {name.rpartition('.')[-1]}"
                stages[-1] = replace(last, name=text, modules=[*last.modules, module])
            else:
                raise _not_in_a_row(model, f"{name} is a {type(module).__name__}")
            given = output
    if not (given.shape == expected.shape and torch.allclose(given, expected, atol=1e-5)):
        raise _not_in_a_row(model, "in the order of their definition they give another output")
    return stages


def field(stages: list[Stage], row: int, column: int, backwards: bool) -> tuple[range, range]:
    """The rows and columns that are linked with one number on the other side of some layers.

    With ``backwards``, the number comes out of the last of ``stages``, and its receptive field in
    the input of the first one is returned; else it goes into the first one, and what is returned
    is what it reaches in the output of the last. Empty if nothing is linked.

    From layer to layer: a number of a convolution's output is linked with a *window* of its input,
    k long, which begins at s · place − p; what goes into a transposed one, with a *stamp* of its
    output, which begins there, too. Going the other way, a place is linked with all windows, or
    stamps, that it lies in. At the end of each map padding begins, or the crop, and no link ends
    there. (Without these ends it is the receptive field of Araujo, Norris & Sim, Distill 2019.)
    """
    linked = [range(row, row + 1), range(column, column + 1)]
    for stage in reversed(stages) if backwards else stages:
        sizes = stage.input_size if backwards else stage.output_shape[1:]
        spreads = isinstance(stage.convolution, nn.Conv2d) == backwards
        for axis, size in enumerate(sizes):
            linked[axis] = _linked(stage.convolution, axis, linked[axis], size, spreads)
    return tuple(linked)


def _linked(layer: nn.Module, axis: int, places: range, size: int, spreads: bool) -> range:
    if not places:
        return places
    reach = layer.kernel_size[axis] - 1  # from the first to the last weight
    stride = layer.stride[axis]
    if isinstance(layer.padding, str):
        padding = reach // 2 if layer.padding == "same" else 0
    else:
        padding = layer.padding[axis]
    if spreads:
        first, last = (place * stride - padding for place in (places[0], places[-1]))
        last += reach
    else:
        first = -((reach - padding - places[0]) // stride)  # rounded up
        last = (places[-1] + padding) // stride
    return range(max(first, 0), min(last + 1, size))


def _framed(image: Tensor, where: tuple[range, range]) -> Image.Image:
    side = max(SMALL // max(image.shape[1:]), 1)
    framed, (rows, columns) = enlarged(as_image(image), side), where
    if rows and columns:
        frame(framed, side, rows, columns)
    return framed


def frame(image: Image.Image, side: int, rows: range, columns: range) -> None:
    """Draw a frame around squares, not on them: a single one shall still be seen."""
    pen = ImageDraw.Draw(image)
    for distance, colour in ((3, "white"), (2, VERMILION), (1, VERMILION)):
        inside = 2 - distance  # at the rim of the picture, where there is no room outside
        top, left = (max(places[0] * side - distance, inside) for places in (rows, columns))
        bottom, right = (
            min((places[-1] + 1) * side + distance, length - inside) - 1
            for places, length in ((rows, image.height), (columns, image.width))
        )
        pen.rectangle((left, top, right, bottom), outline=colour)


def _as_text(number: Tensor) -> str:
    """With three decimals; a large one, of which float32 doesn't know the third, with one."""
    return f"{number:,.{1 if abs(number) >= 100 else 3}f}"


def _in_words(where: tuple[range, range], size: torch.Size, whole: str) -> str:
    rows, columns = where
    if (len(rows), len(columns)) == tuple(size):
        return f"the whole {whole}"
    if not (rows and columns):
        return f"nothing of the {whole}"
    ends = [
        f"{name} {places[0]}" if len(places) == 1 else f"{name}s {places[0]} to {places[-1]}"
        for name, places in (("row", rows), ("column", columns))
    ]
    return f"{' and '.join(ends)} of the {whole} ({len(rows)}×{len(columns)})"


def _not_in_a_row(model: nn.Module, what: str) -> ValueError:
    return ValueError(
        f"The layers of this {type(model).__name__} can't be called one after another: {what}. "
        "Expected Conv2d and ConvTranspose2d, and modules that act on each number by itself, each "
        "used once. Build it like models.Autoencoder, or pass a part of it."
    )
