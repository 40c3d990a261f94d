"""The other datasets: each from its files, from Debian's package, or a clear refusal."""

import gzip
import hashlib
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision import datasets

from ae_helpers import data
from ae_helpers.data import sources

OTHERS = [name for name in data.NAMES if not name.endswith("mnist") or name[0] in "fk"]


@pytest.fixture
def home(home, tmp_path, monkeypatch):
    """The project's own data folder; no other is named, nothing installed, no way out."""
    install(monkeypatch, tmp_path / "nothing")

    def refuse(*_, **__):
        raise OSError("[Errno 101] Network is unreachable")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return home


def install(monkeypatch, folder):
    changed = replace(sources.SOURCES["fashion-mnist"], folder=str(folder))
    monkeypatch.setitem(sources.SOURCES, "fashion-mnist", changed)


@pytest.fixture
def package(tmp_path, monkeypatch, home, few):
    """Debian's package, with ten images in it."""
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    for name in sources.FILES:
        (folder / f"{name}.gz").write_bytes(few[f"{name}.gz"])
    install(monkeypatch, folder)
    return folder


@pytest.mark.parametrize("name", OTHERS)
def test_no_network(name, home, capsys):
    title, megabytes = sources.SOURCES[name].title, sources.SOURCES[name].megabytes
    with pytest.raises(data.Unavailable, match="set AE_DATA_DIR to a folder that holds") as raised:
        data.load(name)
    message = str(raised.value)
    assert message.startswith(f"{title} could not be downloaded (")
    assert ("apt install dataset-fashion-mnist" in message) == (name == "fashion-mnist")
    assert capsys.readouterr().out == f"Downloading {title} ({megabytes} MB, once) …\n"
    assert not list(home.iterdir())


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("how", ["not allowed", "sample", "sample in AE_DATA_DIR"])
def test_nobody_is_asked(name, how, home, capsys, monkeypatch):
    if how == "sample in AE_DATA_DIR":
        monkeypatch.setenv("AE_DATA_DIR", "sample")
    with pytest.raises(data.Unavailable, match="isn't on this computer. Connect") as raised:
        data.load(name, "sample" if how == "sample" else None, download=how != "not allowed")
    assert f"({sources.SOURCES[name].megabytes} MB, once)" in str(raised.value)
    assert capsys.readouterr().out == "" and not home.exists()


def test_a_folder_that_does_not_exist_is_no_reason_to_look_elsewhere(tmp_path, home, monkeypatch):
    monkeypatch.setenv("AE_DATA_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere, the folder in AE_DATA_DIR, doesn't"):
        data.load("kmnist")


def test_mnist_that_may_not_be_downloaded_is_the_sample(home, capsys):
    assert data.load(download=False).is_sample
    assert capsys.readouterr().out == (
        "MNIST isn't on this computer. Using the offline sample: 5,000 real digits instead of "
        "70,000.\n"
    )


def test_the_package_is_recognised(package, home, assert_the_few, monkeypatch, capsys):
    for setting in (None, "sample", str(package.parent)):  # a folder that may hold other data
        if setting:
            monkeypatch.setenv("AE_DATA_DIR", setting)
        clothes = data.load("fashion-mnist")
        assert_the_few(clothes, "fashion-mnist")
        assert clothes.provenance == "the full Fashion-MNIST, from Debian's package"
    assert capsys.readouterr().out == "" and not home.exists()


@pytest.mark.parametrize("damage", ["cut", "nonsense", "too long"])
def test_a_damaged_package(package, damage):
    path = package / "t10k-labels-idx1-ubyte.gz"
    content = path.read_bytes()
    if damage == "too long":
        path.write_bytes(gzip.compress(gzip.decompress(content) + b"x"))
    else:
        path.write_bytes(content[:-9] if damage == "cut" else b"what is this?")
    with pytest.raises(ValueError, match=f"^{path.name} .* Install dataset-fashion-mnist again.$"):
        data.load("fashion-mnist")


@pytest.mark.parametrize(
    ("name", "kind"), [("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST")]
)
@pytest.mark.parametrize("end", ["", ".gz"])
def test_files_like_mnists(name, kind, end, tmp_path, monkeypatch, package, few, assert_the_few):
    raw = tmp_path / "given" / kind / "raw"
    raw.mkdir(parents=True)
    for file in sources.FILES:
        (raw / (file + end)).write_bytes(few[file + end])
    images = data.load(name, tmp_path / "given")
    title = sources.SOURCES[name].title
    assert images.provenance.endswith(f"the full {title}, from the folder given")
    assert_the_few(images, name)
    monkeypatch.setenv("AE_DATA_DIR", str(tmp_path / "given"))
    assert data.load(name).provenance.endswith("from the folder in AE_DATA_DIR")
    (raw / ("t10k-labels-idx1-ubyte" + end)).unlink()
    (raw / "t10k-labels-idx1-ubyte").unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError, match=f"lacks {kind}/raw/t10k-labels-idx1-ubyte"):
        data.load(name, tmp_path / "given")


# ------------------------------------------------------------------------------------- photographs


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """The files of a CIFAR-10 of twelve images, with checksums that torchvision expects."""
    folder = tmp_path / "given" / "cifar-10-batches-py"
    folder.mkdir(parents=True)

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        return name, hashlib.md5((folder / name).read_bytes()).hexdigest()

    def batch(first):
        pixels = np.arange(2 * 3072).reshape(2, 3072) + first
        return {"data": (pixels % 256).astype(np.uint8), "labels": [first, first + 1]}

    kind = datasets.CIFAR10
    train = [[*write(f"data_batch_{i}", batch(i))] for i in range(1, 6)]
    meta, md5 = write("batches.meta", {"label_names": [*"abcdefghij"]})
    monkeypatch.setattr(kind, "train_list", train)
    monkeypatch.setattr(kind, "test_list", [[*write("test_batch", batch(7))]])
    monkeypatch.setattr(kind, "meta", {"filename": meta, "key": "label_names", "md5": md5})
    return folder


def test_cifar10(cifar, home):
    photos = data.load("cifar10", cifar.parent)
    assert photos.train_images.shape == (10, 3, 32, 32) and photos.test_images.shape[0] == 2
    assert photos.train_images.dtype == torch.uint8 and photos.train_images.is_contiguous()
    assert photos.train_images[0, :, 0, 0].tolist() == [1, 1, 1]  # 1, 1025, 2049, modulo 256
    assert photos.train_images[0, 0, 0, :3].tolist() == [1, 2, 3]
    assert photos.test_labels.tolist() == [7, 8]
    (cifar / "data_batch_3").write_bytes(b"")
    with pytest.raises(ValueError, match="A file of CIFAR-10 in .* is damaged.*Delete that folder"):
        data.load("cifar10", cifar.parent)
    (cifar / "data_batch_3").unlink()
    with pytest.raises(FileNotFoundError, match="lacks cifar-10-batches-py/data_batch_3; expected"):
        data.load("cifar10", cifar.parent)


def test_svhn(tmp_path, monkeypatch, home):
    scipy = pytest.importorskip("scipy.io")
    folder, splits = tmp_path / "given" / "SVHN", {}
    folder.mkdir(parents=True)
    for split, count in (("train", 3), ("test", 2)):
        pixels = np.arange(32 * 32 * 3 * count).reshape(32, 32, 3, count) % 255
        labels = np.arange(10, 10 + count)[:, None]
        path = folder / f"{split}_32x32.mat"
        scipy.savemat(path, {"X": pixels.astype(np.uint8), "y": labels})
        splits[split] = ["", path.name, hashlib.md5(path.read_bytes()).hexdigest()]
    monkeypatch.setattr(datasets.SVHN, "split_list", splits)
    numbers = data.load("svhn", tmp_path / "given")
    assert numbers.train_images.shape == (3, 3, 32, 32) and numbers.test_images.shape[0] == 2
    assert numbers.train_images.dtype == torch.uint8
    assert numbers.train_labels.tolist() == [0, 11, 12]  # torchvision: 10 stands for 0
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="A file of SVHN in .* is damaged"):
        data.load("svhn", tmp_path / "given")


def test_a_download_is_moved_into_place(cifar, home, monkeypatch, capsys):
    """Whatever torchvision writes into the temporary folder, as it writes it."""
    kind, given = datasets.CIFAR10, cifar

    def fetch(self, folder):
        (folder / given.name).mkdir()
        for file in given.iterdir():
            (folder / given.name / file.name).write_bytes(file.read_bytes())

    monkeypatch.setattr(sources.Cifar10, "fetch", fetch)
    photos = data.load("cifar10")
    assert photos.provenance == "the full CIFAR-10, downloaded just now"
    assert len(photos.train_images) == 2 * len(kind.train_list)
    assert {path.name for path in home.iterdir()} == {given.name}
    assert data.load("cifar10").provenance.endswith("downloaded earlier")
    assert capsys.readouterr().out.count("Downloading CIFAR-10 (170 MB, once)") == 1


# ----------------------------------------------------------------------------------------- coloured


def test_coloured(small, sample):
    hued = data.coloured(small)
    assert hued.name == "coloured-mnist-sample" and hued.is_sample
    assert hued.train_images.shape == (640, 3, 28, 28) and hued.train_images.dtype == torch.uint8
    assert torch.equal(hued.train_labels, small.train_labels)
    # The brightest channel is the grey picture, the darkest 0.3 of it: a hue, and nothing else.
    values = hued.train_images.sort(dim=1).values
    assert torch.equal(values[:, 2:], small.train_images)
    assert (values[:, 0] - 0.3 * small.train_images[:, 0]).abs().max() <= 0.5
    again = data.coloured(sample)
    assert torch.equal(again.train_images[:640], hued.train_images)  # the cut doesn't matter
    assert not torch.equal(data.coloured(small, seed=5).train_images, hued.train_images)
    assert "a hue drawn with seed 5" in data.coloured(small, seed=5).provenance
    loaded = data.load("coloured-mnist", "sample")
    assert torch.equal(loaded.test_images[:100], hued.test_images)


def test_hues_go_round_the_circle(small):
    brightest = data.coloured(small).train_images.flatten(2).amax(2).argmax(1)
    shares = brightest.bincount(minlength=3) / len(brightest)
    assert shares.min() > 0.28
    labels = small.train_labels.float()
    assert abs(torch.corrcoef(torch.stack([labels, brightest.float()]))[0, 1]) < 0.1


def test_colours_are_not_coloured(small):
    with pytest.raises(ValueError, match="3 channels; expected 1"):
        data.coloured(data.coloured(small))
