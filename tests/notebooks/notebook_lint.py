"""What a notebook of the series must be as a file, checked without a kernel."""

import builtins
import json
import re
import symtable
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat

MAX_BYTES = 300_000
MAX_LINES = 25

# A place on somebody's own computer. Not in a web address: there a letter stands before it.
PRIVATE_PATH = re.compile(
    r"(?<![\w.~-])/(?:(?:root|tmp|mnt|work)/|(?:home|Users)/\w)[\w./-]*|\b[A-Z]:\\Users\b"
)
FENCED = re.compile(r"^(```|~~~).*?^\1|`[^`\n]+`", re.DOTALL | re.MULTILINE)
IMAGE = re.compile(r"!\[(?P<alt>[^]]*)\]\(")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
HTML_ALT = re.compile(r"""\balt\s*=\s*(["'])\s*\S.*?\1""", re.IGNORECASE | re.DOTALL)
TARGET = re.compile(r"""\]\(\s*<?([^)\s>]+)|\b(?:href|src)\s*=\s*["']([^"']+)""", re.IGNORECASE)
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|#|//)", re.IGNORECASE)  # a scheme, or this page


# How a lesson is walked: back to the overview, without answers under the questions, and on.
BACK = "[All lessons](00_start_here.ipynb#The-way)"
CLEAR = (
    "First choose *Edit → Clear Outputs of All Cells*, so that no answer stands under its "
    "question. After a restart of the kernel: *Run → Run All Above Selected Cell*."
)
CLOSE = (
    "**Next**: choose *File → Close and Shut Down Notebook*, which frees this lesson's memory. "
    "Then open "
)
LESSON = re.compile(r"(\d\d)_\w+\.ipynb")


def lint(path: Path) -> list[str]:
    """What is wrong with the notebook, one sentence each; empty if nothing is."""
    raw = path.read_bytes()
    try:
        notebook = json.loads(raw)
        # Before nbformat gets to see them: it would silently give ids to cells without.
        ids = [cell.get("id") for cell in notebook["cells"]]
        nbformat.validate(notebook)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return [f"not JSON of a notebook: {error!r}"]
    except nbformat.ValidationError as error:
        return [f"not a valid notebook: {error.message}"]
    problems = []
    if len(raw) > MAX_BYTES:
        problems.append(
            f"{len(raw) // 1000} kB, more than {MAX_BYTES // 1000}: most of it are pictures, so "
            "show fewer or smaller ones, or make the posters of explorers smaller"
        )
    if notebook["nbformat_minor"] < 5 or not all(ids) or len(set(ids)) < len(ids):
        problems.append("cells without an id of their own (nbformat 4.5 has them)")
    metadata = notebook["metadata"]
    if metadata.get("kernelspec", {}).get("name") != "python3":
        problems.append("the kernel is not python3")
    if "widgets" in metadata:
        problems.append("stored widget state (metadata.widgets)")
    if number := LESSON.fullmatch(path.name):
        problems += _lint_walk(notebook["cells"], path, int(number[1]))
    return problems + _lint_cells(notebook["cells"], path) + _lint_solutions(notebook["cells"])


def _lint_walk(cells: list[dict], path: Path, number: int) -> list[str]:
    """What a lesson's first and last cell must say, word for word."""
    problems = []
    first, last = (
        [part.strip() for part in _source(cell).split("\n\n")] for cell in (cells[0], cells[-1])
    )
    if number > 0 and BACK not in "\n\n".join(first[:2]).splitlines()[1:3]:
        problems.append(f"no link back under the title: {BACK}")
    if number > 0 and first[-1] != CLEAR:
        problems.append(f"the first cell doesn't end with: {CLEAR}")
    following = next(path.parent.glob(f"{number + 1:02}_*.ipynb"), None)
    if following:
        link = next((part.removeprefix(CLOSE) for part in last if part.startswith(CLOSE)), "")
        found = re.match(rf"\[(.+?)\]\({re.escape(following.name)}\)", link)
        title = _source(json.loads(following.read_text("utf-8"))["cells"][0]).splitlines()[0]
        if not found or not title.startswith(f"# {found[1]}"):
            problems.append(f"the last cell doesn't say: {CLOSE}[{title[2:]}]({following.name})")
    return problems


def _lint_solutions(cells: list[dict]) -> list[str]:
    """Cells that stop with a NameError where the reader has left the solutions out."""
    code = [
        (number, "solution" in _tags(cell), *_names(_source(cell)))
        for number, cell in enumerate(cells, start=1)
        if cell["cell_type"] == "code"
    ]
    given = {name for _, solves, defined, _ in code if not solves for name in defined}
    solved = {name for _, solves, defined, _ in code if solves for name in defined} - given
    problems = [
        f"cell {number}: uses {name}, which only a solution defines"
        for number, _, defined, used in code
        for name in sorted((used & solved) - defined)
    ]
    # Nor may it change in silence what others go on with.
    for number, solves, defined, _ in code:
        after = [entry for entry in code if entry[0] > number and not entry[1]]
        for name in sorted(defined & given) if solves else []:
            users = [cell for cell, _, new, used in after if name in used - new]
            if users:
                problems.append(f"cell {number}: a solution that changes {name} of cell {users[0]}")
    return problems


def _names(source: str) -> tuple[set[str], set[str]]:
    """What a cell defines for those after it, and what it takes from those before it."""
    try:
        module = symtable.symtable(source, "cell", "exec")
    except SyntaxError:  # of which ruff tells more
        return set(), set()
    symbols = module.get_symbols()
    defined = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
    used = {s.get_name() for s in symbols if s.is_referenced()}
    used |= {
        s.get_name() for scope in _within(module) for s in scope.get_symbols() if s.is_global()
    }
    return defined, used - set(dir(builtins))


def _within(scope: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in scope.get_children():
        yield child
        yield from _within(child)


def _lint_cells(cells: list[dict], path: Path) -> list[str]:
    problems = []
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    counts = [cell["execution_count"] for cell in code]
    if counts != list(range(1, len(code) + 1)):
        problems.append(f"not executed once from top to bottom: counts {counts}")
    parameters = sum("parameters" in _tags(cell) for cell in cells)
    if parameters > 1:
        problems.append(f"{parameters} cells are tagged `parameters`, not one")
    prose = "\n\n".join(_source(cell) for cell in cells if cell["cell_type"] == "markdown")
    headings = len(re.findall(r"^# ", FENCED.sub("", prose), re.MULTILINE))
    if headings != 1:
        problems.append(f"{headings} headings of the first level (#), not one")
    for number, cell in enumerate(cells, start=1):
        found = _lint_code(cell) if cell["cell_type"] == "code" else _lint_prose(cell, path)
        if private := PRIVATE_PATH.search("\n".join([_source(cell), *_texts(cell)])):
            found.append(f"a path of somebody's computer: {private[0]}")
        problems += [f"cell {number}: {problem}" for problem in found]
    return problems


def _lint_code(cell: dict) -> list[str]:
    problems = []
    lines, tags, outputs = _source(cell).splitlines(), _tags(cell), cell["outputs"]
    if any(o["output_type"] == "error" or o.get("name") == "stderr" for o in outputs):
        problems.append("an output is an error or went to stderr")
    if "raises-exception" in tags:
        problems.append("tag raises-exception: papermill would stop there; print the error")
    for output in outputs:
        for kind in output.get("data", {}):
            if "widget" in kind:
                problems.append("a stored widget, dead without its kernel (make refresh drops it)")
            alt = output["metadata"].get(kind, {}).get("alt", "")
            if kind.startswith("image/") and len(alt.split()) < 3:
                problems.append(
                    "draws a picture without a sentence that describes it: show(…, alt=…)"
                )
    if "solution" in tags:
        if cell["metadata"].get("jupyter", {}).get("source_hidden") is not True:
            problems.append("a solution that is not folded (jupyter.source_hidden)")
        if not lines or not lines[0].startswith("#"):
            problems.append("a solution whose first line, the visible one, is not a comment")
    elif len(lines) > MAX_LINES:
        problems.append(f"{len(lines)} lines of code, more than {MAX_LINES}")
    return problems


def _lint_prose(cell: dict, path: Path) -> list[str]:
    text = FENCED.sub("", _source(cell))
    problems = []
    bare = any(not image["alt"].strip() for image in IMAGE.finditer(text))
    if bare or any(not HTML_ALT.search(tag) for tag in HTML_IMAGE.findall(text)):
        problems.append("an image without alternative text")
    for match in TARGET.finditer(text):
        target = match[1] or match[2]
        file = unquote(target.partition("#")[0])
        if not ELSEWHERE.match(target) and not (path.parent / file).exists():
            problems.append(f"a link to {target}, which does not exist")
    return problems


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def _source(cell: dict) -> str:
    return "".join(cell["source"])  # a file has it as a list of lines


def _texts(cell: dict) -> list[str]:
    """The textual outputs of a cell."""
    texts = []
    for output in cell.get("outputs", []):
        texts.append("".join(output.get("text", "")))
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/"):
                texts.append("".join(data))
    return texts
