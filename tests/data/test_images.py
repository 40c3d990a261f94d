"""Tensors of the reader's own as a dataset, and what is said of those that can't be one."""

import numpy as np
import pytest
import torch

from ae_helpers import data


def test_tensors_become_a_dataset():
    images = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1).expand(10, 3, 4, 5)
    found = data.from_tensors(images, 2 * torch.arange(10), name="mine", seed=3)
    assert found.name == "mine" and found.provenance == "10 images of your own"
    assert found.train_images.shape == (8, 3, 4, 5) and found.test_images.shape == (2, 3, 4, 5)
    for pixels, labels in (
        (found.train_images, found.train_labels),
        (found.test_images, found.test_labels),
    ):
        assert pixels.dtype == torch.uint8 and labels.dtype == torch.int64
        assert torch.equal(2 * pixels[:, 0, 0, 0].long(), labels)
    others = data.from_tensors(images, seed=4)
    assert not torch.equal(found.test_images, others.test_images)
    assert not others.train_labels.any()


def test_floats_become_bytes():
    images = torch.linspace(0, 1, 256).view(2, 2, 8, 8)
    found = data.from_tensors(images, np.array([0, 1]))
    both = torch.cat([found.train_images, found.test_images])
    assert both.dtype == torch.uint8 and sorted(both.flatten().tolist()) == list(range(256))


@pytest.mark.parametrize(
    ("images", "labels", "error", "words"),
    [
        (np.zeros((4, 1, 8, 8)), None, TypeError, "torch.as_tensor"),
        (torch.zeros(4, 8, 8), None, ValueError, r"images\[:, None\]"),
        (torch.zeros(3, 8, 8), None, ValueError, r"image\[None\]"),
        (torch.full((4, 1, 8, 8), 2.0), None, ValueError, "Divide them by 255"),
        (torch.zeros(1, 1, 8, 8), None, ValueError, "One image; expected at least two"),
        (torch.zeros(4, 1, 8, 8), torch.zeros(3), ValueError, r"Labels have shape \(3,\)"),
    ],
)
def test_what_is_no_dataset(images, labels, error, words):
    with pytest.raises(error, match=words):
        data.from_tensors(images, labels)
