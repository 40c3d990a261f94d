"""The reader's own pictures: a folder of files becomes a dataset like the others."""

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
    transparent, and converted to grey or RGB. With ``size``, it is scaled until it covers that
    size, and what then stands over is cut off evenly on both sides. A file that can't be read is
    left out, and a printed line says so. Every fifth picture, drawn with ``seed``, is for testing.

    Args:
        path: the folder. Files that aren't pictures by their ending, and hidden ones, are ignored.
        channels: 1 for grey, 3 for RGB, whatever the files are.
        size: ``(height, width)`` in pixels, or one number for both; ``None``: all have one size.
        seed: which pictures are for testing.

    Returns:
        ``uint8`` images; a label is the number of the picture's own folder, in alphabetical order.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: fewer than two readable pictures, sizes that differ, or settings that can't be.
    """
    folder = Path(path).expanduser()
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

    images, owners, first = [], [], None
    for file in _pictures(folder):
        try:
            image = _read(file, MODES[channels], size)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            reason = str(error).replace(str(file), file.name).splitlines()[0]
            print(f"left out: {file.relative_to(folder)} ({reason})")
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
    if len(images) < 2:
        found = f"one picture, {first[0].name}," if first else "no picture"
        raise ValueError(
            f"There is {found} in {folder} that can be read; expected at least two, one to train "
            "on and one to test. Files are known by their ending: .jpg, .png, .webp, .tif, …."
        )
    return _split(folder, torch.stack(images), owners, seed)


def _pictures(folder: Path) -> list[Path]:
    """The files that end like a picture, in alphabetical order, without hidden ones."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in _endings()
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def _endings() -> set[str]:
    readable = Image.registered_extensions().items()
    return {ending for ending, kind in readable if kind in Image.OPEN and kind != "PDF"}


def _read(file: Path, mode: str, size: tuple[int, int] | None) -> Tensor:
    """One picture as ``(C, H, W)``, ``uint8``."""
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
