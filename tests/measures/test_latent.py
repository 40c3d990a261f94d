"""Codes, their principal directions, neighbours, random draws: against plain definitions."""

import pytest
import torch

from ae_helpers import measures
from ae_helpers.data import to_float
from ae_helpers.measures import latent, pca


@pytest.fixture
def cloud():
    """300 points in five dimensions, wide along some and narrow along others, turned."""
    generator = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=generator)).Q
    widths = torch.tensor([9.0, 4.0, 2.0, 1.0, 0.1])
    return (torch.randn(300, 5, generator=generator) * widths) @ turn.T + 7


@pytest.mark.parametrize("training", [True, False])
def test_encode_gives_each_code_and_puts_the_mode_back(small, build, training):
    model = build(norm="batch").train(training)
    images = small.train_images
    codes = latent.encode(model, images)
    assert model.training is training
    assert codes.shape == (640, 64) and codes.dtype == torch.float32 and not codes.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(codes, model.eval().encode(to_float(images)))


def test_codes_may_go_on_into_a_network(small, build):
    """A script decodes them by the network itself, and may even train on them."""
    model = build()
    images = model.decode(latent.encode(model, small.test_images[:4]))
    images.square().mean().backward()
    assert model.decoder.deconv1.weight.grad.abs().sum() > 0
    assert not latent.decode(model, torch.zeros(2, 64)).requires_grad


@pytest.mark.parametrize("shape, words", [((0, 1, 28, 28), "nothing"), ((2, 1, 9, 9), "takes")])
def test_encode_refuses_other_images(build, shape, words):
    with pytest.raises(ValueError, match=words):
        latent.encode(build(), torch.zeros(shape))


def test_principal_directions_are_those_of_the_covariance(cloud):
    found = pca.principal_directions(cloud)
    torch.testing.assert_close(found.mean, cloud.mean(0))
    torch.testing.assert_close(found.axes.T @ found.axes, torch.eye(5), atol=1e-5, rtol=0)
    diagonal = found.axes.T @ torch.cov(cloud.T) @ found.axes
    expected = torch.diag(found.deviations.square())
    torch.testing.assert_close(diagonal, expected, atol=1e-3, rtol=1e-4)
    assert torch.equal(found.deviations, found.deviations.sort(descending=True).values)
    opposite = pca.principal_directions(-cloud)  # a sign that rounding can't turn
    torch.testing.assert_close(opposite.axes, found.axes)


def test_principal_directions_of_images_agree_with_floats(small):
    images = small.train_images[:, :, 8:16, 8:16]
    found = pca.principal_directions(images)
    expected = pca.principal_directions(to_float(images).flatten(1))
    torch.testing.assert_close(found.deviations, expected.deviations)


@pytest.mark.parametrize("count", [0, 1])
def test_a_single_point_has_no_direction(count):
    with pytest.raises(ValueError, match=f"{count} point.* at least two"):
        pca.principal_directions(torch.zeros(count, 4))


def test_coordinates_and_back(cloud):
    found = pca.principal_directions(cloud)
    coordinates = found.coordinates(cloud)
    torch.testing.assert_close(coordinates.std(0), found.deviations, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.points(coordinates), cloud)
    assert torch.equal(found.points(coordinates[:, :0]), found.mean.expand(300, 5))
    lost = (cloud - found.points(coordinates[:, :2])).square().sum(1).mean()
    assert lost.item() == pytest.approx(found.deviations[2:].square().sum().item(), rel=0.01)


def test_neighbours_are_the_nearest(cloud):
    queries = cloud[:120] + 0.5
    distances, index = latent.Neighbours(cloud).nearest(queries, 4)
    every = (queries[:, None] - cloud).norm(dim=2)
    torch.testing.assert_close(distances, every.sort(dim=1).values[:, :4])
    assert torch.equal(index, every.argsort(dim=1)[:, :4])
    distances, index = latent.Neighbours(cloud).nearest(cloud)
    assert not distances.any() and torch.equal(index[:, 0], torch.arange(300))


def test_the_map_keeps_groups_together(cloud):
    groups = torch.arange(300) % 3
    places = latent.tsne(cloud + 60.0 * groups[:, None])
    assert places.shape == (300, 2) and places.isfinite().all()
    _, index = latent.Neighbours(places).nearest(places, 6)
    assert (groups[index] == groups[:, None]).all()
    assert torch.equal(places, latent.tsne(cloud + 60.0 * groups[:, None]))


def test_a_map_needs_more_points_than_neighbours(cloud):
    with pytest.raises(ValueError, match="perplexity.* must be less than n_samples"):
        latent.tsne(cloud, 300)


def test_random_codes_have_the_mean_and_covariance(cloud):
    found = pca.principal_directions(cloud)
    drawn = latent.random_codes(found, 40_000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn.mean(0), found.mean, atol=0.2, rtol=0)
    torch.testing.assert_close(torch.cov(drawn.T), torch.cov(cloud.T), atol=1.5, rtol=0)
    again = latent.random_codes(found, 40_000, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)


def test_few_points_have_the_same_directions_by_the_short_way():
    """Twenty points of many numbers: their covariance has 19 directions, and no more."""
    points = torch.rand(20, 1_100, generator=torch.Generator().manual_seed(2))
    found = pca.principal_directions(points)
    assert found.axes.shape == (1_100, 19) and found.deviations.shape == (19,)
    covariance = torch.cov(points.T.double())
    values, vectors = torch.linalg.eigh(covariance)
    torch.testing.assert_close(
        found.deviations.double(), values.flip(0)[:19].sqrt(), rtol=1e-4, atol=1e-6
    )
    alike = (found.axes.double() * vectors.flip(1)[:, :19]).sum(0).abs()
    torch.testing.assert_close(alike, torch.ones_like(alike), rtol=1e-3, atol=1e-3)
    assert (found.axes.gather(0, found.axes.abs().argmax(0, keepdim=True)) > 0).all()
    torch.testing.assert_close(found.points(found.coordinates(points)), points)


def test_codes_can_be_decoded(small, build):
    model = build(norm="batch").train()
    codes = latent.encode(model, small.test_images)
    images = latent.decode(model, codes)
    torch.testing.assert_close(images, measures.reconstruct(model, small.test_images))
    assert model.training and images.dtype == torch.float32
