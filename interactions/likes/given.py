"""What each user gave, summed in Redis until the scores have it.

Promise: what was taken is taken again until it was forgotten, so a death in between loses nothing and counts nothing twice. All of it is
for threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interactions.likes.scripts import PEOPLE, TAKE, TAKEN
from liveroom.kernel.data.redis import shared


@dataclass(frozen=True, slots=True)
class Taken:
    """Likes by (sdkappid, user id) since the last time; `at_ms` names this portion."""

    at_ms: int
    likes: Mapping[tuple[int, str], int]


def given_likes_wait(now: datetime) -> bool:
    """Whether anybody gave likes that no score has. RedisError."""
    found: Any = shared().exists(PEOPLE, TAKEN)
    return bool(found)


def take_given_likes() -> Taken | None:
    """The same portion until `forget_taken_likes`. None: nothing. RedisError."""
    words: Any = TAKE.ask_now(shared(), TAKE.call((PEOPLE, TAKEN)))
    found = {bytes(name).decode(): int(number) for name, number in zip(words[::2], words[1::2], strict=True)}
    at_ms = found.pop("", None)
    if at_ms is None:
        return None
    pairs = ((name.partition(":"), number) for name, number in found.items())
    return Taken(at_ms=at_ms, likes={(int(app), person): n for (app, _, person), n in pairs if app.isdigit()})


def forget_taken_likes() -> None:
    """The portion is in the database. RedisError."""
    shared().delete(TAKEN)
