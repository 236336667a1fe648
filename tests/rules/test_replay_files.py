"""Comments as files: nothing of a stranger's text is a command there, and lines that fly never run into each other."""

from __future__ import annotations

import re
import zlib
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from interactions.replay.rules import ass
from interactions.replay.rules.ass import CROSS_MS, WIDTH, Lanes, Placed, ass_file, clock, plain, text_width
from interactions.replay.rules.bilibili import bilibili_file
from interactions.replay.rules.said import BOTTOM, SCROLL, TOP, Line, line_of

texts = st.text(st.characters(), min_size=1, max_size=60)
lines = st.builds(
    Line,
    at_ms=st.integers(0, 40_000),
    text=texts,
    position=st.sampled_from([SCROLL, SCROLL, SCROLL, TOP, BOTTOM]),
    color=st.integers(0, 0xFFFFFF),
    sender=texts,
)
many = st.lists(lines, max_size=60).map(lambda found: sorted(found, key=lambda one: one.at_ms))


def edges(placed: Placed, at_ms: int) -> tuple[float, float]:
    """The left and the right edge at that moment."""
    left = WIDTH - (at_ms - placed.start_ms) * (WIDTH + placed.width) / CROSS_MS
    return left, left + placed.width


@given(many)
def test_no_two_lines_in_a_lane_touch_while_both_fly(said: list[Line]) -> None:
    lanes, flown = Lanes(), []
    for line in said:
        placed = lanes.place(line)
        if placed is not None and line.position == SCROLL:
            assert line.at_ms <= placed.start_ms <= line.at_ms + ass.WAIT_MS
            flown.append(placed)
    for number, one in enumerate(flown):
        for other in flown[number + 1 :]:
            if one.lane != other.lane or abs(one.start_ms - other.start_ms) >= CROSS_MS:
                continue
            first, second = sorted((one, other), key=lambda placed: placed.start_ms)
            for at in range(second.start_ms, first.start_ms + CROSS_MS + 1, 250):
                assert edges(first, at)[1] <= edges(second, at)[0] + 0.001


@given(many)
def test_the_subtitles_hold_no_command_of_a_stranger(said: list[Line]) -> None:
    text = "".join(ass_file(said, title="{\\b1}Sun\nday"))
    assert text.startswith("\ufeff[Script Info]")
    for line in text.split("\n"):
        if not line.startswith("Dialogue:"):
            continue
        # One override, ours, at the head; behind it neither a brace nor a backslash that means something.
        found = re.fullmatch(
            r"Dialogue: [01],\d:\d\d:\d\d\.\d\d,\d:\d\d:\d\d\.\d\d,Comment,,0,0,0,,(\{[^{}]*\})([^{}]*)", line
        )
        assert found, line
        assert re.fullmatch(r"\{(\\move\([-\d,]+\)|\\an[28]\\pos\([\d,]+\))(\\3?c&H[0-9A-F]{6}&)*\}", found[1])
        assert not re.search(r"\\[^\u2060]", found[2])


def test_a_line_of_the_subtitles_says_where_when_and_in_which_colour() -> None:
    said = [
        Line(at_ms=61_230, text="飞过 hi"),
        Line(at_ms=61_230, text="second", color=0xFF7A85),
        Line(at_ms=62_000, text="up", position=TOP, color=0x000010),
        Line(at_ms=3_600_000, text="down", position=BOTTOM),
    ]
    found = [line for line in "".join(ass_file(said, title="Show")).split("\n") if line.startswith("Dialogue")]
    width = text_width("飞过 hi")
    assert found[0] == f"Dialogue: 0,0:01:01.23,0:01:09.23,Comment,,0,0,0,,{{\\move(1920,0,-{width},0)}}飞过 hi"
    assert "{\\move(1920,58,-" in found[1]
    assert "\\c&H857AFF&}second" in found[1]
    assert found[2].endswith("{\\an8\\pos(960,0)\\c&H100000&\\3c&HFFFFFF&}up")
    assert found[3] == "Dialogue: 1,1:00:00.00,1:00:04.00,Comment,,0,0,0,,{\\an2\\pos(960,1080)}down"


def test_widths_are_those_of_what_is_seen() -> None:
    assert text_width("中文") == 2 * ass.FONT_PX
    assert text_width("ｗｉｄｅ") == 4 * ass.FONT_PX
    assert text_width("e\u0301") == text_width("e") < ass.FONT_PX
    assert text_width("a\u200db") == text_width("ab")


def test_what_finds_no_lane_is_left_out_and_counted() -> None:
    crowd = [Line(at_ms=0, text="a comment of some length, to fill its lane") for _ in range(500)]
    text = "".join(ass_file(crowd, title="x"))
    shown = text.count("Dialogue:")
    assert 0 < shown < 500
    assert f"{500 - shown} comments found no free lane." in text


def test_clocks_and_plain_text() -> None:
    assert clock(3_723_456) == "1:02:03.45"
    assert plain("{\\fs200}big\\N") == "｛\\\u2060fs200｝big\\\u2060N"
    assert plain(" a\n\tb\u2028c ") == "a b c"
    assert len(plain("x" * 500)) == 101


@given(many)
def test_every_xml_reader_takes_the_file(said: list[Line]) -> None:
    text = "".join(bilibili_file(said, chat_id=7, most=1000))
    # A lone surrogate is no character and cannot be written.
    root = ElementTree.fromstring(text.encode())
    found = root.findall("d")
    assert len(found) == len(said)
    for element, line in zip(found, said, strict=True):
        parts = element.attrib["p"].split(",")
        assert len(parts) == 8
        assert float(parts[0]) == line.at_ms / 1000
        assert parts[1] == {SCROLL: "1", BOTTOM: "4", TOP: "5"}[line.position]
        assert parts[3] == str(line.color)
        kept = "".join(one for one in line.text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))
        kept = "".join(one for one in kept if not "\ud800" <= one <= "\udfff")
        assert (element.text or "") == kept.replace("\r\n", "\n").replace("\r", "\n")


def test_an_entry_of_the_xml() -> None:
    line = Line(at_ms=1_500, text='<b> & "q"\x00\x0b', color=255, said_at=1_790_000_000, sender="mia", number=42)
    who = f"{zlib.crc32(b'mia'):08x}"
    assert f'<d p="1.50000,1,25,255,1790000000,0,{who},42">&lt;b&gt; &amp; &quot;q&quot;</d>' in "".join(
        bilibili_file([line], chat_id=1, most=1)
    )


def test_only_comments_with_words_fly() -> None:
    def made(**event: object) -> Line | None:
        return line_of({"type": "comment", "text": "hi", **event}, at_ms=5, said_at=6, number=7)

    assert made(color="#0000ff", position="top", **{"from": {"id": "mia"}}) == Line(5, "hi", TOP, 255, 6, "mia", 7)
    assert made(color="red", position="left") == Line(5, "hi", SCROLL, 0xFFFFFF, 6, "", 7)
    assert made(color="#00zz00") == Line(5, "hi", SCROLL, 0xFFFFFF, 6, "", 7)
    assert made(text=" \n ") is None
    assert made(type="gift") is None
