"""pyproject.toml, requirements.txt, environment.yml and binder/ say the same; so do versions."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import ae_helpers

PROJECT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
SETS = {
    name: (PROJECT / name).read_text(encoding="utf-8")
    for name in ("requirements.txt", "requirements-dev.txt")
}

# What conda calls differently.
FROM_CONDA = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}

SCRIPTS = [
    path
    for path in [PROJECT / ".ci" / "run", *PROJECT.glob("binder/*"), *PROJECT.rglob("*.sh")]
    if path.suffix != ".yml" and ".venv" not in path.parts
]


def ranges(lines):
    """The version range of each package, by its name on the Python package index."""
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(FROM_CONDA.get(r.name, r.name)): r.specifier for r in requirements}


def test_the_version_is_one():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(
        r"^## \[(.*?)\]", (PROJECT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert ae_helpers.__version__ == citation["version"] == newest[1]
    assert "version" in PYPROJECT["dynamic"]  # setuptools takes it from the package


def test_conda_and_pip_want_the_same():
    packages = [line for line in CONDA["dependencies"] if not line.startswith("python=")]
    conda = ranges(packages)
    assert conda.pop("pip") is not None  # it installs ae_helpers
    assert conda == ranges(PYPROJECT["dependencies"])
    assert CONDA["channels"] == ["conda-forge"]


def test_conda_python_is_one_that_we_support():
    (python,) = [line for line in CONDA["dependencies"] if line.startswith("python=")]
    assert python.removeprefix("python=") in SpecifierSet(PYPROJECT["requires-python"])


def pins(text):
    """The pinned versions of each package; several where they depend on the Python version."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), f"not one public version: {line}"
            version = str(pin.specifier).removeprefix("==")
            found.setdefault(canonicalize_name(pin.name), []).append(version)
    return found


READERS, DEVELOPERS = (pins(text) for text in SETS.values())


@pytest.mark.parametrize(
    ("pinned", "wanted"),
    [
        (READERS, ranges(PYPROJECT["dependencies"])),
        (DEVELOPERS, ranges(PYPROJECT["optional-dependencies"]["dev"])),
    ],
    ids=SETS,
)
def test_each_dependency_is_pinned_inside_its_range(pinned, wanted):
    for name, specifier in wanted.items():
        versions = pinned.get(name) or READERS[name]  # what lessons need, tests may want too
        assert all(version in specifier for version in versions), f"{name} {versions}: make lock"


def test_readers_and_developers_have_two_sets():
    assert not READERS.keys() & DEVELOPERS.keys()
    assert not READERS.keys() & ranges(PYPROJECT["optional-dependencies"]["dev"]).keys() - {
        "pyyaml"
    }


def test_no_library_for_gpus_is_pinned():
    """A reader without a GPU would get them all the same; torch's own metadata names them."""
    for_gpus = re.compile("nvidia|cuda|triton")
    assert not [name for name in READERS | DEVELOPERS if for_gpus.match(name)]


@pytest.mark.parametrize("text", SETS.values(), ids=SETS)
def test_requirements_come_from_anywhere(text):
    """No registry, no folder, no option: the reader's own pip settings decide."""
    lines = [line.partition("#")[0] for line in text.splitlines()]
    assert not [line for line in lines if "://" in line or " @ " in line or line.startswith("-")]
    assert "://" not in text and "make lock" in text[:200]


needs_symlinks = pytest.mark.skipif(
    not (PROJECT / "binder" / "environment.yml").is_symlink(),
    reason="this checkout has no symbolic links (git on Windows); Binder's has",
)
needs_bash = pytest.mark.skipif(
    os.name == "nt" or not shutil.which("bash"), reason="bash is needed to read its scripts"
)


@needs_symlinks
def test_binder_reads_the_same_environment():
    assert (PROJECT / "binder" / "environment.yml").resolve() == PROJECT / "environment.yml"


@needs_symlinks
def test_binder_renders(monkeypatch):
    from repo2docker.app import Repo2Docker

    monkeypatch.chdir(PROJECT)  # where repo2docker looks
    app = Repo2Docker()
    packs = (kind(base_image=app.base_image) for kind in app.buildpacks)
    pack = next(pack for pack in packs if pack.detect())
    assert type(pack).__name__ == "CondaBuildPack"
    assert pack.python_version == "3.12"
    pack.platform = app.platform
    dockerfile = pack.render()
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in dockerfile
    assert "RUN ./binder/postBuild" in dockerfile
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile
    for name in ("postBuild", "start"):
        assert os.access(PROJECT / "binder" / name, os.X_OK), f"type: chmod +x binder/{name}"


def test_binder_start_hands_over():
    lines = (PROJECT / "binder" / "start").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == 'exec "$@"'


@needs_bash
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_parses(script):
    assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in script.read_text(encoding="utf-8")
    result = subprocess.run(["bash", "-n", script], capture_output=True, text=True)
    assert result.returncode == 0 and not result.stderr, result.stderr


def test_the_project_lies_in_one_place():
    """As `urls` says: badges, commands and citation lead there, whoever hosts a fork."""
    owner, name = PYPROJECT["urls"]["Repository"].removeprefix("https://github.com/").split("/")
    assert name == PYPROJECT["name"]
    links = re.compile(rf"[\w.-]+(?:/v2/gh|/github)?/([\w.-]+)/{name}\b")
    found = {
        path.relative_to(PROJECT).as_posix(): set(links.findall(path.read_text(encoding="utf-8")))
        for path in [*PROJECT.glob("*.*"), *PROJECT.glob("notebooks/*.ipynb")]
        if path.suffix in (".md", ".cff", ".ipynb", ".toml")
    }
    found = {name: owners for name, owners in found.items() if owners}
    assert {"README.md", "CITATION.cff", "notebooks/00_start_here.ipynb"} < found.keys()
    assert {name: owners - {owner} for name, owners in found.items() if owners != {owner}} == {}


def test_lesson_00_says_what_colab_lacks(monkeypatch):
    """And README says the same, in the same two lines."""
    lesson = (PROJECT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8")
    first = next(c for c in json.loads(lesson)["cells"] if c["cell_type"] == "code")
    monkeypatch.setitem(sys.modules, "ae_helpers.course.installation", None)  # not to be found
    with pytest.raises(ModuleNotFoundError, match="^import of ae_helpers") as raised:
        exec("".join(first["source"]), {})
    lines = str(raised.value).splitlines()[-2:]
    assert [line.split()[0] for line in lines] == ["!git", "%pip"]
    assert "\n```\n" + "\n".join(lines) + "\n```\n" in (PROJECT / "README.md").read_text("utf-8")
