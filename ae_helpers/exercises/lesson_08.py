"""Checks for lesson 08: try other architectures."""

import itertools
import math

import torch
from torch import Tensor, nn

from ae_helpers.data import to_float
from ae_helpers.exercises.answers import Mistake, call_unchanged, check, explain, numbers, tensor
from ae_helpers.exercises.lesson_02 import (
    BIASES,
    FIELD_MISTAKES,
    SIZE_MISTAKES,
    WEIGHTS,
    WORK_MISTAKES,
)
from ae_helpers.measures import image_errors
from ae_helpers.models import in_evaluation

# ------------------------------------------------------------------------------- a stack's price

# Side and layers (in, out, kernel, stride, padding) for which every wrong rule gives its own.
STACK = 28, [(1, 8, 3, 2, 0), (8, 16, 3, 3, 1), (16, 12, 4, 1, 2)]
OTHER = 33, [(3, 6, 5, 3, 2), (6, 6, 1, 1, 0), (6, 4, 3, 2, 0)]
PRICE = {
    "Parameters": "Each output channel has in · k² weights and one bias.",
    "Multiplications": "Each of the out · side² outputs takes in · k² of them, with the side after "
    "the layer.",
    "Receptive field": "Each layer adds (k − 1) · jump; the jump is the product of all strides "
    "before it.",
}


def _layers(side: int, layers: list, size=lambda n, k, s, p: (n + 2 * p - k) // s + 1) -> list:
    """In, out, kernel, side of the input and side of the output of each layer."""
    found = []
    for i, o, k, s, p in layers:
        before, side = side, size(side, k, s, p)
        found.append((i, o, k, before, side))
    return found


def _products(i: int, o: int, k: int, n: int) -> int:
    return i * o * k * k * n * n


def _price(side: int, layers: list) -> tuple[int, int, int]:
    parameters = products = 0
    for i, o, k, _, n in _layers(side, layers):
        parameters += o * (i * k * k + 1)
        products += _products(i, o, k, n)
    field, jump = 1, 1
    for _, _, k, s, _ in layers:
        field, jump = field + (k - 1) * jump, jump * s
    return parameters, products, field


def _price_mistakes(side: int, layers: list) -> dict[str, dict]:
    """What is wrong with each of the three numbers of a stack."""
    stack = _layers(side, layers)
    kernels = [(k, s) for _, _, k, s, _ in layers]

    def total(of_layer, stack=stack) -> int:
        """The sum of ``of_layer(in, out, k, side of the output)``."""
        return sum(of_layer(i, o, k, n) for i, o, k, _, n in stack)

    parameters = {
        "those are of one layer only, the last; add all layers up.": _price(side, layers[-1:])[0]
    }
    for (text, weights), (other, biases) in itertools.product(WEIGHTS.items(), BIASES.items()):
        parameters[", and ".join(filter(None, (text, other))) + "."] = total(weights) + total(
            biases
        )
    products = {
        "you count a window for each *input* pixel; there is one for each *output* pixel. Take the "
        "side after the layer.": sum(_products(i, o, k, n) for i, o, k, n, _ in stack),
        f"the image stays {side}×{side} in your count; its side changes with every layer.": (
            total(lambda i, o, k, n: _products(i, o, k, side))
        ),
    }
    for text, rule in WORK_MISTAKES.items():
        products[text.replace("output_size", "side")] = total(rule)
    for text, size in SIZE_MISTAKES.items():
        products[f"your sides are off. {text}"] = total(_products, _layers(side, layers, size))
    field = {
        "give its side, not its area.": _price(side, layers)[2] ** 2,
        "neighbouring windows overlap; a layer adds k − 1, not k, times the jump.": (
            sum(k for k, _ in kernels)
        ),
        "the last layer is missing.": _price(side, layers[:-1])[2],
        **{text: rule(kernels)[-1] for text, rule in FIELD_MISTAKES.items()},
    }
    return dict(zip(PRICE, (parameters, products, field), strict=True))


@check
def stack_price(answer) -> str:
    """``answer(side, layers)`` → parameters, multiplications, receptive field of a stack."""
    what = "three numbers for the whole stack: parameters, multiplications, receptive field"

    def three(side: int, layers: list) -> list:
        found = call_unchanged("pop.", answer, side, layers)
        return numbers(list(found.values()) if isinstance(found, dict) else found, what, 3)

    for side, layers in STACK, OTHER:
        found, right = three(side, layers), _price(side, layers)
        if found != list(right) and sorted(found) == sorted(right):
            raise Mistake(f"The right numbers in another order; expected {what}.")
        if side == OTHER[0] and found == list(_price(*STACK)):
            raise Mistake("Right for one stack, but not for another: use side and layers.")
        wrong, asked = _price_mistakes(side, layers), f"for the layers {layers} on {side}×{side}"
        for value, wanted, name in zip(found, right, PRICE, strict=True):
            mistakes = {f"{name}: {text}": number for text, number in wrong[name].items()}
            otherwise = f"{name}: {{found}} {asked}; expected {{right}}. {PRICE[name]}"
            explain(value, wanted, mistakes, otherwise=otherwise)
    return "Right: windows have weights and a bias, outputs have windows, and windows overlap."


# ------------------------------------------------------------------------------- shuffled pixels


def _shuffled(images: Tensor, order: Tensor) -> Tensor:
    return images.flatten(2)[:, :, order].view(images.shape)


INDEX = "Index the pixels: images.flatten(2)[:, :, order], then view as it was."
INDEX_CURES = dict.fromkeys(("out of", "shape", "size", "match"), INDEX)
SHUFFLE_MISTAKES = {
    "shuffle returns the images as they were.": lambda images, order: images,
    "shuffle does the inverse: pixel j goes to order[j]. Here pixel j *comes from* order[j]: "
    "x[:, :, order]. (argsort belongs into unshuffle.)": (
        lambda images, order: _shuffled(images, order.argsort())
    ),
}
UNSHUFFLE_MISTAKES = {
    "unshuffle shuffles once more in the same order; the inverse is another one.": _shuffled,
    "unshuffle reads the order backwards; that isn't its inverse. See the hint.": (
        lambda images, order: _shuffled(images, order.flip(0))
    ),
    "unshuffle returns what it was given, still shuffled.": lambda images, order: images,
    "unshuffle sorts the order descending; ascending, argsort is its inverse.": (
        lambda images, order: _shuffled(images, (-order).argsort())
    ),
}


def _images(function, name: str, images: Tensor, order: Tensor) -> Tensor:
    """What ``shuffle`` or ``unshuffle`` gives, if it is images."""
    in_place = "copy_; make a new one."
    try:
        found = call_unchanged(in_place, function, images, order, cures=INDEX_CURES)
    except Mistake as mistake:
        unsolved = str(mistake).startswith("Not yet")
        raise mistake if unsolved else Mistake(f"{name}: {mistake}") from None
    if not isinstance(found, Tensor):
        raise Mistake(f"{name} returns a {type(found).__name__}; expected images, a tensor.")
    shapes = {(3, 2, 20): "The shape has to stay: add .view(images.shape)."}
    return tensor(found, "images, as before", images.shape, shapes, where=f"What {name} returns")


@check
def permutation(shuffle, unshuffle) -> str:
    """Pixel j of ``shuffle(images, order)`` is pixel order[j]; ``unshuffle`` undoes it."""
    # Another seed than the lesson's: who draws its order anew would pass.
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    images = torch.arange(3 * 2 * 20.0).view(3, 2, 4, 5)
    right = _shuffled(images, order)
    found = _images(shuffle, "shuffle", images, order)
    # Where each pixel of the result came from, image by image and channel by channel.
    inside = found.flatten(2) - images.flatten(2)[:, :, :1]
    if not torch.equal(found.flatten().sort().values, images.flatten().double()):
        raise Mistake("shuffle changes or loses pixels; it should only move them.")
    if (inside.sort(2).values != torch.arange(20)).any():
        raise Mistake(
            "shuffle moves pixels from image to image, or from channel to channel; each image and "
            "each channel keeps its own. Flatten rows and columns only: flatten(2)."
        )
    if not (inside == inside[:1, :1]).all():
        raise Mistake(
            "shuffle moves the pixels of each image or channel differently; one fixed order for "
            "all, or there is nothing left to learn."
        )
    if not torch.equal(_images(shuffle, "shuffle", images, order), found):
        raise Mistake("shuffle draws a new order each time; use the one that it is given.")
    otherwise = "shuffle moves all images alike, but not as `order` says: x[:, :, order]."
    explain([found], [right], SHUFFLE_MISTAKES, cases=[(images, order)], otherwise=otherwise)
    images = images.flip(3)  # other ones, which sorting doesn't put back
    mixed = _shuffled(images, order)
    back = _images(unshuffle, "unshuffle", mixed, order)
    otherwise = "unshuffle(shuffle(images, order), order) isn't images."
    explain([back], [images], UNSHUFFLE_MISTAKES, cases=[(mixed, order)], otherwise=otherwise)
    return "Right: one order for all images and channels, and argsort undoes it."


# ------------------------------------------------------------------------------ a small network

PARAMETERS, NUMBERS = 30_000, 64


@check
def small_network(network, images, target) -> str:
    """A trained network of at most 30,000 parameters and 64 numbers, with an error below target."""
    if isinstance(network, tuple):
        raise Mistake("You give a tuple: train returns a network and its record. Take the first.")
    if isinstance(network, type) or not isinstance(network, nn.Module):
        kind = "class or function" if callable(network) else type(network).__name__
        raise Mistake(f"You give a {kind}; expected a trained network. Call it, and train it.")
    missing = [name for name in ("encode", "decode") if not hasattr(network, name)]
    if missing:
        raise Mistake(
            f"Your network has no {' and no '.join(missing)}, so nobody can count its numbers. "
            "Build it with Paired(encoder, decoder)."
        )
    images = images[:1_000]
    try:
        codes = in_evaluation(network, network.encode, images, 500)
        decoded = in_evaluation(network, lambda x: network.decode(network.encode(x)), images, 500)
        rebuilt = in_evaluation(network, network, images, 500)
    except RuntimeError as error:
        raise Mistake(
            f"An image doesn't get through: {error}. Look at models.ledger of each half."
        ) from None
    if rebuilt.shape != images.shape:
        raise Mistake(
            f"Images of {tuple(images.shape[1:])} come back as {tuple(rebuilt.shape[1:])}. Look at "
            "models.ledger(network, (1, 28, 28))."
        )
    wrong, numbers = [], codes[0].numel()
    if numbers > NUMBERS:
        wrong.append(f"its code has {numbers} numbers, more than {NUMBERS}")
    count = sum(each.numel() for each in network.parameters())  # frozen ones, too
    if count > PARAMETERS:
        wrong.append(f"it has {count:,} parameters, {count - PARAMETERS:,} too many")
    if not torch.allclose(decoded, rebuilt, atol=1e-4):
        wrong.append("decode(encode(x)) isn't what it answers: something goes past the code")
    error = image_errors(images, rebuilt).mean().item()
    floats = to_float(images)
    mean = image_errors(floats, floats.mean(0, keepdim=True)).mean().item()
    if not math.isfinite(error):
        wrong.append("its answers aren't numbers (nan): the training failed")
    elif error >= mean:
        wrong.append(
            f"its error is {error:.4f}, no better than the mean image: it has learned nothing"
        )
    elif error >= target:
        wrong.append(f"its error is {error:.4f}, not below {target:.4f}")
    if wrong:
        raise Mistake(f"Not there: {'; '.join(wrong)}.")
    return "Right: within 30,000 parameters and 64 numbers, and below the target."
