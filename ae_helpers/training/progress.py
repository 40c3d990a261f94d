"""A status that is rewritten in place: in a notebook, in a terminal, or line by line in a log."""

import sys
import time


def duration(seconds: float) -> str:
    """``75`` → ``'1:15'``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


class Progress:
    """Finished lines stay, one current line is rewritten, at most five times a second.

    In a notebook all of it is one output, updated in place (and stored as plain text that reads
    everywhere). In a terminal the current line is overwritten. Elsewhere only finished lines are
    printed.
    """

    def __init__(self, silent: bool = False) -> None:
        self._lines: list[str] = []
        self._last = 0.0
        self._width = 0
        self._terminal = sys.stdout.isatty()
        self._silent = silent
        self._handle = None if silent else _notebook_handle()

    def update(self, line: str) -> None:
        """Show ``line`` as the current one."""
        if self._silent or time.monotonic() - self._last < 0.2:
            return
        self._last = time.monotonic()
        if self._handle:
            self._handle.update(_Text([*self._lines, line]))
        elif self._terminal:
            print("\r" + line.ljust(self._width), end="", flush=True)
            self._width = len(line)

    def finish(self, line: str) -> None:
        """Keep ``line`` for good."""
        if self._silent:
            return
        self._lines.append(line)
        if self._handle:
            self._handle.update(_Text(self._lines))
        else:
            start = "\r" if self._terminal else ""
            print(start + line.ljust(self._width), flush=True)
            self._width = 0


class _Text:
    """Lines that a notebook shows without quotes."""

    def __init__(self, lines: list[str]) -> None:
        self._text = "\n".join(lines)

    def __repr__(self) -> str:
        return self._text


def _notebook_handle():
    """A display that can be updated, if this runs in a notebook."""
    if "IPython" not in sys.modules:
        return None
    from IPython import display, get_ipython

    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return display.display(_Text([""]), display_id=True)
