"""The sizes of convolutions and of transposed ones: windows, stamps, and their counts."""

import ipywidgets as widgets
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ae_helpers.plots.style import ORANGE, VERMILION
from ae_helpers.widgets.controls import slider
from ae_helpers.widgets.digits import font, numbered, outline
from ae_helpers.widgets.explorer import Explorer
from ae_helpers.widgets.pictures import coloured, enlarged, picture

BOARD = 256  # pixels of the screen that a board of squares is wide and high
LINES = "#777777"
PADDING, PIXEL, SEEN_PADDING, SEEN = "#E4E4E4", "#8CC8EC", "#F7DFAE", ORANGE
CROPPED = "#8A8A8A"


# -------------------------------------------------------------------------- the size rule: windows


def size_rule(n: int, kernel_size: int, stride: int = 1, padding: int = 0) -> Explorer:
    """A convolution's sizes: what one output pixel sees, how often each input pixel is seen.

    Settings that are impossible are shown and explained, not refused.

    Args:
        n, kernel_size, stride, padding: where the sliders start; all squares, as ``nn.Conv2d``
            takes them.

    Raises:
        ValueError: a start beyond its slider.
    """
    last = max(output_size(n, kernel_size, stride, padding) - 1, 0)
    controls = {
        "n": _setting("input size n", n, 1, 32),
        "kernel_size": _setting("kernel_size k", kernel_size, 1, 15),
        "stride": _setting("stride s", stride, 1, 5),
        "padding": _setting("padding p", padding, 0, 7),
        "row": slider("output row", 0, last, last // 2),
        "column": slider("output column", 0, last, last // 2),
    }
    alts = {
        "input in its padding": "The input pixels in blue, padding around them in grey; what the "
        "chosen output pixel sees is orange.",
        "output": "The output as squares of the same size; the chosen pixel is orange.",
        "how often each pixel is seen": "The input pixels, coloured by the number of windows that "
        "they lie in; white: in none.",
    }

    def draw(n, kernel_size, stride, padding, row, column):
        padded, size = n + 2 * padding, output_size(n, kernel_size, stride, padding)
        squares = max(padded, kernel_size)
        inside = torch.zeros(padded, padded, dtype=torch.uint8)
        inside[padding : padding + n, padding : padding + n] = 1
        seen = windows_on_pixels(n, kernel_size, stride, padding)
        rule = (
            f"⌊({n} + 2·{padding} − {kernel_size})/{stride}⌋ + 1 = "
            f"⌊{padded - kernel_size}/{stride}⌋ + 1 = {size}"
        ).replace("-", "−")
        if size < 1:
            source = _board(_painted(inside), squares)
            outline(source, BOARD // squares, 0, 0, kernel_size, kernel_size, VERMILION)
            target = _nothing("no output:\nthe kernel does not fit")
            readout = (
                f"{rule}: impossible. A kernel of {kernel_size} does not fit into {n} + 2·{padding}"
                f" = {padded} pixels. Take a kernel_size of at most {padded}, or a padding of at "
                f"least {-((n - kernel_size) // 2)}."
            )
        else:
            row, column = _within(size, controls["row"], controls["column"])
            top, left = row * stride, column * stride
            window = inside[top : top + kernel_size, left : left + kernel_size]
            window += 2  # now 2 is padding that is seen, 3 a pixel that is seen
            source = _board(_painted(inside), squares)
            chosen = torch.ones(size, size, dtype=torch.uint8)
            chosen[row, column] = 3
            target = _board(_painted(chosen), squares)
            pixels, more = (window == 3).sum().item(), (window == 2).any().item()
            sight = f"{pixels} pixel{'s' * (pixels != 1)} of the input{' and padding' * more}"
            readout = (
                f"{rule}: the output is {size}×{size}. Its pixel in row {row}, column {column} "
                f"sees {sight if pixels else 'padding only'}. "
                f"{_seen(seen, n, kernel_size, stride, padding)}"
            )
        count = _board(_counted(seen, seen.max().item()), n, seen)
        return dict(zip(alts, (source, target, count), strict=True)), readout

    panels = {name: picture(alt, BOARD + 1) for name, alt in alts.items()}
    title = "Move the windows of a convolution"
    return Explorer(title, controls, panels, draw)


def output_size(n: int, kernel_size: int, stride: int, padding: int) -> int:
    """The side of a convolution's output; below 1: there is none (Dumoulin & Visin, 2016)."""
    return (n + 2 * padding - kernel_size) // stride + 1


def windows_on_pixels(n: int, kernel_size: int, stride: int, padding: int) -> Tensor:
    """In how many windows of a convolution each input pixel lies: ``(n, n)``, ``int64``."""
    windows = max(output_size(n, kernel_size, stride, padding), 0)
    line = _covered(windows, kernel_size, stride, n + 2 * padding)[padding : padding + n]
    return torch.outer(line, line)


def _seen(seen: Tensor, n: int, kernel_size: int, stride: int, padding: int) -> str:
    low, high, never = seen.min().item(), seen.max().item(), (seen == 0).sum().item()
    text = f"A pixel of the input is seen {_times(low, high)}."
    lost = (n + 2 * padding - kernel_size) % stride  # rows that the floor rounds away
    if lost:
        last = "row and column" if lost == 1 else f"{lost} rows and columns"
        where = ": padding" if lost <= padding else f", {lost - padding} of each in the image"
        text += f" The floor drops the last {last}{where}."
    if stride > kernel_size:
        text += f" A stride larger than the kernel jumps over {stride - kernel_size} each time."
    return text + (f" {never} of {n * n} pixels are never seen (white)." if never else "")


# ------------------------------------------------------------- the transposed convolution: stamps


def transposed_convolution(
    n: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0
) -> Explorer:
    """A transposed convolution, stamp by stamp, and how many stamps fall on each output pixel.

    Settings that are impossible are shown and explained, not refused.

    Args:
        n, kernel_size, stride, padding, output_padding: where the sliders start; all squares, as
            ``nn.ConvTranspose2d`` takes them.

    Raises:
        ValueError: a start beyond its slider.
    """
    controls = {
        "n": _setting("input size n", n, 1, 16),
        "kernel_size": _setting("kernel_size k", kernel_size, 1, 15),
        "stride": _setting("stride s", stride, 1, 4),
        "padding": _setting("padding p", padding, 0, 7),
        "output_padding": _setting("output_padding o", output_padding, 0, 4),
        "stamps": slider("stamps so far", 0, n * n, (n * n + 1) // 2),
    }
    alts = {
        "input": "The input numbers: those already stamped in blue, the last of them in orange.",
        "canvas with the stamps so far": "The canvas, coloured by the stamps so far on each "
        "square; the last stamp has an orange rim, the output a black one; the crop is grey.",
        "output: all stamps, counted": "The output pixels, coloured by the number of stamps on "
        "them; white: none.",
    }

    def draw(n, kernel_size, stride, padding, output_padding, stamps):
        controls["stamps"].max = n * n  # takes the value along if it is beyond
        stamps = min(stamps, n * n)
        size = transposed_size(n, kernel_size, stride, padding, output_padding)
        length = max((n - 1) * stride + kernel_size, padding + size)
        so_far, every = (
            stamps_on_canvas(number, n, kernel_size, stride, length) for number in (stamps, n * n)
        )
        possible, high = size >= 1 and output_padding < stride, every.max().item()
        output = slice(padding, padding + size) if possible else slice(0)

        done = torch.zeros(n * n, dtype=torch.uint8)
        done[:stamps], done[stamps - 1 : stamps] = 1, 3
        source = _board(_painted(done.view(n, n)), length)
        canvas = _board(_cropped(_counted(so_far, high), output), length)
        if possible:
            outline(canvas, BOARD // length, padding, padding, size, size, "black")
        if stamps:
            top, left = (place * stride for place in divmod(stamps - 1, n))
            outline(canvas, BOARD // length, top, left, kernel_size, kernel_size)

        rule = f"({n} − 1)·{stride} − 2·{padding} + {kernel_size} + {output_padding} = {size}"
        if possible:
            counts = every[output, output]
            target = _board(_counted(counts, high), length, counts)
            text = f"the output is {size}×{size}. {_stamp(stamps, n)} "
            text += _overlaps(counts, kernel_size, stride)
        else:
            target = _nothing("no output:\nread why below")
            text = "impossible. " + _why(n, kernel_size, stride, padding, output_padding)
        readout = f"{rule.replace('-', '−')}: {text}"
        return dict(zip(alts, (source, canvas, target), strict=True)), readout

    panels = {name: picture(alt, BOARD + 1) for name, alt in alts.items()}
    title = "Lay the stamps of a transposed convolution"
    return Explorer(title, controls, panels, draw)


def transposed_size(
    n: int, kernel_size: int, stride: int, padding: int, output_padding: int
) -> int:
    """The side of a transposed convolution's output; below 1: there is none."""
    return (n - 1) * stride - 2 * padding + kernel_size + output_padding


def stamps_on_canvas(stamps: int, n: int, kernel_size: int, stride: int, length: int) -> Tensor:
    """How many of the first stamps, laid row by row, lie on each square of the canvas.

    Args:
        stamps: how many are laid, at most n·n.
        length: the side of the canvas, before anything is cropped.

    Returns:
        ``(length, length)``, ``int64``.
    """
    rows, rest = divmod(stamps, n)  # whole rows of stamps, and one that is begun
    whole = _covered(rows, kernel_size, stride, length)
    begun = _covered(rows + 1, kernel_size, stride, length) - whole
    return torch.outer(whole, _covered(n, kernel_size, stride, length)) + torch.outer(
        begun, _covered(rest, kernel_size, stride, length)
    )


def _stamp(stamps: int, n: int) -> str:
    if not stamps:
        return "No stamp is laid yet."
    row, column = divmod(stamps - 1, n)
    return f"Stamp {stamps} of {n * n} comes from row {row}, column {column} of the input."


def _overlaps(counts: Tensor, kernel_size: int, stride: int) -> str:
    low, high = counts.min().item(), counts.max().item()
    text = f"In the end an output pixel is stamped {_times(low, high)}"
    if low == high:
        return f"{text}: evenly."
    if kernel_size % stride:
        return f"{text}, unevenly: k = {kernel_size} is not a multiple of s = {stride}."
    return f"{text}: evenly but for the rim."


def _why(n: int, kernel_size: int, stride: int, padding: int, output_padding: int) -> str:
    if output_padding >= stride:
        return (
            f"output_padding {output_padding} is not smaller than stride {stride}: a convolution "
            f"with that stride lumps only {stride} size{'s' * (stride > 1)} together. Take an "
            f"output_padding of at most {stride - 1}, or a larger stride."
        )
    most = (transposed_size(n, kernel_size, stride, 0, output_padding) - 1) // 2
    return (
        f"The crop of {padding} on each side leaves nothing of the canvas. Take a padding of at "
        f"most {most}, or more or larger stamps."
    )


# ------------------------------------------------------------------------------- what both share


def _covered(windows: int, kernel_size: int, stride: int, length: int) -> Tensor:
    """In how many of the windows each place of a line lies: ``(length,)``, ``int64``."""
    line = torch.zeros(length, dtype=torch.int64)
    for number in range(windows):
        line[number * stride : number * stride + kernel_size] += 1
    return line


def _times(low: int, high: int) -> str:
    if low == high:
        return "once" if low == 1 else f"{low} times"
    return f"{low} (dark) to {high} (yellow) times" if low else f"0 to {high} times"


def _setting(label: str, value: int, low: int, high: int) -> widgets.Widget:
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError(
            f"{label} is {value!r}; expected a whole number from {low} to {high}, where its slider "
            "goes. Start within, or compute the size with output_size or transposed_size."
        )
    return slider(label, low, high, value)


def _within(size: int, *sliders: widgets.Widget) -> list[int]:
    """Let the sliders end at ``size - 1``, which takes along a value beyond; their values."""
    for control in sliders:
        control.max = size - 1
    return [control.value for control in sliders]


def _painted(kinds: Tensor) -> Image.Image:
    """Squares of four kinds, ``(H, W)``, ``uint8``: padding, pixel, each unseen (0, 1) or seen."""
    image = Image.fromarray(kinds.numpy(), mode="P")
    image.putpalette(bytes.fromhex("".join((PADDING, PIXEL, SEEN_PADDING, SEEN)).replace("#", "")))
    return image.convert("RGB")


def _counted(counts: Tensor, high: int) -> Image.Image:
    """Counts, ``(H, W)``, as colours from 0 to ``high``; white where there is nothing to count."""
    image = coloured(counts, "viridis", 0, high).convert("RGB")
    image.paste("white", mask=_mask(counts == 0))
    return image


def _cropped(colours: Image.Image, kept: slice) -> Image.Image:
    """The canvas with all but the output, the rows and columns ``kept``, fading into grey."""
    where = torch.zeros(colours.height, colours.width, dtype=torch.bool)
    where[kept, kept] = True
    faded = Image.blend(colours, Image.new("RGB", colours.size, CROPPED), 0.65)
    return Image.composite(colours, faded, _mask(where))


def _mask(where: Tensor) -> Image.Image:
    return Image.fromarray(where.byte().mul(255).numpy())


def _board(colours: Image.Image, squares: int, numbers: Tensor | None = None) -> Image.Image:
    """A board on which ``squares`` of equal size fit side by side, with lines between them.

    What the picture leaves free is transparent, for a dark page.
    """
    side = BOARD // squares
    board = Image.new("RGBA", (BOARD + 1, BOARD + 1), "#FFFFFF00")
    if numbers is None:
        board.paste(enlarged(colours, side))
    else:
        board.paste(numbered(colours, numbers, side))
    if side >= 5:
        pen = ImageDraw.Draw(board)
        right, bottom = colours.width * side, colours.height * side
        for x in range(0, right + 1, side):
            pen.line((x, 0, x, bottom), LINES)
        for y in range(0, bottom + 1, side):
            pen.line((0, y, right, y), LINES)
    return board


def _nothing(text: str) -> Image.Image:
    """An empty board that says why it is empty."""
    board = Image.new("RGB", (BOARD + 1, BOARD + 1), "white")
    pen = ImageDraw.Draw(board)
    pen.rectangle((0, 0, BOARD, BOARD), outline=LINES)
    pen.text((BOARD / 2, BOARD / 2), text, "black", font(16), anchor="mm", align="center")
    return board
