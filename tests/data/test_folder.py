"""The reader's own pictures: whatever the files are, one shape comes out, or a clear refusal."""

import numpy as np
import pytest
import torch
from PIL import Image

from ae_helpers import data

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "my pictures").mkdir()
    return tmp_path / "my pictures"


def save(folder, name, size=(40, 30), colour=RED, mode="RGB"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path)


def save_twice(folder, image, **options):
    """A folder needs two pictures."""
    for name in ("a.png", "b.png"):
        image.save(folder / name, **options)


def half_red(size=(40, 20)):
    image = Image.new("RGB", size, BLUE)
    image.paste(RED, (0, 0, size[0] // 2, size[1]))
    return image


def everything(found):
    return torch.cat([found.train_images, found.test_images])


def test_any_format_and_mode(folder):
    save(folder, "a.png")
    save(folder, "b.JPG", mode="L")
    save(folder, "c.gif", mode="P")
    save(folder, "d.bmp", mode="1")
    save(folder, "e.tif", mode="CMYK")
    save(folder, "f.webp", mode="RGBA")
    found = data.load_folder(folder, channels=3)
    assert everything(found).shape == (6, 3, 30, 40) and everything(found).dtype == torch.uint8
    assert len(found.test_images) == 1
    assert found.name == "my pictures" and found.provenance == "6 pictures of your own"
    assert data.load_folder(folder, channels=1).train_images.shape[1:] == (1, 30, 40)


def test_pixels_and_grey(folder):
    save_twice(folder, half_red())
    image = data.load_folder(folder, channels=3).train_images[0]
    assert image[:, 0, 0].tolist() == [*RED] and image[:, 19, 39].tolist() == [*BLUE]
    grey = data.load_folder(folder, channels=1).train_images[0]
    assert grey[0, 0, [0, 39]].tolist() == [76, 29]  # 0.299 red, 0.114 blue


def test_the_camera_was_turned(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise to see it upright
    save_twice(folder, half_red(), exif=exif)
    image = data.load_folder(folder, channels=3).train_images[0]
    assert image.shape == (3, 40, 20)
    assert image[:, 0, 10].tolist() == [*RED] and image[:, 39, 10].tolist() == [*BLUE]


def test_what_is_transparent_is_black(folder):
    save_twice(folder, Image.new("RGBA", (4, 4), (255, 255, 255, 0)))
    assert data.load_folder(folder, channels=1).train_images.max() == 0


def test_sixteen_bits(folder):
    values = np.array([[0, 65_535], [32_768, 256]], dtype=np.uint16)
    save_twice(folder, Image.fromarray(values))
    assert data.load_folder(folder, 1).train_images[0, 0].tolist() == [[0, 255], [128, 1]]


def test_size_scales_and_crops(folder):
    half_red((80, 20)).save(folder / "a.png")
    half_red((20, 20)).save(folder / "b.png")
    found = everything(data.load_folder(folder, 3, size=10))
    assert found.shape == (2, 3, 10, 10)
    for image in found:  # the middle is still in the middle
        assert image[0, 5, 0] > 240 and image[2, 5, 9] > 240
    assert everything(data.load_folder(folder, 3, size=(6, 9))).shape == (2, 3, 6, 9)


def test_mixed_sizes_are_refused(folder, refused):
    save(folder, "a.png", (40, 30))
    save(folder, "b.png", (32, 48))
    with refused(ValueError, "a.png and b.png are 40×30 and 32×48 pixels", "size=32"):
        data.load_folder(folder, 3)


def test_a_corrupt_picture_is_named(folder, capsys):
    for i in range(4):
        save(folder, f"{i}.png")
    whole = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "deep").mkdir()
    (folder / "deep" / "text.jpg").write_text("no picture")
    assert len(everything(data.load_folder(folder, 3))) == 4
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("left out: cut.png (")
    assert second.replace("\\", "/").startswith("left out: deep/text.jpg (cannot identify")
    assert str(folder) not in second


def test_what_is_ignored(folder, capsys):
    for name in ("a.png", "b.png", ".hidden.png", ".cache/c.png"):
        save(folder, name)
    (folder / "notes.txt").write_text("words")
    (folder / "folder.png").mkdir()
    assert len(everything(data.load_folder(folder, 3))) == 2 and capsys.readouterr().out == ""


@pytest.mark.parametrize(("count", "words"), [(0, "no picture in"), (1, "one picture, 0.png, in")])
def test_too_few_pictures(folder, count, words, refused):
    for i in range(count):
        save(folder, f"{i}.png")
    with refused(ValueError, words, "at least two", ".jpg, .png"):
        data.load_folder(folder, 3)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"channels": 2}, ValueError, "channels=2; expected 1 .grey. or 3"),
        ({"channels": "RGB"}, ValueError, "channels='RGB'"),
        ({"channels": 3, "size": 0}, ValueError, r"size=\(0, 0\); expected \(height, width\)"),
        ({"channels": 3, "size": (8, 8, 3)}, ValueError, "size="),
        ({"path": "nowhere", "channels": 3}, FileNotFoundError, "nowhere isn't a folder"),
    ],
)
def test_settings_that_cannot_be(folder, given, error, words):
    with pytest.raises(error, match=words):
        data.load_folder(**{"path": folder} | given)


def test_the_split_is_seeded_and_whole(folder):
    for i in range(11):
        save(folder, f"{'ab'[i % 2]}/{i:02}.png", colour=(20 * i, 0, 0))
    found = [data.load_folder(folder, 3, seed=seed) for seed in (*range(9), 4)]
    assert torch.equal(found[4].test_images, found[-1].test_images)
    assert len({tuple(each.test_images[:, 0, 0, 0].tolist()) for each in found}) > 1
    for each in found:
        reds = everything(each)[:, 0, 0, 0]
        assert len(each.test_images) == 2 and sorted(reds.tolist()) == [20 * i for i in range(11)]
        assert torch.equal(torch.cat([each.train_labels, each.test_labels]), reds // 20 % 2)
