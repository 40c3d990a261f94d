"""The reader's own pictures: whatever the files are, one shape comes out, or a clear refusal."""

import errno
import os
import struct
import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

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


@pytest.mark.parametrize(
    ("mode", "colour", "more"),
    [
        ("RGBA", (255, 255, 255, 0), {}),
        ("LA", (255, 0), {}),
        ("L", 255, {"transparency": 255}),
    ],
)
def test_what_is_transparent_is_black(folder, mode, colour, more):
    save_twice(folder, Image.new(mode, (4, 4), colour), **more)
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
    first, second, count = capsys.readouterr().out.splitlines()
    assert first.startswith("left out: cut.png (")
    assert second.replace("\\", "/").startswith("left out: deep/text.jpg (cannot identify")
    assert str(folder) not in second and count == "2 of 6 pictures can't be read"


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png"])
def test_of_moving_pictures_the_first_is_taken_and_said_so(folder, capsys, ending):
    frames = [Image.new("RGB", (8, 6), colour) for colour in (RED, BLUE)]
    for i in range(6):
        frames[0].save(folder / f"{i}{ending}", save_all=True, append_images=frames[1:])
    save(folder, "still.gif", (8, 6))
    pixels = everything(data.load_folder(folder, 3))
    assert (pixels[:, 0] > 240).all() and (pixels[:, 2] < 16).all()
    names = ", ".join(f"{i}{ending}" for i in range(5))
    said = f"6 of more than one picture, the first is taken: {names}, …\n"
    assert capsys.readouterr().out == said
    data.load_picture(folder / f"0{ending}", (3, 6, 8))
    assert f"0{ending} holds more than one picture" in capsys.readouterr().out


def test_what_is_ignored(folder, capsys):
    for name in ("a.png", "b.png", ".hidden.png", ".cache/c.png"):
        save(folder, name)
    (folder / "folder.png").mkdir()
    assert len(everything(data.load_folder(folder, 3))) == 2 and capsys.readouterr().out == ""


# Exif with an orientation and a width that is a float, as some program wrote it.
ODD_EXIF = b"Exif\0\0II*\0\x08\0\0\0\2\0" + struct.pack(
    "<HHIfHHIHHI", *(256, 11, 1, 3.5), *(0x0112, 3, 1, 6, 0), 0
)
UNREADABLE = {
    "odd EXIF": (lambda p: Image.new("L", (8, 6)).save(p, exif=ODD_EXIF), "x.jpg", "an integer"),
    "nothing in it": (lambda p: p.touch(), "x.jpg", "cannot identify"),
    "a damaged header": (lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" * 3), "x.png", "x.png"),
    "too large": (lambda p: Image.new("1", (100, 99)).save(p), "x.png", "limit of 3000"),
    "nearly too large": (lambda p: Image.new("1", (50, 36)).save(p), "x.png", "limit of 1500"),
    "floats": (lambda p: Image.new("F", (8, 6)).save(p), "x.tif", "no fixed scale"),
    "32 bits": (lambda p: Image.new("I", (8, 6)).save(p), "x.tif", "no fixed scale"),
    "a link to nowhere": (lambda p: p.symlink_to("nowhere.png"), "x.png", "leads nowhere"),
    "a link to itself": (lambda p: p.symlink_to(p), "x.png", "leads nowhere"),
    "a pipe": (lambda p: os.mkfifo(p), "x.png", "no file"),
    "two lines in its name": (lambda p: p.touch(), "x\n.png", "cannot identify"),
    "no text in its name": (lambda p: p.touch(), "\udcff.png", "cannot identify"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="not all systems have such names and files")
@pytest.mark.parametrize(("write", "name", "words"), UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.filterwarnings("error")  # PIL warns of the nearly too large
def test_one_bad_file_is_named_and_the_others_read(folder, write, name, words, capsys, monkeypatch):
    write(folder / name)
    for other in ("a.png", "b.png"):
        save(folder, other)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_500)
    assert len(everything(data.load_folder(folder, 3))) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"left out: {repr(name)[1:-1]} (") and words in line
    line.encode()  # it can be printed


@pytest.mark.parametrize("error", [MemoryError(), struct.error("bad"), ZeroDivisionError("bad")])
def test_whatever_a_format_raises(folder, error, monkeypatch, capsys):
    save_twice(folder, half_red())
    save(folder, "c.png", (7, 7))
    read = ImageOps.exif_transpose

    def fail(image):
        if image.size == (7, 7):
            raise error
        return read(image)

    monkeypatch.setattr(ImageOps, "exif_transpose", fail)
    assert len(everything(data.load_folder(folder, 3))) == 2
    assert capsys.readouterr().out == f"left out: c.png ({str(error) or 'MemoryError()'})\n"


def test_what_may_not_be_read_is_named(folder, monkeypatch, capsys):
    save_twice(folder, half_red())
    save(folder, "private/c.png")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("private"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert len(everything(data.load_folder(folder, 3))) == 2
    said = capsys.readouterr().out
    assert said.startswith("left out: private (") and "Permission denied" in said


def test_files_that_pillow_does_not_know_are_counted(folder, capsys, refused):
    for i in range(40):
        (folder / f"IMG_{i}.HEIC").write_bytes(b"....ftypheic")
    words = ["left out: 40 .heic (", "convert pictures to .jpg", "pip install pillow-heif"]
    with refused(ValueError, "no picture in", *words):
        data.load_folder(folder, 3)
    save_twice(folder, half_red())
    for name in ("scan.pdf", "b.pdf", "IMG_1"):
        (folder / name).touch()
    assert len(everything(data.load_folder(folder, 3))) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("left out: 40 .heic, 2 .pdf, 1 without an ending (")
    for i in range(5):
        (folder / f"x.{i}").touch()
    (folder / "IMG_0.HEIC").rename(folder / ".hidden.HEIC")
    data.load_folder(folder, 3)
    assert "39 .heic, 2 .pdf, 1 without an ending, 1 .0, 1 .1, … (" in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="who makes links on Windows needs a right to")
def test_linked_folders_are_read_once(folder, tmp_path, capsys):
    save(tmp_path / "elsewhere", "a.png")
    save(folder, "b.png")
    (folder / "cats").symlink_to(tmp_path / "elsewhere")
    (folder / "again").symlink_to(folder)
    found = data.load_folder(folder, 3)
    assert len(everything(found)) == 2 and capsys.readouterr().out == ""
    assert sorted([*found.train_labels.tolist(), *found.test_labels.tolist()]) == [0, 1]


def test_smallest_and_nested(folder):
    save(folder, "one.png", (1, 1))
    (folder / "a" / "b").mkdir(parents=True)
    save(folder / "a" / "b" / "c", "fünf 数.png", (1, 900))
    found = data.load_folder(folder, 3, size=4)
    assert everything(found).shape == (2, 3, 4, 4) and (everything(found)[:, 0] == 255).all()


@pytest.mark.parametrize(
    ("name", "mode", "more"),
    [
        ("a JPEG.png", "RGB", {"format": "JPEG"}),
        ("moving.gif", "RGB", {"append_images": [half_red()]}),
        ("pages.tif", "RGB", {"append_images": [half_red()]}),
        ("two lenses.mpo", "RGB", {"append_images": [half_red()]}),
        ("printer's inks.jpg", "CMYK", {}),
        ("video.jpg", "YCbCr", {}),
    ],
)
def test_odd_but_good(folder, name, mode, more):
    for i in "12":
        image = Image.new("RGB", (8, 6), RED).convert(mode)
        image.save(folder / f"{i} {name}", save_all="append_images" in more, **more)
    image = data.load_folder(folder, 3).train_images[0].float()
    assert image.shape == (3, 6, 8)
    assert (image - torch.tensor(RED).view(3, 1, 1)).abs().max() < 4


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
        ({"channels": 3, "size": 0}, ValueError, r"size=0; expected \(height, width\)"),
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


def test_classes_are_mixed_and_named_and_files_are_known(folder):
    for i in range(40):
        save(folder, f"{'ab'[i // 20]}/{i:02}.png", colour=(6 * i, 0, 0))
    save(folder, "alone.png", colour=(250, 0, 0))
    found = data.load_folder(folder, 3)
    assert found.classes == ("my pictures", "a", "b")
    assert len(set(found.train_labels[:12].tolist())) >= 2  # not the first class first
    for part in ("train", "test"):
        images, labels, files = (
            getattr(found, f"{part}_{x}") for x in ("images", "labels", "files")
        )
        assert len(files) == len(images)
        for image, label, file in zip(images, labels, files, strict=True):
            own, _, name = file.rpartition("/")
            assert found.classes[label] == (own or "my pictures")
            assert image[0, 0, 0] == (250 if name == "alone.png" else 6 * int(name[:2]))
    few = found.take(3, 2)
    assert few.train_files == found.train_files[:3] and few.test_files == found.test_files[:2]


def test_more_than_memory_is_refused_before_it_is_filled(folder, refused, monkeypatch):
    for i in range(4):
        save(folder, f"{i}.png")
    asked = {"SC_PHYS_PAGES": 7, "SC_PAGE_SIZE": 4_096}
    monkeypatch.setattr(os, "sysconf", asked.__getitem__, raising=False)
    with refused(MemoryError, "4 pictures of 3×30×40 need 0.0 GB", "smaller size"):
        data.load_folder(folder, 3)
    asked["SC_PHYS_PAGES"] = 15
    assert len(everything(data.load_folder(folder, 3))) == 4
    monkeypatch.delattr(os, "sysconf")  # as on Windows
    assert len(everything(data.load_folder(folder, 3))) == 4


def test_one_picture_is_read_as_the_folder_reads_it(folder):
    half_red((80, 40)).save(folder / "a.png")
    half_red((20, 60)).save(folder / "b.png")
    found = data.load_folder(folder, 3, size=(20, 24))
    for image, file in zip(everything(found), found.train_files + found.test_files, strict=True):
        one = data.load_picture(folder / file, (3, 20, 24))
        assert one.shape == (1, 3, 20, 24) and torch.equal(one[0], image)
    assert data.load_picture(str(folder / "a.png"), torch.Size([1, 8, 8])).shape == (1, 1, 8, 8)


def test_one_picture_that_cannot_be(folder, refused):
    save(folder, "a.png")
    (folder / "text.jpg").write_text("no picture")
    (folder / "photo.heic").write_bytes(b"an iPhone's")
    with refused(FileNotFoundError, "nowhere.png isn't a file"):
        data.load_picture(folder / "nowhere.png", (3, 8, 8))
    with refused(FileNotFoundError, "isn't a file"):
        data.load_picture(folder, (3, 8, 8))
    with refused(ValueError, "text.jpg can't be read"):
        data.load_picture(folder / "text.jpg", (3, 8, 8))
    with refused(ValueError, "photo.heic", "pillow-heif"):
        data.load_picture(folder / "photo.heic", (3, 8, 8))
    with refused(ValueError, "2 channels; expected 1 or 3"):
        data.load_picture(folder / "a.png", (2, 8, 8))
    with refused(ValueError, "expected (height, width)"):
        data.load_picture(folder / "a.png", (3, 8))
