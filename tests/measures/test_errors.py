"""Errors of two kinds of networks, compared in pairs."""

import itertools

import pytest

from ae_helpers import measures


def test_the_same_seed_on_both_sides():
    one, other = [0.50, 0.71, 0.30], [0.55, 0.70, 0.36]
    found = measures.in_pairs(one, other)
    assert found[:2] == (2, 3) and found.difference == pytest.approx(-0.05)
    assert f"{found}" == "lower in 2 of 3, median difference -0.0500"
    back = measures.in_pairs(other, one)
    assert back[:2] == (1, 3) and back.difference == pytest.approx(0.05)
    assert back.luck == found.luck == 1


def test_a_tie_speaks_for_neither():
    found = measures.in_pairs([0.1, 0.2, 0.3], [0.1, 0.1, 0.1])
    assert found[:2] == (0, 2) and found.difference == pytest.approx(0.1)
    assert measures.in_pairs([0.1], [0.1]) == (0, 0, 0) and measures.in_pairs([1], [1]).luck == 1


@pytest.mark.parametrize("pairs", [1, 4, 5])
def test_luck_is_that_of_a_coin(pairs):
    throws = [sum(throw) for throw in itertools.product((0, 1), repeat=pairs)]
    for lower in range(pairs + 1):
        side = max(lower, pairs - lower)
        share = sum(max(heads, pairs - heads) >= side for heads in throws) / len(throws)
        found = measures.in_pairs([0] * lower + [2] * (pairs - lower), [1] * pairs)
        assert found.lower == lower and found.luck == pytest.approx(share)


@pytest.mark.parametrize(("one", "other"), [([], []), ([1, 2], [1])])
def test_what_has_no_partner_is_refused(one, other):
    with pytest.raises(ValueError, match=f"{len(one)} errors beside {len(other)}"):
        measures.in_pairs(one, other)
