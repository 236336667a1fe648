"""Films as live, without a child: shapes of lists, times of joined films, when a tag is due, argument lists."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.picture import flv
from streams.media.graphs import playing as graphs
from streams.media.graphs.playing import Film, Shape
from streams.relays.player.films import Tracks, film_of, shape_of, tracks_in
from streams.relays.player.joining import LEAD_MS, Joiner, Pace

FULL = Tracks(
    video="h264", pix_fmt="yuv420p", width=640, height=360, frame_rate=25, audio="aac", sample_rate=44100, channels=2
)
BEFORE = ("-protocol_whitelist", "file", "-format_whitelist", "mov", "-f", "mov")


def test_tracks_are_read_and_covers_are_no_pictures():
    streams = [
        {"codec_type": "video", "codec_name": "mjpeg", "disposition": {"attached_pic": 1}},
        {"codec_type": "video", "codec_name": "h264", "width": 640, "height": 360, "avg_frame_rate": "30000/1001"},
        {"codec_type": "audio", "codec_name": "aac", "sample_rate": "44100", "channels": 2},
    ]
    found = tracks_in(json.dumps({"streams": streams, "format": {"duration": "12.5"}}))
    assert (found.video, found.audio, found.duration, found.sample_rate) == ("h264", "aac", 12.5, 44100)
    assert found.frame_rate == pytest.approx(29.97, abs=0.01)
    assert tracks_in(json.dumps({"streams": streams[:1]})).is_empty
    assert tracks_in("{}").is_empty


def test_a_list_looks_like_its_first_film_and_the_others_are_made_to_fit():
    other = Tracks(video="mpeg4", pix_fmt="yuv420p", width=321, height=241, frame_rate=60)
    shape = shape_of([FULL, other])
    assert shape == Shape(width=640, height=360, frame_rate=25, sample_rate=44100, channels=2)
    film = film_of(FULL, shape=shape, address="file:/a", before=BEFORE, from_seconds=0)
    assert (film.copies_video, film.copies_audio) == (True, True)
    film = film_of(other, shape=shape, address="file:/b", before=BEFORE, from_seconds=0)
    assert (film.copies_video, film.has_audio) == (False, False)


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_every_size_becomes_one_that_can_be_encoded(width, height):
    shape = shape_of([Tracks(video="vp9", width=width, height=height)])
    assert shape.width % 2 == shape.height % 2 == 0
    assert 16 <= min(shape.width, shape.height) <= 1080
    assert max(shape.width, shape.height) <= 1920


def test_of_sound_alone_no_picture_is_made_and_the_other_way_round():
    assert shape_of([Tracks(audio="mp3", sample_rate=32000, channels=1)]) == Shape(0, 0, 25.0, 44100, 1)
    assert shape_of([Tracks(video="h264", pix_fmt="yuv420p", width=640, height=360, frame_rate=1)]).sample_rate == 0


def tag(at: int, *, video: bool = True) -> bytes:
    body = b"\x27\x01\x00\x00\x00x" if video else b"\xaf\x01x"
    head = bytes([9 if video else 8]) + len(body).to_bytes(3, "big") + b"\0\0\0\0" + b"\0\0\0"
    return flv.with_time(head + body + b"\0\0\0\x0c", at)


def test_the_time_goes_on_from_film_to_film():
    joiner = Joiner()
    times = []
    for _ in range(3):
        joiner.next_film()
        for at in (7000, 7040, 7080):
            times.append(flv.time_of(joiner.joined(tag(at))))
    assert times == [0, 40, 80, 120, 160, 200, 240, 280, 320]


def test_a_step_that_is_none_is_closed():
    joiner = Joiner()
    times = [flv.time_of(joiner.joined(tag(at))) for at in (0, 40, 3_600_000, 3_600_040, 5, 45)]
    assert times == [0, 40, 80, 120, 160, 200]
    assert joiner.joined(b"\x12\0\0\x01\0\0\0\0\0\0\0x\0\0\0\x0c") is None


@given(st.lists(st.tuples(st.integers(0, 2**31), st.booleans()), max_size=60))
def test_the_time_of_a_track_never_runs_back(tags):
    joiner, last = Joiner(), {}
    for at, video in tags:
        here = flv.time_of(joiner.joined(tag(at, video=video)))
        assert here >= last.get(video, 0)
        last[video] = here


def test_tags_are_sent_a_little_ahead_and_a_pause_is_no_burst():
    pace = Pace()
    assert pace.wait_ms(0, now_ms=5_000) == 0
    assert pace.wait_ms(LEAD_MS, now_ms=5_000) == 0
    assert pace.wait_ms(LEAD_MS + 400, now_ms=5_000) == 400
    assert pace.wait_ms(LEAD_MS + 440, now_ms=65_000) == 0
    assert pace.wait_ms(LEAD_MS + 480, now_ms=65_000) <= 40
    assert pace.wait_ms(LEAD_MS + 2_480, now_ms=65_000) > 1_000


# Argument lists.

QUIET = ["-nostdin", "-hide_banner", "-loglevel", "warning"]
INPUT = ["-f", "mov", "-format_whitelist", "mov", "-protocol_whitelist", "file"]


def test_a_film_that_fits_is_copied_from_where_it_was():
    shape = Shape(640, 360, 25, 44100, 2)
    assert graphs.film(Film("file:/a b.mp4", BEFORE, shape, from_seconds=3.5)) == [
        "ffmpeg", *INPUT, "-ss", "3.500", "-i", "file:/a b.mp4", "-map", "0:V:0", "-map", "0:a:0", "-f", "flv",
        "-c:a", "copy", "-c:v", "copy", "-flvflags", "no_duration_filesize+no_sequence_end", "pipe:1", *QUIET,
    ]  # fmt: skip


def test_what_a_film_lacks_is_made_up_and_ends_with_it():
    made = graphs.film(Film("file:/a", BEFORE, Shape(640, 360, 25, 44100, 1), has_audio=False, copies_video=False))
    text = " ".join(made)
    assert "anullsrc=r=44100:cl=mono" in text
    assert "scale=force_original_aspect_ratio=decrease:h=360:w=640" in text
    assert made.index("-shortest") < made.index("pipe:1")
    sound = " ".join(graphs.film(Film("file:/a", BEFORE, Shape(640, 360, 25, 44100, 1), has_video=False)))
    assert "color=c=black:s=640x360:r=25" in sound


def test_the_list_of_the_publisher():
    assert graphs.film_publish(graphs.FilmPublish("rtmp://127.0.0.1/live/s?own=1")) == [
        "ffmpeg", "-f", "flv", "-analyzeduration", "1000000", "-fflags", "noparse", "-i", "pipe:0", "-f", "flv", "-c", "copy",
        "-flvflags", "no_duration_filesize", "-map", "0", "-rtmp_flashver", "Liveroom", "-rw_timeout", "12000000",
        "rtmp://127.0.0.1/live/s?own=1", *QUIET[1:], "-progress", "pipe:1", "-stats_period", "1",
    ]  # fmt: skip
