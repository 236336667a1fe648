"""Text from outside, judged once and by Unicode: bytes as the contracts count them, and nothing that hides or runs over others.

Three kinds. `opaque`: for programs (ids, passwords, addresses); only what breaks a wire is refused. `checked`: shown to people, in lines.
`line` and `name`: shown beside other things, so that a break or a turned direction in it would disturb those.

Promise: a text that is accepted is kept byte for byte in every script (`line` and `name` lose blanks at their ends, nothing else);
joiners, flags, skin tones, keycaps and decomposed letters stay. Sources: Unicode 15.1, UAX 9 (directions), UAX 44, UTS 51 (emoji)."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from liveroom.kernel.errors import BadParameter

# Letters and symbols by their category, and yet without ink: Hangul fillers, the blank of Braille, the musical null note head.
_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159")
# Format characters that do show: numbers and verses are written below or around them.
_INKED_FORMATS: Final = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
_WITHOUT_INK: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp", "Mn", "Me"})
# Reserved for what shows nothing (Default_Ignorable_Code_Point), whatever is given to them later.
_IGNORABLE: Final = re.compile("[\u2065\ufff0-\ufff8\U000e0000-\U000e0fff]")

# A script's letter bears at most eight marks (a Tibetan stack); more climb over the lines above and below.
MARKS_IN_A_ROW: Final = 10
# Two suffice for every emoji sequence; a hidden message needs many.
HIDDEN_IN_A_ROW: Final = 8

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NO_TEXT = re.compile(
    "[\x80-\x84\x86-\x9f"  # controls, but for the line break U+0085
    "\u206a-\u206f\ufff9-\ufffb\U000e0001"  # deprecated, or hiding a part of the text (annotations)
    "\ufdd0-\ufdef" + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17)) + "]"
)
_TAG = re.compile("[\U000e0000-\U000e007f]")
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
_BREAK = re.compile("[\n\r\u0085\u2028\u2029]")
# Where a direction ends by itself (Bidi_Class B). U+2028 is none of them: a direction goes on behind it.
_PARAGRAPH = re.compile("[\n\r\u0085\u2029]")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TURNS, _TURNS_BACK = frozenset("\u202a\u202b\u202d\u202e"), "\u202c"
_ISOLATES, _ISOLATES_BACK = frozenset("\u2066\u2067\u2068"), "\u2069"
# What may be cut off the ends of a line: it shows nothing there, and two names that differ in it look the same.
_ENDS: Final = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + (
    "\u00ad\u180e\u200b\u2060\u2800\u3164\ufeff\uffa0"
)


def _has_ink(char: str) -> bool:
    category = unicodedata.category(char)
    if category in _WITHOUT_INK:
        return char in _INKED_FORMATS
    # What is not assigned yet may be tomorrow's emoji.
    return char not in _BLANKS and not _IGNORABLE.match(char)


def shows(value: str) -> bool:
    """Whether a reader sees anything of it: a letter, a sign, an emoji; not blanks, marks without a letter, or formats."""
    return any(map(_has_ink, value))


def storable(value: object, *, field: str) -> str:
    """`value` as text that every database can hold: valid UTF-8 without NUL. For what is opaque to us."""
    if not isinstance(value, str):
        raise BadParameter(f"{field} must be text, not {type(value).__name__}.", field=field)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise BadParameter(f"{field} holds half of a surrogate pair; send valid UTF-8.", field=field) from None
    if "\x00" in value:
        raise BadParameter(f"{field} holds a NUL character.", field=field)
    return value


def storable_texts(value: object, *, field: str, limit_bytes: int) -> dict[str, str]:
    """`value` as an object of texts (custom fields) that takes at most `limit_bytes` as JSON. Clients show them: they are judged."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise BadParameter(f"{field} must be an object of texts.", field=field)
    for key, one in value.items():
        judged_key(key, field=field)
        storable(one, field=field)
    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size > limit_bytes:
        raise BadParameter(
            f"{field} take {size:,} bytes; the limit is {limit_bytes:,}.", field=field, limit=limit_bytes, given=size
        )
    for one in value.values():
        judge(one, field=field)
    return value


def judged_key(key: object, *, field: str) -> str:
    """The name of a value (an attribute, a counter, a custom field): one line that shows something. Its bytes are the caller's to count."""
    return judged_line(storable(key, field=field), field=f"A key of {field}", report=field)


def judged_line(value: str, *, field: str, report: str | None = None) -> str:
    """One line, not a byte of it changed; empty, or something can be seen. `report` as in `judge`."""
    judge(value, field=field, report=report, breaks=False)
    if value and not shows(value):
        raise BadParameter(
            f"{field} holds nothing that can be seen: {_named(value)}.", field=field if report is None else report
        )
    return value


def is_web_address(url: str) -> bool:
    """Whether an `img` of a viewer's page may load it: http or https, with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:  # an unclosed [ is no address at all
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def web_address(value: object, *, field: str, limit_bytes: int) -> str:
    """Empty, or an http(s) address: it ends up in an `img` of every viewer."""
    url = opaque(value, field=field, limit_bytes=limit_bytes)
    if url and not is_web_address(url):
        raise BadParameter(f"{field} must be an http or https address.", field=field)
    return url


def opaque(value: object, *, field: str, limit_bytes: int, required: bool = False, code: int | None = None) -> str:
    """`value` as text for programs, of at most `limit_bytes` of UTF-8. BadParameter names the field, the limit and what was given."""
    value = storable(value, field=field)
    size = len(value.encode("utf-8"))
    if size > limit_bytes:
        error = BadParameter(
            f"{field} is {size:,} bytes long in UTF-8; the limit is {limit_bytes:,}.",
            field=field,
            limit=limit_bytes,
            given=size,
        )
        if code is not None:
            error.code = code
        raise error
    if _CONTROL.search(value):
        raise BadParameter(f"{field} holds a control character (other than tab and line break).", field=field)
    if required and not value.strip():
        raise BadParameter(f"{field} must not be empty.", field=field)
    return value


def checked(value: object, *, field: str, limit_bytes: int, required: bool = False, code: int | None = None) -> str:
    """`value` as text that people read, perhaps in lines. Byte for byte what was given, or BadParameter with the reason."""
    value = opaque(value, field=field, limit_bytes=limit_bytes, required=required, code=code)
    if not (value.isascii() and value.strip()):
        judge(value, field=field)
        if value and not shows(value):
            raise BadParameter(f"{field} holds nothing that can be seen: {_named(value)}.", field=field)
    return value


def line(value: object, *, field: str, limit_bytes: int, required: bool = False) -> str:
    """`value` as one line that people read (a title, a tag, the words of a poll), without the blanks at its ends."""
    given = opaque(value, field=field, limit_bytes=limit_bytes, required=required)
    value = judged_line(given.strip(_ENDS), field=field)
    if not value and given.strip():
        raise BadParameter(f"{field} holds nothing that can be seen: {_named(given)}.", field=field)
    return value


def name(value: object, *, field: str, limit_bytes: int) -> str:
    """`value` as what somebody is called beside everything it says: a line that neither turns directions nor leans on what is before it.

    Empty stays empty: there is a user id to fall back on."""
    given = opaque(value, field=field, limit_bytes=limit_bytes)
    value = line(given, field=field, limit_bytes=limit_bytes)
    if given and not value:
        raise BadParameter(f"{field} holds nothing that can be seen: {_named(given)}.", field=field)
    turned = _DIRECTION.search(value)
    if turned:
        raise BadParameter(
            f"{field} holds {_named(turned[0])}, which changes the direction of the text around it; leave it out. "
            "Arabic and Hebrew need no such character.",
            field=field,
        )
    if value and unicodedata.category(value[0]) in ("Mn", "Me"):
        raise BadParameter(f"{field} begins with a mark that belongs on a letter: {_named(value)}.", field=field)
    return value


def _named(value: str) -> str:
    """A few of its characters as their code points: what cannot be seen cannot be quoted either."""
    codes = [f"U+{ord(char):04X}" for char in value[:3]]
    return " ".join(codes) + (" …" if len(value) > 3 else "")


def judge(value: str, *, field: str, report: str | None = None, breaks: bool = True) -> None:
    """BadParameter if `value` holds what no text holds, directions that stay open, or too much that cannot be seen.

    `report`: the field of the problem, where it is not the word for it. `breaks`: whether line breaks may stand in it."""
    fault = None if value.isascii() else _fault(value)
    if fault is None and _CONTROL.search(value):
        fault = "holds a control character (other than tab and line break)"
    if fault is None and not breaks and (_BREAK.search(value) or "\t" in value):
        fault = "is one line; leave out line breaks and tabs"
    if fault is not None:
        raise BadParameter(f"{field} {fault}.", field=field if report is None else report)


def judge_all(value: object, *, field: str) -> None:
    """`judge` for every text inside of parsed JSON, keys too: an escape such as \\u202e is seen only here. Read it with a depth limit."""
    if isinstance(value, str):
        judge(storable(value, field=field), field=field)
    elif isinstance(value, dict):
        for key, inner in value.items():
            judge_all(key, field=field)
            judge_all(inner, field=field)
    elif isinstance(value, list):
        for inner in value:
            judge_all(inner, field=field)


def _fault(value: str) -> str | None:
    odd = _NO_TEXT.search(value)
    if odd:
        return f"holds {_named(odd[0])}, which is not for text"
    if _TAG.search(value) and _TAG.search(_FLAG.sub("", value)):
        return "holds tag characters (U+E0020 to U+E007F), which show nothing outside of a flag"
    if _DIRECTION.search(value) and any(map(_leaves_open, _PARAGRAPH.split(value))):
        return (
            "changes the direction of the text and does not change it back; "
            "end U+202A to U+202E with U+202C, and U+2066 to U+2068 with U+2069, in the same line"
        )
    return _hidden_fault(value)


def _leaves_open(paragraph: str) -> bool:
    """Whether an embedding, override or isolate has no end. One that is closed without being open does nothing (UAX 9, X6a and X7)."""
    open_ones: list[str] = []
    for char in _DIRECTION.findall(paragraph):
        if char in _TURNS or char in _ISOLATES:
            open_ones.append(char)
        elif char == _TURNS_BACK:
            if open_ones and open_ones[-1] in _TURNS:
                open_ones.pop()
        elif char == _ISOLATES_BACK and any(one in _ISOLATES for one in open_ones):
            # The end of an isolate ends what was opened inside it.
            while open_ones.pop() not in _ISOLATES:
                pass
    return bool(open_ones)


def _hidden_fault(value: str) -> str | None:
    marks = hidden = 0
    value = _FLAG.sub("", value)
    for char in value:
        if char < "\u0300" and char != "\u00ad":
            marks = hidden = 0
            continue
        category = unicodedata.category(char)
        selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
        marks = marks + 1 if category in ("Mn", "Me") and not selector else 0
        hidden = hidden + 1 if category == "Cf" or selector or _IGNORABLE.match(char) else 0
        if marks > MARKS_IN_A_ROW:
            return f"puts more than {MARKS_IN_A_ROW} marks on one letter"
        if hidden > HIDDEN_IN_A_ROW:
            return f"holds more than {HIDDEN_IN_A_ROW} characters in a row that show nothing"
    return None
