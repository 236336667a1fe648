"""A callback body of nginx-rtmp, taken apart: its own fields on one side, the client's query on the other.

The client writes its query into the same body, so a key that comes twice is refused: `victim?name=mine` would otherwise be
checked as `mine` and go on air as `victim`."""

from __future__ import annotations

from types import MappingProxyType
from typing import cast
from urllib.parse import unquote_to_bytes

from streams.engines.base import ACTIONS, Action, BadHook, Hook
from streams.rules import names

# nginx-rtmp cuts names and queries at 255 bytes and writes at most nine fields of its own: 3 KB with everything escaped.
MAX_BODY_BYTES = 16 * 1024
MAX_FIELDS = 64

_CONNECTION = frozenset({"app", "flashver", "swfurl", "tcurl", "pageurl", "addr", "clientid"})
_OWN: dict[Action, frozenset[str]] = {
    "publish": _CONNECTION | {"call", "name", "type"},
    "publish_done": _CONNECTION | {"call", "name"},
    "play": _CONNECTION | {"call", "name", "start", "duration", "reset"},
    "play_done": _CONNECTION | {"call", "name"},
}


def parse_hook(*, action: str, body: bytes) -> Hook:
    """The callback of one action (`publish`, `publish_done`, `play`, `play_done`). BadHook says what cannot be believed."""
    if action not in ACTIONS:
        raise BadHook(f"{action!r} is not a callback; there are {', '.join(ACTIONS)}.")
    known = cast(Action, action)
    fields = _fields(body)
    if fields.get("call", action) != action:
        raise BadHook(f"The callback says call={_short(fields['call'])} but came to {action}.")
    stream = fields.get("name", "")
    if not names.valid(stream):
        raise BadHook(
            f"{_short(stream)} is no stream name: 1 to 64 letters, digits, _ or - (the part of the stream key before its ?)."
        )
    client_id = fields.get("clientid", "")
    if not client_id:
        raise BadHook("The callback names no clientid.")
    own = _OWN[known]
    return Hook(
        action=known,
        stream=stream,
        application=fields.get("app", ""),
        client_id=client_id,
        address=fields.get("addr", ""),
        params=MappingProxyType({key: value for key, value in fields.items() if key not in own}),
        encoder=fields.get("flashver", ""),
    )


def _fields(body: bytes) -> dict[str, str]:
    if len(body) > MAX_BODY_BYTES:
        raise BadHook(f"The callback's body has {len(body):,} bytes; the limit is {MAX_BODY_BYTES:,}.")
    fields: dict[str, str] = {}
    # nginx writes "&&" before call=, and a client may end its query with "&": empty parts mean nothing.
    parts = [part for part in body.split(b"&") if part]
    if len(parts) > MAX_FIELDS:
        raise BadHook(f"The callback has {len(parts)} fields; the limit is {MAX_FIELDS}.")
    for part in parts:
        raw_key, _, raw_value = part.partition(b"=")
        key, value = _text(raw_key), _text(raw_value)
        if key in fields:
            raise BadHook(
                f"The address names {_short(key)} twice (or it is a word the media server uses itself); once is enough."
            )
        fields[key] = value
    return fields


def _text(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise BadHook("The address holds bytes that are not UTF-8 text.") from None
    if not text.isprintable():
        raise BadHook("The address holds control characters.")
    return text


def _short(text: str) -> str:
    """Somebody else's text for a sentence: quoted, escaped and cut."""
    return repr(text if len(text) <= 40 else text[:40] + "…")
