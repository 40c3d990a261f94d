"""The minutes that lessons, lesson 00 and README say are those of the one rule."""

import json
import re

import pytest

import lesson_minutes
from ae_helpers.course import series

LESSONS = series.find_lessons()


@pytest.fixture(scope="module")
def known():
    return lesson_minutes.all_minutes()


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.name[:2])
def test_a_lesson_says_how_long_it_takes(lesson, known):
    first = "".join(json.loads(lesson.read_text("utf-8"))["cells"][0]["source"])
    assert lesson_minutes.ABOUT.findall(first) == [f"{known[lesson.name[:2]]}"]


@pytest.mark.parametrize("path", [lesson_minutes.README, LESSONS[0]], ids=lambda path: path.name)
def test_the_tables_say_the_same(path, known):
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
        ways = dict(lesson_minutes.WAY.findall(text))
        assert len(ways) == 3 and ways[f"00 to {max(known)}"] == f"{sum(known.values())}"
    listed = {number for number, _ in lesson_minutes.ROW.findall(text)}
    assert listed == known.keys() - ({"00"} if path.suffix == ".ipynb" else set())
    assert lesson_minutes.corrected(text, known) == text


def lesson(tmp_path, *cells):
    first = "# 01 · A\n\n**About 5 minutes**, of which the computer takes one or two."
    cells = [("markdown", first, []), *cells]
    file = tmp_path / "01_a.ipynb"
    cells = [
        {"cell_type": kind, "source": source.splitlines(True), "metadata": {"tags": tags}}
        for kind, source, tags in cells
    ]
    file.write_text(json.dumps({"cells": cells}), "utf-8")
    return file


def test_the_rule(tmp_path):
    """2 minutes of computer, and what stands beside each."""
    prose = "Words " * 1500 + "<details><summary>Hint</summary>\n\n" + "no " * 900 + "</details>"
    cells = [
        ("markdown", prose, []),  # 10
        ("markdown", "*Importance ●●● · difficulty ●○○ · 13 minutes*", []),
        ("code", "x = 1\n\n# a comment\n" * 100, []),  # 5
        ("code", "y = 1\n" * 500, ["solution"]),
        ("code", "widgets.keep_k(model)\n" * 2, []),  # 4
        ("markdown", "**Further reading**: " + "book " * 900, []),
    ]
    assert lesson_minutes.minutes(lesson(tmp_path, *cells)) == 35  # 34, and some words and lines
    assert lesson_minutes.minutes(lesson(tmp_path)) == 5


def test_a_lesson_that_says_nothing_of_the_computer(tmp_path):
    file = lesson(tmp_path)
    file.write_text(file.read_text("utf-8").replace("computer", "reader"), "utf-8")
    with pytest.raises(ValueError, match="doesn't say how long the computer takes"):
        lesson_minutes.minutes(file)


def test_a_wrong_minute_is_put_right(known):
    ways = "| an hour | 00, 01 and the gallery | 1 | x |\n| all | 00 to 02 | 2 | y |\n"
    row = "| [02 · Build it](02_build.ipynb) | build 64 | 3 |\n"
    text = lesson_minutes.corrected(ways + row + "| 64 | 3 |\n", known)
    a, b, c = (known[number] for number in ("00", "01", "02"))
    assert re.findall(r"\| (\d+) \|", text) == [f"{a + b + 20}", f"{a + b + c}", f"{c}", "64"]
