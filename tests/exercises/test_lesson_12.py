"""Lesson 12's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import math
from functools import partial

import numpy as np
import torch
from torch.profiler import record_function

from ae_helpers.exercises import lesson_12 as check
from exercise_zoo import zoo_tests


def add(rows, word="", of=lambda row: row.self_cpu_time_total, fits=lambda key, word: word in key):
    return sum(of(row) for row in rows if fits(row.key, word))


own = add
total = partial(add, of=lambda row: row.cpu_time_total)
calls = partial(add, of=lambda row: row.count)
each = partial(add, of=lambda row: row.self_cpu_time_total / row.count)
products = partial(add, of=lambda row: row.self_cpu_time_total * row.count)


def fitting(rows, word):
    return [row for row in rows if word in row.key]


def ratio(rows, word, **how):
    return own(rows, word, **how) / own(rows)


def chosen(fits):
    return partial(ratio, fits=fits)


def by_loop(rows, word):
    part = whole = 0.0
    for row in rows:
        whole += row.self_cpu_time_total
        if word in row.key:
            part += row.self_cpu_time_total
    return part / whole


def weighted(losses, sizes):
    return sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / sum(sizes)


def by_stack(losses, sizes, device=None):
    sizes = torch.tensor(sizes, device=device)
    return (torch.stack(losses) * sizes).sum() / sizes.sum()


def by_buffer(losses, sizes, device=None):
    buffer = torch.empty(len(losses), device=device)
    for i, (loss, size) in enumerate(zip(losses, sizes, strict=True)):
        buffer[i] = loss * size
    return buffer.sum() / sum(sizes)


def into_a_tensor(losses, sizes):
    total = torch.tensor(0.0)
    for loss, size in zip(losses, sizes, strict=True):
        total += loss * size
    return total / sum(sizes)


def there(answer):
    """The answer, with its own tensors on the losses' device."""
    return lambda losses, sizes: answer(losses, sizes, losses[0].device)


def listed(losses, sizes):
    return sum(v * n for v, n in zip(torch.stack(losses).tolist(), sizes, strict=True)) / sum(sizes)


def asking(ask):
    """The loop that everybody writes first."""

    def answer(losses, sizes):
        return sum(ask(v) * n for v, n in zip(losses, sizes, strict=True)) / sum(sizes)

    return answer


def in_place(losses, sizes):
    total = losses[0]
    for loss in losses[1:]:
        total += loss
    return weighted(losses, sizes)


def plan(images, rate, batch, new, optimizer):
    k = new / batch
    return rate * (k if optimizer == "SGD" else math.sqrt(k)), math.ceil(images / new)


def by_integers(images, rate, batch, new, optimizer):
    power = {"SGD": 1, "Adam": 0.5}[optimizer]
    return [rate * (new / batch) ** power, -(-images // new)]


def with_rate(function):
    return lambda images, r, b, n, o: (function(r, n / b, o), math.ceil(images / n))


def with_steps(function):
    return lambda images, r, b, n, o: (plan(images, r, b, n, o)[0], function(images, b, n))


def rule(k, optimizer):
    return k if optimizer == "SGD" else k**0.5


RIGHT = {
    check.share: {
        "by sums": ratio,
        "by a loop": by_loop,
        "a tensor": lambda *g: torch.tensor(ratio(*g)),
        "by products": lambda rows, word: (
            np.dot([word in row.key for row in rows], [row.self_cpu_time_total for row in rows])
            / np.sum([row.self_cpu_time_total for row in rows])
        ),
    },
    check.mean_loss: {
        "a running sum": lambda *given: weighted(*given).item(),
        "left as a tensor": weighted,
        "stacked": there(by_stack),
        "new_tensor": lambda v, n: torch.stack(v).dot(v[0].new_tensor(n)) / sum(n),
        "a buffer there": there(by_buffer),
        "moved": lambda v, n: (torch.stack(v) * torch.tensor(n).to(v[0].device)).sum() / sum(n),
        "by name": lambda v, n: by_stack(v, n, torch.device("cuda")),
        "cuda()": lambda v, n: (torch.stack(v) * torch.tensor(n).cuda()).sum() / sum(n),
        "cuda() of a loss": lambda v, n: (
            sum(a.cuda() * b for a, b in zip(v, n, strict=True)) / sum(n)
        ),
        "fetched at once": lambda v, n: float(np.average(torch.stack(v).cpu().numpy(), weights=n)),
        "a list at once": listed,
        "each image": lambda v, n: torch.cat(
            [a.expand(b) for a, b in zip(v, n, strict=True)]
        ).mean(),
    },
    check.scale: {
        "by root": plan,
        "by powers": by_integers,
        "a tensor": lambda *given: torch.tensor(plan(*given), dtype=torch.float64),
        "counted": lambda *given: (plan(*given)[0], len(range(0, given[0], given[3]))),
    },
}

WRONG = {
    check.share: {
        "total time": (lambda r, w: total(r, w) / total(r), "You add up `cpu_time_total`"),
        "total over own": (lambda r, w: total(r, w) / own(r), "Above the line stands `cpu_time"),
        "own over total": (lambda r, w: own(r, w) / total(r), "Above the line stands the self"),
        "calls": (lambda r, w: calls(r, w) / calls(r), "share of the *calls*"),
        "per call": (lambda r, w: each(r, w) / each(r), "You divide each time by its calls"),
        "times calls": (lambda r, w: products(r, w) / products(r), "don't multiply by `count`"),
        "not divided": (own, "That is a time"),
        "per cent": (lambda r, w: 100 * ratio(r, w), "In per cent"),
        "the rest": (lambda r, w: 1 - ratio(r, w), "*other* rows"),
        "rows": (lambda r, w: len(fitting(r, w)) / len(r), "share of the *rows*"),
        "by the rows": (lambda r, w: own(r, w) / len(r), "how many rows there are"),
        "mean": (lambda r, w: ratio(r, w) / max(1, len(fitting(r, w))), "a mean over the rows"),
        "first": (lambda r, w: own(fitting(r, w)[:1]) / own(r), "You stop at the first"),
        "starts": (chosen(lambda key, word: key.startswith(word)), "not only at its start"),
        "starts behind": (
            chosen(lambda key, word: key.split("::")[-1].startswith(word)),
            "not only right behind",
        ),
        "behind": (chosen(lambda key, word: word in key.split("::")[-1]), "stand before `::`, too"),
        "ends": (chosen(lambda key, word: key.endswith(word)), "not only at its end"),
        "any letters": (
            chosen(lambda key, word: word.lower() in key.lower()),
            "You take large letters for small ones",
        ),
        "whole numbers": (lambda r, w: own(r, w) // own(r), "For 'conv' you say 0; expected 0.4"),
        "small letters": (chosen(lambda key, word: word in key.lower()), "but not the word"),
        "equal": (chosen(lambda key, word: key == word), "whose name *is* the word"),
        "all": (lambda r, w: own(r) / own(r), "You don't choose"),
        "half": (lambda r, w: ratio(r, w) / 2.5, "For 'conv' you say 0.16; expected 0.4"),
        "empties": (lambda r, w: (ratio(r, w), r.clear())[0], "changes the rows"),
    },
    check.mean_loss: {
        "item": (asking(lambda v: v.item()), "6 times (.item())"),
        "float": (asking(float), "6 times (float())"),
        "cpu": (asking(lambda v: v.cpu()), "6 times (.cpu())"),
        "numpy": (asking(lambda v: v.numpy()), "Use Tensor.cpu()"),
        "last": (lambda v, n: v[-1], "That is the last batch's loss"),
        "first": (lambda v, n: v[0], "That is the first batch's loss"),
        "unweighted": (lambda v, n: torch.stack(v).mean(), "You count the last batch"),
        "weighted sum": (lambda v, n: weighted(v, n) * sum(n), "The weighted sum"),
        "over batches": (lambda v, n: weighted(v, n) * sum(n) / len(n), "number of batches"),
        "sum": (lambda v, n: sum(v), "The sum of the losses; a mean"),
        "sum over images": (lambda v, n: sum(v) / sum(n), "Each loss is a mean already"),
        "in place": (in_place, "changes what it is given"),
        "buffer": (by_buffer, "6 times (buffer[i] = loss)"),
        "two devices": (by_stack, "has to be there, too"),
        "twice": (lambda v, n: 2 * weighted(v, n), "You answer 0.6667, not 0.3333"),
        "all of them": (lambda v, n: torch.stack(v), "the shape (6,)"),
    },
    check.scale: {
        "unchanged": (with_rate(lambda r, k, o: r), "The rate is unchanged"),
        "linear": (with_rate(lambda r, k, o: r * k), "That is SGD's rule"),
        "root": (with_rate(lambda r, k, o: r * k**0.5), "That is Adam's rule"),
        "upside down": (with_rate(lambda r, k, o: r / rule(k, o)), "You go the wrong way"),
        "the other, upside down": (
            with_rate(lambda r, k, o: r / (k**0.5 if o == "SGD" else k)),
            "and the other optimizer's rule",
        ),
        "k": (with_rate(lambda r, k, o: rule(k, o)), "multiply the rate by it"),
        "whole k": (with_rate(lambda r, k, o: r * rule(int(k), o)), "throws the fraction away"),
        "squared": (with_rate(lambda r, k, o: r * k**2), "k squared"),
        "plus": (with_rate(lambda r, k, o: r + 1), "You say a rate of 1.1 (SGD"),
        "swapped": (lambda *given: plan(*given)[::-1], "The other way round"),
        "rounded down": (with_steps(lambda i, b, n: i // n), "You leave the last"),
        "old steps": (with_steps(lambda i, b, n: math.ceil(i / b)), "with the *old* batch"),
        "broken steps": (with_steps(lambda i, b, n: i / n), "A step can't be half"),
        "one more": (with_steps(lambda i, b, n: i // n + 1), "One too many"),
        "far too many": (with_steps(lambda i, b, n: i), "are 469 steps, not 60,000"),
        "rate alone": (lambda *given: plan(*given)[0], "is one number, 0.4; expected two numbers"),
        "unfinished": (lambda *given: (plan(*given)[0], ...), "Not yet"),
    },
}

AGAIN = {
    check.mean_loss: {
        "torch.tensor": (lambda v, n: weighted(torch.tensor(v), n), "6 times (float())"),
        "rows of a stack": (lambda v, n: asking(float)(torch.stack(v), n), "6 times (float())"),
        "to": (asking(lambda v: v.to("cpu")), "6 times (.to())"),
        "to device=": (asking(lambda v: v.to(device="cpu")), "6 times (.to())"),
        "print": (asking(lambda v: [print(v), v][1]), "6 times (print)"),
        "into a tensor here": (into_a_tensor, "on the same device"),
        "torch.equal": (asking(lambda v: (v.equal(v), v)[1]), "6 times (torch.equal)"),
        "allclose": (asking(lambda v: (v.allclose(v), v)[1]), "6 times (.allclose())"),
        "nonzero": (asking(lambda v: v * len(v.nonzero())), "6 times (.nonzero())"),
        "printed": (asking(lambda v: float(f"{v:.6f}")), "6 times (.item())"),
        "numpy's average": (lambda v, n: np.average(v, weights=n), "Use Tensor.cpu()"),
        "a stack's numpy": (
            lambda v, n: np.average(torch.stack(v).numpy(), weights=n),
            "can't convert cuda:0 device type tensor to numpy",
        ),
        "is_nonzero": (asking(lambda v: [torch.is_nonzero(v), v][1]), "6 times (torch.is_nonzero)"),
    },
}

TestZoo = zoo_tests(RIGHT, WRONG, AGAIN)


def test_the_profiler_s_rows_have_these_names():
    """What the check makes up is what torch's profiler gives."""
    cpu = torch.profiler.ProfilerActivity.CPU
    with torch.profiler.profile(activities=[cpu]) as profiler, record_function("mine"):
        torch.ones(3).add_(1)
    rows = profiler.key_averages()
    assert 0 < ratio(rows, "mine") < 1 and 0 < ratio(rows, "aten::") < 1
    assert calls(rows, "mine") == 1 and total(rows, "mine") >= own(rows, "mine")
