"""Build the site from what is stored, without executing a lesson; serve it to this computer."""

import argparse
import functools
import http.server
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from ae_helpers.course import series
from ae_helpers.files import PROJECT
from ae_helpers.site import pages

HERE = Path(__file__).parent


def add_site_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach ``parser`` the options of `site`."""
    parser.add_argument(
        "--output", type=Path, default=Path("site"), metavar="DIR", help="(default: %(default)s)"
    )
    parser.add_argument("--serve", action="store_true", help="then show it on this computer")
    parser.add_argument("--port", type=int, default=8000, help="(default: %(default)s)")


def write_sources(folder: Path) -> None:
    """Write what Sphinx reads: a page for each notebook, the front page, and what they show."""
    for name in ("conf.py", "static"):
        source = HERE / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    shutil.copytree(PROJECT / "notebooks" / "images", folder / "images")
    (folder / "index.md").write_text(pages.front_page(), encoding="utf-8")
    for notebook in pages.sources():
        nbformat.write(pages.page(notebook), folder / notebook.name)


def site(args: argparse.Namespace) -> int:
    """Build the site into ``args.output``, in place of what was there; return the exit status."""
    try:
        series.find_lessons()
    except FileNotFoundError as error:
        return series.refuse(error)
    with tempfile.TemporaryDirectory(dir=args.output.absolute().parent) as work:
        source, built = Path(work, "source"), Path(work, "site")
        source.mkdir()
        write_sources(source)
        command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "-q", "-b", "html"]
        if status := subprocess.call([*command, str(source), str(built)]):
            return status
        shutil.rmtree(args.output, ignore_errors=True)
        built.rename(args.output)
    print(f"The site is in {args.output}.")
    if args.serve:
        serve(args.output, args.port)
    return 0


def serve(folder: Path, port: int) -> None:
    """Serve a folder to this computer until Ctrl-C."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"http://127.0.0.1:{port} shows it; Ctrl-C stops it.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
