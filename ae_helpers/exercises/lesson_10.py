"""Checks for lesson 10: the inverse size rule, colouring, and errors that can be compared."""

from math import ceil

import torch
from torch import Tensor

from ae_helpers.data import to_float
from ae_helpers.exercises.answers import (
    Mistake,
    call,
    call_unchanged,
    check,
    explain,
    near,
    number,
    numbers,
    tensor,
    whole,
)
from ae_helpers.measures import image_errors
from ae_helpers.measures.baselines import mean_image

# ------------------------------------------------------------------------- the inverse size rule

BEFORE_CASES = (  # m, k, s, p
    *((28, 4, 2, 3), (33, 4, 2, 3), (9, 2, 2, 1)),
    *((32, 5, 3, 1), (10, 4, 1, 0), (28, 3, 2, 1)),
)


def _n(m: int, k: int, s: int, p: int) -> int:
    return (m + 2 * p - k) // s + 1


def _o(m: int, k: int, s: int, p: int) -> int:
    return (m + 2 * p - k) % s


N_MISTAKES = {
    "The other way round: return n, o.": _o,
    "That is what the layer makes *of* m. Asked for is the n of which it makes m: solve "
    "m = (n − 1)s − 2p + k + o for n.": lambda m, k, s, p: (m - 1) * s - 2 * p + k,
    "One too few: m = (n − 1)s …, so the 1 comes back at the end: + 1.": lambda *c: _n(*c) - 1,
    "The sign of p is wrong: m = … − 2p, so on the other side it is + 2p.": lambda m, k, s, p: _n(
        m, k, s, -p
    ),
    "The sign of k is wrong: m = … + k, so on the other side it is − k.": lambda m, k, s, p: _n(
        m, -k, s, p
    ),
    "You round n up; o would have to be negative, but output_padding can only add. Round down, "
    "with //.": lambda m, k, s, p: ceil((m + 2 * p - k) / s) + 1,
    "The largest n that fits is asked for: what is left for o, the output_padding, must be smaller "
    "than the stride.": lambda m, k, s, p: ceil((m + 2 * p - k) / s),
}
O_MISTAKES = {
    "n is right, but o isn't always 0: it is the remainder of the division.": lambda m, k, s, p: 0,
    "n is right, but o is what the division that gave n leaves over: the remainder of m + 2p − k, "
    "not of m.": lambda m, k, s, p: m % s,
}


@check
def before(answer) -> str:
    """``answer(m, k, s, p)`` → ``(n, o)``: what a transposed layer needs to make m of n."""
    what = "two whole numbers, n and o: divide with //, and take the remainder with %"
    pairs = [numbers(call(answer, *case), what, 2) for case in BEFORE_CASES]
    found = [[whole(part, what) for part in parts] for parts in zip(*pairs, strict=True)]
    tables = ("n", _n, N_MISTAKES), ("o", _o, O_MISTAKES)
    for values, (name, right, mistakes) in zip(found, tables, strict=True):
        explain(
            values,
            right,
            mistakes,
            cases=BEFORE_CASES,
            asked="m = {}, k = {}, s = {}, p = {}",
            otherwise=f"For {{case}} you say {name} = {{found}}; expected {{right}}: "
            "m = (n − 1)s − 2p + k + o.",
        )
    return "Right: it is the size rule of a convolution, and o is what its floor throws away."


# ---------------------------------------------------------------------------------------- colouring


@check
def colour(answer) -> str:
    """``answer(images, colours)``: bytes ``(N, 1, H, W)`` and ``(N, 3)`` → ``(N, 3, H, W)``."""
    generator = torch.Generator().manual_seed(0)
    # As many images as channels: colours on the wrong axis still compute.
    images = torch.randint(0, 256, (3, 1, 4, 5), generator=generator, dtype=torch.uint8)
    # With these decimals no product lies in the middle of two bytes, where it could go either way.
    colours = torch.tensor([[1.0, 0.301, 0.453], [0.351, 0.903, 0.623], [0.807, 0.311, 1.0]])
    shapes = {
        (3, 4, 5, 3): "Your channels come last; torch wants them second: (N, 3, H, W).",
        (3, 1, 4, 5): "There is still one channel; (N, 1, H, W) times (N, 3, 1, 1) has three.",
        (3, 3, 3, 4, 5): "Your colours have too many axes; (N, 3) needs two more behind it: "
        "colours[:, :, None, None].",
        (3, 4, 5): "The batch's axis is lost; expected (N, 3, H, W).",
    }
    answered = call_unchanged("*= or //=; compute a new one.", answer, images, colours)
    found = tensor(answered, "bytes (N, 3, H, W)", (3, 3, 4, 5), shapes)

    def product(colours: Tensor) -> Tensor:
        return images * colours[:, :, None, None]

    exact, whole_numbers = product(colours), found.round()
    wrong = {
        "Right up to 1: the decimals are cut off. Round first.": exact.floor(),
        "No byte is above 1, all but black: colours are shares already, so that byte times share "
        "is a byte. Don't divide by 255.": (exact / 255).round(),
        "All is black: what is below 1 is cut off to 0. Byte times share is a byte already: don't "
        "divide by 255.": (exact / 255).floor(),
        "Every image gets the colour of the first.": product(colours[:1]).round(),
        "The axes of your colours are swapped: colours[i] belongs to image i, its three numbers to "
        "the channels.": product(colours.T).round(),
        "Red and blue are swapped: channels are red, green, blue.": exact.flip(1).round(),
        "That is the grey image three times: multiply by the colours.": images.expand(3, 3, 4, 5),
        "A byte can't hold more than 255, and starts again at 0: your colours became bytes before "
        "the product.": product((colours * 255).byte()),
        "The colours became whole numbers, 0 or 1, before the product: multiply first.": product(
            colours.byte()
        ),
    }
    furthest = "Not yet image × colour. What is furthest off is {found}; expected {right}."
    kind = str(getattr(answered, "dtype", "a list")).removeprefix("torch.")
    if kind == "uint8" or not near(found, exact, rtol=2e-3):  # half precision has three digits
        explain(whole_numbers, exact.round(), wrong, otherwise=furthest)
    if kind != "uint8":
        cure = "torch.stack makes a tensor" if kind == "a list" else ".round().byte() at last"
        raise Mistake(f"The result is right, but as {kind}, not as bytes: {cure}.")
    return "Right: a third axis of colours, and still one byte for each number."


# --------------------------------------------------------------------- errors that can be compared


@check
def share(answer) -> str:
    """``answer(test, rebuilt, train)``: MSE as a share of that of the mean training image."""
    generator = torch.Generator().manual_seed(0)
    pattern = torch.linspace(0.1, 0.8, 12).view(1, 1, 3, 4)
    train, test = (
        ((pattern + 0.35 * torch.rand(n, 1, 3, 4, generator=generator) - 0.1).clamp(0, 1) * 255)
        .round()
        .byte()
        for n in (40, 12)
    )
    noise = torch.linspace(0.02, 0.2, 12).view(12, 1, 1, 1)  # some are rebuilt better than others
    rebuilt = to_float(test) + noise * torch.randn(test.shape, generator=generator)
    found = number(call(answer, test, rebuilt, train), "one number for the whole set")

    def mse(one, other) -> float:
        return (one - other).square().mean().item()

    errors, by_mean = image_errors(test, rebuilt), image_errors(test, mean_image(train))
    floats, of_train = to_float(test), to_float(train)
    error, right = mse(floats, rebuilt), errors.mean() / by_mean.mean()
    wrong = {
        "Your mean image is that of the *test* images, which nobody may look at; take the training "
        "images.": error / mse(floats, floats.mean(0)),
        "Your mean is one grey for the whole image; each pixel has its own: .mean(0).": error
        / mse(floats, of_train.mean()),
        "You average over the images' shares. One easy image then counts as much as one hard: "
        "divide the mean error by the mean error.": (errors / by_mean).mean(),
        "Upside down: the network's error comes first.": 1 / right,
        "You take roots; both errors are MSE as they are.": right**0.5,
        "You divide by the error of black: take the mean image, which knows more.": error
        / mse(floats, 0),
        "That is the error itself; divide it by the mean image's.": error,
        "That is the mean image's error; divide the network's by it.": by_mean.mean(),
        "In per cent; expected a share, 1 for 100 %.": 100 * right,
        "That is the share that the network *explains*, 1 − …; asked for is what is left.": 1
        - right,
        "Bytes and floats are mixed: to_float(test) and to_float(train) first, so that all is in "
        "[0, 1].": mse(test.float(), rebuilt) / mse(test.float(), train.float().mean(0)),
        "Bytes and floats are mixed: to_float(train), too.": error
        / mse(floats, train.float().mean(0)),
        "Bytes and floats are mixed: to_float(test), too.": mse(test.float(), rebuilt)
        / mse(test.float(), of_train.mean(0)),
    }
    otherwise = (
        "You say {found}; expected {right}: the MSE of the network over the MSE of answering with "
        "the mean training image."
    )
    explain(found, right, wrong, otherwise=otherwise, rtol=1e-3)
    return "Right: below 1 it knows more than the mean image does, at 0 it knows all."
