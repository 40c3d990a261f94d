"""How an answer is called, read and compared; a check gives a verdict, whatever it is given."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch

from ae_helpers.exercises import lesson_01
from ae_helpers.exercises.answers import (
    Mistake,
    Verdict,
    call,
    call_unchanged,
    check,
    explain,
    indices,
    misordered,
    near,
    number,
    numbers,
    shape,
    tensor,
    whole,
)
from exercise_zoo import FORMS, ODD


def mistake_of(function, *args, **options):
    """What a reader's mistake says."""
    with pytest.raises(Mistake) as raised:
        function(*args, **options)
    return str(raised.value)


# ---------------------------------------------------------------------------------- check and call


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


def test_a_long_verdict_is_broken_between_words():
    words = "A long-winded verdict " * 6
    said = repr(Verdict(False, f"{words.strip()}.\n  {'a formula  ' * 8}\n{'x' * 120}"))
    first, second, formula, unbroken = said.split("\n")
    assert len(first) <= 100 and second.split()[0] in words.split()
    assert formula == "  " + "a formula  " * 8  # as it was
    assert unbroken.strip() == "x" * 120


@pytest.mark.parametrize("praise", [None, "", True, 1])
def test_a_check_that_says_nothing_is_an_error_of_the_course(praise):
    verdict = check(lambda answer: praise)(1)
    assert not verdict and repr(verdict).startswith("✗ An error of the course")


def test_whoever_stops_an_endless_loop_sees_that_loop():
    def endless(images, batch_size):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        lesson_01.batches_per_epoch(endless)
    assert [entry.name for entry in stopped.traceback][1:] == ["checked", "endless"]


def test_a_check_leaves_random_numbers_and_gradients_alone():
    def careless(answer):
        torch.manual_seed(1)
        torch.set_grad_enabled(False)
        return "Right."

    state = torch.get_rng_state()
    with torch.no_grad():
        assert check(lambda answer: f"{torch.is_grad_enabled()}")(1).message == "True"
    assert check(careless)(1)
    assert torch.equal(state, torch.get_rng_state()) and torch.is_grad_enabled()


def test_a_cure_follows_the_error_whose_words_it_names():
    cures = {"by zero": "Count first.", "list": "Never said."}
    said = mistake_of(call, lambda: 1 / 0, cures=cures)
    assert said == "Your code stops with ZeroDivisionError: division by zero. Count first."
    assert "Count" not in mistake_of(call, lambda: [].pop(), cures={"by zero": "Count first."})


def test_given_tensors_have_to_stay_what_they_are():
    batches = [torch.ones(2), torch.zeros(2)]
    assert call_unchanged("+=.", lambda x, parts: len(parts), torch.ones(1), batches) == 2
    for change in (lambda x, parts: x.add_(1), lambda x, parts: parts[1].add_(1)):
        said = mistake_of(call_unchanged, "+=.", change, torch.ones(1), batches)
        assert said.endswith("for example with +=.")


def test_what_is_popped_from_a_list_is_missing_nowhere():
    batches = [torch.ones(2)]
    assert call_unchanged("+=.", lambda parts: parts.pop().sum().item(), batches) == 2
    assert len(batches) == 1


# ---------------------------------------------------------------------------------------- readers


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_numbers_and_lists_are_the_same_in_every_form(form):
    for value in (7, -3, 0, 0.5):
        found = number(form(value))
        assert found == value and type(found) is type(value)
    assert numbers(form([3, 1, 4]), "three numbers", 3) == [3, 1, 4]
    assert shape(form([3, 1, 4]), "a shape", 3) == (3, 1, 4)
    read = tensor(form([[1.0, 2.0], [3.0, 4.5]]), "a table", (2, 2))
    assert read.dtype == torch.float64 and read.tolist() == [[1.0, 2.0], [3.0, 4.5]]


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (np.float16(0.5), 0.5),
        (Fraction(1, 2), 0.5),
        (torch.tensor([[0.5]], requires_grad=True), 0.5),
        (pd.Series([0.5]), 0.5),
        (2**62, 2**62),
        (10**30, 1e30),
    ],
)
def test_a_number_is_read_whoever_holds_it(answer, value):
    assert number(answer) == value


def test_a_tensor_is_detached_and_keeps_its_dtype_if_asked():
    read = tensor(torch.ones(2, requires_grad=True), "two")
    assert not read.requires_grad
    assert tensor(torch.ones(2, dtype=torch.uint8), "two", dtype=None).dtype == torch.uint8
    assert tensor(range(3), "three", dtype=None).dtype == torch.int64
    assert tensor(pd.DataFrame({"a": [1.5], "b": [2]}), "two").tolist() == [[1.5, 2.0]]
    assert tensor(torch.Size([3, 4]), "two").tolist() == [3, 4]
    assert torch.equal(tensor([torch.ones(2), np.zeros(2)], "two", (2, 2))[0], torch.ones(2))


SAID = [
    ("text", "Your answer is a str, 'text'; expected one number."),
    (True, "a bool, True; expected"),
    (np.True_, "True or False; expected"),
    (torch.tensor(True), "True or False; expected"),
    (1j, "a complex, 1j; expected"),
    (torch.tensor(1j), "is complex; expected"),
    (torch.empty(1, device="meta"), "meta device"),
    (torch.ones(1).to_sparse(), "a sparse tensor; expected"),
    ([0.07], "a list, [0.07]; expected"),
    (list(range(1000)), "a list of length 1000; expected"),
    ({1}, "A set keeps no order"),
    ((x for x in [1]), "Make a list of it."),
    ({"a": 1}.values(), "a dict_values, dict_values([1]); expected one number. Make a list of it."),
    (print, "a builtin_function_or_method, <built-in function print>; expected"),
    (object(), "an object; expected"),
    (np.ones(3), "has the shape (3,). Expected one number."),
    (torch.ones(2, 1), "has the shape (2, 1). Take the mean."),
    (math.nan, "is NaN, which is no number. Was something divided by 0"),
    (np.float64("-inf"), "is infinite. Was something divided by 0"),
    (10**400, "larger than any float; expected"),
    (..., "Not yet"),
    (None, "Not yet"),
]


@pytest.mark.parametrize(("answer", "words"), SAID, ids=[repr(words) for _, words in SAID])
def test_what_is_no_number_is_named(answer, words):
    assert words in mistake_of(number, answer, shapes={(2, 1): "Take the mean."})


@pytest.mark.parametrize(
    ("function", "answer", "words"),
    [
        (whole, 2.0, "Your answer is 2.0; expected a whole number, without a decimal point."),
        (numbers, 37, "one number, 37; expected it."),
        (numbers, [1, "a"], "Your answer, at position 1, is a str, 'a'; expected it."),
        (numbers, [1, ...], "Not yet"),
        (numbers, [1, [2]], "Your answer, at position 1, is a list, [2]; expected it."),
        (numbers, np.ones((2, 2)), "has the shape (2, 2). Expected it."),
        (numbers, [1, math.inf], "Your answer, at position 1, is infinite."),
        (shape, (1, 2.5), "Your answer is 2.5; expected it, without a decimal point."),
        (tensor, [[1, 2], [3]], "have the shapes [(1,), (2,)]; expected it."),
        (tensor, torch.ones(2, 3).max(0), "values and indices together"),
        (numbers, torch.ones(3).topk(2), "values and indices together"),
        (tensor, [1, "a"], "Your answer, at position 1, is a str, 'a'; expected it."),
        (tensor, torch.tensor([0, math.nan]), "is NaN, which is no number, at position 1."),
        (tensor, [[0, math.inf]], "is infinite, at position (0, 1)."),
    ],
)
def test_what_is_no_list_is_named(function, answer, words):
    arguments = (answer,) if function is whole else (answer, "it")
    assert words in mistake_of(function, *arguments)


def test_lengths_and_shapes_are_compared():
    assert "holds 1 number; expected 2: a pair." in mistake_of(numbers, [1], "a pair", 2)
    said = mistake_of(tensor, torch.ones(3), "a pair", (2,), {(4,): "No."})
    assert said == "Your answer has the shape (3,). Expected (2,): a pair."
    said = mistake_of(tensor, torch.ones(4), "a pair", (2,), {(4,): "No."}, where="conv2: it")
    assert said == "conv2: it has the shape (4,). No."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (37, "For n = 2 your answer has the shape (). Expected the indices of 2 images. Why?"),
        ([[3], [1]], "has the shape (2, 1). The indices stand in a column: add .flatten()."),
        (torch.ones(3, 2), "has the shape (3, 2). Points."),
        ([3, 1.5], "holds 1.5, which is no index. If it is a value"),
        ([3.0, 1.0], "has the dtype torch.float64, which can't index: keep int64."),
        (torch.ones(2).byte(), "torch.uint8, which is taken for a mask"),
        ([3], "holds 1 index; expected exactly n. A slice such as [1:n]"),
        ([3, 1, 2], "holds 3 indices; expected exactly n."),
        ([], "holds 0 indices; expected exactly n."),
    ],
)
def test_what_is_no_index_is_named(answer, words):
    assert words in mistake_of(indices, answer, 2, "images", {(3, 2): "Points."}, "Why?")


def test_an_order_is_taken_wrongly_in_ways_that_all_differ():
    wrong = misordered(torch.tensor([4, 0, 3, 1, 2]), 3, "largest")
    assert [each.tolist() for each in wrong.values()] == [
        *([0, 3, 1], [5, 1, 4], [2, 1, 3], [3, 1, 2], [3, 0, 4], [0, 3, 4], [1, 3, 4])
    ]
    assert all("largest" in text for text in wrong if "at 0" not in text)


def test_indices_are_a_row_of_whole_numbers():
    assert indices(range(3), 3, "images") == indices([[0, 1, 2]], 3, "images") == [0, 1, 2]


@pytest.mark.parametrize("function", [number, numbers, shape, tensor])
def test_readers_read_or_refuse_whatever_it_is(function):
    arguments = () if function is number else ("it",)
    for odd in ODD:
        try:
            function(odd, *arguments)
        except Mistake as mistake:
            assert str(mistake)


# ------------------------------------------------------------------------------------- comparison


def test_whole_numbers_are_near_only_if_they_are_the_same():
    assert near(1.00001, 1.0) and not near(1.001, 1.0)
    assert near(1_000_000.0, 1_000_000) and not near(1_000_001, 1_000_000)
    assert near([1, 2], torch.tensor([1.0, 2.0])) and not near([1, 2], [1, 2, 3])
    assert not near(math.nan, math.nan)


def add(a, b):
    return a + b


CASES = [(1, 2), (3, 4), (2, 2)]
MISTAKES = [
    (lambda a, b: a / (b - 2), "never said: it can't be computed for every case"),
    (lambda a, b: a - b, "You subtract."),
    (lambda a, b: [a, b], "You don't add."),
    ([2, 12, 4], "You multiply."),
]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda a, b: a - b, "You subtract."),
        (lambda a, b: (a, b), "You don't add."),
        (lambda a, b: torch.tensor([a, b]), "You don't add."),
        (lambda a, b: a * b, "You multiply."),
        (lambda a, b: a + b + (a == 3), "For a=3, b=4 you answer 8, not 7."),
    ],
)
def test_the_mistake_that_gives_what_was_found_is_named(rule, words):
    found = [rule(*case) for case in CASES]
    said = mistake_of(explain, found, add, MISTAKES, cases=CASES, asked="a={}, b={}")
    assert said == words
    table = {text: wrong for wrong, text in MISTAKES}
    assert mistake_of(explain, found, add, table, cases=CASES, asked="a={}, b={}") == words


def test_what_is_right_passes():
    explain([3, 7, 4], add, MISTAKES, cases=CASES)
    explain([3.0, torch.tensor(7), [4][0]], [3, 7, 4], MISTAKES, cases=CASES)


def test_one_answer_is_compared_with_values():
    mistakes = [(lambda: 1 / 0, "never"), (0.5, "Half."), (lambda: 2.0, "Double.")]
    explain(1.00001, 1.0, mistakes)
    assert mistake_of(explain, 0.5, 1.0, mistakes) == "Half."
    assert mistake_of(explain, 2.0, 1.0, mistakes) == "Double."
    assert mistake_of(explain, 3.0, 1.0, mistakes) == "You answer 3, not 1."
    said = mistake_of(explain, 1.00001, 1.0, rtol=1e-6)
    assert said == "You answer 1.00001, not 1."
    assert mistake_of(explain, 12345.6, 0.5) == "You answer 12,346, not 0.5."
    assert mistake_of(explain, 3, 1, otherwise="{found} for {right}?") == "3 for 1?"
    explain(3, 1, mistakes, otherwise=None)
    assert mistake_of(explain, 0.5, 1.0, mistakes, otherwise=None) == "Half."


def test_of_many_numbers_the_one_furthest_off_is_shown():
    right = torch.zeros(4, 5)
    found = right.clone()
    found[2, 3] = 0.5
    said = "You answer 0.5 at position (2, 3), not 0."
    assert mistake_of(explain, found, right) == said
    assert mistake_of(explain, [1000, 2], [1, 2]) == "You answer [1,000, 2], not [1, 2]."
