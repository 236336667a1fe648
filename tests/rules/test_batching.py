"""Batches of likes: nothing is lost on the way, nothing waits longer than a second, nobody adds more than the app allows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interactions.likes import rules as batching
from interactions.likes.rules import Batch

USERS = st.sampled_from(["mia", "zed", "max", "stella", "rita", "ann", "bob"])
TAPS = st.lists(st.tuples(USERS, st.integers(0, 60), st.integers(0, 900)), max_size=60)


def test_nineteen_wait_for_a_second_and_twenty_do_not():
    nineteen = batching.joined(Batch(), user="mia", count=19, now_ms=5_000)
    assert batching.publish_in_ms(nineteen, now_ms=5_000) == 1_000
    assert batching.publish_in_ms(nineteen, now_ms=5_600) == 400
    assert batching.publish_in_ms(nineteen, now_ms=6_000) == 0
    assert batching.publish_in_ms(batching.joined(nineteen, user="zed", count=1, now_ms=5_001), now_ms=5_001) == 0
    assert batching.publish_in_ms(Batch(), now_ms=9_999) is None


def test_a_clock_that_was_set_back_makes_nobody_wait_longer():
    batch = batching.joined(Batch(), user="mia", count=1, now_ms=50_000)
    assert batching.publish_in_ms(batch, now_ms=10_000) == 1_000


@given(TAPS)
def test_what_is_told_together_is_what_was_tapped(taps):
    batch, now, told, users = Batch(), 0, 0, {}
    for user, count, later in taps:
        now += later
        batch = batching.joined(batch, user=user, count=count, now_ms=now)
        assert sum(batch.users.values()) == batch.count
        if batching.publish_in_ms(batch, now_ms=now) == 0:
            assert batch.count >= batching.BATCH or now - batch.began_ms >= batching.APART_MS
            told, users, batch = told + batch.count, batching.together(users, batch.users), Batch()
        assert batch.count < batching.BATCH
    assert told + batch.count == sum(count for _, count, _ in taps)
    assert sum(users.values()) == told


@given(st.dictionaries(USERS, st.integers(1, 5)))
def test_those_who_liked_most_are_named(users):
    named = batching.shown(users)
    assert len(named) == min(len(users), batching.SHOWN_USERS)
    assert all(users[one] <= min(users[name] for name in named) for one in users.keys() - set(named))


def test_a_user_adds_a_seconds_worth_and_then_as_fast_as_the_app_allows():
    first = batching.counted(asked=80, per_second=50, full_at_us=0, now_us=1_000_000)
    assert (first.count, first.retry_after_ms) == (50, 20)
    at_once = batching.counted(asked=1, per_second=50, full_at_us=first.full_at_us, now_us=1_000_000)
    assert (at_once.count, at_once.full_at_us, at_once.retry_after_ms) == (0, first.full_at_us, 20)
    later = batching.counted(asked=80, per_second=50, full_at_us=first.full_at_us, now_us=1_500_000)
    assert later.count == 25


@given(
    per_second=st.integers(1, 1000),
    asks=st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 2_000_000)), min_size=1, max_size=40),
)
def test_no_second_counts_more_than_twice_the_rate_and_no_minute_more_than_the_rate(per_second, asks):
    """A bucket: what was saved up, and what came in meanwhile."""
    now, full_at, total, began = 0, 0, 0, None
    for asked, later in asks:
        now += later
        began = now if began is None else began
        found = batching.counted(asked=asked, per_second=per_second, full_at_us=full_at, now_us=now)
        assert 0 <= found.count <= min(asked, per_second)
        assert found.count == asked or found.retry_after_ms > 0
        wait = batching.counted(
            asked=1, per_second=per_second, full_at_us=found.full_at_us, now_us=now + found.retry_after_ms * 1000
        )
        assert wait.count == 1
        full_at, total = found.full_at_us, total + found.count
        each_us = 1_000_000 // per_second
        assert total <= per_second + (now - began) // each_us + 1
