"""Files that are there as a whole or not at all."""

import errno
import os

import pytest

from ae_helpers import files


def write(path, text="new"):
    with files.replacing(path) as part:
        part.write_text(text)


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "made" / "on the way" / "curve.png"
    for text in ("first", "second"):
        write(path, text)
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_the_temporary_file_lies_beside_it_and_keeps_the_suffix(tmp_path):
    path = tmp_path / "curve.png"
    with files.replacing(str(path)) as part:
        assert part.parent == tmp_path and part.suffix == ".png" and part != path
        part.touch()
        assert not path.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError("mine"), RuntimeError("mine")])
def test_what_goes_wrong_while_writing_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "curve.png"
    path.write_text("old")
    kind = error if isinstance(error, type) else type(error)
    with pytest.raises(kind) as raised, files.replacing(path) as part:
        part.write_text("ha")
        raise error
    assert isinstance(error, type) or raised.value is error  # untouched: it says it itself
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("old", ["old", None])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_file_that_cannot_be_written(tmp_path, monkeypatch, code, old):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    path = tmp_path / "curve.png"
    if old:
        path.write_text(old)
    before = list(tmp_path.iterdir())
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError) as raised:
        write(path)
    message = str(raised.value)
    assert f"Can't save {path}" in message and os.strerror(code) in message
    assert "Expected a folder that can be written to, with space left" in message
    assert "Free some space or choose another folder" in message
    assert list(tmp_path.iterdir()) == before
    assert not old or path.read_text() == old


def test_a_disk_that_is_full_half_way(tmp_path, full_disk):
    path = tmp_path / "curve.png"
    path.write_text("old")
    with full_disk(), pytest.raises(OSError, match="Can't save .*curve.png.*Free some space"):
        write(path, "x" * 100_000)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(OSError, match="Can't save .*curve.png.*choose another folder"):
        write(tmp_path / "taken" / "curve.png")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    ("notebooks", "writable", "inside"),
    [(True, True, True), (True, False, False), (False, True, False)],
    ids=["in the project", "project is read-only", "package without its project"],
)
def test_own_folder(tmp_path, monkeypatch, notebooks, writable, inside):
    if notebooks:
        (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(files, "PROJECT", tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: writable)
    monkeypatch.setattr(files.platformdirs, "user_cache_path", lambda name: tmp_path / "~" / name)
    cache = tmp_path / "~" / "sixty-four-numbers"
    assert files.own_folder("data") == (tmp_path if inside else cache) / "data"
    assert not cache.exists()  # asking makes nothing
