"""An explorer's life in JupyterLab: tomorrow, after a restart, in a small window, by keyboard."""

import inspect

import nbformat
import pytest

from ae_helpers.course import series
from ae_helpers.files import PROJECT
from real_browser import (
    ShownExplorer,
    command,
    copy_project,
    open_in_lab,
    opened,
    resized,
    run_in_lab,
    serving_lab,
    stop_kernel,
)

pytestmark = pytest.mark.verify

SOURCE = """
from PIL import Image
from ae_helpers.widgets import controls, explorer, pictures

def draw(level, beta, kind, on):
    return {"a pixel": Image.new("L", (1, 1), 20 * level)}, f"β is {beta}."

explorer.Explorer(
    "Level",
    {
        "level": controls.slider("level", 0, 9, 5),
        "beta": controls.stops("β", [("a tenth", 0.1), ("ten", 10)]),
        "kind": controls.choice("kind", ["one", "two"]),
        "on": controls.switch("on or off", True),
    },
    {"a pixel": pictures.picture("a pixel")},
    draw,
    buttons={"Reset": lambda: None},
)"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy with a notebook of one explorer, which has every kind of control."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(inspect.cleandoc(SOURCE))]
    nbformat.write(notebook, project / "notebooks" / "level.ipynb")
    return project


@pytest.fixture(scope="module")
def lab(project, tmp_path_factory):
    with serving_lab(project, tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.fixture(scope="module")
def opened_page(browser, lab):
    with opened(browser) as page:
        assert run_in_lab(page, lab, "level.ipynb") == []
        yield page
        stop_kernel(page)


@pytest.fixture
def page(opened_page):
    """A page with the explorer, alive."""
    yield opened_page
    assert opened_page.problems == []


def moves(page):
    """The explorer answers to its slider."""
    explorer = ShownExplorer(page, "Level")
    with explorer.changing():
        explorer.press("level", "ArrowRight")


def test_the_next_day(browser, lab):
    """What was saved while the explorer lived, and lives on, is its poster."""
    with opened(browser) as today:
        assert run_in_lab(today, lab, "level.ipynb") == []
        ShownExplorer(today, "Level")
        command(today, "docmanager:save")
        moves(today)
        stop_kernel(today)
        assert today.problems == []
    with opened(browser) as tomorrow:
        open_in_lab(tomorrow, lab, "level.ipynb")
        output = tomorrow.locator(".jp-OutputArea-output")
        poster = output.locator("img")
        poster.wait_for()
        assert poster.evaluate("image => image.naturalWidth") > 300
        assert output.count() == 1 and output.text_content() == ""  # no error beside it
        assert tomorrow.problems == []
        stop_kernel(tomorrow)


def test_a_lesson_that_is_only_opened_stays_as_it_is(browser, lab, project):
    """JupyterLab calls it changed and saves it after two minutes: nothing of that is kept.

    But `lab` will open it again.
    """
    lesson = PROJECT / "notebooks" / "02_build_the_encoder.ipynb"
    with opened(browser) as page:
        open_in_lab(page, lab, lesson.name)
        assert (project / series.LAST).read_text(encoding="utf-8") == lesson.name
        page.locator(".jp-mod-dirty").first.wait_for()
        command(page, "docmanager:save")
        stop_kernel(page)
    saved = project / "notebooks" / lesson.name
    assert saved.stat().st_mtime > lesson.stat().st_mtime
    assert saved.read_bytes() == lesson.read_bytes()


def test_sliders_move_at_200_per_cent(page):
    """Of 1280×720 pixels half as many are left, and of these the explorer gets 300 in width."""
    explorer = ShownExplorer(page, "Level")
    with resized(page, 640, 360):
        for label in ("level", "β"):
            track = explorer.control(label).locator("xpath=../..").bounding_box()
            name = explorer.root.get_by_text(label, exact=True).bounding_box()
            assert track["width"] > 120 and name["y"] + name["height"] <= track["y"]
        explorer.drag("level", 1)
        page.wait_for_function("h => h.ariaValueNow === '9.0'", arg=element(explorer, "level"))
        explorer.drag("β", 1)
        page.wait_for_function("h => h.ariaValueText === 'ten'", arg=element(explorer, "β"))


def element(explorer, label):
    return explorer.control(label).element_handle()


def test_a_screen_reader_hears_what_is_moved(page):
    explorer = ShownExplorer(page, "Level")
    explorer.press("level", "Home")
    explorer.press("β", "End")
    explorer.readout.get_by_text("β is 10.").wait_for()
    heard = explorer.root.aria_snapshot()
    for what in (
        'slider "level"',
        'slider "β"',
        'combobox "kind"',
        'checkbox "on or off"',
        'button "Reset"',
        'img "a pixel"',
        "status: β is 10.",
    ):
        assert f"- {what}" in heard
    assert explorer.control("level").get_attribute("aria-valuetext") == "0"
    assert explorer.control("β").get_attribute("aria-valuetext") == "ten"


# Of what has the focus: how the ring's colour stands out from the page's, as WCAG measures it.
RING = """part => {
    const style = getComputedStyle(part);
    if (style.outlineStyle !== "solid" || parseFloat(style.outlineWidth) < 2) return 0;
    const page = getComputedStyle(part.closest(".jp-NotebookPanel-notebook")).backgroundColor;
    const [ring, paper] = [style.outlineColor, page].map(colour => {
        const [r, g, b] = colour.match(/[0-9.]+/g).map(number => {
            const level = number / 255;
            return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    });
    return Math.max(ring, paper) / Math.min(ring, paper);
}"""


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_focus_is_seen(page, theme):
    command(page, "apputils:change-theme", theme=f"JupyterLab {theme}")
    page.locator(f"body[data-jp-theme-name='JupyterLab {theme}']").wait_for(state="attached")
    explorer = ShownExplorer(page, "Level")
    explorer.control("level").focus()
    for label in ("level", "β", "kind", "on or off", "Reset"):
        while not explorer.control(label).evaluate("part => part === document.activeElement"):
            page.keyboard.press("Tab")  # past the numbers beside the sliders
        assert explorer.control(label).evaluate(RING) >= 3


SAID = "part => getComputedStyle(part, '::before').content"


def test_after_a_restart_one_sentence_says_how_to_go_on(page):
    explorer = ShownExplorer(page, "Level")
    assert explorer.root.evaluate(SAID) == "none"
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.locator(".ae-explorer.jupyter-widgets-disconnected").wait_for()
    said = explorer.root.evaluate(SAID)
    item = page.evaluate("() => jupyterapp.commands.label('notebook:run-all-above')")
    assert said.startswith('"The kernel was restarted') and f"Run → {item}" in said
    parts = explorer.root.locator(".jupyter-widgets-disconnected")
    assert parts.count() > 10
    assert {part.evaluate(SAID) for part in parts.all()} == {"none"}  # no broken chain
    command(page, "notebook:run-all-above")
    command(page, "notebook:run-cell")
    page.locator(".ae-explorer:not(.jupyter-widgets-disconnected)").wait_for()
    moves(page)
