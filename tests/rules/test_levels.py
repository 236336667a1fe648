"""Points, levels and badges: monotone, bounded, the same for everybody."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from interactions.people import rules as levels
from interactions.people.rules import MOST_POINTS, BadgeRule, Measures

COUNT = st.integers(0, 2**50)
MEASURES = st.builds(
    Measures, minutes=COUNT, messages=COUNT, likes=COUNT, gift_value=st.integers(-(2**50), 2**50), member=st.booleans()
)
WEIGHTS = st.fixed_dictionaries(
    {name: st.integers(0, 1_000_000) for name in ("minutes", "messages", "likes", "gift_value", "member")}
)
THRESHOLDS = st.lists(st.integers(1, 10**7), max_size=100, unique=True).map(sorted)


def test_points_are_the_weighted_sum():
    weights = {"minutes": 1, "messages": 2, "likes": 3, "gift_value": 4, "member": 500}
    assert levels.points(Measures(minutes=10, messages=10, likes=10, gift_value=10, member=True), weights) == 600
    assert levels.points(Measures(minutes=10, gift_value=-10), weights) == 0
    assert levels.points(Measures(messages=3), {}) == 0


@given(MEASURES, WEIGHTS, st.sampled_from(["minutes", "messages", "likes", "gift_value"]), st.integers(0, 2**20))
def test_who_does_more_has_no_fewer_points(measures, weights, name, more):
    before = levels.points(measures, weights)
    after = levels.points(replace(measures, **{name: getattr(measures, name) + more}), weights)
    assert 0 <= before <= after <= MOST_POINTS
    assert levels.points(replace(measures, member=True), weights) >= before


@given(st.integers(0, 2 * 10**7), THRESHOLDS)
def test_a_level_begins_at_its_threshold_and_ends_before_the_next(points, thresholds):
    level, following = levels.level_of(points, thresholds), levels.next_level_at(points, thresholds)
    assert level == sum(threshold <= points for threshold in thresholds)
    if following is None:
        assert level == len(thresholds)
    else:
        assert following > points
        assert levels.level_of(following, thresholds) == level + 1
        assert levels.level_of(following - 1, thresholds) == level


def test_the_first_threshold_begins_level_one():
    assert [levels.level_of(points, [50, 200]) for points in (0, 49, 50, 199, 200, 10**9)] == [0, 0, 1, 1, 2, 2]
    assert levels.level_of(10**9, []) == 0


def badge(number: int, measure: str, at_least: int = 0, place: int = 0) -> BadgeRule:
    return BadgeRule(id=number, label=f"b{number}", measure=measure, at_least=at_least, place=place)


def test_badges_are_earned_by_measures_and_given_ones_by_nobody():
    badges = [
        badge(1, "given"), badge(2, "messages", 10), badge(3, "messages", 11), badge(4, "level", 2), badge(5, "level", 3),
        badge(6, "member"), badge(7, "gift_value", 1),
    ]  # fmt: skip
    measures = Measures(messages=10, gift_value=-5)
    assert levels.earned(measures, level=2, badges=badges) == {2, 4}
    assert levels.earned(replace(measures, member=True), level=0, badges=badges) == {2, 6}


def test_three_are_shown_those_of_the_smallest_place():
    held = [badge(1, "given", place=9), badge(2, "given"), badge(3, "given", place=1), badge(4, "given")]
    assert levels.shown(held) == ["b2", "b4", "b3"]
    assert levels.shown([]) == []
