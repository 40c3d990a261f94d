"""Checks that tell a reader what is wrong, not only that something is.

Each lesson has a module here, and each exercise a function in it: an answer in, a ``Verdict`` out.
A check calls the answer, compares, and raises ``Mistake`` with a text that names the mistake.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Verdict:
    """What a check found: shown by a notebook as one line."""

    passed: bool
    message: str

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return ("✓ " if self.passed else "✗ ") + self.message


class Mistake(Exception):
    """Raised inside a check: its text is the verdict."""


def check(function: Callable[..., str]) -> Callable[..., Verdict]:
    """Make a check of a function that returns the praise or raises ``Mistake``."""

    @functools.wraps(function)
    def checked(*answers) -> Verdict:
        try:
            return Verdict(True, function(*(given(answer) for answer in answers)))
        except Mistake as mistake:
            return Verdict(False, str(mistake))
        except Exception as error:  # an odd answer must not look like a broken course
            cure = "Compare its type and arguments with the starter code."
            what = f"{type(error).__name__}: {error}"
            return Verdict(False, f"This check can't read your answer ({what}). {cure}")

    return checked


def given(answer):
    """The answer, unless it is the ``...`` or ``None`` that the starter code holds."""
    if answer is ... or answer is None:
        raise Mistake("Not yet: replace the ... with your answer and run the cell again.")
    return answer


def call(answer: Callable, *args):
    """Call a reader's function; an exception in it becomes a mistake that quotes it."""
    try:
        result = answer(*args)
    except Exception as error:
        raise Mistake(f"Your code stops with {type(error).__name__}: {error}") from None
    if result is None:
        raise Mistake(
            "Not yet: your function returns None. Is its return missing, or never reached?"
        )
    return given(result)


def call_unchanged(cause_and_cure: str, answer: Callable, *args):
    """``call`` the answer; refuse that it changes the tensors it is given."""
    tensors = [each for each in args if isinstance(each, Tensor)]
    kept = [each.clone() for each in tensors]
    found = call(answer, *args)
    if not all(map(torch.equal, kept, tensors)):
        raise Mistake(
            f"Your code changes the tensors it is given, for example with {cause_and_cure}"
        )
    return found
