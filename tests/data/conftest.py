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
        numbers = range(torch.Size(header[1:]).numel())
        files[name] = struct.pack(f">{len(header)}i", *header)
        files[name] += bytes(i * factor % 251 for i in numbers)
    packed = {f"{name}.gz": gzip.compress(content) for name, content in files.items()}
    sums = [(name, hashlib.md5(content).hexdigest()) for name, content in packed.items()]
    monkeypatch.setattr(sources, "FILES", headers)
    for kind in (datasets.MNIST, datasets.FashionMNIST, datasets.KMNIST):
        monkeypatch.setattr(kind, "resources", sums)
    return files | packed


@pytest.fixture
def are_the_few(few):
    """A function that says whether a dataset of this name is what those files hold."""

    def numbers(file, start):
        return torch.frombuffer(bytearray(few[file][start:]), dtype=torch.uint8)

    def same(found, name="mnist"):
        train, train_labels, test, test_labels = sources.FILES
        return (
            torch.equal(found.train_images, numbers(train, 16).view(6, 1, 28, 28))
            and torch.equal(found.train_labels, numbers(train_labels, 8).long())
            and torch.equal(found.test_images, numbers(test, 16).view(4, 1, 28, 28))
            and torch.equal(found.test_labels, numbers(test_labels, 8).long())
            and found.name == name
            and not found.is_sample
        )

    return same


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The project's own data folder, not made yet; no other is named."""
    monkeypatch.delenv("AE_DATA_DIR", raising=False)
    monkeypatch.setattr(loading, "own_folder", lambda name: tmp_path / "own" / name)
    return tmp_path / "own" / "data"
