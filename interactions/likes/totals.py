"""Likes on their way from Redis to the database: totals of rooms, and what each user gave, for the scores.

Promise: what was taken is taken again until it was let go, so a death in between loses nothing and counts nothing twice. Some pipelines
and some statements, whatever the number of rooms. All of it is for threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interactions.delivery.room_ref import ref_of_key
from interactions.likes.scripts import ADD, CHANGED, PEOPLE, SAVED, TAKE, TAKEN, answer_of, call
from liveroom.kernel.redis import shared
from liveroom.rooms.services.figures import rooms_by_key, write_figures

# Rooms in one pipeline; in between, others are served.
TOLD_AT_ONCE = 500


def rooms_wait_now() -> bool:
    """Whether any total is not saved. RedisError."""
    found: Any = shared().exists(CHANGED)
    return bool(found)


def changed_now() -> dict[str, int]:
    """Totals that are not saved yet, by room key."""
    raw: Any = shared().hgetall(CHANGED)
    return {name.decode(): int(total) for name, total in raw.items()}


def save_now(totals: Mapping[str, int]) -> int:
    """Write them into the rooms, in one statement for a thousand; a total never goes down. Returns how many rooms had another.
    DatabaseError."""
    found = rooms_by_key(totals, "likes")
    rows = {pk: (totals[name],) for name, (pk, likes) in found.items() if likes < totals[name]}
    return write_figures(rows, "likes", rising=True)


def tell_now(room_keys: Sequence[str]) -> list[str]:
    """Tell what is due: the process that counted it may be gone, or was a thread. Returns the rooms of which nothing waits any more."""
    if not room_keys:
        return []
    calls = [call(ref_of_key(room_key=name), (), call_id="-", base=None) for name in room_keys]
    answers = [
        answer_of(raw)
        for first in range(0, len(calls), TOLD_AT_ONCE)
        for raw in ADD.ask_all_now(shared(), calls[first : first + TOLD_AT_ONCE])
    ]
    return [name for name, found in zip(room_keys, answers, strict=True) if found is None or found.tell_in_ms is None]


def saved_now(totals: Mapping[str, int]) -> None:
    """These are in the database and told: forget those that did not change again."""
    if totals:
        SAVED.ask_now(shared(), SAVED.call((CHANGED,), [word for pair in totals.items() for word in pair]))


@dataclass(frozen=True, slots=True)
class Taken:
    """Likes by (sdkappid, user id) since the last time; `at_ms` names this portion."""

    at_ms: int
    likes: Mapping[tuple[int, str], int]


def take_people_now() -> Taken | None:
    """What people gave, for their scores: the same portion until `forget_people_now`. None: nothing. RedisError."""
    words: Any = TAKE.ask_now(shared(), TAKE.call((PEOPLE, TAKEN)))
    found = {bytes(name).decode(): int(number) for name, number in zip(words[::2], words[1::2], strict=True)}
    at_ms = found.pop("", None)
    if at_ms is None:
        return None
    pairs = ((name.partition(":"), number) for name, number in found.items())
    return Taken(at_ms=at_ms, likes={(int(app), person): n for (app, _, person), n in pairs if app.isdigit()})


def people_wait_now() -> bool:
    """Whether anybody gave likes that no score has. RedisError."""
    found: Any = shared().exists(PEOPLE, TAKEN)
    return bool(found)


def forget_people_now() -> None:
    """The portion is in the database."""
    shared().delete(TAKEN)
