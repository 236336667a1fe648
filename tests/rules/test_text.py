"""Text from outside (`kernel/values/text.py`): what shows nothing or runs over others is refused, everything else stays as it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveroom.kernel.errors import BadParameter
from liveroom.kernel.values import text

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
KEPT = {
    "a family": "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "a flag of tags": ENGLAND,
    "three flags of tags": ENGLAND * 3,
    "a flag of letters": "\U0001f1fa\U0001f1e6",
    "a skin tone": "\U0001f44d\U0001f3fd",
    "a keycap": "1\ufe0f\u20e3",
    "a heart in colour": "\u2764\ufe0f",
    "a heart on fire": "\u2764\ufe0f\u200d\U0001f525",
    "a rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "decomposed letters": "e\u0301o\u0308",
    "Arabic": "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643\u0645",
    "vowelled Arabic": "\u0628\u0650\u0633\u0652\u0645\u0650 \u0671\u0644\u0644\u0651\u064e\u0647\u0650",
    "Hebrew with points": "\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd",
    "Persian": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Hindi": "\u0928\u092e\u0938\u094d\u0924\u0947 \u0915\u094d\u200d\u0937",
    "Thai": "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48",
    "Tibetan": "\u0f67\u0f90\u0fb5\u0fa8\u0fb3\u0fba\u0fbc\u0fbb\u0f82",
    "Vietnamese, decomposed": unicodedata.normalize("NFD", "Tiếng Việt"),
    "Korean": "\ud55c\uad6d\uc5b4",
    "Korean, decomposed": unicodedata.normalize("NFD", "\ud55c\uad6d\uc5b4"),
    "old Korean": "\u1112\u119e\u11ab",
    "Mongolian": "\u182e\u1823\u1829\u182d\u1823\u182f",
    "a rare name": "\U00020bb7\u91ce\u5bb6",
    "a variant of a character": "\u845b\U000e0100\u57ce",
    "beyond the basic plane": "\U0001d4b3\U00010348",
    "a sign above numbers": "\u0600",
    "a character of tomorrow": "\U0001facf",
    "a replacement": "\ufffd",
    "one mark of an app's font": "a\uf8ff",
}  # fmt: skip
SHOWS_NOTHING = {
    "a Hangul filler": "\u3164",
    "old Hangul fillers": "\u115f\u1160",
    "a half-width filler": "\uffa0\uffa0",
    "a blank of Braille": "\u2800",
    "zero-width spaces": "\u200b\u200b",
    "a word joiner": "\u2060",
    "a soft hyphen": "\u00ad",
    "a byte order mark": "\ufeff",
    "a Mongolian vowel separator": "\u180e",
    "a no-break blank": "\u00a0",
    "wide blanks": "\u3000\u2003",
    "joiners": "\u200d\u200c",
    "variation selectors": "\ufe0f\ufe0f",
    "other variation selectors": "\U000e0100",
    "marks without a letter": "\u0301\u0302",
    "a keycap without a key": "\u20e3",
    "a grapheme joiner": "\u034f",
    "Khmer vowels that are not written": "\u17b4\u17b5",
    "a note without a head": "\U0001d159",
    "musical formats": "\U0001d173",
    "shorthand formats": "\U0001bca0",
    "what is reserved for nothing": "\ufff0\U000e0fff",
    "only of an app's font": "\ue000",
    "only an object": "\ufffc",
    "directions that are closed": "\u2066\u2069\u202a\u202c",
    "marks of direction": "\u200e\u200f\u061c",
    "a null note among blanks": " \U0001d159 ",
}
NO_TEXT = {
    "an open override": "\u202enimda",
    "an open embedding": "a\u202bb",
    "an open isolate": "\u2067abc",
    "an isolate closed in the next paragraph": "\u2067abc\n\u2069",
    "an override behind its isolate's end": "\u2067a\u2069\u202eb",
    "an end of the wrong kind": "\u2067abc\u202c",
    "tag characters": "hi\U000e0061\U000e0062",
    "tags behind another emoji": "\U0001f600\U000e0068\U000e0069\U000e007f",
    "a flag that does not end": ENGLAND[:-1] + "x",
    "a flag with a message": "\U0001f3f4" + "".join(chr(0xE0000 + ord(char)) for char in "attackatdawn") + "\U000e007f",
    "a language tag": "a\U000e0001\U000e0065",
    "an annotation": "\ufff9a\ufffab\ufffb",
    "a deprecated format": "a\u206eb",
    "a control of the upper half": "a\u0090b",
    "no character": "a\ufdd0",
    "the last of a plane": "a\U0010ffff",
    "a tower of marks": "a" + "\u0335\u0321\u0300" * 8,
    "a message in selectors": "\U0001f600" + "\U000e0150" * 20,
    "a message in zero-width": "a" + "\u200b\u200c" * 20 + "b",
    "an escape": "a\x1b[31m",
}


def refusal(check: str, value: object, **more: object) -> BadParameter | None:
    found = None
    try:
        getattr(text, check)(value, field="said", limit_bytes=10_000, **more)
    except BadParameter as error:
        found = error
    if found is not None:
        assert found.extra["field"] == "said"
        assert found.message.isprintable(), "what cannot be seen is named, not quoted"
    return found


@pytest.mark.parametrize("value", KEPT.values(), ids=KEPT)
def test_every_script_and_emoji_is_kept_byte_for_byte(value: str) -> None:
    for shown in (value, f"hi {value} there", value * 3):
        for check in (text.checked, text.line, text.name):
            assert check(shown, field="said", limit_bytes=10_000) == shown


@pytest.mark.parametrize("value", SHOWS_NOTHING.values(), ids=SHOWS_NOTHING)
def test_what_shows_nothing_is_no_text_and_no_name(value: str) -> None:
    assert not text.shows(value)
    for check in ("checked", "line"):
        assert refusal(check, value, required=True) is not None
    assert refusal("name", value) is not None
    assert text.shows(value + "x")


@pytest.mark.parametrize("value", NO_TEXT.values(), ids=NO_TEXT)
def test_what_turns_or_hides_is_refused_everywhere(value: str) -> None:
    for check in ("checked", "line", "name"):
        assert refusal(check, value) is not None
    with pytest.raises(BadParameter):
        text.storable_texts({"colour": value}, field="fields", limit_bytes=4096)
    with pytest.raises(BadParameter):
        text.judged_key(value, field="attributes")
    with pytest.raises(BadParameter):
        text.judge_all({"a": [{"b": value}]}, field="notice")


@pytest.mark.parametrize("mark", "\n\r\u0085\u2028\u2029\t")
def test_lines_break_in_texts_and_not_in_names(mark: str) -> None:
    broken = f"a{mark}b"
    assert text.checked(broken, field="said", limit_bytes=10) == broken
    assert refusal("line", broken) is not None
    assert refusal("name", broken) is not None


def test_directions_that_are_closed_stay_in_texts_and_titles_but_not_in_names() -> None:
    for value in (
        "\u2067\u05d0\u05d1\u2069 (1)",
        "\u202b\u05d0\u202c",
        "\u05d0\u200e (1)",
        "\u2067a\u202eb\u2069 c",
        "a\u202c\u2069b",
    ):
        assert text.checked(value, field="said", limit_bytes=100) == value
        assert text.line(value, field="said", limit_bytes=100) == value
        assert refusal("name", value) is not None


def test_a_name_loses_the_blanks_around_it_and_does_not_begin_with_a_mark() -> None:
    assert text.name("\u3164 mia\u200b ", field="nick", limit_bytes=100) == "mia"
    assert text.name("", field="nick", limit_bytes=100) == ""
    assert refusal("name", "\u0338mia") is not None
    assert text.line(" \u00a0Late show\n", field="title", limit_bytes=100) == "Late show"


def test_bytes_are_counted_and_the_limit_is_said() -> None:
    with pytest.raises(BadParameter) as told:
        text.name("\U0001f44d" * 300, field="nick", limit_bytes=1024)
    assert told.value.extra == {"field": "nick", "limit": 1024, "given": 1200}


def test_what_programs_say_to_each_other_is_left_alone() -> None:
    for value in ("\u200b", "\u202e", "\U000e0061", "pass\u00a0word"):
        assert text.opaque(value, field="said", limit_bytes=100) == value
    for value in ("a\x00b", "a\ud83d", "a\x1b"):
        assert refusal("opaque", value) is not None


@given(st.text(max_size=60))
def test_a_text_is_kept_as_it_is_or_refused_with_a_reason(value: str) -> None:
    for check in (text.checked, text.line, text.name):
        try:
            kept = check(value, field="said", limit_bytes=1_000)
        except BadParameter:
            continue
        assert kept == value if check is text.checked else kept in value
        assert check(kept, field="said", limit_bytes=1_000) == kept
        assert not kept or text.shows(kept)
        kept.encode()


@given(st.text(alphabet="\u202a\u202d\u202e\u202c\u2066\u2068\u2069\na", max_size=12))
def test_after_an_accepted_text_nothing_is_turned_any_more(value: str) -> None:
    """By UAX 9 itself: the level behind the text is that before it."""
    try:
        text.judge(value, field="said")
    except BadParameter:
        return
    stack: list[str] = []
    for char in value + "\n":
        if char in "\u202a\u202d\u202e\u2066\u2068":
            stack.append(char)
        elif char == "\u202c" and stack and stack[-1] < "\u2060":
            stack.pop()
        elif char == "\u2069":
            while any(one > "\u2060" for one in stack) and stack.pop() < "\u2060":
                pass
        elif char == "\n":
            assert not stack
            stack.clear()
