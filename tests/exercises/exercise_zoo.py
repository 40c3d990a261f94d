"""What the tests of the exercises share."""

import math

import pytest
import torch

ODD = ["text", 7, True, math.nan, [], {}, (), object(), iter([1]), [1, "a"], (..., 2),
       torch.tensor([]), torch.tensor(1j), torch.empty(3, device="meta"), torch.eye(2).to_sparse(),
       torch.tensor(True), lambda: 1]  # fmt: skip


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
    """The tests of a zoo, ``{check: {name: answer}}``, whose checks take one answer each.

    Args:
        right: answers that pass.
        wrong: pairs of an answer and of words that it has to hear.
        again: the same mistakes in other forms; they hear the same.
        alike: names of wrong answers that a check can't tell from others.

    Returns:
        Four tests, to be given their names in the module of the zoo, where pytest finds them.
    """

    @pytest.mark.parametrize(("exercise", "answer"), cases(right))
    def right_answers_pass(exercise, answer):
        verdict = exercise(answer)
        assert verdict and verdict.message.startswith("Right"), verdict

    @pytest.mark.parametrize(("exercise", "answer"), cases(wrong) + cases(again or {}))
    def wrong_answers_hear_what_is_wrong(exercise, answer):
        function, words = answer
        verdict = exercise(function)
        assert not verdict
        assert words in verdict.message

    @by_check(wrong)
    def each_mistake_has_a_message_of_its_own(exercise):
        functions = [pair[0] for name, pair in wrong[exercise].items() if name not in alike]
        messages = {exercise(function).message for function in functions}
        assert len(messages) == len(functions)

    @by_check(right)
    @pytest.mark.parametrize("unsolved", [..., None, lambda *_: ..., lambda *_: None])
    def unsolved_says_not_yet(exercise, unsolved):
        verdict = exercise(unsolved)
        assert not verdict and verdict.message.startswith("Not yet")

    return (
        right_answers_pass,
        wrong_answers_hear_what_is_wrong,
        each_mistake_has_a_message_of_its_own,
        unsolved_says_not_yet,
    )


def random_numbers_test(right):
    """The test that no check draws from torch's generator; for answers that don't, either."""

    @by_check(right)
    def a_check_leaves_the_random_numbers_alone(exercise):
        state = torch.get_rng_state()
        for answer in right[exercise].values():
            exercise(answer)
        assert torch.equal(state, torch.get_rng_state())

    return a_check_leaves_the_random_numbers_alone


def odd_answers_test(right):
    """The test that whatever an answer is or returns, a check refuses it and doesn't fail."""

    @by_check(right)
    def odd_answers_get_a_verdict(exercise):
        for odd in ODD:
            assert not exercise(lambda *_, odd=odd: odd)
            assert not exercise(odd)

    return odd_answers_get_a_verdict
