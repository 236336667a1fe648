"""What a streamer meant by what stands in the fields of the encoder: trimmed where only one thing can be meant, else a problem in words.

Only the ends are trimmed and only spellings are undone; a name is never guessed. Whoever accepts a reading still checks its signature."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

from streams.rules import names

APPLICATION = "live"
TX_SECRET, TX_TIME = "txSecret", "txTime"
MAX_PARAMS = 32
_MOST_NAMES = 4

# Full-width forms, as East Asian keyboards write them, and the ideographic blank.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
# What copying puts around a text, and behind it at the end of a sentence. No stream key begins or ends with one of these.
_AROUND = "\"'`´<>*|"
_BEHIND = ".,;:!"
_AROUND_KINDS = ("Z", "Cc", "Ps", "Pe", "Pi", "Pf")
_AMPERSAND = re.compile(r"&(?:amp|#38|#x26);", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HOST = re.compile(
    r"(?:localhost|\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\.?)(?::\d{1,5})?\Z|[A-Za-z0-9-]+:\d{1,5}\Z"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text is no stream key: `reason` for programs, `text` for the streamer, `detail` the technical reason."""

    reason: str
    text: str
    detail: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A stream's name and its query, or the problem. `names`: which streams the text may be about, most likely first; a hint for
    showing a refusal, never a right."""

    name: str = ""
    params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    problem: Problem | None = None
    names: tuple[str, ...] = ()


class _Unclear(Exception):
    def __init__(self, reason: str, text: str, detail: str) -> None:
        super().__init__(reason)
        self.problem = Problem(reason, text, detail)


def plain(text: str) -> str:
    """`text` without what nobody sees (zero-width characters, byte order marks, direction marks, soft hyphens) and without control
    characters, full-width forms made narrow, and nothing around it. Blanks and line ends inside stay: they are no part of a key."""
    kept = (
        char for char in text.translate(_NARROW) if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf")
    )
    return _stripped("".join(kept))


def _stripped(text: str) -> str:
    first, last = 0, len(text)
    while first < last and _is_around(text[first]):
        first += 1
    while first < last and (_is_around(text[last - 1]) or text[last - 1] in _BEHIND):
        last -= 1
    return text[first:last]


def _is_around(char: str) -> bool:
    return char in _AROUND or char.isspace() or unicodedata.category(char).startswith(_AROUND_KINDS)


def read_key(text: str, *, reserved: frozenset[str] = frozenset()) -> Reading:
    """The key field: `name?txSecret=…&txTime=…`, with whatever copying has put around it, or a whole address.

    `reserved`: words that the media server uses itself beside the client's query; a query that names one is refused."""
    shown = _decoded(plain(text))
    found = _names_in(shown)
    try:
        name, query = _split(shown)
        return Reading(name=name, params=MappingProxyType(_params(query, reserved)), names=(name,))
    except _Unclear as unclear:
        return Reading(problem=unclear.problem, names=found)


def read_server(text: str) -> Reading:
    """The application that a client connected to: a reading without a problem is `live`, however it was spelled."""
    shown = _decoded(plain(text))
    path, _, query = shown.partition("?")
    parts = [part for part in path.split("/") if part]
    if [part.lower() for part in parts] == [APPLICATION]:
        return Reading(name=APPLICATION)
    after = parts[1:] if parts and parts[0].lower() == APPLICATION else parts
    found = _valid(reversed(after))
    if parts and parts[0].lower() == APPLICATION and found:
        problem = Problem(
            "key_in_server",
            f"The stream key stands in the server field. Server ends with /{APPLICATION}; the rest belongs into Stream Key.",
            f"The client connected to the application {_short(path)}; there is only {APPLICATION!r}.",
        )
        return Reading(problem=problem, names=found)
    problem = Problem(
        "unknown_application",
        f"The server address is wrong: it ends with /{APPLICATION}. Copy it again.",
        f"The client connected to the application {_short(path)}; there is only {APPLICATION!r}.",
    )
    return Reading(problem=problem, names=found if "=" in query else ())


def clean_words(text: str, *, limit: int) -> str:
    """What an encoder says of itself, fit to be shown: nothing invisible, no control characters, at most `limit` characters."""
    seen = (char if char.isprintable() else " " for char in text if unicodedata.category(char) != "Cf")
    return " ".join("".join(seen).split())[:limit].strip()


def _decoded(text: str) -> str:
    """Undoes what a web page or a link did to the text; once. Nothing in a good path has a percent sign."""
    text = _AMPERSAND.sub("&", text)
    path, mark, query = text.partition("?")
    if "%" in path:
        path = unquote_to_bytes(path).decode("utf-8", "replace")
        text = _AMPERSAND.sub("&", plain(path + mark + query))
    return text


def _split(text: str) -> tuple[str, str]:
    """(name, query), or _Unclear."""
    lowered = text.lower()
    if lowered.count("txsecret=") > 1 or lowered.count("txtime=") > 1:
        raise _Unclear(
            "key_twice",
            "The stream key stands in the field twice: empty the field and paste it once.",
            "txSecret or txTime comes more than once.",
        )
    path, _, query = text.partition("?")
    name = _name_in_path(path, query)
    if not names.valid(name):
        if not text:
            raise _Unclear("no_key", "The stream key field is empty: copy the key into it.", "The client sent no name.")
        raise _Unclear(
            "bad_name",
            "The stream key is wrong or was changed: copy it again.",
            f"{_short(name)} is no stream name: 1 to 64 letters, digits, _ or - (the part of the key before its ?).",
        )
    return name, query


def _name_in_path(path: str, query: str) -> str:
    scheme = _SCHEME.match(path)
    if scheme is None and "/" not in path:
        return path
    rest = path[scheme.end() :] if scheme else path
    parts = [part for part in rest.split("/") if part]
    if scheme or (len(parts) > 1 and _HOST.match(parts[0])):
        if scheme and scheme[1].lower() not in ("rtmp", "rtmps"):
            raise _Unclear(
                "not_rtmp",
                "That address is for watching or for another kind of server: copy the stream key from the console.",
                f"The key field holds an address of the kind {_short(scheme[1])}.",
            )
        parts = parts[1:]
    if not parts or ([part.lower() for part in parts] == [APPLICATION] and "/" in rest):
        if query and "/" in query:
            raise _Unclear(
                "bad_name",
                "The stream key is wrong or was changed: copy it again.",
                "The query stands before the stream's name.",
            )
        raise _Unclear(
            "server_as_key",
            "The server address stands in the stream key field: copy the stream key into it.",
            "The key field holds an address without a stream's name.",
        )
    *application, name = parts
    if application and [part.lower() for part in application] != [APPLICATION]:
        raise _Unclear(
            "unknown_application",
            f"That address is not of this server: ours ends with /{APPLICATION}. Copy server and stream key again.",
            f"The key field holds an address of the application {_short('/'.join(application))}; there is only {APPLICATION!r}.",
        )
    return name


def _params(query: str, reserved: frozenset[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    parts = [part for part in query.split("&") if part]
    if len(parts) > MAX_PARAMS:
        raise _Unclear(
            "bad_query",
            "The stream key is wrong or was changed: copy it again.",
            f"The query has {len(parts)} parameters; the limit is {MAX_PARAMS}.",
        )
    for part in parts:
        raw_key, _, raw_value = part.partition("=")
        key, value = _unquoted(raw_key), _unquoted(raw_value, trimmed=raw_key in (TX_SECRET, TX_TIME))
        if key in params or key in reserved:
            raise _Unclear(
                "key_twice",
                f"The stream key names {_short(key)} twice: copy it again, once.",
                f"The parameter {_short(key)} comes twice, or is a word that the media server uses itself.",
            )
        params[key] = value
    return params


def _unquoted(raw: str, *, trimmed: bool = False) -> str:
    """One key or value of a query, strict but for the ends of our own two values."""
    text = unquote_to_bytes(raw.replace("+", " ")).decode("utf-8", "replace")
    text = _stripped(text) if trimmed else text
    if "\ufffd" in text or not text.isprintable():
        raise _Unclear(
            "bad_query",
            "The stream key is wrong or was changed: copy it again.",
            "The query holds bytes that are no text, or control characters.",
        )
    return text


def _names_in(text: str) -> tuple[str, ...]:
    """Names that a text may be about: the pieces of its path, from the end; hosts and the application are none."""
    path = text.partition("?")[0]
    scheme = _SCHEME.match(path)
    rest = path[scheme.end() :].partition("/")[2] if scheme else path
    pieces = [plain(piece) for piece in re.split(r"[/\s]+", rest)]
    after = [plain(piece) for piece in re.split(r"[/\s?]+", text.partition("?")[2]) if "=" not in piece]
    return _valid([*reversed(pieces), *after])


def _valid(pieces: Iterable[str]) -> tuple[str, ...]:
    found = dict.fromkeys(piece for piece in pieces if names.valid(piece) and piece.lower() != APPLICATION)
    return tuple(found)[:_MOST_NAMES]


def _short(text: str) -> str:
    """Somebody else's text for a sentence: quoted, escaped and cut."""
    shown = ascii(text)
    return shown if len(shown) <= 80 else f"{shown[:80]}…'"
