"""How long a lesson takes, by one rule for all; CONTRIBUTING.md says where its rates are from.

``python tests/notebooks/lesson_minutes.py`` lists it; with ``--write`` it is also written where it
is said: at the top of each lesson, in lesson 00's tables, in README's.
"""

import json
import re
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
README = NOTEBOOKS.parent / "README.md"

WORDS_A_MINUTE = 150  # of prose; without hints, references, formulas
SECONDS_A_LINE = 3  # of code, without blank lines, comments, solutions
MINUTES_AN_EXPLORER = 2
GALLERY = 20  # minutes in the gallery, where nothing says when to stop

ABOUT = re.compile(r"(?<=\*\*About )\d+(?= minutes\*\*)")
EXERCISE = re.compile(r"\*Importance .* · (\d+) minutes\*")
COMPUTER = {
    re.compile(r"computer takes (?:\w+ or )?(\w+)"): None,  # the larger of two, for all of MNIST
    re.compile(r"runs in about a minute"): 1,
    re.compile(r"runs in seconds"): 0,
}
NUMBERS = {word: n for n, word in enumerate(["no", "one", "two", "three", "four", "five"])}
# Without hints, references, addresses, pictures, formulas that stand alone, markup.
SKIPPED = re.compile(
    r"<details>.*?</details>|\*\*Further reading\*\*.*|\$\$.*?\$\$"
    r"|!\[.*?\]\(.*?\)|\]\([^)]*\)|</?\w[^>]*>",
    re.DOTALL,
)
ROW = re.compile(r"(?m)^\|.*?\b(\d\d)\b.*\.ipynb\).*\| (\d+) \|$")  # of a table of lessons
WAY = re.compile(r"(?m)^\| [^|]+ \| (\d\d[^|]*) \| (\d+) \|.*$")  # of 00's three ways


def minutes(lesson: Path) -> int:
    """How long the lesson takes, in steps of 5 minutes, at least 5.

    Raises:
        ValueError: its first cell doesn't say what the computer takes of that.
    """
    cells = json.loads(lesson.read_text("utf-8"))["cells"]
    prose = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    code = "\n".join(
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and "solution" not in cell["metadata"].get("tags", [])
    )
    lines = [line for line in code.splitlines() if re.match(r"\s*[^\s#]", line)]
    words = re.findall(r"[^\W\d_][\w'’-]*", SKIPPED.sub(" ", prose))
    total = len(words) / WORDS_A_MINUTE + len(lines) * SECONDS_A_LINE / 60
    total += sum(map(int, EXERCISE.findall(prose)))
    total += MINUTES_AN_EXPLORER * len(re.findall(r"\bwidgets\.\w+\(", code))
    total += _computer("".join(cells[0]["source"]))
    return max(5, 5 * round(total / 5))


def _computer(first_cell: str) -> int:
    for pattern, value in COMPUTER.items():
        if found := pattern.search(first_cell):
            word = found[1] if value is None else f"{value}"
            return int(word) if word.isdigit() else NUMBERS[word]
    raise ValueError(
        "the first cell doesn't say how long the computer takes; expected '**About N minutes**, "
        "of which the computer takes N with all of MNIST …', '… runs in seconds' or '… runs in "
        "about a minute'"
    )


def all_minutes() -> dict[str, int]:
    """The minutes of each lesson, by its number."""
    return {path.name[:2]: minutes(path) for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}


def of_way(lessons: str, known: dict[str, int]) -> int:
    """The minutes of a way through: "00, 01, gallery" or "00 to 12"."""
    first_last = re.fullmatch(r"(\d\d) to (\d\d)", lessons)
    if first_last:
        return sum(known[f"{n:02}"] for n in range(int(first_last[1]), int(first_last[2]) + 1))
    numbers = re.findall(r"\b\d\d\b", lessons)
    return sum(known[n] for n in numbers) + GALLERY * ("gallery" in lessons)


def corrected(text: str, known: dict[str, int]) -> str:
    """A text with the right minutes in its tables of lessons and of ways."""

    def put(match: re.Match, value: int) -> str:
        start, end = (place - match.start() for place in match.span(2))
        return f"{match[0][:start]}{value}{match[0][end:]}"

    text = ROW.sub(lambda row: put(row, known[row[1]]), text)
    return WAY.sub(lambda way: put(way, of_way(way[1], known)), text)


def write(known: dict[str, int]) -> None:
    """Say the minutes everywhere."""
    README.write_text(corrected(README.read_text("utf-8"), known), "utf-8")
    for lesson in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"):
        notebook = json.loads(lesson.read_text("utf-8"))
        for number, cell in enumerate(notebook["cells"]):
            text = "".join(cell["source"])
            if number == 0:
                text = ABOUT.sub(f"{known[lesson.name[:2]]}", text)
            if lesson.name.startswith("00") and cell["cell_type"] == "markdown":
                text = corrected(text, known)
            cell["source"] = text.splitlines(keepends=True)
        lesson.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    found = all_minutes()
    print(*(f"{number}: {value}" for number, value in found.items()), sep="\n")
    if "--write" in sys.argv:
        write(found)
