"""Renew what the lessons store: small outputs of a run in place, and their opening pictures."""

import argparse
import base64

from ae_helpers.course.execute import title_of
from ae_helpers.course.saving import lasting
from ae_helpers.course.series import choose_lessons, experiment, find_lessons, gallery, number_of
from ae_helpers.files import replacing


def refresh(args: argparse.Namespace) -> int:
    """Execute lessons and the gallery, and store their outputs; return the exit status.

    What would differ from machine to machine, or not be seen without a kernel, is left out:
    times of execution, the state of widgets, the version of Python. The picture of the cell tagged
    ``hero`` becomes ``notebooks/images/NN.png``, which opens the lesson.

    Raises:
        ValueError: no lesson has that number, or a cell wrote to stderr.
        nbclient.exceptions.CellExecutionError: a cell failed; the stored lesson stays as it was.
    """
    import nbformat
    from nbclient import NotebookClient

    for lesson in choose_lessons([*find_lessons(), gallery(), experiment()], args.lessons):
        notebook = nbformat.read(lesson, as_version=4)
        print(f"{number_of(lesson)}  {title_of(notebook)} … ", end="", flush=True)
        NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=None,
            coalesce_streams=True,
            extra_arguments=["--log-level=CRITICAL"],
            resources={"metadata": {"path": str(lesson.parent)}},
        ).execute()
        for number, cell in enumerate(lasting(notebook).cells, start=1):
            cell.metadata.pop("execution", None)
            for output in cell.get("outputs", []):
                if output.get("name") == "stderr":
                    raise ValueError(
                        f"{lesson.name}, cell {number}, wrote to stderr: {output.text}"
                    )
                if "hero" in cell.metadata.get("tags", []) and "image/png" in output.get(
                    "data", {}
                ):
                    with replacing(lesson.parent / "images" / f"{number_of(lesson)}.png") as part:
                        part.write_bytes(base64.b64decode(output.data["image/png"]))
        text = nbformat.writes(notebook) + "\n"
        with replacing(lesson) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
        print(f"{len(text) / 1000:.0f} kB", flush=True)
    return 0
