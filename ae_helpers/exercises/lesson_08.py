"""Checks for lesson 08: try other architectures."""

import math

import torch
from torch import Tensor, nn

from ae_helpers.data import to_float
from ae_helpers.exercises.answers import Mistake, call, check
from ae_helpers.measures import image_errors
from ae_helpers.models import in_evaluation

# ------------------------------------------------------------------------------- a stack's price

SIDE = 28
LAYERS = [(1, 8, 3, 1, 0), (8, 16, 3, 2, 1), (16, 12, 5, 1, 0)]  # in, out, kernel, stride, padding
WHAT = ("parameters", "multiplications", "receptive field")


def _sides(side: int, layers, padded: bool = True) -> list[int]:
    """The side of the image before the first layer, and after each."""
    sides = [side]
    for _, _, k, s, p in layers:
        sides.append((sides[-1] + 2 * p * padded - k) // s + 1)
    return sides


def _products(sides: list[int], layers) -> int:
    """One window for each output; ``sides`` says how many outputs each layer has."""
    shapes = zip(sides, layers, strict=True)
    return sum(out * side**2 * of * k**2 for side, (of, out, k, _, _) in shapes)


def _price(side: int, layers) -> tuple[int, int, int]:
    parameters = sum(out * (of * k**2 + 1) for of, out, k, _, _ in layers)
    field, jump = 1, 1
    for _, _, k, s, _ in layers:
        field, jump = field + (k - 1) * jump, jump * s
    return parameters, _products(_sides(side, layers)[1:], layers), field


@check
def stack_price(answer) -> str:
    """``answer(side, layers)`` → parameters, multiplications, receptive field of a stack."""
    values = _three(answer, SIDE, LAYERS)
    right = _price(SIDE, LAYERS)
    if values == right:
        other = [(3, 6, 5, 3, 2), (6, 6, 1, 1, 0), (6, 4, 3, 2, 0)]
        if _three(answer, 33, other) != _price(33, other):
            raise Mistake("Right for one stack, but not for another: use side and layers.")
        return "Right: windows have weights and a bias, outputs have windows, and windows overlap."
    if sorted(values) == sorted(right):
        raise Mistake(f"The right numbers in another order; expected {', '.join(WHAT)}.")
    if values[0] != right[0]:
        _wrong_parameters(values[0], right[0])
    if values[1] != right[1]:
        _wrong_products(values[1], right[1])
    _wrong_field(values[2], right[2])


def _three(answer, side: int, layers) -> tuple[float, ...]:
    found = call(answer, side, list(layers))
    if isinstance(found, dict):
        found = tuple(found.values())
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        raise Mistake(
            f"You return {str(found):.60}; expected three numbers: parameters, multiplications, "
            "receptive field."
        )
    if any(isinstance(each, (list, tuple)) or getattr(each, "ndim", 0) for each in found):
        raise Mistake("You return one number per layer; add them up: three numbers in all.")
    return tuple(float(each) for each in found)


def _wrong_parameters(value: float, right: int) -> None:
    if value == right - sum(out for _, out, *_ in LAYERS):
        raise Mistake("Parameters: you forgot the biases, one per output channel.")
    if value == sum(of * out * k + out for of, out, k, _, _ in LAYERS):
        raise Mistake("Parameters: a kernel has k rows *and* k columns: k².")
    if value == sum(out * (k**2 + 1) for _, out, k, _, _ in LAYERS):
        raise Mistake("Parameters: each output channel has a k×k kernel for every input channel.")
    if value == sum(of * out * k**2 + 1 for of, out, k, _, _ in LAYERS):
        raise Mistake("Parameters: there is a bias per output channel, not one per layer.")
    if value in [out * (of * k**2 + 1) for of, out, k, _, _ in LAYERS]:
        raise Mistake("Parameters: those are of one layer only; add all layers up.")
    raise Mistake(
        f"Parameters: {value:,.0f} for the layers {LAYERS}; expected {right:,}. Each output "
        "channel has in · k² weights and one bias."
    )


def _wrong_products(value: float, right: int) -> None:
    after, before = _sides(SIDE, LAYERS)[1:], _sides(SIDE, LAYERS)[:-1]
    biases = sum(out * side**2 for side, (_, out, *_) in zip(after, LAYERS, strict=True))
    if value == right + biases:
        raise Mistake("Multiplications: a bias is added, not multiplied; leave it out here.")
    if value == _products(before, LAYERS):
        raise Mistake(
            "Multiplications: you count a window for each *input* pixel; there is one for each "
            "*output* pixel. Take the side after the layer."
        )
    if value == _products([SIDE] * len(LAYERS), LAYERS):
        raise Mistake(
            "Multiplications: the image stays 28×28 in your count; its side changes with every "
            "layer: (side + 2p − k) // s + 1."
        )
    if value == _products(_sides(SIDE, LAYERS, padded=False)[1:], LAYERS):
        raise Mistake("Multiplications: your side ignores the padding: (side + 2p − k) // s + 1.")
    if value == _products([1] * len(LAYERS), LAYERS):
        raise Mistake("Multiplications: that is for one output pixel; multiply by side².")
    if value == sum(
        out * side * of * k**2 for side, (of, out, k, *_) in zip(after, LAYERS, strict=True)
    ):
        raise Mistake("Multiplications: an image has side · side pixels, not side.")
    raise Mistake(
        f"Multiplications: {value:,.0f} for the layers {LAYERS} on 28×28; expected {right:,}. Each "
        "of the out · side² outputs takes in · k² of them, with the side after the layer."
    )


def _wrong_field(value: float, right: int) -> None:
    sizes = [(k, s) for _, _, k, s, _ in LAYERS]
    late, jump = 1, 1
    for k, s in sizes:
        jump *= s
        late += (k - 1) * jump
    if value == sum(k for k, _ in sizes):
        raise Mistake("Receptive field: neighbouring windows overlap; a layer adds k − 1, not k.")
    if value == math.prod(k for k, _ in sizes):
        raise Mistake("Receptive field: kernels add up, they don't multiply: each adds k − 1.")
    if value == 1 + sum(k - 1 for k, _ in sizes):
        raise Mistake(
            "Receptive field: after a stride of 2 neighbours are 2 pixels apart, so a layer adds "
            "(k − 1) · jump; the jump is the product of all strides before it."
        )
    if value == late:
        raise Mistake(
            "Receptive field: you multiply the jump by a layer's own stride too early; add "
            "(k − 1) · jump first, then jump · s."
        )
    if value == right - 1:
        raise Mistake("Receptive field: it starts at 1, one pixel that sees itself, not at 0.")
    if value == right**2:
        raise Mistake("Receptive field: give its side, not its area.")
    raise Mistake(f"Receptive field: {value:g} for the layers {LAYERS}; expected {right}.")


# ------------------------------------------------------------------------------- shuffled pixels


def _shuffled(images: Tensor, order: Tensor) -> Tensor:
    return images.flatten(2)[:, :, order].view(images.shape)


def _try(function, name: str, images: Tensor, order: Tensor) -> Tensor:
    kept = images.clone(), order.clone()
    try:
        found = call(function, images, order)
    except Mistake as mistake:
        text = str(mistake)
        if text.startswith("Not yet"):
            raise
        cure = ""
        if "out of" in text or "shape" in text or "size" in text or "match" in text:
            cure = " Index the pixels: images.flatten(2)[:, :, order], then view as it was."
        raise Mistake(f"{name}: {text}.{cure}") from None
    if not (torch.equal(images, kept[0]) and torch.equal(order, kept[1])):
        raise Mistake(f"{name} changes what it is given; make a new tensor.")
    if not isinstance(found, Tensor):
        raise Mistake(f"{name} returns a {type(found).__name__}; expected images, a tensor.")
    if found.shape != images.shape:
        raise Mistake(
            f"{name}: {tuple(images.shape)} became {tuple(found.shape)}; the shape has to stay. "
            "Flatten rows and columns only, flatten(2), and view(images.shape) at the end."
        )
    return found


@check
def permutation(shuffle, unshuffle) -> str:
    """Pixel j of ``shuffle(images, order)`` is pixel order[j]; ``unshuffle`` undoes it."""
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(20, generator=generator)
    images = torch.arange(3 * 2 * 20.0).view(3, 2, 4, 5)
    right = _shuffled(images, order)
    found = _try(shuffle, "shuffle", images, order)
    if not torch.equal(found, right):
        _wrong_shuffle(shuffle, found, images, order)
    back = _try(unshuffle, "unshuffle", right, order)
    if torch.equal(back, images):
        return "Right: one order for all images and channels, and argsort undoes it."
    if torch.equal(back, _shuffled(right, order)):
        raise Mistake("unshuffle shuffles once more in the same order; the inverse is another one.")
    if torch.equal(back, _shuffled(right, order.flip(0))):
        raise Mistake("unshuffle reads the order backwards; that isn't its inverse. See the hint.")
    if torch.equal(back, right):
        raise Mistake("unshuffle returns what it was given, still shuffled.")
    if torch.equal(back, _shuffled(right, (-order).argsort())):
        raise Mistake("unshuffle sorts the order descending; ascending, argsort is its inverse.")
    raise Mistake("unshuffle(shuffle(images, order), order) isn't images.")


def _wrong_shuffle(shuffle, found: Tensor, images: Tensor, order: Tensor) -> None:
    if torch.equal(found, images):
        raise Mistake("shuffle returns the images as they were.")
    if torch.equal(found, _shuffled(images, order.argsort())):
        raise Mistake(
            "shuffle does the inverse: pixel j goes to order[j]. Here pixel j *comes from* "
            "order[j]: x[:, :, order]. (argsort belongs into unshuffle.)"
        )
    # Where each pixel of the result came from, image by image and channel by channel.
    source = found.flatten(2)
    inside = source - images.flatten(2)[:, :, :1]
    if not torch.equal(inside.sort(2).values, torch.arange(20.0).expand(3, 2, 20)):
        if not torch.equal(found.flatten().sort().values, images.flatten().sort().values):
            raise Mistake("shuffle changes or loses pixels; it should only move them.")
        raise Mistake(
            "shuffle moves pixels from image to image, or from channel to channel; each image and "
            "each channel keeps its own. Flatten rows and columns only: flatten(2)."
        )
    if not (inside == inside[:1, :1]).all():
        raise Mistake(
            "shuffle moves the pixels of each image or channel differently; one fixed order for "
            "all, or there is nothing left to learn."
        )
    if not torch.equal(_try(shuffle, "shuffle", images, order), found):
        raise Mistake("shuffle draws a new order each time; use the one that it is given.")
    raise Mistake("shuffle moves all images alike, but not as `order` says: x[:, :, order].")


# ------------------------------------------------------------------------------ a small network

PARAMETERS, NUMBERS = 30_000, 64


@check
def small_network(network, images, target) -> str:
    """A trained network of at most 30,000 parameters and 64 numbers, with an error below target."""
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
        wrong.append(f"its error is {error:.4f}, no better than the mean image: it isn't trained")
    elif error >= target:
        wrong.append(f"its error is {error:.4f}, not below {target:.4f}")
    if wrong:
        raise Mistake(f"Not there: {'; '.join(wrong)}.")
    return "Right: within 30,000 parameters and 64 numbers, and below the target."
