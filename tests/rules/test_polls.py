"""Votes as bits: what was chosen comes back, and every vote is counted once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interactions.polls.rules import MOST_ANSWERS, bars, choices_fault, choices_of, choices_shape_fault, mask_of, totals

CHOICES = st.lists(st.integers(1, MOST_ANSWERS), min_size=1, max_size=MOST_ANSWERS, unique=True)


@given(CHOICES)
def test_what_was_chosen_comes_back_in_order_and_fits_the_column(choices):
    mask = mask_of(choices)
    assert choices_of(mask) == sorted(choices)
    assert 1 <= mask <= 63
    assert choices_fault(choices, answers=MOST_ANSWERS, at_most=MOST_ANSWERS) is None


@given(st.lists(CHOICES, max_size=50))
def test_the_totals_are_what_one_would_count_by_hand(ballots):
    found = totals(Counter(map(mask_of, ballots)), answers=MOST_ANSWERS)
    assert found.ballots == len(ballots)
    assert list(found.votes) == [sum(n in ballot for ballot in ballots) for n in range(1, MOST_ANSWERS + 1)]
    assert sum(found.votes) == sum(map(len, ballots))
    assert all(0 <= bar <= 100 for bar in bars(found.votes, ballots=found.ballots))


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        (None, "list"),
        ("1", "list"),
        (1, "list"),
        ({"1": 1}, "list"),
        ([True], "list"),
        ([1.0], "list"),
        (["1"], "list"),
        ([[1]], "list"),
        ([], "at least one"),
        ([0], "no answer 0"),
        ([-1], "no answer -1"),
        ([4], "1 to 3"),
        ([10**30], "no answer 1000"),
        ([1, 1], "twice"),
        ([1, 2, 3], "takes 2"),
    ],
)
def test_what_is_no_vote_is_told_why(choices, says):
    fault = choices_shape_fault(choices) or choices_fault(choices, answers=3, at_most=2)
    assert fault is not None
    assert says in fault


def test_nobody_voted_is_no_division_by_nothing():
    assert bars(totals({}, answers=2).votes, ballots=0) == [0, 0]
