"""A grid of experiments: one notebook, run by papermill for each combination of parameters."""

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ae_helpers.course.series import experiment, share_out
from ae_helpers.files import replacing

if TYPE_CHECKING:
    import pandas as pd

Rows = dict[str, dict[str, Any]]  # by the name of a run's file


def add_sweep_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach ``parser`` the options of `sweep`."""
    parser.add_argument(
        "-p",
        dest="grid",
        nargs="+",
        action="append",
        required=True,
        metavar=("NAME", "VALUE"),
        help="a parameter of the notebook and the values to try; may be repeated: all combinations "
        "are run (-p learning_rate 1e-3 1e-2 -p seed 0 1 2)",
    )
    parser.add_argument(
        "--notebook",
        type=Path,
        metavar="FILE",
        help="another than notebooks/experiment.ipynb, with a cell tagged parameters, and one "
        'tagged result that prints JSON with a "test error"',
    )
    parser.add_argument(
        "--processes", type=int, default=2, help="how many at once (default: %(default)s)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("runs/sweep"),
        metavar="DIR",
        help="where to write; what is finished there isn't run again (default: %(default)s)",
    )


def sweep(args: argparse.Namespace) -> int:
    """Run all combinations, several at once; write ``results.csv`` and ``results.png``.

    A run that fails doesn't stop the others. A sweep that was stopped or killed goes on: only runs
    without a result are started again. Each run is a notebook in the folder, to be opened and read.

    Returns:
        The exit status: 0, or 1 if a run failed.

    Raises:
        ValueError: no such parameter, a parameter without values or given twice, ``--processes``
            below 1.
        FileNotFoundError: no such notebook.
        OSError: the folder can't be written.
    """
    if args.processes < 1:
        raise ValueError(f"--processes {args.processes}; expected at least 1, 2 by default.")
    folder, started = args.output.resolve(), time.monotonic()
    notebook = (args.notebook or experiment()).resolve()
    if not notebook.is_file():
        raise FileNotFoundError(f"{notebook} isn't a file; expected a notebook. Correct the path.")
    plan = {_file_name(settings): settings for settings in combinations(args.grid, notebook)}
    results = {name: read_result(folder / name) for name in plan}
    to_do = [name for name, result in results.items() if "error" in result]
    print(f"{len(plan)} runs, {len(plan) - len(to_do)} of them finished before, into {folder}")
    # At once, to find out whether the folder can be written.
    table = _write_table(folder, plan, results)
    with ThreadPoolExecutor(args.processes) as pool:
        try:
            runs = {}
            for name in to_do:
                runs[pool.submit(_run, notebook, folder / name, plan[name], args.processes)] = name
            for number, run in enumerate(as_completed(runs), start=1):
                run.result()  # raises what went wrong beside the experiment itself
                name = runs[run]
                results[name] = read_result(folder / name)
                said = ", ".join(f"{key} {value}" for key, value in results[name].items())
                seconds = time.monotonic() - started
                print(f"{number}/{len(to_do)}  {Path(name).stem}: {said}  ({seconds:.0f} s)")
                table = _write_table(folder, plan, results)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    print(table.to_string(index=False))
    _write_plot(folder, plan, results)
    failed = sum("error" in result for result in results.values())
    print(f"{len(plan) - failed} ok, {failed} FAILED: {folder / 'results.csv'}")
    return 1 if failed else 0


def combinations(grid: Sequence[Sequence[str]], notebook: Path) -> list[dict[str, object]]:
    """All combinations of the values of each parameter, which are read as papermill's -p does.

    Args:
        grid: for each parameter its name and, after it, its values.
        notebook: which has these parameters.

    Raises:
        ValueError: a parameter that the notebook doesn't have, without values, or given twice.
    """
    values: dict[str, list] = {}
    for name, *given in grid:
        if not given:
            raise ValueError(f"-p {name} has no values; expected some: -p {name} 1 2 3")
        if name in values:
            raise ValueError(f"-p {name} is given twice; expected all its values in one place.")
        values[name] = [share_out([(name, value)], [notebook])[notebook][name] for value in given]
    return [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]


def read_result(path: Path) -> dict[str, object]:
    """What an experiment prints in its cell tagged ``result``, or ``{"error": why there is none}``.

    Args:
        path: a notebook that papermill has executed.
    """
    if not path.exists():
        return {"error": "not run"}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                return {"error": f"{output['ename']}: {output['evalue']}"}
            if "result" in cell["metadata"].get("tags", []):
                return json.loads("".join(output["text"]))
    return {"error": "it didn't come to its end"}


def _file_name(settings: dict[str, object]) -> str:
    text = ",".join(f"{name}={value}" for name, value in settings.items())
    return re.sub(r"[^\w.,=+-]", "_", text) + ".ipynb"


def _run(notebook: Path, path: Path, settings: dict[str, object], processes: int) -> None:
    """Execute the notebook into ``path``; an error in it is in the notebook, and not raised."""
    import joblib

    with replacing(path) as part:
        command = [sys.executable, "-m", "papermill", str(notebook), str(part)]
        # Paths among the settings are those of whoever typed them.
        command += ["--cwd", os.getcwd(), "--no-progress-bar", "--log-level", "ERROR"]
        command += ["--parameters_yaml", json.dumps(settings)]  # JSON is YAML
        threads = str(max(1, joblib.cpu_count() // processes))
        done = subprocess.run(
            command,
            env={"OMP_NUM_THREADS": threads, **os.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if not part.exists():
            raise OSError(f"papermill wrote nothing: {done.stderr.strip()[-500:]}")


def _write_table(folder: Path, plan: Rows, results: Rows) -> "pd.DataFrame":
    import pandas as pd

    table = pd.DataFrame([settings | results[name] for name, settings in plan.items()])
    with replacing(folder / "results.csv") as part:
        table.to_csv(part, index=False)
    return table


def _write_plot(folder: Path, plan: Rows, results: Rows) -> None:
    """A line for each combination of what varies but the seed, a dot for each seed, and sticks."""
    from ae_helpers import plots

    all_settings = plan.values()
    varied = [
        key
        for key in next(iter(all_settings))
        if key != "seed" and len({repr(settings[key]) for settings in all_settings}) > 1
    ]
    lines: dict[str, list[float]] = {}
    sticks: dict[str, set[float]] = {}
    for name, settings in plan.items():
        if "error" not in results[name]:
            for key, value in results[name].items():
                if key == "mean image" or key.startswith("PCA-"):
                    sticks.setdefault(key, set()).add(value)
            line = ", ".join(f"{key} {settings[key]}" for key in varied) or "all"
            lines.setdefault(line, []).append(results[name]["test error"])
    if lines:
        with replacing(folder / "results.png") as part:
            # Runs on other images have other sticks, and there is no line for all.
            shared = {key: values.pop() for key, values in sticks.items() if len(values) == 1}
            part.write_bytes(plots.png(plots.seeds(lines, shared)))
