"""The latent explorers show what the model itself makes of the code that is set."""

import pytest
import torch
from torch import nn

from ae_helpers.data import to_float
from ae_helpers.measures import image_errors, latent, pca
from ae_helpers.measures.baselines import pca_errors
from ae_helpers.models import shipped
from ae_helpers.widgets import blend, keep_k, latent_sliders
from shown import same, set_to, shows

DECODED, NEAREST, START = "decoded", "nearest training digit", "digit to start from"


class Linear(nn.Module):
    """The best linear autoencoder of some images, of any size, with a code of any size."""

    def __init__(self, images, latent_size):
        super().__init__()
        self.latent_size, self.input_shape = latent_size, tuple(images.shape[1:])
        found = pca.principal_directions(images)
        self.axes = nn.Parameter(found.axes[:, :latent_size])
        self.mean = nn.Parameter(found.mean)

    def encode(self, images):
        return (images.flatten(1) - self.mean) @ self.axes

    def decode(self, codes):
        return (self.mean + codes @ self.axes.T).view(-1, *self.input_shape)

    def forward(self, images):
        return self.decode(self.encode(images))


@pytest.fixture(scope="module")
def model():
    return shipped.backbone().eval()


def nearest_to(explorer):
    return float(explorer.readout.value.split("digit is ")[1].split(" away")[0])


# ------------------------------------------------------------------------------- latent_sliders


def test_sliders_add_up_along_the_directions(small, model):
    explorer = latent_sliders(model, small.train_images)
    codes = latent.encode(model, small.train_images)
    directions = pca.principal_directions(codes)
    steps = [1.5, -2.0, 0.5, 3.0, 0.0, -1.0, 0.25, -3.0]
    code = directions.mean.clone()
    for number, step in enumerate(steps):
        before = explorer.shown[DECODED].tobytes()
        explorer.controls[f"direction {number + 1}"].value = step
        code += step * directions.deviations[number] * directions.axes[:, number]
        with torch.inference_mode():
            assert shows(explorer, DECODED, model.decode(code[None])[0])
        assert (explorer.shown[DECODED].tobytes() != before) == (step != 0)
    distances = (codes - code).norm(dim=1)
    assert nearest_to(explorer) == round(distances.min().item())
    assert shows(explorer, NEAREST, small.train_images[distances.argmin()], within=0)
    assert not explorer.errors


def test_the_start_is_a_digit_exactly_and_reset_the_mean(small, model):
    explorer = latent_sliders(model, small.train_images)
    at_mean = explorer.shown[DECODED].tobytes()
    explorer.controls["digit"].value = 17
    assert shows(explorer, START, small.train_images[17], within=0)
    assert explorer.shown[DECODED].tobytes() == at_mean  # until the button is pressed
    explorer.buttons["start from this digit"].click()
    with torch.inference_mode():
        assert shows(explorer, DECODED, model(to_float(small.train_images[17:18]))[0])
    assert shows(explorer, NEAREST, small.train_images[17], within=0)
    assert "⚠" not in explorer.readout.value and nearest_to(explorer) == 0
    explorer.buttons["reset to the mean code"].click()
    assert explorer.shown[DECODED].tobytes() == at_mean
    assert all(c.value == 0 for name, c in explorer.controls.items() if name != "digit")
    assert not explorer.errors


def test_far_from_all_digits_it_warns(sample, model):
    explorer = latent_sliders(model, sample.train_images)
    drawn = []
    for _ in range(20):
        explorer.buttons["random code"].click()
        drawn.append((explorer.shown[DECODED].tobytes(), explorer.readout.value))
        nearer = int(explorer.readout.value.split("% of the training")[0].split()[-1])
        assert ("⚠ Few digits are as lonely as this" in explorer.readout.value) == (nearer > 90)
    assert len(set(drawn)) == 20
    assert sum("⚠" in readout for _, readout in drawn) > 10
    for number in range(1, 9):
        explorer.controls[f"direction {number}"].value = 3.0
    assert "⚠" in explorer.readout.value
    assert "100% of the training digits have another one nearer" in explorer.readout.value


def test_the_density_stands_on_the_track_of_its_slider(small, model):
    one, other = (latent_sliders(model, images) for images in small.train_images.split(320))
    names = set()
    for explorer in (one, other):
        style = explorer.children[0].value
        for name, control in explorer.controls.items():
            if name != "digit":
                (mark,) = [c for c in control._dom_classes if c.startswith("ae-density-")]
                assert f".{mark} .noUi-target::before" in style
                names.add(mark)
    assert style.count("data:image/png;base64,") == 8 and len(names) == 16


# ---------------------------------------------------------------------------------------- blend


@pytest.mark.parametrize("way", [0, 37, 100])
def test_blend_is_on_both_lines(small, model, way):
    explorer = blend(model, small.test_images)
    set_to(explorer, first=4, second=9, way=way)
    ends, share = to_float(small.test_images[[4, 9]]), way / 100
    with torch.inference_mode():
        codes = model.encode(ends)
        of_codes = model.decode((1 - share) * codes[:1] + share * codes[1:])[0]
    of_pixels = (1 - share) * ends[0] + share * ends[1]
    assert shows(explorer, "line of codes", of_codes)
    assert shows(explorer, "line of pixels", of_pixels, within=0 if way in (0, 100) else 1)
    assert shows(explorer, "first", ends[0], within=0)
    assert shows(explorer, "second", ends[1], within=0)
    grey_share = ((of_pixels > 0.25) & (of_pixels < 0.75)).float().mean().item()
    assert f"{grey_share:.0%} on the line of pixels" in explorer.readout.value
    assert not explorer.errors


# --------------------------------------------------------------------------------------- keep_k


@pytest.mark.parametrize("k", [0, 8, 64])
def test_keep_k_keeps_the_first_k_of_both(small, model, k):
    explorer = keep_k(model, small)
    explorer.controls["digit"].value = 5
    before = explorer.shown["error"].tobytes()
    explorer.controls["k"].value = k
    image = to_float(small.test_images[5:6])
    found = pca.principal_directions(latent.encode(model, small.train_images))
    pixels = pca.principal_directions(small.train_images)
    with torch.inference_mode():
        of_code = model.decode(found.points(found.coordinates(model.encode(image))[:, :k]))
    of_pca = pixels.points(pixels.coordinates(image.flatten(1))[:, :k]).view_as(image)
    assert shows(explorer, "from the code", of_code[0])
    assert shows(explorer, "PCA of the pixels", of_pca[0])
    assert shows(explorer, "original", image[0], within=0)
    assert explorer.shown["error"].tobytes() != before
    text = explorer.readout.value
    assert f"the error of digit 5 (label {small.test_labels[5]}) is " in text
    for restored in (of_code, of_pca):
        assert f"{image_errors(image, restored).item():.4f}" in text
    if k:
        assert text.endswith(f"and {pca_errors(small, [k])[0]:.4f}.</div>")
    assert not explorer.errors


# ----------------------------------------------------------------------------- what all three share


def others(small, latent_size=5):
    """Images of another size, and a network for them with a code of another size."""
    crop = {name: getattr(small, name)[:, :, 6:18, 4:24] for name in IMAGES}
    cut = type(small)("cut", "", crop[IMAGES[0]], small.train_labels, crop[IMAGES[1]], None)
    return Linear(cut.train_images, latent_size), cut


IMAGES = ("train_images", "test_images")
MAKERS = {
    "latent_sliders": lambda model, data: latent_sliders(model, data.train_images),
    "blend": lambda model, data: blend(model, data.test_images),
    "keep_k": keep_k,
}
each_explorer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@each_explorer
def test_another_model_and_size_simply_work(small, make):
    explorer = make(*others(small))
    for control in explorer.controls.values():
        control.value = control.max
    assert not explorer.errors
    assert next(iter(explorer.shown.values())).size == (20, 12)


def test_of_a_linear_network_both_ways_to_keep_k_are_one(small):
    explorer = keep_k(*others(small))
    for k in range(6):
        explorer.controls["k"].value = k
        assert same(explorer.shown["from the code"], explorer.shown["PCA of the pixels"])


@each_explorer
def test_bad_input_is_refused_with_its_cure(small, model, build, make):
    with pytest.raises(ValueError, match="isn't trained. Train it with"):
        make(build(), small)
    with pytest.raises(ValueError, match="at least one image"):
        make(model, small.take(0, 0))
    with pytest.raises(ValueError, match=r"this network takes \(1, 28, 28\)"):
        make(model, others(small)[1])
    wrong, data = others(small)
    wrong.latent_size = 9
    with pytest.raises(ValueError, match="latent_size is 9"):
        make(wrong, data)
