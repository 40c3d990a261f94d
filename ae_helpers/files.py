"""Where this project keeps files, and how it writes them so that nothing is ever half there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

PROJECT = Path(__file__).resolve().parent.parent  # where notebooks/ and ae_helpers/ lie


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to; rename it to ``path`` once all is written.

    A full disk, a crash or Ctrl-C while writing leaves the old file, or none, never half a file.
    The temporary name keeps the suffix, because matplotlib chooses its format by it.

    Raises:
        OSError: the file can't be written (full disk, read-only folder); the message says which
            file, why, and what to do.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(
            f"Can't save {path}: {error}. Expected a folder that can be written to, with space "
            "left. Free some space or choose another folder."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def data_dir() -> str:
    """What ``AE_DATA_DIR`` says, without the quotes and spaces that shells leave; else ``""``."""
    return os.environ.get("AE_DATA_DIR", "").strip(" \t\r\n\"'")


def own_folder(name: str) -> Path:
    """The folder ``name`` in the project, or in the user's cache where the project is read-only."""
    if (PROJECT / "notebooks").is_dir() and os.access(PROJECT, os.W_OK):
        return PROJECT / name
    return platformdirs.user_cache_path("sixty-four-numbers") / name
