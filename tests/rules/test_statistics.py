"""Samples, minutes, means, gaps and comparisons of a show's numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from interactions.statistics.rules import statistics as rules
from interactions.statistics.rules.statistics import MINUTE, MOST_SECONDS, Minute, change, filled, in_words, totals

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

counts = st.integers(0, 10_000)
offsets = st.lists(st.integers(0, 3_000), max_size=12, unique=True)


@st.composite
def minutes(draw):
    samples = draw(st.integers(0, 7))
    online = draw(counts) if samples else 0
    return Minute(
        minute=NOON,
        samples=samples,
        online_sum=online * samples,
        online_peak=online,
        watch_seconds=draw(counts),
        comments=draw(counts),
        likes=draw(counts),
        gift_value=draw(counts),
    )


@st.composite
def shows(draw):
    places = sorted(draw(offsets))
    return [replace(draw(minutes()), minute=NOON + MINUTE * at) for at in places]


@given(st.lists(st.floats(0.01, 400), min_size=1, max_size=50))
def test_whatever_the_looks_no_second_counts_twice_and_none_of_a_steady_watch_is_lost(waits):
    now = start = NOON + timedelta(seconds=3.7)
    last, worth = None, 0
    for wait in waits:
        now += timedelta(seconds=wait)
        if rules.is_due(last=last, now=now):
            worth += rules.worth_seconds(last=last, started_at=start, now=now)
            last = rules.sampled_at(now)
    gone = (now - start).total_seconds()
    assert worth <= gone + 1
    if max(waits) <= 1:
        assert worth >= gone - rules.SLOT_SECONDS - 2


@given(st.datetimes(NOON.replace(tzinfo=None), NOON.replace(year=2030, tzinfo=None)), st.floats(0, 9.9))
def test_of_two_looks_in_the_same_ten_seconds_one_counts(at, later):
    first = rules.slot_of(at.replace(tzinfo=UTC))
    assert rules.is_due(last=first - timedelta(seconds=1), now=first)
    assert not rules.is_due(last=rules.sampled_at(first), now=first + timedelta(seconds=later))


def test_a_clock_that_goes_back_waits_and_one_that_was_far_ahead_is_left_behind():
    assert not rules.is_due(last=NOON, now=NOON - timedelta(seconds=30))
    assert rules.is_due(last=NOON + timedelta(hours=3), now=NOON)
    assert rules.worth_seconds(last=NOON + timedelta(hours=3), started_at=NOON, now=NOON) == 0


def test_an_outage_is_not_watched_time():
    assert rules.worth_seconds(last=NOON, started_at=NOON, now=NOON + timedelta(hours=1)) == MOST_SECONDS
    assert rules.worth_seconds(last=None, started_at=NOON, now=NOON + timedelta(seconds=4)) == 4


@given(shows())
def test_sums_are_sums_and_the_mean_lies_below_the_peak(show):
    found = totals(show)
    assert found.comments == sum(minute.comments for minute in show)
    assert found.gift_value == sum(minute.gift_value for minute in show)
    assert 0 <= found.online_mean <= found.online_peak
    assert found.online_peak == max((minute.online_peak for minute in show), default=0)


@given(shows(), st.integers(1, 500))
def test_a_timeline_has_no_gap_no_end_too_many_and_loses_nothing(show, at_most):
    found, each = filled(show, first=NOON, last=NOON + timedelta(minutes=7, seconds=30), at_most=at_most)
    assert 1 <= len(found) <= at_most
    assert [minute.minute for minute in found] == [NOON + MINUTE * each * n for n in range(len(found))]
    assert totals(found) == totals(show)
    assert len(found) * each >= max([8, *((minute.minute - NOON) / MINUTE + 1 for minute in show)])


def test_what_was_counted_before_the_first_minute_or_after_the_last_is_shown_too():
    early, late = Minute(minute=NOON - MINUTE, comments=1), Minute(minute=NOON + 5 * MINUTE, comments=2)
    found, _ = filled([early, late], first=NOON, last=NOON, at_most=100)
    assert [minute.comments for minute in found] == [1, 0, 0, 0, 0, 0, 2]


def test_nobody_looked_is_not_nobody_was_there():
    assert Minute(minute=NOON).online_mean is None
    assert Minute(minute=NOON, samples=2).online_mean == 0.0
    assert (
        totals([Minute(minute=NOON), Minute(minute=NOON, samples=2, online_sum=10, online_peak=7)]).online_mean == 5.0
    )
    assert totals([]).online_mean == 0.0


@given(counts, st.lists(counts, max_size=9))
def test_words_say_which_way_it_went(value, others):
    found = change(value, others)
    words = in_words(found)
    if not others:
        assert words == "no other stream yet"
    elif found.percent is None:
        assert not any(others)
    else:
        assert ("more" in words) == (found.percent > 0)
        assert ("less" in words) == (found.percent < 0)


def test_words():
    assert in_words(change(150, [100, 100])) == "50 % more than the mean of the 2 others"
    assert in_words(change(50, [100])) == "50 % less than the other one"
    assert in_words(change(100, [100, 100])) == "as the mean of the 2 others"
    assert in_words(change(3, [0, 0])) == "the others had none"
    assert in_words(change(30_000, [100])) == "29,900 % more than the other one"
