"""What all checks share: they never raise, whatever they are given."""

import pytest

from ae_helpers.exercises import Mistake, Verdict, call, check


@check
def double(answer) -> str:
    """``answer(3)`` is 6."""
    if call(answer, 3) != 6:
        raise Mistake("not double")
    return "Right."


@pytest.mark.parametrize(
    ("answers", "passed", "shown"),
    [
        ([lambda x: 2 * x], True, "✓ Right."),
        ([lambda x: x], False, "✗ not double"),
        ([...], False, "✗ Not yet: replace the ..."),
        ([lambda x: None], False, "✗ Not yet: your function returns None"),
        ([lambda x: 1 / 0], False, "✗ Your code stops with ZeroDivisionError"),
        ([], False, "✗ This check can't read your answer (TypeError"),
        ([7, 7], False, "✗ This check can't read your answer (TypeError"),
    ],
)
def test_a_check_gives_a_verdict(answers, passed, shown):
    verdict = double(*answers)
    assert isinstance(verdict, Verdict) and bool(verdict) is passed
    assert repr(verdict).startswith(shown)
