"""What a notebook of the series must be as a file, checked without a kernel."""

import json
import re
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
    return problems + _lint_cells(notebook["cells"], path)


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
