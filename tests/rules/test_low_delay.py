"""Playlists of low-latency HLS as they are made from what is cut, read by the strict reader; and what may be asked of them."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveroom.kernel.errors import BadParameter
from streams.gateway.low_delay.asked import Asked, asked_of
from streams.gateway.low_delay.window import PieceGone, PieceRefused, Window
from tests.helpers.flv import video_config
from tests.helpers.strict_playlist import Watched, read
from tests.rules.test_cutting import CROPPED, Feeding, picture

SECRET = "secret"


def opened(feeding: Feeding) -> Window:
    return Window(cutter=feeding.cutter, secret=SECRET)


async def text_of(window: Window, **asked: object) -> str:
    found = await window.playlist(Asked(**asked))  # type: ignore[arg-type]
    assert found is not None
    return found.decode()


async def test_every_playlist_of_a_minute_keeps_the_rules():
    feeding, watched, at = Feeding(), Watched(), 0
    window = opened(feeding)
    for number in range(300):
        at = feeding.plays(0.2, begins=at)
        if window._kept:
            watched.take(await text_of(window, skip=number % 3 > 0))
    assert watched.full is not None
    assert (watched.full.target, watched.full.part_target) == (2, 0.21)
    assert watched.deltas > 50
    assert watched.hints_kept > 100
    assert len(watched.full.whole) == 7  # fourteen seconds
    feeding.cutter.end("stream_ended")
    assert watched.take(await text_of(window)).ended


async def test_a_break_is_listed_with_its_initial_segment_and_counted_when_it_has_gone():
    feeding, watched = Feeding(audio=False), Watched()
    window = opened(feeding)
    at = feeding.plays(5, audio=False)
    feeding.give(video_config(CROPPED))
    maps = set()
    for _ in range(150):
        at = feeding.plays(0.2, begins=at, audio=False, group=5)
        playlist = watched.take(await text_of(window))
        maps |= {entry.map for entry in playlist.entries}
    assert len(maps) == 2
    assert watched.full is not None
    assert watched.full.breaks_before == 1


async def test_pictures_that_come_when_they_like_are_told_within_the_limits():
    """A camera that skips: the longest picture stays for one and a half seconds."""
    feeding, at = Feeding(audio=False), 0
    window = opened(feeding)
    for number in range(800):
        at += 1500 if number % 90 == 70 else 33 + number % 3 * 20
        feeding.give(picture(at, key=number % 40 == 0))
    text = await text_of(window)
    most, target = feeding.cutter.part_seconds, feeding.cutter.target_seconds
    assert max(map(float, re.findall(r"#EXT-X-PART:DURATION=([0-9.]+)", text))) == most
    assert all(round(float(seconds)) <= target for seconds in re.findall(r"#EXTINF:([0-9.]+)", text))
    dates = re.findall(r"DATE-TIME:(\S+)Z", text)
    for entry, date in zip(list(window._kept)[-len(dates) + 1 :], dates, strict=False):
        assert entry.started_at.isoformat(timespec="milliseconds").startswith(date)


async def test_a_request_waits_for_its_part_and_for_no_more():
    feeding = Feeding(audio=False)
    window = opened(feeding)
    at = feeding.plays(4.5, audio=False)
    last = read(await text_of(window)).last_part
    waiting = asyncio.create_task(window.playlist(Asked(msn=last[0], part=last[1] + 1)))
    segment = asyncio.create_task(window.playlist(Asked(msn=last[0])))
    beyond = asyncio.create_task(window.playlist(Asked(msn=last[0] - 1, part=99)))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert read((await beyond or b"").decode()).last_part == last
    feeding.plays(0.25, begins=at, audio=False, group=10_000)
    assert read((await waiting or b"").decode()).last_part == (last[0], last[1] + 1)
    assert not segment.done()
    feeding.plays(3, begins=at + 250, audio=False, group=25)
    assert read((await segment or b"").decode()).whole[-1].msn >= last[0]


async def test_what_is_too_far_ahead_is_refused():
    feeding = Feeding(audio=False)
    window = opened(feeding)
    feeding.plays(4.5, audio=False)
    msn, part = read(await text_of(window)).last_part
    for asked in (Asked(msn=msn + 3), Asked(msn=msn, part=part + 16), Asked(msn=msn + 1, part=16)):
        with pytest.raises(BadParameter, match="too far ahead"):
            await window.playlist(asked)


async def test_pieces_are_found_by_their_own_names_only():
    feeding, other = Feeding(audio=False), Feeding(audio=False)
    windows = [opened(feeding), opened(other)]
    for one in (feeding, other):
        one.plays(4.5, audio=False)
    playlist = read(await text_of(windows[0]))
    first = playlist.whole[0]
    assert await windows[0].piece(first.uri.removesuffix(".m4s")) == feeding.heard.segments[0].data
    part = feeding.heard.segments[0].parts[2]
    assert await windows[0].piece(first.parts[2].uri.removesuffix(".m4s")) == part.data
    assert (await windows[0].piece(first.map.removesuffix(".mp4"))).startswith(b"\0\0\0")
    name = first.uri.removesuffix(".m4s")
    for wrong in (f"8{name[1:]}", f"{name[:-1]}!", name.rpartition("-")[0], "", "7.1-" + "A" * 12, "../" + name):
        with pytest.raises(PieceRefused):
            await windows[0].piece(wrong)
    with pytest.raises(PieceRefused):
        await windows[1].piece(name)


async def test_an_announced_part_is_waited_for_and_a_forgotten_one_is_gone():
    feeding = Feeding(audio=False)
    window = opened(feeding)
    at = feeding.plays(4.5, audio=False)
    playlist = read(await text_of(window))
    announced = (playlist.last_part[0], playlist.last_part[1] + 1)
    waiting = asyncio.create_task(window.piece(playlist.hint.removesuffix(".m4s")))
    await asyncio.sleep(0)
    assert not waiting.done()
    feeding.plays(0.3, begins=at, audio=False, group=10_000)
    assert await waiting == next(part.data for part in feeding.heard.parts if (part.msn, part.index) == announced)
    feeding.plays(60, begins=at + 300, audio=False)
    with pytest.raises(PieceGone):
        await window.piece(playlist.whole[0].uri.removesuffix(".m4s"))
    assert len(window._kept) < 20


async def test_the_last_words_reach_those_who_wait():
    feeding = Feeding(audio=False)
    window = opened(feeding)
    feeding.plays(4.5, audio=False)
    msn, _ = read(await text_of(window)).last_part
    waiting = asyncio.create_task(window.playlist(Asked(msn=msn + 1)))
    await asyncio.sleep(0)
    feeding.cutter.end("stream_ended")
    assert (await waiting or b"").endswith(b"#EXT-X-ENDLIST\n")
    assert not re.search(rb"PRELOAD", await waiting or b"")


@pytest.mark.parametrize(
    "query",
    [
        {"_HLS_msn": ["-1"]}, {"_HLS_msn": ["1.5"]}, {"_HLS_msn": [""]}, {"_HLS_msn": ["1" * 16]}, {"_HLS_msn": ["٣"]},
        {"_HLS_msn": ["1", "2"]}, {"_HLS_part": ["1"]}, {"_HLS_msn": ["1"], "_HLS_part": ["x"]}, {"_HLS_skip": ["yes"]},
        {"_HLS_skip": ["YES", "YES"]}, {"_HLS_msn": ["1\n"]},
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused_by_name(query: dict[str, list[str]]):
    with pytest.raises(BadParameter, match="_HLS_"):
        asked_of(query)


@given(
    st.dictionaries(st.sampled_from(["_HLS_msn", "_HLS_part", "_HLS_skip"]), st.lists(st.text(max_size=20), max_size=2))
)
def test_any_query_is_read_or_refused(query: dict[str, list[str]]):
    with contextlib.suppress(BadParameter):
        asked_of(query)
