"""Figures: what they show is what was given, on the scale that is promised, in a small file."""

import io
import types

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

from ae_helpers import plots
from ae_helpers.data import to_float
from ae_helpers.measures import image_errors
from ae_helpers.plots import style
from ae_helpers.training import History

STICKS = {"all-black": 0.114, "mean image": 0.0675, "PCA-64": 0.00905}


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def given(small):
    """What figures are made of: ten digits, worse and better copies of them, a history."""
    digits = small.test_images[:10]
    exact = to_float(digits)
    history = History(
        settings={},
        error_before=0.2,
        train_error=[0.05, 0.02, 0.015],
        test_error=[0.03, 0.018, 0.02],
        seconds=[1.0] * 3,
        reconstructions=[(exact * share * 255).round().byte() for share in (0.1, 0.5, 0.8, 0.9)],
    )
    blurred = [torch.nn.functional.avg_pool2d(exact, k, 1, k // 2) for k in (9, 3)]
    return types.SimpleNamespace(
        digits=digits, before=blurred[0], after=blurred[1], history=history
    )


# Each function, called as a lesson calls it, and the words that must label its axes.
CASES = {
    "images": (
        lambda g: plots.images({"train": g.digits, "test": g.after[:5]}, titles=["first", "next"]),
        ["train", "test", "first", "next"],
    ),
    "before_after": (
        lambda g: plots.before_after(g.digits, before=g.before, after_15=g.after),
        ["original", "before", "after 15", "squared\nerror", "squared error of a pixel"],
    ),
    "loss_curve": (
        lambda g: plots.loss_curve(g.history, STICKS),
        ["epoch (0: before training)", "MSE per pixel", "Error per epoch", "test"],
    ),
    "curves": (
        lambda g: plots.curves({"with": [0.2, 0.02]}, STICKS, title="A title", xlabel="step"),
        ["MSE per pixel", "A title", "step", "with", " all-black 0.1140"],
    ),
    "epochs": (
        lambda g: plots.epochs(g.digits, g.history, [0, 1, 3]),
        ["original", "before", "epoch 1", "epoch 3"],
    ),
    "kernels": (lambda g: plots.kernels(noise(11, 2, 15, 15) - 0.3), ["weight", "10"]),
    "feature_maps": (lambda g: plots.feature_maps(noise(16, 8, 8)), ["output of the layer", "15"]),
    "heatmap": (
        lambda g: plots.heatmap(g.digits[0, 0], "A digit", "pixel value"),
        ["A digit", "pixel value"],
    ),
    "heatmaps": (
        lambda g: plots.heatmaps(
            {"k = 3": torch.eye(3), "k = 4": torch.arange(20).view(4, 5)}, "windows"
        ),
        ["k = 3", "k = 4", "windows"],
    ),
    "path": (
        lambda g: plots.path(
            {"image": g.after[0], "layer 1": noise(8, 16, 16), "code": noise(64, 1, 1)}
        ),
        ["image\n1×28×28\n= 784", "layer 1\n8×16×16\n= 2,048", "code\n64×1×1\n= 64"],
    ),
    "one_pixel": (
        lambda g: plots.one_pixel(g.after[0, 0], noise(3, 3) - 0.5, noise(26, 26), 7, 12),
        ["image", "window", "kernel", "products"],
    ),
    "against": (
        lambda g: plots.against(
            {"with": {1: [0.02, 0.03], 5: [0.01]}, "without": {1: [0.1], 5: [0.08, 0.09]}},
            STICKS,
            yours=(3, 0.015),
            title="Over time",
            xlabel="epochs",
        ),
        ["with", "without", "yours", "Over time", "epochs", "MSE per pixel", "mean image", "5"],
    ),
    "bars": (
        lambda g: plots.bars(
            {"one": [1, 2_000], "two": [3, 4]}, ["conv1", "conv2"], title="Top", ylabel="how many"
        ),
        ["Top", "how many", "conv1", "conv2", "one", "two", "2,000"],
    ),
    "by_layer": (
        lambda g: plots.by_layer(
            {"as drawn": [[1, 0.1], [0.9, 0.002]], "cured": [[1, 0.9]]},
            ["conv 1", "latent"],
            title="Fading",
            ylabel="share",
        ),
        ["as drawn", "cured", "conv 1", "latent", "Fading", "share", "0.01"],
    ),
    "seeds": (
        lambda g: plots.seeds({"recipe": [0.02, 0.1, 0.018], "cure": [0.016] * 3}, STICKS),
        ["recipe", "cure", "all-black", "MSE per pixel"],
    ),
    "class_bars": (
        lambda g: plots.class_bars({"MSE": noise(10), "relative": noise(10, seed=1)}),
        ["MSE", "relative", "digit class", "MSE per pixel", "9"],
    ),
    "measuring_stick": (
        lambda g: plots.measuring_stick(
            0.07 * torch.linspace(0, -4, 785).exp(), {"after 1": 0.03, "after 15": 0.0052}
        ),
        ["numbers kept per image", "MSE per pixel", "PCA with k components", "after 15: 0.0052"],
    ),
    "over_numbers": (
        lambda g: plots.over_numbers(
            {"PCA": {2: [0.05], 64: [0.009]}, "network": {2: [0.04, 0.05], 64: [0.005, 0.004]}}
        ),
        ["PCA", "network", "numbers per image", "MSE per pixel"],
    ),
    "roofline": (
        lambda g: plots.roofline(
            1e11,
            1e10,
            {"one": {"a sum": (0.1, 1e9), "a product": (90, 9e10)}, "layers": {"conv": (20, 5e9)}},
        ),
        [
            "a sum",
            "a product",
            "memory-bound:\n10 GB/s",
            "compute-bound: 100 GFLOP/s",
            "layers",
            "per byte",
        ],
    ),
    "gains": (
        lambda g: plots.gains(
            {"small": {"more": [2, 2.5], "less": [1]}, "large": {"more": [3], "less": [0.5]}},
            "times as fast",
        ),
        ["more", "less", "2.25×", "0.50×", "small", "large", "times as fast"],
    ),
    "speeds": (
        lambda g: plots.speeds({"plain": [900, 1_000, 1_100], "fast": [2_500, 2_400]}, 20_000),
        ["plain", "fast", "2,450 · 2.45×", "the roof: 20,000", "images per second"],
    ),
    "scatter": (
        lambda g: plots.scatter(
            {"PCA": noise(40, 2), "t-SNE": noise(40, 2).numpy()}, torch.arange(40) % 10
        ),
        ["PCA", "t-SNE", "0", "9"],
    ),
    "walks": (
        lambda g: plots.walks(
            g.after[:6].view(2, 3, 1, 28, 28), torch.arange(-1, 2), noise(2, 3).abs(), 0.5
        ),
        ["direction\n1", "direction\n2", "standard deviations"],
    ),
    "distances": (
        lambda g: plots.distances({"near": noise(30), "far": 9 * noise(30)}, "how far"),
        ["near: median 0", "far: median", "how far", "share"],
    ),
    "matrix": (
        lambda g: plots.matrix(
            pd.DataFrame({"a": [0.01, 0.3]}, index=["a", "both"]), pd.Series({"a": 0.1}), "Networks"
        ),
        ["Networks", "a", "both", "rebuilt: test images of", "share of the mean image's error"],
    ),
    "over_noise": (
        lambda g: plots.over_noise([0.1, 0.4], {"nothing": [0.01, 0.09], "blur": [0.02, 0.03]}),
        ["nothing", "blur", "standard deviation of the noise", "MSE per pixel", "0.02"],
    ),
    "roc": (
        lambda g: plots.roc({"error": ([0, 0.5, 1], [0, 0.2, 1])}, "the sevens"),
        ["error", "false alarms", "caught: share of the sevens", "threshold"],
    ),
    "bits_and_errors": (
        lambda g: plots.bits_and_errors(
            {"network": ([100, 300], [0.02, 0.002]), "JPEG": ([500, 900], [0.01, 0.001])},
            {"PNG": 1_300},
        ),
        ["network", "JPEG", "PNG", "bits per image", "MSE per pixel"],
    ),
    "one_number": (
        lambda g: plots.one_number(
            torch.arange(3), {"prior": torch.ones(3)}, {"σ = 1": ([0, 1], [-2, -1])}, -0.7
        ),
        ["prior", "σ = 1", "log p(x)", "z, the code", "ELBO, nats"],
    ),
    "clouds": (
        lambda g: plots.clouds(3 * noise(40, 2), -noise(40, 2, seed=1), torch.arange(40) % 10),
        ["first latent number", "second latent number", "label", "9"],
    ),
    "beta_curve": (
        lambda g: plots.beta_curve(
            {0.1: [(90, 60, 64), (91, 61, 63)], 1.0: [(29, 72, 50)], 30.0: [(0, 206, 0)]}
        ),
        ["β = 0.1: 63–64 active", "β = 1: 50 active", "rate, nats", "distortion, nats", "150"],
    ),
    "rates": (
        lambda g: plots.rates({"β = 1": noise(64), "β = 10": 0.1 * noise(64)}),
        ["β = 1", "β = 10", "the dearest first", "nats per image"],
    ),
}


# What a reader may have set, each of which would be seen.
FOREIGN = {
    **dict.fromkeys(["figure.dpi", "savefig.dpi"], 300),
    **dict.fromkeys(["savefig.transparent", "text.usetex", "axes.grid"], True),
    **dict.fromkeys(["figure.autolayout", "xtick.minor.visible"], True),
    **dict.fromkeys(["axes.spines.left", "text.antialiased"], False),
    "font.family": "serif",
    "image.origin": "lower",
    "path.sketch": (1, 100, 2),
}
GREY = ("gray", (0, 1))


def scale_of(artist):
    return artist.get_cmap().name, artist.get_clim()


def pictures(figure):
    return [axis.images[0] for axis in figure.axes if axis.images]


def assert_shows(artist, numbers, scale=GREY):
    assert scale_of(artist) == scale
    np.testing.assert_array_equal(artist.get_array(), numbers)


def test_every_figure_is_tested():
    public = {name for name, function in vars(plots).items() if hasattr(function, "__wrapped__")}
    assert public == set(CASES)


@pytest.mark.parametrize(("draw", "labels"), CASES.values(), ids=CASES)
def test_figure(given, draw, labels):
    before = dict(plt.rcParams)
    figure = draw(given)
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == []  # closed, or a notebook would show it twice
    assert dict(plt.rcParams) == before  # the reader's own figures keep their style

    figure.draw_without_rendering()
    words = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    for label in labels:
        assert any(label in word for word in words)
    assert to_rgb(figure.get_facecolor()) == (1, 1, 1) and figure.get_facecolor()[3] == 1

    content = plots.png(figure)
    assert len(content) < 150_000
    picture = Image.open(io.BytesIO(content))
    assert picture.format == "PNG" and picture.mode == "P" and "transparency" not in picture.info
    assert 200 < picture.width < 1_300 and 60 < picture.height < 1_300
    assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)
    assert len(picture.getcolors(256)) > 10  # something is drawn

    fresh = plots.png(draw(given))  # each drawing moves what is laid out a little
    with plt.style.context(["dark_background", FOREIGN]):
        assert plots.png(draw(given)) == fresh


def test_a_figure_that_the_reader_saves():
    def saved():
        plots.bars({"one": [1, 2]}, "ab").savefig(file := io.BytesIO(), format="png")
        return file.getvalue()

    expected = saved()
    with plt.style.context(["dark_background", FOREIGN]):
        assert saved() == expected


def test_png_keeps_the_picture():
    figure, axis = plt.subplots(figsize=(2, 2), dpi=50)
    axis.set_position([0, 0, 1, 1])
    axis.imshow([[0.0, 1.0], [0.5, 0.25]], cmap="gray", vmin=0, vmax=1)
    axis.axis("off")
    plt.close(figure)
    picture = np.asarray(Image.open(io.BytesIO(plots.png(figure))).convert("L"))
    height, width = picture.shape
    quarters = picture[height // 4 :: height // 2, width // 4 :: width // 2]
    np.testing.assert_allclose(quarters, [[0, 255], [128, 64]], atol=2)


# --------------------------------------------------------------------------- images and their scale


def test_images_are_shown_from_0_to_1(given):
    dim = to_float(given.digits) * 0.1  # would look bright if each were stretched to its range
    drawn = pictures(plots.images({"bytes": given.digits, "floats": dim[:4]}))
    for artist, image in zip(drawn, [*to_float(given.digits), *dim[:4]], strict=True):
        assert_shows(artist, image[0])


def test_one_row_of_images_needs_no_label(given):
    assert len(plots.images(given.digits[:3]).axes) == 3


def test_before_after(given):
    figure = plots.before_after(given.digits, before=given.before, after=given.after)
    grid = np.array(figure.axes[:50]).reshape(5, 10)
    exact = to_float(given.digits)
    for column in range(10):
        for row, images in ((0, exact), (1, given.before), (3, given.after)):
            assert_shows(grid[row, column].images[0], images[column, 0])
        for row, output in ((2, given.before), (4, given.after)):
            artist = grid[row, column].images[0]
            assert scale_of(artist) == ("Oranges", (0, style.ERROR_MAX))  # the same in all maps
            np.testing.assert_allclose(
                artist.get_array(), (exact - output)[column, 0] ** 2, atol=1e-7
            )
            error = image_errors(exact, output)[column].item()
            assert grid[row, column].get_xlabel() == f"{error:.4f}"


def test_epochs(given):
    figure = plots.epochs(given.digits, given.history, [0, 2])
    grid = np.array(figure.axes).reshape(3, 10)
    assert [axis.get_ylabel() for axis in grid[:, 0]] == ["original", "before", "epoch 2"]
    before, _, after_2, _ = given.history.reconstructions
    for row, images in zip(grid, (given.digits, before, after_2), strict=True):
        for axis, image in zip(row, to_float(images), strict=True):
            assert_shows(axis.images[0], image[0])


def test_speeds_are_dots_and_a_bar_at_the_median():
    figure = plots.speeds({"plain": [900, 1_000, 5_000], "fast": [2_500, 2_000]}, 20_000)
    axis = figure.axes[0]
    shown = [list(line.get_xdata()) for line in axis.lines]
    assert shown[:2] == [[900, 1_000, 5_000], [1_000]] and shown[2:4] == [[2_500, 2_000], [2_250]]
    assert shown[4:] == [[1_000, 1_000], [20_000, 20_000]]  # the first loop's, and the roof
    assert not axis.patches  # a bar on a log scale begins anywhere
    low, high = axis.get_xlim()
    assert low < 900 and high > 20_000  # all of it is seen
    assert len(plots.speeds({"plain": [900]}).axes[0].lines) == 3  # without a roof


def test_the_roof_is_slanted_up_to_the_ridge():
    figure = plots.roofline(1e11, 1e10, {"one": {"a": (0.1, 1e9)}, "two": {"b": (50, 3e11)}})
    axis = figure.axes[0]
    roof, ridge, *groups = axis.lines
    (left, middle, right), heights = roof.get_xdata(), list(roof.get_ydata())
    assert middle == pytest.approx(10) and left < 0.1 and right > 50
    assert heights == pytest.approx([left * 1e10, 1e11, 1e11])
    assert set(ridge.get_xdata()) == {middle}
    assert [list(line.get_xydata()[0]) for line in groups] == [[0.1, 1e9], [50, 3e11]]
    assert axis.get_ylim()[1] > 3e11  # one that is above the roof is seen, too


def test_gains_stand_in_the_row_of_their_change():
    ratios = {"small": {"x": [1.5], "y": [2.0]}, "large": {"y": [3.0], "x": [4.0]}}
    axis = plots.gains(ratios, "times").axes[0]
    found = {tuple(line.get_xydata()[0].round(2)) for line in axis.lines[:-1]}
    assert found == {(1.5, -0.18), (2.0, 0.82), (4.0, 0.18), (3.0, 1.18)}


def test_kernels_share_a_scale_with_white_at_0():
    weight = noise(9, 2, 3, 3, seed=3) - 0.3
    figure = plots.kernels(torch.nn.Parameter(weight))
    limit = weight[:, 0].abs().max().item()
    for artist, own in zip(pictures(figure), weight, strict=True):
        assert_shows(artist, own[0], ("RdBu_r", (-limit, limit)))
    assert len(figure.axes) == 2 * 8 + 1  # two rows and the colour scale …
    assert sum(not axis.axison for axis in figure.axes) == 7  # … the empty places hidden


def test_feature_maps_share_a_scale():
    maps = noise(10, 4, 4) * torch.arange(10).view(10, 1, 1)
    drawn = pictures(plots.feature_maps(maps.clone().requires_grad_()))
    for artist, own in zip(drawn, maps, strict=True):
        assert_shows(artist, own, ("viridis", (maps.min().item(), maps.max().item())))


def test_heatmap_can_be_read(given):
    table = torch.tensor([[0, 3], [250, 7]])
    texts = plots.heatmap(table, "T", "n").axes[0].texts
    assert [text.get_text() for text in texts] == ["0", "3", "250", "7"]
    assert [text.get_position() for text in texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [text.get_color() for text in texts] == ["white", "white", "black", "white"]
    assert not list(plots.heatmap(table, "T", "n", annotate=False).axes[0].texts)


def test_heatmaps_share_a_scale():
    figure = plots.heatmaps({"a": [[1, 2]], "b": torch.tensor([[5], [9]])}, "windows")
    first, second = (axis for axis in figure.axes if axis.images)
    assert scale_of(first.images[0]) == scale_of(second.images[0]) == ("viridis", (1, 9))
    assert [text.get_text() for text in [*first.texts, *second.texts]] == ["1", "2", "5", "9"]
    bare = plots.heatmaps({"a": torch.eye(28)}, "windows", annotate=False)
    assert not list(bare.axes[0].texts) and bare.get_size_inches()[1] < 3


def test_path_lays_channels_out_as_a_mosaic():
    maps = torch.arange(4 * 2 * 3).view(4, 2, 3).float()
    image, mosaic = pictures(plots.path({"image": noise(1, 28, 28), "maps": maps}))
    assert scale_of(image) == GREY and mosaic.get_cmap().name == "viridis"
    rows = [torch.cat([maps[0], maps[1]], 1), torch.cat([maps[2], maps[3]], 1)]
    np.testing.assert_array_equal(mosaic.get_array(), torch.cat(rows))


@pytest.mark.parametrize("channels", [1, 2, 3, 7, 12, 64])
def test_path_takes_any_number_of_channels(channels):
    figure = plots.path({"maps": noise(channels, 3, 3)})
    assert figure.axes[0].images[0].get_array().size == channels * 9


def test_one_pixel_of_two_channels_adds_their_sums_and_the_bias():
    image, kernel = noise(2, 6, 6) - 0.5, noise(2, 3, 3)
    output = torch.nn.functional.conv2d(image[None], kernel[None])[0, 0] - 2
    figure = plots.one_pixel(image, kernel, output, 2, 1, -2)
    titles = [axis.get_title() for axis in figure.axes]
    sums = [(image[c, 2:5, 1:4] * kernel[c]).sum().item() for c in (0, 1)]
    for channel, each in enumerate(sums):
        assert f"channel {channel}" in titles and f"products: {each:.3f}" in titles
    assert f"{sums[0]:.3f} + {sums[1]:.3f} + bias -2\n= {output[2, 1]:.3f}" in titles


def test_one_pixel_does_the_arithmetic():
    image, kernel = noise(6, 6), noise(3, 3) - 0.5
    output = torch.nn.functional.conv2d(image[None, None], kernel[None, None])[0, 0]
    figure = plots.one_pixel(image, kernel, output, 2, 1)
    whole, window, weights, products, outputs = figure.axes
    assert scale_of(whole.images[0]) == GREY
    assert_shows(window.images[0], image[2:5, 1:4])
    numbers = [
        [float(text.get_text()) for text in axis.texts if text.get_text()[-1].isdigit()]
        for axis in (window, weights, products)
    ]
    tables = (image[2:5, 1:4], kernel, image[2:5, 1:4] * kernel)
    for found, table in zip(numbers, tables, strict=True):
        assert found == pytest.approx(table.flatten().tolist(), abs=0.00501)
    said = float(outputs.get_title().removeprefix("sum "))
    assert said == pytest.approx(output[2, 1].item(), abs=0.00501)
    assert sum(numbers[2]) == pytest.approx(output[2, 1].item(), abs=0.05)
    frame = whole.patches[0]
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((0.5, 1.5), 3, 3)
    assert outputs.patches[0].get_xy() == (0.5, 1.5) and outputs.patches[0].get_width() == 1


# ------------------------------------------------------------------------------------------ charts


def lines_of(axis):
    return {line.get_label(): line for line in axis.get_lines()}


def test_loss_curve(given):
    axis = plots.loss_curve(given.history, STICKS).axes[0]
    lines = lines_of(axis)
    np.testing.assert_array_equal(
        lines["test"].get_xydata(), [[0, 0.2], [1, 0.03], [2, 0.018], [3, 0.02]]
    )
    np.testing.assert_array_equal(
        lines["train, while it changes"].get_xydata(), [[1, 0.05], [2, 0.02], [3, 0.015]]
    )
    assert axis.get_yscale() == "log"
    heights = [line.get_ydata()[0] for line in axis.get_lines() if line.get_linestyle() == ":"]
    assert heights == list(STICKS.values())
    assert [text.get_text() for text in axis.texts] == [
        *("all-black\n0.1140", "mean image\n0.0675", "PCA-64\n0.0091"),
    ]
    colours = [to_hex(line.get_color()).upper() for line in axis.get_lines()[:2]]
    assert colours == [style.BLUE, style.ORANGE]  # told apart with any colour vision


def test_curves_begin_at_0_and_leave_gaps():
    errors = {"running": [float("nan"), 0.05, 0.02], "finished": [0.2, 0.03, 0.01]}
    axis = plots.curves(errors, STICKS, xlabel="epoch").axes[0]
    lines = lines_of(axis)
    assert axis.get_yscale() == "log" and axis.get_xlabel() == "epoch"
    np.testing.assert_array_equal(lines["finished"].get_xydata(), [[0, 0.2], [1, 0.03], [2, 0.01]])
    np.testing.assert_array_equal(lines["running"].get_xydata()[1:], [[1, 0.05], [2, 0.02]])
    assert lines["running"].get_linestyle() != lines["finished"].get_linestyle()
    heights = [line.get_ydata()[0] for line in axis.get_lines() if line.get_linestyle() == ":"]
    assert heights == list(STICKS.values())


def test_loss_curve_of_a_training_that_was_stopped_in_its_first_epoch():
    figure = plots.loss_curve(History({}, error_before=0.2), STICKS)
    picture = Image.open(io.BytesIO(plots.png(figure)))
    assert 500 < picture.width < 800 and 200 < picture.height < 500


def test_bars_stand_side_by_side():
    axis = plots.bars({"a": [1, 2], "b": [3, 1_234]}, ["p", "q"]).axes[0]
    bars = [(round(bar.get_x(), 6), bar.get_height()) for bar in axis.patches]
    assert bars == [(-0.4, 1), (0.6, 2), (0, 3), (1, 1_234)]
    assert [text.get_text() for text in axis.texts] == ["1", "2", "3", "1,234"]
    assert axis.get_legend() and not plots.bars({"a": [1]}, ["p"]).axes[0].get_legend()


def test_against_shows_each_seed_a_line_through_the_medians_and_the_reader():
    errors = {"one": {1: [0.02, 0.1, 0.03], 10: [0.5]}}
    axis = plots.against(errors, {}, yours=(3, 0.2)).axes[0]
    line, *dots, _, star = [list(zip(*line.get_data(), strict=True)) for line in axis.lines]
    assert line == [(1, 0.03), (10, 0.5)]
    assert dots == [[(1, 0.02), (1, 0.1), (1, 0.03)], [(10, 0.5)]]
    assert star == [(3, 0.2)]
    assert axis.get_xscale() == axis.get_yscale() == "log"


def test_seeds_show_each_seed_and_their_median():
    axis = plots.seeds({"one": [0.02, 0.1, 0.03], "two": [0.5]}, STICKS).axes[0]
    dots = [line for line in axis.get_lines() if line.get_marker() == "o"]
    medians = [line for line in axis.get_lines() if line.get_marker() == "|"]
    assert [line.get_xdata().tolist() for line in dots] == [[0.02, 0.1, 0.03], [0.5]]
    assert [float(line.get_xdata()[0]) for line in medians] == pytest.approx([0.03, 0.5])
    assert [line.get_ydata()[0] for line in medians] == [0, 1]
    assert axis.get_xscale() == "log" and axis.get_ylim()[0] > axis.get_ylim()[1]  # from the top


def test_over_numbers_stands_at_the_median_and_shades_the_range():
    axis = plots.over_numbers({"one": {2: [0.02, 0.01, 0.05], 8: [0.01]}}).axes[0]
    np.testing.assert_allclose(axis.lines[0].get_xydata(), [[2, 0.02], [8, 0.01]])
    heights = axis.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (0.01, 0.05)


def test_class_bars_mark_the_largest():
    values = noise(10)
    axis = plots.class_bars({"MSE": values}).axes[0]
    assert [bar.get_height() for bar in axis.patches] == pytest.approx(values.tolist())
    orange = [i for i, bar in enumerate(axis.patches) if to_hex(bar.get_facecolor()) == "#e69f00"]
    assert orange == [int(values.argmax())]


def test_measuring_stick_says_how_many_components_a_network_is_worth():
    errors = torch.tensor([1.0, 0.5, 0.25, 0.125, 0.0625])
    figure = plots.measuring_stick(errors, {"net": 0.2, "equal": 0.25}, numbers=1)
    lines = lines_of(figure.axes[0])
    assert "net: 0.2000 = PCA-3" in lines and "equal: 0.2500 = PCA-2" in lines
    np.testing.assert_allclose(lines["PCA with k components"].get_ydata(), errors)


def test_scatter_names_each_class_in_its_middle():
    points, labels = noise(60, 2), torch.arange(60) % 3
    axis = plots.scatter({"map": points}, labels).axes[0]
    for line, text, name in zip(axis.get_lines(), axis.texts, range(3), strict=True):
        own = points[labels == name]
        np.testing.assert_array_equal(np.stack(line.get_data(), axis=1), own)
        assert text.get_text() == str(name)
        assert text.get_position() == pytest.approx(own.median(0).values.tolist())


def test_walks_stand_above_their_distances(given):
    images, places = given.after[:6].view(2, 3, 1, 28, 28), torch.tensor([-2.0, 0.0, 2.0])
    distances = torch.tensor([[9.0, 1.0, 4.0], [8.0, 1.0, 2.0]])
    axes = plots.walks(images, places, distances, 3.0).axes
    for row, own, above, below in zip(images, distances, axes[::2], axes[1::2], strict=True):
        for artist, image, place in zip(above.images, row, places, strict=True):
            assert_shows(artist, image[0])
            assert sum(artist.get_extent()[:2]) / 2 == pytest.approx(place.item(), abs=1e-6)
        line, limit = below.lines
        assert list(line.get_xdata()) == places.tolist()
        assert list(line.get_ydata()) == own.tolist()
        assert list(limit.get_ydata()) == [3.0, 3.0]
        assert above.get_xlim() == below.get_xlim() == (-3, 3)
        assert below.get_ylim() == pytest.approx((0, 9.9))  # the same for all


def test_distances_are_shares_of_each_group():
    groups = {"near": torch.full((7,), 1.0), "far": torch.tensor([3.0, 3.0, 9.0, 9.0])}
    lines = lines_of(plots.distances(groups, "how far").axes[0])
    near, far = (lines[name].get_ydata() for name in ("near: median 1", "far: median 3"))
    assert near.sum() == pytest.approx(1) and near.max() == pytest.approx(1)
    assert far.sum() == pytest.approx(1) and far.max() == pytest.approx(0.5)


# ------------------------------------------------------------------------------------ in a notebook


@pytest.fixture
def published(monkeypatch):
    """What IPython sends to the notebook."""
    from IPython.core import display_functions
    from IPython.core.interactiveshell import InteractiveShell

    sent = []
    monkeypatch.setattr(InteractiveShell, "initialized", classmethod(lambda _: True))
    monkeypatch.setattr(display_functions, "publish_display_data", lambda **all: sent.append(all))
    return sent


def test_show_carries_a_text_for_those_who_cannot_see_it(given, published):
    figure = plots.images(given.digits)
    plots.show(figure, alt="Ten digits.")
    (sent,) = published
    assert sent["data"] == {"image/png": plots.png(figure), "text/plain": "Ten digits."}
    assert sent["metadata"] == {"image/png": {"alt": "Ten digits."}}


def test_show_takes_any_figure_and_can_be_updated(published):
    figure, axis = plt.subplots()
    axis.plot([1, 2])
    handle = plots.show(figure, "A line.", display_id=True)
    assert plt.get_fignums() == []  # a figure left open would be shown again
    assert published[0]["transient"] == {"display_id": handle.display_id}


# ---------------------------------------------------------------------- colours and other datasets


def test_images_in_colour(given):
    hues = noise(3, 3, 5, 4)
    *_, shown, _, _ = pictures(plots.images({"grey": given.digits[:3], "in colour": hues}))
    np.testing.assert_allclose(shown.get_array(), hues[0].permute(1, 2, 0))
    mapped = plots.before_after(hues, after=hues / 2).axes[6].images[0]
    np.testing.assert_allclose(mapped.get_array(), (hues[0] / 2).square().mean(0), rtol=1e-5)


def test_matrix():
    errors = pd.DataFrame({"a": [0.01, 0.3], "b": [0.05, 0.04]}, index=["a", "both"])
    figure = plots.matrix(errors, pd.Series({"a": 0.1, "b": 0.08}), "Networks")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["0.0100\n10%", "0.0500\n62%", "0.3000\n3 times", "0.0400\n50%"]
    shares = figure.axes[0].images[0].get_array()
    assert np.allclose(shares, [[0.1, 0.625], [3, 0.5]])
