"""Bytes out of counters that grow and begin anew, and out of logs that are cut and rotated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.traffic import rules, tailing
from streams.traffic.rules import Counted, EngineMeter, Seen
from streams.traffic.tailing import Tail


def seen(in_: int, out: int = 0, *, publisher: str = "1", players: tuple[str, ...] = (), ours: int = 0) -> Seen:
    return Seen(in_, out, publisher, players, len(players) + ours)


def restarted(meter: EngineMeter) -> EngineMeter:
    return EngineMeter.from_saved(json.loads(json.dumps(meter.saved())))


@given(st.lists(st.tuples(st.integers(0, 10**9), st.booleans()), max_size=30), st.integers(0, 10**6))
def test_what_a_publisher_sent_is_counted_once_whenever_it_is_looked_and_we_are_restarted(steps, overhead):
    meter, sent, found = EngineMeter(instance="a", knows_beginning=True), 0, 0
    for more, restart in steps:
        sent += more
        found += sum(one.bytes for one in meter.look(instance="a", streams={"s": seen(sent)}))
        if restart:
            meter = restarted(meter)
    assert found == sent
    last = meter.last_word(client="1", received=sent + overhead, sent=3000)
    if steps:
        assert found + (last.bytes if last else 0) == sent + overhead
    assert meter.last_word(client="1", received=sent + overhead, sent=3000) is None


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 5), st.integers(0, 3)), min_size=1, max_size=20),
)
def test_players_get_their_share_and_our_own_pulls_none(steps):
    """Each is sent the same; the engine adds it up."""
    meter, in_, out, theirs = EngineMeter(instance="a", knows_beginning=True), 0, 0, 0
    counted = []
    for more, players, ours in steps:
        in_, out, theirs = in_ + more, out + more * (players + ours), theirs + more * players
        names = tuple(f"p{n}" for n in range(players))
        counted += meter.look(instance="a", streams={"s": seen(in_, out, players=names, ours=ours)})
    assert sum(one.bytes for one in counted if one.kind == rules.RTMP) == theirs
    assert sum(one.requests for one in counted if one.kind == rules.RTMP) == max(step[1] for step in steps)


def test_nobody_is_counted_more_than_came_in():
    """While we were away five shared the sum, and one of them is left."""
    meter = EngineMeter(instance="a", knows_beginning=True)
    meter.look(instance="a", streams={"s": seen(1000, 1000, players=("8",))})
    found = meter.look(instance="a", streams={"s": seen(3000, 11_000, players=("8",))})
    assert Counted("s", "rtmp", 2000) in found


def test_a_stream_that_began_anew_counts_from_nothing():
    meter = EngineMeter(instance="a", knows_beginning=True)
    assert meter.look(instance="a", streams={"s": seen(1000)}) == [Counted("s", "push", 1000, 1)]
    assert meter.look(instance="a", streams={}) == []
    assert meter.look(instance="a", streams={"s": seen(300, publisher="2")}) == [Counted("s", "push", 300, 1)]
    assert meter.look(instance="a", streams={"s": seen(200, publisher="3")}) == [Counted("s", "push", 200, 1)]
    assert meter.look(instance="b", streams={"s": seen(900, publisher="1")}) == [Counted("s", "push", 900, 1)]


def test_what_was_there_before_the_first_look_of_all_is_somebody_elses():
    meter = EngineMeter()
    assert meter.look(instance="a", streams={"s": seen(10**9)}) == []
    assert meter.look(instance="a", streams={"s": seen(10**9 + 5)}) == [Counted("s", "push", 5)]
    assert meter.last_word(client="1", received=10**9 + 10, sent=0) is None


def test_connections_are_not_remembered_for_ever():
    meter = EngineMeter(instance="a", knows_beginning=True)
    for number in range(500):
        meter.look(instance="a", streams={"s": seen(number * 10, publisher=str(number))})
    assert len(meter.saved()["connections"]) < 110


_PARTS = st.sampled_from(["instance", "streams", "connections", "x"])


@given(
    st.dictionaries(
        _PARTS,
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5), lambda of: st.lists(of) | st.dictionaries(_PARTS, of)
        ),
    )
)
def test_a_mark_that_makes_no_sense_begins_anew(saved):
    EngineMeter.from_saved(saved).look(instance="a", streams={"s": seen(1)})


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_lines_that_are_none_count_nothing_and_break_nothing(lines):
    list(rules.read_requests(lines))
    list(rules.read_last_words(lines))


def test_lines_of_both_logs():
    lines = [
        b"1700000059.999 1500 /hls/room_1/1700000-1.ts",
        b"1700000060.000 20 /ladder/room_1/7/720p/a.m4s",
        b"1700000060.000 30 /vault/AAAAAAAAAAAAAAAAAAAAAA/1800000000/films/f1/1.mp4",
        b"1700000060.000 - /hls/room_1/a.ts",
        b"1700000060.000 9 /hls/",
    ]
    found = list(rules.read_requests(lines))
    assert [(one.folder, one.bytes) for one in found] == [
        ("hls/room_1", 1500), ("ladder/room_1", 20), ("vault/films/f1", 30)
    ]  # fmt: skip
    assert found[0].minute == 1700000040
    assert list(rules.read_last_words([b"17 100 3000", b"17 100", b"x 1 2"])) == [("17", 100, 3000)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.touch()
    return path


def say(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_whole_lines_are_given_once_over_restarts_and_rotations(log):
    say(log, "old\n")
    tail = Tail(log)
    assert tail.lines() == []
    say(log, "a\nb\nhal")
    assert tail.lines() == [b"a", b"b"]
    say(log, "f\n")
    tail = Tail(log, place=tail.place)
    assert tail.lines() == [b"half"]
    log.rename(log.with_suffix(".1"))
    assert tail.lines() == []
    say(log, "new\n")
    assert tail.lines() == [b"new"]
    log.write_text("")
    assert tail.lines() == []
    say(log, "after\n")
    assert Tail(log, place=tail.place).lines() == [b"after"]
    assert Tail(log.with_name("none")).lines() == []


def test_a_log_that_is_long_is_emptied_once_it_was_read(log, monkeypatch):
    monkeypatch.setattr(tailing, "EMPTIED_AT_BYTES", 10)
    tail = Tail(log, place={"inode": log.stat().st_ino, "offset": 0})
    with log.open("ab", buffering=0) as nginx:
        nginx.write(b"0123456789\n")
        tail.lines()
        nginx.write(b"more\n")
        tail.empty_if_long()
        assert log.stat().st_size == 16
        assert tail.lines() == [b"more"]
        tail.empty_if_long()
        assert log.stat().st_size == 0
        nginx.write(b"x\n")
    assert tail.lines() == [b"x"]
