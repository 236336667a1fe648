"""Commands that the database answers: buying a gift, voting. They wait in threads of their own, so that joins do not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from interactions.gifts.services import buying
from interactions.polls.services import polls
from interactions.polls.shapes import VoteWriteSerializer
from interactions.socket.joining import joining
from interactions.socket.limits import Limits
from liveroom.kernel import clock
from liveroom.kernel.pools import Pool
from liveroom.kernel.shapes import checked
from liveroom.rooms import selectors as rooms
from liveroom.rooms.models import Room

Answer = dict[str, Any]
# One writer at a time is all that SQLite has, and PostgreSQL's pool is small. The queue is some seconds of purchases.
_LEDGER: Final = Pool(name="engaging", threads=4, waiting=1_000)


class Engaging:
    """What is named here is the consumer's."""

    limits: Limits
    source: str
    entry: joining.Entry | None
    _in_room: Callable[[dict[str, Any]], joining.Entry]
    _limited: Callable[[], str]
    _ask: Callable[[str, joining.Entry | None], None]

    def _gift(self, command: dict[str, Any]) -> asyncio.Future[Answer]:
        entry = self._in_room(command)
        self._ask("gift.send", entry)
        _LEDGER.refuse_if_full()
        self.limits.gift(person=self._limited(), source=self.source)
        return asyncio.ensure_future(_LEDGER.run(_bought, entry, command))

    def _vote(self, command: dict[str, Any]) -> asyncio.Future[Answer]:
        entry = self._in_room(command)
        self._ask("poll.vote", entry)
        _LEDGER.refuse_if_full()
        self.limits.vote(person=self._limited(), source=self.source)
        return asyncio.ensure_future(_LEDGER.run(_voted, entry, command))


def _room_of(entry: joining.Entry) -> Room:
    return rooms.room(app_id=entry.room.app_id, group_id=entry.room.group_id)


def _bought(entry: joining.Entry, command: dict[str, Any]) -> Answer:
    return buying.buy_gift(
        room=_room_of(entry), gift=command.get("gift"), count=command.get("count"), key=command.get("key"),
        speaker=entry.speaker, standing=entry.standing, now=clock.now(),
    )  # fmt: skip


def _voted(entry: joining.Entry, command: dict[str, Any]) -> Answer:
    room = entry.room
    poll = polls.poll_of(app_id=room.app_id, room_id=room.room_id, number=command.get("poll"))
    said = checked(VoteWriteSerializer, {"choices": command.get("choices")})
    return polls.vote(
        poll=poll, choices=said["choices"], room=room, by=entry.speaker.actor, role=entry.speaker.role,
        standing=entry.standing, now=clock.now(),
    ).shown()  # fmt: skip
