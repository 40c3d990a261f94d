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


def save(folder, name, size=(40, 30), colour=RED, mode="RGB", **options):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path, **options)


def half_red(size=(40, 20)):
    image = Image.new("RGB", size, BLUE)
    image.paste(RED, (0, 0, size[0] // 2, size[1]))
    return image


def everything(found):
    return torch.cat([found.train_images, found.test_images])


def test_any_format_and_mode(folder):
    modes = {
        "a.png": "RGB",
        "b.JPG": "L",
        "c.gif": "P",
        "d.bmp": "1",
        "e.tif": "CMYK",
        "f.webp": "RGBA",
    }
    for name, mode in modes.items():
        save(folder, name, mode=mode)
    found = data.load_folder(folder, channels=3)
    assert everything(found).shape == (6, 3, 30, 40) and everything(found).dtype == torch.uint8
    assert len(found.test_images) == 1
    assert found.name == "my pictures" and found.provenance == "6 pictures of your own"
    assert data.load_folder(folder, channels=1).train_images.shape[1:] == (1, 30, 40)


def test_pixels_and_grey(folder):
    for name in ("a.png", "b.png"):
        half_red().save(folder / name)
    image = data.load_folder(folder, channels=3).train_images[0]
    assert image[:, 0, 0].tolist() == [*RED] and image[:, 19, 39].tolist() == [*BLUE]
    grey = data.load_folder(folder, channels=1).train_images[0]
    assert grey[0, 0, [0, 39]].tolist() == [76, 29]  # 0.299 red, 0.114 blue


def test_the_camera_was_turned(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise to see it upright
    for name in ("a.png", "b.png"):
        half_red().save(folder / name, exif=exif)
    image = data.load_folder(folder, channels=3).train_images[0]
    assert image.shape == (3, 40, 20)
    assert image[:, 0, 10].tolist() == [*RED] and image[:, 39, 10].tolist() == [*BLUE]


def test_what_is_transparent_is_black(folder):
    for name in ("a.png", "b.png"):
        Image.new("RGBA", (4, 4), (255, 255, 255, 0)).save(folder / name)
    assert data.load_folder(folder, channels=1).train_images.max() == 0


def test_sixteen_bits(folder):
    values = np.array([[0, 65_535], [32_768, 256]], dtype=np.uint16)
    for name in ("a.png", "b.png"):
        Image.fromarray(values).save(folder / name)
    assert data.load_folder(folder, 1).train_images[0, 0].tolist() == [[0, 255], [128, 1]]


def test_size_scales_and_crops(folder):
    half_red((80, 20)).save(folder / "a.png")
    half_red((20, 20)).save(folder / "b.png")
    found = everything(data.load_folder(folder, 3, size=10))
    assert found.shape == (2, 3, 10, 10)
    for image in found:  # the middle is still in the middle
        assert image[0, 5, 0] > 240 and image[2, 5, 9] > 240
    assert everything(data.load_folder(folder, 3, size=(6, 9))).shape == (2, 3, 6, 9)


def test_mixed_sizes_are_refused(folder):
    save(folder, "a.png", (40, 30))
    save(folder, "b.png", (32, 48))
    with pytest.raises(ValueError) as raised:
        data.load_folder(folder, 3)
    message = str(raised.value)
    assert "a.png and b.png are 40×30 and 32×48 pixels" in message and "size=32" in message


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
def test_too_few_pictures(folder, count, words):
    for i in range(count):
        save(folder, f"{i}.png")
    with pytest.raises(ValueError) as raised:
        data.load_folder(folder, 3)
    assert words in str(raised.value) and "at least two" in str(raised.value)
    assert ".png" in str(raised.value)


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
    found = data.load_folder(folder, 3, seed=4)
    again = data.load_folder(folder, 3, seed=4)
    assert torch.equal(found.test_images, again.test_images) and len(found.test_images) == 2
    assert sorted(everything(found)[:, 0, 0, 0].tolist()) == [20 * i for i in range(11)]
    tests = {
        tuple(data.load_folder(folder, 3, seed=s).test_images[:, 0, 0, 0].tolist())
        for s in range(9)
    }
    assert len(tests) > 1
    for images, labels in (
        (found.train_images, found.train_labels),
        (found.test_images, found.test_labels),
    ):
        assert labels.tolist() == [(value // 20) % 2 for value in images[:, 0, 0, 0].tolist()]
