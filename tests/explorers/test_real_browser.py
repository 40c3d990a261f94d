"""Every explorer in a real browser: what it shows is what the network gives for that setting.

``make test`` takes the main path of each by keyboard; ``make verify`` every control of each, by
mouse and by keyboard, in JupyterLab's two themes and on Voilà's page, and those of a lesson.
Where there is no browser the tests are skipped, unless ``AE_REQUIRE_BROWSER`` is set.
"""

import contextlib
import inspect
import math
import re
import time

import matplotlib
import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ae_helpers import data, measures, models
from ae_helpers.course import series
from ae_helpers.measures import applications
from ae_helpers.models import checkpoints, shipped
from ae_helpers.widgets.drawing import as_mnist
from ae_helpers.widgets.feature_maps import BOARD
from long_lessons import explorers_of
from real_browser import (
    ShownExplorer,
    copy_project,
    explorers_on,
    move_first_sliders,
    opened,
    resized,
    run_in_lab,
    serving_lab,
    serving_voila,
    stop_kernel,
)

DRAW, DAMAGE, EDIT = "Draw a digit", "Damage a digit", "Edit the nine weights"
EXPLORERS = [
    *(DRAW, "Browse the digits", EDIT, "Move the windows", "X-ray the layers", "Lay the stamps"),
    *("Slide over the epochs", "Wipe from before", "Walk along", "Go from one digit", "Keep only"),
    *("Choose the batch-mates", "Pick an architecture", "Send every dataset"),
    *("Slide over β", "Drag through the plane", DAMAGE, "Set a threshold"),
]
LESSONS = [p for p in series.find_lessons() if "widgets." in p.read_text(encoding="utf-8")]
main_path = pytest.mark.parametrize("gallery", ["lab light"], indirect=True, scope="module")
VERIFIED = [pytest.param(which, marks=pytest.mark.verify) for which in ("lab dark", "voila light")]
everywhere = pytest.mark.parametrize(
    "gallery", ["lab light", *VERIFIED], indirect=True, scope="module"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy in which lessons train for two epochs: the network is there to be looked at."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    for path in LESSONS:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if "parameters" in cell.metadata.get("tags", []):
                cell.source += "\nepochs = 2"
        nbformat.write(notebook, project / "notebooks" / path.name)
    return project


@pytest.fixture(scope="module")
def lab(project, tmp_path_factory):
    with serving_lab(project, tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.fixture(scope="module")
def gallery(request, browser, project, tmp_path_factory):
    """The page of all explorers, as the parameter says: by which server, in which theme."""
    server, theme = request.param.split()
    with contextlib.ExitStack() as stack:
        if request.param == "lab light":
            address = request.getfixturevalue("lab")
        else:
            serve = {"lab": serving_lab, "voila": serving_voila}[server]
            address = stack.enter_context(serve(project, tmp_path_factory.mktemp(server), theme))
        page = stack.enter_context(opened(browser, has_touch=server == "voila"))
        if server == "voila":
            page.goto(address)
        else:
            assert run_in_lab(page, address, "gallery.ipynb") == []
        page.locator(".ae-explorer").nth(len(EXPLORERS) - 1).wait_for(timeout=120_000)
        yield page


@pytest.fixture
def page(gallery):
    yield gallery
    problems, gallery.problems[:] = gallery.problems[:], []
    assert problems == []


@pytest.fixture(scope="module")
def model():
    return shipped.backbone()


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.inference_mode():
        yield


def shows(explorer, panel, expected, side=1):
    """Wait until a panel shows these numbers, each as a square of ``side`` pixels.

    Args:
        expected: ``(H, W)``, in [0, 1]: grey; or ``(H, W, 3)``, ``uint8``: colours.
    """
    grey = expected.ndim == 2
    if grey:
        expected = (expected.clamp(0, 1) * 255).round().numpy()
    height, width = expected.shape[:2]
    for _ in range(200):
        shown = np.asarray(explorer.picture(panel).convert("L" if grey else "RGB")).astype(int)
        shown = shown[min(4, side - 1) :: side, min(4, side - 1) :: side][:height, :width]
        difference = abs(shown - expected).max() if shown.shape == expected.shape else np.inf
        if difference <= (1 if grey else 4):  # where rounding goes the other way
            assert explorer.alert.count() == 0
            return
        explorer.page.wait_for_timeout(100)
    raise AssertionError(f"{explorer.title}, {panel}: {difference} beside what it should show")


def viridis(values, low, high):
    """Numbers as colours, ``(H, W, 3)``."""
    index = ((values - low) / (high - low) * 255).round().int().numpy()
    return matplotlib.colormaps["viridis"](index, bytes=True)[..., :3]


def counted(counts, high):
    """Counts as colours; white where there is nothing to count."""
    colours = viridis(counts, 0, high)
    colours[counts.numpy() == 0] = 255
    return colours


def principal(points):
    """Their mean, their principal axes as columns, and the deviations along these."""
    mean = points.mean(0)
    _, deviations, axes = torch.linalg.svd(points - mean, full_matrices=False)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    return mean, (axes * largest.sign()).T, deviations / (len(points) - 1) ** 0.5


# --------------------------------------------------------------- the main path of each, by keyboard


@main_path
def test_browse_digits(page, sample):
    explorer = ShownExplorer(page, "Browse the digits")
    shows(explorer, "digit", sample.train_images[0, 0] / 255, side=10)
    explorer.press("class", "3")
    with explorer.changing():
        explorer.press("number", "End", "ArrowLeft")
    threes = sample.train_images[sample.train_labels == 3]
    shows(explorer, "digit", threes[-2, 0] / 255, side=10)
    with explorer.changing():
        explorer.root.locator(".ae-clickable").click(position={"x": 35, "y": 207})
    with explorer.changing():
        page.keyboard.press("ArrowUp")
    assert [int(explorer.value(name)[0]) for name in ("row", "column")] == [19, 3]


@main_path
def test_edit_kernel(page, sample):
    explorer = ShownExplorer(page, EDIT)
    zeros = sample.train_images[sample.train_labels == 0] / 255
    panel = "output: −3 is blue, 0 white, 3 red"
    weights = torch.tensor([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]])

    def draws(digit):
        """The explorer shows the convolution with these weights, and one pixel's arithmetic."""
        output = F.conv2d(digit[None], weights[None, None], padding=1)[0, 0]
        picture = np.asarray(explorer.picture(panel).convert("RGB")).astype(int)[12:-8:8, 12:-8:8]
        wrong = abs(picture - diverging(output)).max(-1) > 4
        row, column = (int(explorer.value(name)[0]) for name in ("row", "column"))
        assert wrong.sum() <= 9  # the frame, and what it touches
        assert (wrong.nonzero()[0] - row).max(initial=0) <= 1
        total = f"{output[row, column]:.3f}".rstrip("0").rstrip(".").replace("-", "−")
        assert f" = {total}" in explorer.readout.text_content()
        assert explorer.alert.count() == 0

    draws(zeros[0])
    field(explorer, 0, 0).focus()
    with explorer.changing():
        page.keyboard.type("0.5")
    weights[0, 0] = 0.5
    draws(zeros[0])
    page.keyboard.press("Tab")
    with explorer.changing():
        page.keyboard.press("ArrowUp")
    weights[0, 1] = 0.1
    draws(zeros[0])
    with explorer.changing():
        explorer.press("number", "ArrowRight")
    draws(zeros[1])
    with explorer.changing():
        explorer.root.locator(".ae-clickable").last.press("ArrowDown")
    draws(zeros[1])
    with explorer.changing():
        explorer.root.get_by_role("button", name="blur").press("Enter")
    weights = torch.full((3, 3), 1 / 9)
    draws(zeros[1])
    assert field(explorer, 2, 2).input_value() == "1/9"


@main_path
def test_a_kernel_that_is_none_is_named(page):
    explorer = ShownExplorer(page, EDIT)
    before = explorer.picture("output: −3 is blue, 0 white, 3 red").tobytes()
    for typed, what in (("", "is empty"), ("-", "holds “-”"), ("1e999", "holds “1e999”")):
        field(explorer, 1, 2).fill(typed)
        page.keyboard.press("Tab")
        says = f"ValueError in read_weight: The kernel's field in row 1, column 2 {what}; expected"
        explorer.alert.get_by_text(says).wait_for()
        assert explorer.picture("output: −3 is blue, 0 white, 3 red").tobytes() == before
    with explorer.changing():
        explorer.root.get_by_role("button", name="sharpen").press("Enter")
    assert explorer.alert.count() == 0 and field(explorer, 1, 2).input_value() == "-1"


def field(explorer, row, column):
    """Of the kernel, to type in."""
    name = f"row {row}, column {column}"
    return explorer.root.get_by_role("textbox", name=name, exact=True)


def diverging(values):
    """Numbers as colours, ``(H, W, 3)``: blue from −3 to white, red from there to 3."""
    index = ((values + 3) / 6 * 255).clamp(0, 255).round().int().numpy()
    return matplotlib.colormaps["RdBu_r"](index, bytes=True)[..., :3].astype(int)


@main_path
def test_size_rule(page):
    explorer = ShownExplorer(page, "Move the windows")
    with explorer.changing():
        explorer.press("stride s", "ArrowRight", "ArrowRight")
    windows = torch.ones(1, 1, 6, 6)  # (28 + 2 - 15) // 3 + 1
    counts = F.conv_transpose2d(windows, torch.ones(1, 1, 15, 15), stride=3)[0, 0, 1:29, 1:29]
    shows(explorer, "how often each pixel is seen", counted(counts, counts.max()), side=9)
    assert "the output is 6×6" in explorer.readout.text_content()


@main_path
def test_layer_xray(page, model, sample):
    explorer = ShownExplorer(page, "X-ray the layers")
    explorer.choose("layer", "decoder.deconv4")
    with explorer.changing():
        explorer.press("digit", "ArrowRight")
    output = model(sample.test_images[1:2] / 255)[0, 0]
    shows(explorer, "feature maps", viridis(output, output.min(), output.max()), side=BOARD // 28)
    explorer.root.locator(".ae-clickable").focus()
    with explorer.changing():
        page.keyboard.press("ArrowDown")
    row, column = (int(explorer.value(name)[0]) for name in ("row", "column"))
    text = f"row {row}, column {column} is {output[row, column]:.3f}"
    assert text in explorer.readout.text_content()


@main_path
def test_transposed_convolution(page):
    explorer = ShownExplorer(page, "Lay the stamps")
    with explorer.changing():
        explorer.press("padding p", "ArrowRight")
    numbers, stamp = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3)
    high = F.conv_transpose2d(numbers, stamp, stride=2).max()
    counts = F.conv_transpose2d(numbers, stamp, stride=2, padding=1)[0, 0]
    shows(explorer, "output: all stamps, counted", counted(counts, high), side=256 // 9)


@main_path
def test_time_machine(page):
    explorer = ShownExplorer(page, "Slide over the epochs")
    with explorer.changing():
        explorer.press("epoch (0: before)", "End")
    content = checkpoints.load(shipped.BACKBONE)
    rebuilt = content["history"]["reconstructions"][15]
    rebuilt = rebuilt / 255 if rebuilt.dtype == torch.uint8 else rebuilt
    pairs = torch.cat([content["originals"] / 255, rebuilt], dim=2)[:, 0]
    rows = [torch.cat(list(row), dim=1) for row in pairs.split(5)]
    gap = torch.zeros(3, 5 * 28)  # transparent
    name = "the same 10 digits: original, and below it reconstructed"
    shows(explorer, name, torch.cat([rows[0], gap, rows[1]]))


@main_path
def test_before_after(page, model, sample):
    explorer = ShownExplorer(page, "Wipe from before")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        untrained = models.Autoencoder()
    image = sample.take(10_000, 2_000).test_images[:1] / 255
    panel = "left of the line: before · right: after"
    for key, network in (("End", model), ("Home", untrained)):
        with explorer.changing():
            explorer.press("after (% of the width)", key)
        shows(explorer, panel, network(image)[0, 0], side=9)


@main_path
def test_latent_sliders(page, model, sample):
    explorer = ShownExplorer(page, "Walk along")
    with explorer.changing():
        explorer.press("direction 1", "End")
    codes = model.encode(sample.take(10_000, 2_000).train_images / 255)
    mean, axes, deviations = principal(codes)
    shows(explorer, "decoded", model.decode((mean + 3 * deviations[0] * axes[:, 0])[None])[0, 0])


@main_path
def test_blend(page, model, sample):
    explorer = ShownExplorer(page, "Go from one digit")
    with explorer.changing():
        explorer.press("way (%)", "PageUp", "ArrowRight")
    ends = sample.test_images[:2] / 255
    way = explorer.value("way (%)")[0] / 100
    assert 0.5 < way < 0.6
    of_codes = model.decode(torch.lerp(*model.encode(ends), way)[None])[0, 0]
    shows(explorer, "line of codes", of_codes)
    shows(explorer, "line of pixels", torch.lerp(*ends, way)[0])


@main_path
def test_keep_k(page, model, sample):
    explorer = ShownExplorer(page, "Keep only")
    with explorer.changing():
        explorer.press("numbers kept, k", "ArrowLeft", "ArrowLeft")
    few = sample.take(10_000, 2_000)
    train, image = few.train_images / 255, few.test_images[:1] / 255
    mean, axes, _ = principal(model.encode(train))
    kept = axes[:, :14] @ axes[:, :14].T
    code = mean + (model.encode(image) - mean) @ kept
    shows(explorer, "from the code", model.decode(code)[0, 0])
    mean, axes, _ = principal(train.flatten(1))
    kept = mean + (image.flatten(1) - mean) @ axes[:, :14] @ axes[:, :14].T
    shows(explorer, "PCA of the pixels", kept.view(28, 28))


@main_path
def test_batch_mates(page, sample):
    explorer = ShownExplorer(page, "Choose the batch-mates")
    explorer.choose("batch-mates", "black")
    with explorer.changing():
        explorer.press("digit", "ArrowRight")
    network = shipped.steady()
    image = sample.test_images[1:2] / 255
    batch = torch.cat([image, torch.zeros(7, 1, 28, 28)])
    shows(explorer, "in this batch", network.train()(batch)[0, 0])
    with explorer.changing():
        explorer.press("evaluation mode", "Space")
    shows(explorer, "in this batch", shipped.steady().eval()(image)[0, 0])


@main_path
def test_architecture_picker(page, model, sample):
    explorer = ShownExplorer(page, "Pick an architecture")
    with explorer.changing():
        explorer.press("test digit", "ArrowRight")
    few = sample.take(10_000, 2_000)
    image = few.test_images[1:2] / 255
    shows(explorer, "reconstruction", model(image)[0, 0])
    with explorer.changing():
        explorer.control("network").select_option(label="linear, 8 numbers")
    mean, axes, _ = principal(few.train_images.flatten(1) / 255)
    by_pca = mean + (image.flatten(1) - mean) @ axes[:, :8] @ axes[:, :8].T
    shows(explorer, "reconstruction", by_pca.view(28, 28))


@main_path
def test_dataset_browser(page, sample):
    explorer = ShownExplorer(page, "Send every dataset")
    with explorer.changing():
        explorer.press("image", "ArrowRight")
    shows(
        explorer,
        "reconstruction",
        shipped.steady().eval()(sample.test_images[1:2] / 255)[0, 0],
    )
    with explorer.changing():
        explorer.control("dataset").select_option(label="coloured digits")
    assert "these are 3×28×28" in explorer.readout.text_content()
    with explorer.changing():
        explorer.control("network").select_option(label="coloured digits")
    hued = data.coloured(sample).test_images[1:2] / 255
    rebuilt = shipped.shaped("coloured").eval()(hued)[0].permute(1, 2, 0)
    shows(explorer, "reconstruction", (rebuilt * 255).round().numpy())


@main_path
def test_beta_slider(page, sample):
    explorer = ShownExplorer(page, "Slide over β")
    with explorer.changing():
        explorer.press("β", "End")
    assert "β = 10. Digit 0" in explorer.readout.text_content()
    network = shipped.betas()[10.0].eval()
    for clicks in (0, 1):
        if clicks:
            with explorer.changing():
                explorer.root.get_by_role("button", name="Invent others").press("Enter")
        random = torch.randn(16, 64, generator=torch.Generator().manual_seed(clicks))
        grid = network.decode(random).view(4, 4, 28, 28)
        shows(explorer, "invented", grid[0, 0])


@main_path
def test_vae_plane(page):
    explorer = ShownExplorer(page, "Drag through the plane")
    network = shipped.plane().eval()

    def decodes():
        """The explorer shows what the network decodes at the place that it says; the place."""
        place = place_in(explorer.readout.text_content())
        shows(explorer, "decoded", network.decode(torch.tensor([place]))[0, 0])
        return place

    before = decodes()
    plane = explorer.root.locator(".ae-clickable")
    with explorer.changing():
        plane.press("ArrowRight")
    x, y = decodes()
    assert x == pytest.approx(before[0] + 0.1) and y == before[1]
    with explorer.changing():
        explorer.slide(plane, (100, 100), (300, 250))
    dragged = decodes()
    for there in ((120, 120), (300, 250)):
        with explorer.changing():
            plane.click(position=dict(zip("xy", there, strict=True)))
    assert dragged == pytest.approx(decodes(), abs=0.06)  # the drag's last place has arrived
    with explorer.changing():
        explorer.slide(plane, (100, 100), (600, -300))  # ends far outside
    low, high = explorer.value("x")[1:]
    assert decodes() == [high, high] and low < min(dragged) < max(dragged) < high


def place_in(readout):
    """Where the plane's explorer says that it is: x and y."""
    return [float(number) for number in re.match(r"At \(([^,]+), ([^)]+)\)", readout).groups()]


READOUTS = """root => {
    window.aeReadouts = [];
    const note = () => aeReadouts.push(root.querySelector("[role=status]").textContent);
    new MutationObserver(note).observe(root, { childList: true, subtree: true });
}"""


@main_path
def test_the_plane_is_never_anywhere_but_at_the_pointer(page):
    """Dragged in circles for seconds, all places that it has been to are on the circle."""
    explorer = ShownExplorer(page, "Drag through the plane")
    plane, middle, radius = explorer.root.locator(".ae-clickable"), (200, 180), 80
    places = []
    for x in (middle[0], middle[0] + radius):
        with explorer.changing():
            plane.click(position={"x": x, "y": middle[1]})
        places.append(place_in(explorer.readout.text_content()))
    centre, reach = places[0], math.dist(*places)
    assert reach > 1
    box = plane.bounding_box()
    page.mouse.down()
    explorer.root.evaluate(READOUTS)
    began = time.monotonic()
    with explorer.changing():
        while (past := time.monotonic() - began) < 12:
            x, y = (radius * way(5 * past) for way in (math.cos, math.sin))
            page.mouse.move(box["x"] + middle[0] + x, box["y"] + middle[1] + y)
            page.wait_for_timeout(8)  # as a mouse reports
        page.mouse.up()
    been = [place_in(text) for text in page.evaluate("aeReadouts")]
    away = [place for place in been if abs(math.dist(place, centre) - reach) > 0.15]
    assert len(been) > 50 and away == []


@main_path
def test_damage_digit(page, sample):
    explorer = ShownExplorer(page, DAMAGE)
    clean = sample.test_images[:1] / 255
    denoiser = shipped.denoiser().eval()

    def repairs():
        """The explorer shows what the denoiser makes of noise and of what is covered: how much."""
        noise = float(re.search(r"noise (.+?),", explorer.readout.text_content())[1])
        drawing = torch.as_tensor(np.array(explorer.drawing())).float() / 255
        covered = F.avg_pool2d(drawing[None], 10)[0] >= 0.5
        damaged = applications.add_noise(clean, noise, torch.Generator().manual_seed(0))
        damaged = damaged.masked_fill(covered, 0)
        shows(explorer, "damaged", damaged[0, 0])
        shows(explorer, "repaired", denoiser(damaged)[0, 0])
        return covered.sum().item()

    with explorer.changing():
        explorer.press("noise", "PageUp")
    counts = [repairs()]
    with explorer.changing():
        explorer.root.get_by_role("button", name="Uncover").press("Enter")
    counts.append(repairs())
    pad = explorer.root.locator("canvas.ae-pad")
    with explorer.changing():
        pad.press("Space")
    counts.append(repairs())  # a dot
    with explorer.changing():
        page.keyboard.down("Space")
        for _ in range(6):
            page.keyboard.press("ArrowUp")
        page.keyboard.up("Space")
    counts.append(repairs())  # a line
    with explorer.changing():
        explorer.stroke((60, 60), (60, 60))
    counts.append(repairs())  # a click adds to it
    assert counts[1] == 0 and 12 <= counts[2] <= 24 and counts[2] + 20 < counts[3] < counts[4]


@main_path
def test_set_threshold(page, sample):
    explorer = ShownExplorer(page, "Set a threshold")
    explorer.choose("detector", "error")
    with explorer.changing():
        explorer.press("false alarms (%)", "PageUp")
    images = sample.test_images[:2_000].clone() / 255
    images[1::2] = images[1::2].flip(3)  # these are the unknown ones
    errors = measures.image_errors(images, shipped.steady().eval()(images))
    known, unknown = errors[::2].sort(), errors[1::2].sort()
    alarms = int(explorer.value("false alarms (%)")[0] / 100 * len(known.values))
    threshold = known.values[-1 - alarms]
    text = explorer.readout.text_content()
    assert f"{(unknown.values > threshold).sum()} of {len(unknown.values)} unknown caught" in text
    assert f"{alarms} of {len(known.values)} known are false alarms" in text
    shows(explorer, "missed", images[1::2][unknown.indices[0], 0])
    shows(explorer, "false alarms", images[::2][known.indices[-1], 0])


@main_path
def test_draw_digit(page, model):
    explorer = ShownExplorer(page, DRAW)
    with explorer.changing():
        explorer.stroke((90, 60), (190, 60), (130, 220))
    rebuilds(explorer, model)
    explorer.root.locator("canvas.ae-pad").focus()
    with explorer.changing():
        page.keyboard.press("ArrowRight")
    rebuilds(explorer, model, right=1)


def rebuilds(explorer, model, right=0):
    """The explorer shows what the network makes of the drawing, shifted to the right."""
    drawing = as_mnist(torch.as_tensor(np.array(explorer.drawing())))
    assert drawing.any()
    seen = drawing.roll(right, dims=2) / 255
    shows(explorer, "what the network sees", seen[0])
    shows(explorer, "its reconstruction", model(seen[None])[0, 0])


# ----------------------------------------------------------------------- how they look and sound


OUTSIDE = """root => {
    const area = root.closest(".jp-OutputArea-output").getBoundingClientRect();
    const frame = root.getBoundingClientRect(), problems = [];
    const check = (name, inner, outer) => {
        const out = Math.max(outer.left - inner.left, inner.right - outer.right,
                             outer.top - inner.top, inner.bottom - outer.bottom);
        if (out > 1) problems.push(`${name} is ${out} pixels outside`);
        if (!inner.width || !inner.height) problems.push(`${name} is not to be seen`);
    };
    check("the explorer", frame, area);
    const parts = "img, canvas, select, input, button, .noUi-target, .widget-readout, b, [role]";
    for (const part of root.querySelectorAll(parts))
        check(part.outerHTML.slice(0, 80), part.getBoundingClientRect(), frame);
    for (const label of root.querySelectorAll(".widget-label"))
        if (label.scrollWidth > label.clientWidth) problems.push(`${label.textContent} is cut off`);
    if (innerWidth === 1280 && (frame.width > 900 || frame.height > 560))
        problems.push(`${frame.width} × ${frame.height} don't fit a laptop's window`);
    if (document.documentElement.scrollWidth > innerWidth) problems.push("the page scrolls aside");
    return problems;
}"""
# Show it if it is hidden, or the other way round; Voilà has none.
FILE_BROWSER = """change => {
    const command = "application:toggle-left-area";
    if (change && jupyterapp.commands.hasCommand(command)) jupyterapp.commands.execute(command);
}"""
LAID_OUT = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@everywhere
@pytest.mark.parametrize("width", [1280, 800, 390])
def test_every_explorer_fits(page, width):
    """Into a laptop's window as a whole; into a narrow one, so that nothing sticks out aside."""
    with resized(page, width, 720):
        page.evaluate(FILE_BROWSER, width == 390)  # on a phone it would leave nothing
        page.evaluate(LAID_OUT)
        found = {e.title: e.root.evaluate(OUTSIDE) for e in explorers_on(page)}
        page.evaluate(FILE_BROWSER, width == 390)
    assert found == dict.fromkeys(found, []) and len(found) == len(EXPLORERS)


ANY = re.compile(".")
ROLES = {"slider": "slider", "dropdown": "combobox", "checkbox": "checkbox"}


@main_path
def test_a_screen_reader_hears_names(page):
    for explorer in explorers_on(page):
        for kind, role in ROLES.items():
            names = explorer.labels(kind)
            parts = [explorer.root.get_by_role(role, name=n, exact=True) for n in names]
            assert [part.count() for part in parts] == [1] * len(names), (explorer.title, names)
        pictures = explorer.root.locator("img, canvas").all()
        named = explorer.root.get_by_role("img", name=ANY).or_(
            explorer.root.get_by_role("application", name=ANY)
        )
        assert named.count() == len(pictures) > 0, explorer.title


@main_path
def test_the_focus_is_seen(page):
    page.keyboard.press("Shift")  # from now on it is the keyboard that is used
    focusable = ".noUi-handle, .ae-explorer :is(select, input, button, img[tabindex], canvas)"
    dim = page.locator(focusable).evaluate_all(
        """parts => parts.filter(part => {
            part.focus({ preventScroll: true });
            return getComputedStyle(part).outlineStyle !== "solid";
        }).map(part => part.outerHTML)"""
    )
    assert dim == []


@main_path
def test_jupyterlab_asks_nothing(page):
    """About news, say: its question would lie over the lesson until it is answered."""
    assert page.locator(".Toastify__toast").all_inner_texts() == []


@main_path
def test_sliders_have_a_track_at_200_per_cent(page):
    with resized(page, 640, 360):  # of 1280×720
        for track in page.locator(".ae-explorer .noUi-target").all():
            assert track.bounding_box()["width"] > 120


# ------------------------------------------------------------------- every control, on every page


@pytest.mark.parametrize("gallery", VERIFIED, indirect=True, scope="module")
@pytest.mark.parametrize("title", EXPLORERS)
def test_every_control(page, title):
    """By mouse and by keyboard: each use changes a picture, and nothing is raised."""
    explorer = ShownExplorer(page, title)
    for label in explorer.labels("slider"):
        value, low, high = explorer.value(label)
        share = (value - low) / (high - low)
        with explorer.changing():
            explorer.drag(label, share + 0.25 if share < 0.5 else share - 0.25)
        with explorer.changing():
            explorer.press(label, "PageUp" if share < 0.5 else "PageDown")
        if label != "β":  # of a slider with stops ipywidgets doesn't read what is typed
            with explorer.changing():
                explorer.type(label, f"{value:g}")
    for label in explorer.labels("dropdown"):
        one = explorer.control(label).evaluate("list => list.selectedOptions[0].text")
        others = explorer.control(label).locator("option").all_text_contents()
        with explorer.changing():
            explorer.control(label).select_option(label=[o for o in others if o != one][-1])
        with explorer.changing():
            explorer.press(label, *one.split()[0])
    for label in explorer.labels("checkbox"):
        with explorer.changing():
            explorer.control(label).click()
        with explorer.changing():
            explorer.press(label, "Space")
    for clickable in explorer.root.locator(".ae-clickable").all():
        with explorer.changing():
            clickable.click(position={"x": 50, "y": 50})
        with explorer.changing():
            explorer.slide(clickable, (50, 50), (180, 120))
        with explorer.changing():
            clickable.press("ArrowRight")
    for place in range(9) if title == EDIT else ():
        with explorer.changing():
            field(explorer, *divmod(place, 3)).press("ArrowUp")
        with explorer.changing():
            field(explorer, *divmod(place, 3)).fill("-2.5")
    if title in (DRAW, DAMAGE):
        with explorer.changing():
            explorer.stroke((80, 80), (200, 90), (120, 200))
        with explorer.changing():
            explorer.root.locator("canvas.ae-pad").press(
                "Space" if title == DAMAGE else "ArrowRight"
            )
    buttons = explorer.root.get_by_role("button").all()
    for button in buttons:
        with explorer.changing():
            button.click()
    if title == DAMAGE:
        with explorer.changing():  # there shall be something to uncover
            explorer.stroke((80, 80), (200, 90), (120, 200))
    for button in buttons:
        with explorer.changing():
            button.press("Enter")
    assert explorer.alert.count() == 0


@pytest.mark.parametrize("gallery", VERIFIED[1:], indirect=True, scope="module")
def test_a_finger_draws_where_it_is(page, model):
    """On a narrow page, too, where the pad is smaller than its 280 pixels."""
    with resized(page, 250, 900):
        explorer = ShownExplorer(page, DRAW)
        pad = explorer.root.locator("canvas.ae-pad")
        pad.scroll_into_view_if_needed()
        corner, touch = pad.bounding_box(), page.context.new_cdp_session(page)
        scale = corner["width"] / 280
        assert scale < 0.9
        with explorer.changing():
            for kind, *places in (
                ("touchStart", (60, 140)),
                ("touchMove", (140, 100)),
                ("touchMove", (220, 140)),
                ("touchEnd",),
            ):
                points = [
                    {"x": corner["x"] + x * scale, "y": corner["y"] + y * scale} for x, y in places
                ]
                touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    rebuilds(explorer, model)
    assert explorer.drawing().getbbox() == pytest.approx((49, 89, 231, 151), abs=4)  # the pen: 22


# -------------------------------------------------------------------------------- other notebooks


@pytest.fixture
def run(browser, lab, project):
    """A function that opens and runs a notebook in JupyterLab, and gives its explorers."""
    with opened(browser) as page:

        def run(name):
            assert run_in_lab(page, lab, name) == []
            page.locator(".ae-explorer").first.wait_for()
            return explorers_on(page)

        yield run
        stop_kernel(page)
        assert page.problems == []


@pytest.mark.verify
def test_the_explorers_of_a_lesson(run):
    """Several, with a training before them. Those of lessons 01 to 04 are moved on a walk."""
    (lesson,) = (path for path in LESSONS if path.name.startswith("06"))
    explorers = run(lesson.name)
    assert len(explorers) == explorers_of(nbformat.read(lesson, as_version=4))
    move_first_sliders(explorers)


LEVEL = """
    from PIL import Image
    from ae_helpers.widgets.controls import slider
    from ae_helpers.widgets.explorer import Explorer
    from ae_helpers.widgets.pictures import picture

    def draw(level):
        if level == 7:
            raise ValueError("7 is <planted>")
        return {"pixel": Image.new("L", (1, 1), level)}, f"It is {level}."

    Explorer("Level", {"level": slider("level", 0, 9, 5)}, {"pixel": picture("a pixel")}, draw)"""


def plant(path, *sources):
    """Write a notebook of these cells."""
    cells = [nbformat.v4.new_code_cell(inspect.cleandoc(source)) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


@pytest.mark.verify
def test_an_error_is_seen(run, project):
    """And the last picture stays; the next value that can be drawn takes the error away."""
    plant(project / "notebooks" / "planted.ipynb", LEVEL)
    (explorer,) = run("planted.ipynb")
    explorer.press("level", "ArrowRight")
    shows(explorer, "pixel", torch.tensor([[6 / 255]]))
    explorer.press("level", "ArrowRight")
    explorer.alert.wait_for()
    assert explorer.alert.text_content() == "ValueError in draw: 7 is <planted>"
    assert explorer.picture("pixel").convert("L").getpixel((0, 0)) == 6
    explorer.press("level", "ArrowRight")
    shows(explorer, "pixel", torch.tensor([[8 / 255]]))


@pytest.mark.verify
def test_voila_shows_explorers_as_they_come(browser, tmp_path):
    """And says that there are more; what has the focus keeps it and its place when they come."""
    project = copy_project(tmp_path / "project")
    wait = """
    import pathlib, time
    while not pathlib.Path("go").exists():
        time.sleep(0.1)"""
    plant(project / "notebooks" / "gallery.ipynb", LEVEL, wait, LEVEL)
    with serving_voila(project, tmp_path / "voila") as address, opened(browser) as page:
        page.goto(address)
        first, handle = ShownExplorer(page, "Level"), "document.activeElement.outerHTML"
        note = "() => getComputedStyle(document.body, '::after').content"
        assert page.evaluate(note).startswith('"More explorers are coming')
        first.control("level").focus()
        before, box = page.evaluate(handle), first.root.bounding_box()
        (project / "notebooks" / "go").touch()
        ShownExplorer(page, "Level", 1)
        page.wait_for_function(f"({note})() === 'none'")
        assert (page.evaluate(handle), first.root.bounding_box()) == (before, box)
        with first.changing():
            page.keyboard.press("ArrowRight")
        assert page.problems == []
