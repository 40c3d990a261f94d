"""The checks of lesson 03 on right answers, typical wrong ones, and none: each told apart."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ae_helpers.exercises import lesson_03

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


def with_activations():
    layers = []
    for layer in mirror(OURS):
        layers += [layer, nn.ReLU()]
    return nn.Sequential(nn.Sequential(*layers[:4]), *layers[4:-1], nn.Sigmoid())


# ---- ⟨Conv x, y⟩ and ⟨x, ConvT y⟩


def conv(layer, x):
    return F.conv2d(x, layer.weight, stride=2, padding=1)


def back(layer, y, **other):
    return F.conv_transpose2d(y, layer.weight, **{"stride": 2, "padding": 1, **other})


def by_functions(layer, x, y):
    return (conv(layer, x) * y).sum(), (x * back(layer, y)).sum()


def by_layers(layer, x, y):
    twin = nn.ConvTranspose2d(
        layer.out_channels, layer.in_channels, kernel_size=3, stride=2, padding=1, bias=False
    )
    twin.weight = layer.weight
    layer.bias = None
    return torch.dot(layer(x).flatten(), y.flatten()), torch.dot(x.flatten(), twin(y).flatten())


def minus_bias(layer, x, y):
    left = (layer(x) - layer.bias[:, None, None]).mul(y).sum().item()
    return left, torch.einsum("nchw,nchw->", x, back(layer, y)).item()


def bias_left(layer, x, y):
    return (layer(x) * y).sum(), (x * back(layer, y)).sum()


def bias_right(layer, x, y):
    bias = layer.bias[: layer.in_channels]
    return (conv(layer, x) * y).sum(), (x * back(layer, y, bias=bias)).sum()


def means(layer, x, y):
    return (conv(layer, x) * y).mean(), (x * back(layer, y)).mean()


def not_summed(layer, x, y):
    return conv(layer, x) * y, x * back(layer, y)


def wrong_layout(layer, x, y):
    turned = layer.weight.transpose(0, 1)
    right = F.conv_transpose2d(y, turned, stride=2, padding=1)
    return (conv(layer, x) * y).sum(), (x * right).sum()


def flipped(layer, x, y):
    right = F.conv_transpose2d(y, layer.weight.flip(2, 3), stride=2, padding=1)
    return (conv(layer, x) * y).sum(), (x * right).sum()


def swapped(layer, x, y):
    return (conv(layer, y) * x).sum(), (y * back(layer, x)).sum()


def swapped_pairs(layer, x, y):
    return (conv(layer, x) * x).sum(), (y * back(layer, y)).sum()


def no_stride(layer, x, y):
    return (conv(layer, x) * y).sum(), (x * F.conv_transpose2d(y, layer.weight)).sum()


def larger(layer, x, y):
    return (conv(layer, x) * y).sum(), (x * back(layer, y, output_padding=1)).sum()


def own_weights(layer, x, y):
    twin = nn.ConvTranspose2d(
        layer.out_channels, layer.in_channels, kernel_size=3, stride=2, padding=1, bias=False
    )
    return (conv(layer, x) * y).sum(), (x * twin(y)).sum()


def other_left(layer, x, y):
    return (conv(layer, x) * y).square().sum(), (x * back(layer, y)).sum()


def right_doubled(layer, x, y):
    return (conv(layer, x) * y).sum(), 2 * (x * back(layer, y)).sum()


def one_number(layer, x, y):
    return (conv(layer, x) * y).sum()


def only_left(layer, x, y):
    return (conv(layer, x) * y).sum(), ...


def changes_x(layer, x, y):
    left = (conv(layer, x) * y).sum()
    return left, x.mul_(back(layer, y)).sum()


RIGHT = {
    "transposed_size": [
        lambda n, k, s, p: (n - 1) * s - 2 * p + k,
        lambda n, kernel_size, stride, padding: nn.ConvTranspose2d(
            1, 1, kernel_size, stride, padding
        )(torch.zeros(1, 1, n, n)).shape[2],
        lambda n, k, s, p: n * s - s + k - p - p,
    ],
    "two_sizes": [(15, 16), (8, 7), [27, 28], (1, 2)],
    "repaired_mirror": [
        mirror(extra=(1, 1, 1, 0)),
        mirror(OURS),
        mirror(((6, 2, 1), (4, 2, 1), (4, 2, 1), (15, 1, 1))),
        mirror(((4, 3, 0), (5, 1, 0), (9, 1, 0), (13, 1, 0))),
        with_activations(),
    ],
    "inner_products": [by_functions, by_layers, minus_bias],
}

# Each wrong answer with a word that only its own message has to say.
WRONG = {
    "transposed_size": [
        (lambda n, k, s, p: (n + 2 * p - k) // s + 1, "rule of the convolution, which shrinks"),
        (lambda n, k, s, p: (n - 1) * s + 2 * p + k, "add the padding"),
        (lambda n, k, s, p: (n - 1) * s - p + k, "crop p once"),
        (lambda n, k, s, p: (n - 1) * s + k, "nothing is cropped"),
        (lambda n, k, s, p: n * s - 2 * p + k, "n steps"),
        (lambda n, k, s, p: (n - 1) * s - 2 * p, "where the last stamp begins"),
        (lambda n, k, s, p: (n - 1) * s - 2 * p + k - 1, "one short"),
        (lambda n, k, s, p: (n - 1) * s - 2 * p + k + 1, "one too large"),
        (lambda n, k, s, p: n * k - 2 * p, "side by side"),
        (lambda n, k, s, p: n * s, "you say 1, but torch makes 4"),
        (lambda n, k, s, p: (n, n), "one whole number"),
        (lambda n, k, s, p: n / 0, "ZeroDivisionError"),
    ],
    "two_sizes": [
        ((16, 16), "Both are 16"),
        ((16, 17), "Neighbours"),
        ((16, 8), "is what 16 becomes"),
        ((13, 20), "too far apart"),
        ((15.0, 16.0), "whole number of pixels"),
        ((0, -1), "no pixels"),
        (16, "16 is not two sizes"),
        ((15, 16, 17), "(15, 16, 17) is not two"),
    ],
    "repaired_mirror": [
        (mirror(), "Layer 1 goes wrong: (1 − 1)·2 − 2·1 + 5 = 3"),
        (mirror(extra=(1, 0, 0, 0)), "Layer 2 goes wrong: (4 − 1)·2 − 2·1 + 3 = 7"),
        (mirror(extra=(1, 1, 0, 0)), "Layer 3 goes wrong: (8 − 1)·2 − 2·1 + 3 = 15"),
        (mirror((*OURS[:3], (4, 2, 0))), "34×34, not 28×28. 6 pixels too many"),
        (mirror((*OURS[:3], (15, 2, 1))), "15 pixels too many"),
        (mirror((*OURS[:2], (1, 2, 0), OURS[3])), "(8 − 1)·2 − 2·0 + 1 = 15"),
        (mirror(extra=(2, 1, 1, 0)), "smaller than the stride"),
        (mirror(OURS, channels=CHANNELS[::-1]), "takes 1 channel and makes 8"),
        (mirror(OURS, channels=(64, 32, 16, 16, 1)), "Layer 3 takes 16 channels and makes 16"),
        (mirror(OURS[:3]), "3 transposed layers"),
        (list(mirror(OURS)), "list of layers"),
        (nn.Sequential(mirror(OURS[:1]), nn.Conv2d(32, 16, 3)), "Layer 2 is a Conv2d"),
        (nn.Sequential(*mirror(extra=(1, 1, 1, 0)), nn.Upsample(28)), "resize"),
        (28, "This is 28"),
    ],
    "inner_products": [
        (bias_left, "left product contains the bias"),
        (bias_right, "right product contains the bias"),
        (means, "mean"),
        (not_summed, "of shape (1, 16, 8, 8)"),
        (wrong_layout, "axes are exchanged"),
        (flipped, "flipped"),
        (swapped, "convolve y and transpose x"),
        (swapped_pairs, "ConvT y needs x's"),
        (own_weights, "call to call"),
        (other_left, "The left product is 80,"),
        (right_doubled, "should agree"),
        (one_number, "Return two numbers"),
        (changes_x, "changes x or y"),
    ],
}


def cases(table):
    return [
        pytest.param(name, answer, id=f"{name}-{number}")
        for name, answers in table.items()
        for number, answer in enumerate(answers)
    ]


@pytest.mark.parametrize("name, answer", cases(RIGHT))
def test_right_answers_pass(name, answer):
    verdict = getattr(lesson_03, name)(answer)
    assert verdict, verdict.message


@pytest.mark.parametrize("name, case", cases(WRONG))
def test_wrong_answers_are_named(name, case):
    answer, word = case
    verdict = getattr(lesson_03, name)(answer)
    assert not verdict
    assert word in verdict.message


@pytest.mark.parametrize("name", WRONG)
def test_every_mistake_has_a_message_of_its_own(name):
    messages = [getattr(lesson_03, name)(answer).message for answer, _ in WRONG[name]]
    assert len(set(messages)) == len(messages)
    for _, word in WRONG[name]:
        assert sum(word in message for message in messages) == 1, word


@pytest.mark.parametrize(
    "name, answer",
    [
        ("transposed_size", ...),
        ("transposed_size", lambda n, k, s, p: ...),
        ("two_sizes", ...),
        ("two_sizes", (15, ...)),
        ("repaired_mirror", ...),
        ("inner_products", lambda layer, x, y: ...),
        ("inner_products", lambda layer, x, y: (..., ...)),
        ("inner_products", only_left),
    ],
)
def test_unsolved_is_not_yet(name, answer):
    verdict = getattr(lesson_03, name)(answer)
    assert not verdict
    assert verdict.message.startswith("Not yet")


@pytest.mark.parametrize("name", WRONG)
def test_praise_tells_something(name):
    assert all(getattr(lesson_03, name)(a).message.startswith("Right: ") for a in RIGHT[name])


def test_the_repair_names_how():
    padded, kernels = (lesson_03.repaired_mirror(a).message for a in RIGHT["repaired_mirror"][:2])
    assert "says which" in padded
    assert "without output_padding" in kernels


def test_larger_and_strideless_transposes_are_quoted():
    for answer in (larger, no_stride):
        message = lesson_03.inner_products(answer).message
        assert "must match the size" in message
        assert "(1, 16, 8, 8)" in message


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (nn.ZeroPad2d(1), "gives (1, 1, 30, 30)"),
        (nn.Flatten(), "gives (1, 784)"),
        (nn.PixelShuffle(2), "all in a row stop with RuntimeError"),
    ],
)
def test_the_whole_must_give_an_image_and_not_only_its_layers(after, word):
    verdict = lesson_03.repaired_mirror(nn.Sequential(*mirror(OURS), after))
    assert not verdict and word in verdict.message


def test_layers_that_nothing_runs_are_no_network():
    verdict = lesson_03.repaired_mirror(nn.ModuleList(mirror(OURS)))
    assert not verdict and "ModuleList only keeps layers" in verdict.message


def test_whole_numbers_of_numpy_and_torch_are_whole_numbers():
    def rule(n, k, s, p):
        return (n - 1) * s - 2 * p + k

    assert lesson_03.transposed_size(lambda *case: np.int64(rule(*case)))
    assert lesson_03.transposed_size(lambda *case: torch.tensor(rule(*case)))
    assert lesson_03.two_sizes(np.array([27, 28]))
    assert lesson_03.two_sizes(torch.tensor([27, 28]))


def test_products_may_be_numpy_numbers():
    assert lesson_03.inner_products(
        lambda *given: tuple(np.float32(value.item()) for value in by_functions(*given))
    )


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (torch.zeros(0), "of shape (0,)"),
        (np.arange(3), "of shape (3,)"),
        (torch.tensor(1j), "no real number"),
        (float("inf"), "The left product is inf"),
        (float("nan"), "The left product is nan"),
    ],
)
def test_odd_products_get_a_verdict_and_no_traceback(value, word):
    verdict = lesson_03.inner_products(lambda layer, x, y: (value, value))
    assert not verdict and word in verdict.message
