"""The reader's own pictures: a folder of files becomes a dataset like the others."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ae_helpers.data.images import ImageData

MODES = {1: "L", 3: "RGB"}  # PIL's names for grey and colour
TESTED = 5  # one picture in so many is a test image


def load_folder(
    path: str | Path, channels: int, size: int | tuple[int, int] | None = None, seed: int = 0
) -> ImageData:
    """Read all pictures in a folder and below it, in any format that PIL knows.

    Each picture is turned the way the camera was held (EXIF), laid on black where it is
    transparent, and converted to grey or RGB; of a moving one, the first. With ``size``, it is
    scaled until it covers that size, and what then stands over is cut off evenly on both sides.
    Every fifth picture, drawn with ``seed``, is for testing.

    A file that can't be read is left out, and a printed line says which, and why; those that PIL
    doesn't know by their ending are counted in one line. Hidden files are ignored.

    Args:
        path: the folder; links to other folders are followed, each folder is read once.
        channels: 1 for grey, 3 for RGB, whatever the files are.
        size: ``(height, width)`` in pixels, or one number for both; ``None``: all have one size.
        seed: which pictures are for testing.

    Returns:
        ``uint8`` images; a label is the number of the picture's own folder, in alphabetical order.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: fewer than two readable pictures, sizes that differ, or settings that can't be.
    """
    folder = Path(os.path.expanduser(path))
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} isn't a folder; expected one that holds pictures. Correct the path."
        )
    if channels not in MODES:
        raise ValueError(f"channels={channels!r}; expected 1 (grey) or 3 (RGB).")
    if isinstance(size, int):
        size = (size, size)
    if size and not (len(size) == 2 and all(isinstance(n, int) and n >= 1 for n in size)):
        raise ValueError(f"size={size!r}; expected (height, width) in pixels, from 1 on.")

    images, owners, first, readable, unknown = [], [], None, _endings(), Counter[str]()
    for file in _files(folder):
        if (ending := file.suffix.lower()) not in readable:
            unknown[ending or "without an ending"] += 1
            continue
        try:
            image = _read(file, MODES[channels], size)
        except Exception as error:  # whatever is wrong with one file, the others are read
            _leave_out(file, folder, error)
            continue
        first = first or (file, image.shape)
        if image.shape != first[1]:
            raise ValueError(
                f"{first[0].name} and {file.name} are "
                f"{first[1][2]}×{first[1][1]} and {image.shape[2]}×{image.shape[1]} pixels; "
                "expected one size for all. Say which: size=32 scales and crops them to 32×32."
            )
        images.append(image)
        owners.append(file.parent)
    note = _left_out_by_ending(unknown) if unknown else ""
    if len(images) < 2:
        found = f"one picture, {first[0].name}," if first else "no picture"
        raise ValueError(
            f"There is {found} in {folder} that can be read; expected at least two, one to train "
            "on and one to test. Files are known by their ending: .jpg, .png, .webp, .tif, ….\n"
            f"{note}".rstrip()
        )
    if note:
        print(note)
    return _split(folder, torch.stack(images), owners, seed)


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
    reason = (str(error) or repr(error)).replace(str(file), file.name).splitlines()[0]
    print(f"left out: {name} ({reason})")


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


def _read(file: Path, mode: str, size: tuple[int, int] | None) -> Tensor:
    """One picture as ``(C, H, W)``, ``uint8``."""
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
    if size:
        image = ImageOps.fit(image, size[::-1], Image.Resampling.LANCZOS)
    pixels = torch.tensor(np.asarray(image))
    return pixels[None] if mode == "L" else pixels.permute(2, 0, 1).contiguous()


def _split(folder: Path, images: Tensor, owners: Sequence[Path], seed: int) -> ImageData:
    classes = sorted(set(owners))
    labels = torch.tensor([classes.index(owner) for owner in owners])
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    tests = max(len(images) // TESTED, 1)
    test, train = order[:tests].sort().values, order[tests:].sort().values
    return ImageData(
        folder.name,
        f"{len(images):,} pictures of your own",
        images[train],
        labels[train],
        images[test],
        labels[test],
    )
