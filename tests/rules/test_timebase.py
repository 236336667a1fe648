"""Whatever a publisher's clocks do, the viewers' time goes forward and stays near the wall clock, and its tracks together."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rules.timebase import BEGIN_MS, LAST_MS, Timebase

HOUR = 3_600_000
PICTURE, SOUND = 40, 23


def play(*, seconds: float, video_at, audio_at, timebase: Timebase | None = None, began_ms: int = 0):
    """Both tracks for so long; `…_at` make the publisher's timestamp of the wall clock. [(track, wall, viewers' time)]"""
    timebase = timebase or Timebase()
    arrivals = [("video", wall) for wall in range(began_ms, began_ms + int(seconds * 1000), PICTURE)]
    arrivals += [("audio", wall) for wall in range(began_ms, began_ms + int(seconds * 1000), SOUND)]
    arrivals.sort(key=lambda one: (one[1], one[0]))
    at = {"video": video_at, "audio": audio_at}
    return [
        (track, wall, timebase.at(track=track, source=at[track](wall) % 2**32, arrived_ms=5_000_000 + wall))
        for track, wall in arrivals
    ]


def assert_smooth(given_, *, most_off: int = 60) -> None:
    """Each track goes forward in its own steps, and both are where the wall clock is."""
    first = given_[0][2] - given_[0][1]
    for track in ("video", "audio"):
        times = [at for name, _, at in given_ if name == track]
        assert all(0 <= b - a <= 3 * PICTURE for a, b in pairwise(times))
    assert all(abs(at - wall - first) <= most_off for _, wall, at in given_)


def test_it_begins_at_once_and_keeps_the_publishers_steps():
    found = play(seconds=2, video_at=lambda wall: 777_000 + wall, audio_at=lambda wall: 777_000 + wall)
    assert [at for _, _, at in found] == [BEGIN_MS + wall for _, wall, _ in found]


@pytest.mark.parametrize("bits", [31, 32])
def test_a_counter_that_runs_over_is_not_noticed(bits: int):
    def clock(wall: int) -> int:
        return (2**bits - 1000 + wall) % 2**bits

    assert_smooth(play(seconds=4, video_at=clock, audio_at=clock))


@pytest.mark.parametrize("jump", [-HOUR, HOUR, -2000, 30_000, -500, 20 * 24 * HOUR])
def test_a_clock_that_is_set_moves_nobody(jump: int):
    def clock(wall: int) -> int:
        return 2 * HOUR + wall + (jump if wall > 1500 else 0)

    timebase = Timebase()
    found = play(seconds=4, video_at=clock, audio_at=clock, timebase=timebase)
    assert_smooth(found)
    assert timebase.jumps == 2  # each track, once
    # The tracks are together as they were before.
    offsets = {track: {at - wall for name, wall, at in found[-50:] if name == track} for track in ("video", "audio")}
    assert max(offsets["video"] | offsets["audio"]) - min(offsets["video"] | offsets["audio"]) <= PICTURE


@pytest.mark.parametrize("behind", [HOUR, -HOUR, 10_000])
def test_tracks_an_hour_apart_are_shown_together(behind: int):
    found = play(seconds=3, video_at=lambda wall: 5 * HOUR + wall, audio_at=lambda wall: 5 * HOUR - behind + wall)
    assert_smooth(found)


def test_a_track_that_falls_behind_by_an_hour_stays_with_the_other():
    found = play(
        seconds=4,
        video_at=lambda wall: 2 * HOUR + wall,
        audio_at=lambda wall: 2 * HOUR + wall - (HOUR if wall > 2000 else 0),
    )
    assert_smooth(found)


def test_tracks_that_begin_a_little_apart_stay_apart():
    found = play(seconds=1, video_at=lambda wall: 1000 + wall, audio_at=lambda wall: 1300 + wall)
    apart = {(track, at - wall) for track, wall, at in found}
    assert {offset for track, offset in apart if track == "audio"} == {
        offset + 300 for track, offset in apart if track == "video"
    }


def test_a_pause_of_the_publisher_stays_a_pause():
    timebase = Timebase()
    play(seconds=1, video_at=lambda wall: wall, audio_at=lambda wall: wall, timebase=timebase)
    after = timebase.at(track="video", source=61_000, arrived_ms=5_000_000 + 61_000)
    assert after == BEGIN_MS + 61_000
    assert timebase.jumps == 0


def test_before_players_run_over_the_time_is_used_up():
    timebase = Timebase()
    day = 24 * HOUR
    for days in range(24):
        timebase.at(track="video", source=days * day, arrived_ms=days * day)
    assert not timebase.is_used_up
    timebase.at(track="video", source=LAST_MS + 1, arrived_ms=LAST_MS + 1)
    assert timebase.is_used_up


@given(
    st.lists(
        st.tuples(st.sampled_from(["video", "audio"]), st.integers(0, 2**32 - 1), st.integers(0, 10_000)), max_size=80
    )
)
def test_whatever_a_publisher_says_no_track_runs_back_or_away(said: list[tuple[str, int, int]]):
    timebase, wall, last = Timebase(), 0, {"video": 0, "audio": 0}
    for track, source, wait in said:
        wall += wait
        at = timebase.at(track=track, source=source, arrived_ms=wall)
        assert at >= last[track]
        last[track] = at
    # Each message may be five seconds ahead of the wall clock, and no more.
    assert all(at <= BEGIN_MS + wall + 5_000 * (len(said) + 1) for at in last.values())
