"""Which tests go together, and which notebooks wait for ``make verify``."""

import subprocess
import sys
from pathlib import Path

import pytest

from long_lessons import LONG
from one_worker import scope

PROJECT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("nodeid", "together"),
    [
        ("notebooks/04_train_it.ipynb::Cell 7", "notebooks/04_train_it.ipynb"),
        ("tests/site/test_build.py::test_links", "the site"),
        ("tests/site/test_pages.py::test_links[a [b] lab]", "tests/site/test_pages.py"),
        ("a/test_real_browser.py::test_run", "a/test_real_browser.py"),
        ("a/test_real_browser.py::test_fits[390-lab dark]", "a/test_real_browser.py lab dark"),
        ("a/test_real_browser.py::test_draw[lab light]", "a/test_real_browser.py lab light"),
        ("a/test_every_control.py::test_all[06]", "a/test_every_control.py::test_all[06]"),
    ],
)
def test_what_goes_to_the_same_worker(nodeid, together):
    assert scope(nodeid) == together


def collected(*words):
    command = [sys.executable, "-m", "pytest", "-n", "0", "--collect-only", "-q", *words]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    return [line.split("::") for line in done.stdout.splitlines() if "::" in line]


def test_the_longest_notebooks_are_executed_in_verify_with_their_controls():
    cells = collected("-m", "verify", "notebooks")
    assert {Path(path).stem for path, _ in cells} == LONG
    assert sum(name == "Controls" for _, name in cells) == len(LONG)
    last = max(int(name.split()[1]) for path, name in cells if "12_" in path and "Cell" in name)
    assert [name for path, name in cells if "12_" in path][-2:] == [f"Cell {last}", "Controls"]


def test_a_long_notebook_that_is_named_is_executed():
    (name,) = (name for name in LONG if name.startswith("13"))
    for words in ([], ["-m", "verify"]):
        assert collected(*words, f"notebooks/{name}.ipynb")[-1][1] == "Controls"
