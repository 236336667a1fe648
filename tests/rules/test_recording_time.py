"""The world's time and a recording's own: each can be told from the other, gaps included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.recording.stretches import Stretch, media_seconds, wall_clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def stretches(*pairs: tuple[float, float]) -> tuple[Stretch, ...]:
    """(seconds away before it, seconds long)."""
    found: list[Stretch] = []
    at, offset = NOON, 0.0
    for away, long in pairs:
        at += timedelta(seconds=away)
        found.append(Stretch(started_at=at, media_offset=offset, duration_seconds=long))
        at, offset = at + timedelta(seconds=long), offset + long
    return tuple(found)


def test_a_moment_in_a_gap_is_where_the_recording_goes_on():
    found = stretches((0, 60), (10, 30))
    assert media_seconds(found, NOON + timedelta(seconds=59)) == 59
    assert media_seconds(found, NOON + timedelta(seconds=65)) == 60
    assert media_seconds(found, NOON + timedelta(seconds=71)) == 61
    assert media_seconds(found, NOON - timedelta(seconds=1)) is None
    assert media_seconds(found, NOON + timedelta(seconds=101)) is None
    assert media_seconds((), NOON) is None


@given(
    pairs=st.lists(st.tuples(st.integers(1, 100), st.integers(1, 1000)), min_size=1, max_size=6),
    share=st.floats(0, 0.999),
)
def test_there_and_back_again(pairs: list[tuple[int, int]], share: float):
    found = stretches(*pairs)
    seconds = share * sum(long for _, long in pairs)
    at = wall_clock(found, seconds)
    assert at is not None
    back = media_seconds(found, at)
    assert back is not None
    assert abs(back - seconds) < 0.001
