"""`refresh` stores what a reader sees, and nothing that differs between machines."""

import argparse

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ae_helpers.course import refresh, saving, series

# As `plots.show` does it, but without its imports, which take seconds.
DRAW = """picture = {"image/png": "iVBORw0KGgo=", "text/plain": "An empty square."}
display(picture, raw=True, metadata={"image/png": {"alt": "An empty square."}})"""


def write(folder, *sources, name="01_test.ipynb"):
    """A lesson whose first cell opens it with its picture; returns its path."""
    cells = [new_markdown_cell("# Test"), new_code_cell(DRAW, metadata={"tags": ["hero"]})]
    cells += [new_code_cell(source) for source in sources]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "widgets": {}}
    path = folder / "notebooks" / name
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(series, "PROJECT", tmp_path)
    return tmp_path


def run(*numbers, anyway=False):
    return refresh.refresh(argparse.Namespace(lessons=numbers or ["1"], anyway=anyway))


def test_it_stores_outputs_and_the_opening_picture(project, capsys):
    lesson = write(project, "for i in range(3):\n    print(i, flush=True)")
    assert run() == 0
    assert capsys.readouterr().out.startswith("01  Test … ")
    notebook = nbformat.read(lesson, as_version=4)
    assert notebook.metadata.language_info == saving.LANGUAGE
    assert "widgets" not in notebook.metadata
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2]
    assert not any("execution" in cell.metadata for cell in notebook.cells)
    picture, text = (cell.outputs for cell in notebook.cells[1:])
    assert picture[0].metadata["image/png"]["alt"] == "An empty square."
    assert [output.text for output in text] == ["0\n1\n2\n"]
    assert (project / "notebooks" / "images" / "01.png").read_bytes().startswith(b"\x89PNG")


def test_of_an_explorer_it_stores_the_poster(project):
    lesson = write(
        project,
        """from ae_helpers.widgets.controls import slider
from ae_helpers.widgets.explorer import Explorer
from ae_helpers.widgets.pictures import as_image, picture
import torch
def draw(level): return {"square": as_image(torch.full((2, 2), level))}, f"level {level}"
Explorer("Move", {"level": slider("level", 0.0, 1.0, 0.5, 0.1)}, {"square": picture("a")}, draw)""",
    )
    assert run() == 0
    notebook = nbformat.read(lesson, as_version=4)
    assert "widgets" not in notebook.metadata
    (output,) = notebook.cells[2].outputs
    assert output.data.keys() == {"image/png", "text/plain"}
    assert output.data["text/plain"] == "Move: level 0.5"


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        ("1 / 0", CellExecutionError, "ZeroDivisionError"),
        ("import sys; print('oh', file=sys.stderr)", ValueError, "cell 3, wrote to stderr: oh"),
    ],
)
def test_a_failing_lesson_stays_as_it_was(project, source, error, says):
    lesson = write(project, source)
    before = lesson.read_bytes()
    with pytest.raises(error, match=says):
        run()
    assert lesson.read_bytes() == before


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ("source: the full MNIST", "source: 5,000 digits", "digits'; expected the full MNIST"),
        ("epoch 1", "going on from a/last.pt", "'going on from a/last.pt'; expected a training"),
    ],
)
def test_results_that_are_worth_less_replace_no_others(project, before, now, says):
    path = write(project, f"print({now!r})")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].outputs = [new_output("stream", text=before)]
    nbformat.write(notebook, path)
    whole = path.read_bytes()
    with pytest.raises(ValueError, match=f"01_test.ipynb, cell 3, .*{says}.* --anyway"):
        run()
    assert path.read_bytes() == whole and not (project / "notebooks" / "images").exists()
    assert run(anyway=True) == 0
    assert now in path.read_text()


def test_the_gallery_is_chosen_by_its_name(project, capsys):
    lesson, gallery = write(project), write(project, name="gallery.ipynb")
    write(project, name="experiment.ipynb")
    before = lesson.read_bytes()
    assert run("gallery") == 0
    assert capsys.readouterr().out.startswith("gallery  Test … ")
    assert nbformat.read(gallery, as_version=4).cells[1].outputs
    assert (project / "notebooks" / "images" / "gallery.png").exists()
    assert lesson.read_bytes() == before
    everything = argparse.Namespace(lessons=None, anyway=False)
    assert refresh.refresh(everything) == 0
    assert lesson.read_bytes() != before
