"""One line that is rewritten: in a log, in a terminal, in a notebook."""

import sys
import types

import pytest

from ae_helpers.training import progress
from ae_helpers.training.progress import Progress, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (9.4, "0:09"), (59.6, "1:00"), (75, "1:15"), (3_725, "62:05")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.fixture
def clock(monkeypatch):
    """The time in seconds, which stands still unless a test moves it."""
    now = types.SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now.seconds)
    return now


def show(say, clock):
    """An epoch's worth of calls: two updates come too soon after another."""
    for step, pause in enumerate((1, 0.1, 0.15, 0.2)):
        clock.seconds += pause
        say.update(f"step {step} of 4, a long line" if step == 0 else f"step {step}")
    say.finish("epoch 1")
    say.finish("epoch 2")


def test_a_log_gets_the_finished_lines(clock, capsys):
    show(Progress(), clock)
    assert capsys.readouterr().out == "epoch 1\nepoch 2\n"


def test_a_terminal_has_its_line_overwritten(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show(Progress(), clock)
    first, second, third, end, last = capsys.readouterr().out.split("\r")[1:]
    assert first == "step 0 of 4, a long line"
    assert second == "step 2".ljust(len(first))  # blanks wipe out the longer line
    assert third == "step 3"
    assert (end, last) == ("epoch 1\n", "epoch 2\n")


class Display:
    """What IPython's ``display(…, display_id=True)`` gives back."""

    def __init__(self, first):
        self.shown = [repr(first)]

    def update(self, text):
        self.shown.append(repr(text))


@pytest.fixture
def notebook(monkeypatch):
    """A notebook's kernel, as far as ``Progress`` looks; collects what is displayed."""
    displays = []

    def display(thing, display_id):
        assert display_id is True
        displays.append(Display(thing))
        return displays[-1]

    fake = types.SimpleNamespace(
        get_ipython=lambda: types.SimpleNamespace(kernel=object()),
        display=types.SimpleNamespace(display=display),
    )
    monkeypatch.setitem(sys.modules, "IPython", fake)
    return displays


def test_a_notebook_has_one_output_that_is_updated(clock, capsys, notebook):
    show(Progress(), clock)
    (output,) = notebook
    assert output.shown == [
        *("", "step 0 of 4, a long line", "step 2", "step 3"),
        *("epoch 1", "epoch 1\nepoch 2"),
    ]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("where", ["log", "terminal", "notebook"])
def test_silent(clock, capsys, monkeypatch, request, where):
    displays = request.getfixturevalue("notebook") if where == "notebook" else []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: where == "terminal")
    show(Progress(silent=True), clock)
    assert capsys.readouterr().out == "" and displays == []


def test_ipython_without_a_notebook_is_a_terminal(monkeypatch):
    for shell in (None, object()):
        fake = types.SimpleNamespace(get_ipython=lambda shell=shell: shell, display=None)
        monkeypatch.setitem(sys.modules, "IPython", fake)
        assert progress._notebook_handle() is None
    monkeypatch.delitem(sys.modules, "IPython")
    assert progress._notebook_handle() is None
