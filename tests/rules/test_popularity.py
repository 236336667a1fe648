"""Popularity: forgotten by half, never negative, monotone, and the same however often somebody looks."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from interactions.statistics.rules.popularity import heat_after, heat_within, popularity

WEIGHTS = {"online": 10, "comments": 2, "likes": 1, "gift_value": 1, "half_life_minutes": 10}
ANY_WEIGHTS = st.fixed_dictionaries(
    {name: st.integers(0, 1_000_000) for name in ("online", "comments", "likes", "gift_value")}
    | {"half_life_minutes": st.integers(1, 1440)}
)
COUNT = st.integers(0, 10**9)
HEAT = st.floats(0, 1e12)
SECONDS = st.floats(0, 1e7)


def quiet(heat: float, seconds: float) -> float:
    return heat_after(heat, seconds=seconds, comments=0, likes=0, gift_value=0, weights=WEIGHTS)


def test_half_is_forgotten_in_a_half_life_and_all_of_it_in_a_day():
    assert quiet(1000, 600) == 500
    assert quiet(1000, 6000) == 1000 / 1024
    assert quiet(1000, 86_400) == 0
    assert quiet(1e15, 10**9) == 0


@given(HEAT, st.integers(1, 100), st.floats(0.1, 60))
def test_it_does_not_matter_how_often_somebody_looks(heat, looks, seconds):
    often = heat
    for _ in range(looks):
        often = quiet(often, seconds)
    once = quiet(heat, looks * seconds)
    assert math.isclose(often, once, rel_tol=1e-9, abs_tol=0.51)


@given(HEAT, SECONDS, COUNT, COUNT, COUNT, COUNT, ANY_WEIGHTS, st.integers(0, 10**6))
def test_more_of_anything_is_never_less_popular(heat, seconds, online, comments, likes, gift_value, weights, more):
    def of(**changed):
        said = {"comments": comments, "likes": likes, "gift_value": gift_value, "seconds": seconds} | changed
        present = said.pop("online", online)
        found = popularity(heat_after(said.pop("heat", heat), weights=weights, **said), online=present, weights=weights)
        assert isinstance(found, int)
        assert 0 <= found < 2**63
        return found

    plain = of()
    assert of(online=online + more) >= plain
    assert of(comments=comments + more) >= plain
    assert of(likes=likes + more) >= plain
    assert of(gift_value=gift_value + more) >= plain
    assert of(heat=heat + more) >= plain
    assert of(seconds=seconds + more) <= plain


def test_a_clock_that_went_back_and_a_refund_do_no_harm():
    assert heat_after(100, seconds=-60, comments=-1, likes=-1, gift_value=-1000, weights=WEIGHTS) == 100


def test_what_those_who_are_there_do_not_explain_is_heat():
    assert popularity(35.7, online=3, weights=WEIGHTS) == 65
    assert heat_within(65, online=3, weights=WEIGHTS) == 35
    assert heat_within(65, online=30, weights=WEIGHTS) == 0
