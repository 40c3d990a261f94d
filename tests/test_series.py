"""The series in JupyterLab and without a browser, on tiny lessons made here."""

import argparse
import shlex
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ae_helpers import series

DRAW = """from IPython.display import display
import base64
png = base64.b64decode("iVBORw0KGgo=")
display({"image/png": png}, raw=True, metadata={"image/png": {"alt": 'A "seven"'}})"""


def write_lesson(project, name, *cells):
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
    monkeypatch.setattr(series, "PROJECT", folder)
    write_lesson(
        folder,
        "01_train.ipynb",
        new_markdown_cell("# Train & see"),
        tagged("parameters", "epochs = 15\nlearning_rate = 1e-2"),
        tagged("index-error", "import os\nprint('error after', epochs, '<', type(epochs))"),
        tagged("index-picture", DRAW),
        new_code_cell("open('made_here.txt', 'w').close()"),
    )
    write_lesson(
        folder,
        "02_fail.ipynb",
        new_markdown_cell("# Fail"),
        tagged("parameters", "seed = 0"),
        new_code_cell("if seed > 0:\n    raise ValueError(f'one\\ntwo\\nthree <{seed}>')"),
    )
    return folder


def run(*words):
    parser = argparse.ArgumentParser()
    series.add_run_arguments(parser)
    return series.run(parser.parse_args(words))


def test_run_writes_notebooks_pages_and_an_index(project, capsys, monkeypatch):
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


def test_run_reports_a_failing_lesson_and_goes_on(project, capsys):
    assert run("-p", "seed", "7", "--lessons", "2", "01") == 1
    out = capsys.readouterr().out
    assert "01  Train & see" in out and "02  Fail" in out
    assert "cell [3]: ValueError: one\n    two\n    three <7>" in out  # papermill adds a cell
    assert "1 ok, 1 FAILED" in out
    (folder,) = (project / "runs").iterdir()
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "FAILED" in page and "three &lt;7&gt;" in page
    failed = nbformat.read(folder / "02_fail.ipynb", as_version=4)
    assert any(o.output_type == "error" for cell in failed.cells for o in cell.get("outputs", []))
    assert (folder / "02_fail.html").exists()


def test_run_reports_a_kernel_that_dies(project, capsys):
    write_lesson(project, "03_die.ipynb", new_code_cell("import os; os._exit(1)"))
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
def test_run_refuses_before_it_starts(project, capsys, words, message):
    assert run(*words) == 2
    captured = capsys.readouterr()
    assert message in captured.err and not captured.out
    assert not (project / "runs").exists()


def test_run_refuses_a_folder_that_it_cannot_make(project, capsys):
    (project / "taken").touch()
    assert run("--output", str(project / "taken" / "out")) == 2
    captured = capsys.readouterr()
    assert "taken" in captured.err and "01  " not in captured.out


def test_parameters_reach_only_the_lessons_that_have_them(project):
    lessons = series.find_lessons()
    shared = series.share_out([("seed", "5"), ("learning_rate", "1e-3")], lessons)
    assert list(shared.values()) == [{"learning_rate": 0.001}, {"seed": 5}]


@pytest.mark.parametrize("command", ["lab", "play", "run"])
def test_without_lessons(tmp_path, monkeypatch, capsys, command):
    monkeypatch.setattr(series, "PROJECT", tmp_path)
    parser = argparse.ArgumentParser()
    getattr(series, f"add_{command}_arguments")(parser)
    assert getattr(series, command)(parser.parse_args([])) == 2
    assert "there are no lessons in" in capsys.readouterr().err


def lab_command(words="", environ=None, platform="linux", is_root=False):
    parser = argparse.ArgumentParser()
    series.add_lab_arguments(parser)
    args = parser.parse_args(shlex.split(words))
    return series.lab_command(args, environ or {}, platform, is_root)


def test_lab_opens_the_first_lesson(project):
    command = lab_command(environ={"DISPLAY": ":0"})
    assert command == [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={project}",
        "--LabApp.default_url=/lab/tree/notebooks/01_train.ipynb",
    ]


@pytest.mark.parametrize(
    ("platform", "environ", "opens"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": ":10", "SSH_CONNECTION": "a b c d"}, False),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "a b c d"}, False),
        ("win32", {}, True),
    ],
)
def test_lab_opens_a_browser_only_where_there_is_a_display(project, platform, environ, opens):
    assert ("--no-browser" not in lab_command("", environ, platform)) == opens


def test_lab_options(project):
    assert "--allow-root" not in lab_command()
    assert "--allow-root" in lab_command(is_root=True)
    command = lab_command("--ip 0.0.0.0 --port 9000 --no-browser", platform="darwin")
    assert command[-3:] == ["--no-browser", "--ServerApp.ip=0.0.0.0", "--ServerApp.port=9000"]


def play_command(words="", environ=None, platform="linux"):
    parser = argparse.ArgumentParser()
    series.add_play_arguments(parser)
    return series.play_command(parser.parse_args(shlex.split(words)), environ or {}, platform)


def test_play_serves_the_gallery_to_this_computer_only(project):
    command = play_command(environ={"DISPLAY": ":0"})
    gallery = str(project / "notebooks" / "gallery.ipynb")
    assert command[:4] == [sys.executable, "-m", "voila", gallery]
    assert "--Voila.auto_token=True" in command and "--theme=light" in command
    assert not any("ip=" in word or "port=" in word for word in command)  # as Voilà chooses them
    assert "--no-browser" not in command
    assert "--no-browser" in play_command()


def test_play_options(project):
    command = play_command("--port 9000 --no-browser --theme dark", platform="darwin")
    assert {"--port=9000", "--no-browser", "--theme=dark"} <= set(command)
    with pytest.raises(SystemExit):
        play_command("--theme pink")


def test_play_says_what_it_does_and_starts_it(project, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(series.subprocess, "call", lambda words: started.append(words) or 0)
    monkeypatch.setattr(series.sys, "platform", "win32")
    parser = argparse.ArgumentParser()
    series.add_play_arguments(parser)
    assert series.play(parser.parse_args(["--no-browser"])) == 0
    assert started[0][1:3] == ["-m", "voila"]
    assert "the gallery of all explorers: open the address" in capsys.readouterr().out


def test_lab_says_what_it_does_and_starts_it(project, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(series.os, "execv", lambda *words: started.append(words), raising=False)
    monkeypatch.setattr(series.subprocess, "call", lambda words: started.append(words) or 0)
    parser = argparse.ArgumentParser()
    series.add_lab_arguments(parser)
    monkeypatch.setattr(series.sys, "platform", "win32")
    assert series.lab(parser.parse_args(["--no-browser"])) == 0
    assert started[0][1:3] == ["-m", "jupyterlab"]
    assert "open the address printed below" in capsys.readouterr().out
    monkeypatch.setattr(series.sys, "platform", "linux")
    series.lab(parser.parse_args([]))
    assert started[1][0] == sys.executable and started[1][1][1:3] == ["-m", "jupyterlab"]
