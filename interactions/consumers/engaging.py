"""Commands that the database answers: buying a gift, voting. They wait in threads of their own, so that joins do not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from channels.db import database_sync_to_async

from interactions.live.limits import Limits
from interactions.services import buying, joining, polls
from liveroom.kernel import clock
from liveroom.rooms import selectors as rooms
from liveroom.rooms.models import Room

Answer = dict[str, Any]
# One writer at a time is all that SQLite has, and PostgreSQL's pool is small.
_THREADS: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="engaging")


class Engaging:
    """What is named here is the consumer's."""

    limits: Limits
    source: str
    entry: joining.Entry | None
    _in_room: Callable[[dict[str, Any]], joining.Entry]
    _limited: Callable[[], str]

    def _gift(self, command: dict[str, Any]) -> asyncio.Future[Answer]:
        entry = self._in_room(command)
        self.limits.gift(person=self._limited())
        return asyncio.ensure_future(_in_thread(_bought, entry, command))

    def _vote(self, command: dict[str, Any]) -> asyncio.Future[Answer]:
        entry = self._in_room(command)
        self.limits.send(person=self._limited(), source=self.source)
        return asyncio.ensure_future(_in_thread(_voted, entry, command))


async def _in_thread(work: Callable[..., Answer], *args: Any) -> Answer:
    found: Answer = await database_sync_to_async(work, thread_sensitive=False, executor=_THREADS)(*args)
    return found


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
    return polls.vote(
        poll=poll, choices=command.get("choices"), room=room, by=entry.speaker.actor, role=entry.speaker.role,
        standing=entry.standing, now=clock.now(),
    ).shown()  # fmt: skip
