"""Install what the lessons need into the Python that runs this file: `python install.py`.

It needs nothing but that Python, in a virtual environment; `make` calls it. uv does the work, or
pip where uv can't. On Linux without an NVIDIA driver PyTorch's own index is asked first: its
builds for the CPU come without several GB of libraries for GPUs.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
PAIR = ("torch", "torchvision")  # only builds of the same index fit each other
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# A reader's settings that would send packages elsewhere, or choose others than those pinned.
# Mirrors, proxies and certificates stay as they are.
MISLEADING = [
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_CONSTRAINT", "PIP_REQUIRE_HASHES"),
    *("UV_TARGET", "UV_PREFIX", "UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_CONSTRAINT", "UV_OVERRIDE"),
    *("UV_TORCH_BACKEND", "UV_RESOLUTION", "UV_REQUIRE_HASHES", "PYTHONHOME", "PYTHONPATH"),
]


def main() -> int:
    """Install as the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dev", action="store_true", help="and what the tests need")
    parser.add_argument(
        "--torch",
        default="auto",
        metavar="cpu|cuda",
        help="PyTorch for the CPU, or for NVIDIA's GPUs (default: what this computer has)",
    )
    parser.add_argument("--cpu-index", default=CPU_INDEX, metavar="URL", help="PyTorch's index")
    args = parser.parse_args()
    if args.torch not in ("auto", "cpu", "cuda"):
        return refuse(f"TORCH={args.torch}: expected cpu, cuda, or nothing to have it chosen")
    if sys.prefix == sys.base_prefix:
        return refuse(
            f"{sys.executable} belongs to no virtual environment, and installing into it could "
            "break other programs. Make one first: python -m venv .venv"
        )
    for name in MISLEADING:
        os.environ.pop(name, None)
    os.environ["PIP_USER"] = "0"  # pip's own settings may ask for what a .venv refuses

    what = ["--editable=.", "--requirement=requirements.txt"]
    what += ["--requirement=requirements-dev.txt"] * args.dev
    uv, installed = get_uv(), version("torch")
    pins = [f"{name}=={pinned(name)}" for name in PAIR]
    if uv and args.torch == "cuda" and installed.endswith("+cpu"):
        call(*uv, "--reinstall", *pins)
    if uv and wants_cpu_pair(args.torch, installed):
        print("Installing PyTorch for the CPU. Another choice: make TORCH=cuda lab", flush=True)
        options = ["--reinstall", "--no-deps", "--default-index", args.cpu_index]
        if call(*uv, *options, *pins) != 0:
            print(
                f"{args.cpu_index} can't be reached or lacks {' or '.join(pins)}, so PyTorch comes "
                "from the ordinary index, with several GB for GPUs"
            )
    print("Installing the pinned packages: minutes the first time", flush=True)
    for installer in filter(None, (uv, ["-m", "pip", "install"])):
        if call(*installer, *what) == 0:
            return 0
    return refuse(
        "Not everything could be installed; the reason stands above. Is there a network, and a "
        "free disk? The same command goes on where this one stopped."
    )


def get_uv() -> list[str]:
    """The beginning of uv's command, after installing uv by pip; nothing if pip can't."""
    pin = f"uv=={pinned('uv')}"
    if version("uv") != pinned("uv") and call("-m", "pip", "install", "--quiet", pin) != 0:
        print(f"{pin} could not be installed; pip goes on alone")
        return []
    return ["-m", "uv", "pip", "install", "--python", sys.executable]


def wants_cpu_pair(choice: str, installed: str) -> bool:
    """Whether to ask PyTorch's index for the CPU; elsewhere than on Linux all builds are for it."""
    if choice == "cuda" or platform.system() != "Linux":
        return False
    public, _, build = installed.partition("+")
    if choice == "cpu":
        return public != pinned("torch") or build != "cpu"
    return public != pinned("torch") and not shutil.which("nvidia-smi")


def pinned(name: str) -> str:
    """The version of a package that our files of requirements name."""
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (PROJECT / file).read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{name}=="):
                return line.removeprefix(f"{name}==").partition(";")[0].strip()
    raise LookupError(f"no {name} in requirements.txt")


def version(name: str) -> str:
    """The version of a package that is installed; empty if it isn't."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def call(*arguments: str) -> int:
    """Run this Python with ``arguments`` in the project's folder; its exit status."""
    return subprocess.call([sys.executable, *arguments], cwd=PROJECT)


def refuse(message: str) -> int:
    """Say what is wrong; the exit status."""
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
