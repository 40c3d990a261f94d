"""JavaScript and style sheets of pages and widgets: formatted, linted, their types checked."""

import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ae_helpers.files import PROJECT
from ae_helpers.site import build, live

HERE = Path(__file__).parent
ROOMS = (PROJECT / "ae_helpers" / "site" / "static", PROJECT / "ae_helpers" / "widgets")


def test_tools_have_exact_versions_and_come_from_the_registry():
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert lock.pop("")["devDependencies"] == wanted
    for name, version in wanted.items():
        assert lock[f"node_modules/{name}"]["version"] == version
    for name, package in lock.items():
        # Where no address stands, it is the registry's.
        address = package.get("resolved", "https://registry.npmjs.org/")
        assert urlsplit(address).netloc == "registry.npmjs.org", name
        assert package["integrity"].startswith("sha512-"), name


@pytest.mark.verify
def test_format(tool):
    files = [file for room in ROOMS for kind in ("js", "css") for file in room.rglob(f"*.{kind}")]
    files += [*HERE.glob("*.js"), HERE / "package.json", HERE / "tsconfig.json"]
    tool("prettier", "--config", HERE / "prettier.json", "--check", *files, folder=PROJECT)


@pytest.mark.verify
def test_lint(tool):
    config = HERE / "eslint.config.js"
    tool("eslint", "--config", config, "--max-warnings", "0", *ROOMS, folder=PROJECT)


@pytest.mark.verify
def test_types(tool, tmp_path):
    """Of what the build serves: modules of widgets lie beside those of pages there."""
    shutil.copytree(build.HERE / "static" / "live", tmp_path / "live")
    live.write_modules(tmp_path / "live")
    shutil.copy(PROJECT / "ae_helpers" / "widgets" / "explorer.js", tmp_path)
    shutil.copy(HERE / "tsconfig.json", tmp_path)
    tool("tsc", "--project", tmp_path, folder=tmp_path)
