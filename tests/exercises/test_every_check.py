"""No check without a zoo: `test_lesson_NN.py` has right and wrong answers for each."""

import importlib
import inspect
from collections import Counter
from pathlib import Path

import pytest

from ae_helpers import exercises

LESSONS = sorted(path.stem for path in Path(exercises.__file__).parent.glob("lesson_*.py"))


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_check_has_a_zoo(lesson):
    """``check`` leaves what it wraps in ``__wrapped__``."""
    module = importlib.import_module(f"ae_helpers.exercises.{lesson}")
    functions = inspect.getmembers(module, inspect.isfunction)
    own = [(name, each) for name, each in functions if each.__module__ == module.__name__]
    checks = {name for name, each in own if hasattr(each, "__wrapped__") and name[0] != "_"}
    zoo = importlib.import_module(f"test_{lesson}").TestZoo
    right, wrong = zoo.test_right_answers_pass, zoo.test_wrong_answers_hear_what_is_wrong
    for test, enough in ((right, 3), (wrong, 8)):
        (mark,) = test.pytestmark
        answers = Counter(case.values[0].__name__ for case in mark.args[1])
        assert checks and checks == set(answers), f"TestZoo of test_{lesson}.py has all checks"
        assert min(answers.values()) >= enough, answers
