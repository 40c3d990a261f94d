"""What all checks share: reading an answer, and comparing it with what is right and what is wrong.

A check calls the answer (``call``), reads what comes back (``number``, ``tensor``, …), and compares
it with the right rule and a table of wrong ones (``explain``). Each step raises ``Mistake`` with a
text that names what is wrong; ``check`` makes a ``Verdict`` of it.
"""

import functools
import textwrap
from collections.abc import Callable, Iterator, Mapping, MappingView, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import torch
from torch import Tensor

DIVIDED = "Was something divided by 0, or is there a log of 0?"


COLUMNS = 100  # that JupyterLab has for a verdict, in a window of 1280 pixels


@dataclass(frozen=True)
class Verdict:
    """What a check found: shown by a notebook as one line."""

    passed: bool
    message: str

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        """One line, or several: JupyterLab would break a long one in the middle of a word."""
        lines = (("✓ " if self.passed else "✗ ") + self.message).splitlines()
        whole = {"break_long_words": False, "break_on_hyphens": False}
        return "\n".join(
            line if len(line) <= COLUMNS else textwrap.fill(line, COLUMNS, **whole)
            for line in lines
        )


class Mistake(Exception):
    """Raised inside a check: its text is the verdict."""


def check(function: Callable[..., str]) -> Callable[..., Verdict]:
    """Make a check of a function that returns the praise or raises ``Mistake``.

    Random numbers that an answer seeds or draws, and gradients that it switches off, are as they
    were when the check is over.
    """

    @functools.wraps(function)
    def checked(*answers) -> Verdict:
        __tracebackhide__ = True
        try:
            with torch.random.fork_rng(devices=[]), torch.enable_grad():
                praise = function(*map(given, answers))
        except Mistake as mistake:
            return Verdict(False, str(mistake))
        except KeyboardInterrupt as stop:  # ■, perhaps in an endless loop: show that, not our lines
            trace = stop.__traceback__
            while trace.tb_next and trace.tb_frame.f_globals["__name__"].startswith("ae_helpers."):
                trace = trace.tb_next
            raise stop.with_traceback(trace) from None
        except Exception as error:  # an odd answer must not look like a broken course
            cure = "Compare its type and arguments with the starter code."
            what = f"{type(error).__name__}: {error}"
            return Verdict(False, f"This check can't read your answer ({what}). {cure}")
        if not praise or not isinstance(praise, str):
            return Verdict(
                False,
                f"An error of the course, not of your answer: the check {function.__name__} came "
                "to its end without a verdict. Please report it.",
            )
        return Verdict(True, praise)

    return checked


# ------------------------------------------------------------------------------- calling an answer


def given(answer):
    """The answer, unless it is the ``...`` or ``None`` that the starter code holds."""
    if answer is ... or answer is None:
        raise Mistake("Not yet: replace the ... with your answer and run the cell again.")
    return answer


def call(answer: Callable, *args, cures: Mapping[str, str] | None = None):
    """Call a reader's function; an exception in it becomes a mistake that quotes it.

    ``cures`` are for errors that are worded badly: ``{words in the error: what to add to it}``.
    """
    try:
        result = answer(*args)
    except Exception as error:
        said = f"Your code stops with {type(error).__name__}: {error}".rstrip(": ")
        for words, cure in (cures or {}).items():
            if words in said:
                said = textwrap.shorten(said, 150, placeholder=" …").rstrip(".")
                raise Mistake(f"{said}. {cure}") from None
        raise Mistake(said) from None
    if result is None:
        raise Mistake(
            "Not yet: your function returns None. Is its return missing, or never reached?"
        )
    return given(result)


def call_unchanged(cause_and_cure: str, answer: Callable, *args, cures=None):
    """``call`` the answer; refuse that it changes the tensors it is given, or those in lists.

    The lists themselves are copies: what is popped from them is missing nowhere else.
    """
    args = [list(each) if isinstance(each, list) else each for each in args]
    parts = [part for each in args for part in (each if isinstance(each, list) else [each])]
    tensors = [part for part in parts if isinstance(part, Tensor)]
    kept = [each.clone() for each in tensors]
    found = call(answer, *args, cures=cures)
    if not all(map(torch.equal, kept, tensors)):
        raise Mistake(
            f"Your code changes the tensors it is given, for example with {cause_and_cure}"
        )
    return found


# ------------------------------------------------------------------------------- reading an answer
#
# ``what`` names what is expected ("one error for each image"), ``where`` what is read, as the start
# of a sentence. All readers refuse what is unsolved, no number (bool, text, complex), NaN and
# infinity; ``cure`` says what to do about the last two.


def number(
    answer,
    what: str = "one number",
    shapes: Mapping[tuple, str] | None = None,
    *,
    where: str = "Your answer",
    cure: str = DIVIDED,
) -> int | float:
    """A number of Python, NumPy or torch, also in an array of one; ``shapes`` as for ``tensor``."""
    if isinstance(answer, list | tuple | range):
        raise Mistake(f"{where} is {_described(answer)}; expected {what}.")
    values = tensor(answer, what, where=where, cure=cure, dtype=None)
    if values.numel() != 1:
        _refuse_shape(values, shapes, f"Expected {what}.", where)
    return values.item()


def whole(answer, what: str = "a whole number", *, where: str = "Your answer") -> int:
    """A number that is an ``int``, whoever's; 2.0 is none, as it is none for an index or a size."""
    value = number(answer, what, where=where)
    if isinstance(value, float):
        raise Mistake(f"{where} is {round(value, 6)}; expected {what}, without a decimal point.")
    return value


def numbers(
    answer, what: str, length: int | None = None, *, where: str = "Your answer", cure: str = DIVIDED
) -> list[int | float]:
    """A list, tuple, array or tensor of so many numbers, as a list."""
    if isinstance(answer, list | tuple | range) and not hasattr(answer, "indices"):
        values = [
            number(part, what, where=f"{where}, at position {place},", cure=cure)
            for place, part in enumerate(answer)
        ]
    else:
        read = tensor(answer, what, where=where, cure=cure, dtype=None)
        if read.ndim == 0:
            raise Mistake(f"{where} is one number, {read.item():.6g}; expected {what}.")
        if read.ndim > 1:
            _refuse_shape(read, None, f"Expected {what}.", where)
        values = read.tolist()
    if length is not None and len(values) != length:
        count = f"{len(values)} number" + "s" * (len(values) != 1)
        raise Mistake(f"{where} holds {count}; expected {length}: {what}.")
    return values


def shape(
    answer, what: str, length: int | None = None, *, where: str = "Your answer"
) -> tuple[int, ...]:
    """Whole numbers in a list, tuple, ``torch.Size``, array or tensor, as a tuple."""
    values = numbers(answer, what, length, where=where)
    return tuple(whole(value, what, where=where) for value in values)


def indices(
    answer, n: int, of: str, shapes: Mapping[tuple, str] | None = None, otherwise: str = ""
) -> list[int]:
    """The indices of n of something, in a row; ``shapes`` as for ``tensor``, or ``otherwise``."""
    where, what = f"For n = {n} your answer", f"the indices of {n} {of}"
    values = tensor(answer, what, where=where, dtype=None)
    if values.ndim == 2 and len(values) == 1:
        values = values[0]
    if values.ndim != 1:
        column = {(n, 1): "The indices stand in a column: add .flatten()."}
        _refuse_shape(values, {**column, **(shapes or {})}, f"Expected {what}. {otherwise}", where)
    for value in values.tolist():
        if value % 1:
            cure = "If it is a value: topk and sort give .values and .indices, argsort indices."
            raise Mistake(f"{where} holds {value:.4g}, which is no index. {cure}")
    if values.numel() and (values.is_floating_point() or values.dtype == torch.uint8):
        taken = "is taken for a mask" if values.dtype == torch.uint8 else "can't index"
        raise Mistake(f"{where} has the dtype {values.dtype}, which {taken}: keep int64.")
    if len(values) != n:
        slices = {n - 1: "A slice such as [1:n] or [-n:-1] holds n − 1."}
        why = slices.get(len(values), otherwise) if len(values) < n else ""
        count = f"{len(values)} ind{'ex' if len(values) == 1 else 'ices'}"
        raise Mistake(f"{where} holds {count}; expected exactly n. {why}".strip())
    return values.tolist()


def misordered(order: Tensor, n: int, first: str) -> dict[str, Tensor]:
    """What to say about the n ``first`` (best, nearest, …) of an order that are taken wrongly."""
    best = order[:n]
    return {
        f"One place too late: the {first} itself, at position 0, is left out.": order[1 : n + 1],
        "Each index is one too high: counting begins at 0.": best + 1,
        f"Those are from the other end: the {first} come first. Sorting is ascending, and topk "
        "descending, unless you say otherwise.": order.flip(0)[:n],
        f"You take the last n, but the {first} come first in your order.": order[-n:],
        f"The right ones, but the {first} comes last; it should come first.": best.flip(0),
        f"The right ones, but not in order: the {first} first.": best.sort().values,
        f"Those are ranks, each one's place behind the {first}: argsort once, not twice.": (
            order.argsort()[:n]
        ),
    }


def tensor(
    answer,
    what: str,
    shape: Sequence[int] | None = None,
    shapes: Mapping[tuple, str] | None = None,
    *,
    where: str = "Your answer",
    cure: str = DIVIDED,
    dtype: torch.dtype | None = torch.float64,
) -> Tensor:
    """A tensor, array, number, or list of such, as a detached tensor on the CPU.

    Args:
        shape: the shape it must have; ``None`` for any.
        shapes: what to say about wrong shapes, ``{shape: sentence}``.
        dtype: what it becomes; ``None`` keeps the answer's own.
    """
    values = _values(answer, what, where)
    if shape is not None and values.shape != torch.Size(shape):
        _refuse_shape(values, shapes, f"Expected {tuple(shape)}: {what}.", where)
    if not values.isfinite().all():
        place = (~values.isfinite()).nonzero()[0].tolist()
        value = "NaN, which is no number" if values[tuple(place)].isnan() else "infinite"
        at = f", at position {place[0] if len(place) == 1 else tuple(place)}" if place else ""
        raise Mistake(f"{where} is {value}{at}. {cure}")
    return values if dtype is None else values.to(dtype)


def _refuse_shape(values: Tensor, shapes: Mapping | None, expected: str, where: str) -> None:
    found = tuple(values.shape)
    raise Mistake(f"{where} has the shape {found}. {(shapes or {}).get(found, expected)}")


def _values(answer, what: str, where: str) -> Tensor:
    """The numbers of an answer of any form, in whatever dtype it has; some may be infinite."""
    end = f"; expected {what}."
    if isinstance(given(answer), Tensor):
        return _of_torch(answer, where, end)
    if isinstance(answer, tuple) and hasattr(answer, "indices"):
        raise Mistake(
            f"{where} is values and indices together, as topk, sort and max give them: add "
            ".values or .indices."
        )
    if isinstance(answer, list | tuple | range):
        parts = [
            _values(part, what, f"{where}, at position {place},")
            for place, part in enumerate(answer)
        ]
        found = sorted({tuple(part.shape) for part in parts})
        if len(found) > 1:
            raise Mistake(f"The parts of your answer have the shapes {found}{end}")
        return torch.stack(parts) if parts else torch.empty(0)
    if isinstance(answer, Real) and not isinstance(answer, bool):
        try:
            if isinstance(answer, Integral) and abs(answer) < 2**63:
                return torch.tensor(int(answer))
            return torch.tensor(float(answer), dtype=torch.float64)
        except OverflowError:
            raise Mistake(f"{where} is larger than any float{end}") from None
    if hasattr(answer, "__array__"):  # NumPy's and pandas'
        array = np.asarray(answer)
        if array.dtype == object:
            return _values(array.tolist(), what, where)
        if array.dtype.kind in "iuf":
            return torch.tensor(array.astype("float64" if array.dtype.kind == "f" else "int64"))
        if array.dtype.kind == "b":
            end = f", True or False{end}"
    if isinstance(answer, set | frozenset):
        end += " A set keeps no order: build a list."
    elif isinstance(answer, Iterator | MappingView):
        end += " Make a list of it."
    raise Mistake(f"{where} is {_described(answer)}{end}")


def _of_torch(answer: Tensor, where: str, end: str) -> Tensor:
    if answer.is_meta:
        raise Mistake(f"{where} is on the meta device, where tensors hold no numbers{end}")
    if answer.layout is not torch.strided:
        raise Mistake(f"{where} is a sparse tensor{end} .to_dense() makes an ordinary one.")
    if answer.is_complex():
        raise Mistake(f"{where} is complex{end}")
    if answer.dtype == torch.bool:
        raise Mistake(f"{where} is {_described(answer)}, True or False{end}")
    return answer.detach().cpu()


def _described(answer) -> str:
    """What an answer is: its type, and its shape, itself, or its length."""
    name = type(answer).__name__
    kind = f"an {name}" if name[0] in "aeiou" else f"a {name}"
    if found := tuple(getattr(answer, "shape", ())):
        return f"{kind} of shape {found}"
    shown = repr(answer)
    if len(shown) <= 40 and " at 0x" not in shown:
        return f"{kind}, {shown}"
    return f"{kind} of length {len(answer)}" if hasattr(answer, "__len__") else kind


# ----------------------------------------------------------------------------- comparing an answer


def near(one, other, rtol: float = 1e-4, atol: float = 1e-7) -> bool:
    """Whether two answers have one shape and the same numbers, if ``other`` is whole exactly so."""
    one, other = (_values(each, "numbers", "What is compared") for each in (one, other))
    if not other.is_floating_point():
        rtol = atol = 0
    return one.shape == other.shape and torch.allclose(one.double(), other.double(), rtol, atol)


def explain(
    found,
    right,
    mistakes: Mapping[str, object] | Sequence[tuple[object, str]] = (),
    *,
    cases: Sequence[tuple] | None = None,
    asked: str = "",
    otherwise: str | None = "",
    rtol: float = 1e-4,
    atol: float = 1e-7,
) -> None:
    """Accept what is right; else raise the first mistake that gives what was found.

    ``found`` is what a reader (as in ``number``) made of the answer: numbers, lists, tensors.
    ``right``, and each wrong rule, is what it should be, or a function that computes that. With
    ``cases``, ``found`` has an item for each of them, and so has a rule, or takes a case.

    Args:
        mistakes: ``{what to say: wrong rule}``, or rows (wrong rule, what to say) that a loop made.
            A rule that can't be computed is skipped.
        cases: tuples of arguments that the answer was called with.
        asked: how to write a case, as in ``"n={}, k={}"``.
        otherwise: what to say if no row fits, with ``{found}``, ``{right}`` and ``{case}``, of the
            first case that is wrong; ``None`` says nothing then, and leaves that to what follows.
    """
    single = cases is None
    cases, found = ([()], [found]) if single else (cases, found)

    def outcomes(rule) -> Sequence:
        if callable(rule):
            return [rule(*case) for case in cases]
        return [rule] if single else rule

    def fits(rule) -> bool:
        try:
            pairs = zip(found, outcomes(rule), strict=True)
            return all(near(*pair, rtol, atol) for pair in pairs)
        except Exception:
            return False

    wanted = outcomes(right)
    same = [near(*pair, rtol, atol) for pair in zip(found, wanted, strict=True)]
    if all(same):
        return
    rows = [row[::-1] for row in mistakes.items()] if isinstance(mistakes, Mapping) else mistakes
    for rule, text in rows:
        if fits(rule):
            raise Mistake(text)
    if otherwise is None:
        return
    place = same.index(False)
    case = asked.format(*cases[place])
    plain = f"For {case} you" if case else "You"
    plain = otherwise or plain + " answer {found}, not {right}."
    one, other = _shown(found[place], wanted[place])
    raise Mistake(plain.format(case=case, found=one, right=other))


def _shown(found, right) -> tuple[str, str]:
    """Both as text, with digits enough to tell them apart; of many numbers, those furthest off."""
    found, right = (_values(each, "numbers", "What is shown") for each in (found, right))
    at = ""
    if found.shape == right.shape and found.numel() > 12:
        place = (found.double() - right.double()).abs().argmax().item()
        at = tuple(int(index) for index in np.unravel_index(place, found.shape))
        at = f" at position {at[0] if len(at) == 1 else at}"
        found, right = found.flatten()[place], right.flatten()[place]
    for digits in range(4, 18):
        texts = [_text(each.tolist(), digits) for each in (found, right)]
        if texts[0] != texts[1]:
            break
    return texts[0] + at, texts[1]


def _text(values, digits: int) -> str:
    if isinstance(values, list):
        return f"[{', '.join(_text(value, digits) for value in values)}]"
    if isinstance(values, int):
        return f"{values:,}"
    return f"{values:,.{max(digits, len(str(int(values))))}g}"  # 12,345 rather than 1.234e+04
