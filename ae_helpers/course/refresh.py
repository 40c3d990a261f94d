"""Renew what the lessons store: small outputs of a walk through them, and their first pictures."""

import argparse
import base64
import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ae_helpers.course.execute import title_of
from ae_helpers.course.saving import lasting
from ae_helpers.course.series import (
    add_lesson_choice,
    choose_lessons,
    experiment,
    find_lessons,
    gallery,
    number_of,
)
from ae_helpers.files import own_folder, replacing

if TYPE_CHECKING:
    from nbformat import NotebookNode

FULL, RESUMED = "the full MNIST", "going on from"  # what cells print, see `load` and `fit`


def add_refresh_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach ``parser`` the options of `refresh`."""
    add_lesson_choice(parser)
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="store results of the sample in place of full MNIST's, and what an earlier run began",
    )


def refresh(args: argparse.Namespace) -> int:
    """Execute lessons and the gallery, and store their outputs; return the exit status.

    What would differ from machine to machine, or not be seen without a kernel, is left out:
    times of execution, the state of widgets, the version of Python. The picture of the cell tagged
    ``hero`` becomes ``notebooks/images/NN.png``, which opens the lesson.

    Raises:
        ValueError: no lesson has that number, a cell wrote to stderr, or its outputs are worth less
            than those that are stored.
        nbclient.exceptions.CellExecutionError: a cell failed; the stored lesson stays as it was.
    """
    import nbformat
    from nbclient import NotebookClient

    for lesson in choose_lessons([*find_lessons(), gallery(), experiment()], args.lessons):
        stored = nbformat.read(lesson, as_version=4)
        notebook = copy.deepcopy(stored)
        print(f"{number_of(lesson)}  {title_of(notebook)} … ", end="", flush=True)
        NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=None,
            coalesce_streams=True,
            extra_arguments=["--log-level=CRITICAL"],
            resources={"metadata": {"path": str(lesson.parent)}},
        ).execute()
        cells = lasting(notebook).cells
        for number, (cell, before) in enumerate(zip(cells, stored.cells, strict=True), start=1):
            cell.metadata.pop("execution", None)
            problem = _objection(cell.get("outputs", []), before.get("outputs", []), args.anyway)
            if problem:
                raise ValueError(f"{lesson.name}, cell {number}, {problem}")
        heroes = (cell for cell in cells if "hero" in cell.metadata.get("tags", []))
        for output in (output for cell in heroes for output in cell.outputs):
            if "image/png" in output.get("data", {}):
                with replacing(lesson.parent / "images" / f"{number_of(lesson)}.png") as part:
                    part.write_bytes(base64.b64decode(output.data["image/png"]))
        text = nbformat.writes(notebook) + "\n"
        with replacing(lesson) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
        print(f"{len(text) / 1000:.0f} kB", flush=True)
    return 0


def _objection(
    outputs: Sequence["NotebookNode"], stored: Sequence["NotebookNode"], anyway: bool
) -> str:
    """Why the outputs of a cell may not replace those that are stored, or nothing."""
    for output in outputs:
        if output.get("name") == "stderr":
            return f"wrote to stderr: {output.text}"
    now, before = (
        "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in each)
        for each in (outputs, stored)
    )
    if not anyway and FULL in before and FULL not in now:
        return (
            f"found {now.strip()!r}; expected {FULL}, of which the stored outputs are. Set "
            "AE_DATA_DIR to a folder that holds MNIST/raw, or store the others with --anyway."
        )
    if not anyway and RESUMED in now and RESUMED not in before:
        said = now[now.index(RESUMED) :].splitlines()[0]
        return (
            f"says {said!r}; expected a training from its start, as is stored. Delete "
            f"{own_folder('checkpoints')}, or store it so with --anyway."
        )
    return ""
