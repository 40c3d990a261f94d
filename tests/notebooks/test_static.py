"""What can be checked by reading: code style, notebooks as files, nothing private in the files."""

import copy
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from notebook_lint import BACK, CLEAR, CLOSE, MAX_BYTES, MAX_LINES, PRIVATE_PATH, lint

PROJECT = Path(__file__).parents[2]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))

# Where packages come from is the reader's setting; torch's own CPU wheels are public advice.
PRIVATE_INDEX = re.compile(
    r"--(?:extra-)?index-url[ =](?!https://download\.pytorch\.org/)\S+|--find-links[ =]\S+"
)


@pytest.mark.parametrize("check", [["check"], ["format", "--check"]], ids=["rules", "format"])
def test_ruff(check):
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *check, "--no-cache", PROJECT],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stdout + result.stderr


def mypy(*paths):
    """Check types as pyproject.toml says; the exit status and what is wrong."""
    command = [sys.executable, "-m", "mypy", *map(str, paths)]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def test_types():
    status, output = mypy()
    assert status == 0, output


def test_a_wrong_type_is_found(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("from ae_helpers import measures\nmeasures.evaluate(7, 7).upper()\n")
    status, output = mypy(planted)
    assert status == 1 and "planted.py:2" in output, output


def test_nothing_private_in_the_files():
    git = shutil.which("git")
    if not git or not (PROJECT / ".git").exists():
        pytest.skip("git is needed to tell the project's files from others; this is no checkout")
    listing = subprocess.run(
        # The folder may belong to another user, as in a container: git would refuse to look.
        [git, "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    found = []
    for name in filter(None, listing.stdout.decode().split("\0")):
        path = PROJECT / name
        if path.suffix == ".ipynb" or not path.is_file():
            continue  # notebooks are read by `lint`, which knows pictures from text
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        for pattern in (PRIVATE_PATH, PRIVATE_INDEX):
            found += [f"{name}: {match[0]}" for match in pattern.finditer(text)]
    assert not found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook(path):
    assert lint(path) == []


# ---- the lint itself: each rule fires on a notebook broken in one place

PNG = {"image/png": "iVBORw0KGgo=", "text/plain": ["<Figure>"]}
ALT = {"image/png": {"alt": "A seven before and after."}}
GOOD = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "cells": [
        {
            "cell_type": "markdown",
            "id": "title",
            "metadata": {},
            "source": [
                "# Look at a digit\n",
                "[this](lesson.ipynb#Part) and [that](https://example.org/home/page),\n",
                "![a seven](other%20file.png) <img src='other file.png' alt='a seven'>\n",
                "`[not](a link)`\n",
                "```\n# not a heading ![](none)\n```\n",
            ],
        },
        {
            "cell_type": "code",
            "id": "values",
            "metadata": {"tags": ["parameters"]},
            "execution_count": 1,
            "source": ["epochs = 15\n", "print('Loss:\\n', epochs / 2)"],
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["7.5\n"]}],
        },
        {
            "cell_type": "code",
            "id": "picture",
            "metadata": {"tags": ["solution"], "jupyter": {"source_hidden": True}},
            "execution_count": 2,
            "source": ["# Solution\n"] + ["show()\n"] * (MAX_LINES + 5),
            "outputs": [{"output_type": "display_data", "data": PNG, "metadata": ALT}],
        },
    ],
}


def write(tmp_path, notebook, name="lesson.ipynb"):
    (tmp_path / "other file.png").touch()
    path = tmp_path / name
    path.write_text(notebook if isinstance(notebook, str) else json.dumps(notebook), "utf-8")
    return path


def test_lint_passes_a_good_notebook(tmp_path):
    assert lint(write(tmp_path, GOOD)) == []


@pytest.mark.filterwarnings("ignore::nbformat.warnings.MissingIDFieldWarning")
@pytest.mark.parametrize("minor", [4, 5])
def test_lint_wants_ids(tmp_path, minor):
    notebook = copy.deepcopy(GOOD)
    notebook["nbformat_minor"] = minor
    for cell in notebook["cells"]:
        del cell["id"]
    assert "cells without an id" in lint(write(tmp_path, notebook))[0]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": [1]}'])
def test_lint_refuses_what_is_no_notebook(tmp_path, text):
    assert "not JSON of a notebook" in lint(write(tmp_path, text))[0]


# The prefixes stand apart, so that this file itself holds no private path.
HOME, WINDOWS = "/ho" + "me/ada", "C:" + r"\Users\ada"
ERROR = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
PICTURE = ["cells", 2, "outputs", 0]


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (["metadata"], 1, "not a valid notebook"),
        (["cells", 1, "outputs", 0, "text"], ["x" * MAX_BYTES], "kB, more than"),
        (["cells", 1, "id"], "title", "id of their own"),
        (["metadata", "kernelspec", "name"], "my-env", "kernel is not python3"),
        (["metadata", "widgets"], {}, "widget state"),
        (["cells", 1, "execution_count"], 7, "counts [7, 2]"),
        (["cells", 1, "execution_count"], None, "counts [None, 2]"),
        (["cells", 2, "metadata", "tags"], ["solution", "parameters"], "2 cells are tagged"),
        (["cells", 0, "source"], "## Part", "0 headings"),
        (["cells", 0, "source"], "# One\n# Two", "2 headings"),
        (["cells", 0, "source"], f"# Title\nsee {HOME}/x", f"computer: {HOME}/x"),
        (["cells", 1, "source"], f"open(r'{WINDOWS}')", "computer: C:"),
        (["cells", 1, "outputs", 0, "text"], [f"in {HOME}"], f"computer: {HOME}"),
        ([*PICTURE, "data", "text/html"], [f"<b>{HOME}"], "computer"),
        (["cells", 1, "outputs", 0, "name"], "stderr", "went to stderr"),
        (["cells", 1, "outputs", 0], ERROR, "is an error"),
        (["cells", 1, "metadata", "tags"], ["parameters", "raises-exception"], "raises-exc"),
        ([*PICTURE, "metadata"], {}, "without a sentence"),
        ([*PICTURE, "metadata", "image/png", "alt"], "figure", "without a sentence"),
        ([*PICTURE, "data", "application/vnd.jupyter.widget-view+json"], {}, "a stored widget"),
        (["cells", 2, "metadata", "jupyter"], {}, "not folded"),
        (["cells", 2, "source"], "answer = 42", "not a comment"),
        (["cells", 2, "source"], "", "not a comment"),
        (["cells", 1, "source"], "x = 1\n" * (MAX_LINES + 1), f"{MAX_LINES + 1} lines"),
        (["cells", 0, "source"], "# A\n![](lesson.ipynb)", "without alternative text"),
        (["cells", 0, "source"], "# A\n<img src='lesson.ipynb'>", "without alternative text"),
        (["cells", 0, "source"], "# A\n[b](missing.ipynb#c)", "link to missing.ipynb#c"),
        (["cells", 0, "source"], "# A\n<a href='missing.md'>b</a>", "link to missing.md"),
        (["cells", 0, "source"], "# A\n![b c d](missing.png)", "link to missing.png"),
    ],
)
@pytest.mark.filterwarnings("ignore::nbformat.warnings.DuplicateCellId")
def test_lint_names(tmp_path, place, value, problem):
    notebook = copy.deepcopy(GOOD)
    *way, last = place
    spot = notebook
    for step in way:
        spot = spot[step]
    spot[last] = value
    problems = lint(write(tmp_path, notebook))
    assert any(problem in sentence for sentence in problems), problems


def cell(source, kind="code", tags=()):
    """A cell as a file has it, without outputs."""
    code = {"execution_count": 1, "outputs": []} if kind == "code" else {}
    folded = {"jupyter": {"source_hidden": True}} if "solution" in tags else {}
    metadata = {"tags": [*tags], **folded}
    return {"cell_type": kind, "id": "", "metadata": metadata, "source": [source], **code}


def notebook_of(*cells):
    cells = copy.deepcopy([cell("# 05 · Compare it", "markdown"), *cells])
    for number, each in enumerate(cells):
        each["id"] = f"{number}"
        if each["cell_type"] == "code":
            each["execution_count"] = number
    return GOOD | {"cells": cells}


FIRST = f"# 04 · Train it\n\n{BACK}\n\n**You will** train it.\n\n{CLEAR}"
LAST = f"## What you saw\n\nMuch.\n\n{CLOSE}[05 · Compare](05_compare.ipynb), and compare."


@pytest.mark.parametrize(
    ("name", "first", "last", "problem"),
    [
        ("04_train.ipynb", FIRST, LAST, ""),
        ("04_train.ipynb", FIRST.replace("\n\n[All", "\n[All"), LAST, ""),
        ("05_compare.ipynb", FIRST, "The end.", ""),  # the last lesson
        ("01_load.ipynb", FIRST.replace(CLEAR, ""), "The end.", "doesn't end with: First choose"),
        ("00_start.ipynb", "# 00 · Start", "The end.", ""),
        ("gallery.ipynb", "# All", "The end.", ""),
        ("04_train.ipynb", FIRST.replace(BACK, ""), LAST, "no link back under the title"),
        (
            "04_train.ipynb",
            FIRST.replace(BACK, "").replace("it.\n", f"it.\n\n{BACK}\n"),
            LAST,
            "no link back",
        ),
        ("04_train.ipynb", FIRST.replace("Above Selected", "All"), LAST, "doesn't end with: First"),
        ("04_train.ipynb", f"{FIRST}\n\nMore.", LAST, "doesn't end with: First choose"),
        ("04_train.ipynb", FIRST, LAST.replace("Close and ", ""), "doesn't say: **Next**: choose"),
        (
            "04_train.ipynb",
            FIRST,
            LAST.replace("05_compare", "06_explore"),
            "doesn't say: **Next**",
        ),
        ("04_train.ipynb", FIRST, LAST.replace("05 · Compare", "05 · Look"), "[05 · Compare it]"),
        ("04_train.ipynb", FIRST, "The end.", "(05_compare.ipynb)"),
    ],
)
def test_lint_walks_a_lesson(tmp_path, name, first, last, problem):
    for other in ("00_start_here", "05_compare", "06_explore"):
        if not name.startswith("05") or other == "00_start_here":
            write(tmp_path, notebook_of(), f"{other}.ipynb")
    lesson = notebook_of(cell("1"), cell(last, "markdown"))
    lesson["cells"][0]["source"] = [first]
    found = lint(write(tmp_path, lesson, name))
    assert [*map(len, found)] == [] if not problem else problem in found[0], found
    assert len(found) <= 1


SOLUTION = (
    "# A solution\nanswer = 42\n\n\ndef solve(x):\n    return [inner for inner in (answer, x)]"
)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("print(answer)", "cell 3: uses answer, which only a solution defines"),
        ("def later():\n    return [solve(1) for _ in 'ab']", "cell 3: uses solve"),
        ("inner, x = 1, 2\nprint(inner, x)", ""),  # its local names are nobody's business
        ("def later(answer):\n    return answer\n\n\nprint([solve for solve in 'ab'])", ""),
        ("answer = 7\nprint(answer)", ""),
    ],
)
def test_lint_finds_a_cell_that_needs_a_solution(tmp_path, source, found):
    lesson = notebook_of(cell(SOLUTION, tags=["solution"]), cell(source))
    problems = lint(write(tmp_path, lesson))
    assert problems == [] if not found else found in problems[0], problems


def test_lint_finds_a_solution_that_changes_what_others_use(tmp_path):
    cells = [cell("answer = 7"), cell(SOLUTION, tags=["solution"]), cell("print(answer)")]
    problems = lint(write(tmp_path, notebook_of(*cells)))
    assert problems == ["cell 3: a solution that changes answer of cell 4"]
