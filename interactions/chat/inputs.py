"""What clients say, typed: the socket decodes its frames into these, and REST's serializers fill them, so that one service takes both.

Types only; what a field may hold is judged by `services/contents.py`. A field that is None was left out, or null."""

from __future__ import annotations

from typing import Annotated, Any

from interactions.chat.events import Element
from interactions.chat.services import contents
from interactions.commands import Command, Refusal, RoomCommand
from interactions.delivery.events import MOST_KEPT_SECONDS
from liveroom.kernel.errors import BadParameter


def life_time_of(value: object) -> int:
    """For how many seconds a direct message is kept."""
    if type(value) is not int or not 1 <= value <= MOST_KEPT_SECONDS:
        raise BadParameter(
            f"life_time is a whole number of seconds from 1 to {MOST_KEPT_SECONDS}.",
            field="life_time", limit=MOST_KEPT_SECONDS,
        )  # fmt: skip
    return value


Elements = Annotated[list[Element] | None, Refusal(contents.elements_of)]
Mention = Annotated[list[str] | None, Refusal(contents.mention_of)]
ReplyTo = Annotated[int | None, Refusal(contents.reply_to_of)]
LifeTime = Annotated[int | None, Refusal(life_time_of)]


class Say(RoomCommand, frozen=True, kw_only=True, tag_field="type"):
    """What may stand beside everything that is said in a room. `online_only`: it is not kept in the history."""

    cid: str | None = None
    priority: str | None = None
    color: str | None = None
    mention: Mention = None
    reply_to: ReplyTo = None
    cloud_custom_data: str | None = None
    online_only: bool | None = None


class SayComment(Say, frozen=True, kw_only=True, tag="comment"):
    """`text`, or `elements`. `position`: `scroll`, `top` or `bottom`."""

    text: str | None = None
    elements: Elements = None
    position: str | None = None


class SayCustom(Say, frozen=True, kw_only=True, tag="custom"):
    """`data`: any JSON that clients understand."""

    data: Any
    desc: str | None = None
    ext: str | None = None


class SendDirect(Command, frozen=True, kw_only=True, tag="direct"):
    """To one user, in no room: `text`, `elements` or `data`. `life_time`: for how many seconds it is kept; two minutes if left out."""

    to: str
    text: str | None = None
    elements: Elements = None
    data: Any = None
    desc: str | None = None
    ext: str | None = None
    cid: str | None = None
    mention: Mention = None
    cloud_custom_data: str | None = None
    life_time: LifeTime = None
