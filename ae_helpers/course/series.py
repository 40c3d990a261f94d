"""The lessons as a series: which there are, and how JupyterLab and Voilà serve them."""

import argparse
import contextlib
import difflib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ae_helpers.files import PROJECT, own_folder, replacing

SETTINGS = Path(__file__).parent / "settings"  # of JupyterLab (overrides.json) and of Voilà
LAST = ".last_lesson"  # a file that has the name of the lesson that was open last


def find_lessons() -> list[Path]:
    """The lessons in reading order.

    Raises:
        FileNotFoundError: the package was installed without its notebooks.
    """
    lessons = sorted((PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    if not lessons:
        raise FileNotFoundError(
            f"there are no lessons in {PROJECT / 'notebooks'}. The package alone has none: get "
            "the whole project and type in its folder: pip install --no-deps -e ."
        )
    return lessons


def gallery() -> Path:
    """The notebook that gathers all explorers, which has no number and is no lesson."""
    return PROJECT / "notebooks" / "gallery.ipynb"


def experiment() -> Path:
    """The notebook that `sweep` runs with many parameters, which is no lesson either."""
    return PROJECT / "notebooks" / "experiment.ipynb"


def number_of(lesson: Path) -> str:
    """What chooses a notebook on the command line: its number, "01"; or "gallery"."""
    return lesson.stem.partition("_")[0]


def remember(notebook: Path) -> None:
    """Keep in mind that this notebook is open, if it is a lesson, for `last_lesson`.

    A convenience: where nothing can be written, nothing is remembered, and nobody is disturbed.
    """
    with contextlib.suppress(OSError, ValueError):
        if notebook.resolve() in find_lessons():
            with replacing(own_folder(LAST)) as part:
                part.write_text(notebook.name, encoding="utf-8")


def last_lesson() -> Path:
    """The lesson that was open last; the first one where none was, or where it is gone.

    Raises:
        FileNotFoundError: there are no lessons.
    """
    lessons, name = find_lessons(), ""
    with contextlib.suppress(OSError, ValueError):
        name = own_folder(LAST).read_text(encoding="utf-8").strip()
    return next((lesson for lesson in lessons if lesson.name == name), lessons[0])


def add_lab_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach ``parser`` the options of `lab`."""
    parser.add_argument("--ip", help="listen on this address (default: this computer only)")
    parser.add_argument("--port", type=int, help="listen on this port (default: 8888 or the next)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def lab_command(
    args: argparse.Namespace, environ: Mapping[str, str], platform: str, is_root: bool
) -> list[str]:
    """The command that serves the project and shows the lesson that was open last.

    Raises:
        FileNotFoundError: there are no lessons.
    """
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={PROJECT}"]
    # As the default page, the lesson is where the *printed* address leads; given as a file, it
    # would open only in a browser that JupyterLab starts itself.
    command.append(f"--LabApp.default_url=/lab/tree/notebooks/{last_lesson().name}")
    command.append("--ServerApp.jpserver_extensions=ae_helpers.course.saving=True")
    command.append("--ServerApp.session_manager_class=ae_helpers.course.sessions.Sessions")
    # Defaults, which a reader's own settings outdo: no question about news lies over the lesson.
    command.append(f"--LabApp.app_settings_dir={SETTINGS}")
    if is_root:
        command.append("--allow-root")
    if args.no_browser or not _has_display(environ, platform):
        command.append("--no-browser")
    if args.ip:
        command.append(f"--ServerApp.ip={args.ip}")
    if args.port:
        command.append(f"--ServerApp.port={args.port}")
    return command


def _has_display(environ: Mapping[str, str], platform: str) -> bool:
    """Whether a browser that is opened here would be seen by who typed the command."""
    display = platform in ("win32", "darwin") or any(
        environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return display and not environ.get("SSH_CONNECTION")


def lab(args: argparse.Namespace) -> int:
    """Serve the project in JupyterLab until it is stopped; return the exit status."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    try:
        command = lab_command(args, os.environ, sys.platform, is_root)
    except FileNotFoundError as error:
        return refuse(error)
    return _serve(command, f"JupyterLab in {PROJECT}")


def add_play_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach ``parser`` the options of `play`."""
    parser.add_argument("--port", type=int, help="listen on this port (default: 8866 or the next)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--theme",
        choices=("light", "dark"),
        default="light",
        help="colours of the page (default: %(default)s)",
    )


def play_command(args: argparse.Namespace, environ: Mapping[str, str], platform: str) -> list[str]:
    """The command that serves the gallery as a page without code, to this computer only.

    Raises:
        FileNotFoundError: there are no lessons, and so no gallery.
    """
    find_lessons()  # which says so if the package was installed without its notebooks
    command = [sys.executable, "-m", "voila", str(gallery())]
    command += [
        f"--theme={args.theme}",
        # The page comes at once, and each explorer when its cell has run.
        "--VoilaConfiguration.progressive_rendering=True",
        # While cells run, Voilà hears no answer to its pings: after 90 s it gave up the cells left.
        f"--Voila.config_file_paths={SETTINGS}",
        "--Voila.auto_token=True",  # or else anybody on this computer could use the page
        # A page that is closed cannot end its kernel: Voilà refuses its request (403).
        "--MappingKernelManager.cull_idle_timeout=60",
        "--MappingKernelManager.cull_interval=30",
    ]
    if args.no_browser or not _has_display(environ, platform):
        command.append("--no-browser")
    if args.port:
        command.append(f"--port={args.port}")
    return command


def play(args: argparse.Namespace) -> int:
    """Serve the gallery by Voilà until it is stopped; return the exit status."""
    try:
        command = play_command(args, os.environ, sys.platform)
    except FileNotFoundError as error:
        return refuse(error)
    return _serve(command, "the gallery of all explorers")


def _serve(command: list[str], what: str) -> int:
    """Say what is started and become it; return its exit status where that isn't possible."""
    where = "open the address printed below" if "--no-browser" in command else "your browser opens"
    print(f"Starting {what}: {where}; Ctrl-C stops it.", flush=True)
    if sys.platform == "win32":  # where execv would leave the terminal to two programs at once
        return subprocess.call(command)
    os.execv(command[0], command)


def add_lesson_choice(parser: argparse.ArgumentParser) -> None:
    """Teach ``parser`` the option that chooses lessons."""
    parser.add_argument(
        "--lessons", nargs="+", metavar="NUMBER", help="only these (--lessons 01 04)"
    )


def choose_lessons(lessons: Sequence[Path], numbers: Sequence[str] | None) -> list[Path]:
    """The lessons with these numbers (1 means 01), or all of them.

    Raises:
        ValueError: no lesson has that number.
    """
    by_number = {number_of(lesson): lesson for lesson in lessons}
    wanted = sorted({number.zfill(2) for number in numbers or by_number})
    if unknown := [number for number in wanted if number not in by_number]:
        raise ValueError(f"no lesson {', '.join(unknown)}: there are {', '.join(by_number)}")
    return [by_number[number] for number in wanted]


def share_out(pairs: Sequence[tuple[str, str]], lessons: Sequence[Path]) -> dict[Path, dict]:
    """The parameters for each lesson: those that its cell tagged ``parameters`` names.

    Raises:
        ValueError: no lesson has a parameter of that name (papermill would only warn).
    """
    import papermill  # takes a second, so only where it is needed
    from papermill.cli import _resolve_type  # so that -p reads a value as papermill's -p does

    values = {name: _resolve_type(value) for name, value in pairs}
    names = {lesson: papermill.inspect_notebook(lesson).keys() for lesson in lessons}
    known = sorted(set().union(*names.values()))
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            listed = ", ".join(known) or "none"
            raise ValueError(f"no lesson has a parameter {name!r}.{hint} There are: {listed}")
    return {lesson: {n: values[n] for n in names[lesson] if n in values} for lesson in lessons}


def refuse(message: object) -> int:
    """Say what is wrong with a command; return its exit status."""
    print(message, file=sys.stderr)
    return 2
