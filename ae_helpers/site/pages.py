"""Notebooks and README as the pages of a site, with links that are right there."""

import functools
import json
import os
import re
import tomllib
from html import escape
from pathlib import Path

from ae_helpers.course import series
from ae_helpers.files import PROJECT

LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[#)])")  # within the project
BADGE = re.compile(r"!\[([^\]]*)\]\(https?:[^)]*\)")  # a picture that comes from another host
HOOK = """<div class="ae-live" data-explorer="{name}"{start}>{note}
<p class="ae-live-asleep">This is a picture of an explorer. It lives in a browser of 2023 or later,
with JavaScript, on a page that a web server shows.</p>
</div>"""
NOTE = (
    '<p class="ae-live-note">Here it works with the networks and a sample of the digits that come '
    "with the course.</p>"
)
CONTENTS = "\n```{toctree}\n:hidden:\n%s\n```\n"


def sources() -> list[Path]:
    """What becomes a page beside the front page: the lessons in reading order, and the gallery."""
    return [*series.find_lessons(), series.gallery()]


@functools.cache
def _repository() -> str:
    """The address of the project's files, as ``pyproject.toml`` says."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]["urls"]["Repository"]


@functools.cache
def _names() -> set[str]:
    return {f"notebooks/{path.name}" for path in sources()}


def anchor(title: str) -> str:
    """The anchor of a heading, as JupyterLab and the links between lessons spell it."""
    return title.replace(" ", "-")


def linked(text: str, folder: str) -> str:
    """Markdown of a file in ``folder``, with links that are right on the site.

    Notebooks are pages and stand beside their pictures; all other files are in the repository.
    """

    def address(match: re.Match) -> str:
        path = os.path.normpath(f"{folder}/{match[1]}").replace(os.sep, "/")
        if path in _names() or path.startswith("notebooks/images/"):
            return path.removeprefix("notebooks/")
        return f"{_repository()}/blob/main/{path}"

    return LINK.sub(address, BADGE.sub(r"\1", text))


def page(notebook: Path) -> str:
    """A notebook with stored outputs, as Sphinx shall read it: solutions are folded.

    After each explorer's poster comes an empty place, in which its page's JavaScript lets it live.
    """
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = linked("".join(cell["source"]), "notebooks")
            continue
        if "solution" in cell["metadata"].get("tags", []):
            cell["metadata"]["tags"].append("hide-cell")
        add_hook(cell, noted=notebook != series.gallery())
    return json.dumps(content)


def add_hook(cell: dict, noted: bool) -> None:
    """Where a cell's last picture is the poster of an explorer, put the place where it lives.

    Args:
        cell: of code, with its stored outputs.
        noted: say what answers there where it isn't what the cell's code has made.
    """
    from ae_helpers.site import live  # torch and all explorers, which other commands do without

    posters = [
        number
        for number, output in enumerate(cell["outputs"])
        if "image/png" in output.get("data", {})
    ]
    if not posters or not (found := live.called_in("".join(cell["source"]))):
        return
    name, start = found
    hook = HOOK.format(
        name=name,
        start="" if start is None or not noted else f" data-start='{escape(json.dumps(start))}'",
        note=NOTE if noted and start is None else "",
    )
    output = {"output_type": "display_data", "data": {"text/html": hook}, "metadata": {}}
    cell["outputs"].insert(posters[-1] + 1, output)


def front_page() -> str:
    """README, followed by the table of contents that Sphinx draws beside every page."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    return linked(text, ".") + CONTENTS % "\n".join(path.stem for path in sources())
