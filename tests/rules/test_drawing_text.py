"""Words on the picture: every script, both directions, emoji, and what is made to break a renderer."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.media.compositor import scene
from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.looks import Painter
from streams.media.compositor.drawing.stills import Stills
from streams.media.compositor.drawing.text.bidi import levels, seen_order
from streams.media.compositor.drawing.text.coverage import Coverage
from streams.media.compositor.drawing.text.fonts import Fonts
from streams.media.compositor.drawing.text.lettering import Lettering, Style
from streams.media.compositor.drawing.text.words import MOST_CLUSTERS, clean, clusters, is_emoji

FONTS = Fonts.found()
LETTERING = Lettering(FONTS)
STYLE = Style(32, outline=False)
NASTY = st.text(
    st.characters(exclude_categories=[])
    | st.sampled_from("\u200d\u200c\u202e\ufe0f\u0301\u0e49\u064b👨👩🇩🇪🏽1\u20e3אب漢 "),
    max_size=80,
)


def seen(text: str) -> str:
    return "".join(text[index] for index in seen_order(levels(text)))


def written(text: str, style: Style = STYLE, **more: int) -> np.ndarray:
    return LETTERING.line("".join(clean(text)), style, **more)


# -- what is drawn at all


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\u202eb\u200bc\x00\x1b[31md\ufeff", "abc[31md"),
        ("  a \t\n\n b \u2028 c ", "a b c"),
        ("\u200b\u202e\x07", ""),
        ("Z\u0351\u0352\u0353\u0354\u0355\u0356\u0357", "Z\u0353\u0354\u0355\u0356\u0351\u0352\u0357"),
        ("क्‍ष", "क्‍ष"),
    ],
)
def test_only_what_can_be_seen_is_left(given, shown):
    assert "".join(clean(given)) == shown


def test_lines_are_kept_where_they_are_wanted():
    assert clean("a\n\nb\r\nc\n\n", lines=6) == ["a", "", "b", "c"]
    assert clean("a\nb\nc", lines=2) == ["a", "b"]


def test_what_is_drawn_as_one_stays_one():
    family, flag, thumb, key = "👨‍👩‍👧‍👦", "🇩🇪", "👍🏽", "1️⃣"
    assert clusters(f"{family}{flag}🇫🇷{thumb}{key}ab") == [family, flag, "🇫🇷", thumb, key, "a", "b"]
    assert all(map(is_emoji, (family, flag, thumb, key, "❤️")))
    assert not any(map(is_emoji, ("a", "漢", "1", "❤\ufe0e")))


def test_towers_of_marks_and_endless_words_are_bounded():
    assert [len(one) for one in clusters("e" + "\u0301" * 5000 + "x")] == [5, 1]
    assert max(len(one) for one in clusters("👨" + "\u200d👩" * 500)) <= 14
    assert len(clusters("漢" * 100_000)) == MOST_CLUSTERS


# -- directions


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc 123", "abc 123"),
        ("שלום", "םולש"),
        ("abc אבג 123 def", "abc 123 גבא def"),
        ("אבג abc 12.5 דהו", "והד abc 12.5 גבא"),
        ("שלום עולם (abc) 42!", "!42 )abc( םלוע םולש"),
        ("أحمد 123 $", "$ 123 دمحأ"),
        ("price 5$ אב", "price 5$ בא"),
        ("", ""),
    ],
)
def test_lines_are_seen_as_unicode_orders_them(text, shown):
    assert seen(text) == shown


@given(st.text(st.sampled_from("ab אב عد 12 .,+-$()[]{}!"), max_size=30))
def test_an_order_holds_everything_once(text):
    assert sorted(seen_order(levels(text))) == list(range(len(text)))


def test_right_to_left_is_drawn_from_the_right():
    """The narrow letter comes last, so it is at the left."""
    ink = written("םםםםו")[:, :, 3]
    columns = ink.max(axis=0) > 128
    left_gap = np.argmin(columns[np.argmax(columns) :])
    right_gap = np.argmin(columns[::-1][np.argmax(columns[::-1]) :])
    assert left_gap < right_gap


def test_arabic_letters_are_joined():
    assert written("مرحبا").shape[1] < written("م ر ح ب ا").shape[1]
    joined = written("ببب")[:, :, 3].max(axis=0) > 40
    inked = np.flatnonzero(joined)
    assert joined[inked[0] : inked[-1]].all()


# -- fonts


@pytest.mark.parametrize("text", ["Hello", "弹幕こんにちは", "안녕", "Привет", "مرحبا", "שלום", "สวัสดี", "नमस्ते"])
def test_every_script_is_drawn_with_a_font_that_has_it(text):
    assert all(FONTS.face_of(one, bold=True) for one in clusters(text))
    assert written(text)[:, :, 3].max() > 200


def test_emoji_are_in_colour():
    ink = written("😀")
    inside = ink[ink[:, :, 3] > 200][:, :3].astype(int)
    assert len(inside) > 200
    assert np.abs(inside[:, 0] - inside[:, 2]).mean() > 60


def test_a_family_is_one_picture():
    assert written("👨‍👩‍👧‍👦").shape[1] == written("😀").shape[1]


def test_a_character_that_no_font_has_is_a_box():
    alone = written("\U000e0fff\U0003fff0" + "\ue123")
    assert alone[:, :, 3].max() == 255


def test_without_any_font_there_are_boxes_and_no_error(tmp_path):
    bare = Lettering(Fonts.found([tmp_path]))
    ink = bare.line("Hello 漢 😀 שלום", Style(24), most_width=400)
    assert ink[:, :, 3].max() > 200
    canvas = Canvas(320, 180)
    painter = Painter(320, 180, 25, Fonts.found([tmp_path]), stills=Stills(waits=True))
    painter.paint(canvas, scene.Look(overlays=(scene.Overlay(id="o", kind="clock"),)), inputs={}, now=0.0)


@pytest.mark.parametrize(
    "content",
    [b"", b"OTTO", b"ttcf" + b"\xff" * 60, struct.pack(">IHHHH", 0x00010000, 65535, 0, 0, 0), b"\x00" * 4096],
)
def test_a_damaged_font_has_no_characters(tmp_path, content):
    path = tmp_path / "NotoSans-Bold.ttf"
    path.write_bytes(content)
    assert "a" not in Coverage(path)
    assert "a" not in Coverage(Path(tmp_path / "none.ttf"))
    assert Lettering(Fonts.found([tmp_path])).line("a", STYLE)[:, :, 3].max() == 255


@pytest.mark.parametrize("table", [b"glyf", b"loca", b"hmtx", b"GSUB"])
def test_a_font_that_lies_about_its_shapes_is_no_error(tmp_path, table):
    face = FONTS.face_of("ä", bold=True)
    assert face is not None
    raw = bytearray(face.path.read_bytes())
    at = raw.index(table)
    offset, length = struct.unpack_from(">II", raw, at + 8)
    raw[offset : offset + length] = b"\xa5" * length
    (tmp_path / "NotoSans-Bold.ttf").write_bytes(raw)
    Lettering(Fonts.found([tmp_path])).line("Hällo", STYLE)


# -- widths


def test_what_is_too_long_ends_in_an_ellipsis_within_its_width():
    whole = written("word " * 60)
    cut = written("word " * 60, most_width=300)
    assert cut.shape[1] <= 300 < whole.shape[1]
    assert cut.shape[1] > 200


@pytest.mark.parametrize("width", [0, 1, 20])
def test_a_width_for_nothing_is_no_error(width):
    assert written("word", most_width=width).shape[0] == STYLE.height


def test_the_largest_picture_of_words_is_bounded():
    ink = LETTERING.line("漢" * 400, Style(4000))
    assert ink.shape[0] * ink.shape[1] <= 2_000_000


def test_lines_break_at_spaces_and_between_characters_that_have_none():
    lines = LETTERING.wrapped("one two three four", STYLE, most_width=150, most_lines=3)
    assert "".join(lines).replace(" ", "") == "onetwothreefour"
    assert all(len(line.split()) <= 2 for line in lines)
    chinese = LETTERING.wrapped("你好世界你好世界，你好", STYLE, most_width=170, most_lines=9)
    assert max(map(len, chinese)) <= 6
    assert not any(line.startswith("，") for line in chinese)
    assert len(LETTERING.wrapped("a " * 300, STYLE, most_width=100, most_lines=3)) == 3


def test_an_outline_is_dark_around_light_and_light_around_dark():
    for color, edge in (("#ffffff", 0), ("#000000", 255)):
        ink = written("O", Style(40, color))
        soft = ink[(ink[:, :, 3] > 100) & (ink[:, :, 3] < 235)][:, 0].astype(int)
        assert abs(int(np.median(soft)) - edge) < 120


# -- hostile


@settings(max_examples=60, deadline=None)
@given(NASTY)
def test_any_text_can_be_drawn(text):
    for line in clean(text, lines=3):
        ink = LETTERING.line(line, Style(18), most_width=320)
        assert ink.shape[1] <= 330
        assert ink.shape[1] % 2 == 0


@settings(max_examples=25, deadline=None)
@given(
    NASTY,
    NASTY,
    st.sampled_from(["text", "clock", "scrolling", "lower_third", "scoreboard", "countdown", "comment"]),
    st.floats(1, 100),
    st.sampled_from(["", "#ffffff"]),
)
def test_any_overlay_can_be_painted(text, detail, kind, height, background):
    one = scene.Overlay(
        id="o", kind=kind, text=text, detail=detail, height=height, background=background, zone=text[:60], until=1e12
    )
    painter = Painter(160, 90, 25, FONTS, stills=Stills(waits=True))
    painter.paint(Canvas(160, 90), scene.Look(overlays=(one,)), inputs={}, now=1.8e9)
