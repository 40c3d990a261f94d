"""A folder of pictures for who has none at hand: enamelled badges, some with a defect, all drawn.

They stand for whatever a camera sees over and over again: always the same kind of thing, never the
same picture twice.
"""

import math
import os
import shutil
import tempfile
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ae_helpers.files import own_folder

SIDE = 64  # pixels that a picture is wide and high
PETALS = 5
EDGE = 0.05  # how soft edges are, as a share of the badge's radius
DEFECTS = ("scratch", "chip", "stain", "lost petal")


def draw_badges(
    folder: str | Path | None = None, good: int = 800, flawed: int = 80, seed: int = 0
) -> Path:
    """A folder of PNG files, 64×64 in colour: good badges, and in ``flawed/`` those with a defect.

    Each badge lies turned by any angle, a little off the middle, under a light of its own; its
    petals are longer or shorter, paler or redder. There are four kinds of defects, each in a folder
    of its own, such as ``flawed/scratch``, and equally many of each.

    Args:
        folder: which is made; by default one in the project's ``data``. If it is there already, it
            is left as it is.
        good, flawed: how many of each.
        seed: the same seed draws the same badges.

    Returns:
        The folder.

    Raises:
        OSError: it can't be written.
    """
    name = f"badges-{good}-{flawed}-seed-{seed}"
    folder = own_folder("data") / name if folder is None else Path(folder)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(seed)
    # In another place first: a folder that is there is complete.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".badges") as temporary:
        whole = Path(temporary, "all")
        for number in range(good):
            _save(badge(generator), whole / f"badge {number:03}.png")
        for number in range(flawed):
            kind = DEFECTS[number % len(DEFECTS)]
            path = whole / "flawed" / kind / f"{kind} {number // len(DEFECTS):02}.png"
            _save(badge(generator, kind), path)
        try:
            os.replace(whole, folder)
        except OSError:
            if not folder.is_dir():  # another process was quicker
                raise
        shutil.rmtree(whole, ignore_errors=True)
    return folder


def badge(generator: torch.Generator, defect: str = "", side: int = SIDE) -> Tensor:
    """One badge, ``uint8``, ``(3, side, side)``; ``defect`` is one of ``DEFECTS``, or none."""

    def drawn(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=generator).item()

    # Places are measured in radii of the badge, from its middle: x to the right, y down.
    line = (torch.arange(side) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    size = drawn(0.78, 0.88)
    x, y = (x - drawn(-0.1, 0.1)) / size, (y - drawn(-0.1, 0.1)) / size
    radius, angle = torch.hypot(x, y), torch.atan2(y, x) - drawn(0, 2 * math.pi)

    waves = (0.5 + 0.5 * torch.cos(PETALS * angle)) ** drawn(0.5, 1.0)
    petals = _inside(radius - 0.22 - drawn(0.38, 0.46) * waves)
    core, rim = _inside(radius - 0.17), _inside((radius - 0.88).abs() - 0.07)
    if defect == "lost petal":
        sector = (angle * PETALS / (2 * math.pi)).round().remainder(PETALS)
        petals = petals.where((sector != int(drawn(0, PETALS))) | (radius < 0.2), 0)

    # What stands out catches light; a slope is as steep in pictures of any size.
    down, right = torch.gradient(rim + 0.6 * petals + 0.8 * core, spacing=SIDE / side)
    light = 1 + drawn(-0.3, 0.3) * right + down - 0.08 * radius
    warm = drawn(0, 1)
    face = _colour(0.13, 0.30, 0.50).expand(3, side, side)
    face = _cover(face, petals, (0.96 + 0.02 * warm, 0.90 - 0.10 * warm, 0.80 - 0.06 * warm))
    face = _cover(_cover(face, core, (0.93, 0.62, 0.18)), rim, (0.83, 0.66, 0.30))
    face = face * light * drawn(0.92, 1.04)

    disc, turn = _inside(radius - 0.96), drawn(0, 2 * math.pi)
    cosine, sine = math.cos(turn), math.sin(turn)
    if defect == "scratch":
        across, along = x * sine - y * cosine - drawn(-0.4, 0.4), x * cosine + y * sine
        scratch = _inside(across.abs() - 0.06, 0.02) * _inside(along.abs() - drawn(0.4, 0.6))
        face = _cover(face, scratch, (0.45, 0.13, 0.10))
    elif defect == "chip":
        disc = disc * (1 - _inside(torch.hypot(x - cosine, y - sine) - drawn(0.28, 0.4)))
    elif defect == "stain":
        away = drawn(0.1, 0.7)
        spot = _inside(torch.hypot(x - away * cosine, y - away * sine) - drawn(0.16, 0.24), 0.04)
        face = _cover(face, 0.9 * spot, (0.30, 0.42, 0.20))

    shadow = 0.3 * _inside(torch.hypot(x + 0.04, y - 0.08) - 0.97, 0.06)
    cloth = _colour(0.22, 0.24, 0.23) * (1 - shadow) * drawn(0.95, 1.05)
    image = cloth * (1 - disc) + face * disc
    image = image + 0.01 * torch.randn(image.shape, generator=generator)  # the camera's noise
    return (image.clamp(0, 1) * 255).round().byte()


def _inside(distance: Tensor, soft: float = EDGE) -> Tensor:
    """1 where a distance is below 0, 0 where it is above, and soft between."""
    return torch.sigmoid(-distance / soft)


def _colour(*rgb: float) -> Tensor:
    return torch.tensor(rgb)[:, None, None]


def _cover(face: Tensor, where: Tensor, rgb: tuple[float, float, float]) -> Tensor:
    return face * (1 - where) + _colour(*rgb) * where


def _save(pixels: Tensor, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()).save(path)
