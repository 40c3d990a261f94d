"""Checks for lesson 10: the inverse size rule, colouring, and errors that can be compared."""

import torch
from torch import Tensor

from ae_helpers.data import to_float
from ae_helpers.exercises.answers import Mistake, call, check
from ae_helpers.measures import image_errors
from ae_helpers.measures.baselines import mean_image

# ------------------------------------------------------------------------- the inverse size rule


def _made(n: int, o: int, k: int, s: int, p: int) -> int:
    """What a transposed convolution makes of n."""
    return (n - 1) * s - 2 * p + k + o


@check
def before(answer) -> str:
    """``answer(m, k, s, p)`` → ``(n, o)``: what a transposed layer needs to make m of n."""
    cases = [(28, 4, 2, 3), (33, 4, 2, 3), (9, 2, 2, 1), (32, 5, 3, 1), (10, 4, 1, 0)]
    for case in cases:
        m, k, s, p = case
        n, o = _pair(call(answer, m, k, s, p))
        right = (m + 2 * p - k) // s + 1, (m + 2 * p - k) % s
        if (n, o) == right:
            continue
        where = f"for m = {m}, k = {k}, s = {s}, p = {p}"
        made = _made(n, o, k, s, p)
        wrong = {
            (o_n := right[::-1]): "The other way round: return n, o.",
            (_made(m, 0, k, s, p), 0): "That is what the layer makes *of* m. Asked for is the n "
            "of which it makes m: solve m = (n − 1)s − 2p + k + o for n.",
            (right[0] - 1, o): "One too few: m = (n − 1)s …, so the 1 comes back at the end: + 1.",
            ((m - 2 * p - k) // s + 1, o): "The sign of p is wrong: m = … − 2p, so on the other "
            "side it is + 2p.",
            ((m + 2 * p + k) // s + 1, o): "The sign of k is wrong: m = … + k, so on the other "
            "side it is − k.",
            (right[0], 0): f"n is right, but o isn't always 0: {right[0]} gives "
            f"{_made(right[0], 0, k, s, p)}, and {m} was wanted. o is the remainder of the "
            "division.",
        }
        for pair, text in wrong.items():
            if (n, o) == pair and pair != right:
                raise Mistake(f"{text} ({where})" if pair != o_n else text)
        if o < 0:
            raise Mistake(
                f"o = {o} {where}: output_padding can only add. Round n down, with //, not up."
            )
        if o >= s:
            raise Mistake(
                f"o = {o} {where}, but output_padding must be smaller than the stride: take the "
                "largest n that fits."
            )
        raise Mistake(
            f"You say n = {n}, o = {o} {where}; that layer would make {made} of it, not {m}. "
            "m = (n − 1)s − 2p + k + o."
        )
    return "Right: it is the size rule of a convolution, and o is what its floor throws away."


def _pair(found) -> tuple[int, int]:
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise Mistake(f"You return {found!r}; expected two numbers: return n, o.")
    if any(part is ... for part in found):
        raise Mistake("Not yet: replace the ... with your answer and run the cell again.")
    if not all(isinstance(part, int) for part in found):
        raise Mistake(
            f"You return {found[0]!r}, {found[1]!r}; expected whole numbers: divide with //, and "
            "take the remainder with %."
        )
    return tuple(found)


# ---------------------------------------------------------------------------------------- colouring


@check
def colour(answer) -> str:
    """``answer(images, colours)``: bytes ``(N, 1, H, W)`` and ``(N, 3)`` → ``(N, 3, H, W)``."""
    generator = torch.Generator().manual_seed(0)
    # As many images as channels: colours on the wrong axis still compute.
    images = torch.randint(0, 256, (3, 1, 4, 5), generator=generator, dtype=torch.uint8)
    colours = torch.tensor([[1.0, 0.3, 0.45], [0.35, 1.0, 0.62], [0.8, 0.31, 1.0]])
    kept = images.clone(), colours.clone()
    found = call(answer, images, colours)
    if not all(map(torch.equal, kept, (images, colours))):
        raise Mistake("Your code changes the tensors it is given; compute a new one.")
    if not isinstance(found, Tensor):
        raise Mistake(f"You return a {type(found).__name__}; expected a tensor (N, 3, H, W).")
    exact = images * colours[:, :, None, None]
    shapes = {
        (3, 4, 5, 3): "Your channels come last; torch wants them second: (N, 3, H, W).",
        (
            3,
            1,
            4,
            5,
        ): "There is still one channel; (N, 1, H, W) times (N, 3, 1, 1) has three.",
        (3, 3, 3, 4, 5): "Your colours have too many axes; (N, 3) needs two more behind it: "
        "colours[:, :, None, None].",
        (3, 4, 5): "The batch's axis is lost; expected (N, 3, H, W).",
    }
    if found.shape != exact.shape:
        text = shapes.get(tuple(found.shape), f"expected {tuple(exact.shape)}.")
        raise Mistake(f"You return the shape {tuple(found.shape)}. {text}")
    values = found.double()

    def near(other: Tensor, within: float = 0.51) -> bool:
        return (values - other.double()).abs().max().item() <= within

    bytes_, right = found.dtype == torch.uint8, exact.round()
    if bytes_ and near(right, 0):
        return "Right: a third axis of colours, and still one byte for each number."
    wrong = {
        "The result is right, but as floats, four times as large: .round().byte() at the end.": (
            not bytes_ and near(exact)
        ),
        "You divide by 255, and these bytes are all but black: colours are shares already, so that "
        "byte times share is a byte.": near(exact / 255, 1.01),
        "Right up to 1: .byte() cuts the decimals off. Round first.": bytes_
        and near(exact.floor(), 0),
        "Every image gets the colour of the first.": near(images * colours[:1, :, None, None]),
        "The axes of your colours are swapped: colours[i] belongs to image i, its three numbers to "
        "the channels.": near(images * colours.T[:, :, None, None]),
        "Red and blue are swapped: channels are red, green, blue.": near(exact.flip(1)),
        "That is the grey image three times: multiply by the colours.": near(
            images.expand(-1, 3, -1, -1).double()
        ),
        "A byte can't hold more than 255, and starts again at 0: your colours became bytes before "
        "the product.": bytes_ and near(images * (colours * 255).byte()[:, :, None, None], 0),
        "The colours became whole numbers, 0 or 1, before the product: multiply first.": near(
            images * colours.byte()[:, :, None, None]
        ),
    }
    for text, fits in wrong.items():
        if fits:
            raise Mistake(text)
    place = (values - exact).abs().argmax()
    raise Mistake(
        f"Not yet image × colour. The number that is furthest off is "
        f"{values.flatten()[place]:.1f}; expected {right.flatten()[place]:.0f}."
    )


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
    found = call(answer, test, rebuilt, train)
    try:
        value = float(found)
    except (TypeError, ValueError, RuntimeError):
        raise Mistake(
            f"You return {_what(found)}; expected one number for the whole set."
        ) from None
    error, floats = image_errors(test, rebuilt), to_float(test)
    by_mean = image_errors(test, mean_image(train))
    right = (error.mean() / by_mean.mean()).item()

    def near(other) -> bool:
        return abs(value - float(other)) <= 1e-3 * abs(float(other))

    if near(right):
        return "Right: below 1 it knows more than the mean image does, at 0 it knows all."
    of_test = image_errors(test, floats.mean(0, keepdim=True)).mean()
    one_grey = (floats - to_float(train).mean()).square().mean()
    wrong = {
        "Your mean image is that of the *test* images, which nobody may look at; take the training "
        "images.": error.mean() / of_test,
        "Your mean is one grey for the whole image; each pixel has its own: .mean(0).": error.mean()
        / one_grey,
        "You average over the images' shares. One easy image then counts as much as one hard: "
        "divide the mean error by the mean error.": (error / by_mean).mean(),
        "Upside down: the network's error comes first.": 1 / right,
        "You take roots; both errors are MSE as they are.": right**0.5,
        "You divide by the error of black: take the mean image, which knows more.": error.mean()
        / floats.square().mean(),
        "That is the error itself; divide it by the mean image's.": error.mean(),
        "That is the mean image's error; divide the network's by it.": by_mean.mean(),
        "In per cent; expected a share, 1 for 100 %.": 100 * right,
        "That is the share that the network *explains*, 1 − …; asked for is what is left.": 1
        - right,
        "Bytes and floats are mixed: to_float(test) and to_float(train) first, so that all is in "
        "[0, 1].": (test.float() - rebuilt).square().mean() / (255**2 * by_mean.mean()),
        "Bytes and floats are mixed: to_float(train), too.": (
            error.mean() / (floats - train.float().mean(0)).square().mean()
        ),
        "Bytes and floats are mixed: to_float(test), too.": (
            (test.float() - rebuilt).square().mean()
            / (test.float() - to_float(train).mean(0)).square().mean()
        ),
    }
    for text, other in wrong.items():
        if near(other):
            raise Mistake(text)
    raise Mistake(
        f"You say {value:.4f}; expected {right:.4f}: the MSE of the network, {error.mean():.4f}, "
        f"over the MSE of answering with the mean training image, {by_mean.mean():.4f}."
    )


def _what(found) -> str:
    shape = tuple(found.shape) if isinstance(found, Tensor) else ""
    return f"a {type(found).__name__}" + f" of shape {shape}" * bool(shape)
