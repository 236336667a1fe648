"""A compositor's inputs on one time, its own pace, and what it understands of a decoder's words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.media.compositor.inputs.pool import Pool
from streams.media.compositor.inputs.timeline import RATE, Timeline
from streams.media.compositor.inputs.words import Tracks, Words
from streams.media.compositor.pace import MOST_BEHIND_SECONDS, Pace

FPS = 25
STEP = RATE // FPS


@dataclass
class Film:
    """A source whose pictures are their numbers, and whose sound counts milliseconds: so what belongs together can be told."""

    timeline: Timeline[int]
    fps: int = FPS
    pictures: int = 0
    samples: int = 0

    def give(self, until: float, *, pictures: bool = True, sound: bool = True) -> None:
        """All that it has up to that second of its own time."""
        while pictures and self.pictures < int(until * self.fps):
            self.timeline.put_picture(self.pictures)
            self.pictures += 1
        count = int(until * RATE) - self.samples
        if sound and count > 0:
            numbers = (np.arange(self.samples, self.samples + count) // 48).astype(np.int64) % 30_000
            self.timeline.put_sound(np.repeat(numbers.astype(np.int16)[:, None], 2, axis=1))
            self.samples += count


@dataclass
class Seen:
    apart: list[float] = field(default_factory=list)
    stood: int = 0
    pictures: list[int] = field(default_factory=list)


def watched(film: Film, seen: Seen) -> None:
    """One step, and how far picture and sound of it were apart, in milliseconds."""
    taken = film.timeline.take(RATE // film.fps)
    if not taken.runs or taken.picture is None:
        seen.stood += 1
        return
    seen.pictures.append(taken.picture)
    # The middle: its beginning may be faded in.
    heard = float(taken.sound[-1][0]) * 32768 if taken.sound is not None else 0.0
    length = 1000 / film.fps
    due = (taken.picture + 1) * length - 1
    if heard > 1 and taken.picture * length < 29_000:
        seen.apart.append(heard - due)


def timeline(**more) -> Timeline[int]:
    return Timeline(fps=FPS, pictures=True, sound=True, **more)


def test_picture_and_sound_of_a_moment_come_together():
    film, seen = Film(timeline()), Seen()
    for step in range(500):
        film.give(step / FPS)
        watched(film, seen)
    assert seen.pictures == list(range(len(seen.pictures)))
    assert len(seen.pictures) > 490
    assert max(map(abs, seen.apart)) <= 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 0.6), min_size=20, max_size=60), st.floats(0.97, 1.03), st.integers(5, 60), st.floats(0, 2)
)
def test_neither_stumbling_nor_a_wrong_clock_makes_them_drift_apart(
    stumbles: list[float], speed: float, fps: int, delay: float
):
    film, seen = Film(Timeline(fps=fps, pictures=True, sound=True, delay_seconds=delay), fps=fps), Seen()
    for number, stumble in enumerate(stumbles):
        for step in range(fps // 2):
            late = stumble if step < fps // 4 else 0
            film.give(max(0.0, (number / 2 + step / fps - late)) * speed)
            watched(film, seen)
    # Half a picture while it hurries, and the millisecond that sound is counted in.
    assert all(abs(one) <= 500 / fps + 2 for one in seen.apart)
    assert seen.pictures == sorted(seen.pictures)


def test_a_source_with_a_faster_clock_is_followed_and_never_runs_away():
    film, seen = Film(timeline()), Seen()
    for step in range(60 * FPS):
        film.give(step / FPS * 1.002)
        watched(film, seen)
    assert film.timeline.depth_seconds < 0.3
    assert film.timeline.jumps == 0
    assert seen.stood < 10
    assert max(map(abs, seen.apart)) <= 22


def test_a_source_with_a_slower_clock_waits_now_and_then():
    film, seen = Film(timeline()), Seen()
    for step in range(60 * FPS):
        film.give(step / FPS * 0.998)
        watched(film, seen)
    assert film.timeline.depth_seconds < 0.5
    assert seen.pictures[-1] > 59 * FPS
    assert max(map(abs, seen.apart)) <= 22


def test_a_burst_at_the_beginning_is_jumped_over():
    film, seen = Film(timeline()), Seen()
    film.give(3)
    for step in range(2 * FPS):
        film.give(3 + step / FPS)
        watched(film, seen)
    assert film.timeline.depth_seconds < 0.35
    assert max(map(abs, seen.apart)) <= 1


def test_what_stalled_goes_on_where_it_was_and_what_came_meanwhile_is_left_out():
    film, seen = Film(timeline()), Seen()
    for step in range(200):
        film.give(step / FPS if not 50 <= step < 120 else 2)
        watched(film, seen)
    assert 60 <= seen.stood < 90
    assert film.timeline.depth_seconds < 0.5
    assert seen.pictures[-1] > 180
    assert max(map(abs, seen.apart)) <= 1


def test_a_track_that_stops_does_not_stop_the_other():
    film, seen = Film(timeline()), Seen()
    for step in range(300):
        film.give(step / FPS, sound=step < 100)
        watched(film, seen)
    assert seen.pictures[-1] > 270
    silent = film.timeline.take(STEP)
    assert silent.sound is not None
    assert not silent.sound.any()


@pytest.mark.parametrize(("pictures", "sound"), [(True, False), (False, True)])
def test_one_track_alone_runs(pictures: bool, sound: bool):
    one: Timeline[int] = Timeline(fps=FPS, pictures=pictures, sound=sound)
    film = Film(one)
    ran = 0
    for step in range(100):
        film.give(step / FPS, pictures=pictures, sound=sound)
        taken = one.take(STEP)
        ran += taken.runs
        assert (taken.sound is not None) == (sound and taken.runs)
    assert ran > 90


def test_a_delay_holds_both_back_and_can_be_changed():
    film, seen = Film(timeline(delay_seconds=2)), Seen()
    for step in range(100):
        film.give(step / FPS)
        watched(film, seen)
    assert 2 <= film.timeline.depth_seconds < 2.3
    film.timeline.set_delay(0)
    for step in range(100, 200):
        film.give(step / FPS)
        watched(film, seen)
    assert film.timeline.depth_seconds < 0.3
    film.timeline.set_delay(1)
    for step in range(200, 300):
        film.give(step / FPS)
        watched(film, seen)
    assert 1 <= film.timeline.depth_seconds < 1.3
    assert max(map(abs, seen.apart)) <= 1


def test_its_memory_is_bounded():
    film = Film(timeline())
    film.give(20)
    assert film.timeline.stored_seconds < 1


def test_rooms_are_used_again_when_nobody_holds_them():
    pool = Pool(100)
    first = pool.room()
    view = first[:10]
    del first
    second = pool.room()
    assert second.base is None
    assert view.base is not second
    del view
    third = pool.room()
    del second, third
    pool.shrink(1)
    assert len(pool._rooms) == 1


@given(st.integers(5, 60), st.lists(st.floats(0, 0.2), max_size=200))
def test_frames_come_at_their_rate_whatever_each_took(fps: int, took: list[float]):
    pace, now, samples = Pace(fps=fps, now=100.0), 100.0, 0
    for seconds in took:
        now += max(0.0, pace.wait(now))
        samples += pace.begin(now)
        now += seconds
    assert samples == pace.frame * RATE // fps
    assert pace.skipped == 0 or sum(took) > MOST_BEHIND_SECONDS


def test_a_machine_that_slept_does_not_make_it_hurry():
    pace = Pace(fps=25, now=0.0)
    pace.begin(3600.0)
    assert pace.wait(3600.0) > 0
    assert pace.late == 1


HEAD = b"""[info] Input #0, live_flv, from 'rtmp://127.0.0.1/live/abc?gw=secret':
[info]   Duration: N/A, start: 1.4, bitrate: N/A
[info]   Stream #0:0: Audio: aac (LC), 44100 Hz, mono, fltp, 71 kb/s
[info]   Stream #0:1: Video: h264 (High), 1 reference frame, yuv420p(progressive), 640x360 (640x368) [SAR 1:1 DAR 16:9], 25 fps, 50 tbr
[info] Stream mapping:
[info]   Stream #0:1 -> #0:0 (h264 (native) -> rawvideo (native))
"""
SCALED = (
    b"[graph 0 input from stream 0:1 @ 0x5] [verbose] w:640 h:360 pixfmt:yuv420p tb:1/1000 fr:25/1 sar:1/1\n"
    b"[Parsed_scale_1 @ 0x5] [verbose] w:640 h:360 fmt:yuv420p sar:1/1 -> w:320 h:180 fmt:yuv420p sar:1/1 flags:0x2\n"
)


def test_what_a_decoder_says_of_its_source_is_understood():
    words = Words()
    for byte in HEAD + SCALED:
        words.feed(bytes([byte]))
    assert words.tracks == Tracks(pictures=True, sound=True, width=640, height=360, fps=25.0)
    assert words.seen == (320, 180)
    assert not words.has_changed
    words.feed(SCALED.replace(b"0x5", b"0x6"))
    assert words.has_changed


def test_a_track_that_comes_later_and_one_that_nobody_can_decode():
    words = Words()
    words.feed(HEAD.replace(b"Audio: aac", b"Audio: none"))
    assert words.tracks == Tracks(pictures=True, sound=False, width=640, height=360, fps=25.0)
    words.feed(b"[live_flv @ 0x1] [warning] New audio stream 0:2 at pos:1 and DTS:2s\n")
    assert words.has_changed


def test_its_last_complaint_names_no_address():
    words = Words()
    words.feed(b"[error] rtmp://127.0.0.1/live/abc?gw=secret: Input/output error\n")
    words.feed(b"[rawvideo @ 0x1] [error] Application provided invalid, non monotonically increasing dts\n")
    assert words.why == "…: Input/output error" or words.why == "… Input/output error"


@given(st.binary(max_size=400))
def test_no_words_break_it(data: bytes):
    words = Words()
    words.feed(HEAD + data + b"\n" + data)
    assert words.tracks is not None
