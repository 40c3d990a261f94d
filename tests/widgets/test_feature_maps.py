"""The X-ray shows the layers' own outputs; what a number sees and reaches is what torch says."""

import itertools

import pytest
import torch
from torch import nn

from ae_helpers.models import Autoencoder, Decoder, Encoder, shipped
from ae_helpers.plots.style import VERMILION
from ae_helpers.widgets import layer_xray, pictures
from ae_helpers.widgets.feature_maps import MAPS, REACHES, SEES, Mosaic, field, find_stages
from shown import set_to

ODD = nn.Sequential(  # not square, with gaps, with a floor, padded by half a kernel
    nn.Conv2d(1, 2, (5, 3), stride=(2, 4), padding=(3, 0)),
    nn.Conv2d(2, 2, 5, padding="same"),
    nn.Conv2d(2, 2, (2, 1), padding="valid"),
    nn.Conv2d(2, 3, 3, stride=(3, 1), padding=1),
    nn.ConvTranspose2d(3, 2, (2, 3), stride=(3, 2), padding=(1, 3), output_padding=(2, 0)),
)


@pytest.fixture
def explorer(build, small):
    return layer_xray(build(), small.test_images)


def passed(stages, maps):
    for stage in stages:
        maps = nn.Sequential(*stage.modules)(maps)
    return maps


def rectangle(where):
    """The rows and columns of the smallest rectangle around what isn't 0, if anything."""
    places = where.flatten(0, -3).abs().sum(0).nonzero().T.tolist()
    return tuple(range(min(p), max(p) + 1) for p in places) if places[0] else None


@pytest.mark.parametrize("model", [Autoencoder(), ODD], ids=["backbone", "odd"])
def test_what_a_number_sees_and_reaches(model):
    """By the gradient in the image, and by nudging the number; all weights are 1."""
    linear = nn.Sequential(*(m for m in model.modules() if isinstance(m, nn.modules.conv._ConvNd)))
    for parameter in linear.parameters():
        nn.init.ones_(parameter)
    image = torch.rand(1, 1, 28, 28).requires_grad_()
    stages = find_stages(linear, image.detach())
    for number in range(len(stages)):
        before, after = stages[: number + 1], stages[number + 1 :]
        maps = passed(before, image)
        height, width = maps.shape[2:]
        nothing = passed(after, torch.zeros_like(maps))
        for row, column in {(0, 0), (height // 2, 1 % width), (height - 1, width - 1)}:
            (sees,) = torch.autograd.grad(maps[0, 0, row, column], image, retain_graph=True)
            nudge = torch.zeros_like(maps)
            nudge[0, 0, row, column] = 1
            reaches = passed(after, nudge) - nothing
            links = (before, True, sees), (after, False, reaches)
            for between, backwards, changes in links:
                found = field(between, row, column, backwards)
                assert (found if all(found) else None) == rectangle(changes)


@pytest.mark.parametrize("options", [{}, {"activation": "gelu", "norm": "batch", "dropout": 0.1}])
def test_it_shows_what_each_layer_gives(build, small, options):
    model, digit = build(**options).eval(), 3
    explorer = set_to(layer_xray(model, small.test_images), digit=digit)
    image = small.test_images[digit : digit + 1] / 255
    cut = [i for i, m in enumerate(model.encoder) if isinstance(m, nn.Conv2d)] + [99]
    for layer, end in enumerate(cut[1:]):
        maps = model.encoder[:end](image)[0].detach()
        set_to(explorer, layer=layer, channel=1, row=0, column=0)
        mosaic = Mosaic(*maps.shape)
        assert explorer.shown[MAPS].tobytes() == mosaic.picture(maps, (1, 0, 0)).tobytes()
        low, high = (f"{value.item():,.3f}" for value in (maps.min(), maps.max()))
        assert f"from {low} (dark) to {high} (yellow)" in explorer.readout.value
        assert f"is {maps[1, 0, 0]:,.3f}" in explorer.readout.value


@pytest.mark.parametrize(
    ("scale", "says"),
    [(1, "from -99.999 (dark) to 3.142"), (1e3, "from -99,999.0 (dark) to 3,141.6")],
)
def test_a_large_number_has_no_digits_that_mean_nothing(scale, says):
    layer = nn.Conv2d(1, 2, 1)
    nn.init.zeros_(layer.weight)
    layer.bias.data = torch.tensor([-99.999, 3.14159]) * scale
    explorer = layer_xray(layer, torch.zeros(1, 1, 4, 4))
    assert says in explorer.readout.value


def test_layers_are_named_as_in_the_network(explorer):
    names = [label for label, _ in explorer.controls["layer"].options]
    assert names[0] == "encoder.conv1 · 8×16×16"
    assert names[3:5] == ["encoder.conv4 · 64×1×1", "decoder.deconv1 · 32×4×4"]
    assert names[7] == "decoder.deconv4 · 1×28×28"


def test_frames_are_drawn_around_what_is_seen_and_reached(explorer, small):
    set_to(explorer, layer=1, row=4, column=4)
    assert "sees rows 6 to 22 and columns 6 to 22 of the digit (17×17)" in explorer.readout.value
    assert "reaches the whole output" in explorer.readout.value
    picture, side = explorer.shown[SEES], pictures.SMALL // 28
    orange = tuple(bytes.fromhex(VERMILION[1:]))
    columns = [x for x in range(picture.width) if picture.getpixel((x, 14 * side)) == orange]
    first, beyond = 6 * side, 23 * side
    assert columns == [first - 2, first - 1, beyond, beyond + 1]
    set_to(explorer, layer=6, row=0, column=9)
    assert "sees the whole digit and reaches row 0 and columns 15 to 18" in explorer.readout.value


def test_the_digit_and_the_output(explorer, build, small):
    set_to(explorer, layer=3, digit=5)  # the frames lie at the rim, two pixels thick
    image = small.test_images[5]
    with torch.inference_mode():
        output = build()(image[None] / 255)[0]
    for name, expected in ((SEES, image), (REACHES, output)):
        inside = (2, 2, pictures.SMALL - 2, pictures.SMALL - 2)
        picture = pictures.enlarged(pictures.as_image(expected), 5).crop(inside)
        assert explorer.shown[name].crop(inside).tobytes() == picture.tobytes()


@pytest.mark.parametrize("shape", [(8, 16, 16), (64, 1, 1), (1, 28, 28), (3, 5, 2), (31, 4, 4)])
def test_each_cell_has_its_square(shape):
    mosaic = Mosaic(*shape)
    cells = list(itertools.product(*map(range, shape)))
    squares = [mosaic.square(*cell) for cell in cells]
    assert len(set(squares)) == len(cells)
    assert [mosaic.cell(*square) for square in squares] == cells
    assert mosaic.cell(-1, 0) is mosaic.cell(0, 10**6) is None
    if shape[0] == 31:  # of 32 places
        assert mosaic.cell(*mosaic.square(31, 0, 0)) is None


def chosen(explorer):
    return tuple(explorer.controls[name].value for name in ("channel", "row", "column"))


def send(explorer, **message):
    explorer.pictures[MAPS]._handle_custom_msg(message, [])
    assert not explorer.errors


def test_a_click_chooses_a_cell(explorer):
    before = explorer.shown[SEES].tobytes()
    side = Mosaic(8, 16, 16).side
    send(explorer, x=(16 + 2) * side, y=(16 + 15) * side + side - 1)
    assert chosen(explorer) == (5, 15, 2) and explorer.shown[SEES].tobytes() != before
    send(explorer, x=1, y=319)  # below the maps, where the panel goes on
    assert chosen(explorer) == (5, 15, 2)


def test_arrow_keys_walk_from_map_to_map(explorer):
    set_to(explorer, channel=0, row=15, column=15)
    send(explorer, right=1)
    assert chosen(explorer) == (1, 15, 0)
    send(explorer, down=1)
    assert chosen(explorer) == (5, 0, 0)
    set_to(explorer, channel=0, row=0, column=0)
    for message in ({"right": -1}, {"down": -1}):
        send(explorer, **message)
        assert chosen(explorer) == (0, 0, 0)  # the mosaic ends here


def test_a_place_that_the_next_layer_lacks(explorer):
    set_to(explorer, channel=7, row=12, column=15, layer=3)
    assert chosen(explorer) == (7, 0, 0)
    assert [explorer.controls[name].max for name in ("channel", "row", "column")] == [63, 0, 0]


@pytest.mark.parametrize("model", [Encoder(), ODD])
def test_without_an_image_at_the_end_there_is_no_reach(model, small):
    explorer = layer_xray(model, small.test_images)
    assert explorer.shown.keys() == {SEES, MAPS} and "reaches" not in explorer.readout.value


def test_what_is_explored_is_a_copy(build, small):
    model = build()
    explorer = layer_xray(model, small.test_images)
    before = explorer.shown[MAPS].tobytes()
    assert model.training
    nn.init.zeros_(model.encoder.conv1.weight)
    set_to(explorer, digit=1, row=3)
    set_to(explorer, digit=0, row=8)
    assert explorer.shown[MAPS].tobytes() == before


class Twice(nn.Module):
    """A network that skips a layer: what a number sees doesn't follow from a row of layers."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, images):
        return images + self.second(self.first(images))


@pytest.mark.parametrize(
    ("model", "shape", "error", "says"),
    [
        (Autoencoder(), (0, 1, 28, 28), ValueError, "nothing in them"),
        (Autoencoder(), (2, 1, 20, 20), ValueError, r"\(1, 20, 20\) each; this network takes"),
        (Encoder(), (2, 3, 28, 28), ValueError, r"can't take images of shape \(3, 28, 28\)"),
        (Encoder(), (2, 1, 9, 9), ValueError, r"can't take images of shape \(1, 9, 9\)"),
        (Twice(), (2, 1, 28, 28), ValueError, "order of their definition they give another output"),
        (nn.Linear(28, 28), (2, 1, 28, 28), ValueError, "is a Linear"),
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.MaxPool2d(2)), (2, 1, 28, 28), ValueError,
         "1 is a MaxPool2d"),
        (nn.Conv2d(1, 1, 3, dilation=2), (2, 1, 28, 28), ValueError, "gaps, by its dilation"),
        (Decoder, (2, 1, 28, 28), TypeError, "is a type; expected an nn.Module"),
    ],
)  # fmt: skip
def test_what_cannot_be_explored(model, shape, error, says):
    with pytest.raises(error, match=says):
        layer_xray(model, torch.rand(shape))


def test_an_error_is_shown(explorer):
    explorer.draw = lambda **_: 1 / 0
    send_x = {"x": 1, "y": 1}
    explorer.pictures[MAPS]._handle_custom_msg(send_x, [])
    assert isinstance(explorer.errors[0], ZeroDivisionError)


def test_the_shipped_network(sample):
    explorer = layer_xray(shipped.backbone(), sample.test_images)
    for layer in range(8):
        set_to(explorer, layer=layer)
