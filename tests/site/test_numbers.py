"""Numbers in the pages' JavaScript: formats as Python's, networks as torch's."""

import contextlib
import copy
import json
import math
import random
from urllib.parse import unquote, urlparse

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ae_helpers.data import to_float
from ae_helpers.measures import baselines, pca
from ae_helpers.models import Autoencoder, Paired, any_shape, shipped
from ae_helpers.site import build
from ae_helpers.site.networks import OnlyDecoder, exported
from real_browser import opened

LIVE = build.HERE / "static" / "live"
HOME = "http://page.test/"  # which no request leaves the browser for
SPECS = [".0f", ".1f", ".2f", ".3f", ".4f", "+.4f", ",.3f", ".0%", ".1%", "g", ".4g", ".0e", ".2e"]


@contextlib.contextmanager
def page_with(browser, files=()):
    """A page that can import the modules of ``static/live`` and fetch files, given by name."""

    def answer(route):
        name = unquote(urlparse(route.request.url).path).lstrip("/")
        if not name:
            route.fulfill(body="<!doctype html>", content_type="text/html")
        elif name in files:
            route.fulfill(body=files[name])
        elif (LIVE / name).is_file():
            route.fulfill(path=LIVE / name)
        else:
            route.fulfill(status=404)

    with opened(browser) as page:
        page.route(f"{HOME}**", answer)
        page.goto(HOME)
        yield page
        assert page.problems == []


def numbers():
    """Ties, neighbours of ties, tiny and huge numbers, and what is none."""
    dice = random.Random(0)
    ties = [n / 2**k for n in range(-40, 40) for k in range(8)] + [2.5e15, 1e22 + 2**21]
    near = [math.nextafter(tie, end) for tie in ties for end in (-math.inf, math.inf)]
    wild = [dice.choice((-1, 1)) * 10 ** dice.uniform(-12, 23) for _ in range(2_000)]
    odd = [0.0, -0.0, 1e-4, 9.9995, 99_999.5, 999_999.5, 0.00009995, math.inf, -math.inf, math.nan]
    single = [float(np.float32(dice.random())) for _ in range(1_000)]
    return ties + near + wild + odd + single


@pytest.mark.verify
def test_formats_are_python_s(browser):
    values = numbers()
    whole = [0, 7, 999, 1_000, -12_345, 94_393, 2**53]
    with page_with(browser) as page:
        shown = page.evaluate(
            """async ([values, whole, specs]) => {
                const { format, float, round } = await import("/format.js");
                return {
                    ...Object.fromEntries(specs.map((s) => [s, values.map((v) => format(v, s))])),
                    ",": whole.map((v) => format(v, ",")),
                    "": values.map(float),
                    round: values.filter((v) => Math.abs(v) < 2 ** 53).map(round),
                };
            }""",
            [values, whole, SPECS],
        )
    expected = {spec: [f"{value:{spec}}" for value in values] for spec in ["", *SPECS]}
    expected[","] = [f"{value:,}" for value in whole]
    for spec, texts in expected.items():
        wrong = [
            (v, *both)
            for v, *both in zip(whole if spec == "," else values, texts, shown[spec], strict=True)
            if both[0] != both[1]
        ]
        assert wrong == [], spec
    assert shown["round"] == [round(value) for value in values if abs(value) < 2**53]


@pytest.mark.verify
def test_random_numbers_are_torch_s(browser):
    seeds, counts = [0, 1, 41, 2**32 - 1], [16, 784, 2_353]
    with page_with(browser) as page:
        drawn = page.evaluate(
            """async ([seeds, counts]) => {
                const { normal, shuffled } = await import("/random.js");
                return seeds.map((seed) => counts.map((count) => ({
                    normal: [...normal(count, seed)], shuffled: [...shuffled(count, seed)],
                })));
            }""",
            [seeds, counts],
        )
    for seed, of_seed in zip(seeds, drawn, strict=True):
        for count, numbers in zip(counts, of_seed, strict=True):
            start = torch.Generator().manual_seed
            assert numbers["normal"] == pytest.approx(
                torch.randn(count, generator=start(seed)).tolist(), abs=1e-5
            )
            order = torch.randperm(count, generator=start(seed)).tolist()
            assert numbers["shuffled"] == order


@pytest.mark.verify
def test_an_unknown_format_is_refused(browser):
    with page_with(browser) as page:
        said = page.evaluate(
            """async () => {
                const { format } = await import("/format.js");
                try { format(1, ".3x"); } catch (error) { return error.message; }
            }"""
        )
    assert '".3x"' in said and '".4f"' in said


def networks(sample):
    """All that come with the package, PCA, and what else ``exported`` says that it takes."""
    directions = pca.principal_directions(sample.train_images[:1_000])
    grey = {
        "backbone": shipped.backbone(),
        "steady": shipped.steady(),
        "denoiser": shipped.denoiser(),
        "filler": shipped.filler(),
        "clothes": shipped.shaped("clothes"),
        "plane": shipped.plane(),
        **{f"beta {beta:g}": model for beta, model in shipped.betas().items()},
        **{f"PCA {k}": baselines.pca_network(directions, k) for k in (2, 64)},
        "untrained": Autoencoder(activation="leaky_relu", output="linear", dropout=0.1),
    }
    others = {
        "coloured": shipped.shaped("coloured"),
        "wide": any_shape.build((2, 33, 41), 12, norm="batch"),
        "deep": any_shape.build((1, 30, 50), 5, deep=True, activation="gelu"),
    }
    return grey | others


NETWORKS = """async (names) => {
    const { Network } = await import("/nn.js");
    const answers = {};
    for (const name of names) {
        const fetched = async (kind) => (await fetch(`/${name}.${kind}`)).arrayBuffer();
        const numbers = async (kind) => new Float32Array(await fetched(kind));
        const definition = JSON.parse(new TextDecoder().decode(await fetched("json")));
        const network = new Network(definition, await numbers("weights"));
        const images = { data: await numbers("images"), shape: network.inputShape };
        answers[name] = [false, true].map((training) => {
            const codes = network.encode(images, training);
            const back = network.decode(codes, training);
            return [codes, back].map(({ data, shape }) => ({ data: [...data], shape }));
        });
    }
    return answers;
}"""


@pytest.mark.verify
def test_networks_compute_what_torch_computes(browser, sample):
    models, batches, files = networks(sample), {}, {}
    dice = torch.Generator().manual_seed(0)
    for name, model in models.items():
        model.eval()
        batches[name] = to_float(sample.test_images[:4])
        if model.input_shape != (1, 28, 28):
            batches[name] = torch.rand(4, *model.input_shape, generator=dice)
        definition, weights = exported(model)
        files[f"{name}.json"] = json.dumps(definition).encode()
        files[f"{name}.weights"] = weights
        files[f"{name}.images"] = batches[name].numpy().tobytes()
    with page_with(browser, files) as page:
        answers = page.evaluate(NETWORKS, list(models))
    for name, model in models.items():
        for training, answer in zip((False, True), answers[name], strict=True):
            for part in model.modules():
                if isinstance(part, _BatchNorm):
                    part.train(training)
            with torch.inference_mode():
                codes = model.encode(batches[name])
                expected = [codes, model.decode(codes)]
            for theirs, ours in zip(expected, answer, strict=True):
                assert ours["shape"] == list(theirs.shape), name
                off = (torch.tensor(ours["data"]) - theirs.flatten()).abs().max()
                assert off <= 1e-5 * max(1, theirs.abs().max()), (name, training)


@pytest.mark.verify
def test_what_a_network_can_not_take_is_refused(browser):
    definition, weights = exported(shipped.plane())
    files = {"plane.json": json.dumps(definition).encode(), "plane.weights": weights}
    with page_with(browser, files) as page:
        said = page.evaluate(
            """async () => {
                const { Network } = await import("/nn.js");
                const weights = await (await fetch("/plane.weights")).arrayBuffer();
                const definition = await (await fetch("/plane.json")).json();
                const network = new Network(definition, new Float32Array(weights));
                const halved = new Network({ ...definition, encode: null }, network.weights);
                const strange = { ...definition, decode: [{ kind: "pool", name: "pool1" }] };
                const message = (action) => {
                    try { action(); } catch (error) { return error.message; }
                };
                const images = (data, ...shape) => ({ data, shape });
                return [
                    message(() => network.encode(images(new Float32Array(783), 1, 29, 27))),
                    message(() => network.encode(images(new Uint8Array(784), 1, 28, 28))),
                    message(() => halved.encode(images(new Float32Array(784), 1, 28, 28))),
                    message(() => new Network(strange, network.weights).decode(images([0, 0], 2))),
                ];
            }"""
        )
    expected = [
        "(1,29,27); expected (N,1,28,28)",
        "toFloat",
        "no encoder",
        "pool1 is a pool; expected one of conv",
    ]
    assert [part in text for part, text in zip(expected, said, strict=True)] == [True] * 4, said


def test_a_decoder_is_exported_alone():
    model = shipped.plane()
    (whole, weights), (half, fewer) = exported(model), exported(OnlyDecoder(model))
    assert half["encode"] is None and len(fewer) < len(weights) / 3
    assert weights.endswith(fewer)
    kinds = [[layer["kind"] for layer in each["decode"]] for each in (whole, half)]
    assert kinds[0] == kinds[1]


def test_exporting_changes_no_network():
    model = shipped.steady().train()
    before = copy.deepcopy(model.state_dict())
    exported(model)
    assert model.training and model.encoder.norm1.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(1, 4, 3, dilation=2),
        nn.Conv2d(1, 4, 3, padding="same"),
        nn.Conv2d(1, 4, 3, padding_mode="reflect"),
        nn.MaxPool2d(2),
        nn.GELU(approximate="tanh"),
        nn.BatchNorm2d(1, track_running_stats=False),
        nn.Linear(28, 4),
    ],
    ids=repr,
)
def test_a_layer_that_pages_do_not_have_is_named(layer, refused):
    model = Paired(nn.Sequential(layer), nn.Sequential(), latent_size=4)
    with refused(TypeError, "0 is ", str(layer), "nn.js"):
        exported(model)
