"""The datasets that torchvision knows: which files each consists of, and how they are read."""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

# Training images, training labels, test images, test labels.
Parts = tuple[Tensor, ...]

# What each file of MNIST starts with (LeCun, Cortes, Burges: "THE MNIST DATABASE"): a magic number
# that names type and number of axes, then the size of each axis, as big-endian 32-bit integers.
# Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017) and KMNIST (Clanuwat et al., 2018) are made to match.
FILES = {
    "train-images-idx3-ubyte": (2051, 60_000, 28, 28),
    "train-labels-idx1-ubyte": (2049, 60_000),
    "t10k-images-idx3-ubyte": (2051, 10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (2049, 10_000),
}


def torchvision_datasets() -> ModuleType:
    """``torchvision.datasets``, imported when it is needed: that takes more than a second.

    Raises:
        ImportError: torchvision doesn't fit torch; the message has the cure.
    """
    try:
        from torchvision import datasets
    except RuntimeError as error:  # "operator torchvision::nms does not exist"
        raise ImportError(
            f"torch and torchvision come from different places and don't fit together ({error}).\n"
            "Cure: python -m pip install --force-reinstall torch torchvision   "
            "(both in one command, both from one index)"
        ) from None
    return datasets


@dataclass(frozen=True)
class Source:
    """A dataset of torchvision.

    Attributes:
        title: its name in sentences.
        kind: torchvision's class.
        megabytes: of its download.
        place: the folder that holds its files, inside the one that holds datasets.
    """

    title: str
    kind: str
    megabytes: int
    place: str
    count = "two"

    @property
    def cure(self) -> str:
        """What helps who can't have it."""
        return (
            "Connect to the network and load it with download=True "
            f"({self.megabytes} MB, once), or set AE_DATA_DIR to a folder that holds {self.place}."
        )

    @property
    def files(self) -> list[str]:
        """The names of its files, in ``place``."""
        raise NotImplementedError

    def missing(self, root: Path) -> list[str]:
        """Those of its files that aren't in ``root``, relative to it."""
        paths = [f"{self.place}/{file}" for file in self.files]
        return [path for path in paths if not self._file(root / path)]

    def _file(self, path: Path) -> Path | None:
        """The file at ``path``, or what is the same by another name."""
        return path if path.is_file() else None

    def read(self, root: Path) -> Parts:
        """Its images, ``uint8`` ``(N, C, H, W)``, and labels.

        Raises:
            ValueError: a file is damaged; the message names it.
        """
        raise NotImplementedError

    def fetch(self, folder: Path) -> None:
        """Download it into ``folder``, by torchvision, which compares checksums."""
        getattr(torchvision_datasets(), self.kind)(folder, download=True)


# ------------------------------------------------------------------------- MNIST, and those like it


@dataclass(frozen=True)
class Idx(Source):
    """MNIST or one in the same four files; ``package`` is Debian's, if it has one."""

    package: str = ""
    folder: str = ""  # where the package puts the files, gzipped
    count = "four"

    @property
    def is_installed(self) -> bool:
        """Whether the operating system has it as a package."""
        folder = Path(self.folder)
        return bool(self.package) and all((folder / f"{file}.gz").is_file() for file in FILES)

    @property
    def cure(self) -> str:
        hint = f" On Debian and Ubuntu: apt install {self.package}"
        return super().cure + hint * bool(self.package)

    @property
    def files(self) -> list[str]:
        return list(FILES)

    def _file(self, path: Path) -> Path | None:
        # Sites ship them with a dot, or gzipped; browsers unpack them and keep the name.
        here = [path, *sorted(path.parent.glob("*"))]
        return next((p for p in here if standard_name(p.name) == path.name and p.is_file()), None)

    def read(self, root: Path) -> Parts:
        parts = []
        for file, header in FILES.items():
            path = root / self.place / file
            path = self._file(path) or path
            parts.append(_numbers(path, header, _cure(path)))
        return tuple(parts)

    def installed(self) -> Parts:
        """The same, from the files of the package."""
        cure = f"Install {self.package} again."
        files = FILES.items()
        return tuple(_numbers(Path(self.folder, f"{f}.gz"), head, cure) for f, head in files)


def standard_name(name: str) -> str:
    """A file's name as torchvision writes it: small letters, dashes, not packed."""
    return name.lower().removesuffix(".gz").replace(".idx", "-idx")


def _numbers(path: Path, header: tuple[int, ...], cure: str) -> Tensor:
    """What stands in one of MNIST's files behind its header, gzipped or not."""
    content = np.fromfile(path, np.uint8)
    if content[:2].tobytes() == b"\x1f\x8b":  # gzip's mark; its name may say otherwise
        try:
            content = np.frombuffer(bytearray(gzip.decompress(content.tobytes())), np.uint8)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path.name} can't be unpacked ({error}). {cure}") from error
    start = 4 * len(header)
    _check(path.name, content[:start].tobytes(), len(content), header, cure)
    numbers = torch.from_numpy(content)[start:]
    is_images = len(header) > 2
    return numbers.view(-1, 1, *header[2:]) if is_images else numbers.long()


def _cure(path: Path) -> str:
    return f"Delete {path} and load without naming a folder: what is missing will be downloaded."


def _check(name: str, head: bytes, size: int, expected: tuple[int, ...], cure: str) -> None:
    """Compare a file's header and length with what MNIST's have, before its numbers are read."""
    wanted = 4 * len(expected) + torch.Size(expected[1:]).numel()
    found = struct.unpack(f">{len(expected)}i", head) if len(head) == 4 * len(expected) else ()
    if found and found[0] != expected[0]:
        raise ValueError(
            f"{name} starts with the magic number {found[0]}; expected {expected[0]}: it is "
            f"another kind of file. {cure}"
        )
    if found and found != expected:
        raise ValueError(
            f"{name} says it holds {found[1:]} numbers; expected {expected[1:]}. {cure}"
        )
    if size != wanted:
        raise ValueError(
            f"{name} is {size:,} bytes long; expected {wanted:,}: it is "
            f"{'empty' if not size else 'cut short' if size < wanted else 'too long'}. {cure}"
        )


# ------------------------------------------------------------------------- photographs, 3×32×32


class Cifar10(Source):
    """50,000 and 10,000 photographs of ten kinds of things (Krizhevsky, 2009)."""

    count = "six"

    @property
    def files(self) -> list[str]:
        kind = torchvision_datasets().CIFAR10
        return [name for name, _ in kind.train_list + kind.test_list] + [kind.meta["filename"]]

    def read(self, root: Path) -> Parts:
        parts = []
        for train in (True, False):
            part = _whole(self, root, root, train=train)
            images = torch.as_tensor(part.data).permute(0, 3, 1, 2).contiguous()
            parts += [images, torch.tensor(part.targets)]
        return tuple(parts)


class Svhn(Source):
    """73,257 and 26,032 house numbers from photographs of streets (Netzer et al., 2011)."""

    @property
    def files(self) -> list[str]:
        return [torchvision_datasets().SVHN.split_list[split][1] for split in ("train", "test")]

    def read(self, root: Path) -> Parts:
        parts = []
        for split in ("train", "test"):
            part = _whole(self, root, root / self.place, split=split)
            parts += [torch.as_tensor(part.data), torch.as_tensor(part.labels).long()]
        return tuple(parts)

    def fetch(self, folder: Path) -> None:
        for split in ("train", "test"):
            torchvision_datasets().SVHN(folder / self.place, split=split, download=True)


def _whole(source: Source, root: Path, folder: Path, **part):
    """What torchvision reads, after it has compared the checksums."""
    try:
        return getattr(torchvision_datasets(), source.kind)(folder, **part)
    except RuntimeError as error:
        raise ValueError(
            f"A file of {source.title} in {root / source.place} is damaged: its checksum isn't "
            "the one that torchvision knows. Delete that folder and load without naming one: what "
            "is missing will be downloaded."
        ) from error


SOURCES = {
    "mnist": Idx("MNIST", "MNIST", 12, "MNIST/raw"),
    "fashion-mnist": Idx(
        *("Fashion-MNIST", "FashionMNIST", 30, "FashionMNIST/raw"),
        package="dataset-fashion-mnist",
        folder="/usr/share/datasets/fashion-mnist",
    ),
    "kmnist": Idx("KMNIST", "KMNIST", 20, "KMNIST/raw"),
    "cifar10": Cifar10("CIFAR-10", "CIFAR10", 170, "cifar-10-batches-py"),
    "svhn": Svhn("SVHN", "SVHN", 250, "SVHN"),
}
