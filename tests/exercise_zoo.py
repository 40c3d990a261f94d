"""What the tests of the exercises share."""

import pytest


def cases(zoo):
    """A parameter for each answer in ``{check: {name: answer}}``, named after both."""
    return [
        pytest.param(exercise, answer, id=f"{exercise.__name__}: {name}")
        for exercise, answers in zoo.items()
        for name, answer in answers.items()
    ]
