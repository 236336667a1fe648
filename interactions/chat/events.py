"""What viewers hear of each other and of the app: comments, custom messages, broadcasts, what is pinned, direct messages."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from interactions.delivery.events import RoomEvent, UserEvent
from interactions.shown import ShownPerson, ShownSpeaker


class TextElement(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="text"):
    text: str


class ImageElement(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="image"):
    """`width` and `height`: pixels."""

    url: str
    width: int | UnsetType | None = UNSET
    height: int | UnsetType | None = UNSET


class AudioElement(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="audio"):
    url: str
    seconds: int | UnsetType | None = UNSET


class EmojiElement(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="emoji"):
    """By its `name`, where all clients have it, or with the `url` of a picture."""

    name: str
    url: str | UnsetType | None = UNSET


class CustomElement(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="custom"):
    """What only clients understand: `data` is any JSON."""

    data: Any
    desc: str | UnsetType | None = UNSET
    ext: str | UnsetType | None = UNSET


# A client may send null for what it leaves out; it is never sent on (services/contents.py).
Element = TextElement | ImageElement | AudioElement | EmojiElement | CustomElement


class Comment(RoomEvent, frozen=True, kw_only=True, tag="comment"):
    """Somebody said something. `position`: `scroll`, `top` or `bottom`; `elements`: what it is made of, where it is more than text."""

    in_history: ClassVar[bool] = True

    id: str
    priority: str
    text: str
    position: str
    sender: ShownSpeaker = msgspec.field(name="from")
    elements: list[Element] | UnsetType = UNSET
    cid: str | UnsetType = UNSET
    color: str | UnsetType = UNSET
    mention: list[str] | UnsetType = UNSET
    reply_to: int | UnsetType = UNSET
    cloud_custom_data: str | UnsetType = UNSET


class Custom(RoomEvent, frozen=True, kw_only=True, tag="custom"):
    """What only clients understand: `data` is any JSON."""

    in_history: ClassVar[bool] = True

    id: str
    priority: str
    data: Any
    sender: ShownSpeaker = msgspec.field(name="from")
    desc: str | UnsetType = UNSET
    ext: str | UnsetType = UNSET
    cid: str | UnsetType = UNSET
    color: str | UnsetType = UNSET
    mention: list[str] | UnsetType = UNSET
    reply_to: int | UnsetType = UNSET
    cloud_custom_data: str | UnsetType = UNSET


class Broadcast(RoomEvent, frozen=True, kw_only=True, tag="broadcast"):
    """A message of the app to all its rooms: `text`, or `data` (any JSON)."""

    in_history: ClassVar[bool] = True

    id: str
    title: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    data: Any = UNSET


class PinnedSender(ShownPerson, frozen=True, kw_only=True):
    """Of a comment also the role that its sender had."""

    role: str | UnsetType = UNSET


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: a `comment` (with its `seq`), a `question` (with its id), or a `text` of a moderator. `at`: unix ms."""

    kind: str
    text: str
    by: str
    at: int
    sender: PinnedSender | UnsetType = msgspec.field(name="from", default=UNSET)
    seq: int | UnsetType = UNSET
    question: str | UnsetType = UNSET


class PinnedChanged(RoomEvent, frozen=True, kw_only=True, tag="pin"):
    """What the room keeps in sight from now on; None: nothing."""

    pinned: Pinned | None


class DirectMessage(UserEvent, frozen=True, kw_only=True, tag="direct"):
    """A message from one user of the app to this one."""

    id: str
    sender: ShownPerson = msgspec.field(name="from")
    text: str | UnsetType = UNSET
    elements: list[Element] | UnsetType = UNSET
    data: Any = UNSET
    desc: str | UnsetType = UNSET
    ext: str | UnsetType = UNSET
    cid: str | UnsetType = UNSET
    mention: list[str] | UnsetType = UNSET
    cloud_custom_data: str | UnsetType = UNSET
