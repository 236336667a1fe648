"""Whatever a playlist or an RTSP server says, ffmpeg finds our own addresses in what is passed on, and no word to go elsewhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.egress.rules import AddressRefused
from streams.egress.rules.playlists import START, BadPlaylist, Watch, rewritten
from streams.egress.rules.rtsp import Answers, Requests

BASE = "http://outside.example/live/list.m3u8?x=1"
OURS = "http://127.0.0.1:4000/token/"
# The tags in which libavformat 59 looks for attributes, as `parse_playlist` names them.
TAGS = ("#EXT-X-STREAM-INF:", "#EXT-X-KEY:", "#EXT-X-MEDIA:", "#EXT-X-MAP:")


def way(url: str) -> str:
    return OURS + url


def lines_of(data: bytes) -> list[bytes]:
    """`ff_get_chomp_line` until the end: a line ends at \\n, \\r (and a \\n behind it) and at zero."""
    lines, line, at = [], bytearray(), 0
    while at < len(data):
        byte = data[at : at + 1]
        at += 1
        if byte in (b"\n", b"\r", b"\0"):
            if byte == b"\r" and data[at : at + 1] == b"\n":
                at += 1
            lines.append(bytes(line).rstrip(b" \t\n\r\v\f"))
            line = bytearray()
        else:
            line += byte
    return [*lines, bytes(line).rstrip(b" \t\n\r\v\f")]


def attributes_of(text: str) -> list[tuple[str, str]]:
    """`ff_parse_key_value`."""
    found, at = [], 0
    blanks = " \t\n\r\v\f"
    while True:
        while at < len(text) and text[at] in blanks + ",":
            at += 1
        equals = text.find("=", at)
        if at >= len(text) or equals < 0:
            return found
        key, at, value = text[at : equals + 1], equals + 1, ""
        if text[at : at + 1] == '"':
            at += 1
            while at < len(text) and text[at] != '"':
                if text[at] == "\\":
                    if at + 1 >= len(text):
                        break
                    value, at = value + text[at + 1], at + 2
                else:
                    value, at = value + text[at], at + 1
            at += text[at : at + 1] == '"'
        else:
            while at < len(text) and text[at] not in blanks + ",":
                value, at = value + text[at], at + 1
        found.append((key, value))


def opened(playlist: bytes) -> list[str]:
    """What `parse_playlist` would open."""
    found = []
    for raw in lines_of(playlist):
        line = raw.decode("utf-8", "replace")
        tag = next((tag for tag in TAGS if line.startswith(tag)), None)
        if tag is not None:
            found += [
                value
                for key, value in attributes_of(line[len(tag) :])
                if "URI=".startswith(key) or key.startswith("URI=")
            ]
        elif line and not line.startswith("#"):
            found.append(line)
    return found


PIECES = st.sampled_from(
    [*TAGS, "URI=", '"', "\\", ",", " ", "\n", "\r", "\0", "\t", "=", "tcp://127.0.0.1:6379", "file:///etc/passwd", "x.ts", "?a=b,URI=tcp://x",
     "NAME=", "METHOD=AES-128", "#", "#EXTINF:1,", "//h/x", "http://h/x?URI=y", "\u2028", "\v", "\u00a0", "é", "../"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=16).map("".join))
@example('#EXT-X-KEY:NAME="a"URI="tcp://127.0.0.1:6379"')
@example("#EXT-X-KEY:METHOD=AES-128 URI=tcp://127.0.0.1:6379")
@example('#EXT-X-KEY:NAME="a,URI=" ?a=b,URI=tcp://x"')
@example('#EXT-X-KEY:NAME="a\\",URI="tcp://x"')
@example("#EXTINF:1,\rtcp://127.0.0.1:6379\0file:///etc/passwd")
def test_ffmpeg_opens_nothing_but_what_we_gave(text):
    answer = rewritten(b"#EXTM3U\n" + text.encode(), base=BASE, way=way)
    for address in opened(answer):
        assert address.startswith(OURS) or not re.search(r"[:/]", address), (text, answer)


def test_the_addresses_of_an_ordinary_playlist_are_made_full():
    body = b"""#EXTM3U\r
#EXT-X-KEY:METHOD=AES-128,URI="/k?a=1",IV=0x01\r
#EXT-X-MAP:URI="init.mp4",BYTERANGE="10@0"\r
#EXTINF:4.0,title\r
seg 1.ts#x\r
#EXTINF:4.0,\r
//cdn.example/2.ts\r
https://other.example/3.ts?t=a%20b\r
"""
    assert rewritten(body, base=BASE, way=way).decode().splitlines() == [
        "#EXTM3U",
        f'#EXT-X-KEY:METHOD=AES-128,URI="{OURS}http://outside.example/k?a=1",IV=0x01',
        f'#EXT-X-MAP:URI="{OURS}http://outside.example/live/init.mp4",BYTERANGE="10@0"',
        "#EXTINF:4.0,title",
        f"{OURS}http://outside.example/live/seg%201.ts",
        "#EXTINF:4.0,",
        f"{OURS}http://cdn.example/2.ts",
        f"{OURS}https://other.example/3.ts?t=a%20b",
    ]


def test_endless_playlists_are_refused():
    with pytest.raises(BadPlaylist, match="bytes"):
        rewritten(b"#EXTM3U\n" + b"x" * 2_000_001, base=BASE, way=way)
    with pytest.raises(BadPlaylist, match="addresses"):
        rewritten(b"#EXTM3U\n" + b"x\n" * 20_001, base=BASE, way=way)


@given(st.binary(max_size=30), st.binary(max_size=30), st.lists(st.integers(1, 8), min_size=70, max_size=70))
def test_a_playlist_behind_something_else_is_found_however_it_is_cut(before, after, sizes):
    data, watch = before + START + after, Watch()

    def look_at_all() -> None:
        at = 0
        for size in sizes:
            watch.look(data[at : at + size])
            at += size

    with pytest.raises(BadPlaylist):
        look_at_all()


@given(st.binary(max_size=200).filter(lambda data: START not in data), st.integers(1, 9))
def test_other_answers_pass(data, size):
    watch = Watch()
    for at in range(0, len(data), size):
        watch.look(data[at : at + size])


HEAD = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\nv=0\n"
FRAME = b"$\x00\x00\x05RTSP/"


@given(st.lists(st.sampled_from([HEAD, FRAME]), max_size=6).map(b"".join), st.integers(1, 40))
def test_rtsp_passes_however_it_is_cut(data, size):
    answers = Answers()
    assert b"".join(answers.feed(data[at : at + size]) for at in range(0, len(data), size)) == data


@given(
    st.lists(st.sampled_from([HEAD, FRAME]), max_size=3).map(b"".join),
    st.integers(1, 40),
    st.sampled_from([b"301", b"302", b"399"]),
)
def test_an_rtsp_answer_that_sends_elsewhere_is_cut_wherever_it_stands(before, size, status):
    data = before + b"RTSP/1.0 " + status + b" Moved\r\nLocation: rtsp://127.0.0.1/\r\n\r\n"
    answers, passed = Answers(), bytearray()

    def feed_all() -> None:
        for at in range(0, len(data), size):
            passed.extend(answers.feed(data[at : at + size]))

    with pytest.raises(AddressRefused):
        feed_all()
    assert b"Location" not in passed


def test_an_rtsp_server_hears_its_own_name():
    requests = Requests(here="rtsp://127.0.0.1:4000", there="rtsp://cam.example")
    asked = b"DESCRIBE rtsp://127.0.0.1:4000/x RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    assert requests.feed(asked) == asked.replace(b"127.0.0.1:4000", b"cam.example")
    digest = asked[:-2] + b'Authorization: Digest uri="rtsp://127.0.0.1:4000/x"\r\n\r\n'
    assert requests.feed(digest) == digest
