"""Lesson 08's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import math
from functools import partial, reduce

import torch
from torch import nn
from torch.nn import functional as F

from ae_helpers.exercises import lesson_08 as check
from ae_helpers.measures import baselines, pca
from ae_helpers.models import Autoencoder, Paired, ledger, shipped
from exercise_zoo import Several, in_place, zoo_tests

# ------------------------------------------------------------------------------ a stack's price


def to_nearest(n, k, s, p):
    return round((n + 2 * p - k) / s) + 1


def price(
    side, layers, bias=1, own=lambda a, b: b, late=False, padded=2, less=1, field=1, size=None
):
    """Right with its defaults; each argument is a way to go wrong."""
    parameters = products = 0
    jump = 1
    for of, out, k, s, p in layers:
        after = size(side, k, s, p) if size else (side + padded * p - k) // s + 1
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


def with_number(place, rule):
    """The right answer but for one number, ``rule(layers)``."""

    def answer(side, layers):
        found = list(price(side, layers))
        found[place] = rule(layers)
        return found

    return answer


parameters, multiplications, field = (partial(with_number, place) for place in range(3))


def summed(rule):
    """A rule that adds up ``rule(in, out, k, s, p)`` of the layers."""
    return lambda layers: sum(rule(*layer) for layer in layers)


def biases_multiplied(side, layers):
    parameters, products, field = price(side, layers)
    for _, out, k, s, p in layers:
        side = (side + 2 * p - k) // s + 1
        products += out * side**2
    return parameters, products, field


def backwards(side, layers):
    field = 1
    for _, _, k, s, _ in reversed(layers):
        field = (field - 1) * s + k
    return (*price(side, layers)[:2], field)


RIGHT_PRICE = {
    "from the last layer back": backwards,
    "by hand": price,
    "by the ledger": by_ledger,
    "tensors": lambda *given: tuple(torch.tensor(each) for each in price(*given)),
    "one tensor": lambda *given: torch.tensor(price(*given)),
    "dict": lambda *given: dict(zip("pmf", price(*given), strict=True)),
}
WRONG_PRICE = {
    "no bias": (lambda *given: price(*given, bias=0), "the bias is missing"),
    "a bias per layer": (
        parameters(summed(lambda i, o, k, s, p: o * i * k * k + 1)),
        "only one bias",
    ),
    "k for k²": (parameters(summed(lambda i, o, k, s, p: o * i * k + o)), "kernel isn't squared"),
    "one input channel": (
        parameters(summed(lambda i, o, k, s, p: o * (k * k + 1))),
        "input channels are missing",
    ),
    "last layer": (lambda side, layers: price(side, layers[-1:]), "one layer only"),
    "bias multiplied": (biases_multiplied, "it is only added"),
    "before": (lambda *given: price(*given, own=lambda before, _: before), "each *input* pixel"),
    "side stays": (lambda *given: price(*given, own=lambda *_: 28), "stays 28×28"),
    "no padding": (lambda *given: price(*given, padded=0), "leave the padding out"),
    "one pixel": (lambda *given: price(*given, own=lambda *_: 1), "These are the weights"),
    "rounded": (lambda *given: price(*given, size=to_nearest), "You round to the nearest"),
    "padding once": (lambda *given: price(*given, padded=1), "You add p once"),
    "side for side²": (
        multiplications(lambda _: 8 * 9 * 13 + 128 * 9 * 5 + 192 * 16 * 6),
        "one row of places",
    ),
    "k for k − 1": (lambda *given: price(*given, less=0), "only k − 1 are new"),
    "sum of k": (field(summed(lambda i, o, k, s, p: k)), "windows overlap;"),
    "product": (field(lambda _: 36), "multiply kernel sizes"),
    "no jump": (field(lambda each: 1 + sum(layer[2] - 1 for layer in each)), "two pixels apart"),
    "own stride": (
        field(lambda layers: 1 + sum((k - 1) * s for _, _, k, s, _ in layers)),
        "the layer's own stride",
    ),
    "backwards, k for k − s": (
        field(lambda layers: reduce(lambda r, layer: r * layer[3] + layer[2], layers[::-1], 1)),
        "Receptive field: 39",
    ),
    "jump too early": (lambda *given: price(*given, late=True), "before you use it"),
    "from 0": (lambda *given: price(*given, field=0), "You start with 0"),
    "area": (field(lambda layers: price(28, layers)[2] ** 2), "not its area"),
    "order": (lambda *given: price(*given)[::-1], "another order"),
    "for this stack": (lambda *_: price(*check.STACK), "not for another"),
    "per layer": (lambda s, layers: [list(each) for each in layers], "is a list, [1, 8, 3, 2, 0]"),
    "one number": (lambda *given: price(*given)[0], "is one number"),
    "no last layer": (field(lambda layers: price(28, layers[:-1])[2]), "last layer is missing"),
    "made-up parameters": (parameters(lambda _: 7), "Parameters: 7"),
    "made-up field": (field(lambda _: 70), "Receptive field: 70"),
    "made up": (multiplications(lambda _: 7), "Multiplications: 7"),
}


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
    return torch.cat([shuffle(x[i : i + 1], order.roll(i)) for i in range(len(x))])


def drawn_anew(x, order):
    return shuffle(x, torch.randperm(len(order), generator=torch.Generator().manual_seed(0)))


def across_channels(x, order):
    both = torch.cat([order, order + len(order)]).roll(3)
    return x.flatten(1)[:, both].view(x.shape)


RIGHT_ORDER = {
    "index": Several((shuffle, unshuffle)),
    "scatter": Several((gathered, by_scatter)),
    "index_select": Several(
        (
            lambda x, order: x.flatten(2).index_select(2, order).view_as(x),
            lambda x, order: shuffle(x, torch.argsort(order)),
        )
    ),
}
# What shuffle does, what unshuffle does, and what is said about it.
ORDERS = {
    "the inverse": (unshuffle, shuffle, "shuffle does the inverse"),
    "nothing": (lambda x, order: x, unshuffle, "as they were"),
    "each differently": (each_differently, unshuffle, "differently"),
    "across channels": (across_channels, unshuffle, "from channel to channel"),
    "the batch": (lambda x, order: x[order], unshuffle, "Index the pixels"),
    "all at once": (
        lambda x, order: x.flatten(1)[:, order].view(x.shape), unshuffle, "Index the pixels"
    ),
    "flat": (lambda x, order: x.flatten(2)[:, :, order], unshuffle, "The shape has to stay"),
    "the lesson's seed": (drawn_anew, unshuffle, "not as `order` says"),
    "sorted": (shuffle, lambda x, order: x.flatten(2).sort(2).values.view(x.shape), "isn't images"),
    "at random": (lambda x, o: shuffle(x, torch.randperm(len(o))), unshuffle, "draws a new order"),
    "backwards": (lambda x, order: shuffle(x, order.flip(0)), unshuffle, "not as `order` says"),
    "changed": (lambda x, order: shuffle(x, order) + 0.5, unshuffle, "changes or loses"),
    "lost": (lambda x, order: shuffle(x, order) * 2, unshuffle, "changes or loses"),
    "in place": (in_place, unshuffle, "shuffle: Your code changes the tensors"),
    "a list": (lambda x, order: shuffle(x, order).tolist(), unshuffle, "returns a list"),
    "twice": (shuffle, shuffle, "once more"),
    "flipped": (shuffle, lambda x, order: shuffle(x, order.flip(0)), "backwards"),
    "not undone": (shuffle, lambda x, order: x, "still shuffled"),
    "descending": (
        shuffle, lambda x, order: shuffle(x, order.argsort(descending=True)), "descending"
    ),
    "noise": (shuffle, lambda x, order: torch.zeros_like(x), "isn't images"),
}  # fmt: skip
WRONG_ORDER = {name: (Several(row[:2]), row[2]) for name, row in ORDERS.items()}


# ------------------------------------------------------------------------------ a small network


class PastTheCode(Paired):
    def forward(self, images):
        return images


def tiny(channels, numbers=64):
    """Far below 30,000 parameters with few channels."""
    size, shape = 16 * channels, (channels, 4, 4)
    encoder = nn.Conv2d(1, channels, 7, 7), nn.Flatten(), nn.Linear(size, numbers)
    last = nn.ConvTranspose2d(channels, 1, 7, 7)
    decoder = nn.Flatten(), nn.Linear(numbers, size), nn.Unflatten(1, shape), last
    return Paired(nn.Sequential(*encoder), nn.Sequential(*decoder), numbers)


def learned():
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


def patches():
    """Images of 4×4 patches, each with stripes that are lost in its mean: an error of 0.006."""
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(50, 206, (40, 1, 4, 4), generator=generator)
    images = levels.repeat_interleave(7, 2).repeat_interleave(7, 3)
    return (images + 20 * (1 - 2 * (torch.arange(28) % 2))).to(torch.uint8)


IMAGES, GOOD = patches(), learned()


def small(network, target=0.01):
    return Several((network,), (IMAGES, target))


class OfMyOwn(nn.Module):
    """No ``Paired``, no parameters, and a code of another shape."""

    def encode(self, images):
        return F.avg_pool2d(images, 7).flatten(1)

    def decode(self, codes):
        return F.interpolate(codes.unflatten(1, (1, 4, 4)), scale_factor=7)

    def forward(self, images):
        return self.decode(self.encode(images))


class Repeated(nn.Module):
    def forward(self, codes):
        return codes.view(-1, 1, 4, 4).repeat_interleave(7, 2).repeat_interleave(7, 3)


def without_numbers():
    network = learned()
    nn.init.constant_(network.encoder[0].weight, math.nan)
    return network


RIGHT_NETWORK = {
    "exact in patches": small(GOOD),
    "PCA": small(baselines.pca_network(pca.principal_directions(IMAGES), 16)),
    "a class of one's own": small(OfMyOwn()),
    "repeated pixels": small(Paired(nn.AvgPool2d(7), Repeated(), 16)),
}
WRONG_NETWORK = {
    "too bad": (small(GOOD, 0.005), "not below 0.0050"),
    "no numbers": (small(without_numbers()), "aren't numbers (nan)"),
    "the backbone": (small(shipped.backbone()), "94,393 parameters, 64,393 too many"),
    "a large code": (small(tiny(2, 65)), "65 numbers, more than 64"),
    "untrained": (small(tiny(2)), "it has learned nothing"),
    "past the code": (small(PastTheCode(GOOD.encoder, GOOD.decoder, 16)), "past the code"),
    "a class": (small(Paired), "a class or function"),
    "a number": (small(0.008), "a float"),
    "what train gives": (small((GOOD, "history")), "You give a tuple"),
    "half of it": (small(GOOD.encoder), "no encode and no decode"),
    "no image": (small(Paired(GOOD.encoder, nn.Flatten(), 16)), "come back as (16,)"),
    "no way through": (small(Paired(nn.Linear(7, 7), GOOD.decoder)), "doesn't get through"),
}


def test_a_small_network_stays_in_the_mode_in_which_it_was():
    network = learned().train()
    assert check.small_network(network, IMAGES, 0.01)
    assert network.training


def test_all_that_is_exceeded_is_said():
    network = Autoencoder()
    for parameter in network.parameters():
        parameter.requires_grad = False  # hides nothing
    message = check.small_network(network, IMAGES, 0.01).message
    assert "too many" in message and "has learned nothing" in message


CHECKS = check.stack_price, check.permutation, check.small_network
RIGHT = dict(zip(CHECKS, (RIGHT_PRICE, RIGHT_ORDER, RIGHT_NETWORK), strict=True))
WRONG = dict(zip(CHECKS, (WRONG_PRICE, WRONG_ORDER, WRONG_NETWORK), strict=True))
TestZoo = zoo_tests(RIGHT, WRONG, alike={"lost", "the lesson's seed", "sorted"})
