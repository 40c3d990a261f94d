"""What the stored lessons promise, and, under `make verify`, that they keep it everywhere.

That each runs from top to bottom, with its strict cells unchanged, is tested by nbval: pytest
collects `notebooks/` as well (see pyproject.toml; the longest in `make verify`: `long_lessons.py`).
The static rules are in `notebook_lint.py`.
"""

import contextlib
import inspect
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest
from nbconvert import ScriptExporter

from ae_helpers import training, widgets
from ae_helpers.course import series

LESSONS = series.find_lessons()
CORE = [lesson for lesson in LESSONS if lesson.name[:2] != "00"]
COMMAND = [sys.executable, "-m", "ae_helpers"]
core_by_name = pytest.mark.parametrize("lesson", CORE, ids=lambda path: path.name[:2])


def code_cells(lesson):
    cells = nbformat.read(lesson, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def test_each_becomes_a_script():
    """It would be a text file, if a notebook didn't say what a script is."""
    for path in [*LESSONS, series.gallery(), series.experiment()]:
        script, about = ScriptExporter().from_filename(path)
        assert about["output_extension"] == ".py" and "\n# # " in script, path.name


def test_a_lesson_as_a_plain_script(tmp_path):
    """It says its pictures in words, and no bytes."""
    (tmp_path / "script.py").write_text(ScriptExporter().from_filename(LESSONS[0])[0], "utf-8")
    environ = {**os.environ, "AE_DATA_DIR": "sample", "PYTHONPATH": str(LESSONS[0].parents[1])}
    command = [sys.executable, "-X", "utf8", tmp_path / "script.py"]
    done = subprocess.run(command, env=environ, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "\nThe way of one digit. 1×28×28 pixels" in done.stdout
    assert "PNG" not in done.stdout


def text_of(cell):
    return "".join(
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


@core_by_name
def test_each_exercise_is_unsolved_and_then_solved(lesson):
    """The starter says "Not yet" and its solution ✓, by the same check."""
    asked = {"✗ Not yet": [], "✓": []}
    for cell in code_cells(lesson):
        if checks := re.findall(r"^check\.\w+(?=\()", cell.source, re.MULTILINE):
            answer = "✓" if "solution" in cell.metadata.get("tags", []) else "✗ Not yet"
            asked[answer].append(checks)
            assert text_of(cell).startswith(answer), cell.source
    unsolved, solved = asked.values()
    assert len(unsolved) >= 3 and unsolved == solved


@core_by_name
def test_each_lesson_follows_the_pattern(lesson):
    notebook = nbformat.read(lesson, as_version=4)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for part in ("**You will**", "**You need**", "**About ", "**Predict**", "### Exercise 1",
                 "## What you saw", "**What this cannot do yet**", "**Next**",
                 "**Further reading**"):  # fmt: skip
        assert part in prose
    assert "<details><summary>Hint" in prose
    assert any("nbval-check-output" in c.metadata.get("tags", []) for c in notebook.cells)


def test_the_parameters_are_the_recipe():
    """The defaults of the lessons' parameters are those of `fit`."""
    parameters, found = inspect.signature(training.fit).parameters, {}
    for lesson in CORE:
        for cell in code_cells(lesson):
            if "parameters" in cell.metadata.get("tags", []):
                exec(cell.source, {}, found)  # ours, and only assignments
    shared = {name: value for name, value in found.items() if name in parameters}
    assert {"epochs", "batch_size", "learning_rate", "seed"} <= shared.keys()
    assert shared == {name: parameters[name].default for name in shared}


def test_the_gallery_shows_every_explorer():
    explorers = {name for name, value in vars(widgets).items() if inspect.isfunction(value)}
    shown = {
        name: cell
        for cell in code_cells(series.gallery())
        for name in re.findall(r"\bwidgets\.(\w+)\(", cell.source)
    }
    assert shown.keys() == explorers
    for cell in shown.values():
        assert "image/png" in cell.outputs[-1].get("data", {}), cell.source  # its poster


@pytest.mark.verify
def test_the_command_executes_lessons(tmp_path):
    """Into pages and an index. That papermill executes others is tested with their controls."""
    out = tmp_path / "a run"
    done = subprocess.run(
        [*COMMAND, "execute", "--lessons", "00", "05", "-p", "epochs", "1", "--output", out],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("  ok") == 2
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page and "PCA-64" in page


def first_answer(address, patience=60):
    """Where ``address`` leads, once the server listens: it prints its address a bit before."""
    for _ in range(patience):
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return answer.url
        except urllib.error.HTTPError as error:
            return f"{error.url} {error.code}"
        except urllib.error.URLError:
            time.sleep(1)
    raise TimeoutError(f"nobody answers at {address}")


@contextlib.contextmanager
def serving(command, folder):
    """The address, with its token, that `lab` or `play` prints."""
    server = subprocess.Popen(
        [*COMMAND, command, "--no-browser"],
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = iter(server.stdout.readline, "")
        yield next(found[0] for line in lines if (found := re.search(r"http://\S+token=\w+", line)))
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.mark.verify
@pytest.mark.parametrize(
    ("command", "place"),
    [("lab", f"/lab/tree/notebooks/{series.last_lesson().name}"), ("play", "")],
)
def test_a_server_is_open_to_who_has_its_token(tmp_path, command, place):
    """On this computer only. What then stands in the browser is tested elsewhere."""
    with serving(command, tmp_path) as address:
        assert address.startswith("http://localhost:") and place in address
        assert "login" not in first_answer(address)
        assert "login" in first_answer(address.split("?")[0])
