"""No check without a zoo: `test_lesson_NN.py` has right answers for each."""

import importlib
import inspect
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
    (mark,) = importlib.import_module(f"test_{lesson}").TestZoo.test_right_answers_pass.pytestmark
    zoo = {case.values[0].__name__ for case in mark.args[1]}
    assert checks and checks == zoo, f"TestZoo of test_{lesson}.py has answers to each check"
