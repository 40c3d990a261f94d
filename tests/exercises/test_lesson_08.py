"""Lesson 08's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import pytest
import torch
from torch import nn

from ae_helpers.exercises import lesson_08 as check
from ae_helpers.models import Autoencoder, Paired, ledger, shipped

# ------------------------------------------------------------------------------ a stack's price


def price(side, layers, bias=1, own=lambda a, b: b, late=False, padded=1, less=1, field=1):
    """Right with its defaults; each argument is a way to go wrong."""
    parameters = products = 0
    jump = 1
    for of, out, k, s, p in layers:
        after = (side + 2 * p * padded - k) // s + 1
        parameters += out * (of * k * k + bias)
        products += out * own(side, after) ** 2 * of * k * k
        side = after
        jump *= s if late else 1
        field += (k - less) * jump
        jump *= 1 if late else s
    return parameters, products, field


def by_ledger(side, layers):
    stack = nn.Sequential(*(nn.Conv2d(i, o, k, s, p) for i, o, k, s, p in layers))
    table = ledger(stack, (layers[0][0], side, side))
    field = int(table["receptive field"].iloc[-1].partition("×")[0])
    return [table["parameters"].sum(), table["multiplications"].sum(), field]


def changed(number, change):
    """The right answer with one number changed."""

    def answer(side, layers):
        found = list(price(side, layers))
        found[number] = change(found[number], layers)
        return found

    return answer


def biases_multiplied(side, layers):
    parameters, products, field = price(side, layers)
    for _, out, k, s, p in layers:
        side = (side + 2 * p - k) // s + 1
        products += out * side**2
    return parameters, products, field


RIGHT_PRICE = {
    "by hand": price,
    "by the ledger": by_ledger,
    "tensors": lambda *given: tuple(torch.tensor(each) for each in price(*given)),
    "dict": lambda *given: dict(zip(check.WHAT, price(*given), strict=True)),
}
WRONG_PRICE = {
    "no bias": (lambda *given: price(*given, bias=0), "forgot the biases"),
    "a bias per layer": (
        changed(0, lambda _, layers: sum(o * i * k * k + 1 for i, o, k, _, _ in layers)),
        "not one per layer",
    ),
    "k for k²": (
        changed(0, lambda _, layers: sum(o * i * k + o for i, o, k, _, _ in layers)),
        "rows *and*",
    ),
    "one input channel": (
        changed(0, lambda _, layers: sum(o * (k * k + 1) for _, o, k, _, _ in layers)),
        "every input channel",
    ),
    "last layer": (lambda side, layers: price(side, layers[-1:]), "one layer only"),
    "bias multiplied": (biases_multiplied, "is added, not multiplied"),
    "before": (lambda *given: price(*given, own=lambda before, _: before), "each *input* pixel"),
    "side stays": (lambda *given: price(*given, own=lambda *_: 28), "stays 28×28"),
    "no padding": (lambda *given: price(*given, padded=0), "ignores the padding"),
    "one pixel": (lambda *given: price(*given, own=lambda *_: 1), "one output pixel"),
    "side for side²": (
        lambda *given: price(*given, own=lambda _, after: after**0.5),
        "not side.",
    ),
    "k for k − 1": (lambda *given: price(*given, less=0), "Receptive field: "),
    "sum of k": (
        changed(2, lambda _, layers: sum(layer[2] for layer in layers)),
        "windows overlap",
    ),
    "product": (changed(2, lambda *_: 45), "don't multiply"),
    "no jump": (
        changed(2, lambda _, layers: 1 + sum(layer[2] - 1 for layer in layers)),
        "2 pixels apart",
    ),
    "jump too early": (lambda *given: price(*given, late=True), "too early"),
    "from 0": (lambda *given: price(*given, field=0), "starts at 1"),
    "area": (changed(2, lambda field, _: field**2), "not its area"),
    "order": (lambda *given: price(*given)[::-1], "another order"),
    "for this stack": (lambda *_: check._price(check.SIDE, check.LAYERS), "not for another"),
    "per layer": (lambda s, layers: [list(each) for each in layers], "one number per layer"),
    "one number": (lambda *given: price(*given)[0], "expected three numbers"),
    "made up": (changed(1, lambda *_: 7), "Multiplications: 7"),
    "exception": (lambda side, layers: layers[9], "IndexError"),
}


@pytest.mark.parametrize("answer", RIGHT_PRICE.values(), ids=RIGHT_PRICE)
def test_right_prices_pass(answer):
    verdict = check.stack_price(answer)
    assert verdict, verdict


@pytest.mark.parametrize(("answer", "words"), WRONG_PRICE.values(), ids=WRONG_PRICE)
def test_wrong_prices_hear_what_is_wrong(answer, words):
    verdict = check.stack_price(answer)
    assert not verdict
    assert words in verdict.message


def test_each_wrong_price_has_a_message_of_its_own():
    messages = {check.stack_price(answer).message for answer, _ in WRONG_PRICE.values()}
    assert len(messages) == len(WRONG_PRICE)


# ------------------------------------------------------------------------------- shuffled pixels


def shuffle(x, order):
    return x.flatten(2)[:, :, order].view(x.shape)


def unshuffle(x, order):
    return shuffle(x, order.argsort())


def by_scatter(x, order):
    back = torch.empty_like(x).flatten(2)
    back[:, :, order] = x.flatten(2)
    return back.view(x.shape)


def gathered(x, order):
    rows, columns = order // x.shape[3], order % x.shape[3]
    return x[:, :, rows, columns].reshape(x.shape)


def each_differently(x, order):
    moved = [shuffle(x[i : i + 1], order.roll(i)) for i in range(len(x))]
    return torch.cat(moved)


def at_random(x, order):
    return shuffle(x, torch.randperm(len(order)))


def across_channels(x, order):
    both = torch.cat([order, order + len(order)]).roll(3)
    return x.flatten(1)[:, both].view(x.shape)


def in_place(x, order):
    x.copy_(shuffle(x, order))
    return x


RIGHT_ORDER = {
    "index": (shuffle, unshuffle),
    "scatter": (gathered, by_scatter),
    "index_select": (
        lambda x, order: x.flatten(2).index_select(2, order).view_as(x),
        lambda x, order: shuffle(x, torch.argsort(order)),
    ),
}
WRONG_ORDER = {
    "the inverse": (unshuffle, shuffle, "shuffle does the inverse"),
    "nothing": (lambda x, order: x, unshuffle, "as they were"),
    "each differently": (each_differently, unshuffle, "differently"),
    "across channels": (across_channels, unshuffle, "from channel to channel"),
    "the batch": (lambda x, order: x[order], unshuffle, "Index the pixels"),
    "all at once": (
        lambda x, order: x.flatten(1)[:, order].view(x.shape), unshuffle, "Index the pixels"
    ),
    "flat": (lambda x, order: x.flatten(2)[:, :, order], unshuffle, "the shape has to stay"),
    "at random": (at_random, unshuffle, "draws a new order"),
    "backwards": (lambda x, order: shuffle(x, order.flip(0)), unshuffle, "not as `order` says"),
    "changed": (lambda x, order: shuffle(x, order) + 0.5, unshuffle, "changes or loses"),
    "lost": (lambda x, order: shuffle(x, order) * 2, unshuffle, "changes or loses"),
    "in place": (in_place, unshuffle, "changes what it is given"),
    "a list": (lambda x, order: shuffle(x, order).tolist(), unshuffle, "returns a list"),
    "twice": (shuffle, shuffle, "once more"),
    "flipped": (shuffle, lambda x, order: shuffle(x, order.flip(0)), "backwards"),
    "not undone": (shuffle, lambda x, order: x, "still shuffled"),
    "descending": (
        shuffle, lambda x, order: shuffle(x, order.argsort(descending=True)), "descending"
    ),
    "noise": (shuffle, lambda x, order: torch.zeros_like(x), "isn't images"),
}  # fmt: skip


@pytest.mark.parametrize("answers", RIGHT_ORDER.values(), ids=RIGHT_ORDER)
def test_right_orders_pass(answers):
    verdict = check.permutation(*answers)
    assert verdict, verdict


@pytest.mark.parametrize(("there", "back", "words"), WRONG_ORDER.values(), ids=WRONG_ORDER)
def test_wrong_orders_hear_what_is_wrong(there, back, words):
    verdict = check.permutation(there, back)
    assert not verdict
    assert words in verdict.message


@pytest.mark.parametrize("unsolved", [..., lambda *_: ..., lambda *_: None])
def test_unsolved_says_not_yet(unsolved):
    for verdict in (
        check.stack_price(unsolved),
        check.permutation(unsolved, unsolved),
        check.permutation(shuffle, unsolved),
    ):
        assert not verdict and verdict.message.startswith("Not yet")


# ------------------------------------------------------------------------------ a small network


class PastTheCode(Paired):
    def forward(self, images):
        return images


def tiny(channels, numbers=64):
    """Far below 30,000 parameters with few channels."""
    encoder = nn.Sequential(
        nn.Conv2d(1, channels, 7, stride=7), nn.Flatten(), nn.Linear(16 * channels, numbers)
    )
    decoder = nn.Sequential(
        nn.Flatten(),
        nn.Linear(numbers, 16 * channels),
        nn.Unflatten(1, (channels, 4, 4)),
        nn.ConvTranspose2d(channels, 1, 7, stride=7),
    )
    return Paired(encoder, decoder, numbers)


@pytest.fixture(scope="module")
def learned(sample):
    """Exact in a patch's brightness, and so better than the mean image: 16 numbers, untrained."""
    network = tiny(1, 16)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.copy_(torch.eye(16))
                layer.bias.zero_()
            elif isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                layer.weight.fill_(1.0 if isinstance(layer, nn.ConvTranspose2d) else 1 / 49)
                layer.bias.zero_()
    return network


def test_a_small_network_passes(learned, sample):
    assert check.small_network(learned, sample.test_images, 0.066)
    assert check.small_network(learned.train(), sample.test_images, 0.066)
    assert learned.training  # as it was


@pytest.mark.parametrize(
    ("make", "target", "words"),
    [
        (lambda good: good, 0.01, "not below 0.0100"),
        (lambda good: shipped.backbone(), 0.06, "94,393 parameters, 64,393 too many"),
        (lambda good: tiny(2, 65), 0.06, "65 numbers, more than 64"),
        (lambda good: tiny(2), 0.06, "it isn't trained"),
        (lambda good: PastTheCode(good.encoder, good.decoder, 16), 0.06, "past the code"),
        (lambda good: Paired, 0.06, "a class or function"),
        (lambda good: 0.008, 0.06, "a float"),
        (lambda good: good.encoder, 0.06, "no encode and no decode"),
        (lambda good: Paired(good.encoder, nn.Flatten(), 16), 0.06, "come back as (16,)"),
        (lambda good: Paired(nn.Linear(7, 7), good.decoder), 0.06, "doesn't get through"),
        (lambda good: ..., 0.06, "Not yet"),
    ],
)
def test_what_a_small_network_is_not(learned, sample, make, target, words):
    verdict = check.small_network(make(learned), sample.test_images, target)
    assert not verdict
    assert words in verdict.message


def test_all_that_is_exceeded_is_said(sample):
    network = Autoencoder()
    for parameter in network.parameters():
        parameter.requires_grad = False  # hides nothing
    message = check.small_network(network, sample.test_images, 0.01).message
    assert "too many" in message and "isn't trained" in message
