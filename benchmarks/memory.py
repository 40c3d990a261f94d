"""Peak memory of each lesson's kernel, beside what importing PyTorch alone takes. On Linux.

    AE_DATA_DIR=path/to/data python benchmarks/memory.py

Each lesson is executed from the top in a kernel of its own, with its training cut to one epoch,
which changes the time and not the memory. Then the kernel says what it has held at most, by
`VmHWM` in `/proc/self/status` (resident memory: libraries, data and all). Prints a table for
`benchmarks/README.md`.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import nbformat
import papermill

from ae_helpers.course import series

PEAK = """from pathlib import Path
(line,) = [s for s in Path("/proc/self/status").read_text().splitlines() if s.startswith("VmHWM")]
print(line.split()[1])"""
IMPORTS = "import torch, torchvision"


def peak(notebook: nbformat.NotebookNode, **parameters) -> float:
    """Execute a notebook; the most memory that its kernel held, in MB of 10⁶ bytes."""
    notebook.cells.append(nbformat.v4.new_code_cell(PEAK))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lesson.ipynb"
        nbformat.write(notebook, path)
        done = papermill.execute_notebook(
            path, path, parameters, cwd=series.PROJECT / "notebooks", progress_bar=False
        )
    return int(done.cells[-1].outputs[-1]["text"]) * 1024 / 1e6


def imports_only() -> nbformat.NotebookNode:
    """A notebook that imports PyTorch and does nothing else."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    return notebook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lessons", nargs="+", metavar="NN", help="only these (default: all)")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        parser.error(f"this is {sys.platform}; expected Linux, whose kernel counts VmHWM")

    alone = peak(imports_only())
    print("| | peak, MB | above the imports, MB |\n|---|---|---|")
    print(f"| `{IMPORTS}` | {alone:.0f} | |")
    for lesson in series.choose_lessons(series.find_lessons(), args.lessons):
        once = {"epochs": 1} if "epochs" in papermill.inspect_notebook(lesson) else {}
        held = peak(nbformat.read(lesson, as_version=4), **once)
        print(f"| {series.number_of(lesson)} | {held:.0f} | {held - alone:.0f} |", flush=True)


if __name__ == "__main__":
    main()
