"""Totals of rooms between Redis, which counts, and the database, which keeps.

Promise: a total that changed stays listed in Redis until the database has it and its batch is published, so a death in between loses
nothing; a saved total never goes down. Some pipelines and some statements, whatever the number of rooms. All of it is for threads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from interactions.likes.scripts import ADD, CHANGED, SAVED, answer_of, call
from interactions.room_refs import KnownRoom, ref_of_key
from liveroom.kernel.data.redis import shared
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import OVER
from liveroom.rooms.services.figures import rooms_by_key, write_figures

# Rooms in one pipeline; in between, others are served.
ROOMS_PER_PIPELINE: Final = 500
# In place of a total: the show has ended.
ENDED: Final = -1


def saved_totals(rooms: Collection[KnownRoom]) -> dict[str, int]:
    """By room key, as the database has them; ENDED where there is nothing to add to. Rooms that are gone are missing."""
    open_rooms = Room.objects.filter(disbanded_at__isnull=True)
    asked = {room.room_id: room.key for room in rooms if room.room_id}
    rows = open_rooms.filter(pk__in=asked).values_list("pk", "likes", "status")
    found = {asked[pk]: ENDED if status in OVER else likes for pk, likes, status in rows}
    for room in rooms:
        if not room.room_id:
            row = _of_key(room.key).values_list("likes", "status").first()
            if row is not None:
                found[room.key] = ENDED if row[1] in OVER else row[0]
    return found


def _of_key(room_key: str) -> Any:
    sdkappid, _, group_id = room_key.partition(":")
    return Room.objects.filter(app__sdkappid=int(sdkappid), group_id=group_id, disbanded_at__isnull=True)


def any_changed_now() -> bool:
    """Whether any total waits to be saved. RedisError."""
    found: Any = shared().exists(CHANGED)
    return bool(found)


def changed_now() -> dict[str, int]:
    """Totals that are not saved yet, by room key. RedisError."""
    raw: Any = shared().hgetall(CHANGED)
    return {name.decode(): int(total) for name, total in raw.items()}


def save_now(totals: Mapping[str, int]) -> int:
    """Write them into the rooms, in one statement for a thousand; a total never goes down. Returns how many rooms had another.
    DatabaseError."""
    found = rooms_by_key(totals, "likes")
    rows = {pk: (totals[name],) for name, (pk, likes) in found.items() if likes < totals[name]}
    return write_figures(rows, "likes", rising=True)


def publish_due_now(room_keys: Sequence[str]) -> list[str]:
    """Publish the batches that are due: the process that counted them may be gone, or was a thread. Returns the rooms of which nothing
    waits any more. RedisError."""
    if not room_keys:
        return []
    calls = [call(ref_of_key(room_key=name), (), call_id="-", base=None) for name in room_keys]
    answers = [
        answer_of(raw)
        for first in range(0, len(calls), ROOMS_PER_PIPELINE)
        for raw in ADD.ask_all_now(shared(), calls[first : first + ROOMS_PER_PIPELINE])
    ]
    return [
        name for name, found in zip(room_keys, answers, strict=True) if found is None or found.publish_in_ms is None
    ]


def forget_saved_now(totals: Mapping[str, int]) -> None:
    """These are in the database and published: forget those that did not change again. RedisError."""
    if totals:
        SAVED.ask_now(shared(), SAVED.call((CHANGED,), [word for pair in totals.items() for word in pair]))
