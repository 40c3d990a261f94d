"""The lessons executed without a browser, on tiny ones."""

import argparse

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from ae_helpers.course import execute


def run(*words):
    parser = argparse.ArgumentParser()
    execute.add_execute_arguments(parser)
    return execute.execute(parser.parse_args(words))


def test_execute_writes_notebooks_pages_and_an_index(project, capsys, monkeypatch):
    monkeypatch.chdir(project.parent)  # not where the notebooks are
    assert run("-p", "epochs", "3", "--output", "out") == 0
    out = project.parent / "out"
    names = ["01_train.html", "01_train.ipynb", "02_fail.html", "02_fail.ipynb", "index.html"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert (project / "notebooks" / "made_here.txt").exists()

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("01  Train & see … ") and lines[1].endswith(" s  ok")
    assert lines[2].startswith("02  Fail … ") and lines[2].endswith(" s  ok")

    page = (out / "index.html").read_text(encoding="utf-8")
    assert "color-scheme: light dark" in page
    assert '<a href="01_train.html">Train &amp; see</a>' in page
    assert "epochs = 3" in page and " min" in page
    assert "error after 3 &lt; &lt;class" in page and "int" in page  # 3, not "3"
    assert '<img alt="A &quot;seven&quot;" src="data:image/png;base64,iVBORw0KGgo=">' in page
    lesson = (out / "01_train.html").read_text(encoding="utf-8")
    assert "Train &amp; see" in lesson and "alt='A \"seven\"'" in lesson


def test_execute_reports_a_failing_lesson_and_goes_on(project, capsys):
    assert run("-p", "seed", "7", "--lessons", "2", "01") == 1
    out = capsys.readouterr().out
    assert "01  Train & see" in out and "02  Fail" in out
    assert "cell [3]: ValueError: one\n    two\n    three <7>" in out  # papermill adds a cell
    assert "1 ok, 1 FAILED" in out
    (folder,) = (project / "executed").iterdir()
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "FAILED" in page and "three &lt;7&gt;" in page
    failed = nbformat.read(folder / "02_fail.ipynb", as_version=4)
    assert any(o.output_type == "error" for cell in failed.cells for o in cell.get("outputs", []))
    assert (folder / "02_fail.html").exists()


def test_execute_reports_a_kernel_that_dies(write_lesson, capsys):
    write_lesson("03_die.ipynb", new_code_cell("import os; os._exit(1)"))
    assert run("--lessons", "3") == 1
    out = capsys.readouterr().out
    assert "03  Untitled" in out and "FAILED" in out and "the kernel died" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["-p", "epoch", "3"],
            "no lesson has a parameter 'epoch'. Did you mean epochs? "
            "There are: epochs, learning_rate, seed",
        ),
        (["-p", "xyz", "3"], "no lesson has a parameter 'xyz'. There are: epochs"),
        (["--lessons", "1", "-p", "seed", "3"], "'seed'. There are: epochs, learning_rate"),
        (["--lessons", "07"], "no lesson 07: there are 01, 02"),
    ],
)
def test_execute_refuses_before_it_starts(project, capsys, words, message):
    assert run(*words) == 2
    captured = capsys.readouterr()
    assert message in captured.err and not captured.out
    assert not (project / "executed").exists()


def test_execute_refuses_a_folder_that_it_cannot_make(project, capsys):
    (project / "taken").touch()
    assert run("--output", str(project / "taken" / "out")) == 2
    captured = capsys.readouterr()
    assert "taken" in captured.err and "01  " not in captured.out
