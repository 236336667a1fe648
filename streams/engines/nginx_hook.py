"""A callback body of nginx-rtmp, taken apart: its own fields on one side, the client's query on the other.

The engine writes its own fields first and escapes them; what follows is the client's query as it came. The two are never mixed:
`victim?name=mine` would otherwise be checked as `mine` and go on air as `victim`. Fields in which a client describes itself are
cleaned and shown, and decide nothing."""

from __future__ import annotations

from typing import cast
from urllib.parse import unquote_to_bytes

from streams.engines.base import ACTIONS, Action, BadHook, Hook
from streams.rules import pasted
from streams.rules.pasted import Reading

# nginx-rtmp cuts names and queries at 255 bytes and writes at most nine fields of its own: 3 KB with everything escaped.
MAX_BODY_BYTES = 16 * 1024
MAX_FIELDS = 64
MAX_ENCODER = 120

_CONNECTION = frozenset({"app", "flashver", "swfurl", "tcurl", "pageurl", "addr", "clientid"})
_OWN: dict[Action, frozenset[str]] = {
    "connect": _CONNECTION | {"call", "epoch"},
    "publish": _CONNECTION | {"call", "name", "type"},
    "publish_done": _CONNECTION | {"call", "name"},
    "play": _CONNECTION | {"call", "name", "start", "duration", "reset"},
    "play_done": _CONNECTION | {"call", "name"},
}
# What names the connection must be text; a name is read as far as it goes, and refused with words where it is none.
_STRICT = frozenset({"addr", "clientid", "call"})


def parse_hook(*, action: str, body: bytes, segments: str = "") -> Hook:
    """The callback of one action. BadHook says what cannot be believed.

    `segments`: the application that the engine itself sends every stream to; its name is a secret."""
    if action not in ACTIONS:
        raise BadHook(f"{action!r} is not a callback; there are {', '.join(ACTIONS)}.")
    known = cast(Action, action)
    own, query = _taken_apart(known, body)
    if own.get("call", action) != action:
        raise BadHook(f"The callback says call={_short(own['call'])} but came to {action}.")
    client_id, address = own.get("clientid", ""), own.get("addr", "")
    if not client_id and action != "connect":
        raise BadHook("The callback names no clientid.")
    application, name = own.get("app", ""), own.get("name", "")
    # Of its own connections the engine says where they lead, which no client can make it say.
    internal = bool(segments) and (
        (action == "connect" and application == segments)
        or (action in ("play", "play_done") and address.endswith(f"/{segments}"))
    )
    reading = Reading()
    if not internal:
        reading = _read(known, application=application, name=name, query=query)
        if reading.problem is not None:
            raise BadHook(
                reading.problem.detail, problem=reading.problem, names=reading.names, address=address,
                given=pasted.clean_words(name or application, limit=64),
            )  # fmt: skip
    return Hook(
        action=known,
        stream=name if internal else reading.name,
        sent_as=application if action == "connect" else name,
        application=application,
        client_id=client_id,
        address=address,
        params=reading.params,
        encoder=pasted.clean_words(own.get("flashver", ""), limit=MAX_ENCODER),
        internal=internal,
    )


def _read(action: Action, *, application: str, name: str, query: str) -> Reading:
    asked = f"?{query}" if query else ""
    if action == "connect":
        return pasted.read_server(application + asked)
    server = pasted.read_server(application)
    if server.problem is not None:
        return server
    reading = pasted.read_key(name + asked, reserved=_OWN[action])
    if action.startswith("play") and reading.problem is None and reading.name != name:
        detail = f"{_short(name)} is no stream name: 1 to 64 letters, digits, _ or -."
        return Reading(problem=pasted.Problem("bad_name", "The address is wrong: copy it again.", detail))
    return reading


def _taken_apart(action: Action, body: bytes) -> tuple[dict[str, str], str]:
    """(The engine's own fields, the client's query as it came.)"""
    if len(body) > MAX_BODY_BYTES:
        raise BadHook(f"The callback's body has {len(body):,} bytes; the limit is {MAX_BODY_BYTES:,}.")
    # nginx writes "&&" before call=, and a client may end its query with "&": empty parts mean nothing.
    parts = [part for part in body.split(b"&") if part]
    if len(parts) > MAX_FIELDS:
        raise BadHook(f"The callback has {len(parts)} fields; the limit is {MAX_FIELDS}.")
    own: dict[str, str] = {}
    for at, part in enumerate(parts):
        raw_key, _, raw_value = part.partition(b"=")
        key = raw_key.decode("ascii", "replace")
        if key not in _OWN[action] or key in own:
            return own, b"&".join(parts[at:]).decode("utf-8", "replace")
        own[key] = _text(key, raw_value)
    return own, ""


def _text(key: str, raw: bytes) -> str:
    text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", "replace")
    if key in _STRICT and not (text.isprintable() and text.isascii()):
        raise BadHook(f"The callback's {key} is no text.")
    return text


def _short(text: str) -> str:
    """Somebody else's text for a sentence: quoted, escaped and cut."""
    return ascii(text if len(text) <= 40 else text[:40] + "…")
