"""Pictures of the pages: what they show in words, how large they are, and when they load."""

import json
from pathlib import Path

from docutils import nodes
from PIL import Image


def alternatives(notebook: dict) -> list[str | None]:
    """What each picture among a notebook's outputs shows, in words, where somebody has said so."""
    return [
        output["metadata"].get("image/png", {}).get("alt")
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


def describe(app, doctree: nodes.document) -> None:
    """Give the pictures of a page, once Sphinx has read it, what myst-nb leaves out.

    Those of outputs get their alternative texts; all get their sizes, so that nothing jumps when
    they come; and all but the first wait until the reader is near.

    Raises:
        ValueError: the page has not as many pictures of outputs as its notebook.
    """
    source, pictures = Path(app.env.doc2path(app.env.docname)), list(doctree.findall(nodes.image))
    for number, picture in enumerate(pictures):
        with Image.open(app.srcdir / picture["uri"]) as file:
            picture["width"], picture["height"] = map(str, file.size)
        if number:
            picture["loading"] = "lazy"
    if source.suffix != ".ipynb":
        return
    # Those of the text lie in images/; the others myst-nb has made of outputs.
    made = [picture for picture in pictures if not picture["uri"].startswith("images/")]
    texts = alternatives(json.loads(source.read_text(encoding="utf-8")))
    for picture, text in zip(made, texts, strict=True):
        if text:
            picture["alt"] = text
