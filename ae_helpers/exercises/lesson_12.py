"""Checks for lesson 12: reading a profile, asking the device once, and scaling the rate."""

import math
from types import SimpleNamespace

import torch
from torch import Tensor

from ae_helpers.exercises.answers import Mistake, call, check

# ------------------------------------------------------------------------------- reading a profile


def _row(key: str, own: float, total: float, count: int) -> SimpleNamespace:
    """A row with the names that torch's profiler gives its own."""
    return SimpleNamespace(key=key, self_cpu_time_total=own, cpu_time_total=total, count=count)


def _profile() -> list[SimpleNamespace]:
    """A made profile; its times are microseconds, its own times are those of 1,000 in all."""
    return [
        _row("aten::conv2d", 10.0, 410.0, 8),
        _row("aten::_convolution", 150.0, 400.0, 8),
        _row("aten::convolution_backward", 240.0, 300.0, 8),
        _row("aten::copy_", 60.0, 60.0, 50),
        _row("aten::empty", 90.0, 90.0, 120),
        _row("Optimizer.step#Adam.step", 250.0, 450.0, 4),
        _row("aten::add_", 200.0, 200.0, 300),
    ]


@check
def share(answer) -> str:
    """``answer(rows, word)``: the share of all self time in the rows whose name has the word."""
    rows = _profile()
    for word in ("conv", "Adam", "copy", "nothing"):
        found = call(answer, rows, word)
        if rows != _profile():
            raise Mistake("Your code changes the rows it is given; only read them.")
        value = _number(found, "expected a share, one number from 0 to 1.")
        own = [row.self_cpu_time_total for row in rows]
        total = [row.cpu_time_total for row in rows]
        calls = [row.count for row in rows]
        each = [time / number for time, number in zip(own, calls, strict=True)]
        in_it = [word in row.key for row in rows]

        def of(values, chosen=in_it):
            return sum(value for value, yes in zip(values, chosen, strict=True) if yes)

        right = of(own) / sum(own)
        if math.isclose(value, right, rel_tol=1e-6, abs_tol=1e-9):
            continue
        first = [yes and i == in_it.index(True) for i, yes in enumerate(in_it)]
        starts = [row.key.removeprefix("aten::").startswith(word) for row in rows]
        among = sum(in_it) or 1
        wrong = {
            "You add up `cpu_time_total`. It holds the time of the operations called inside, too: "
            "conv2d's holds _convolution's, and you count it twice. Take `self_cpu_time_total`.": (
                of(total) / sum(total)
            ),
            "Above the line stands `cpu_time_total`, below it the self time; take "
            "`self_cpu_time_total` in both.": of(total) / sum(own),
            "Above the line stands the self time, below it `cpu_time_total`, where the same time "
            "is counted several times; take `self_cpu_time_total` in both.": of(own) / sum(total),
            "That is the share of the *calls*. Many calls may be cheap: take the times.": (
                of(calls) / sum(calls)
            ),
            "You divide each time by its calls. One call of a rare operation may be long and "
            "matter little: the times as they are, for all calls.": of(each) / sum(each),
            "`self_cpu_time_total` is for all calls already; don't multiply by `count`.": (
                of([a * b for a, b in zip(own, calls, strict=True)])
                / sum(a * b for a, b in zip(own, calls, strict=True))
            ),
            "That is a time; divide it by the time of all rows.": of(own),
            "In per cent; expected a share, 1 for all of it.": 100 * right,
            "That is the share of the *other* rows.": 1 - right,
            "That is the share of the *rows*; some rows are dear, most are cheap: add up times.": (
                sum(in_it) / len(rows)
            ),
            "You divide by how many rows there are, not by their time.": of(own) / len(rows),
            "That is a mean over the rows that fit; add them up.": right / among,
            "You stop at the first row that fits; add up all of them.": of(own, first) / sum(own),
            # The other way to 0 for "Adam", starts, has been noticed at "conv".
            "You write the names in small letters, but not the word: `word in row.key`.": (
                of(own, [word in row.key.lower() for row in rows]) / sum(own)
            ),
            "The word may stand anywhere in the name, not only at its start: `word in row.key`.": (
                of(own, starts) / sum(own)
            ),
            "You take only rows whose name *is* the word; it may stand anywhere in the name: "
            "`word in row.key`.": 0.0,
            "You don't choose among the rows: only those with the word count above the line.": 1.0,
        }
        for text, other in wrong.items():
            if math.isclose(value, other, rel_tol=1e-6, abs_tol=1e-9):
                raise Mistake(text)
        raise Mistake(
            f"For {word!r} you say {value:.4g}; expected {right:.4g}: the self times of the rows "
            f"with that word, {of(own):.0f}, over those of all rows, {sum(own):.0f}."
        )
    return (
        "Right: self time, of all calls, as a share of the whole. That is what a change can save."
    )


# ------------------------------------------------------------------------- asking the device once

ASKING = ("item", "tolist", "numpy", "__float__", "__int__", "__bool__", "__array__", "__repr__")


def _counted(losses: Tensor) -> tuple[list[Tensor], list[str]]:
    """The losses as tensors that write down whenever one is asked for its value."""
    asked: list[str] = []

    class Far(Tensor):
        """Stands for a tensor on a GPU: each of these methods would wait for it."""

        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            name = getattr(function, "__name__", "")
            where = map(str, (*args[1:], *(kwargs or {}).values()))
            fetches = name == "cpu" or (name == "to" and "cpu" in where)
            if fetches or name in ASKING:
                asked.append(name)
            # What is computed of it is far as well …
            result = super().__torch_function__(function, types, args, kwargs)
            return result.as_subclass(Tensor) if fetches else result  # … until it is fetched.

        def __format__(self, form):
            return format(self.item(), form)

        def __iter__(self):
            return iter(self.unbind(0))

    return [loss.as_subclass(Far) for loss in losses.unbind()], asked


@check
def mean_loss(answer) -> str:
    """``answer(losses, sizes)``: the mean over images; the losses' device is asked once."""
    values = torch.tensor([0.5, 0.25, 0.375, 0.125, 0.3125, 0.75])
    sizes = [32, 32, 32, 32, 32, 8]
    right = sum(v * n for v, n in zip(values.tolist(), sizes, strict=True)) / sum(sizes)
    losses, asked = _counted(values.clone())
    kept_sizes = list(sizes)
    found = call(answer, losses, sizes)
    times = len(asked)
    same = [loss.as_subclass(Tensor) for loss in losses]
    if (
        sizes != kept_sizes
        or len(same) != len(values)
        or not torch.equal(torch.stack(same), values)
    ):
        raise Mistake(
            "Your code changes what it is given: a += on a tensor writes into that tensor, here "
            "into a loss. total = total + … makes a new one."
        )
    if isinstance(found, Tensor):
        found = found.as_subclass(Tensor)
    value = _number(found, "expected one number for the epoch.")

    def near(other) -> bool:
        return math.isclose(value, float(other), rel_tol=1e-4)

    if not near(right):
        wrong = {
            "That is the last batch's loss; the epoch has others.": values[-1],
            "That is the first batch's loss; the epoch has others.": values[0],
            "You count the last batch, of 8 images, as much as the others: weight each loss by its "
            "size.": values.mean(),
            "The weighted sum; divide it by the number of images.": right * sum(sizes),
            "You divide by the number of batches; by how many images do you have to?": right
            * sum(sizes)
            / len(sizes),
            "The sum of the losses; a mean is asked for, weighted by the sizes.": values.sum(),
            "The sum of the losses over the number of images. Each loss is a mean already: "
            "multiply it by its size first.": values.sum() / sum(sizes),
        }
        for text, other in wrong.items():
            if near(other):
                raise Mistake(text)
        raise Mistake(f"You say {value:.4f}; expected {right:.4f}, the mean over all images.")
    if times > 1:
        raise Mistake(
            f"The number is right, but you ask the device {times} times ({_list(asked)}) for "
            f"{len(values)} losses, and each time it has to finish all it was told before. Add up "
            "tensors, and ask once, at the end."
        )
    return "Right: " + (
        "one question for the whole epoch."
        if times
        else "no question at all; whoever prints your tensor asks once."
    )


def _list(asked: list[str]) -> str:
    names = {"__float__": "float()", "__int__": "int()", "__bool__": "if"}
    names |= {"__array__": "numpy", "__repr__": "print"}
    return ", ".join(sorted({names.get(name, f".{name}()") for name in asked}))


# --------------------------------------------------------------------------------- scaling the rate


@check
def scale(answer) -> str:
    """``answer(images, rate, batch, new_batch, optimizer)`` → ``(new rate, steps per epoch)``."""
    cases = [
        (60_000, 0.1, 32, 128, "SGD"),
        (60_000, 1e-2, 32, 128, "Adam"),
        (1_040, 4e-3, 256, 64, "Adam"),
        (4_320, 0.05, 48, 432, "SGD"),
    ]
    for images, rate, batch, new, optimizer in cases:
        found = call(answer, images, rate, batch, new, optimizer)
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise Mistake(f"You return {found!r}; expected two numbers: return new_rate, steps.")
        if any(part is ... or part is None for part in found):
            raise Mistake("Not yet: replace the ... with your answer and run the cell again.")
        new_rate, steps = (_number(part, "expected two numbers.") for part in found)
        k = new / batch
        right = rate * (k if optimizer == "SGD" else k**0.5)
        where = f"({optimizer}, rate {rate:g}, from batches of {batch} to {new})"

        def near(other, value=new_rate):
            return math.isclose(value, other, rel_tol=1e-6)

        if not near(right):
            if near(math.ceil(images / new)):
                raise Mistake("The other way round: return new_rate, steps.")
            wrong = {
                "The rate is unchanged. A larger batch has a calmer gradient and fewer steps: it "
                "can take, and needs, larger ones.": rate,
                "That is SGD's rule. Adam divides by the size of the gradient, so that it is the "
                "square root of k.": rate * k if optimizer == "Adam" else None,
                "That is Adam's rule. SGD's is the whole k: the sum of k small steps.": rate
                * k**0.5
                if optimizer == "SGD"
                else None,
                "You go the wrong way: the larger the batch, the larger the rate; k is new_batch / "
                "batch.": rate / k if optimizer == "SGD" else rate / k**0.5,
                "Upside down, and the other optimizer's rule: k is new_batch / batch, as it is for "
                "SGD, its root for Adam.": rate / k**0.5 if optimizer == "SGD" else rate / k,
                "That is k, or its root; multiply the rate by it.": right / rate,
                "`//` throws the fraction away, and k may be below 1: divide by `/`.": rate
                * (new // batch),
                "k squared is too much.": rate * k**2,
            }
            for text, other in wrong.items():
                if other is not None and near(other):
                    raise Mistake(f"{text} {where}")
            raise Mistake(f"You say a rate of {new_rate:g} {where}; expected {right:g}.")
        exact = math.ceil(images / new)
        if steps != exact:
            wrong = {
                "You leave the last, shorter batch out; it is a step, too: round up.": images
                // new,
                "Those are the steps with the *old* batch.": math.ceil(images / batch),
                "A step can't be half: round up, for the last, shorter batch.": images / new,
                "One too many: where the images divide evenly there is no shorter batch.": exact
                + 1,
            }
            for text, other in wrong.items():
                if math.isclose(steps, other, rel_tol=1e-9):
                    raise Mistake(f"The rate is right. {text} ({images:,} images, {new} per batch)")
            raise Mistake(
                f"The rate is right, but {images:,} images in batches of {new} are {exact} steps, "
                f"not {steps:g}."
            )
    return "Right: a place to begin; whether it holds for your network, a sweep has to say."


def _number(found, expected: str) -> float:
    """The answer as a number, or a mistake that says what it is instead."""
    try:
        if isinstance(found, (str, bytes)):
            raise TypeError
        value = float(found)
    except (TypeError, ValueError, RuntimeError):
        shape = f" of shape {tuple(found.shape)}" if isinstance(found, Tensor) else ""
        raise Mistake(f"You return a {type(found).__name__}{shape}; {expected}") from None
    if not math.isfinite(value):
        raise Mistake(f"You return {value}; {expected}")
    return value
