"""What was written becomes files without a frame lost between them, however it is cut, broken off and read."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.recording.raw.feed import Feed
from streams.recording.raw.pieces import AUDIO, VIDEO, Limits, Piece, Why, first_piece, next_piece, read_on, tags
from streams.rules.timebase import LAST_MS, Timebase
from tests.helpers.flv import HEADER, Publisher

NOTHING = (None, None)


def read(data: bytes, *, chunks: tuple[int, ...] = (), **limits: int) -> list[Piece]:
    """All pieces of one run, each a file of its own; read in several looks of so many bytes, or in one."""
    piece, clock, found = first_piece(1), Timebase(), []
    looks = [*(sum(chunks[: n + 1]) for n in range(len(chunks))), len(data)]
    for upto in looks:
        while read_on(data[:upto], piece, clock, limits=Limits(**limits), like=NOTHING) is not Why.END:
            found.append(piece)
            piece, clock = next_piece(piece, clock), Timebase.again(clock.kept())
    return [one for one in (*found, piece) if not one.is_empty]


def fed(pieces: list[Piece], *runs: bytes, **which: bool) -> bytes:
    return b"".join(Feed(pieces=pieces, runs=dict(enumerate(runs, start=1)), **which).chunks())


def counted(flv: bytes) -> tuple[int, int]:
    kinds = [tag.kind for tag in tags(flv, len(HEADER), len(flv)) if tag.is_media]
    return kinds.count(VIDEO), kinds.count(AUDIO)


def times(flv: bytes, kind: int) -> list[int]:
    return [tag.time for tag in tags(flv, len(HEADER), len(flv)) if tag.is_media and tag.kind == kind]


@settings(deadline=None, max_examples=50)
@given(
    seconds=st.integers(1, 20),
    group=st.integers(1, 120),
    split_ms=st.sampled_from([0, 1_000, 3_000, 7_000]),
    split_bytes=st.sampled_from([0, 5_000, 20_000]),
    chunks=st.lists(st.integers(1, 30_000), max_size=5),
)
def test_every_frame_is_in_exactly_one_file(
    seconds: int, group: int, split_ms: int, split_bytes: int, chunks: list[int]
):
    sent = Publisher(group=group).configures().sends(seconds)
    pieces = read(bytes(sent.data), chunks=tuple(chunks), split_ms=split_ms, split_bytes=split_bytes)
    made = [fed([piece], bytes(sent.data)) for piece in pieces]
    assert (sum(counted(flv)[0] for flv in made), sum(counted(flv)[1] for flv in made)) == (sent.frames, sent.sounds)
    assert sum(piece.frames for piece in pieces) == sent.frames
    for flv in made:
        media = [tag for tag in tags(flv, len(HEADER), len(flv)) if tag.is_media and tag.kind == VIDEO]
        assert media[0].is_key
        assert times(flv, VIDEO) == sorted(times(flv, VIDEO))
        assert min(times(flv, VIDEO)[0], times(flv, AUDIO)[0]) == 0
    # One look or many: the same pieces.
    assert pieces == read(bytes(sent.data), split_ms=split_ms, split_bytes=split_bytes)


def test_a_file_begins_at_the_first_keyframe_after_the_interval_and_stays_below_a_size():
    sent = Publisher(group=50).configures().sends(20)
    assert [piece.duration_ms for piece in read(bytes(sent.data), split_ms=3_000)][:-1] == pytest.approx(
        [4_000] * 4, abs=60
    )
    assert all(piece.size <= 20_000 for piece in read(bytes(sent.data), split_bytes=20_000))


def test_another_picture_begins_another_piece_and_the_same_one_said_again_does_not():
    sent = Publisher().configures().sends(2).configures().sends(2).configures(b"1280x720").sends(2)
    first, second = read(bytes(sent.data))
    assert (first.frames, second.frames) == (100, 50)
    assert first.video is not None
    assert second.video is not None
    assert first.video.digest != second.video.digest
    assert b"1280x720" in fed([second], bytes(sent.data))
    assert b"1280x720" not in fed([first], bytes(sent.data))


@settings(deadline=None)
@given(cut=st.integers(0, 400))
def test_what_was_broken_off_is_whole_up_to_its_last_tag(cut: int):
    sent = Publisher().configures().sends(4)
    data = bytes(sent.data)[: len(sent.data) - cut]
    frames, sounds = counted(data)
    [piece] = read(data)
    assert (piece.frames, piece.sounds) == (frames, sounds)


@pytest.mark.parametrize("jump", [-3_600_000, -1_000, 60_000, 2**31, 2**32 - 5_000])
def test_clocks_that_jump_leave_no_gap_and_nothing_runs_back(jump: int):
    sent = Publisher(at=10_000).configures().sends(3)
    sent.at += jump
    sent.sends(3)
    [piece] = read(bytes(sent.data))
    flv = fed([piece], bytes(sent.data))
    assert counted(flv) == (sent.frames, sent.sounds)
    assert piece.duration_ms == pytest.approx(6_000, abs=250)
    for kind in (VIDEO, AUDIO):
        assert times(flv, kind) == sorted(times(flv, kind))
    if abs(jump) > 5_000 and jump != 2**32 - 5_000:
        assert len(piece.breaks) == 1


def test_runs_that_fit_are_joined_without_a_gap_and_pictures_before_a_keyframe_are_left_out():
    one, two = Publisher().configures().sends(5), Publisher(at=999_999)
    two.configures()
    two._since_key = 20
    two.sends(5)
    pieces = []
    for run, sent in enumerate((one, two), start=1):
        piece = first_piece(run)
        read_on(bytes(sent.data), piece, Timebase(), limits=Limits(), like=NOTHING)
        pieces.append(piece)
    assert (pieces[0].frames, pieces[1].frames) == (125, 120)
    flv = fed(pieces, bytes(one.data), bytes(two.data))
    assert counted(flv)[0] == 245
    at = times(flv, AUDIO)
    assert max(after - before for before, after in pairwise(at)) < 60


def test_sound_alone_and_pictures_alone():
    sound = Publisher()
    sound.configures().sends(3, video=False)
    [piece] = read(bytes(sound.data))
    assert (piece.frames, piece.sounds, fed([piece], bytes(sound.data))[4]) == (0, sound.sounds, 4)
    silent = Publisher().configures().sends(3, audio=False)
    [piece] = read(bytes(silent.data))
    assert fed([piece], bytes(silent.data))[4] == 1
    assert fed([piece], bytes(Publisher().configures().sends(3).data), video=False)[4] in (0, 4)


def test_a_cut_begins_at_the_keyframe_before_it():
    sent = Publisher().configures().sends(10)
    feed = Feed(pieces=read(bytes(sent.data)), runs={1: bytes(sent.data)})
    assert feed.begin_ms(4_500) == 4_000
    assert times(b"".join(feed.chunks(from_ms=4_500, to_ms=6_000)), VIDEO)[:2] == [0, 40]


@settings(deadline=None)
@given(junk=st.binary(max_size=300))
def test_junk_ends_the_reading_and_costs_nothing_before_it(junk: bytes):
    sent = Publisher().configures().sends(2)
    pieces = read(bytes(sent.data) + b"\xff" + junk)
    assert sum(piece.frames for piece in pieces) == sent.frames


def test_moments_are_told_from_when_the_last_message_was_written():
    sent = Publisher(at=10_000).configures().sends(3)
    sent.at += 60_000
    sent.sends(2)
    [piece] = read(bytes(sent.data))
    piece.anchor(last_at=1_000.0)
    assert piece.walls == pytest.approx([995.0, 998.0], abs=0.2)
    piece.anchor(last_at=1_001.0)
    assert piece.walls[-1] == pytest.approx(998.0, abs=0.2), "what is seen later was not filmed later"
    assert LAST_MS > 0
