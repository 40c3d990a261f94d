"""The Makefile with a Python that only writes down what it is asked: no package is installed."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    os.name == "nt" or not shutil.which("make"), reason="make is needed, and a Unix shell"
)

# As `make lock` finds them: with libraries for GPUs, and with all that lessons need in both sets.
SOURCES = {
    "requirements.txt": "# by uv\nnumpy==1\nnvidia-cublas==2\n",
    "requirements-dev.txt": "# by uv\nnumpy==1\nnvidia-cublas==2\npytest==3\ntriton==4\n",
    "pyproject.toml": "",
    "install.py": "",
}
# `-c` asks for the version, then for ensurepip; `-m venv` copies this script into the new folder.
FAKE_PYTHON = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
    *version_info*) echo "$VERSION"; exit "$TOO_OLD" ;;
    *ensurepip*) exit "$NO_ENSUREPIP" ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "install.py "*) exit "$FAILS" ;;
esac
"""


class Checkout:
    """A folder with the Makefile and a fake Python; `make` runs there."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        shutil.copy(PROJECT / "Makefile", folder)
        for name, text in SOURCES.items():
            (folder / name).write_text(text)
        self.python = folder.parent / "fake_python"
        self.python.write_text(FAKE_PYTHON)
        self.python.chmod(0o755)

    def make(self, *words, python=None, **environ):
        """The exit status and all that was printed; `self.asked`: what the fake Python heard."""
        log = self.folder.parent / "log"
        log.write_text("")
        settings = {"VERSION": "3.12.1", "TOO_OLD": "0", "NO_ENSUREPIP": "0", "FAILS": "0"}
        # A `make test` that runs this test must not hand its own settings down.
        ours = {"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "PYTHON", "ARGS", "TORCH"}
        outer = {name: value for name, value in os.environ.items() if name not in ours}
        result = subprocess.run(
            ["make", f"PYTHON={python or self.python}", *words],
            cwd=self.folder,
            env={**outer, **settings, "LOG": str(log), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.asked = log.read_text().splitlines()
        return result.returncode, result.stdout

    def succeed(self, *words):
        """What a `make` prints that must end well."""
        status, output = self.make(*words)
        assert status == 0, output
        return output

    def installs(self):
        return [line for line in self.asked if line.startswith("install.py")]

    def change(self, name):
        """Make one file newer than the installation, and all others older."""
        now = time.time()
        for other in self.folder.iterdir():
            if other.is_file():
                os.utime(other, (now - 200, now - 200))
        os.utime(self.folder / ".venv" / ".installed", (now - 100, now - 100))
        os.utime(self.folder / name, (now, now))


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / "it's my project")


@pytest.fixture
def installed(checkout):
    checkout.succeed("test")
    return checkout


def test_help_is_the_default(checkout):
    output = checkout.succeed()
    assert not checkout.asked
    for target in ("lab", "play", "execute", "test", "verify", "coverage", "lowest", "lock"):
        assert f"make {target} " in output


def test_first_run_installs_and_second_does_not(checkout):
    output = checkout.succeed("lab")
    assert "Making .venv with Python 3.12.1" in output
    assert checkout.installs() == ["install.py --torch auto"]
    assert checkout.asked[-1] == "-m ae_helpers lab"
    assert checkout.succeed("lab") == ""
    assert checkout.asked == ["-m ae_helpers lab"]


def test_tests_need_more(checkout):
    checkout.succeed("lab")
    checkout.succeed("test")
    assert checkout.asked == ["install.py --torch auto --dev", "-m pytest"]
    checkout.succeed("test")
    assert checkout.asked == ["-m pytest"]


def test_the_choice_of_pytorch_is_handed_on(installed):
    installed.succeed("lab", "TORCH=cuda")  # though something is installed
    assert installed.asked[1:] == ["install.py --torch cuda", "-m ae_helpers lab"]
    installed.succeed("lab")
    assert installed.asked == ["-m ae_helpers lab"]


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml", "install.py"])
def test_changed_requirements_are_installed(installed, name):
    installed.change(name)
    assert "anew" not in installed.succeed("lab")
    assert len(installed.installs()) == 1
    assert not any(line.startswith("-m venv") for line in installed.asked)
    assert installed.succeed("lab") == ""


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["play", "ARGS=--theme dark"], "-m ae_helpers play --theme dark"),
        (["execute", "ARGS=-p epochs 3"], "-m ae_helpers execute -p epochs 3"),
        (["test"], "-m pytest"),
        (["test", "ARGS=tests/test_series.py"], "-m pytest tests/test_series.py"),
        (["verify", "ARGS=-x"], "-m pytest -m verify -x"),
        (["coverage", "ARGS=-x"], "-m pytest -m verify or not verify --cov -x"),
    ],
)
def test_targets(installed, words, asked):
    installed.succeed(*words)
    assert installed.asked == [asked]


def test_lock(installed):
    """Two sets, the developers' without what is in the other, both without libraries for GPUs."""
    installed.succeed("lock", "ARGS=--upgrade")
    assert all(line.startswith("-m uv pip compile --quiet --univ") for line in installed.asked)
    assert "--upgrade --output-file requirements.txt" in installed.asked[0]
    assert "--upgrade --output-file requirements-dev.txt --extra dev" in installed.asked[1]
    sets = [(installed.folder / name).read_text() for name in list(SOURCES)[:2]]
    assert sets == ["# by uv\nnumpy==1\n", "# by uv\npytest==3\n"]


def test_status_of_the_tool_is_that_of_make(installed):
    (installed.folder / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 3\n")
    assert installed.make("test")[0] != 0


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        (
            "lab",
            {"VERSION": "3.9.18", "TOO_OLD": "1"},
            ["is Python 3.9.18, and 3.11 or newer is needed", "make PYTHON=python3.12 lab"],
        ),
        (
            "test",
            {"python": "no-such-python"},
            ["no-such-python does not start. Python 3.11", "make PYTHON=python3.12 test"],
        ),
        ("lab", {"NO_ENSUREPIP": "1"}, ["sudo apt install python3-venv"]),
    ],
)
def test_a_python_that_will_not_do(checkout, target, options, says):
    status, output = checkout.make(target, **options)
    assert status != 0
    assert all(words in output for words in says), output
    assert not (checkout.folder / ".venv").exists()


def test_interrupted_installation_does_not_count(checkout):
    assert checkout.make("lab", FAILS="1")[0] != 0
    assert "-m ae_helpers lab" not in checkout.asked
    leftover = checkout.folder / ".venv" / "leftover"
    leftover.touch()
    assert "broke off: making .venv anew" in checkout.succeed("lab")
    assert len(checkout.installs()) == 1 and not leftover.exists()


def test_interrupted_update_does_not_count(installed):
    installed.change("requirements.txt")
    assert installed.make("lab", FAILS="1")[0] != 0
    assert "anew" not in installed.succeed("lab")  # a working .venv is not thrown away for it
    assert len(installed.installs()) == 1


def test_moved_project(installed):
    installed.folder = installed.folder.rename(installed.folder.with_name("moved here"))
    assert "my project: making it anew" in installed.succeed("lab")
    assert any(line.startswith("-m venv") for line in installed.asked)
    assert installed.succeed("lab") == ""


def test_the_environment_of_another_checkout_stays(checkout, tmp_path):
    other = Checkout(tmp_path / "other")
    other.succeed("lab")
    status, output = checkout.make("test", "VENV=../other/.venv")
    assert status != 0 and "other; expected one of this folder. Leave VENV out" in output
    assert not checkout.asked and other.succeed("lab") == ""


def test_python_of_the_venv_is_gone(installed):
    (installed.folder / ".venv" / "bin" / "python").unlink()
    assert "no Python with pip that starts: making it anew" in installed.succeed("lab")


def test_venv_made_by_hand_is_kept(checkout):
    venv = checkout.folder / ".venv"
    (venv / "bin").mkdir(parents=True)
    shutil.copy(checkout.python, venv / "bin" / "python")
    assert "anew" not in checkout.succeed("lab")
    assert len(checkout.installs()) == 1
    assert not any(line.startswith("-m venv") for line in checkout.asked)


def test_clean(installed):
    for name in ("runs/one/index.html", "data/MNIST", "ae_helpers/__pycache__/x.pyc"):
        path = installed.folder / name
        path.parent.mkdir(parents=True)
        path.touch()
    assert "Deleting" in installed.succeed("clean")
    left = {path.name for path in installed.folder.rglob("*") if path.is_file()}
    assert left == {"Makefile", *SOURCES, "index.html", "MNIST"}
