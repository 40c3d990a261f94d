"""What the tests of the site share: the site itself, served, and tools from npm.

The tools have the versions in ``package-lock.json``, and are installed here once they are needed.
"""

import argparse
import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from filelock import FileLock  # comes with torch

from ae_helpers.site import build

HERE = Path(__file__).parent
INSTALLED = HERE / "node_modules"
STAMP = INSTALLED / ".package-lock.json"  # npm writes it last


@pytest.fixture(scope="session")
def node_modules():
    """The folder of what npm has installed.

    Where there is no npm, or it can't install, tests are skipped, unless AE_REQUIRE_BROWSER is set.
    """
    give_up = pytest.fail if os.environ.get("AE_REQUIRE_BROWSER") else pytest.skip
    if not (npm := shutil.which("npm")):
        give_up("no npm: install Node.js 18 or newer, with npm")
    with FileLock(HERE / ".node_modules.lock"):  # one worker installs, the others wait
        wanted = (HERE / "package-lock.json").stat().st_mtime
        if not STAMP.exists() or STAMP.stat().st_mtime < wanted:
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            result = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
            if result.returncode:
                give_up(f"npm ci failed in {HERE}: {result.stderr.strip()[-500:]}")
    return INSTALLED


@pytest.fixture(scope="session")
def tool(node_modules):
    """A function that runs a tool of npm's in a folder, and fails where the tool complains."""

    def run(name, *arguments, folder):
        program = shutil.which(name, path=str(node_modules / ".bin"))
        result = subprocess.run(
            [program, *map(str, arguments)], cwd=folder, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stdout + result.stderr

    return run


@pytest.fixture(scope="session")
def build_site():
    """A function that does what ``make site`` does with these words of ``ARGS``; its status."""
    parser = argparse.ArgumentParser()
    build.add_site_arguments(parser)
    return lambda *words: build.site(parser.parse_args(map(str, words)))


@pytest.fixture(scope="session")
def site(tmp_path_factory, build_site):
    """The folder of a site that was built anew, twice: the second takes the first one's place."""
    folder = tmp_path_factory.mktemp("site") / "site"
    folder.mkdir()
    (folder / build.MARK).touch()
    (folder / "old.html").touch()
    assert build_site("--output", folder) == 0
    assert not (folder / "old.html").exists()
    return folder


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def serve():
    """A function that serves a folder to this computer until the tests end; its address."""
    with contextlib.ExitStack() as servers:

        def serve(folder) -> str:
            handler = functools.partial(Silent, directory=folder)
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
            servers.enter_context(server)
            servers.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}/"

        yield serve


@pytest.fixture(scope="session")
def home(site, serve):
    """The address of the site."""
    return serve(site)


@pytest.fixture(scope="session")
def brought_to_life():
    """A function that walks through a page: each of its explorers as a locator, once it lives."""

    def walk(page):
        for hook in page.locator(".ae-live").all():
            hook.scroll_into_view_if_needed()
            page.wait_for_function(
                "hook => hook.dataset.state === 'alive'", arg=hook.element_handle()
            )
            yield hook

    return walk
