"""Files like MNIST's with ten images in them, and an own data folder that is empty."""

import gzip
import hashlib
import struct

import pytest
import torch
from torchvision import datasets

from ae_helpers.data import loading, sources


@pytest.fixture
def few(monkeypatch):
    """The files of ten images, by name, unpacked and gzipped; the loader is told to expect those.

    Their bytes differ within a file and from file to file, so that a mix-up would be seen.
    """
    counts = [6, 6, 4, 4]
    headers = {
        name: (magic, count, *shape)
        for (name, (magic, _, *shape)), count in zip(sources.FILES.items(), counts, strict=True)
    }
    files = {}
    for factor, (name, header) in enumerate(headers.items(), start=3):
        numbers = bytes(i * factor % 251 for i in range(torch.Size(header[1:]).numel()))
        files[name] = struct.pack(f">{len(header)}i", *header) + numbers
    packed = {f"{name}.gz": gzip.compress(content) for name, content in files.items()}
    sums = [(name, hashlib.md5(content).hexdigest()) for name, content in packed.items()]
    monkeypatch.setattr(sources, "FILES", headers)
    for kind in (datasets.MNIST, datasets.FashionMNIST, datasets.KMNIST):
        monkeypatch.setattr(kind, "resources", sums)
    return files | packed


@pytest.fixture
def assert_the_few(few):
    """A function that asserts that a dataset, of this name, is what those files hold."""

    def check(found, name="mnist"):
        assert found.name == name and not found.is_sample
        parts = (found.train_images, found.train_labels, found.test_images, found.test_labels)
        for part, (file, header) in zip(parts, sources.FILES.items(), strict=True):
            numbers = torch.tensor(list(few[file][4 * len(header) :]))
            images = len(header) == 4
            expected = numbers.byte().view(-1, 1, 28, 28) if images else numbers
            torch.testing.assert_close(part, expected, rtol=0, atol=0)

    return check


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The project's own data folder, not made yet; no other is named."""
    monkeypatch.delenv("AE_DATA_DIR", raising=False)
    monkeypatch.setattr(loading, "own_folder", lambda name: tmp_path / "own" / name)
    return tmp_path / "own" / "data"
