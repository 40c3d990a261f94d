"""How long a set-up takes, and how large it is: install.py beside pip, from nothing.

Both install the same pinned packages into new environments without a cache, one after the other,
and then what is there is weighed.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FOR_GPUS = re.compile("nvidia|cuda|triton")
WEIGH = """
from importlib import metadata
for package in metadata.distributions():
    sizes = [package.locate_file(file).stat().st_size for file in package.files or ()
             if package.locate_file(file).is_file() and file.suffix != ".pyc"]
    print(package.metadata["Name"], sum(sizes))
"""


def new_environment(folder: Path) -> Path:
    """A new environment's Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin" / "python"


def timed(*command: str | Path, **environ: str) -> float:
    """The seconds that a command takes; what it prints is left out."""
    start = time.perf_counter()
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL, env=environ)
    return time.perf_counter() - start


def main() -> None:
    """Install in turn, and print seconds and sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", default="cuda", choices=("cpu", "cuda"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        ours, other = (new_environment(Path(name) / which) for which in ("ours", "pip"))
        environ = {**os.environ, "UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1"}
        seconds = {
            "install.py": timed(ours, "install.py", "--torch", args.torch, **environ),
            "pip": timed(
                *(other, "-m", "pip", "install", "-r", "requirements.txt", "-e", "."), **environ
            ),
        }
        listed = subprocess.check_output([ours, "-c", WEIGH], text=True)
    sizes = {name: int(size) for name, size in (line.split() for line in listed.splitlines())}
    parts = {
        "PyTorch's pair": ["torch", "torchvision"],
        "its libraries for GPUs": [name for name in sizes if FOR_GPUS.match(name)],
    }
    print("| | |\n|---|---|")
    for name, value in seconds.items():
        print(f"| {name} | {value:.0f} s |")
    for name, packages in parts.items():
        print(f"| {name} | {sum(sizes.pop(package) for package in packages) / 1e9:.2f} GB |")
    print(f"| all else | {sum(sizes.values()) / 1e9:.2f} GB |")


if __name__ == "__main__":
    main()
