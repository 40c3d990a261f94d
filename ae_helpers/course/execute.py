"""The lessons executed without a browser: one after the other, with an index page."""

import argparse
import html
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ae_helpers.course.saving import lasting
from ae_helpers.course.series import (
    add_lesson_choice,
    choose_lessons,
    find_lessons,
    refuse,
    share_out,
)
from ae_helpers.files import PROJECT, replacing

if TYPE_CHECKING:
    from nbformat import NotebookNode

STYLE = """:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
th, td { text-align: left; padding: 0.2rem 1.2rem 0.2rem 0 }
img { max-width: 100%; background: white }
pre { white-space: pre-wrap }"""


@dataclass
class Result:
    """What became of one lesson. ``error`` is empty if it ran to its end."""

    name: str
    title: str
    seconds: float
    error: str
    exhibits: list[str]  # what it shows on the index page, as HTML


def add_execute_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach ``parser`` the options of `execute`."""
    parser.add_argument(
        "-p",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a parameter in every lesson that has it; may be repeated (-p epochs 3)",
    )
    add_lesson_choice(parser)
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="default: executed/<date>_<time>"
    )


def execute(args: argparse.Namespace) -> int:
    """Execute the lessons into a folder with an index page.

    Returns the exit status: 0; 1 if a lesson failed; 2 if an argument is wrong (then nothing
    ran) or the folder cannot be written.
    """
    try:
        lessons = choose_lessons(find_lessons(), args.lessons)
        parameters = share_out(args.parameters, lessons)
    except (FileNotFoundError, ValueError) as error:
        return refuse(error)
    folder = args.output or PROJECT / "executed" / time.strftime("%Y-%m-%d_%H-%M-%S")
    folder = folder.resolve()
    results: list[Result] = []
    print(f"Executing {len(lessons)} lessons into {folder}")
    try:
        # The index comes first, to find out at once whether the folder can be written; and again
        # after every lesson, so that a series stopped half way has one.
        write_index(folder, results, args.parameters)
        for lesson in lessons:
            results.append(execute_lesson(lesson, parameters[lesson], folder))
            write_index(folder, results, args.parameters)
    except OSError as error:
        return refuse(error)
    failed = sum(bool(result.error) for result in results)
    print(f"{len(results) - failed} ok, {failed} FAILED: {folder / 'index.html'}")
    return 1 if failed else 0


def execute_lesson(lesson: Path, parameters: Mapping[str, object], folder: Path) -> Result:
    """Execute ``lesson`` into ``folder``, as notebook and as web page, with a line of progress.

    An error in the lesson, or the end of its kernel, goes into the result and is not raised: the
    notebook is written all the same, with the error in its place.

    Raises:
        OSError: the files can't be written.
    """
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from nbconvert import HTMLExporter

    title = title_of(nbformat.read(lesson, as_version=4))
    print(f"{lesson.name[:2]}  {title} … ", end="", flush=True)
    start, error = time.perf_counter(), ""
    with replacing(folder / lesson.name) as part:
        try:
            papermill.execute_notebook(
                lesson,
                part,
                parameters,
                cwd=lesson.parent,
                progress_bar=False,
                # Or each kernel warns, in the middle of the line, that it doesn't encrypt.
                extra_arguments=["--log-level=CRITICAL"],
            )
        except papermill.PapermillExecutionError as problem:
            last_lines = "\n".join(problem.evalue.splitlines()[-3:])
            error = f"cell [{problem.exec_count}]: {problem.ename}: {last_lines}"
        except DeadKernelError as problem:
            error = f"the kernel died, perhaps for want of memory: {problem}"
        notebook = lasting(nbformat.read(part, as_version=4))
        nbformat.write(notebook, part)
    seconds = time.perf_counter() - start
    # "classic" is the template that gives a picture its alternative text. The path is
    # where pictures lie that the lesson's text shows from files.
    exporter = HTMLExporter(template_name="classic", embed_images=True)
    about = {"metadata": {"name": title, "path": lesson.parent}}
    page, _ = exporter.from_notebook_node(notebook, about)
    with replacing(folder / f"{lesson.stem}.html") as part:
        part.write_text(page, encoding="utf-8")
    print(f"{seconds:.0f} s  {'FAILED' if error else 'ok'}", flush=True)
    if error:
        print("    " + error.replace("\n", "\n    "), flush=True)
    exhibits = [shown for cell in notebook.cells if (shown := _exhibit(cell))]
    return Result(lesson.stem, title, seconds, error, exhibits)


def title_of(notebook: "NotebookNode") -> str:
    """The first heading of a notebook, or "Untitled"."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    lines = (line for text in texts for line in text.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "Untitled")


def write_index(
    folder: Path, results: Sequence[Result], parameters: Sequence[tuple[str, str]]
) -> None:
    """Write ``index.html``: a table of the lessons, then their errors, pictures and figures.

    Raises:
        OSError: the file can't be written.
    """
    rows, sections = [], []
    for result in results:
        name, title = result.name, html.escape(result.title)
        rows.append(
            f'<tr><td>{name[:2]}<td><a href="{name}.html">{title}</a>'
            f'<td><a href="{name}.ipynb">notebook</a><td>{result.seconds / 60:.1f} min'
            f"<td>{'FAILED' if result.error else 'ok'}"
        )
        error = [f"<pre>{html.escape(result.error)}</pre>"] if result.error else []
        if error or result.exhibits:
            sections.append("\n".join([f"<h2>{title}</h2>", *error, *result.exhibits]))
    given = ", ".join(f"{name} = {value}" for name, value in parameters) or "defaults"
    lines = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>Sixty-Four Numbers: the lessons, executed</title><style>{STYLE}</style>",
        "<h1>The lessons, executed</h1>",
        f"<p>{time.strftime('%Y-%m-%d %H:%M')} · parameters: {html.escape(given)}",
        "<table><tr><th>No<th>Lesson<th>File<th>Time<th>Result",
        *rows,
        "</table>",
        *sections,
    ]
    with replacing(folder / "index.html") as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _exhibit(cell: "NotebookNode") -> str:
    """The picture of a cell tagged ``index-picture`` or the text of one tagged ``index-error``."""
    tags, outputs = cell.metadata.get("tags", []), cell.get("outputs", [])
    if "index-picture" in tags:
        for output in outputs:
            if png := output.get("data", {}).get("image/png"):
                alt = html.escape(output.metadata.get("image/png", {}).get("alt", ""))
                return f'<p><img alt="{alt}" src="data:image/png;base64,{png.strip()}">'
    if "index-error" in tags:
        texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
        return f"<pre>{html.escape(''.join(texts))}</pre>"
    return ""
