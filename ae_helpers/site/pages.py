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
    "with the course, so its numbers differ from those above.</p>"
)
READING = """<p>On this page explorers live and hints open, but cells don't
run. To run them, and to answer the exercises:
<a href="index.html#Start">run it yourself</a>.</p>"""
CONTENTS = "\n```{toctree}\n:hidden:\n%s\n```\n"
# README's sections that a reader wants first, in this order. The others are a page of their own.
FIRST = ("What you will be able to do", "The lessons", "Start")
TRIED = "draw_digit"  # the explorer on the front page
BEGIN = """<p class="ae-begin"><a href="00_start_here.html">Begin with lesson 00</a>
<a href="gallery.html">Play with all explorers</a> <a href="#Start">Run it yourself</a></p>"""
BEYOND = "beyond"  # the page with the other sections
BEYOND_TITLE = "# Beyond the lessons"


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
    if notebook != series.gallery():
        content["cells"].insert(1, _markdown(READING, "reading"))  # below the title
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


def readme() -> tuple[str, str, dict[str, str]]:
    """README's badges, what it begins with, and its sections by their titles."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    opening, *sections = re.split("^## ", linked(text, "."), flags=re.MULTILINE)
    title, badges, rest = opening.split("\n\n", 2)
    parts = dict(section.split("\n", 1) for section in sections)
    return badges.replace("\n", " or "), f"{title}\n\n{rest}", parts


def front_page() -> str:
    """A notebook: what README begins with, an explorer of the gallery, what a reader wants first.

    Below lies, unseen, the table of contents that Sphinx draws beside every page.

    Raises:
        LookupError: README lacks a section, or the gallery the explorer.
    """
    gallery = json.loads(page(series.gallery()))
    called = [f"widgets.{TRIED}(" in "".join(cell["source"]) for cell in gallery["cells"]]
    badges, opening, sections = readme()
    if missing := [name for name in FIRST if name not in sections] or [TRIED] * (not any(called)):
        raise LookupError(
            f"The front page needs {missing[0]!r}; expected the sections {', '.join(FIRST)} in "
            f"README.md, and {TRIED} in gallery.ipynb. Put it back, or change pages.py."
        )
    opening, picture = opening.rsplit("![", 1)
    texts = [f"## {name}\n{sections[name]}" for name in FIRST]
    texts[-1] += f"\nWithout installing anything: {badges}.\n"
    names = "\n".join([*(path.stem for path in sources()), BEYOND])
    place = called.index(True)
    invitation, tried = gallery["cells"][place - 1 : place + 1]
    tried["metadata"]["tags"] = ["remove-input"]
    gallery["cells"] = [
        _markdown(f"{opening}{BEGIN}\n\n![{picture}", "opening"),
        invitation,
        tried,
        _markdown("\n".join(texts) + CONTENTS % names, "first"),
    ]
    return json.dumps(gallery)


def _markdown(text: str, identity: str) -> dict:
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": text}


def beyond() -> str:
    """What README says besides, for whoever goes on: the page after the last."""
    _, _, sections = readme()
    others = [f"## {name}\n{text}" for name, text in sections.items() if name not in FIRST]
    return "\n\n".join([BEYOND_TITLE, *others])
