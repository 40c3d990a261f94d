"""A grid of experiments, on a tiny experiment made here: failures, a kill, the table."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell

from ae_helpers import plots
from ae_helpers.course import sweep

PROJECT = Path(__file__).parents[2]
CELLS = [
    ("parameters", "rate = 0.1\nseed = 0\nname = None"),
    (None, "if rate > 1:\n    raise ValueError(f'rate={rate} is too large')"),
    ("result", 'print(\'{"test error": %s, "from": "%s"}\' % (rate / (1 + seed), type(name)))'),
]


@pytest.fixture
def project(project, write_lesson):
    """The project of two lessons, with an experiment that needs no torch."""
    cells = [new_code_cell(text, metadata={"tags": [tag] if tag else []}) for tag, text in CELLS]
    write_lesson("experiment.ipynb", *cells)
    return project


def run(*words):
    parser = argparse.ArgumentParser()
    sweep.add_sweep_arguments(parser)
    return sweep.sweep(parser.parse_args(words))


@pytest.mark.verify
def test_a_failing_run_stops_no_other_and_alone_runs_again(project, capsys):
    folder = project / "out"
    words = ["-p", "rate", "0.2", "2", "-p", "seed", "0", "1", "--output", str(folder)]
    assert run(*words) == 1
    out = capsys.readouterr().out
    assert "4 runs, 0 of them finished before" in out and "2 ok, 2 FAILED" in out
    assert "rate=2,seed=1: error ValueError: rate=2 is too large" in out
    table = pd.read_csv(folder / "results.csv")
    assert table[["rate", "seed"]].values.tolist() == [[0.2, 0], [0.2, 1], [2, 0], [2, 1]]
    assert table["test error"].tolist()[:2] == [0.2, 0.1] and table["test error"].isna().sum() == 2
    assert table["error"].isna().tolist() == [True, True, False, False]
    assert (folder / "results.png").read_bytes().startswith(b"\x89PNG")

    finished = folder / "rate=0.2,seed=0.ipynb"
    before = finished.read_bytes()
    assert run("-p", "rate", "0.2", "-p", "seed", "0", "3", "--output", str(folder)) == 0
    out = capsys.readouterr().out
    assert "2 runs, 1 of them finished before" in out and "2 ok, 0 FAILED" in out
    assert finished.read_bytes() == before


def test_a_result_is_only_that_of_a_whole_run(project):
    path = project / "run.ipynb"
    assert sweep.read_result(path) == {"error": "not run"}
    path.write_bytes((project / "notebooks" / "experiment.ipynb").read_bytes())
    assert sweep.read_result(path) == {"error": "it didn't come to its end"}


def test_all_combinations(project):
    grid = [["rate", "1e-3", "1"], ["name", "None", "batch"], ["seed", "7"]]
    assert sweep.combinations(grid, sweep.experiment()) == [
        {"rate": 0.001, "name": None, "seed": 7},
        {"rate": 0.001, "name": "batch", "seed": 7},
        {"rate": 1, "name": None, "seed": 7},
        {"rate": 1, "name": "batch", "seed": 7},
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-p", "rat", "1"], "parameter 'rat'. Did you mean rate?"),
        (["-p", "rate"], "-p rate has no values; expected some"),
        (["-p", "rate", "1", "-p", "rate", "2"], "-p rate is given twice"),
        (["-p", "rate", "1", "--processes", "0"], "--processes 0; expected at least 1"),
    ],
)
def test_wrong_arguments(project, words, message):
    with pytest.raises(ValueError) as raised:
        run(*words, "--output", str(project / "out"))
    assert message in str(raised.value)
    assert not (project / "out").exists()


def test_a_folder_that_cannot_be_made(project):
    (project / "taken").touch()
    with pytest.raises(OSError, match="taken"):
        run("-p", "rate", "1", "--output", str(project / "taken" / "out"))


SWEEP = """
import sys
from pathlib import Path
from ae_helpers import __main__
from ae_helpers.course import series
series.PROJECT = Path(sys.argv[1])
sys.exit(__main__.main(sys.argv[2:]))
"""


@pytest.mark.verify
@pytest.mark.skipif(sys.platform == "win32", reason="kills a group of processes")
def test_a_killed_sweep_goes_on(project, tmp_path):
    """Kill -9 to the sweep and all that it has started, after two of six runs."""
    folder = tmp_path / "out"
    rates = ["0.1", "0.2", "2"]  # the last fails, twice
    words = ["sweep", "-p", "rate", *rates, "-p", "seed", "0", "1", "--output", str(folder)]
    command = [sys.executable, "-c", SWEEP, str(project), *words]
    options = {"cwd": PROJECT, "stdout": subprocess.PIPE, "text": True}
    killed = subprocess.Popen(command, start_new_session=True, **options)
    while len(list(folder.glob("[!.]*.ipynb"))) < 2:
        assert killed.poll() is None
        time.sleep(0.1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    finished = [path for path in folder.glob("[!.]*.ipynb") if "rate=2" not in path.name]
    times = [path.stat().st_mtime_ns for path in finished]

    done = subprocess.run(command, **options)
    assert done.returncode == 1
    assert len(finished) >= 2
    assert f"6 runs, {len(finished)} of them finished before" in done.stdout
    assert "4 ok, 2 FAILED" in done.stdout
    assert [path.stat().st_mtime_ns for path in finished] == times
    table = pd.read_csv(folder / "results.csv")
    assert len(table) == 6 and table["test error"].notna().sum() == 4
    assert (folder / "results.png").exists()


def test_another_notebook(project, write_lesson, capsys):
    """And paths among its settings are those of whoever typed them."""
    (project / "here.txt").write_text("0.25")
    cells = [
        ("parameters", "path = None"),
        ("result", "print('{\"test error\": %s}' % open(path).read())"),
    ]
    made = [new_code_cell(text, metadata={"tags": [tag]}) for tag, text in cells]
    write_lesson("other.ipynb", *made)
    notebook = project / "notebooks" / "other.ipynb"
    before = os.getcwd()
    os.chdir(project)
    try:
        words = ["--notebook", str(notebook), "--output", "out", "-p", "path", "here.txt"]
        assert run(*words) == 0
        with pytest.raises(FileNotFoundError, match="none.ipynb isn't a file"):
            run("-p", "path", "a", "--notebook", "none.ipynb")
    finally:
        os.chdir(before)
    table = pd.read_csv(project / "out" / "results.csv")
    assert table.values.tolist() == [["here.txt", 0.25]]


@pytest.mark.parametrize("other, shown", [(0.07, {"mean image": 0.07}), (0.06, {})])
def test_the_picture_has_the_sticks_that_all_runs_share(other, shown, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(plots, "seeds", lambda *given: seen.extend(given))
    monkeypatch.setattr(plots, "png", lambda figure: b"")
    rates = {"a": 0.1, "b": 0.1, "c": 0.2}
    plan = {
        name: {"rate": rate, "epochs": 6, "seed": seed}
        for seed, (name, rate) in enumerate(rates.items())
    }
    results = {"a": {"test error": 0.05, "mean image": 0.07, "seconds": 1.0}}
    results |= {"b": {"test error": 0.04, "mean image": other, "seconds": 2.0}}
    results |= {"c": {"error": "not run"}}
    sweep._write_plot(tmp_path, plan, results)
    assert seen == [{"rate 0.1": [0.05, 0.04]}, shown]
