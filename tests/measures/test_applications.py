"""Damages, repairs and bits: against plain definitions, on the sample's digits."""

import functools
import math

import pytest
import torch

from ae_helpers import measures
from ae_helpers.data import to_float
from ae_helpers.measures import applications, pca
from ae_helpers.models import Autoencoder, shipped


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def best_linear(sample, sigma):
    """The best linear repair of this noise."""
    damage = functools.partial(applications.add_noise, sigma=sigma)
    return applications.best_linear(sample.train_images, damage, 4_000)


@pytest.fixture(scope="module")
def digits(sample):
    return sample.test_images[:200]


# ------------------------------------------------------------------------------------ damages


def test_noise_has_its_strength_and_stays_in_range():
    grey = torch.full((50, 1, 28, 28), 0.5)
    noisy = applications.add_noise(grey, 0.1, seeded())
    assert noisy.std().item() == pytest.approx(0.1, rel=0.02)
    assert noisy.mean().item() == pytest.approx(0.5, abs=0.002)
    strong = applications.add_noise(grey, 3.0, seeded())
    assert strong.min() == 0 and strong.max() == 1
    assert (grey == 0.5).all()


def test_noise_is_repeatable_and_differs_between_images(digits):
    noisy = applications.add_noise(digits, 0.3, seeded())
    assert torch.equal(noisy, applications.add_noise(digits, 0.3, seeded()))
    assert not torch.equal(noisy, applications.add_noise(digits, 0.3, seeded(1)))
    twins = applications.add_noise(torch.zeros(2, 1, 28, 28), 0.3, seeded())
    assert not torch.equal(twins[0], twins[1])
    assert noisy.dtype == torch.float32


def test_each_image_can_have_a_noise_of_its_own():
    sigma = torch.tensor([0.0, 0.2]).view(2, 1, 1, 1)
    noisy = applications.add_noise(torch.full((2, 1, 28, 28), 0.5), sigma, seeded())
    assert (noisy[0] == 0.5).all() and noisy[1].std().item() == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("side", [1, 10, 20])
def test_a_square_is_covered_within_the_middle(digits, side):
    before = digits.clone()
    covered, where = applications.cover(digits, side, seeded())
    assert where.shape == (200, 1, 28, 28) and where.dtype == torch.bool
    assert (where.flatten(1).sum(1) == side**2).all()
    rows, columns = where[:, 0].any(2).sum(1), where[:, 0].any(1).sum(1)
    assert (rows == side).all() and (columns == side).all()
    assert not where[:, :, :4].any() and not where[:, :, :, 24:].any()
    assert (covered[where] == 0).all()
    assert torch.equal(covered[~where], to_float(digits)[~where])
    assert torch.equal(digits, before)
    if side == 10:  # it reaches both ends, and the two sides are drawn apart
        corners = {tuple(w.nonzero()[0].tolist()) for w in where[:, 0]}
        assert {row for row, _ in corners} == {column for _, column in corners} == set(range(4, 15))
        assert any(row != column for row, column in corners)


@pytest.mark.parametrize("side", [0, 21])
def test_cover_refuses_other_squares(digits, side):
    with pytest.raises(ValueError, match=f"side {side}; expected 1 to 20"):
        applications.cover(digits, side)


# ---------------------------------------------------------------------------------- objectives


class Spy(torch.nn.Module):
    """Remembers what it was given, and answers with black."""

    def forward(self, batch):
        self.given = batch
        return torch.zeros_like(batch)


@pytest.mark.parametrize("objective", [applications.denoising_error, applications.filling_error])
def test_an_objective_damages_the_input_and_compares_with_the_clean(digits, objective):
    batch, spy = to_float(digits), Spy()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        loss = objective(spy, batch)
    assert loss.item() == pytest.approx(batch.square().mean().item())  # of the clean ones
    assert not torch.equal(spy.given, batch)
    assert torch.equal(batch, to_float(digits))
    corner = spy.given[:, :, :4, :4].std((1, 2, 3))
    if objective is applications.denoising_error:  # some hardly, some strongly
        assert corner.min() < 0.05 and corner.max() > 0.4
    else:
        assert (corner == 0).all()


@pytest.mark.parametrize("load", [shipped.denoiser, shipped.filler])
def test_the_shipped_networks_repair(sample, load):
    network = load()
    assert isinstance(network, Autoencoder) and not network.training
    clean = to_float(sample.test_images[:300])
    noisy = applications.add_noise(clean, 0.5, seeded())
    covered, where = applications.cover(clean, 10, seeded())
    if load is shipped.denoiser:
        rival = measures.image_errors(clean, best_linear(sample, 0.5)(noisy)).mean()
        assert measures.reconstruct(network, noisy).sub(clean).square().mean() < 0.75 * rival
    else:
        directions = pca.principal_directions(sample.train_images)
        rival = applications.fill_by_pca(directions, covered, where)
        own, other = (
            (filled - clean)[where].square().mean()
            for filled in (measures.reconstruct(network, covered), rival)
        )
        assert own < 0.75 * other


# -------------------------------------------------------------------------------------- rivals


def test_the_best_linear_map_is_that_of_least_squares():
    images = torch.rand(300, 1, 2, 2, generator=seeded())
    turn = torch.randn(4, 4, generator=seeded(1))

    def damage(clean):
        return (clean.flatten(1) @ turn + 3).view(-1, 1, 2, 2)

    repair = applications.best_linear(images, damage, pairs=300)
    torch.testing.assert_close(repair(damage(images)), images, atol=2e-2, rtol=0)


def test_no_blur_and_no_scaling_beats_the_best_linear(sample, digits):
    noisy = applications.add_noise(digits, 0.4, seeded())
    repaired = best_linear(sample, 0.4)(noisy)
    best = measures.image_errors(digits, repaired).mean()
    for rival in (0.5 * noisy, torch.nn.functional.avg_pool2d(noisy, 3, 1, 1)):
        assert best < measures.image_errors(digits, rival).mean()
    assert repaired.min() >= 0 and repaired.max() <= 1


def test_filling_by_pca_is_the_conditional_mean():
    """Against the Gaussian in pixels, whose covariance is written out."""
    points = (
        torch.rand(500, 1, 3, 3, generator=seeded()) @ torch.rand(3, 3, generator=seeded(1)) / 3
    )
    directions = pca.principal_directions(points)
    where = torch.zeros(4, 1, 3, 3, dtype=torch.bool)
    where[:, :, 1:, 1:] = True
    images = points[:4]
    filled = applications.fill_by_pca(directions, images.masked_fill(where, 0), where, components=5)

    spread, axes = directions.deviations.square().double(), directions.axes[:, :5].double()
    noise = spread[5:].mean()
    covariance = axes @ torch.diag(spread[:5] - noise) @ axes.T
    covariance += noise * torch.eye(9, dtype=torch.float64)
    hidden = where[0].flatten()
    seen = ~hidden
    gain = covariance[hidden][:, seen] @ torch.linalg.inv(covariance[seen][:, seen])
    away = (images.flatten(1)[:, seen] - directions.mean[seen]).double()
    expected = (directions.mean[hidden] + away @ gain.T).clamp(0, 1).float()
    torch.testing.assert_close(filled[where].view(4, -1), expected, atol=1e-4, rtol=0)
    assert torch.equal(filled[~where], images[~where])


def test_what_is_covered_is_not_looked_at(sample, digits):
    directions = pca.principal_directions(sample.train_images)
    _, where = applications.cover(digits[:5], 10, seeded())
    black, white = (
        applications.fill_by_pca(directions, to_float(digits[:5]).masked_fill(where, value), where)
        for value in (0, 1)
    )
    assert torch.equal(black, white)


# ---------------------------------------------------------------------------------------- bits


def test_quantised_codes_are_within_half_a_step():
    codes = torch.randn(100, 4, generator=seeded())
    whole = applications.quantise(codes, 0.3)
    assert whole.dtype == torch.int64
    assert (whole * 0.3 - codes).abs().max() <= 0.15 + 1e-6


def test_code_bits_are_the_entropy_where_statistics_agree():
    """A fair coin and a four-sided die are 1 + 2 bits; a number that never changes is free."""
    coin = torch.arange(4_000) % 2
    die = torch.arange(4_000) % 4 - 2
    codes = torch.stack([coin, die, torch.zeros(4_000, dtype=torch.int64)], 1)
    assert applications.code_bits(codes, codes) == pytest.approx(3, abs=0.02)


def test_a_value_that_was_never_seen_is_dear_but_possible():
    train = torch.zeros(1_000, 1, dtype=torch.int64)
    bits = applications.code_bits(train, torch.tensor([[0], [7]]))
    rare = -math.log2(1 / (1_000 + 8))
    assert bits == pytest.approx((rare - math.log2(1_001 / 1_008)) / 2)


def test_a_png_is_exact_and_a_sheet_saves_headers(digits):
    bits = {}
    for count in (1, 73, 200):  # 73: the last row of the sheet is short
        bits[count], back = applications.file_bits(digits[:count], "PNG")
        assert torch.equal(back, digits[:count])
    assert bits[1] % 8 == 0 and bits[200] < 0.8 * bits[1]


def test_a_better_jpeg_is_a_larger_one(digits):
    few, many = (applications.file_bits(digits, "JPEG", quality=quality) for quality in (10, 50))
    assert few[0] < many[0]
    errors = [measures.image_errors(digits, back).mean() for _, back in (few, many)]
    assert errors[0] > errors[1] > 0


def test_defects_are_what_they_are_called(small):
    images = to_float(small.test_images[:50])
    kept = images.clone()
    flawed = applications.defects(images, seeded())
    assert list(flawed) == ["scratch", "specks", "gap", "stain", "mirrored"]
    assert torch.equal(images, kept)
    frame = torch.ones(28, 28, dtype=torch.bool)
    frame[4:-4, 4:-4] = False
    most = {"scratch": 9, "specks": 3, "gap": 25, "stain": 225, "mirrored": 784}
    for name, broken in flawed.items():
        assert broken.shape == images.shape and broken.min() >= 0 and broken.max() <= 1
        changed = (broken != images).flatten(1).sum(1)
        assert changed.max() <= most[name] and (changed > 0).float().mean() > 0.95  # in a stroke
        if name in ("scratch", "stain"):
            assert (broken >= images).all()
    assert torch.equal(flawed["specks"][..., frame], images[..., frame])
    assert (flawed["gap"] <= images).all() and (flawed["gap"] < images).flatten(1).any(1).all()
    assert (flawed["stain"][flawed["stain"] > images] <= 0.5).all()
    assert torch.equal(flawed["mirrored"], images.flip(3))
    again = applications.defects(small.test_images[:50], seeded())
    for name, broken in flawed.items():
        torch.testing.assert_close(again[name], broken)
