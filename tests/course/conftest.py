"""A series of two tiny lessons, made here."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ae_helpers import files
from ae_helpers.course import execute, series

DRAW = """from IPython.display import display
import base64
png = base64.b64decode("iVBORw0KGgo=")
display({"image/png": png}, raw=True, metadata={"image/png": {"alt": 'A "seven"'}})"""


def _write(project, name, *cells):
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    notebook = new_notebook(cells=list(cells), metadata=kernel)
    nbformat.write(notebook, project / "notebooks" / name)


def tagged(tag, source):
    return new_code_cell(source, metadata={"tags": [tag]})


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in a folder with a space in its name, with two lessons."""
    folder = tmp_path / "my project"
    (folder / "notebooks").mkdir(parents=True)
    for module in (execute, files, series):
        monkeypatch.setattr(module, "PROJECT", folder)
    _write(
        folder,
        "01_train.ipynb",
        new_markdown_cell("# Train & see"),
        tagged("parameters", "epochs = 15\nlearning_rate = 1e-2"),
        tagged("index-error", "import os\nprint('error after', epochs, '<', type(epochs))"),
        tagged("index-picture", DRAW),
        new_code_cell("open('made_here.txt', 'w').close()"),
    )
    _write(
        folder,
        "02_fail.ipynb",
        new_markdown_cell("# Fail"),
        tagged("parameters", "seed = 0"),
        new_code_cell("if seed > 0:\n    raise ValueError(f'one\\ntwo\\nthree <{seed}>')"),
    )
    return folder


@pytest.fixture
def write_lesson(project):
    """A function that adds a lesson of these cells to the project."""
    return lambda name, *cells: _write(project, name, *cells)
