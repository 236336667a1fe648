"""Relays without a database: addresses of our own, circles, secrets, words, argument lists."""

from __future__ import annotations

import pytest

from streams.egress.rules import Use, address, blotted, secrets_in
from streams.media.graphs import relaying
from streams.relays import rules, words
from streams.relays.rules import Place

HOSTS, PORTS = frozenset({"live.example.com", "127.0.0.1"}), frozenset({1935, 443, 8000})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("rtmp://live.example.com/live/abc?txSecret=1&txTime=2", "abc"),
        ("rtmp://LIVE.example.com:1935/live/abc", "abc"),
        ("https://live.example.com/live/abc.flv?x=1", "abc"),
        ("https://live.example.com/live/abc.m3u8", "abc"),
        ("http://127.0.0.1:8000/hls/abc/1.ts", "abc"),
        ("https://live.example.com/", ""),
        ("rtmp://live.example.com/other/abc", ""),
        ("rtmp://live.example.com:1936/live/abc", None),
        ("rtmp://elsewhere.example.com/live/abc", None),
    ],
)
def test_an_address_of_our_own_is_known_by_name_and_port(text, name):
    assert rules.own_stream(address(text, use=Use.PULL), hosts=HOSTS, ports=PORTS) == name


def test_secrets_of_an_address_are_blotted_out_of_a_line():
    secrets = secrets_in("rtmp://user:pass-word@live.example.com/app/room/abcd-efgh?sign=0123456789")
    line = "rtmp://127.0.0.1:4711/app/room/abcd-efgh: Connection refused (abcd-efgh, 0123456789, user:pass-word)"
    shown = blotted(line, secrets)
    assert "abcd-efgh" not in shown
    assert "0123456789" not in shown
    assert "pass-word" not in shown
    assert "Connection refused" in shown


def test_a_stored_place_counts_only_if_it_fits_the_list():
    assert rules.place_of({"file": 1, "seconds": 3.5, "rounds": 2}, files=2) == Place(1, 3.5, 2)
    for odd in ({}, {"file": 2, "seconds": 0, "rounds": 0}, {"file": 0, "seconds": -1, "rounds": 0},
                {"file": True, "seconds": 0, "rounds": 0}, {"file": 0, "seconds": "1", "rounds": 0}):  # fmt: skip
        assert rules.place_of(odd, files=2) == Place()


def test_what_comes_next_in_a_list():
    assert rules.next_file(Place(0), files=2, loops=1) == Place(1)
    assert rules.next_file(Place(1), files=2, loops=1) is None
    assert rules.next_file(Place(1, 9.0), files=2, loops=2) == Place(0, 0.0, 1)
    assert rules.next_file(Place(1, 9.0, 7), files=2, loops=rules.FOREVER) == Place(0, 0.0, 8)


OUTPUT = ["Output #0, null, to 'pipe:2':"]


@pytest.mark.parametrize(
    ("lines", "refusal", "new_sound"),
    [
        (["  Stream #0:0: Video: h264 (High), yuv420p", "  Stream #0:1: Audio: aac (LC), 48000 Hz, stereo"], "", False),
        (
            ["  Stream #0:0(und): Video: h264 (avc1 / 0x31637661)", "  Stream #0:1(eng): Audio: opus, 48000 Hz"],
            "",
            True,
        ),
        (["  Stream #0:0[0x100]: Video: h264", "  Stream #0:1[0x101]: Audio: mp3, 32000 Hz"], "", True),
        (["  Stream #0:0: Audio: mp3, 44100 Hz, stereo"], "", False),
        (["  Stream #0:0: Video: hevc (Main)"], "H.265", False),
        (["  Stream #0:0: Video: av1"], "AV1", False),
        ([], "neither", False),
    ],
)
def test_what_a_look_found(lines, refusal, new_sound):
    found = words.found_in(["  Stream #0:0: Video: mjpeg", *OUTPUT, *lines])
    assert refusal in found.refusal
    assert bool(found.refusal) == bool(refusal)
    assert found.new_sound == new_sound


def test_a_look_that_did_not_come_so_far_says_nothing():
    assert words.found_in(["rtmp://x: Connection refused"]) is None
    assert words.found_in(["Output file #0 does not contain any stream"]).refusal == words.NOTHING


def test_faults_are_told_in_words():
    assert words.fault_in(["tcp://127.0.0.1:1: Connection refused", "x"]) == "nobody listens there"
    assert words.fault_in(["something else"]) == ""
    guarded = [
        "rtmp://127.0.0.1:4711/: Input/output error",
        "rtmp://live.example.com/app/… cannot be reached: refused.",
    ]
    assert words.told_by_guard(guarded) == guarded[1]
    assert words.told_by_guard(guarded[:1]) == ""


# Argument lists, word for word.

HEAD = ["ffmpeg", "-f", "flv", "-analyzeduration", "12000000"]
TAIL = ["-nostdin", "-hide_banner", "-loglevel", "warning", "-progress", "pipe:1", "-stats_period", "1"]
TRACKS = ["-map", "0:V:0?", "-map", "0:a:0?"]


def test_the_list_of_a_pull():
    source = relaying.PullSource("@source@", "rtmp")
    assert relaying.pull(relaying.Pull(source, "rtmp://127.0.0.1/live/s?own=1")) == [
        *HEAD, "-rtmp_live", "live", "-i", "@source@", *TRACKS,
        "-f", "flv", "-c:a", "copy", "-c:v", "copy", "-flvflags", "no_duration_filesize",
        "-rtmp_flashver", "Liveroom", "-rw_timeout", "12000000", "rtmp://127.0.0.1/live/s?own=1", *TAIL,
    ]  # fmt: skip


def test_sound_that_cannot_be_carried_is_made_aac_and_the_picture_is_copied():
    made = relaying.pull(relaying.Pull(relaying.PullSource("@source@", "srt"), "rtmp://x", new_sound=True))
    assert " ".join(made).count("-c:v copy") == 1
    assert "-ac 2 -ar 44100 -b:a 128k -c:a aac" in " ".join(made)


@pytest.mark.parametrize("kind", ["list", "http"])
def test_what_comes_in_bursts_is_read_in_its_own_time(kind):
    assert "-re" in relaying.pull(relaying.Pull(relaying.PullSource("@source@", kind), "rtmp://x"))
    assert "-re" not in relaying.pull(relaying.Pull(relaying.PullSource("@source@", "rtmp"), "rtmp://x"))


def test_the_list_of_a_look():
    made = relaying.look(relaying.Look(relaying.PullSource("@source@", "rtsp")))
    assert made[made.index("@source@") + 1 :] == [
        *TRACKS, "-f", "null", "-c", "copy", "-t", "0.5", "pipe:2", "-nostats",
        *("info" if word == "warning" else word for word in TAIL),
    ]  # fmt: skip


def test_the_lists_of_a_push():
    assert relaying.push(relaying.Push("rtmp://127.0.0.1/live/s?gw=1", "@target@")) == [
        *HEAD, "-rtmp_flashver", "Liveroom", "-rtmp_live", "live", "-rw_timeout", "12000000",
        "-i", "rtmp://127.0.0.1/live/s?gw=1", *TRACKS, "-f", "flv", "-c", "copy", "-flvflags", "no_duration_filesize",
        "@target@", *TAIL,
    ]  # fmt: skip
    assert "mpegts" in relaying.push(relaying.Push("rtmp://x", "@target@", container="mpegts"))
