"""Lesson 03's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import torch
from torch import nn
from torch.nn import functional as F

from ae_helpers.exercises import lesson_03 as check
from exercise_zoo import zoo_tests

NAIVE = ((5, 2, 1), (3, 2, 1), (3, 2, 1), (15, 1, 1))  # kernel size, stride, padding: the mirror
OURS = ((4, 1, 0), (2, 2, 0), (2, 2, 0), (4, 2, 3))
CHANNELS = (64, 32, 16, 8, 1)


def mirror(settings=NAIVE, extra=(0, 0, 0, 0), channels=CHANNELS):
    return nn.Sequential(
        *(
            nn.ConvTranspose2d(a, b, kernel_size=k, stride=s, padding=p, output_padding=o)
            for a, b, (k, s, p), o in zip(channels, channels[1:], settings, extra, strict=False)
        )
    )


def with_activations(norm=nn.Identity):
    layers = []
    for layer in mirror(OURS):
        layers += [layer, norm(layer.out_channels), nn.ReLU()]
    return nn.Sequential(nn.Sequential(*layers[:6]), *layers[6:-1], nn.Sigmoid())


# ---- ⟨Conv x, y⟩ and ⟨x, ConvT y⟩


def conv(layer, x):
    return F.conv2d(x, layer.weight, stride=2, padding=1)


def back(layer, y, of=lambda weight: weight, **other):
    return F.conv_transpose2d(y, of(layer.weight), **{"stride": 2, "padding": 1, **other})


def products(left=conv, right=back, reduce=torch.sum, result=lambda left, right: (left, right)):
    """An answer as readers write it, right with its defaults."""
    return lambda layer, x, y: result(reduce(left(layer, x) * y), reduce(x * right(layer, y)))


def with_back(**how):
    return products(right=lambda layer, y: back(layer, y, **how))


def twin(layer, bias=False):
    """The layer's transpose, with numbers of its own."""
    return nn.ConvTranspose2d(layer.out_channels, layer.in_channels, 3, 2, padding=1, bias=bias)


def by_layers(layer, x, y):
    transposed = twin(layer)
    transposed.weight = layer.weight
    layer.bias = None
    return torch.dot(layer(x).flatten(), y.flatten()), x.flatten() @ transposed(y).flatten()


def minus_bias(layer, x, y):
    left = (layer(x) - layer.bias[:, None, None]).mul(y).sum().item()
    return left, torch.einsum("nchw,nchw->", x, back(layer, y)).item()


def own_bias(layer, y):
    transposed = twin(layer, bias=True)
    transposed.weight = layer.weight
    return transposed(y)


def swapped_pairs(layer, x, y):
    return (conv(layer, x) * x).sum(), (y * back(layer, y)).sum()


def by_autograd(layer, x, y):
    """⟨x, ConvT y⟩ without a transposed convolution: backward is one."""
    x = x.clone().requires_grad_()
    left = (conv(layer, x) * y).sum()
    left.backward()
    return left, (x * x.grad).sum()


def by_matrix(layer, x, y):
    weight, settings = layer.weight.detach().flatten(1), {"padding": 1, "stride": 2}
    left = torch.vdot((weight @ F.unfold(x, 3, **settings)).flatten(), y.flatten())
    return left, torch.sum(F.fold(weight.T @ y.flatten(2), x.shape[2:], 3, **settings) * x)


def changes_x(layer, x, y):
    left = (conv(layer, x) * y).sum()
    return left, x.mul_(back(layer, y)).sum()


RIGHT = {
    check.transposed_size: {
        "rule": lambda n, k, s, p: (n - 1) * s - 2 * p + k,
        "torch": lambda n, kernel_size, stride, padding: nn.ConvTranspose2d(
            1, 1, kernel_size, stride, padding
        )(torch.zeros(1, 1, n, n)).shape[2],
        "in another order": lambda n, k, s, p: n * s - s + k - p - p,
        "a float": lambda n, k, s, p: float((n - 1) * s + k) - 2 * p,
    },
    check.two_sizes: {
        "above": (15, 16),
        "the other way round": (8, 7),
        "a list": [27, 28],
        "the smallest": (1, 2),
    },
    check.repaired_mirror: {
        "output_padding": mirror(extra=(1, 1, 1, 0)),
        "ours": mirror(OURS),
        "larger kernels": mirror(((6, 2, 1), (4, 2, 1), (4, 2, 1), (15, 1, 1))),
        "no stride": mirror(((4, 3, 0), (5, 1, 0), (9, 1, 0), (13, 1, 0))),
        "activations": with_activations(),
        "layer norm": nn.Sequential(mirror(OURS)[0], nn.LayerNorm((32, 4, 4)), *mirror(OURS)[1:]),
        "weight norm": nn.Sequential(
            nn.utils.parametrizations.weight_norm(mirror(OURS)[0]), *mirror(OURS)[1:]
        ),
        "batch norm": with_activations(nn.BatchNorm2d),
        "group norm": with_activations(lambda channels: nn.GroupNorm(1, channels)),
        "PReLU": with_activations(nn.PReLU),
        "float64": mirror(OURS).double(),
    },
    check.inner_products: {
        "numbers": minus_bias,
        "tensors": products(),
        "layers": by_layers,
        "a list": products(result=lambda *pair: list(pair)),
        "float64": lambda *given: products()(*(each.double() for each in given)),
        "autograd": by_autograd,
        "matrices": by_matrix,
        "stacked": products(result=lambda *pair: torch.stack(pair)),
    },
}

WRONG = {
    check.transposed_size: {
        "lesson 02's": (lambda n, k, s, p: (n + 2 * p - k) // s + 1, "which shrinks"),
        "padding added": (lambda n, k, s, p: (n - 1) * s + 2 * p + k, "add the padding"),
        "p once": (lambda n, k, s, p: (n - 1) * s - p + k, "crop p once"),
        "no padding": (lambda n, k, s, p: (n - 1) * s + k, "nothing is cropped"),
        "n steps": (lambda n, k, s, p: n * s - 2 * p + k, "n steps"),
        "no kernel": (lambda n, k, s, p: (n - 1) * s - 2 * p, "where the last stamp begins"),
        "one short": (lambda n, k, s, p: (n - 1) * s - 2 * p + k - 1, "one short"),
        "one too large": (lambda n, k, s, p: (n - 1) * s - 2 * p + k + 1, "one too large"),
        "side by side": (lambda n, k, s, p: n * k - 2 * p, "side by side"),
        "n · s": (lambda n, k, s, p: n * s, "n · s is right only where"),
        "k and s": (lambda n, k, s, p: (n - 1) * k - 2 * p + s, "Kernel and stride are exchanged"),
        "input cropped": (lambda n, k, s, p: (n - 2 * p - 1) * s + k, "You crop p · s"),
        "never smaller": (
            lambda n, k, s, p: max(n, (n - 1) * s - 2 * p + k),
            "For n=8, kernel_size=3, stride=1, padding=2 you say 8, but torch makes 6",
        ),
        "pixels stamped": (
            lambda n, k, s, p: len({s * a + b for a in range(n) for b in range(k)}) - 2 * p,
            "For n=2, kernel_size=3, stride=4, padding=1 you say",
        ),
        "a pair": (lambda n, k, s, p: (n, n), "a tuple, (1, 1); expected a size, one number"),
    },
    check.two_sizes: {
        "the same": ((16, 16), "Both are 16"),
        "neighbours": ((16, 17), "Neighbours"),
        "in and out": ((16, 8), "is what 16 becomes"),
        "far apart": ((13, 20), "too far apart"),
        "floats": ((15.0, 16.0), "15.0; expected two whole numbers of pixels"),
        "no pixels": ((0, -1), "no pixels"),
        "one": (16, "one number, 16; expected two whole"),
        "three": ((15, 16, 17), "holds 3 numbers; expected 2"),
        "half unsolved": ((15, ...), "Not yet"),
    },
    check.repaired_mirror: {
        "first": (mirror(), "Layer 1 goes wrong: (1 − 1)·2 − 2·1 + 5 = 3"),
        "second": (mirror(extra=(1, 0, 0, 0)), "Layer 2 goes wrong: (4 − 1)·2 − 2·1 + 3 = 7"),
        "third": (mirror(extra=(1, 1, 0, 0)), "Layer 3 goes wrong: (8 − 1)·2 − 2·1 + 3 = 15"),
        "not cropped": (mirror((*OURS[:3], (4, 2, 0))), "34×34, not 28×28. 6 pixels too many"),
        "odd": (mirror((*OURS[:3], (15, 2, 1))), "15 pixels too many"),
        "gaps": (mirror((*OURS[:2], (1, 2, 0), OURS[3])), "(8 − 1)·2 − 2·0 + 1 = 15"),
        "output_padding 2": (mirror(extra=(2, 1, 1, 0)), "smaller than the stride"),
        "turned": (mirror(OURS, channels=CHANNELS[::-1]), "takes 1 channel and makes 8"),
        "channels": (mirror(OURS, channels=(64, 32, 16, 16, 1)), "Layer 3 takes 16 channels and"),
        "three layers": (mirror(OURS[:3]), "3 transposed layers"),
        "a list": (list(mirror(OURS)), "list of layers"),
        "Conv2d": (nn.Sequential(mirror(OURS[:1]), nn.Conv2d(32, 16, 3)), "Layer 2 is a Conv2d"),
        "resized": (nn.Sequential(*mirror(extra=(1, 1, 1, 0)), nn.Upsample(28)), "resize"),
        "a number": (28, "This is 28"),
        "numbers": (list(check.SIZES), "This is [1, 4, 8, 16, 28]; expected an nn.Sequential"),
        "Linear": (nn.Sequential(nn.Linear(64, 512), *mirror(OURS)), "Layer 1 is a Linear"),
        "a frame around": (nn.Sequential(*mirror(OURS), nn.ZeroPad2d(1)), "gives (1, 1, 30, 30)"),
        "flat": (nn.Sequential(*mirror(OURS), nn.Flatten()), "gives (1, 784)"),
        "shuffled": (nn.Sequential(*mirror(OURS), nn.PixelShuffle(2)), "all in a row stop with"),
        "only kept": (nn.ModuleList(mirror(OURS)), "ModuleList only keeps layers"),
    },
    check.inner_products: {
        "bias left": (products(left=lambda layer, x: layer(x)), "left product contains the bias"),
        "bias right": (
            products(right=lambda layer, y: back(layer, y, bias=layer.bias[: layer.in_channels])),
            "right product contains the bias",
        ),
        "means": (products(reduce=torch.mean), "You take a mean"),
        "not summed": (
            products(reduce=lambda product: product),
            "at position 0, has the shape (1, 16, 8, 8). Expected two",
        ),
        "axes": (with_back(of=lambda weight: weight.transpose(0, 1)), "axes are exchanged"),
        "left axes": (
            products(lambda layer, x: F.conv2d(x, layer.weight.transpose(0, 1), None, 2, 1)),
            ". Here the weight's first two axes are exchanged",
        ),
        "one weight for all": (with_back(of=torch.ones_like), "The right product is -198.8"),
        "bias as it is": (
            products(right=lambda layer, y: back(layer, y, bias=layer.bias)),
            ". The right product contains the bias",
        ),
        "conv twice": (
            products(right=lambda layer, y: conv(layer, y)),
            "You convolve y, but Conv turns x into",
        ),
        "transposed twice": (products(left=back), "You transpose x, but ConvT turns y into"),
        "summed first": (
            lambda layer, x, y: (conv(layer, x).sum() * y.sum(), x.sum() * back(layer, y).sum()),
            "sum before you multiply",
        ),
        "not multiplied": (
            lambda layer, x, y: (conv(layer, x).sum(), back(layer, y).sum()),
            "is 260.4; ⟨Conv x, y⟩ is -5.34: Conv x, with",
        ),
        "flipped": (with_back(of=lambda weight: weight.flip(2, 3)), "flipped"),
        "turned by 90°": (with_back(of=lambda weight: weight.rot90(1, (2, 3))), "product is 172.6"),
        "channels rolled": (with_back(of=lambda weight: weight.roll(1, 0)), "they should agree"),
        "swapped": (lambda layer, x, y: products()(layer, y, x), "You convolve y"),
        "other pairs": (swapped_pairs, "ConvT y needs x's"),
        "own weights": (products(right=lambda layer, y: twin(layer)(y)), "call to call"),
        "own bias": (products(right=own_bias), "call to call"),
        "squared": (products(result=lambda a, b: (a**2, b)), "The left product is 28.5"),
        "doubled": (
            products(result=lambda a, b: (a, 2 * b)),
            "The right product is -10.68, the left one -5.34; they should",
        ),
        "one number": (products(result=lambda a, b: a), "one number, -5.3405; expected two"),
        "changes x": (changes_x, "with mul_"),
        "half unsolved": (products(result=lambda a, b: (a, ...)), "left and right are both wanted"),
        "larger": (with_back(output_padding=1), "a (15) must match the size of tensor b (16)"),
        "no stride": (with_back(stride=1, padding=0), "must match the size of tensor b (10)"),
    },
}

TestZoo = zoo_tests(RIGHT, WRONG, alike={"own bias", "conv twice"})


def test_the_repair_names_how():
    assert "says which" in check.repaired_mirror(mirror(extra=(1, 1, 1, 0))).message
    assert "without output_padding" in check.repaired_mirror(mirror(OURS)).message


def test_a_network_is_left_as_it_is():
    network = with_activations(nn.BatchNorm2d)
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    assert check.repaired_mirror(network) and network.training
    assert all(torch.equal(kept[name], value) for name, value in network.state_dict().items())
