"""The reader's own pictures: a folder of files becomes a dataset like the others."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ae_helpers.data.images import ImageData, split
from ae_helpers.data.settings import is_whole, plain

MODES = {1: "L", 3: "RGB"}  # PIL's names for grey and colour


def load_folder(
    path: str | Path, channels: int, size: int | tuple[int, int] | None = None, seed: int = 0
) -> ImageData:
    """Read all pictures in a folder and below it, in any format that PIL knows.

    Each picture is turned the way the camera was held (EXIF), laid on black where it is
    transparent, and converted to grey or RGB; of a moving one, the first. With ``size``, it is
    scaled until it covers that size, and what then stands over is cut off evenly on both sides.
    Every fifth picture, drawn with ``seed``, is for testing. Both sets are in the order in which
    they were drawn, so that the first hundred are a fair sample of all classes.

    A file that can't be read is left out, and a printed line says which, and why; they are counted,
    and so are moving pictures, and files that PIL doesn't know by their ending. Hidden files are
    ignored.

    Args:
        path: the folder; links to other folders are followed, each folder is read once.
        channels: 1 for grey, 3 for RGB, whatever the files are.
        size: ``(height, width)`` in pixels, or one number for both; ``None``: all have one size.
        seed: which pictures are for testing.

    Returns:
        ``uint8`` images; a label is the number of the picture's own folder, in alphabetical order,
        and ``classes`` has its name, relative to ``path``. ``train_files`` and ``test_files`` are
        the pictures' names, relative to ``path``.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: fewer than two readable pictures, sizes that differ, or settings that can't be.
        MemoryError: more pictures than this computer can hold; the message says how much they need.
    """
    folder = Path(os.path.expanduser(path))
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder.absolute()} isn't a folder; expected one that holds pictures. Correct the "
            "path."
        )
    if channels not in MODES:
        raise ValueError(f"channels={channels!r}; expected 1 (grey) or 3 (RGB).")
    size = _checked(size)

    readable, unknown, files = _endings(), Counter[str](), []
    for file in _files(folder):
        if (ending := file.suffix.lower()) in readable:
            files.append(file)
        else:
            unknown[ending or "without an ending"] += 1
    images, first = torch.empty(0), None
    kept: list[Path] = []
    moving: list[Path] = []
    for file in files:
        try:
            image, moves = _read(file, MODES[channels], size)
        except Exception as error:  # whatever is wrong with one file, the others are read
            _leave_out(file, folder, error)
            continue
        if not first:
            first = (file, image.shape)
            _check_memory(len(files), image)
            images = torch.empty(len(files), *image.shape, dtype=torch.uint8)
        if image.shape != first[1]:
            raise ValueError(
                f"{first[0].name} and {file.name} are "
                f"{first[1][2]}×{first[1][1]} and {image.shape[2]}×{image.shape[1]} pixels; "
                "expected one size for all. Say which: size=32 scales and crops them to 32×32."
            )
        images[len(kept)] = image
        kept.append(file)
        if moves:
            moving.append(file)
    if len(kept) + 1 < len(files):  # a single one is named already
        print(f"{len(files) - len(kept):,} of {len(files):,} pictures can't be read")
    if moving:
        names = [repr(file.name)[1:-1] for file in moving[:5]] + ["…"] * (len(moving) > 5)
        print(f"{len(moving):,} of more than one picture, the first is taken: {', '.join(names)}")
    note = _left_out_by_ending(unknown) if unknown else ""
    if len(kept) < 2:
        found = f"one picture, {first[0].name}," if first else "no picture"
        raise ValueError(
            f"There is {found} in {folder.absolute()} that can be read; expected at least two, one "
            "to train on and one to test. Choose another folder, or add pictures; files are known "
            f"by their ending: .jpg, .png, .webp, .tif, ….\n{note}".rstrip()
        )
    if note:
        print(note)
    return _split(folder, images[: len(kept)], kept, seed)


def load_picture(path: str | Path, shape: Sequence[int]) -> Tensor:
    """One picture file, read as ``load_folder`` reads it.

    Args:
        path: the file, in any format that PIL knows.
        shape: ``(C, H, W)`` that it gets, such as ``model.input_shape``.

    Returns:
        ``(1, C, H, W)``, ``uint8``: a batch of one, as networks and measures take it.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no picture that can be read, or channels that are neither 1 nor 3.
    """
    file, (channels, *size) = Path(os.path.expanduser(path)), shape
    if channels not in MODES:
        raise ValueError(f"The shape {tuple(shape)} has {channels} channels; expected 1 or 3.")
    if not file.is_file():
        raise FileNotFoundError(f"{file} isn't a file; expected a picture. Correct the path.")
    if (ending := file.suffix.lower()) not in _endings():
        raise ValueError(f"{file.name}: {_left_out_by_ending(Counter({ending: 1}))}")
    try:
        image, moves = _read(file, MODES[channels], _checked(size))
    except Exception as error:  # as for a folder: whatever is wrong with it
        raise ValueError(
            f"{file.name} can't be read ({_reason(error, file)}); expected a picture. Open it "
            "in another program, and save it anew."
        ) from error
    if moves:
        print(f"{file.name} holds more than one picture: the first is taken")
    return image[None]


def _checked(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    numbers = [plain(n) for n in (size if isinstance(size, Sequence) else (size, size))]
    if not (len(numbers) == 2 and all(is_whole(n, 1) for n in numbers)):
        raise ValueError(f"size={size!r}; expected (height, width) in pixels, from 1 on.")
    return numbers[0], numbers[1]


def _check_memory(count: int, image: Tensor) -> None:
    """Refuse more than half of this computer's memory, before it is filled."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows doesn't say
        return
    needed = 2 * count * image.numel()  # once as they are read, once in training and test set
    if needed > total / 2:
        shape = "×".join(map(str, image.shape))
        raise MemoryError(
            f"{count:,} pictures of {shape} need {needed / 1e9:.1f} GB while they are read; "
            f"expected at most half of the {total / 1e9:.1f} GB that this computer has. Choose a "
            "smaller size, or take a part of the pictures."
        )


def _files(folder: Path) -> list[Path]:
    """All files in the folder and below it, in alphabetical order, without hidden ones."""
    found, seen = [], set()
    for place, below, names in os.walk(
        folder,
        onerror=lambda error: _leave_out(Path(error.filename), folder, error),
        followlinks=True,
    ):
        below[:] = sorted(name for name in below if not name.startswith("."))
        if (real := os.path.realpath(place)) in seen:  # a link may lead back
            below.clear()
            continue
        seen.add(real)
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _leave_out(file: Path, folder: Path, error: Exception) -> None:
    """Say so in one line, whatever characters the file's name is made of."""
    name = repr(file.relative_to(folder).as_posix())[1:-1]
    print(f"left out: {name} ({_reason(error, file)})")


def _reason(error: Exception, file: Path) -> str:
    """What went wrong with a file, in one line, which doesn't say in what folder it lies."""
    return (str(error) or repr(error)).replace(str(file), file.name).splitlines()[0]


def _left_out_by_ending(unknown: Counter[str]) -> str:
    kinds = [f"{count:,} {ending}" for ending, count in unknown.most_common(5)]
    kinds += ["…"] * (len(unknown) > len(kinds))
    cure = "convert pictures to .jpg"
    if {".heic", ".heif"} & {*unknown}:  # every iPhone writes them
        cure += ", or: pip install pillow-heif, then pillow_heif.register_heif_opener()"
    return f"left out: {', '.join(kinds)} (Pillow doesn't know such files; {cure})"


def _endings() -> set[str]:
    known = Image.registered_extensions().items()
    # MPO, of cameras with two lenses, is read by JPEG's opener.
    return {ending for ending, kind in known if kind in Image.OPEN or kind == "MPO"}


def _read(file: Path, mode: str, size: tuple[int, int] | None) -> tuple[Tensor, bool]:
    """The picture in a file, ``(C, H, W)``, ``uint8``, and whether there are more in it."""
    if not file.is_file():  # a pipe would be waited for
        raise ValueError("no file; if a link, it leads nowhere")
    with Image.open(file) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I;16"):  # 65,536 greys
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        elif image.mode in ("I", "F"):
            raise ValueError(f"its mode {image.mode} has no fixed scale from black to white")
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
        image = image.convert(mode)
        moves = getattr(opened, "is_animated", False)
    if size:
        image = ImageOps.fit(image, size[::-1], Image.Resampling.LANCZOS)
    pixels = torch.tensor(np.asarray(image))
    return pixels[None] if mode == "L" else pixels.permute(2, 0, 1).contiguous(), moves


def _split(folder: Path, images: Tensor, files: Sequence[Path], seed: int) -> ImageData:
    owners = [file.parent.relative_to(folder).as_posix() for file in files]
    names = [file.relative_to(folder).as_posix() for file in files]
    classes = sorted(set(owners))
    labels = torch.tensor([classes.index(owner) for owner in owners])
    train, test = split(len(images), seed)
    return ImageData(
        folder.name,
        f"{len(images):,} pictures of your own",
        images[train],
        labels[train],
        images[test],
        labels[test],
        classes=tuple(folder.name if name == "." else name for name in classes),
        train_files=tuple(names[i] for i in train),
        test_files=tuple(names[i] for i in test),
    )
