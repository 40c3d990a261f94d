"""A reader's way through lessons 01 to 04, in a real JupyterLab, by keyboard alone.

Outputs cleared first, answers typed, solutions left closed, the kernel restarted after the first
exercise, and the page loaded again while the network trains; each explorer answers at the end. What
the page shows is read from its notebook.
"""

import nbformat
import pytest

from ae_helpers.course import series
from long_lessons import explorers_of
from real_browser import (
    copy_project,
    explorers_on,
    move_first_sliders,
    open_in_lab,
    opened,
    serving_lab,
    stop_kernel,
)

pytestmark = pytest.mark.verify
LESSONS = series.find_lessons()[1:5]
PATIENCE = 300_000  # milliseconds: a training on two busy cores


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("project"))
    fewer_epochs(project / "notebooks" / LESSONS[-1].name)
    with serving_lab(project, tmp_path_factory.mktemp("lab")) as address:
        yield address


def fewer_epochs(path):
    """Of the training that is watched, as a reader sets them who is in a hurry."""
    text = path.read_text(encoding="utf-8")
    assert text.count('"epochs = 15\\n"') == 1
    path.write_text(text.replace('"epochs = 15\\n"', '"epochs = 5\\n"'), encoding="utf-8")


class Walk:
    """The open notebook, as its reader has it: keys go in, cells and outputs are looked at."""

    def __init__(self, page):
        self.page, self.press = page, page.keyboard.press

    def cells(self):
        return self.page.evaluate("() => jupyterapp.shell.currentWidget.model.toJSON().cells")

    def chosen(self):
        return self.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")

    def choose_command(self, label):
        """As from a menu: Ctrl+Shift+C opens the list of commands, in which one types."""
        self.press("Control+Shift+C")
        self.page.locator(".lm-CommandPalette-input").fill(label)
        self.page.locator(".lm-CommandPalette-item.lm-mod-active", has_text=label).wait_for()
        self.press("Enter")

    def until(self, condition, arg=None):
        self.page.wait_for_function(condition, arg=arg, timeout=PATIENCE)

    def until_done(self):
        """Until the chosen cells have run: none waits, none has a star."""
        self.until(
            """() => {
                const { content, sessionContext } = jupyterapp.shell.currentWidget;
                return sessionContext.session?.kernel?.status === "idle" && content.widgets.every(
                    cell => cell.model.type !== "code" || cell.model.executionState === "idle");
            }"""
        )

    def run(self, index):
        """Shift+Enter, and the next cell is chosen; the reader waits for the output."""
        assert self.chosen() == index
        self.press("Shift+Enter")
        self.until("i => jupyterapp.shell.currentWidget.content.activeCellIndex > i", index)
        self.until_done()

    def restart(self):
        self.press("Escape")
        self.press("0")
        self.press("0")
        self.page.locator(".jp-Dialog").wait_for()
        self.press("Enter")
        self.page.locator(".jp-Dialog").wait_for(state="detached")
        self.until_done()
        self.choose_command("Run All Above Selected Cell")
        self.until_done()

    def train_and_load_again(self, index):
        """Ctrl+Enter, to stay and watch; save, and load the page again in the middle of it."""
        self.press("Control+Enter")
        self.until(
            """i => JSON.stringify(jupyterapp.shell.currentWidget.model.toJSON().cells[i].outputs)
                .includes("epoch  2/")""",
            index,
        )
        assert self.chosen() == index
        self.press("Control+S")
        self.until("() => !jupyterapp.shell.currentWidget.model.dirty")
        self.page.reload()
        self.until("() => window.jupyterapp?.shell.currentWidget?.context?.isReady")
        self.until(
            "() => jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
        )
        self.choose_command("Enter Command Mode")
        while self.chosen() < index:
            self.press("ArrowDown")

    def answer(self, text):
        """Open the chosen cell, replace what is in it, and leave it open."""
        self.press("Enter")
        self.press("Control+A")
        self.page.keyboard.insert_text(text)
        self.press("Escape")


def tags(cell):
    return cell["metadata"].get("tags", [])


def answers(cells):
    """For each exercise's cell what the solution under it says, in the exercise's own names."""
    found, exercise = {}, None
    for index, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        if "solution" in tags(cell):
            found[exercise] = "".join(cell["source"]).replace("_solution", "")
        elif "check." in "".join(cell["source"]):
            exercise = index
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_by_keyboard(browser, lab, lesson):
    with opened(browser) as page:
        open_in_lab(page, lab, lesson.name)
        walk = Walk(page)
        cells = walk.cells()
        typed = answers(cells)
        assert len(typed) >= 3
        after = range(min(typed) + 1, len(cells))
        to_restart = next(i for i in after if "solution" not in tags(cells[i]))
        walk.choose_command("Clear Outputs of All Cells")
        assert not any(cell.get("outputs") for cell in walk.cells())

        for index, cell in enumerate(cells):
            if "solution" in tags(cell):
                walk.press("Escape")
                walk.press("ArrowDown")
                continue
            if index in typed:
                walk.answer(typed[index])
            if index == to_restart:
                walk.restart()
            if "on_epoch=redraw" in "".join(cell["source"]):
                walk.train_and_load_again(index)
            if index < len(cells) - 1:
                walk.run(index)

        for cell in walk.cells():
            if cell["cell_type"] == "code" and "solution" not in tags(cell):
                assert cell["execution_count"], "".join(cell["source"])
            errors = [out for out in cell.get("outputs", []) if out["output_type"] == "error"]
            assert errors == []
        verdicts = ["".join(str(walk.cells()[index]["outputs"])) for index in typed]
        assert all("✓ Right" in verdict for verdict in verdicts), verdicts
        explorers = explorers_on(page)
        assert len(explorers) == explorers_of(nbformat.read(lesson, as_version=4))
        move_first_sliders(explorers)
        stop_kernel(page)
        assert page.problems == []
