"""What Sphinx asks: how pages look, and how formulas become MathML, which browsers draw alone."""

import re
from html import escape

from docutils import nodes
from latex2mathml.converter import convert

from ae_helpers.site import illustrations

project = html_title = "Sixty-Four Numbers"
author = "the Sixty-Four Numbers authors"
html_theme = "sphinx_book_theme"
html_static_path = ["static"]
html_favicon = "static/favicon.svg"
html_css_files = ["site.css", "live/explorer.css", "live/live.css"]
html_js_files = [(name, {"type": "module"}) for name in ("menus.js", "live/frame.js")]
html_theme_options = {
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navigation_with_keys": False,  # arrow keys scroll, they turn no page
}
html_context = {"default_mode": "auto"}  # light or dark, as the system is
html_show_sourcelink = html_show_copyright = html_show_sphinx = False
html_copy_source = html_use_index = False
html_scaled_image_link = False  # a picture with a size is no link to itself

extensions = ["myst_nb"]
nb_execution_mode = "off"  # what is stored is shown
nb_code_prompt_show, nb_code_prompt_hide = "Show a solution", "Hide the solution"  # all that folds
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_heading_slug_func = "ae_helpers.site.pages.anchor"


def _formula(translator, node: nodes.Element) -> None:
    """One formula as MathML; beside it, for who copies it, its source."""
    display = isinstance(node, nodes.math_block)
    mathml = convert(node.astext(), display="block" if display else "inline")
    source = f'<annotation encoding="application/x-tex">{escape(node.astext())}</annotation>'
    mathml = mathml.replace("<mrow>", "<semantics><mrow>", 1)
    mathml = mathml.removesuffix("</math>") + f"{source}</semantics></math>"
    translator.body.append(f'<div class="formula">{mathml}</div>' if display else mathml)
    raise nodes.SkipNode


def _heard_well(app, name, template, context, doctree) -> None:
    """What screen readers would stumble over, in the words that myst-nb, pandas and docutils write.

    A label must not say something else than the text in sight; a cell without text heads nothing.
    """
    body = context.get("body", "").replace(
        '<summary aria-label="Toggle hidden content">', "<summary>"
    )
    for empty in ("<th></th>", '<th class="head"><p></p></th>', '<th class="head"></th>'):
        body = body.replace(empty, empty.replace("th", "td"))
    context["body"] = body


COLUMNS = re.compile(r"\S {2,}\S")


def _in_words(app, doctree: nodes.document) -> None:
    """Outputs that are no tables, such as what a check says, may wrap in a narrow window."""
    for block in doctree.findall(nodes.literal_block):
        if "output" in block["classes"] and not COLUMNS.search(block.astext()):
            block["classes"].append("ae-words")


def setup(app) -> None:
    """Called by Sphinx."""
    app.connect("html-page-context", _heard_well)
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
    app.connect("doctree-read", illustrations.describe)
    app.connect("doctree-read", _in_words)


html_math_renderer = "mathml"
