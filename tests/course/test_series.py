"""The series in JupyterLab and Voilà, on tiny lessons."""

import argparse
import shlex
import sys

import pytest

from ae_helpers.course import execute, series


def test_parameters_reach_only_the_lessons_that_have_them(project):
    lessons = series.find_lessons()
    shared = series.share_out([("seed", "5"), ("learning_rate", "1e-3")], lessons)
    assert list(shared.values()) == [{"learning_rate": 0.001}, {"seed": 5}]


@pytest.mark.parametrize(
    ("module", "command"), [(series, "lab"), (series, "play"), (execute, "execute")]
)
def test_without_lessons(tmp_path, monkeypatch, capsys, module, command):
    monkeypatch.setattr(series, "PROJECT", tmp_path)
    parser = argparse.ArgumentParser()
    getattr(module, f"add_{command}_arguments")(parser)
    assert getattr(module, command)(parser.parse_args([])) == 2
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
        "--ServerApp.jpserver_extensions=ae_helpers.course.saving=True",
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
