"""What streamers paste: read as what was meant where only one thing can be meant, and never as another stream's."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rules import names
from streams.rules.pasted import MAX_PARAMS, clean_words, plain, read_key, read_server

SECRET, TIME = "0123456789abcdef0123456789abcdef", "6CE2AF00"
NAME = "su2yqxyqtf55ifkt"
KEY = f"{NAME}?txSecret={SECRET}&txTime={TIME}"
WIDE = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in KEY)

# What a clipboard, a chat, a mail, a word processor or a web page puts around or into a text without showing it.
INVISIBLE = [
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u200e",
    "\u200f",
    "\u202a",
    "\u2066",
    "\x00",
    "\r",
    "\n",
]
BLANKS = [" ", "\t", "\n", "\r\n", "\u00a0", "\u2002", "\u2009", "\u202f", "\u3000", "\u2028", "\u2029", "\x0b", "\x85"]
QUOTES = [
    '""',
    "''",
    "``",
    "“”",
    "„“",
    "‘’",
    "‚‘",
    "«»",
    "»«",
    "‹›",
    "「」",
    "『』",
    "《》",
    "＂＂",
    "〝〞",
    "<>",
    "()",
    "[]",
    "{}",
    "【】",
]


def understood(text: str) -> None:
    reading = read_key(text)
    assert reading.problem is None, (text, reading.problem)
    assert (reading.name, dict(reading.params)) == (NAME, {"txSecret": SECRET, "txTime": TIME})


def problem_of(text: str) -> str:
    reading = read_key(text, reserved=frozenset({"name", "app", "clientid"}))
    assert reading.problem is not None, (text, reading)
    assert reading.name == ""
    assert dict(reading.params) == {}
    return reading.problem.reason


@pytest.mark.parametrize("blank", BLANKS + INVISIBLE)
def test_a_key_with_blanks_or_what_nobody_sees_around_it_is_the_key(blank):
    for text in (blank + KEY, KEY + blank, blank * 3 + KEY + blank * 2, f"{blank} {KEY}\n{blank}"):
        understood(text)


@pytest.mark.parametrize("quotes", QUOTES)
def test_a_key_in_quotes_or_brackets_of_any_language_is_the_key(quotes):
    for text in (quotes[0] + KEY + quotes[1], f" {quotes[0]}{KEY}{quotes[1]}.\n", KEY + quotes[1], quotes[0] + KEY):
        understood(text)


@pytest.mark.parametrize("char", [char for char in INVISIBLE if char not in "\r\n"])
def test_what_nobody_sees_inside_a_key_does_not_count(char):
    understood(KEY[:5] + char + KEY[5:40] + char + KEY[40:])


@pytest.mark.parametrize(
    "text",
    [
        KEY.replace("&", "&amp;"), KEY.replace("&", "&#38;"), KEY.replace("&", "&AMP;"), WIDE, KEY.replace("?", "？"),
        quote(KEY, safe=""), quote(KEY), quote(f" {KEY}\n", safe=""), quote(f"\ufeff{KEY}", safe=""),
        f"/{KEY}", f"//{KEY}", f"live/{KEY}", f"/live/{KEY}", f"rtmp://127.0.0.1/live/{KEY}", f"rtmp://127.0.0.1:21935/live/{KEY}",
        f"rtmps://live.example.com:443/live/{KEY}", f"RTMP://Live.Example.Com/live//{KEY}", f"rtmp://[::1]:1935/live/{KEY}",
        f"live.example.com/live/{KEY}", f"localhost:1935/live/{KEY}", f"example.com/{KEY}", quote(f"rtmp://h/live/{KEY}", safe=""),
        f"rtmp%3A%2F%2Fh%2Flive%2F{KEY}", f"{KEY}&", f"{KEY}%0A", f"{KEY}%20", f"{KEY}+",
    ],
)  # fmt: skip
def test_a_key_in_another_spelling_is_the_key(text):
    understood(text)


def test_what_a_streamer_adds_to_the_key_is_kept_as_it_is():
    assert dict(read_key(KEY + "&sei=a%20b+c&x=%22q%22&empty").params) == {
        "txSecret": SECRET, "txTime": TIME, "sei": "a b c", "x": '"q"', "empty": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_key"), (" \n", "no_key"), (f"{KEY}?{KEY.split('?')[1]}", "key_twice"), (KEY + KEY, "key_twice"),
        (f"{KEY} {KEY}", "key_twice"),
        (f"{KEY}\n{KEY}", "key_twice"), (f"{KEY}&txTime=1", "key_twice"),
        (f"{NAME}?a=1&a=2", "key_twice"), (f"{NAME}?a=1&%61=2", "key_twice"),
        ("rtmp://127.0.0.1:1935/live", "server_as_key"), ("rtmp://127.0.0.1/live/", "server_as_key"), ("rtmp://h/", "server_as_key"),
        (f"rtmp://h/app/{KEY}", "unknown_application"), (f"app/{KEY}", "unknown_application"), (f"live/live/{KEY}", "unknown_application"),
        (f"rtmp://h/live/../live/{KEY}", "unknown_application"), (f"../{KEY}", "unknown_application"),
        (f"https://h/live/{NAME}.flv?txTime={TIME}", "not_rtmp"), (f"srt://h/live/{KEY}", "not_rtmp"), (f"file:///live/{KEY}", "not_rtmp"),
        (f"st ella?txTime={TIME}", "bad_name"), ("a.flv", "bad_name"), ("a;b", "bad_name"), ("$(id)", "bad_name"), ("x" * 65, "bad_name"),
        ("ä", "bad_name"), (f"\ufffd{KEY}", "bad_name"), (f"?{KEY}", "bad_name"), (f"{NAME}\\{KEY}", "bad_name"),
        (f"{KEY}&a=%00", "bad_query"), (f"{KEY}&a=%0d%0aSet-Cookie", "bad_query"), (f"{KEY}&a=%ff", "bad_query"),
        (f"{KEY}&a=%ed%a0%80", "bad_query"),
        (f"{NAME}?" + "&".join(f"k{n}=1" for n in range(MAX_PARAMS + 1)), "bad_query"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_refused_with_a_reason(text, reason):
    assert problem_of(text) == reason


@pytest.mark.parametrize("word", ["name", "na%6De", "app", "clientid", "nam\u200be", "ｎame"])
def test_a_word_of_the_media_server_is_no_parameter(word):
    """`victim?name=mine` is checked as nobody's."""
    assert problem_of(f"victim?{word}=mine&txTime={TIME}") == "key_twice"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (KEY + KEY.split("?")[1], (NAME,)), (f"{KEY}?{KEY.split('?')[1]}", (NAME,)), (f"rtmp://h/app/{KEY}", (NAME, "app")),
        (f"{KEY}&a=%00", (NAME,)), (f"st ella {KEY}", (NAME, "ella", "st")), (f"?{KEY}", (NAME,)), ("rtmp://h/live", ()), ("", ()),
    ],
)  # fmt: skip
def test_a_refusal_says_which_stream_it_may_be_about(text, found):
    assert read_key(text).names == found


@pytest.mark.parametrize(
    "app", ["live", " live", "live/", "live\n", "LIVE", "\u200blive", '"live"', "ｌｉｖｅ", "/live/", "live?x=1"]
)
def test_the_server_field_is_trimmed_too(app):
    reading = read_server(app)
    assert (reading.name, reading.problem) == ("live", None)


@pytest.mark.parametrize(
    ("app", "reason", "found"),
    [
        (f"live/{KEY}", "key_in_server", (NAME,)), (f" live/{NAME} ", "key_in_server", (NAME,)),
        (f"live/{NAME}/x", "key_in_server", ("x", NAME)),
        (KEY, "unknown_application", (NAME,)), ("app", "unknown_application", ()), ("", "unknown_application", ()),
        ("live/live", "unknown_application", ()), ("live/a b", "unknown_application", ()), ("../live", "unknown_application", ()),
    ],
)  # fmt: skip
def test_a_key_in_the_server_field_is_told_apart_from_another_application(app, reason, found):
    reading = read_server(app)
    assert reading.problem is not None
    assert (reading.problem.reason, reading.names, reading.name) == (reason, found, "")


anything = st.text(max_size=120) | st.text(alphabet=string.printable + "　？＆\u200b\ufeff“”", max_size=120)


@given(anything)
def test_whatever_is_pasted_is_a_name_or_a_problem(text):
    for reading in (read_key(text), read_server(text)):
        if reading.problem is None:
            assert names.valid(reading.name)
        else:
            assert reading.name == ""
            assert reading.problem.text.endswith((".", "?"))
            assert reading.problem.detail.isprintable()
            assert len(reading.problem.detail) < 300
        assert all(names.valid(name) for name in reading.names)
        assert len(reading.names) <= 4


@given(st.sampled_from(BLANKS + INVISIBLE), st.sampled_from(QUOTES), st.integers(0, 3), st.booleans())
def test_any_dressing_comes_off(blank, quotes, times, inside):
    text = KEY
    for _ in range(times):
        text = (
            f"{quotes[0]}{blank}{text}{blank}{quotes[1]}" if inside else f"{blank}{quotes[0]}{text}{quotes[1]}{blank}"
        )
    understood(text)


@given(anything)
def test_trimming_twice_is_trimming_once(text):
    assert plain(plain(text)) == plain(text)


@given(
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.text("ab 1&=?%é", max_size=9), max_size=5),
)
def test_a_key_that_is_right_is_read_byte_for_byte(name, params):
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in params.items())
    reading = read_key(name + (f"?{query}" if query else ""), reserved=frozenset())
    if name.lower() != "live":
        assert (reading.problem, reading.name, dict(reading.params)) == (None, name, params)


@given(st.text(max_size=300))
def test_what_an_encoder_says_of_itself_can_be_shown(text):
    shown = clean_words(text, limit=120)
    assert shown.isprintable()
    assert len(shown) <= 120
