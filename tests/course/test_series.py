"""The series in JupyterLab and Voilà, on tiny lessons."""

import argparse
import shlex
import sys

import pytest

from ae_helpers import files
from ae_helpers.course import execute, series


def parse(command, words="", module=series):
    parser = argparse.ArgumentParser()
    getattr(module, f"add_{command}_arguments")(parser)
    return parser.parse_args(shlex.split(words))


def test_parameters_reach_only_the_lessons_that_have_them(project):
    lessons = series.find_lessons()
    shared = series.share_out([("seed", "5"), ("learning_rate", "1e-3")], lessons)
    assert list(shared.values()) == [{"learning_rate": 0.001}, {"seed": 5}]


@pytest.mark.parametrize(
    ("module", "command"), [(series, "lab"), (series, "play"), (execute, "execute")]
)
def test_without_lessons(tmp_path, monkeypatch, capsys, module, command):
    monkeypatch.setattr(series, "PROJECT", tmp_path)
    assert getattr(module, command)(parse(command, module=module)) == 2
    assert "there are no lessons in" in capsys.readouterr().err


def lab_command(words="", environ=None, platform="linux", is_root=False):
    return series.lab_command(parse("lab", words), environ or {}, platform, is_root)


def test_lab_opens_the_first_lesson(project):
    command = lab_command(environ={"DISPLAY": ":0"})
    assert command == [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={project}",
        "--LabApp.default_url=/lab/tree/notebooks/01_train.ipynb",
        "--ServerApp.jpserver_extensions=ae_helpers.course.saving=True",
        "--ServerApp.session_manager_class=ae_helpers.course.sessions.Sessions",
        f"--LabApp.app_settings_dir={series.SETTINGS}",
    ]


def opened():
    return next(word for word in lab_command() if "default_url" in word).rpartition("/")[2]


def test_lab_opens_the_lesson_that_was_open_last(project):
    lessons = series.find_lessons()
    series.remember(lessons[1])
    assert opened() == "02_fail.ipynb"
    series.remember(series.gallery())  # is no lesson
    series.remember(project / "elsewhere" / "01_train.ipynb")
    assert opened() == "02_fail.ipynb"
    lessons[1].unlink()
    assert opened() == "01_train.ipynb"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"../../x.ipynb", b"03_gone.ipynb\n", None])
def test_lab_opens_the_first_lesson_where_the_last_is_unknown(project, content):
    file = project / series.LAST
    file.write_bytes(content) if content is not None else file.mkdir()
    assert opened() == "01_train.ipynb"
    series.remember(series.find_lessons()[1])  # a folder can't be replaced by a file: nobody cares


def test_a_lesson_is_remembered_where_the_project_is_read_only(project, tmp_path, monkeypatch):
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    monkeypatch.setattr(files.platformdirs, "user_cache_path", lambda name: tmp_path / name)
    series.remember(series.find_lessons()[1])
    assert opened() == "02_fail.ipynb" and not (project / series.LAST).exists()


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
    return series.play_command(parse("play", words), environ or {}, platform)


def test_play_serves_the_gallery_to_this_computer_only(project):
    command = play_command(environ={"DISPLAY": ":0"})
    gallery = str(project / "notebooks" / "gallery.ipynb")
    assert command[:4] == [sys.executable, "-m", "voila", gallery]
    assert "--Voila.auto_token=True" in command and "--theme=light" in command
    assert "--VoilaConfiguration.progressive_rendering=True" in command
    assert not any("ip=" in word or "port=" in word for word in command)  # as Voilà chooses them
    assert "--no-browser" not in command
    assert "--no-browser" in play_command()


def test_play_options(project):
    command = play_command("--port 9000 --no-browser --theme dark", platform="darwin")
    assert {"--port=9000", "--no-browser", "--theme=dark"} <= set(command)
    with pytest.raises(SystemExit):
        play_command("--theme pink")


@pytest.mark.parametrize(
    ("command", "module", "says"),
    [
        ("play", "voila", "the gallery of all explorers: open the address"),
        ("lab", "jupyterlab", "open the address printed below"),
    ],
)
def test_it_says_what_it_does_and_starts_it(project, monkeypatch, capsys, command, module, says):
    started = []
    monkeypatch.setattr(series.subprocess, "call", lambda words: started.append(words) or 0)
    monkeypatch.setattr(series.sys, "platform", "win32")
    assert getattr(series, command)(parse(command, "--no-browser")) == 0
    assert started[0][1:3] == ["-m", module]
    assert says in capsys.readouterr().out


def test_lab_takes_the_place_of_this_process(project, monkeypatch):
    started = []
    monkeypatch.setattr(series.os, "execv", lambda *words: started.append(words), raising=False)
    monkeypatch.setattr(series.sys, "platform", "linux")
    series.lab(parse("lab"))
    assert started[0][0] == sys.executable and started[0][1][1:3] == ["-m", "jupyterlab"]
