"""What a message may hold (product.md C1, C9): checked field by field, each refusal naming the field, the limit and what was given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from interactions.delivery.rooms import PRIORITIES, Priority
from liveroom.kernel import permission, text
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.permission import Actor

TOO_LONG = 80002
CID_BYTES, URL_BYTES, SHORT_BYTES = 64, 1000, 256
ELEMENTS, MENTIONS, LEVELS = 10, 10, 32
POSITIONS = ("scroll", "top", "bottom")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")


@dataclass(frozen=True, slots=True)
class Content:
    """A checked message: the fields of its event beside who sent it. `cid` is the client's own id: it finds its echo by it,
    and may send again without saying it twice."""

    type: str
    body: dict[str, Any]
    cid: str | None
    priority: Priority
    online_only: bool


def _number(value: Any, *, field: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadParameter(f"{field} is a whole number from {low} to {high}.", field=field, limit=high)
    return value


def _levels(value: Any, most: int) -> bool:
    """Whether it is nested in at most so many levels."""
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return most > 0 and all(_levels(one, most - 1) for one in inner)


def _fits(value: Any, *, field: str, limit: int) -> Any:
    """Opaque JSON of at most so many bytes and levels."""
    if not _levels(value, LEVELS):
        raise BadParameter(f"{field} is nested deeper than {LEVELS} levels.", field=field, limit=LEVELS)
    try:
        size = len(orjson.dumps(value))
    except orjson.JSONEncodeError as fault:  # half a surrogate pair, a number of more than 64 bits, too deep
        raise BadParameter(f"{field} cannot be sent on as JSON: {fault}.", field=field) from None
    if size > limit:
        error = BadParameter(
            f"{field} takes {size:,} bytes; the limit is {limit:,}.", field=field, limit=limit, given=size
        )
        error.code = TOO_LONG
        raise error
    return value


def _address(value: Any, *, field: str) -> str:
    url = text.opaque(value, field=field, limit_bytes=URL_BYTES, required=True)
    if not text.is_web_address(url):
        raise BadParameter(f"{field} is an address that begins with http:// or https://.", field=field)
    return url


def _custom(given: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """Opaque: gifts, signals of an app, chats that are encrypted end to end."""
    if given.get("data") is None:
        raise BadParameter("data is needed: any JSON.", field="data")
    said = {"data": _fits(given["data"], field="data", limit=limit)}
    if given.get("desc") is not None:
        said["desc"] = text.checked(given["desc"], field="desc", limit_bytes=SHORT_BYTES)
    if given.get("ext") is not None:
        said["ext"] = text.opaque(given["ext"], field="ext", limit_bytes=SHORT_BYTES)
    return said


def _picture(given: Mapping[str, Any], limit: int) -> dict[str, Any]:
    said: dict[str, Any] = {"url": _address(given.get("url"), field="url")}
    for name in ("width", "height"):
        if given.get(name) is not None:
            said[name] = _number(given[name], field=name, low=1, high=20_000)
    return said


def _audio(given: Mapping[str, Any], limit: int) -> dict[str, Any]:
    said: dict[str, Any] = {"url": _address(given.get("url"), field="url")}
    if given.get("seconds") is not None:
        said["seconds"] = _number(given["seconds"], field="seconds", low=1, high=3600)
    return said


def _emoji(given: Mapping[str, Any], limit: int) -> dict[str, Any]:
    said: dict[str, Any] = {"name": text.line(given.get("name"), field="name", limit_bytes=64, required=True)}
    if given.get("url") is not None:
        said["url"] = _address(given["url"], field="url")
    return said


def _text(given: Mapping[str, Any], limit: int) -> dict[str, Any]:
    return {"text": text.checked(given.get("text"), field="text", limit_bytes=limit, required=True, code=TOO_LONG)}


_KINDS: dict[str, Callable[[Mapping[str, Any], int], dict[str, Any]]] = {
    "text": _text, "custom": _custom, "image": _picture, "audio": _audio, "emoji": _emoji,
}  # fmt: skip


def elements_of(value: Any, limit: int) -> list[dict[str, Any]]:
    if (
        not isinstance(value, list)
        or not 1 <= len(value) <= ELEMENTS
        or not all(isinstance(one, dict) for one in value)
    ):
        raise BadParameter(f"elements is a list of 1 to {ELEMENTS} objects.", field="elements", limit=ELEMENTS)
    said = []
    for one in value:
        kind = one.get("kind")
        if not isinstance(kind, str) or kind not in _KINDS:
            raise BadParameter(f"The kind of an element is one of {', '.join(_KINDS)}.", field="elements")
        said.append({"kind": kind, **_KINDS[kind](one, limit)})
    return said


def mentioned(value: Any) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MENTIONS:
        raise BadParameter(f"mention is a list of 1 to {MENTIONS} user ids.", field="mention", limit=MENTIONS)
    return [text.opaque(one, field="mention", limit_bytes=32, required=True) for one in value]


def _position(value: Any) -> str:
    if value not in POSITIONS:
        raise BadParameter(f"position is one of {', '.join(POSITIONS)}.", field="position")
    return str(value)


def _color(value: Any) -> str:
    if not (isinstance(value, str) and _COLOR.match(value)):
        raise BadParameter("color is #rrggbb.", field="color")
    return value


def replied_to(value: Any) -> int:
    """The number of an event."""
    return _number(value, field="reply_to", low=1, high=2**53 - 1)


# Beside what is said: field -> check.
_BESIDE: dict[str, Callable[[Any], Any]] = {
    "color": _color,
    "mention": mentioned,
    "reply_to": replied_to,
    "cloud_custom_data": lambda value: text.opaque(value, field="cloud_custom_data", limit_bytes=1024),
}


def _priority(value: Any, *, actor: Actor, role: str) -> Priority:
    """Normal unless it says otherwise. Anybody may lower it; High is for the room's owner and admins, and servers (C2)."""
    if value is None:
        return Priority.NORMAL
    if not isinstance(value, str) or value not in PRIORITIES:
        raise BadParameter(f"priority is one of {', '.join(PRIORITIES)}.", field="priority")
    if (
        PRIORITIES[value] is Priority.HIGH
        and role not in (permission.OWNER, permission.ADMIN)
        and not actor.acts_for_app
    ):
        raise BadParameter("High is for the owner and admins of the room; leave it out, or lower it.", field="priority")
    return PRIORITIES[value]


def checked(type: str, data: Mapping[str, Any], *, actor: Actor, role: str, limit_bytes: int) -> Content:
    """A message out of a client's fields, or BadParameter (80002 for what is too long).

    `type` `comment`: a `text`, or `elements`; `custom`: `data`. The whole takes at most twice `limit_bytes`."""
    if type == "custom":
        body = _custom(data, limit_bytes)
    elif data.get("elements") is not None:
        body = {"elements": _fits(elements_of(data["elements"], limit_bytes), field="elements", limit=limit_bytes)}
        words = [one["text"] for one in body["elements"] if one["kind"] == "text"]
        body["text"] = " ".join(words)
    else:
        body = _text(data, limit_bytes)
    if type == "comment":
        said = data.get("position")
        body["position"] = POSITIONS[0] if said is None else _position(said)
    for name, check in _BESIDE.items():
        if data.get(name) is not None:
            body[name] = check(data[name])
    cid = data.get("cid")
    if cid is not None:
        cid = text.opaque(cid, field="cid", limit_bytes=CID_BYTES, required=True)
    online_only = data.get("online_only")
    if online_only is not None and not isinstance(online_only, bool):
        raise BadParameter("online_only is true or false.", field="online_only")
    return Content(
        type=type, body=body, cid=cid, priority=_priority(data.get("priority"), actor=actor, role=role), online_only=bool(online_only),
    )  # fmt: skip
