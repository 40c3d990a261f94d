"""install.py in a virtual environment of its own, with indexes on this computer."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
NOBODY = "http://127.0.0.1:9/cpu"  # a port at which nothing listens
UV = shutil.which("uv", path=str(Path(sys.executable).parent))

pytestmark = pytest.mark.skipif(
    os.name == "nt" or not UV, reason="a Unix shell, and uv, are needed"
)

REQUIREMENTS = "torch==1.0\ntorchvision==2.0\nnumpy==3.0 ; python_version > '3'\n"
# It builds the package without anything from an index.
BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/ours-1-py3-none-any.whl", "w") as wheel:
        about = "ours-1.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\\nName: ours\\nVersion: 1\\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(f"{about}/RECORD", "")
    return "ours-1-py3-none-any.whl"
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "ours"
version = "1"
"""


def put_wheel(index, name, version):
    """An empty package, where an index has it."""
    folder = index / name
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        about = f"{name}-{version}.dist-info"
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        wheel.writestr(f"{about}/METADATA", head)
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    """The address of a folder with the indexes ``ordinary``, ``cpu``, ``half`` (a pair)."""
    root = tmp_path_factory.mktemp("indexes")
    for name, version in (("torch", "1.0"), ("torchvision", "2.0"), ("numpy", "3.0"), ("x", "4")):
        put_wheel(root / "ordinary", name, version)
    put_wheel(root / "cpu", "torch", "1.0+cpu")
    put_wheel(root / "cpu", "torchvision", "2.0+cpu")
    put_wheel(root / "half", "torch", "1.0+cpu")
    put_wheel(root / "half", "torchvision", "1.9+cpu")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Reader:
    """A folder with install.py, and a virtual environment with nothing but uv."""

    def __init__(self, folder, indexes):
        self.folder, self.indexes = folder, indexes
        shutil.copy(PROJECT / "install.py", folder)
        (folder / "requirements.txt").write_text(REQUIREMENTS)
        (folder / "requirements-dev.txt").write_text(f"uv=={metadata.version('uv')}\nx==4\n")
        (folder / "backend.py").write_text(BACKEND)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        (self.packages,) = folder.glob("venv/lib/*/site-packages")
        about = f"uv-{metadata.version('uv')}.dist-info"
        for name in ("uv", about):
            shutil.copytree(metadata.distribution("uv").locate_file(name), self.packages / name)
        (folder / "venv" / "bin" / "uv").symlink_to(UV)

    def install(self, *words, python="venv/bin/python", index="ordinary", **environ):
        """The exit status and what was printed."""
        settings = {
            "UV_DEFAULT_INDEX": f"{self.indexes}/{index}",
            "UV_CACHE_DIR": str(self.folder / "cache"),
            "UV_HTTP_RETRIES": "0",
            "PATH": str(self.folder),  # nothing of this computer's, no driver
        }
        done = subprocess.run(
            [self.folder / python if python[0] != "/" else python, "install.py", *words],
            cwd=self.folder,
            env=settings | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    def has(self):
        """The versions that are installed now."""
        names = (path.name.split("-") for path in self.packages.glob("*.dist-info"))
        return {name: rest[0].removesuffix(".dist") for name, *rest in names if name != "uv"}


ORDINARY = {"torch": "1.0", "torchvision": "2.0", "numpy": "3.0", "ours": "1"}
FOR_CPU = ORDINARY | {"torch": "1.0+cpu", "torchvision": "2.0+cpu"}
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a choice of builds")


@pytest.fixture
def reader(tmp_path, indexes):
    return Reader(tmp_path, indexes)


@linux
def test_without_a_driver_the_pair_is_for_the_cpu(reader, indexes):
    status, output = reader.install("--cpu-index", f"{indexes}/cpu")
    assert status == 0 and reader.has() == FOR_CPU
    assert "PyTorch for the CPU. Another choice: make TORCH=cuda lab" in output
    assert reader.install("--cpu-index", NOBODY, "--dev")[0] == 0  # nothing is asked again
    assert reader.has() == FOR_CPU | {"x": "4"}


@linux
@pytest.mark.parametrize("index", [NOBODY, "half", "empty"])
def test_without_a_pair_for_the_cpu_it_is_the_ordinary_one(reader, indexes, index):
    """Both of it, even where PyTorch's index has one."""
    index = index if "/" in index else f"{indexes}/{index}"
    status, output = reader.install("--cpu-index", index)
    assert status == 0 and reader.has() == ORDINARY
    assert f"{index} can't be reached or lacks torch==1.0 or torchvision==2.0" in output


@linux
def test_with_a_driver_it_is_the_ordinary_one(reader):
    driver = reader.folder / "nvidia-smi"
    driver.write_text("#!/bin/sh\n")
    driver.chmod(0o755)
    status, output = reader.install("--cpu-index", NOBODY)
    assert status == 0 and reader.has() == ORDINARY and "CPU" not in output


@linux
def test_the_choice_is_the_readers(reader, indexes):
    for choice, expected in (("cuda", ORDINARY), ("cpu", FOR_CPU), ("cuda", ORDINARY)):
        assert reader.install("--torch", choice, "--cpu-index", f"{indexes}/cpu")[0] == 0
        assert reader.has() == expected


def test_settings_of_the_readers_that_would_mislead(reader, tmp_path):
    """All of them at once."""
    nowhere = str(tmp_path / "nowhere")
    names = ("UV_TARGET", "UV_PREFIX", "UV_PYTHON", "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH")
    misleading = dict.fromkeys(names, nowhere) | {"UV_SYSTEM_PYTHON": "1", "PIP_USER": "1"}
    assert reader.install("--torch", "cuda", **misleading)[0] == 0
    assert reader.has() == ORDINARY and not Path(nowhere).exists()


def test_without_a_network(reader):
    status, output = reader.install("--torch", "cuda", UV_DEFAULT_INDEX=NOBODY)
    assert status == 1 and reader.has() == {}
    assert "Is there a network, and a free disk? The same command goes on" in output


@pytest.mark.parametrize(
    ("words", "options", "says"),
    [
        (["--torch", "nonsense"], {}, "TORCH=nonsense: expected cpu, cuda, or nothing"),
        ([], {"python": getattr(sys, "_base_executable", sys.executable)}, "python -m venv .venv"),
    ],
)
def test_it_refuses_before_it_starts(reader, words, options, says):
    status, output = reader.install(*words, **options)
    assert status == 1 and says in output and reader.has() == {}
