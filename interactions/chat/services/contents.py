"""What a message may hold (product.md C1, C2, C9): its types are the business of `inputs.py`, its content is judged here, for
the socket and for REST alike. Each refusal names the field, the limit and what was given; 80002 is what is too long."""

from __future__ import annotations

from typing import Any, Final, TypeVar, get_args

import msgspec
import orjson
from msgspec import UNSET, UnsetType

from interactions.chat import rules
from interactions.chat.events import AudioElement, CustomElement, Element, EmojiElement, ImageElement, TextElement
from interactions.delivery.rooms import PRIORITIES, Priority
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import text

TOO_LONG: Final = 80002

Value = TypeVar("Value")


def or_unset(value: Value | UnsetType | None) -> Value | UnsetType:
    """What was left out is not sent on."""
    return UNSET if value is None else value


def or_none(value: Value | UnsetType | None) -> Value | None:
    return None if value is UNSET else value  # type: ignore[return-value]


# -- what is said


def check_text(value: str | None, *, limit_bytes: int) -> str:
    return text.checked(value, field="text", limit_bytes=limit_bytes, required=True, code=TOO_LONG)


def check_data(*, data: Any, desc: str | None, ext: str | None, limit_bytes: int) -> None:
    """Opaque: gifts, signals of an app, chats that are encrypted end to end."""
    if data is None:
        raise BadParameter("data is needed: any JSON.", field="data")
    check_json(data, field="data", limit_bytes=limit_bytes)
    if desc is not None:
        text.checked(desc, field="desc", limit_bytes=rules.SHORT_BYTES)
    if ext is not None:
        text.opaque(ext, field="ext", limit_bytes=rules.SHORT_BYTES)


def check_json(value: Any, *, field: str, limit_bytes: int) -> None:
    """Any JSON of at most so many bytes and levels."""
    if rules.is_nested_deeper(value, rules.LEVELS):
        raise BadParameter(f"{field} is nested deeper than {rules.LEVELS} levels.", field=field, limit=rules.LEVELS)
    try:
        size = len(orjson.dumps(value))
    except orjson.JSONEncodeError as fault:  # half a surrogate pair, a number of more than 64 bits, too deep
        raise BadParameter(f"{field} cannot be sent on as JSON: {fault}.", field=field) from None
    _check_size(size, field=field, limit_bytes=limit_bytes)


def _check_size(size: int, *, field: str, limit_bytes: int) -> None:
    if size > limit_bytes:
        error = BadParameter(
            f"{field} takes {size:,} bytes; the limit is {limit_bytes:,}.", field=field, limit=limit_bytes, given=size
        )
        error.code = TOO_LONG
        raise error


# -- elements

KINDS: Final[dict[str, type[Element]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Element)}


def elements_of(value: object) -> list[Element]:
    """Elements as a client sends them, typed; BadParameter names the first field that is of another type. REST asks this, and the socket
    where a frame does not fit its command."""
    if (
        not isinstance(value, list)
        or not 1 <= len(value) <= rules.ELEMENTS
        or not all(isinstance(one, dict) for one in value)
    ):
        raise BadParameter(
            f"elements is a list of 1 to {rules.ELEMENTS} objects.", field="elements", limit=rules.ELEMENTS
        )
    return [_element_of(one) for one in value]


def _element_of(given: dict[str, Any]) -> Element:
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadParameter(f"The kind of an element is one of {', '.join(KINDS)}.", field="elements")
    try:
        return msgspec.convert(given, KINDS[kind])
    except (msgspec.ValidationError, RecursionError):
        for field in msgspec.structs.fields(KINDS[kind]):
            _check_type(field.name, given.get(field.name), required=field.required)
        raise BadParameter(f"An element of the kind {kind} is not that.", field="elements") from None


def _check_type(name: str, value: object, *, required: bool) -> None:
    if value is None and not required:
        return
    if name in _RANGES:
        _check_number(value, field=name, high=_RANGES[name])
    elif name != "data":
        text.storable(value, field=name)
    elif value is None:
        raise BadParameter("data is needed: any JSON.", field="data")


_RANGES: Final = {"width": rules.LARGEST_SIDE, "height": rules.LARGEST_SIDE, "seconds": rules.LONGEST_SECONDS}


def _check_number(value: object, *, field: str, high: int) -> int:
    if type(value) is not int or not 1 <= value <= high:
        raise BadParameter(f"{field} is a whole number from 1 to {high}.", field=field, limit=high)
    return value


def check_elements(elements: list[Element], *, limit_bytes: int) -> list[Element]:
    """As they are sent on."""
    if not 1 <= len(elements) <= rules.ELEMENTS:
        raise BadParameter(
            f"elements is a list of 1 to {rules.ELEMENTS} objects.", field="elements", limit=rules.ELEMENTS
        )
    found = [_checked_element(one, limit_bytes=limit_bytes) for one in elements]
    _check_size(len(msgspec.json.encode(found)), field="elements", limit_bytes=limit_bytes)
    return found


def _checked_element(one: Element, *, limit_bytes: int) -> Element:
    if isinstance(one, TextElement):
        check_text(one.text, limit_bytes=limit_bytes)
        return one
    if isinstance(one, ImageElement):
        return ImageElement(
            url=_address(one.url), width=_number("width", one.width), height=_number("height", one.height)
        )
    if isinstance(one, AudioElement):
        return AudioElement(url=_address(one.url), seconds=_number("seconds", one.seconds))
    if isinstance(one, EmojiElement):
        name = text.line(one.name, field="name", limit_bytes=rules.EMOJI_BYTES, required=True)
        return EmojiElement(name=name, url=UNSET if one.url is None or one.url is UNSET else _address(one.url))
    desc, ext = or_none(one.desc), or_none(one.ext)
    check_data(data=one.data, desc=desc, ext=ext, limit_bytes=limit_bytes)
    if rules.is_nested_deeper(one.data, rules.LEVELS - 2):
        raise BadParameter(
            f"elements is nested deeper than {rules.LEVELS} levels.", field="elements", limit=rules.LEVELS
        )
    return CustomElement(data=one.data, desc=or_unset(desc), ext=or_unset(ext))


def _number(field: str, value: int | UnsetType | None) -> int | UnsetType:
    return UNSET if value is None or value is UNSET else _check_number(value, field=field, high=_RANGES[field])


def _address(value: str) -> str:
    url = text.opaque(value, field="url", limit_bytes=rules.URL_BYTES, required=True)
    if not text.is_web_address(url):
        raise BadParameter("url is an address that begins with http:// or https://.", field="url")
    return url


def words_of(elements: list[Element]) -> str:
    """What a client shows that knows no elements, and what words are looked for in."""
    return " ".join(one.text for one in elements if isinstance(one, TextElement))


# -- beside what is said


def check_beside(*, cid: str | None, mention: list[str] | None, cloud_custom_data: str | None) -> None:
    """Of a message in a room or to a person. `cid`: the client's own id, which finds its echo, and says nothing twice."""
    if cid is not None:
        text.opaque(cid, field="cid", limit_bytes=rules.CID_BYTES, required=True)
    if mention is not None:
        mention_of(mention)
    if cloud_custom_data is not None:
        text.opaque(cloud_custom_data, field="cloud_custom_data", limit_bytes=rules.CLOUD_DATA_BYTES)


def check_place(*, color: str | None, reply_to: int | None) -> None:
    """Of a message in a room only."""
    if color is not None and not rules.is_color(color):
        raise BadParameter("color is #rrggbb.", field="color")
    if reply_to is not None:
        reply_to_of(reply_to)


def position_of(word: str | None) -> str:
    """Of a comment only: where it runs over the picture."""
    if word is None:
        return rules.POSITIONS[0]
    if word not in rules.POSITIONS:
        raise BadParameter(f"position is one of {', '.join(rules.POSITIONS)}.", field="position")
    return word


def mention_of(value: object) -> list[str]:
    """User ids."""
    if not isinstance(value, list) or not 1 <= len(value) <= rules.MENTIONS:
        raise BadParameter(
            f"mention is a list of 1 to {rules.MENTIONS} user ids.", field="mention", limit=rules.MENTIONS
        )
    return [text.opaque(one, field="mention", limit_bytes=rules.USER_ID_BYTES, required=True) for one in value]


def reply_to_of(value: object) -> int:
    """The number of an event."""
    return _check_number(value, field="reply_to", high=rules.LAST_SEQ)


def priority_of(word: str | None, *, actor: Actor, role: str) -> Priority:
    """Normal unless it says otherwise."""
    if word is None:
        return Priority.NORMAL
    if word not in PRIORITIES:
        raise BadParameter(f"priority is one of {', '.join(PRIORITIES)}.", field="priority")
    if PRIORITIES[word] is Priority.HIGH and not rules.may_be_high(role=role, acts_for_app=actor.acts_for_app):
        raise BadParameter("High is for the owner and admins of the room; leave it out, or lower it.", field="priority")
    return PRIORITIES[word]
