"""What β does, and the plane of codes: both show the networks' own answers, in nats."""

import numpy as np
import pytest
import torch
from torch import nn

from ae_helpers import models
from ae_helpers.models import vae
from ae_helpers.widgets import beta_slider, pictures, vae_plane
from ae_helpers.widgets.vae import ROWS
from shown import same, shows

PLANE = "plane of codes: drag here"


@pytest.fixture(scope="module")
def networks():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return {3.0: vae.VAE(), 0.1: vae.VAE(), 1: vae.VAE(5)}  # not in order


@pytest.fixture
def slider(networks, small):
    return beta_slider(networks, small.test_images)


@pytest.fixture(scope="module")
def flat():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return vae.VAE(2)


@pytest.fixture
def plane(flat, small):
    return vae_plane(flat, small)


@torch.inference_mode()
def decoded(model, codes):
    return model.eval().decode(codes)


# ------------------------------------------------------------------------------------ the slider


def test_the_stops_are_sorted_and_it_begins_at_the_elbo(slider, networks, small):
    assert [value for _, value in slider.controls["beta"].options] == [0.1, 1, 3.0]
    assert slider.controls["beta"].value == 1 and slider.controls["digit"].max == 99
    without = beta_slider({3.0: networks[3.0], 0.1: networks[0.1]}, small.test_images)
    assert without.controls["beta"].value == 0.1


@pytest.mark.parametrize("beta", [0.1, 1, 3.0])
def test_each_network_answers_in_nats(slider, networks, small, beta):
    slider.controls["beta"].value, slider.controls["digit"].value = beta, 7
    model, images = networks[beta].eval(), vae.binarised(small.test_images)
    with torch.inference_mode(), torch.random.fork_rng():
        torch.manual_seed(0)
        mean, log_variance = model.distribution(images)
        output = model.decode(vae.sample_latent(mean, log_variance))
    rate, lost = vae.kl(mean, log_variance), vae.distortion(images, output)
    active = (mean.var(0) > vae.ACTIVE).sum()
    assert shows(slider, "digit", images[7])
    assert shows(slider, "rebuilt", output[7])
    text = slider.readout.value
    own, means = (rate[7], lost[7]), (rate.mean(), lost.mean())
    for pair in (own, means):
        one, other = (round(part.item(), 1) for part in pair)  # what is shown adds up
        assert f"rate {one:.1f} + distortion {other:.1f} = {one + other:.1f} nats" in text
    assert "Mean of 100 digits" in text and f"β = {beta:g}." in text
    assert f"{active} of {model.latent_size} numbers are active" in text
    assert f"variance above {vae.ACTIVE:g}" in slider.hint
    assert not slider.errors


def test_its_means_are_what_the_table_measures(slider, networks, small):
    slider.controls["beta"].value = 3.0
    found = vae.measure(networks[3.0], small.test_images)
    assert f"rate {found['rate']:.1f} + distortion" in slider.readout.value
    assert f"; {found['active']} of 64" in slider.readout.value


def test_only_beta_changes_what_is_invented_until_others_are_wanted(slider, networks):
    def invented(seed):
        random = torch.randn(16, 64, generator=torch.Generator().manual_seed(seed))
        return pictures.tiles(decoded(networks[slider.controls["beta"].value], random), ROWS, ROWS)

    for beta in (0.1, 3.0):
        slider.controls["beta"].value = beta
        assert same(slider.shown["invented"], invented(0))
    slider.controls["digit"].value = 5
    assert same(slider.shown["invented"], invented(0))
    slider.buttons["Invent others"].click()
    assert same(slider.shown["invented"], invented(1))
    slider.controls["beta"].value = 0.1
    assert same(slider.shown["invented"], invented(1))


def test_what_says_nothing_of_the_image_is_grey_however_much_it_costs(build, small):
    """Of five numbers the first depends on the image, the second is as wide for all of them."""
    model = build(kind=vae.VAE, latent_size=5)
    for head in (model.mean, model.log_variance):
        nn.init.zeros_(head.weight[1:])
        nn.init.zeros_(head.bias)
    model.mean.weight.data[0] *= 1000
    model.log_variance.bias.data[1] = 2
    slider = beta_slider({1.0: model}, small.test_images)
    assert "1 of 5 numbers are active" in slider.readout.value
    bars = np.asarray(slider.shown["rate of each number"].convert("RGB")).astype(int)
    for colour in ([0x00, 0x72, 0xB2], [153, 153, 153]):
        assert (abs(bars - colour).max(-1) < 9).sum() > 50


def test_the_networks_stay_as_they_are_and_images_are_cut(networks, small):
    images = small.test_images.repeat(6, 1, 1, 1)
    state = torch.get_rng_state()
    networks[3.0].train()
    slider = beta_slider(networks, images)
    assert networks[3.0].training and torch.equal(state, torch.get_rng_state())
    assert slider.controls["digit"].max == 499
    networks[3.0].eval()


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ([vae.VAE()], TypeError, "The models are a list; expected a dict"),
        ({}, ValueError, "The models are empty"),
        ({"one": vae.VAE()}, ValueError, "named 'one'; expected its β"),
        ({-1.0: vae.VAE()}, ValueError, "named -1.0; expected its β"),
        ({float("nan"): vae.VAE()}, ValueError, "named nan; expected its β"),
        ({True: vae.VAE()}, ValueError, "named True; expected its β"),
        ({2.0: models.Autoencoder()}, TypeError, "β = 2: A Autoencoder has no distribution"),
    ],
)
def test_what_is_no_network_by_beta(small, wrong, error, says):
    with pytest.raises(error, match=says):
        beta_slider(wrong, small.test_images)


def test_images_that_do_not_fit(networks, small):
    with pytest.raises(ValueError, match="There is 1 image; expected at least 2"):
        beta_slider(networks, small.test_images[:1])
    with pytest.raises(ValueError, match="β = 0.1: .*this network takes"):
        beta_slider(networks, small.test_images[:, :, 2:])
    with pytest.raises(TypeError, match="Images are a list"):
        beta_slider(networks, [1, 2])


# ------------------------------------------------------------------------------------- the plane


def place(plane):
    return plane.controls["x"].value, plane.controls["y"].value


def send(plane, **message):
    plane.pictures[PLANE]._handle_custom_msg(message, [])
    assert not plane.errors


def test_it_decodes_the_place_and_counts_its_neighbours(plane, flat, small):
    plane.controls["x"].value, plane.controls["y"].value = 1.25, -0.4
    here = torch.tensor([[1.25, -0.4]])
    assert shows(plane, "decoded", decoded(flat, here)[0])
    with torch.inference_mode():
        codes = flat.eval().encode(small.test_images / 255)
    distances, order = (codes - here).norm(dim=1).sort()
    text = plane.readout.value
    assert f"At (1.25, -0.40) the nearest test code is {distances[0]:.2f} away" in text
    labels = small.test_labels[order[:20]]
    for name in labels.unique():
        assert f"{(labels == name).sum()}× “{name}”" in text


def ring(plane):
    """The middle of the marker in the picture: what differs from the marker's being elsewhere."""
    shown = np.asarray(plane.shown[PLANE].convert("RGB")).astype(int)
    x, y = place(plane)
    plane.controls["x"].value = -x if x else 2.0
    other = np.asarray(plane.shown[PLANE].convert("RGB")).astype(int)
    plane.controls["x"].value = x
    black = (shown.max(-1) == 0) & (other.max(-1) > 0)
    rows, columns = black.nonzero()
    return columns.mean(), rows.mean()


def test_the_ring_is_where_the_mouse_is_and_the_way_back(plane):
    for x, y in ((120, 90), (300, 250)):
        send(plane, x=x, y=y)
        assert place(plane) != (0, 0)
        right, down = ring(plane)
        assert abs(right - x) < 4 and abs(down - y) < 4  # a step is two pixels


def test_the_middle_has_no_sign(plane):
    right, down = ring(plane)
    for away in (-1, 0, 1):
        send(plane, x=round(right) + away, y=round(down) + away)
        assert "-0.00" not in plane.readout.value
    send(plane, x=round(right), y=round(down))
    assert "At (0.00, 0.00)" in plane.readout.value


def test_a_drag_draws_once_and_stops_at_the_ends(plane, monkeypatch):
    drawn, original = [], plane.draw
    plane.draw = lambda **values: drawn.append(values) or original(**values)
    send(plane, x=200, y=150)
    assert len(drawn) == 1
    reach = plane.controls["x"].max
    send(plane, x=10_000, y=-10_000)  # far outside
    assert place(plane) == (reach, reach)
    send(plane, x=-5, y=10_000)
    assert place(plane) == (-reach, -reach)


def test_arrow_keys_move_by_a_tenth(plane):
    for message, there in (
        ({"right": 1}, (0.1, 0)),
        ({"down": -1}, (0.1, 0.1)),
        ({"right": -1}, (0, 0.1)),
        ({"down": 1}, (0, 0)),
    ):
        send(plane, **message)
        assert place(plane) == there


def test_what_is_no_plane(small, flat):
    with pytest.raises(ValueError, match="The code has 64 numbers; expected 2"):
        vae_plane(vae.VAE(), small)
    with pytest.raises(TypeError, match="A Linear has no encode"):
        vae_plane(nn.Linear(2, 2), small)
    unlabelled = type(small)("", "", *[small.train_images, None, small.test_images, None])
    with pytest.raises(ValueError, match="The labels of the test images are None; expected"):
        vae_plane(flat, unlabelled)
    with pytest.raises(ValueError, match="at least one image"):
        vae_plane(flat, small.take(0, 0))


def test_any_network_with_two_numbers_has_a_plane(small):
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    decoder = nn.Sequential(nn.Flatten(), nn.Linear(2, 784), nn.Unflatten(1, (1, 28, 28)))
    explorer = vae_plane(models.Paired(encoder, decoder, 2), small)
    assert explorer.shown["decoded"].size == (28, 28)
