"""Explorers that live in a page, compared with what Python draws, in a real browser."""

import base64
import contextlib
import json
import shutil
from unittest import mock

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from ae_helpers.site import build, exports, live
from ae_helpers.widgets import digits
from ae_helpers.widgets.drawing import PAD
from real_browser import opened

pytestmark = pytest.mark.verify


def stroke(*points, width=22) -> bytes:
    """A line from point to point, with soft ends, as a pad holds it."""
    paper = Image.new("L", (PAD, PAD))
    pen = ImageDraw.Draw(paper)
    pen.line(points, 255, width, joint="curve")
    for x, y in points:
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), 255)
    return paper.filter(ImageFilter.BoxBlur(0.4)).tobytes()


PLANE = "plane of codes: drag here"

# For each explorer, what a reader does, one thing after another: set controls, in this order; press
# a button; or click in a panel (or press an arrow key there).
SETTINGS = {
    "size_rule": [
        {},
        {"row": 15, "column": 0},
        {"n": 1},
        {"kernel_size": 3, "padding": 1, "row": 0, "column": 0},
        {"n": 28, "stride": 2, "row": 13, "column": 5},
        {"stride": 5, "kernel_size": 2},
        {"padding": 7, "row": 0},
        {"padding": 0, "n": 5, "kernel_size": 12},
        {"n": 8, "kernel_size": 5, "stride": 3},
        {"n": 32, "kernel_size": 15, "stride": 4, "padding": 7, "row": 3, "column": 4},
        {"n": 16, "kernel_size": 4, "stride": 1, "padding": 2, "column": 16},
        {"n": 3, "kernel_size": 1, "stride": 1, "padding": 0, "row": 2},
    ],
    "transposed_convolution": [
        {},
        {"stamps": 0},
        {"stamps": 16},
        {"padding": 1, "stamps": 5},
        {"output_padding": 1},
        {"output_padding": 2},
        {"stride": 4, "kernel_size": 4},
        {"n": 16, "output_padding": 0, "stamps": 200},
        {"n": 1, "kernel_size": 1, "stride": 1, "padding": 3},
        {"n": 7, "kernel_size": 15, "stride": 2, "padding": 7, "stamps": 30},
        {"n": 5, "kernel_size": 2, "stride": 4, "padding": 0},
        {"n": 14, "kernel_size": 5, "stride": 2, "padding": 2, "output_padding": 1, "stamps": 100},
    ],
    "edit_kernel": [
        {},
        "identity",
        "blur",
        "sharpen",
        "horizontal edges",
        "a trained kernel",
        "a trained kernel",
        {"label": 7, "number": 3},
        {"row": 0, "column": 0},
        {"row": 27, "column": 27, "label": 1, "number": 500},
        {"kernel": ["1/3", "−2", ".5", "1e-4", "-0", "+1", "99", "-100", "0.0004"]},
        {"kernel": ["1", "0", "0", "0", "x", "0", "0", "0", "0"]},
        {"kernel": ["1", "0", "0", "0", "1/0", "0", "0", "0", " "]},
        {"kernel": ["1.01", "0", "0", "0", "1.01", "0", "0", "0", "1.01"]},  # “1 pixel lies”
        {"kernel": ["1/9", "0", "0", "0", "0", "0", "0", "0", "0"], "row": 12, "column": 14},
        ("input, with its padding of 0 in grey", {"x": 100, "y": 60}),
        ("output: −3 is blue, 0 white, 3 red", {"x": -20, "y": 400}),
        ("output: −3 is blue, 0 white, 3 red", {"down": -1}),
    ],
    "draw_digit": [
        {},
        {"right": 3, "down": -8},
        ("pad", {"down": -1}),
        ("pad", {"right": 1}),
        "Load a test digit",
        "Load a test digit",
        {"right": 8},
        {"pad": stroke((60, 40), (220, 60), (90, 240))},
        {"pad": stroke((140, 3), (140, 277))},
        {"pad": stroke((5, 5), (275, 275), (5, 275), (275, 5), (140, 140))},
        {"pad": stroke((130, 130), (133, 131), width=3)},
        {"pad": stroke((200, 100), width=1), "down": 2},
        {"pad": stroke((20, 250), (120, 40), (180, 200), (260, 30), width=41)},
        {"pad": stroke((0, 0), (279, 279), width=400)},
        "Clear",
    ],
    "latent_sliders": [
        {},
        {"direction 1": 1.5},
        {"direction 2": -2.0, "direction 3": 0.55},
        {f"direction {number}": 3.0 for number in range(1, 9)},
        {f"direction {number}": (-1) ** number * 0.35 * number for number in range(1, 9)},
        "reset to the mean code",
        {"digit": 17},
        "start from this digit",
        {"direction 4": -0.05},
        "random code",
        "random code",
        {"direction 8": 2.95, "digit": 999},
        "start from this digit",
        "random code",
        "reset to the mean code",
    ],
    "blend": [
        {},
        {"way": 0},
        {"way": 100},
        {"first": 3, "second": 4, "way": 50},
        {"way": 25},
        {"way": 75},
        {"first": 499, "second": 7, "way": 33},
        {"second": 499},
        {"way": 1},
        {"first": 10, "second": 480, "way": 66},
        {"way": 49},
    ],
    "keep_k": [
        {},
        {"k": 0},
        {"k": 1},
        {"k": 64},
        {"digit": 499, "k": 8},
        {"k": 2},
        {"digit": 7},
        {"digit": 8, "k": 33},
        {"k": 63},
        {"digit": 18, "k": 5},
        {"digit": 250, "k": 0},
    ],
    "beta_slider": [
        {},
        {"beta": 0.1},
        {"beta": 3.0},
        {"beta": 10.0},
        "Invent others",
        {"digit": 199},
        {"beta": 1.0, "digit": 42},
        "Invent others",
        {"beta": 0.1, "digit": 8},
        {"digit": 123},
        {"beta": 10.0},
        {"digit": 4},
    ],
    "vae_plane": [
        {},
        {"x": 1.25, "y": -0.4},
        {"x": -3.0, "y": 3.0},
        {"x": 0.05, "y": 0.1},
        (PLANE, {"x": 120, "y": 90}),
        (PLANE, {"x": 201, "y": 287}),
        (PLANE, {"x": 10_000, "y": -10_000}),
        (PLANE, {"down": 1}),
        (PLANE, {"right": -1}),
        (PLANE, {"x": -5, "y": 10_000}),
        (PLANE, {"x": 188, "y": 170}),  # the middle
        {"x": 0.0, "y": 0.0},
        (PLANE, {"right": 1}),
        {"x": -0.65, "y": 1.7},
    ],
    "batch_mates": [
        {},
        {"mates": "only of class 1"},
        {"mates": "only of class 7", "size": 31, "digit": 7},
        {"evaluation": True},
        {"mates": "black images", "digit": 499},
        {"evaluation": False},
        {"size": 1},
        {"mates": "nobody: a batch of one", "digit": 3},
        {"mates": "random digits", "size": 25, "draw": 9},
        {"draw": 4, "size": 26},
        {"digit": 100, "size": 2},
        {"evaluation": True, "mates": "nobody: a batch of one"},
    ],
    "architecture_picker": [
        {},
        {"digit": 499},
        {"network": "linear, 2 numbers"},
        {"digit": 7},
        {"network": "linear, 8 numbers"},
        {"digit": 250},
        {"network": "linear, 32 numbers"},
        {"digit": 31},
        {"network": "linear, 64 numbers"},
        {"digit": 44},
        {"network": "backbone"},
        {"digit": 123},
    ],
    "dataset_browser": [
        {},
        {"number": 199},
        {"network": "clothes"},
        {"number": 3},
        {"network": "coloured digits"},
        {"dataset": "coloured digits"},
        {"number": 100},
        {"network": "digits"},
        {"number": 7, "network": "coloured digits"},
        {"dataset": "digits", "network": "clothes", "number": 42},
        {"network": "digits", "number": 150},
    ],
    "set_threshold": [
        {},
        {"accepted": 0},
        {"accepted": 1},
        {"accepted": 50},
        {"accepted": 29},
        {"detector": "error"},
        {"accepted": 5},
        {"accepted": 0},
        {"accepted": 50},
        {"accepted": 14},
        {"accepted": 57, "detector": "nearest code"},
        {"accepted": 22},
    ],
    "damage_digit": [
        {},
        {"noise": 0.0},
        {"network": "filler", "digit": 7},
        {"noise": 1.0},
        "New noise",
        {"network": "backbone", "noise": 0.15},
        "Uncover",
        {"brush": stroke((60, 40), (220, 60), (90, 240), width=50), "digit": 499},
        {"brush": stroke((0, 0), (279, 279), width=400), "network": "denoiser"},
        "New noise",
        {"brush": stroke((140, 3), (140, 277), width=50), "noise": 0.65, "digit": 250},
        {"brush": bytes([128]) * PAD * PAD},
        {"brush": bytes([127]) * PAD * PAD, "network": "backbone"},
        {"brush": (bytes([255, 0]) * (PAD // 2)) * PAD, "noise": 0.3},  # exactly half of each
    ],
    "layer_xray": [
        {},
        {"layer": 1, "row": 4, "column": 4},
        {"layer": 2, "channel": 31, "digit": 7},
        {"layer": 3, "channel": 63},
        {"layer": 4, "channel": 13},
        {"layer": 5, "row": 7, "column": 0, "digit": 499},
        {"layer": 6, "row": 0, "column": 9, "channel": 3},
        {"layer": 7, "row": 20, "column": 14},
        {"layer": 0, "channel": 0, "row": 15, "column": 15, "digit": 33},
        ("feature maps", {"right": 1}),
        ("feature maps", {"down": 1}),
        ("feature maps", {"x": 3, "y": 200}),
        ("feature maps", {"x": -3, "y": 2}),
        ("feature maps", {"x": 100, "y": 100_000}),
    ],
    "before_after": [
        {},
        {"right": 0},
        {"right": 100},
        {"right": 33, "number": 7},
        {"maps": True},
        {"order": "best first", "number": 0},
        {"order": "worst first", "right": 51},
        {"maps": False, "number": 499},
        {"order": "as in the set", "number": 120, "right": 1},
        {"right": 99, "maps": True},
        {"order": "best first", "number": 250, "right": 67},
    ],
    "browse_digits": [
        {},
        {"row": 0, "column": 0},
        {"row": 27, "column": 27, "number": 999},
        {"label": 3},
        {"part": "test", "number": 12},
        {"label": "any", "number": 499, "row": 5, "column": 20},
        {"part": "training"},
        {"label": 0, "number": 40, "row": 14, "column": 13},
        {"label": 9, "number": 0},
        ("digit", {"x": 32, "y": 210}),
        ("digit", {"x": -5, "y": 400}),
        ("digit", {"down": 1}),
        ("digit", {"right": 1}),
        {"part": "test", "label": 7, "number": 1},
    ],
    "time_machine": [{"epoch": epoch} for epoch in (1, 0, 2, 3, 4, 6, 8, 10, 11, 13, 15)],
}

PAGE = """<!DOCTYPE html><html lang="en"><title>{name}</title><style>{style}</style>
<link rel="stylesheet" href="live/explorer.css"><link rel="stylesheet" href="live/live.css">
<script type="module" src="live/frame.js"></script>
<main><h1>{name}</h1><div class="ae-live" data-explorer="{name}"></div></main></html>"""
STYLE = """:root { --pst-color-background: white; --pst-color-surface: #f3f4f5;
--pst-color-text-base: black; --pst-color-primary: #176de8; } body { margin: 0; }"""
AWAKE = "() => ['alive', 'failed'].includes(document.querySelector('.ae-live').dataset.state)"
SAYS = "text => document.querySelector('[role=status]').textContent.includes(text)"
DO = """setting => {
    const { live } = document.querySelector(".ae-live");
    const base64 = (bytes) => {
        let text = "";
        for (let i = 0; i < bytes.length; i += 4096)
            text += String.fromCharCode(...bytes.subarray(i, i + 4096));
        return btoa(text);
    };
    try {
        if (typeof setting === "string") live.parts.buttons[setting]();
        else if (Array.isArray(setting)) live.parts.click[setting[0]](setting[1]);
        else for (const [name, value] of Object.entries(setting)) {
            const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            live.controls[name].value = value.base64 ? bytes(value.base64) : value;
        }
        const { pictures, readout } = live.draw();
        for (const [name, picture] of Object.entries(pictures))
            pictures[name] = { ...picture, data: base64(picture.data) };
        const values = {};
        for (const [name, { value }] of Object.entries(live.controls)) values[name] = value;
        return { pictures, readout, values };
    } catch (error) {
        return { error: error.message };
    }
}"""


def sent(setting):
    """A setting as ``DO`` takes it: bytes as text."""
    if not isinstance(setting, dict):
        return setting
    return {
        name: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in setting.items()
    }


# ------------------------------------------------------------------------- what Python draws


class Recorder:
    """A pen that notes what pages draw as marks, and draws all else."""

    def __init__(self, image, mode=None):
        self.pen, self.marks = ImageDraw.ImageDraw(image, mode), marks_of(image)
        self.rectangle = self.pen.rectangle

    def text(self, xy, text, fill=None, font=None, anchor=None, **_):
        self.marks.append(["text", *xy, text, font.size, fill, anchor])

    def ellipse(self, xy, fill=None, outline=None, width=1):
        self.marks.append(["ellipse", *xy, fill, outline, width])

    def line(self, xy, fill=None, width=1):
        places = np.ravel(xy).tolist()
        (x0, y0), (x1, y1) = np.trunc(places).reshape(-1, 2)[[0, -1]]
        if len(places) == 4 and (x0 == x1 or y0 == y1):
            self.pen.line(xy, fill, width)
        else:
            self.marks.append(["line", places, fill, width])


def marks_of(image) -> list:
    return image.__dict__.setdefault("marks", [])


@contextlib.contextmanager
def recording():
    """Meanwhile Pillow notes text and ellipses in ``image.marks``, and pastes them along."""
    really = Image.Image.paste

    def paste(self, im, box=None, mask=None):
        really(self, im, box, mask)
        x, y = (box or (0, 0))[:2]
        for source, colour in ((im, None), (mask, im)):
            for kind, left, top, *rest in getattr(source, "marks", []):
                if colour:  # the mask was written in white; what shows through it is this
                    rest[2] = colour
                marks_of(self).append([kind, left + x, top + y, *rest])

    digits._written.cache_clear()
    with (
        mock.patch.object(ImageDraw, "Draw", Recorder),
        mock.patch.object(Image.Image, "paste", paste),
    ):
        yield
    digits._written.cache_clear()


def in_python(explorer, setting) -> dict:
    """What a reader in JupyterLab would see, as ``DO`` returns what one in a page does."""
    failed = len(explorer.errors)
    with recording():
        if isinstance(setting, str):
            explorer.buttons[setting].click()
        elif isinstance(setting, tuple):
            panel, where = setting
            answering = explorer.pictures.get(panel) or explorer.controls[panel]
            answering._handle_custom_msg(where, [])
        else:
            explorer.act(
                lambda: [setattr(explorer.controls[k], "value", setting[k]) for k in setting]
            )
    if explorer.errors[failed:]:
        return {"error": str(explorer.errors[-1])}
    values = {name: control.value for name, control in explorer.controls.items()}
    return {"pictures": explorer.shown, "readout": explorer._text, "values": values}


# ------------------------------------------------------------------------------ the comparison


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a page for each explorer, and the explorers that the pages are made of."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copytree(build.HERE / "static" / "live", folder / "live")
    calls = live.write(folder / "live")
    for name in exports.EXPORTS:
        text = PAGE.format(name=name, style=STYLE)
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return folder, {name: calls[name].explorer for name in exports.EXPORTS}


@pytest.fixture(scope="module")
def home(written, serve):
    return serve(written[0])


def awake(page, address: str, state: str = "alive"):
    """Open a page and wait until its explorer is alive, or has failed; the place where it is."""
    page.goto(address)
    hook = page.locator(".ae-live")
    page.wait_for_function(AWAKE)
    assert hook.get_attribute("data-state") == state, hook.inner_text()
    return hook


def assert_same_picture(name: str, shown: dict, drawn: Image.Image) -> None:
    assert (shown["width"], shown["height"]) == drawn.size, name
    pixels = np.frombuffer(base64.b64decode(shown["data"]), np.uint8).reshape(*drawn.size[::-1], 4)
    expected = np.array(drawn.convert("RGBA")).astype(int)
    expected[expected[..., 3] == 0] = pixels[expected[..., 3] == 0] * [1, 1, 1, 0]  # unseen
    wrong = np.argwhere(np.abs(pixels - expected).max(2) > 1)
    assert not len(wrong), (
        f"{name}: {len(wrong)} pixels differ; first row and column {wrong[0]}, page "
        f"{pixels[tuple(wrong[0])]}, Python {expected[tuple(wrong[0])]}"
    )
    ours = json.loads(json.dumps(getattr(drawn, "marks", [])))
    assert len(shown["marks"]) == len(ours), (name, shown["marks"], ours)
    for mark, own in zip(shown["marks"], ours, strict=True):
        assert mark[0] == own[0], name
        for part, expected in zip(mark[1:], own[1:], strict=True):
            if not isinstance(expected, (str, type(None))):
                expected = pytest.approx(expected, abs=1e-3)  # pixels
            assert part == expected, (name, mark, own)


def test_every_explorer_has_settings_to_compare():
    assert SETTINGS.keys() == exports.EXPORTS.keys()
    assert [name for name, settings in SETTINGS.items() if len(settings) < 10] == []


@pytest.mark.parametrize("name", SETTINGS)
def test_a_page_shows_what_python_draws(name, written, home, browser):
    explorer = written[1][name]
    with opened(browser) as page:
        awake(page, f"{home}{name}.html")
        for setting in SETTINGS[name]:
            shown, drawn = page.evaluate(DO, sent(setting)), in_python(explorer, setting)
            where = f"{name}, {setting}"
            assert shown.get("error") == drawn.get("error"), where
            if "error" in shown:
                continue
            assert shown["readout"] == drawn["readout"], where
            for control, value in drawn["values"].items():
                if not isinstance(value, bytes):
                    assert shown["values"][control] == pytest.approx(value), (where, control)
            assert shown["pictures"].keys() == drawn["pictures"].keys(), where
            for panel, picture in drawn["pictures"].items():
                assert_same_picture(f"{where}, {panel}", shown["pictures"][panel], picture)
        assert page.problems == []


# ------------------------------------------------------------------------ what a reader can do


@pytest.fixture
def opened_on(home, browser):
    """A function that opens an explorer's page, on a phone if asked to: the page, and its hook."""
    with contextlib.ExitStack() as pages:

        def open_on(name, width=1280, state="alive", before=lambda page: None, **options):
            page = pages.enter_context(opened(browser, width, **options))
            before(page)
            return page, awake(page, f"{home}{name}.html", state)

        yield open_on


def test_sliders_answer_to_keys_and_say_their_value(opened_on):
    page, hook = opened_on("size_rule")
    assert hook.get_by_role("status").inner_text().startswith("⌊(28 + 2·1 − 15)/1⌋")
    slider = hook.get_by_role("slider", name="stride s")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(SAYS, arg="⌊(28 + 2·1 − 15)/2⌋")
    assert slider.get_attribute("aria-valuetext") == "2"
    assert hook.get_by_role("slider", name="output row").get_attribute("max") == "7"
    slider.press("End")
    page.wait_for_function(SAYS, arg="⌊(28 + 2·1 − 15)/5⌋")
    assert page.problems == []


def test_a_change_is_drawn_at_once_and_many_once_for_each_picture_of_the_screen(opened_on):
    page, _ = opened_on("size_rule")
    drawn = page.evaluate("""async () => {
        const { live } = document.querySelector(".ae-live"), draw = live.parts.draw;
        const drawn = [];
        live.parts.draw = (values) => (drawn.push(values.n), draw(values));
        const track = document.querySelector("input");
        for (const n of [3, 5, 8]) (track.value = n, track.dispatchEvent(new Event("input")));
        const atOnce = drawn.length;
        await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
        return [atOnce, ...drawn];
    }""")
    assert drawn == [1, 3, 8]


def test_a_picture_answers_to_clicks_drags_and_arrow_keys(opened_on):
    page, hook = opened_on("edit_kernel")
    row, column = (hook.get_by_role("slider", name=name) for name in ("row", "column"))
    canvas = hook.get_by_role("application").first
    assert "Arrow keys" in canvas.get_attribute("aria-label")
    canvas.click(position={"x": 8 * 6 + 4, "y": 8 * 11 + 4})  # its first square is padding
    assert (row.input_value(), column.input_value()) == ("10", "5")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert (row.input_value(), column.input_value()) == ("11", "4")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 1000, 0, steps=4)  # out of the picture, and out of the window
    page.mouse.up()
    assert (row.input_value(), column.input_value()) == ("0", "27")
    page.wait_for_function(SAYS, arg="Row 0, column 27:")
    assert page.problems == []


def tapped(canvas, x, y):
    """Tap on a pixel of a canvas, which may be shown smaller than it is."""
    scale = canvas.evaluate("canvas => canvas.clientWidth / canvas.width")
    canvas.tap(position={"x": scale * x, "y": scale * y})


def test_a_finger_moves_what_is_in_a_picture_on_a_phone(opened_on):
    page, hook = opened_on("edit_kernel", width=390, has_touch=True, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tapped(hook.get_by_role("application").nth(1), 12, 20)
    page.wait_for_function(SAYS, arg="Row 1, column 0:")


def test_a_number_in_the_feature_maps_is_tapped_and_walked_to(opened_on):
    page, hook = opened_on("layer_xray", width=390, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    channel, row, column = (
        hook.get_by_role("slider", name=name) for name in ("channel", "row", "column")
    )
    hook.get_by_role("combobox").select_option("encoder.conv2 · 16×8×8")  # squares of 9 pixels
    page.wait_for_function(SAYS, arg="encoder.conv2 + relu2 gives 16 maps of 8×8")
    assert [each.get_attribute("max") for each in (channel, row, column)] == ["15", "7", "7"]
    maps = hook.get_by_role("application")
    tapped(maps, 9 * 15 + 4, 9 * 8 + 4)
    page.wait_for_function(SAYS, arg="The number in channel 5, row 0, column 7 is")
    maps.press("ArrowRight")
    page.wait_for_function(SAYS, arg="The number in channel 6, row 0, column 0 is")
    maps.press("ArrowUp")
    page.wait_for_function(SAYS, arg="The number in channel 2, row 7, column 0 is")
    hook.get_by_role("combobox").select_option("encoder.conv4 · 64×1×1")
    page.wait_for_function(SAYS, arg="The number in channel 2, row 0, column 0 is")
    channel.press("End")
    page.wait_for_function(SAYS, arg="The number in channel 63, row 0, column 0 is")
    assert page.problems == []


def test_the_window_of_numbers_is_dragged(opened_on):
    page, hook = opened_on("browse_digits", color_scheme="dark")
    digit = hook.get_by_role("application")
    box = digit.bounding_box()
    page.mouse.move(box["x"] + 35, box["y"] + 15)
    page.mouse.down()
    page.wait_for_function(SAYS, arg="Row 1, column 3:")
    page.mouse.move(box["x"] + 5, box["y"] + 2_000, steps=3)  # out of the window
    page.mouse.up()
    page.wait_for_function(SAYS, arg="Row 27, column 0:")
    hook.get_by_role("combobox", name="set").select_option("test")
    hook.get_by_role("combobox", name="class").select_option("7")
    number = hook.get_by_role("slider", name="number")
    page.wait_for_function("track => track.max === '49'", arg=number.element_handle())
    number.press("End")
    page.wait_for_function(SAYS, arg="Number 49 (0 to 49) of the test images of class 7")
    assert page.problems == []


PANEL = "number => document.querySelectorAll('canvas')[number].toDataURL()"


def test_the_wipe_follows_the_slider_and_shows_error_maps(opened_on):
    page, hook = opened_on("before_after", width=390, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    seen = [page.evaluate(PANEL, 1)]
    for act in (
        lambda: hook.get_by_role("slider", name="after").press("PageUp"),
        lambda: hook.get_by_role("checkbox").tap(),
        lambda: hook.get_by_role("combobox").select_option("worst first"),
        lambda: hook.get_by_role("slider", name="number").press("End"),
    ):
        act()
        page.wait_for_function(f"([number, old]) => ({PANEL})(number) !== old", arg=[1, seen[-1]])
        seen.append(page.evaluate(PANEL, 1))
    assert "rank 1 of 500 from the best" in hook.get_by_role("status").inner_text()
    assert page.problems == []


def test_time_goes_back_and_forth(opened_on):
    page, hook = opened_on("time_machine", width=390, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    epoch = hook.get_by_role("slider", name="epoch")
    for key, says in (("End", "Epoch 15 of 15:"), ("ArrowLeft", "Epoch 14"), ("Home", "Epoch 0")):
        epoch.press(key)
        page.wait_for_function(SAYS, arg=says)
    assert page.problems == []


def test_what_is_wrong_is_said_and_the_last_pictures_stay(opened_on):
    page, hook = opened_on("edit_kernel")
    before = hook.get_by_role("status").inner_text()
    field = hook.get_by_label("row 1, column 1")
    field.fill("101")
    page.wait_for_function("document.querySelector('[role=alert]').textContent.includes('“101”')")
    assert hook.get_by_role("status").inner_text() == before
    field.press("ArrowUp")
    field.fill("-1/2")
    page.wait_for_function(SAYS, arg="Kernel: your own.")
    assert hook.get_by_role("alert").inner_text() == ""
    hook.get_by_role("button", name="blur").click()
    page.wait_for_function(SAYS, arg="Kernel: blur.")
    assert field.input_value() == "1/9"


def test_a_file_that_is_missing_is_named(opened_on, written):
    content = json.loads((written[0] / "live" / "edit_kernel.json").read_text(encoding="utf-8"))
    digits = content["data"]["images"]["tensor"][0]
    for file in ("edit_kernel.json", digits, "explorers/edit_kernel.js"):

        def lost(page, file=file):
            page.route(f"**/live/{file}", lambda route: route.fulfill(status=404))

        _, hook = opened_on("edit_kernel", state="failed", before=lost)
        assert file in hook.get_by_role("alert").inner_text()


def test_a_drawing_is_seen_shifted_and_cleared(opened_on):
    page, hook = opened_on("draw_digit", width=390, has_touch=True, color_scheme="dark")
    pad, (right, down) = hook.locator("canvas.ae-pad"), hook.get_by_role("slider").all()
    before = hook.get_by_role("status").inner_text()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 90, steps=5)
    page.mouse.move(box["x"] + 2_000, box["y"] - 200, steps=5)  # out of the window
    page.mouse.up()
    page.wait_for_function(f"before => !({SAYS})(before)", arg=before)
    pad.press("ArrowRight")
    pad.press("ArrowUp")
    assert (right.input_value(), down.input_value()) == ("1", "-1")
    hook.get_by_role("button", name="Clear").click()
    page.wait_for_function(SAYS, arg="The pad is empty")
    assert (right.input_value(), down.input_value()) == ("0", "0")
    pad.tap(position={"x": 100, "y": 100})  # a dot
    page.wait_for_function(SAYS, arg="Error ")
    dot = hook.get_by_role("status").inner_text()
    hook.get_by_role("button", name="Load a test digit").click()
    page.wait_for_function(f"before => !({SAYS})(before)", arg=dot)
    assert page.problems == []


def test_hills_stand_above_the_sliders_that_buttons_move(opened_on):
    page, hook = opened_on("latent_sliders", width=390, has_touch=True)
    hills = page.evaluate("""[...document.querySelectorAll(".ae-hill .noUi-target")].map(
        (track) => getComputedStyle(track, "::before").backgroundImage)""")
    assert len(set(hills)) == 8 and all(hill.startswith('url("data:image/png') for hill in hills)
    first = hook.get_by_role("slider", name="direction 1")
    at_mean = hook.get_by_role("status").inner_text()
    first.press("End")
    page.wait_for_function(f"before => !({SAYS})(before)", arg=at_mean)
    assert first.get_attribute("aria-valuetext") == "3.00"
    hook.get_by_role("button", name="start from this digit").click()
    page.wait_for_function(SAYS, arg="The nearest training digit is 0 away")
    hook.get_by_role("button", name="reset to the mean code").click()
    page.wait_for_function(SAYS, arg=at_mean)
    assert first.input_value() == "0"
    assert page.problems == []


def test_the_plane_is_dragged_through_by_mouse_keys_and_touch(opened_on):
    page, hook = opened_on("vae_plane", width=390, has_touch=True, color_scheme="dark")
    x, y = (hook.get_by_role("slider", name=name, exact=True) for name in "xy")
    plane = hook.get_by_role("application")
    box = plane.bounding_box()
    assert box["width"] < 390  # so it is shown smaller than it is
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 1_000, box["y"] - 300, steps=5)  # out of the window
    page.mouse.up()
    assert (x.input_value(), y.input_value()) == ("4", "4")
    page.wait_for_function(SAYS, arg="At (4.00, 4.00)")
    plane.press("ArrowLeft")
    plane.press("ArrowDown")
    page.wait_for_function(SAYS, arg="At (3.90, 3.90)")
    plane.tap(position={"x": 190, "y": 149})  # about the middle
    page.wait_for_function(f"() => !({SAYS})('At (3.90, 3.90)')")
    assert abs(float(x.input_value())) < 0.5 and abs(float(y.input_value())) < 0.5


def test_a_brush_covers_by_mouse_finger_and_keys(opened_on):
    page, hook = opened_on("damage_digit", width=390, has_touch=True)
    pad = hook.locator("canvas.ae-pad")

    def covered() -> int:
        return int(hook.get_by_role("status").inner_text().split(" of 784")[0].split()[-1])

    def then_more_than(count: int) -> int:
        page.wait_for_function(f"text => !({SAYS})(text)", arg=f" {count} of 784")
        assert covered() > count
        return covered()

    assert covered() == 49
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] - 500, box["y"] + 200, steps=4)  # out of the picture
    page.mouse.up()
    by_mouse = then_more_than(49)
    pad.tap(position={"x": 200, "y": 60})
    by_finger = then_more_than(by_mouse)
    pad.focus()
    for key in ["ArrowRight"] * 8 + ["ArrowDown", "Space"]:
        page.keyboard.press(key)
    then_more_than(by_finger)
    below = "pad => pad.style.backgroundImage"
    before = pad.evaluate(below)
    hook.get_by_role("button", name="New noise").click()
    page.wait_for_function(
        f"old => ({below})(document.querySelector('.ae-pad')) != old", arg=before
    )
    hook.get_by_role("button", name="Uncover").click()
    page.wait_for_function(SAYS, arg=" 0 of 784 pixels covered")
    assert page.problems == []
