"""`comment`, `custom` and `direct` at the socket; what they hold stands in `inputs.py`."""

from __future__ import annotations

import asyncio
from typing import Final

from interactions.chat.inputs import SayComment, SayCustom, SendDirect
from interactions.chat.services import comments, direct
from interactions.commands import Answer, Entry, Session, serves, serves_in_room
from interactions.delivery.rooms import Message, Outcome
from interactions.limits import SENDS
from interactions.speaker import Speaker
from liveroom.kernel import clock, permission
from liveroom.kernel.work.pools import Pool

# Looks for the receivers of direct messages.
_RECEIVERS: Final = Pool(name="direct", threads=2, waiting=200)


@serves_in_room(SayComment, asks="comment.send", limit=SENDS)
def comment(session: Session, entry: Entry, said: SayComment) -> asyncio.Future[Answer]:
    return _say(session, entry, said)


@serves_in_room(SayCustom, asks="comment.send", limit=SENDS)
def custom(session: Session, entry: Entry, said: SayCustom) -> asyncio.Future[Answer]:
    return _say(session, entry, said)


def _say(session: Session, entry: Entry, said: SayComment | SayCustom) -> asyncio.Future[Answer]:
    message = comments.prepared(
        room=entry.room, speaker=entry.speaker, said=said, now_ms=clock.now_ms(), standing=entry.standing
    )
    return _answered(session.hub.ticker.submit(room=entry.room, message=message), message)


def _answered(outcome: asyncio.Future[Outcome], message: Message) -> asyncio.Future[Answer]:
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


@serves(SendDirect, asks="direct.send", limit=SENDS)
async def direct_message(session: Session, said: SendDirect) -> Answer:
    visitor = session.visitor
    role = permission.MEMBER if visitor.actor.is_authenticated else permission.GUEST
    speaker = Speaker(actor=visitor.actor, profile=visitor.profile, role=role)
    message = await _RECEIVERS.run(direct.prepared, speaker=speaker, said=said, now_ms=clock.now_ms())
    return await direct.send(message)
