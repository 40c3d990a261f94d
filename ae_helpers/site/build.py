"""Build the site from what is stored, without executing a lesson; serve it to this computer."""

import argparse
import functools
import http.server
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ae_helpers.files import PROJECT
from ae_helpers.site import pages

HERE = Path(__file__).parent
MARK = ".buildinfo"  # a file that Sphinx leaves in every folder that it has built
# 1.6 MB that draw the theme's icons again, which its style sheet and a font of 0.1 MB draw already.
ICONS = "_static/scripts/fontawesome.js"
# The theme has every page load what finds words; only the page of that name finds any.
FINDING = ("_static/searchtools.js", "_static/language_data.js", "searchindex.js")


def add_site_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach ``parser`` the options of `site`."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("site"),
        metavar="DIR",
        help="where to build it, in place of the last one (default: %(default)s)",
    )
    parser.add_argument("--serve", action="store_true", help="then show it, to this computer only")
    parser.add_argument(
        "--port", type=int, default=8000, help="where to show it (default: %(default)s)"
    )


def write_sources(folder: Path) -> None:
    """Write what Sphinx reads: a page for each notebook, the front page, pictures, explorers.

    Raises:
        FileNotFoundError: the package was installed without its notebooks.
    """
    from ae_helpers.site import live  # torch and all explorers, which other commands do without

    (folder / "index.ipynb").write_text(pages.front_page(), encoding="utf-8")
    (folder / f"{pages.BEYOND}.md").write_text(pages.beyond(), encoding="utf-8")
    for notebook in pages.sources():
        (folder / notebook.name).write_text(pages.page(notebook), encoding="utf-8")
    shutil.copytree(PROJECT / "notebooks" / "images", folder / "images")
    shutil.copy(HERE / "conf.py", folder)
    shutil.copytree(HERE / "static", folder / "static")
    live.write(folder / "static" / "live")


def lighten(folder: Path) -> None:
    """Take out of a built site what no reader needs and each would load, or a host would keep."""
    for page in folder.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        for script in (ICONS, *FINDING * (page.name != "search.html")):
            text = re.sub(rf'<script[^>]* src="{re.escape(script)}[^>]*></script>', "", text)
        page.write_text(text, encoding="utf-8")
    (folder / ICONS).unlink(missing_ok=True)
    for source_map in folder.rglob("*.map"):
        source_map.unlink()


def hasten(folder: Path) -> None:
    """Let the front page's explorer come while the page does: name all that it will ask for."""
    live, name = folder / "_static" / "live", pages.TRIED
    content = (live / f"{name}.json").read_text(encoding="utf-8")
    modules = ["frame.js", f"explorers/{name}.js", *re.findall(r'"module": "([^"]+)"', content)]
    for module in modules:  # to which those join that it imports
        imported = re.findall(r'(?:from|import\() ?"\.*/(.+?)"', (live / module).read_text("utf-8"))
        modules += sorted({*imported}.difference(modules))
    files = sorted({*re.findall(rf'"((?:files/\w+|{name})\.(?:bin|png))"', content)})
    early = dict.fromkeys(modules[1:], "modulepreload")  # the page names frame.js itself
    early |= dict.fromkeys([f"{name}.json", *files], 'preload" as="fetch" crossorigin="anonymous')
    links = [f'<link rel="{how}" href="_static/live/{each}" />' for each, how in early.items()]
    page = folder / "index.html"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("</head>", "\n".join([*links, "</head>"]), 1), encoding="utf-8")


def site(args: argparse.Namespace) -> int:
    """Build the site, whole or not at all, and serve it if asked to; return the exit status.

    Raises:
        FileExistsError: ``args.output`` holds something else than a site.
        FileNotFoundError: there are no lessons.
    """
    output = args.output.absolute()
    if output.exists() and not (output / MARK).exists():
        raise FileExistsError(f"{output} is there and no site. Give --output another folder.")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as work:
        source, built, memory = (Path(work, name) for name in ("source", "site", "memory"))
        source.mkdir()
        write_sources(source)
        # Whatever Sphinx warns of, such as a link that leads nowhere, is a mistake of ours.
        command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "-q"]
        if status := subprocess.call([*command, "-d", str(memory), str(source), str(built)]):
            return status
        lighten(built)
        hasten(built)
        if output.exists():
            shutil.rmtree(output)
        built.rename(output)
    print(f"The site is in {output}; any web server can show it.")
    if args.serve:
        serve(output, args.port)
    return 0


def serve(folder: Path, port: int) -> None:
    """Show a folder to this computer until Ctrl-C.

    Raises:
        OSError: the port is taken.
    """
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"http://127.0.0.1:{server.server_port} shows it; Ctrl-C stops it.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
