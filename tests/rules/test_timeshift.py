"""Which part of a window a player is told of, how a list of it reads, what goes when it is too much, and what a kill leaves."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.dvr.gathering import Gathered, Gathering
from streams.gateway.fmp4.pieces import Initial, Part, Segment
from streams.gateway.fmp4.tracks import Sound
from streams.timeshift import playlist, rules
from streams.timeshift.rules import Item, Shift
from streams.timeshift.shelf import Bounds, Shelf
from streams.timeshift.window import INDEX, Window

NOW = 1_795_000_000_000


def items(*durations_ms: int, start_ms: int = NOW, size: int = 100) -> list[Item]:
    found, at = [], start_ms
    for number, duration in enumerate(durations_ms):
        found.append(Item("1", number, at, duration, size, 1, 0, "a" * 8))
        at += duration
    return found


lengths = st.lists(st.integers(500, 20_000), min_size=1, max_size=30)


@given(lengths, st.integers(1, 2000), st.integers(0, 300), st.integers(-50_000, 1_500_000), st.integers(0, 1_400_000))
def test_what_is_shown_is_in_the_window_and_old_enough_and_without_a_gap(durations, seconds, delay, from_ms, at):
    every = items(*durations)
    now = NOW + at
    found = rules.shown(every, now_ms=now, seconds=seconds, delay_ms=delay * 1000, from_ms=NOW + from_ms)
    assert [one.number for one in found] == list(range(found[0].number, found[-1].number + 1)) if found else True
    assert all(now - seconds * 1000 < one.end_ms <= now - delay * 1000 for one in found)
    allowed = rules.shown(every, now_ms=now, seconds=seconds, delay_ms=delay * 1000)
    if allowed:
        assert found[-1] == allowed[-1], "the newest is always there"
        begins = found[0].start_ms <= NOW + from_ms or found[0] == allowed[0] or len(found) == rules.TAIL_ITEMS
        assert begins or found[0].end_ms > NOW + from_ms


@given(lengths)
def test_a_list_that_moves_has_half_a_minute_or_all_there_is(durations):
    every = items(*durations)
    found = rules.tail(every)
    assert found == every[len(every) - len(found) :]
    assert len(found) == len(every) or (
        (len(found) >= 4 and every[-1].end_ms - found[0].start_ms > 10_000) or len(found) >= 4
    )


@given(lengths, st.integers(0, 80))
def test_a_line_of_the_index_that_is_half_written_does_not_count(durations, cut):
    text = "".join(one.line() for one in items(*durations))
    whole = rules.whole_lines(text[: max(0, len(text) - cut)])
    read = rules.items_of(whole, run="1")
    assert read == items(*durations)[: len(read)]
    assert len(read) >= len(durations) - 1 - cut // 20
    assert rules.items_of("x y\n1 2\n" + text, run="1") == items(*durations)


def test_where_two_gateways_wrote_at_once_the_first_one_counts():
    mine = items(2000, 2000, 2000)
    others = [Item("2", 2, NOW + 3000, 2000, 1, 1, 1, "b" * 8), Item("2", 3, NOW + 5_100, 2000, 1, 1, 1, "c" * 8)]
    assert [one.token[0] for one in rules.goes_on(mine, others)] == ["c"]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 1000)), max_size=50), st.integers(0, 30_000))
def test_the_oldest_go_until_enough_is_gone_and_no_more(windows, excess):
    gone = rules.too_large(windows, excess=excess)
    size = sum(windows[place][1] for place in gone)
    assert size >= min(excess, sum(size for _, size in windows))
    if gone:
        assert size - windows[gone[-1]][1] < excess
        left = [windows[place][0] for place in range(len(windows)) if place not in gone]
        assert max(windows[place][0] for place in gone) <= min(left, default=10**9)


def test_a_show_that_is_over_goes_once_nobody_can_be_behind_in_it():
    shift = Shift(seconds=3600, item_seconds=5, delay_seconds=120, since_ms=NOW, over_ms=NOW + 600_000)
    end = NOW + 600_000
    assert not shift.is_over(end + 179_000)
    assert shift.floor_ms(end + 179_000) == NOW - rules.MARGIN_MS
    assert shift.is_over(end + 180_000)
    assert shift.floor_ms(end + 180_000) == end + 180_000
    # Another show: the earlier one is neither shown nor kept.
    later = Shift(seconds=3600, item_seconds=5, delay_seconds=0, since_ms=NOW + 4_000)
    assert (
        rules.shown(items(2000, 2000, 2000, 2000), now_ms=NOW + 9000, seconds=3600, since_ms=later.since_ms)[0].number
        == 2
    )
    assert later.from_ms(NOW + 9000) == NOW + 4000
    assert later.from_ms(NOW + 4_000_000) == NOW + 400_000


def test_a_list_says_when_and_where_it_breaks():
    one, two = items(2000, 2500)
    three = Item("2", 2, two.end_ms + 60_000, 3000, 1, 1, 1, "z" * 8)
    folder = playlist.folder_address(stream="s1", secret="secret", now_seconds=1_795_000_000)
    assert re.fullmatch(r"/timeshift/[\w-]{22}/1795000500/s1", folder)
    text = playlist.playlist([one, two, three], folder=folder, target_seconds=3)
    assert text.splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:3",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-DISCONTINUITY-SEQUENCE:0",
        f'#EXT-X-MAP:URI="{folder}/1/head1.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:40.000Z",
        "#EXTINF:2.000,",
        f"{folder}/1/0-aaaaaaaa.m4s",
        "#EXTINF:2.500,",
        f"{folder}/1/1-aaaaaaaa.m4s",
        "#EXT-X-DISCONTINUITY",
        f'#EXT-X-MAP:URI="{folder}/2/head1.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:07:44.500Z",
        "#EXTINF:3.000,",
        f"{folder}/2/2-zzzzzzzz.m4s",
    ]
    begins = playlist.playlist([one, two, three], folder=folder, target_seconds=3, from_ms=three.start_ms + 700)
    assert "#EXT-X-START:TIME-OFFSET=5.200,PRECISE=YES" in begins
    late = playlist.playlist([one, two], folder=folder, target_seconds=3, from_ms=NOW + 60_000)
    assert "#EXT-X-START:TIME-OFFSET=4.000,PRECISE=YES" in late
    assert playlist.target_seconds([one, two, three], item_seconds=2) == 3


# -- files


def written(window: Window, *, start_ms: int, count: int = 3, head: bytes = b"head") -> None:
    for number in range(count):
        window.add(head=head, data=[b"x" * 50, b"y" * 50], start_ms=start_ms + number * 2000, duration_ms=2000)


def test_what_was_written_is_read_back_and_goes_on_after_a_break(tmp_path: Path):
    first = Window(tmp_path / "s1")
    first.begin()
    written(first, start_ms=NOW)
    with next(tmp_path.glob(f"s1/*/{INDEX}")).open("a") as index:
        index.write("3 17950")  # killed here
    second = Window(tmp_path / "s1")
    second.begin()
    written(second, start_ms=NOW + 30_000, head=b"other")
    first.refresh()
    reader = Window(tmp_path / "s1")
    reader.refresh()
    assert reader.items == first.items
    assert [(one.number, one.stretch) for one in reader.items] == [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (5, 1)]
    found = reader.items[4]
    assert (tmp_path / "s1" / found.run / found.name).stat().st_size == found.size == 100
    assert (tmp_path / "s1" / found.run / found.head_name).read_bytes() == b"other"


def test_another_head_is_a_break_and_an_hour_is_another_folder(tmp_path: Path):
    window = Window(tmp_path / "s1")
    window.begin()
    written(window, start_ms=NOW, count=1)
    written(window, start_ms=NOW + 2000, count=1, head=b"new")
    written(window, start_ms=NOW + rules.RUN_MS, count=1, head=b"new")
    window.refresh()
    assert [(one.stretch, one.head) for one in window.items] == [(0, 1), (1, 2), (1, 1)]
    assert len({one.run for one in window.items}) == 2
    assert window.prune(before_ms=NOW + rules.RUN_MS) == 2
    assert len(list((tmp_path / "s1").glob("*/*.m4s"))) == 1
    assert len([one for one in (tmp_path / "s1").iterdir() if one.is_dir()]) == 1
    again = Window(tmp_path / "s1")
    again.refresh()
    assert [one.number for one in again.items] == [2]


def test_an_item_that_cannot_be_written_leaves_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    window = Window(tmp_path / "s1")
    window.begin()
    written(window, start_ms=NOW, count=1)
    real = Path.open

    def full(self: Path, *args, **kwargs):
        if self.name == INDEX:
            raise OSError(28, "No space left on device")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError):
        written(window, start_ms=NOW + 2000, count=1)
    monkeypatch.undo()
    written(window, start_ms=NOW + 4000, count=1)
    window.refresh()
    assert [(one.start_ms - NOW, one.stretch) for one in window.items] == [(0, 0), (4000, 1)]
    assert len(list((tmp_path / "s1").glob("*/*.m4s"))) == 2


async def test_bounds_of_all_windows_and_of_the_disk(tmp_path: Path):
    free = [10_000_000]
    shelf = Shelf(
        tmp_path,
        bounds=Bounds(all_bytes=900, free_bytes=1_000_000),
        free=lambda _: free[0],
        clock=iter(range(1000)).__next__,
    )
    for stream, at in (("s1", NOW - 100_000), ("s2", NOW - 50_000)):
        await shelf.begin(stream)
        for number in range(6):
            await shelf.add(
                stream, head=b"h", data=[b"x" * 100], start_ms=at + number * 2000, duration_ms=2000, breaks=False
            )
    shifts = {name: Shift(seconds=3600, item_seconds=2, delay_seconds=0, since_ms=0) for name in ("s1", "s2")}
    swept = await shelf.sweep(shifts, now_ms=NOW)
    assert swept.removed == 3
    assert (swept.held["s1"].oldest_ms, swept.held["s1"].size) == (NOW - 94_000, 300)
    assert "All streams together" in swept.held["s1"].short
    assert (swept.held["s2"].size, swept.held["s2"].short) == (600, "")
    # The disk: what is a minute old or younger stays, nothing more is written.
    free[0] = 500_000
    swept = await shelf.sweep(shifts, now_ms=NOW)
    assert set(swept.held) == {"s2"}
    assert "nearly full" in swept.full == shelf.full
    free[0] = 10_000_000
    assert (await shelf.sweep(shifts, now_ms=NOW)).full == ""
    # Nobody wants them any more: seen at two looks.
    await shelf.sweep({}, now_ms=NOW)
    assert (tmp_path / "s2").exists()
    await shelf.sweep({}, now_ms=NOW)
    assert not list(tmp_path.iterdir())
    shelf.close()


# -- gathering


def segment(number: int, *, rate: int = 44100, seconds: float = 2.0, after_break: bool = False) -> Segment:
    initial = Initial(
        picture=None, sound=Sound(config=b"\x12\x10", rate=rate, channels=2, frame_samples=1024, codec="mp4a.40.2")
    )
    at = datetime.fromtimestamp(NOW / 1000, UTC) + timedelta(seconds=2 * number)
    parts = [Part(msn=number, index=0, duration=seconds, is_independent=True, data=b"%d" % number)]
    return Segment(number, initial, at, 0, seconds, parts, True, after_break)


def test_segments_are_joined_to_items_and_never_over_a_break():
    given: list[Gathered] = []
    words: list[str] = []
    gathering = Gathering(item_seconds=4, give=given.append, over=words.append)
    for number in range(3):
        gathering.segment(segment(number))
    gathering.discontinuity()
    gathering.segment(segment(3, rate=48000, after_break=True))
    gathering.ended("stream_ended")
    assert [(b"".join(one.data), one.start_ms - NOW, one.duration_ms, one.breaks) for one in given] == [
        (b"01", 0, 4000, False),
        (b"2", 4000, 2000, False),
        (b"3", 6000, 2000, True),
    ]
    assert given[0].head != given[2].head
    assert words == ["stream_ended"]
