"""Tools from npm, of the versions in ``package-lock.json``: installed here once they are needed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock  # comes with torch

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
