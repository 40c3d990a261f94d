"""What the tests of the exercises share: odd answers, and the tests that every zoo goes through."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

ODD = ["text", "", b"7", 7, 10**400, True, False, math.nan, math.inf, 1j, np.float64("inf"),
       np.True_, [], {}, (), set(), {1: 2}, object(), iter([1]), [1, "a"], (..., 2), [None, None],
       [[1, 2], [3]], [[1.0, 2.0], [3.0, 4.0]], [True, False], [math.nan] * 3, range(3),
       np.array([0.5]), np.array([1, "a"], dtype=object), np.array(["a"]), np.zeros((0, 3)),
       torch.tensor([]), torch.tensor(1j), torch.empty(3, device="meta"), torch.eye(2).to_sparse(),
       torch.tensor(True), torch.tensor(math.nan), torch.full((2, 2), math.inf),
       [torch.ones(2), torch.ones(3)], [torch.ones(2), "a"], torch.ones(3).max(0), lambda: 1, list,
       nn.Identity()]  # fmt: skip

# The same numbers, held by others: each takes a number, or a list of numbers or of lists of them.
FORMS = {
    "Python": lambda value: value,
    "tuple": lambda value: tuple(value) if isinstance(value, list) else value,
    "NumPy": lambda value: np.array(value)[()],
    "torch": torch.tensor,
    "objects": lambda value: np.array(value if isinstance(value, list) else [value], dtype=object),
    "parts of torch": lambda value: (
        [torch.tensor(part) for part in value] if isinstance(value, list) else torch.tensor([value])
    ),
}


@dataclass(frozen=True)
class Several:
    """The answers to a check that takes several, and ``more``, which the lesson itself gives it."""

    answers: tuple
    more: tuple = ()

    def but(self, place, answer):
        """The same with another answer at that place."""
        before, after = self.answers[:place], self.answers[place + 1 :]
        return Several((*before, answer, *after), self.more)


def in_place(*given):
    """An answer to any exercise that changes the tensors it is given."""
    return [part.mul_(2) for part in given if isinstance(part, Tensor)]


def several(answer):
    return answer if isinstance(answer, Several) else Several((answer,))


def ask(exercise, answer):
    """The verdict on an answer, or on ``Several``."""
    asked = several(answer)
    return exercise(*asked.answers, *asked.more)


def places(answer):
    """Each answer of one that passes, as ``(Several, place, the answer there)``."""
    return [(several(answer), *pair) for pair in enumerate(several(answer).answers)]


def plain(value):
    """A number or a list, whoever held it; None for what other forms can't stand for."""
    if isinstance(value, Tensor):
        small = not value.requires_grad and value.ndim <= 2 and value.numel() <= 100
        return value.detach().as_subclass(Tensor).tolist() if small else None
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        parts = [plain(part) for part in value]
        return None if any(part is None for part in parts) else parts
    return value if isinstance(value, int | float) else None


def in_form(answer, form):
    """The answer, or what it returns, in one of ``FORMS``."""
    if callable(answer) and not isinstance(answer, nn.Module):
        return lambda *args: in_form(answer(*args), form)
    value = plain(answer)
    return answer if value is None else form(value)


def each(wrap, rows):
    """Rows of a zoo, ``{name: (what wrap makes an answer of, words)}``."""
    return {name: (wrap(part), words) for name, (part, words) in rows.items()}


def cases(zoo):
    """A parameter for each answer in ``{check: {name: answer}}``, named after both."""
    return [
        pytest.param(exercise, answer, id=f"{exercise.__name__}: {name}")
        for exercise, answers in zoo.items()
        for name, answer in answers.items()
    ]


def by_check(zoo):
    """A parameter for each check of a zoo."""
    return pytest.mark.parametrize("exercise", zoo, ids=lambda exercise: exercise.__name__)


def zoo_tests(right, wrong, again=None, alike=()):
    """The tests of a zoo, ``{check: {name: answer}}``; answers are ``Several`` where a check is.

    Args:
        right: answers that pass; the first of each check also has to pass in other forms.
        wrong: pairs of an answer and of words that it has to hear.
        again: the same mistakes in other forms; they hear the same.
        alike: names of wrong answers that a check can't tell from others.

    Returns:
        A class of tests, to be named in the module of the zoo, where pytest finds it.
    """
    first = {exercise: next(iter(answers.values())) for exercise, answers in right.items()}

    class TestZoo:
        @pytest.mark.parametrize(("exercise", "answer"), cases(right))
        def test_right_answers_pass(self, exercise, answer):
            verdict = ask(exercise, answer)
            assert verdict and verdict.message.startswith("Right"), verdict

        @pytest.mark.parametrize("form", FORMS)
        @by_check(right)
        def test_right_answers_pass_in_other_forms(self, exercise, form):
            asked = several(first[exercise])
            answers = tuple(in_form(answer, FORMS[form]) for answer in asked.answers)
            verdict = ask(exercise, Several(answers, asked.more))
            assert verdict, verdict

        @pytest.mark.parametrize(("exercise", "answer"), cases(wrong) + cases(again or {}))
        def test_wrong_answers_hear_what_is_wrong(self, exercise, answer):
            function, words = answer
            verdict = ask(exercise, function)
            assert not verdict
            assert words in verdict.message

        @by_check(wrong)
        def test_each_mistake_has_a_message_of_its_own(self, exercise):
            answers = [pair[0] for name, pair in wrong[exercise].items() if name not in alike]
            messages = {ask(exercise, answer).message for answer in answers}
            assert len(messages) == len(answers)

        @by_check(right)
        def test_unsolved_says_not_yet(self, exercise):
            for asked, place, answer in places(first[exercise]):
                is_function = callable(answer) and not isinstance(answer, nn.Module)
                for unsolved in (..., None, lambda *_: ..., lambda *_: None)[: 2 + 2 * is_function]:
                    verdict = ask(exercise, asked.but(place, unsolved))
                    assert not verdict and verdict.message.startswith("Not yet"), verdict

        @by_check(right)
        def test_odd_answers_get_a_verdict(self, exercise):
            for asked, place, answer in places(first[exercise]):
                for odd in ODD:
                    assert not ask(exercise, asked.but(place, odd)), odd
                    if callable(answer):
                        assert not ask(exercise, asked.but(place, lambda *_, odd=odd: odd)), odd

    return TestZoo
