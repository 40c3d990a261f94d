"""Checks for lesson 12: reading a profile, asking the device once, and scaling the rate."""

from collections.abc import Callable
from copy import deepcopy
from math import ceil
from types import SimpleNamespace

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ae_helpers.exercises.answers import Mistake, call, check, explain, number, numbers

# ------------------------------------------------------------------------------- reading a profile


def _row(key: str, own: float, total: float, count: int) -> SimpleNamespace:
    """A row with the names that torch's profiler gives its own."""
    return SimpleNamespace(key=key, self_cpu_time_total=own, cpu_time_total=total, count=count)


ROWS = [  # made up; times are microseconds, the own ones are 1,000 in all
    _row("aten::conv2d", 10.0, 410.0, 8),
    _row("aten::_convolution", 150.0, 400.0, 8),
    _row("aten::convolution_backward", 240.0, 300.0, 8),
    _row("aten::copy_", 60.0, 60.0, 50),
    _row("aten::empty", 90.0, 90.0, 120),
    _row("Optimizer.step#Adam.step", 250.0, 450.0, 4),
    _row("autograd::engine::evaluate_function: ConvolutionBackward0", 200.0, 500.0, 300),
]
OWN = [row.self_cpu_time_total for row in ROWS]
TOTAL = [row.cpu_time_total for row in ROWS]
CALLS = [row.count for row in ROWS]
ONES = [1] * len(ROWS)


def _part(column: list, of: list | None = None, chosen=lambda key, word: word in key) -> Callable:
    """The rule that adds up the chosen rows of a column and divides by all, of it or another."""
    return lambda word: (
        sum(value for row, value in zip(ROWS, column, strict=True) if chosen(row.key, word))
        / sum(of or column)
    )


SHARE_MISTAKES = {
    "You add up `cpu_time_total`. It holds the time of the operations called inside, too: "
    "conv2d's holds _convolution's, and the sum counts it twice. Take `self_cpu_time_total`.": (
        _part(TOTAL)
    ),
    "Above the line stands `cpu_time_total`, below it the self time; take `self_cpu_time_total` in "
    "both.": _part(TOTAL, OWN),
    "Above the line stands the self time, below it `cpu_time_total`, where the same time counts "
    "several times; take `self_cpu_time_total` in both.": _part(OWN, TOTAL),
    "That is the share of the *calls*. Many calls may be cheap: take the times.": _part(CALLS),
    "You divide each time by its calls. One call of a rare operation may be long and matter "
    "little: the times as they are, for all calls.": _part(
        [time / calls for time, calls in zip(OWN, CALLS, strict=True)]
    ),
    "`self_cpu_time_total` is for all calls already; don't multiply by `count`.": _part(
        [time * calls for time, calls in zip(OWN, CALLS, strict=True)]
    ),
    "That is a time; divide it by the time of all rows.": _part(OWN, [1]),
    "In per cent; expected a share, 1 for all of it.": _part(OWN, [sum(OWN) / 100]),
    "That is the share of the *other* rows.": lambda word: 1 - _part(OWN)(word),
    "That is the share of the *rows*; some are dear, most are cheap: add up times.": _part(ONES),
    "You divide by how many rows there are, not by their time.": _part(OWN, ONES),
    "That is a mean over the rows that fit; add them up.": lambda word: (
        _part(OWN)(word) / sum(word in row.key for row in ROWS)
    ),
    "You stop at the first row that fits; add up all of them.": lambda word: (
        next(row for row in ROWS if word in row.key).self_cpu_time_total / sum(OWN)
    ),
    "You write the names in small letters, but not the word: `word in row.key`.": _part(
        OWN, chosen=lambda key, word: word in key.lower()
    ),
    "You take large letters for small ones. Those are other names: `word in row.key`.": _part(
        OWN, chosen=lambda key, word: word.lower() in key.lower()
    ),
    "The word may stand before `::`, too: `word in row.key`.": _part(
        OWN, chosen=lambda key, word: word in key.split("::")[-1]
    ),
    "The word may stand anywhere in the name, not only at its start: `word in row.key`.": _part(
        OWN, chosen=lambda key, word: key.startswith(word)
    ),
    "The word may stand anywhere in the name, not only right behind `::`: `word in row.key`.": (
        _part(OWN, chosen=lambda key, word: key.split("::")[-1].startswith(word))
    ),
    "The word may stand anywhere in the name, not only at its end: `word in row.key`.": _part(
        OWN, chosen=lambda key, word: key.endswith(word)
    ),
    "You take only rows whose name *is* the word; it may stand anywhere in the name: "
    "`word in row.key`.": _part(OWN, chosen=lambda key, word: key == word),
    "You don't choose: only rows with the word count above the line.": lambda word: 1.0,
}


@check
def share(answer) -> str:
    """``answer(rows, word)``: the share of all self time in the rows whose name has the word."""
    for words in (
        ("conv", "Adam.step", "aten::copy_", "autograd::"),
        ("nothing",),
    ):  # where no row fits, many a rule stops
        found = []
        for word in words:
            rows = deepcopy(ROWS)
            found.append(number(call(answer, rows, word), "a share, one number from 0 to 1"))
            if rows != ROWS:
                raise Mistake("Your code changes the rows it is given; only read them.")
        explain(
            found,
            _part(OWN),
            SHARE_MISTAKES,
            cases=[(word,) for word in words],
            asked="{!r}",
            otherwise="For {case} you say {found}; expected {right}: the self times of the rows "
            "with that word, over those of all rows.",
        )
    return (
        "Right: self time, of all calls, as a share of the whole. That is what a change can save."
    )


# ------------------------------------------------------------------------- asking the device once

# What has to wait for a tensor's value, and how a reader writes it.
ASKING = {"__float__": "float()", "__int__": "int()", "__bool__": "if", "__repr__": "print"}
ASKING |= {"__setitem__": "buffer[i] = loss"}
ASKING |= {name: f"torch.{name}" for name in ("equal", "is_nonzero")}
ASKING |= {name: f".{name}()" for name in ("item", "tolist", "nonzero", "unique", "allclose")}


class _Far(Tensor):
    """Stands for a tensor on a GPU: whoever has to wait for its value is noted in ``asked``."""

    asked: list[str] = []
    device = property(lambda self: torch.device("cuda:0"))

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        name, kwargs = getattr(function, "__name__", ""), kwargs or {}
        where = [each for each in (*args, *kwargs.values()) if isinstance(each, str | torch.device)]
        fetches = name == "cpu" or (name == "to" and "cpu" in map(str, where))
        parts = [part for each in args for part in (each if isinstance(each, list) else [each])]
        here = [part for part in parts if isinstance(part, Tensor) and not isinstance(part, cls)]
        into_here = bool(here) and here[0] is args[0]
        if name in ("numpy", "__array__"):  # as torch says it
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()")
        if fetches or (into_here if name in ("__setitem__", "copy_") else name in ASKING):
            cls.asked.append(ASKING.get(name, f".{name}()"))
        elif name in ("__setitem__", "copy_", "__getitem__", "to", "type_as"):
            pass  # values, and places, may come from anywhere
        elif any(part.ndim for part in here) or (into_here and name.endswith("_")):
            raise RuntimeError("Expected all tensors to be on the same device")  # as torch says it
        # What is computed of it is far as well …
        result = super().__torch_function__(function, types, args, kwargs)
        return result.as_subclass(Tensor) if fetches else result  # … until it is fetched.

    def __format__(self, form):
        return format(self.item(), form)

    def __iter__(self):
        return iter(self.unbind(0))


class _Gpu(TorchFunctionMode):
    """Lets a reader put tensors on the losses' device, whether there is one or not."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        def there(each) -> bool:
            return isinstance(each, str | torch.device) and str(each).startswith("cuda")

        kwargs = kwargs or {}
        if function is Tensor.cuda:
            return args[0].as_subclass(_Far)
        if function is torch.device or not any(map(there, (*args, *kwargs.values()))):
            return function(*args, **kwargs)
        args = [each for each in args if not there(each)]
        return function(*args, **kwargs | {"device": "cpu"}).as_subclass(_Far)


@check
def mean_loss(answer) -> str:
    """``answer(losses, sizes)``: the mean over images; the losses' device is asked once."""
    values, sizes = torch.tensor([0.5, 0.25, 0.375, 0.125, 0.3125, 0.75]), [32] * 5 + [8]
    kept, images = values.clone(), sum(sizes)
    _Far.asked.clear()
    with _Gpu():
        found = call(
            answer,
            [value.as_subclass(_Far) for value in values.unbind()],
            list(sizes),
            cures={
                "same device": "The losses are on the GPU: what you multiply them by, or add them "
                "to, has to be there, too: torch.tensor(sizes, device=losses[0].device)."
            },
        )
    asked = list(_Far.asked)
    if not torch.equal(values, kept):
        raise Mistake(
            "Your code changes what it is given: a += on a tensor writes into that tensor, here "
            "into a loss. total = total + … makes a new one."
        )
    if isinstance(found, Tensor):
        found = found.as_subclass(Tensor)
    weighted = (kept * torch.tensor(sizes)).sum().item()
    wrong = {
        "That is the last batch's loss; the epoch has others.": kept[-1],
        "That is the first batch's loss; the epoch has others.": kept[0],
        "You count the last batch, of 8 images, as much as the others: weight each loss by its "
        "size.": kept.mean(),
        "The weighted sum; divide it by the number of images.": weighted,
        "You divide by the number of batches; by how many images do you have to?": weighted / 6,
        "The sum of the losses; a mean is asked for, weighted by the sizes.": kept.sum(),
        "The sum of the losses over the number of images. Each loss is a mean already: multiply it "
        "by its size first.": kept.sum() / images,
    }
    explain(number(found, "one number for the epoch"), weighted / images, wrong)
    if len(asked) > 1:
        raise Mistake(
            f"The number is right, but you ask the device {len(asked)} times "
            f"({', '.join(sorted(set(asked)))}) for {len(kept)} losses, and each time it has to "
            "finish all it was told before. Add up tensors, and ask once, at the end."
        )
    return "Right: " + (
        "one question for the whole epoch."
        if asked
        else "no question at all; whoever prints your tensor asks once."
    )


# --------------------------------------------------------------------------------- scaling the rate

POWERS = {"SGD": 1, "Adam": 0.5}


def _rate(rule: Callable) -> Callable:
    """The rule for a case, from one for the old rate, k, and the power of k: 1 or, for Adam, ½."""
    return lambda i, rate, batch, new, optimizer: rule(rate, new / batch, POWERS[optimizer])


RATE_MISTAKES = {
    "The other way round: return new_rate, steps.": lambda i, rate, b, n, o: ceil(i / n),
    "The rate is unchanged. A larger batch has a calmer gradient and fewer steps: it can take, and "
    "needs, larger ones.": _rate(lambda r, k, p: r),
    "That is SGD's rule. Adam divides by the size of the gradient, so that it is the square root "
    "of k.": _rate(lambda r, k, p: r * k),
    "That is Adam's rule. SGD's is the whole k: the sum of k small steps.": _rate(
        lambda r, k, p: r * k**0.5
    ),
    "You go the wrong way: a larger batch, a larger rate; k is new_batch / batch.": _rate(
        lambda r, k, p: r / k**p
    ),
    "Upside down, and the other optimizer's rule: k is new_batch / batch, as it is for SGD, its "
    "root for Adam.": _rate(lambda r, k, p: r / k ** (1.5 - p)),
    "That is k, or its root; multiply the rate by it.": _rate(lambda r, k, p: k**p),
    "`//` throws the fraction away, and k may be below 1: divide by `/`.": _rate(
        lambda r, k, p: r * int(k) ** p
    ),
    "k squared is too much.": _rate(lambda r, k, p: r * k**2),
}
STEPS_MISTAKES = {  # of images, the old batch, and the new one
    "You leave the last, shorter batch out; it is a step, too: round up.": lambda i, b, n: i // n,
    "Those are the steps with the *old* batch.": lambda i, b, n: ceil(i / b),
    "A step can't be half: round up, for the last, shorter batch.": lambda i, b, n: i / n,
    "One too many: images that divide evenly leave no shorter batch.": lambda i, b, n: i // n + 1,
}


@check
def scale(answer) -> str:
    """``answer(images, rate, batch, new_batch, optimizer)`` → ``(new rate, steps per epoch)``."""
    sgd = [(60_000, 0.1, 32, 128, "SGD"), (4_320, 0.05, 48, 432, "SGD")]
    adam = [(60_000, 1e-2, 32, 128, "Adam"), (1_040, 4e-3, 256, 64, "Adam")]
    what = "two numbers: return new_rate, steps"
    found = [numbers(call(answer, *case), what, 2) for case in sgd + adam]
    rates, steps = zip(*found, strict=True)
    for cases, values in (sgd, rates[:2]), (adam, rates[2:]):
        explain(
            values,
            _rate(lambda r, k, p: r * k**p),
            RATE_MISTAKES,
            cases=cases,
            asked="{4}, rate {1}, from batches of {2} to {3}",
            otherwise="You say a rate of {found} ({case}); expected {right}.",
        )
    explain(
        steps,
        lambda i, b, n: ceil(i / n),
        {f"The rate is right. {text}": rule for text, rule in STEPS_MISTAKES.items()},
        cases=[(images, batch, new) for images, _, batch, new, _ in sgd + adam],
        asked="{0:,} images in batches of {2}",
        otherwise="The rate is right, but {case} are {right} steps, not {found}.",
    )
    return "Right: a place to begin; whether it holds for your network, a sweep has to say."
