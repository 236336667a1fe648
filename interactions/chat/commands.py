"""`comment`, `custom` and `direct` at the socket."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import msgspec

from interactions.chat.services import comments, contents, direct
from interactions.commands import Answer, Command, Entry, Refusal, RoomCommand, Session, serves, serves_in_room
from interactions.delivery.rooms import Message, Outcome
from interactions.limits import SENDS
from interactions.speaker import Speaker
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.pools import Pool

# Looks for the receivers of direct messages.
_RECEIVERS: Final = Pool(name="direct", threads=2, waiting=200)


def _refuse_elements(value: Any) -> None:
    contents.elements_of(value, 0)


def _refuse_data(value: Any) -> None:
    raise BadParameter("data is needed: any JSON.", field="data")


Mentions = Annotated[list[str], msgspec.Meta(min_length=1, max_length=contents.MENTIONS)]


class Saying(RoomCommand, frozen=True, kw_only=True, tag_field="type"):
    """What may stand beside anything that is said. `services/contents.py` says what each may hold."""

    cid: str | None = None
    priority: str | None = None
    color: str | None = None
    mention: Annotated[Mentions | None, Refusal(contents.mentioned)] = None
    reply_to: Annotated[int | None, Refusal(contents.replied_to)] = None
    cloud_custom_data: str | None = None
    online_only: bool | None = None


class Comment(Saying, frozen=True, kw_only=True, tag="comment"):
    """`text`, or `elements`: text, pictures, sounds, emojis and what only clients understand."""

    text: str | None = None
    elements: Annotated[list[Any] | None, Refusal(_refuse_elements)] = None
    position: str | None = None


class Custom(Saying, frozen=True, kw_only=True, tag="custom"):
    """`data`: any JSON."""

    data: Annotated[Any, Refusal(_refuse_data)]
    desc: str | None = None
    ext: str | None = None


class Direct(Command, frozen=True, kw_only=True, tag="direct"):
    """To the user `to` alone. `life_time`: for how many seconds it is kept."""

    to: str
    text: str | None = None
    elements: Annotated[list[Any] | None, Refusal(_refuse_elements)] = None
    data: Any = None
    desc: str | None = None
    ext: str | None = None
    cid: str | None = None
    mention: Annotated[Mentions | None, Refusal(contents.mentioned)] = None
    cloud_custom_data: str | None = None
    life_time: Annotated[int | None, Refusal(direct.checked_life_time)] = None


@serves_in_room(Comment, asks="comment.send", limit=SENDS)
def comment(session: Session, entry: Entry, command: Comment) -> asyncio.Future[Answer]:
    return _say(session, entry, "comment", command)


@serves_in_room(Custom, asks="comment.send", limit=SENDS)
def custom(session: Session, entry: Entry, command: Custom) -> asyncio.Future[Answer]:
    return _say(session, entry, "custom", command)


def _say(session: Session, entry: Entry, type: str, command: Command) -> asyncio.Future[Answer]:
    message = comments.prepared(
        room=entry.room, speaker=entry.speaker, type=type, data=msgspec.structs.asdict(command), now_ms=clock.now_ms(),
        standing=entry.standing,
    )  # fmt: skip
    return _then(session.hub.ticker.submit(room=entry.room, message=message), message)


def _then(outcome: asyncio.Future[Outcome], message: Message) -> asyncio.Future[Answer]:
    """The sender's answer, once it is decided what became of the message."""
    answer: asyncio.Future[Answer] = outcome.get_loop().create_future()

    def decided(done: asyncio.Future[Outcome]) -> None:
        error = done.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(comments.receipt(message, done.result()))

    outcome.add_done_callback(decided)
    return answer


@serves(Direct, asks="direct.send", limit=SENDS)
async def direct_message(session: Session, command: Direct) -> Answer:
    visitor = session.visitor
    role = permission.MEMBER if visitor.actor.is_authenticated else permission.GUEST
    speaker = Speaker(actor=visitor.actor, profile=visitor.profile, role=role)
    prepared = await _RECEIVERS.run(
        direct.prepared, speaker=speaker, data=msgspec.structs.asdict(command), now_ms=clock.now_ms()
    )
    return await direct.send(prepared)
