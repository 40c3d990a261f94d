"""The sizes and counts in the explorers are torch's, for every setting, possible or not."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from ae_helpers.widgets import convolutions, size_rule, transposed_convolution
from shown import set_to

SOURCE, OUTPUT, SEEN = "input in its padding", "output", "how often each pixel is seen"
CANVAS, COUNTED = "canvas with the stamps so far", "output: all stamps, counted"
SETTINGS = list(itertools.product((1, 7, 8), (1, 2, 5), (1, 2, 3), (0, 1, 3)))


def ones(side):
    return torch.ones(1, 1, side, side)


def squares(image, count, side):
    """The colours in the middle of the squares, away from the lines: ``count²`` of them."""
    middles = [place * side + side // 2 for place in range(count)]
    return [image.convert("RGB").getpixel((x, y)) for y in middles for x in middles]


def coloured_as(counts, high):
    image = convolutions._counted(counts, high)
    return [image.getpixel((x, y)) for y in range(image.height) for x in range(image.width)]


# ------------------------------------------------------------------------------------ the size rule


@pytest.mark.parametrize("n, k, s, p", SETTINGS)
def test_windows_are_counted_as_torch_uses_them(n, k, s, p):
    image, size = ones(n).requires_grad_(), convolutions.output_size(n, k, s, p)
    try:
        output = F.conv2d(image, ones(k), stride=s, padding=p)
    except RuntimeError:
        assert size < 1
        assert not convolutions.windows_on_pixels(n, k, s, p).any()
        return
    (seen,) = torch.autograd.grad(output.sum(), image)  # a kernel of ones: 1 for each window
    assert size == output.shape[-1]
    assert torch.equal(convolutions.windows_on_pixels(n, k, s, p), seen[0, 0].long())


@pytest.mark.parametrize("n, k, s, p, row, column", [(16, 3, 2, 1, 7, 0), (9, 4, 3, 2, 1, 2)])
def test_the_window_is_what_an_output_pixel_sees(n, k, s, p, row, column):
    explorer = set_to(size_rule(n, k, s, p), row=row, column=column)
    image = ones(n).requires_grad_()
    output = F.conv2d(image, ones(k), stride=s, padding=p)
    (sees,) = torch.autograd.grad(output[0, 0, row, column], image)
    side, padded = convolutions.BOARD // (n + 2 * p), n + 2 * p
    shown = torch.tensor(squares(explorer.shown[SOURCE], padded, side)).view(padded, padded, 3)
    orange = (shown[p : p + n, p : p + n] == torch.tensor([230, 159, 0])).all(-1)
    assert torch.equal(orange, sees[0, 0] == 1)
    chosen = squares(explorer.shown[OUTPUT], output.shape[-1], side)
    assert chosen.index((230, 159, 0)) == row * output.shape[-1] + column
    assert f"sees {int(sees.sum())} pixels of the input" in explorer.readout.value


def test_pixels_that_no_window_sees_are_white_and_explained():
    explorer = size_rule(28, 3, 5, 0)
    counts = convolutions.windows_on_pixels(28, 3, 5, 0)
    side = convolutions.BOARD // 28
    assert squares(explorer.shown[SEEN], 28, side) == coloured_as(counts, 1)
    assert f"{(counts == 0).sum()} of 784 pixels are never seen (white)" in explorer.readout.value
    assert "jumps over 2" in explorer.readout.value
    set_to(explorer, stride=2)
    assert "drops the last row and column, 1 of each in the image" in explorer.readout.value
    assert "55 of 784 pixels are never seen" in explorer.readout.value
    set_to(explorer, padding=1)
    assert "drops the last row and column: padding." in explorer.readout.value


def test_a_window_may_see_padding_only():
    assert (
        "column 0 sees padding only."
        in set_to(size_rule(4, 1, padding=1), row=0, column=0).readout.value
    )


def test_a_kernel_too_large_says_so_and_how_to_mend_it():
    explorer = set_to(size_rule(4, 3), kernel_size=9)
    assert "does not fit into 4 + 2·0 = 4 pixels" in explorer.readout.value
    assert "at most 4, or a padding of at least 3." in explorer.readout.value
    set_to(explorer, padding=3)
    assert "the output is 2×2" in explorer.readout.value


# ------------------------------------------------------------------- the transposed convolution


@pytest.mark.parametrize("n, k, s, p", SETTINGS)
def test_stamps_are_counted_as_torch_lays_them(n, k, s, p):
    explorer = transposed_convolution(n, k, s, p)
    for extra in range(4):
        set_to(explorer, output_padding=extra)
        size = convolutions.transposed_size(n, k, s, p, extra)
        try:
            settings = {"stride": s, "padding": p, "output_padding": extra}
            counts = F.conv_transpose2d(ones(n), ones(k), **settings)[0, 0].long()
        except RuntimeError:
            counts = torch.empty(0, 0)
        if not counts.numel():
            assert size < 1 or extra >= s
            assert "impossible" in explorer.readout.value
            continue
        assert counts.shape == (size, size)
        canvas = convolutions.stamps_on_canvas(n * n, n, k, s, max((n - 1) * s + k, p + size))
        assert torch.equal(canvas[p : p + size, p : p + size], counts)
        times = convolutions._times(counts.min().item(), counts.max().item())
        assert f" = {size}: the output is {size}×{size}." in explorer.readout.value
        assert f"is stamped {times}" in explorer.readout.value


@pytest.mark.parametrize("stamps", [0, 1, 5, 8, 16])
def test_stamps_so_far_are_those_of_the_first_numbers(stamps):
    so_far = (torch.arange(16) < stamps).float().view(1, 1, 4, 4)
    canvas = F.conv_transpose2d(so_far, ones(3), stride=2)[0, 0].long()
    assert torch.equal(convolutions.stamps_on_canvas(stamps, 4, 3, 2, 9), canvas)
    explorer = set_to(transposed_convolution(4, 3, 2, 1), stamps=stamps)
    side = convolutions.BOARD // 9
    shown = torch.tensor(squares(explorer.shown[CANVAS], 9, side)).view(9, 9, 3)
    kept = torch.tensor(coloured_as(canvas[1:8, 1:8], 4)).view(7, 7, 3)
    assert torch.equal(shown[1:8, 1:8], kept)
    assert (f"Stamp {stamps} of 16" if stamps else "No stamp") in explorer.readout.value
    counts = F.conv_transpose2d(ones(4), ones(3), stride=2, padding=1)[0, 0].long()
    board = convolutions._board(convolutions._counted(counts, 4), 9, counts)
    assert explorer.shown[COUNTED].tobytes() == board.tobytes()


def test_an_even_cover_is_told_from_a_checkerboard_and_a_rim():
    explorer = transposed_convolution(16, 4, 2, 3)
    assert "stamped 4 times: evenly." in explorer.readout.value
    set_to(explorer, padding=0)
    assert "evenly but for the rim" in explorer.readout.value
    set_to(explorer, kernel_size=3)
    assert "unevenly: k = 3 is not a multiple of s = 2" in explorer.readout.value


@pytest.mark.parametrize(
    "start, changed, why, cure",
    [
        ((4, 3, 2, 1), {"output_padding": 2}, "not smaller than stride 2", "at most 1"),
        ((1, 3, 1, 0), {"padding": 2}, "leaves nothing", "padding of at most 1"),
    ],
)
def test_an_impossible_output_says_why(start, changed, why, cure):
    explorer = set_to(transposed_convolution(*start), **changed)
    assert why in explorer.readout.value
    assert cure in explorer.readout.value


# ------------------------------------------------------------------------------- what both share


def test_a_position_beyond_a_smaller_output_is_taken_along():
    explorer = set_to(size_rule(16, 3, 2, 1), row=7, column=7)
    explorer = set_to(explorer, n=5)
    row, column = explorer.controls["row"], explorer.controls["column"]
    assert (row.value, row.max, column.value) == (2, 2, 2)
    set_to(explorer, n=1)
    assert (row.value, row.max) == (0, 0)
    stamped = set_to(transposed_convolution(4, 3), stamps=16)
    set_to(stamped, n=2)
    assert stamped.controls["stamps"].value == stamped.controls["stamps"].max == 4


@pytest.mark.parametrize(
    "make, args, named",
    [
        (size_rule, (99, 3), "input size n is 99; expected a whole number from 1 to 32"),
        (size_rule, (16, 3.0), "kernel_size k is 3.0"),
        (transposed_convolution, (4, 3, 2, -1), "padding p is -1"),
    ],
)
def test_a_start_beyond_the_slider_is_refused(make, args, named):
    with pytest.raises(ValueError, match=named):
        make(*args)
