"""Measuring sticks against the formulas, written in numpy."""

import numpy as np
import pytest
import torch

from ae_helpers import data, measures
from ae_helpers.measures import baselines
from ae_helpers.measures.pca import principal_directions


@pytest.fixture(scope="module")
def pixels(small):
    """Training and test images as rows of float64 in [0, 1]."""
    return tuple(
        images.numpy().reshape(len(images), -1).astype(np.float64) / 255
        for images in (small.train_images, small.test_images)
    )


@pytest.mark.parametrize("measure", ["image_errors", "error_maps", "worst_patch"])
def test_one_image_is_a_batch_of_one(measure):
    """Else its channels, or its rows, would be taken for images."""
    image = torch.rand(3, 32, 32)
    with pytest.raises(ValueError, match=r"One image is a batch of one: image\[None\]"):
        getattr(measures, measure)(image, image)


@pytest.mark.parametrize("as_bytes", [True, False])
def test_image_errors(small, as_bytes):
    one, other = small.test_images[:30], small.test_images[30:60]
    expected = ((one.numpy() / 255 - other.numpy() / 255) ** 2).mean((1, 2, 3))
    if not as_bytes:
        one, other = one / 255, other / 255
    errors = measures.image_errors(one, other)
    assert errors.shape == (30,) and errors.dtype == torch.float32
    np.testing.assert_allclose(errors, expected, rtol=1e-5)


def test_black_and_the_errors_against_one_picture(pixels, small):
    errors = measures.image_errors(small.test_images, torch.zeros(1, 1, 28, 28))
    np.testing.assert_allclose(errors, (pixels[1] ** 2).mean(1), rtol=1e-5)
    assert baselines.black(small.test_images) == pytest.approx((pixels[1] ** 2).mean(), rel=1e-5)


def test_mean_image(pixels, small):
    mean = baselines.mean_image(small.train_images)
    assert mean.shape == (1, 1, 28, 28) and mean.dtype == torch.float32
    np.testing.assert_allclose(mean.flatten(), pixels[0].mean(0), atol=1e-7)
    assert torch.equal(baselines.mean_image(data.to_float(small.train_images)), mean)


def test_mean_image_does_not_overflow():
    white = torch.full((70_000, 1, 2, 2), 255, dtype=torch.uint8)
    assert baselines.mean_image(white).unique().tolist() == [1.0]


def test_pca_errors(pixels, small):
    train, test = pixels
    components = [1, 64, 2, 300, 784]
    mean = train.mean(0)
    axes = np.linalg.svd(train - mean)[2]
    expected = [
        (((test - mean) - (test - mean) @ axes[:k].T @ axes[:k]) ** 2).mean() for k in components
    ]
    found = baselines.pca_errors(small, components)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert sorted(found, reverse=True) == [found[i] for i in (0, 2, 1, 3, 4)]


@pytest.mark.parametrize("wrong", [0, -1, 785])
def test_pca_with_a_number_of_components_that_there_is_not(small, wrong):
    with pytest.raises(ValueError, match=f"^{wrong} components; expected 1 to 784"):
        baselines.pca_errors(small, [2, wrong])


def test_measuring_sticks(pixels, small):
    train, test = pixels
    sticks = baselines.measuring_sticks(small, components=8)
    assert sticks == pytest.approx(
        {
            "all-black": (test**2).mean(),
            "mean image": ((test - train.mean(0)) ** 2).mean(),
            "PCA-8": baselines.pca_errors(small, [8])[0],
        },
        rel=1e-5,
    )
    assert list(baselines.measuring_sticks(small)) == ["all-black", "mean image", "PCA-64"]
    assert sticks["all-black"] > sticks["mean image"] > sticks["PCA-8"]


def test_error_maps_and_the_worst_patch(small):
    images = small.test_images[:6].expand(-1, 3, -1, -1).clone()
    rebuilt = torch.rand(images.shape, generator=torch.Generator().manual_seed(0))
    squares = (images.numpy() / 255 - rebuilt.numpy().astype(np.float64)) ** 2
    maps = measures.error_maps(images, rebuilt)
    assert maps.shape == (6, 28, 28)
    np.testing.assert_allclose(maps, squares.mean(1), rtol=1e-4, atol=1e-7)
    windows = np.lib.stride_tricks.sliding_window_view(squares.mean(1), (4, 4), axis=(1, 2))
    expected = windows.mean((3, 4)).max((1, 2))
    np.testing.assert_allclose(measures.worst_patch(images, rebuilt, 4), expected, rtol=1e-4)


@pytest.mark.parametrize("shape", [(3, 5, 7), (3, 20, 18)])  # the long way, and the short one
def test_pca_of_any_shape(shape):
    generator = torch.Generator().manual_seed(1)
    images = (torch.rand(30, *shape, generator=generator) * 255).byte()
    found = data.from_tensors(images)
    directions = principal_directions(found.train_images)
    for k in (1, 5, 20):
        network = baselines.pca_network(directions, k, shape)
        assert network.input_shape == shape and network.latent_size == k
        error = measures.evaluate(network, found.test_images)
        assert error == pytest.approx(baselines.pca_errors(found, [k])[0], rel=1e-3)
    if shape == (3, 20, 18):  # beyond the last direction of 24 images there is nothing to gain
        errors = baselines.pca_errors(found, [23, 28])
        assert errors[0] == errors[1] > 0
