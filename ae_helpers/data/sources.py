"""The datasets that torchvision knows: which files each consists of, and how they are read."""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from ae_helpers.files import replacing

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
    """``torchvision.datasets``, imported when a file is to be read: it takes more than a second.

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
        return [path for path in paths if not self._is_there(root / path)]

    def _is_there(self, path: Path) -> bool:
        return path.exists()

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

    def _is_there(self, path: Path) -> bool:
        return path.exists() or path.with_name(f"{path.name}.gz").exists()

    def read(self, root: Path) -> Parts:
        kind = getattr(torchvision_datasets(), self.kind)
        for file, header in FILES.items():
            path = root / self.place / file
            if not path.exists():
                _unpack(path.with_name(file + ".gz"), dict(kind.resources))
            with open(path, "rb") as opened:
                head = opened.read(4 * len(header))
            _check(file, head, path.stat().st_size, header, _cure(path))
        train, test = (kind(root, train=flag) for flag in (True, False))
        return train.data[:, None], train.targets, test.data[:, None], test.targets

    def installed(self) -> Parts:
        """The same, unpacked in memory from the files of the package."""
        parts = []
        for file, header in FILES.items():
            path, cure = Path(self.folder) / f"{file}.gz", f"Install {self.package} again."
            try:
                content = bytearray(gzip.decompress(path.read_bytes()))
            except (OSError, EOFError, zlib.error) as error:
                raise ValueError(f"{path.name} can't be unpacked ({error}). {cure}") from error
            _check(path.name, content[: 4 * len(header)], len(content), header, cure)
            numbers = torch.frombuffer(content, dtype=torch.uint8, offset=4 * len(header))
            is_images = len(header) > 2
            parts.append(numbers.view(-1, 1, *header[2:]) if is_images else numbers.long())
        return tuple(parts)


def _unpack(packed: Path, sums: dict[str, str]) -> None:
    """Unpack a gzipped file of MNIST, if its checksum is the one that torchvision knows."""
    from torchvision.datasets.utils import calculate_md5

    found, wanted = calculate_md5(packed), sums[packed.name]
    if found != wanted:
        raise ValueError(
            f"{packed.name} ({packed.stat().st_size:,} bytes) has the MD5 checksum {found}; "
            f"expected {wanted}: it is damaged. {_cure(packed)}"
        )
    with replacing(packed.with_suffix("")) as part:
        part.write_bytes(gzip.decompress(packed.read_bytes()))


def _cure(path: Path) -> str:
    return f"Delete {path} and load without naming a folder: what is missing will be downloaded."


def _check(
    name: str, head: bytes | bytearray, size: int, expected: tuple[int, ...], cure: str
) -> None:
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
    "mnist": Idx("MNIST", "MNIST", 11, "MNIST/raw"),
    "fashion-mnist": Idx(
        *("Fashion-MNIST", "FashionMNIST", 30, "FashionMNIST/raw"),
        package="dataset-fashion-mnist",
        folder="/usr/share/datasets/fashion-mnist",
    ),
    "kmnist": Idx("KMNIST", "KMNIST", 20, "KMNIST/raw"),
    "cifar10": Cifar10("CIFAR-10", "CIFAR10", 170, "cifar-10-batches-py"),
    "svhn": Svhn("SVHN", "SVHN", 250, "SVHN"),
}
