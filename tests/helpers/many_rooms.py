"""Rooms in any number, in each of which something happened a moment ago; and what looking at them costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from redis.connection import AbstractConnection

from interactions.delivery.presence.many_rooms import CHANGED_ROOMS
from interactions.likes.scripts import CHANGED, PEOPLE
from interactions.models import Score
from liveroom.accounts.models import App, Person
from liveroom.kernel.data.redis import key, shared
from liveroom.kernel.values import ids
from liveroom.rooms.models import LiveSession, Room

HERE_MS = 3_600_000


def make_rooms(app: App, *, count: int, now: datetime) -> list[Room]:
    """Each with an owner, and a show that is on."""
    first = Person.objects.filter(app=app, identifier__startswith="owner").count()
    names = [f"{first + number}" for number in range(count)]
    people = Person.objects.bulk_create(
        (Person(app=app, identifier=f"owner{name}", nick=name) for name in names), batch_size=500
    )
    rooms = Room.objects.bulk_create(
        (
            Room(app=app, owner=owner, group_id=f"many{name}", title=name, created_at=now, status_at=now, status="live")
            for owner, name in zip(people, names, strict=True)
        ),
        batch_size=500,
    )
    LiveSession.objects.bulk_create(
        (LiveSession(room=room, sequence=ids.session_sequence(), started_at=now) for room in rooms), batch_size=500
    )
    return rooms


def something_happens(rooms: Sequence[Room], *, turn: int) -> None:
    """In each room somebody came, liked it and spoke. `turn` from 1 on: other numbers than before."""
    client = shared()
    server: Any = client.time()
    until = int(server[0]) * 1000 + HERE_MS
    pipe: Any = client.pipeline(transaction=False)
    for room in rooms:
        owner, (beats, everybody, _, here) = room.owner, _presence(room.key)
        pipe.hset(beats, "bench", f"{turn + 1} {turn} {until}")
        pipe.sadd(f"{here}bench", owner.identifier)
        pipe.sadd(everybody, owner.identifier)
        pipe.set(key("likes", room.key), turn)
        pipe.hset(CHANGED, room.key, turn)
        pipe.hset(PEOPLE, f"{room.app.sdkappid}:{owner.identifier}", 1)
        pipe.hincrby(key("counts", room.key), "delivered:Normal", 1)
    pipe.sadd(CHANGED_ROOMS, *(room.key for room in rooms))
    pipe.execute()


def _presence(room_key: str) -> list[str]:
    return [key(f"presence{part}", room_key) for part in ("", ":all", ":came", ":here:")]


def scores_changed(rooms: Sequence[Room]) -> None:
    for first in range(0, len(rooms), 500):
        part = [room.owner_id for room in rooms[first : first + 500]]
        Score.objects.filter(person__in=part).update(followed=0)


@dataclass(slots=True)
class Cost:
    statements: int = 0
    trips: int = 0


@contextmanager
def counted() -> Iterator[Cost]:
    """Statements sent to the database, and how often Redis was sent something."""
    cost, send = Cost(), AbstractConnection.send_packed_command

    def ask(execute: Any, *about: Any) -> Any:
        cost.statements += 1
        return execute(*about)

    def sent(self: Any, *about: Any, **more: Any) -> Any:
        cost.trips += 1
        return send(self, *about, **more)

    AbstractConnection.send_packed_command = sent  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(ask):
            yield cost
    finally:
        AbstractConnection.send_packed_command = send  # type: ignore[method-assign]
