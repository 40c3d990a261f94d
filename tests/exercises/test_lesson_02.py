"""Each check of lesson 02 against right answers and a zoo of typical wrong ones."""

import math

import numpy as np
import pytest
import torch

from ae_helpers.exercises import lesson_02
from ae_helpers.models import Encoder, ledger


def say(check, *answer):
    """The verdict's message; fails if the wrong answer passes."""
    verdict = check(*answer)
    assert not verdict, verdict
    return verdict.message


def test_an_unsolved_exercise_says_not_yet():
    row = ((..., ..., ...), ...)
    half = {"conv2": ((16, 8, 8), 1168), "conv3": ..., "conv4": row}
    for verdict in (
        lesson_02.output_size(lambda n, k, s, p: ...),
        lesson_02.fill_ledger({"conv2": row, "conv3": row, "conv4": row}),
        lesson_02.fill_ledger(half),
        lesson_02.weight_and_work(lambda i, o, k, size: ..., ..., ...),
        lesson_02.weight_and_work(lambda i, o, k, size: i * o * k**2 * size**2, 4, ...),
        lesson_02.receptive_fields(lambda layers: ...),
        lesson_02.receptive_fields(lambda layers: [...] * len(layers)),
    ):
        assert not verdict
        assert verdict.message.startswith("Not yet")


# ----------------------------------------------------------------------------------- the size rule

RIGHT_SIZES = [
    lambda n, k, s, p: (n + 2 * p - k) // s + 1,
    lambda n, k, s, p: math.floor((n + 2 * p - k) / s + 1),
    lambda n, k, s, p: (n + 2 * p - (k - 1) - 1) // s + 1,  # as PyTorch's manual has it
    lambda n, k, s, p: len(range(0, n + 2 * p - k + 1, s)),
    lambda n, k, s, p: (n + 2 * p - k + s) // s,
]
WRONG_SIZES = [
    (lambda n, k, s, p: (n + 2 * p - k) / s + 1, "Half a window"),
    (lambda n, k, s, p: (n + 2 * p - k) // s, "+ 1 is missing"),
    (lambda n, k, s, p: (n + p - k) // s + 1, "p once"),
    (lambda n, k, s, p: (n - k) // s + 1, "leave the padding out"),
    (lambda n, k, s, p: (n - 2 * p - k) // s + 1, "subtract the padding"),
    (lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1, "round up"),
    (lambda n, k, s, p: round((n + 2 * p - k) / s) + 1, "nearest"),
    (lambda n, k, s, p: n + 2 * p - k + 1, "leave the stride out"),
    (lambda n, k, s, p: (n + 2 * p - k) * s + 1, "multiply by the stride"),
    (lambda n, k, s, p: (n + 2 * p - k + 1) // s, "inside your division"),
    (lambda n, k, s, p: (n + 2 * p - (k - 1)) // s + 1, "k − 1"),
    (lambda n, k, s, p: n // s + 2 * p - k + 1, "Only n is divided"),
    (lambda n, k, s, p: (n + 2 * p) // s - k + 1, "after dividing"),
    (lambda n, k, s, p: (n - 1) * s - 2 * p + k, "transposed"),
    (lambda n, k, s, p: n, "you answer 28, not 16"),
    (lambda n, k, s, p: (n, n), "tuple"),
    (lambda n, k, s, p: n / 0, "ZeroDivisionError"),
    (lambda n, k: n - k + 1, "TypeError"),
]


@pytest.mark.parametrize("answer", RIGHT_SIZES)
def test_output_size_right(answer):
    assert lesson_02.output_size(answer)


@pytest.mark.parametrize(("answer", "word"), WRONG_SIZES)
def test_output_size_wrong(answer, word):
    assert word in say(lesson_02.output_size, answer)


# -------------------------------------------------------------------------------------- the ledger

RIGHT = {
    "conv2": ((16, 8, 8), 1168),
    "conv3": ((32, 4, 4), 4640),
    "conv4": ((64, 1, 1), 51264),
}
WRONG_LEDGERS = [
    ("conv2", ((1, 16, 8, 8), 1168), "without the batch axis"),
    ("conv2", ((8, 8), 1168), "not 2 sizes"),
    ("conv2", ((8, 8, 16), 1168), "channels first"),
    ("conv2", ((8, 8, 8), 1168), "8 channels: that many go in"),
    ("conv2", ((24, 8, 8), 1168), "24 channels don't come out"),
    ("conv2", ((16, 8, 4), 1168), "isn't square"),
    ("conv2", ((16, 14, 14), 1168), "28 pixels"),
    ("conv2", ((16, 7, 7), 1168), "without the + 1 or without the padding"),
    ("conv3", ((32, 5, 5), 4640), "rounded up"),
    ("conv3", ((32, 8, 8), 4640), "without the stride"),
    ("conv4", ((64, 2, 2), 51264), "or without the stride"),
    ("conv4", ((64, 3, 3), 51264), "not 3×3; put n=4, k=5, s=2, p=1"),
    ("conv2", ((16, 8, 8), 1152), "bias is missing"),
    ("conv3", ((32, 4, 4), 4609), "only one bias"),
    ("conv4", ((64, 1, 1), 51232), "not for each input channel"),
    ("conv4", ((64, 1, 1), 10304), "isn't squared"),
    ("conv2", ((16, 8, 8), 160), "input channels are missing"),
    ("conv3", ((32, 4, 4), 176), "only one output channel"),
    ("conv4", ((64, 1, 1), 2464), "added, not multiplied"),
    ("conv2", ((16, 8, 8), 73744), "weights are counted for each place"),
    ("conv3", ((32, 4, 4), 5120), "bias is counted for each place"),
    ("conv3", ((32, 4, 4), 1536), "isn't squared, and the bias is missing"),
    ("conv2", ((16, 8, 8), 1000), "not 1,000 parameters"),
    ("conv2", 1168, "write ((channels"),
    ("conv2", (("16", 8, 8), 1168), "expected four numbers"),
]


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT,
        {name: [list(shape), number] for name, (shape, number) in RIGHT.items()},
        {"conv1": ((8, 16, 16), 1808)} | RIGHT,
    ],
)
def test_fill_ledger_right(answer):
    verdict = lesson_02.fill_ledger(answer)
    assert verdict
    assert "58,880" in verdict.message


@pytest.mark.parametrize(("layer", "row", "word"), WRONG_LEDGERS)
def test_fill_ledger_wrong(layer, row, word):
    message = say(lesson_02.fill_ledger, RIGHT | {layer: row})
    assert word in message
    assert message.startswith(layer)


def test_fill_ledger_praises_the_part_that_is_done():
    message = say(lesson_02.fill_ledger, RIGHT | {"conv3": ((32, 4, 4), ...)})
    assert "conv3 still holds" in message and "before it is right" in message


def test_fill_ledger_wants_a_dictionary_of_three_layers():
    assert "list" in say(lesson_02.fill_ledger, list(RIGHT.values()))
    without = {name: row for name, row in RIGHT.items() if name != "conv3"}
    assert "conv3 is missing" in say(lesson_02.fill_ledger, without)


@pytest.mark.parametrize("layer", lesson_02.CONVS[1:])
def test_one_mistake_in_the_parameters_is_never_taken_for_another(layer):
    i, o, k, s, p = lesson_02._settings(layer)
    size = {8: 8, 16: 4, 32: 1}[i]
    right = i * o * k * k
    wrong = [rule(i, o, k, size) + o for text, rule in lesson_02.WEIGHTS.items() if text]
    wrong += [right + rule(i, o, size) for text, rule in lesson_02.BIASES.items() if text]
    if size == 1:  # one place only: counting it again changes nothing
        wrong = [value for value in wrong if value != right + o]
    assert right + o not in wrong
    assert len(set(wrong)) == len(wrong)


# --------------------------------------------------------------------------------- weight and work


def work(i, o, k, size):
    return o * size**2 * i * k**2


RIGHT_WORK = [work, lambda i, o, k, size: float(i * k * k) * (o * size * size)]
WRONG_WORK = [
    ((lambda i, o, k, n: i * o * k**2, 4, 4), "These are the weights"),
    ((lambda i, o, k, n: i * o * k**2 * n, 4, 1), "one row of places"),
    ((lambda i, o, k, n: i * o * k * n**2, 4, 1), "only k of them"),
    ((lambda i, o, k, n: o * k**2 * n**2, 4, 1), "input channels are missing"),
    ((lambda i, o, k, n: i * k**2 * n**2, 4, 1), "output channels are missing"),
    ((lambda i, o, k, n: o * (i * k**2 + 1) * n**2, 4, 1), "only added"),
    ((lambda i, o, k, n: 2 * work(i, o, k, n), 4, 1), "additions"),
    ((lambda i, o, k, n: o * n**2, 4, 1), "output's numbers"),
    ((lambda i, o, k, n: 7, 4, 1), "Layer 1: 460,800 is right, not 7"),
    ((lambda i, o, k, n: [n], 4, 1), "list"),
    ((lambda i, o: i * o, 4, 1), "TypeError"),
    ((work, 3, 0), "from 0"),
    ((work, 1, 4), "swapped"),
    ((work, 1, 1), "Layer 1 has 1,808 parameters"),
    ((work, 3, 1), "Layer 3 has 4,640 parameters"),
    ((work, 4, 4), "Layer 4 has 51,200 multiplications"),
    ((work, 4, 2), "Layer 2 has 73,728 multiplications"),
    ((work, "conv4", 1), "'conv4' is no layer"),
]


@pytest.mark.parametrize("answer", RIGHT_WORK)
def test_weight_and_work_right(answer):
    verdict = lesson_02.weight_and_work(answer, 4, 1)
    assert verdict
    assert "87%" in verdict.message and "70%" in verdict.message


@pytest.mark.parametrize(("answer", "word"), WRONG_WORK)
def test_weight_and_work_wrong(answer, word):
    assert word in say(lesson_02.weight_and_work, *answer)


# ----------------------------------------------------------------------------- the receptive field


def fields(layers):
    r, j, found = 1, 1, []
    for k, s in layers:
        r += (k - 1) * j
        j *= s
        found.append(r)
    return found


def fields_backwards(layers):
    """From each layer back to the image; no jump is needed."""
    found = []
    for depth in range(1, len(layers) + 1):
        r = 1
        for k, s in reversed(layers[:depth]):
            r = (r - 1) * s + k
        found.append(r)
    return tuple(found)


def recursion(body):
    """A wrong recursion: ``body(r, j, k, s)`` gives the next r and j."""

    def answer(layers, r=1):
        j, found = 1, []
        for k, s in layers:
            r, j = body(r, j, k, s)
            found.append(r)
        return found

    return answer


WRONG_FIELDS = [
    (lambda layers: [r - 1 for r in fields(layers)], "You start with 0"),
    (recursion(lambda r, j, k, s: (r + k * j, j * s)), "k · j"),
    (recursion(lambda r, j, k, s: (r + k - 1, j)), "stays 1"),
    (recursion(lambda r, j, k, s: (r + (k - 1) * j * s, j * s)), "update the jump before"),
    (recursion(lambda r, j, k, s: (r + (k - 1) * s, j)), "own stride"),
    (recursion(lambda r, j, k, s: (r + (k - 1) * j, s)), "stride of one layer"),
    (recursion(lambda r, j, k, s: (r + (k - 1) * j, j + s)), "add the strides"),
    (recursion(lambda r, j, k, s: (r * k, j)), "multiply kernel sizes"),
    (recursion(lambda r, j, k, s: ((r - 1) * s + k, j)), "*back*"),
    (lambda layers: fields(layers)[-1], "one number, 37"),
    (lambda layers: [1, *fields(layers)], "starts with 1"),
    (lambda layers: fields(layers)[:-1], "3 numbers for 4 layers"),
    (lambda layers: [28] * len(layers), "not [15, 17, 21, 37]"),
    (lambda layers: ["15×15"] * len(layers), "expected a list of numbers"),
    (lambda layers: [k.size for k, s in layers], "AttributeError"),
]


@pytest.mark.parametrize("answer", [fields, fields_backwards])
def test_receptive_fields_right(answer):
    verdict = lesson_02.receptive_fields(answer)
    assert verdict
    assert "15 → 17 → 21 → 37" in verdict.message


@pytest.mark.parametrize(("answer", "word"), WRONG_FIELDS)
def test_receptive_fields_wrong(answer, word):
    assert word in say(lesson_02.receptive_fields, answer)


# -------------------------------------------------------------------------------------- all of them


def test_each_wrong_answer_gets_a_message_of_its_own():
    ledgers = [RIGHT | {layer: row} for layer, row, _ in WRONG_LEDGERS]
    for check, answers in (
        (lesson_02.output_size, [(answer,) for answer, _ in WRONG_SIZES]),
        (lesson_02.fill_ledger, [(answer,) for answer in ledgers]),
        (lesson_02.weight_and_work, [answer for answer, _ in WRONG_WORK]),
        (lesson_02.receptive_fields, [(answer,) for answer, _ in WRONG_FIELDS]),
    ):
        messages = [say(check, *answer) for answer in answers]
        assert len(set(messages)) == len(messages)


def test_the_checks_agree_with_the_ledger_of_the_encoder():
    table = ledger(Encoder(), (1, 28, 28))
    rows = {
        f"conv{number}": (tuple(map(int, row["output"].split("×"))), int(row["parameters"]))
        for number, row in table.iloc[1:].iterrows()
    }
    assert rows == RIGHT
    assert lesson_02.fill_ledger(rows)
    sides = [f"{side}×{side}" for side in fields(lesson_02.FIELD_CASES[0][0])]
    assert list(table["receptive field"]) == sides


@pytest.mark.parametrize(
    ("value", "size", "work"),
    [
        (np.arange(3), "a ndarray", "a ndarray"),
        (torch.arange(3), "a Tensor", "a Tensor"),
        (math.nan, "finite", "not nan"),
        (math.inf, "finite", "not inf"),
        (torch.tensor(3), "you answer 3, not 16", "not 3"),
    ],
)
def test_odd_answers_get_a_verdict_and_no_traceback(value, size, work):
    assert size in say(lesson_02.output_size, lambda n, k, s, p: value)
    assert work in say(lesson_02.weight_and_work, lambda i, o, k, n: value, 4, 1)


@pytest.mark.parametrize("layer", [np.arange(3), torch.arange(3), True, "4", [4]])
def test_a_layer_is_named_by_its_number(layer):
    assert "no layer" in say(lesson_02.weight_and_work, work, layer, 1)
    assert "no layer" in say(lesson_02.weight_and_work, work, 4, layer)


def test_fields_may_come_as_an_array_or_a_tensor():
    assert lesson_02.receptive_fields(lambda layers: np.array(fields(layers)))
    assert lesson_02.receptive_fields(lambda layers: torch.tensor(fields(layers)))
