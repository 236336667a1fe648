"""How popular rooms are, for the list (R6): looked at every ten seconds, from the online number, comments, likes and gifts.

Promise: nothing counts twice: what Redis remembers of a room belongs to one instant of its row, and is passed over where the two do not
fit. State: `Room.popularity` and `popularity_at`; Redis, one hash: room -> the instant (ms), heat, likes and comments as of then. Without
it the heat is taken from the row, and what was done in between is not counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from interactions.models import SentGift
from interactions.rules import popularity as rules
from liveroom.kernel.redis import PREFIX, key, redis_for, shared
from liveroom.rooms.models import Room
from liveroom.rooms.services.figures import write_figures

REMEMBERED = f"{PREFIX}:popularity"
# Rooms of one look, those that were not looked at for longest first.
ROOMS = 2_000
# What was paid is counted so much later: its transaction is through by then.
LAG = timedelta(seconds=10)
# A room that nobody looked at for longer than this begins with the gifts since then.
LONGEST = timedelta(hours=1)
# What the room's script has counted as delivered; comments and custom messages are nearly all of it.
COUNTS = tuple(f"delivered:{word}" for word in ("High", "Normal", "Low", "Lowest"))


@dataclass(frozen=True, slots=True)
class _Known:
    """What was remembered of a room. `at_ms`: the `popularity_at` that it belongs to."""

    at_ms: int
    heat: float
    likes: int
    comments: int

    def __str__(self) -> str:
        return f"{self.at_ms} {self.heat!r} {self.likes} {self.comments}"


def follow_popularity(*, now: datetime) -> int:
    """Look at the rooms where something is, or was lately. Returns how many that were. RedisError: they keep what they have."""
    given = SentGift.objects.filter(at__gte=now - 4 * LAG).values("room_id")
    rooms = Room.objects.select_related("app").filter(disbanded_at__isnull=True)
    moving = rooms.filter(Q(online__gt=0) | Q(popularity__gt=0) | Q(pk__in=given))
    due = list(moving.exclude(popularity_at__gte=now).order_by("popularity_at", "pk")[:ROOMS])
    if not due:
        return 0
    known, comments = _remembered(due), _comments(due)
    gifts = _gift_values(due, now)
    remember: dict[str, str] = {}
    forget: list[str] = []
    for room in due:
        before = known.get(room.pk)
        if before is None or before.at_ms != _ms(room.popularity_at):
            heat = rules.heat_within(room.popularity, online=room.online, weights=room.app.popularity_weights)
            before = _Known(at_ms=0, heat=heat, likes=room.likes, comments=comments[room.pk])
        heat = rules.heat_after(
            before.heat,
            seconds=(now - (room.popularity_at or now)).total_seconds(),
            # A room that was forgotten counts from nothing again.
            comments=_more(before.comments, comments[room.pk]),
            likes=room.likes - before.likes,
            gift_value=gifts.get(room.pk, 0),
            weights=room.app.popularity_weights,
        )
        room.popularity = rules.popularity(heat, online=room.online, weights=room.app.popularity_weights)
        room.popularity_at = now
        if room.popularity:
            after = _Known(at_ms=_ms(now), heat=heat, likes=room.likes, comments=comments[room.pk])
            remember[str(room.pk)] = str(after)
        else:
            forget.append(str(room.pk))
    # First the rows: who dies before Redis knows leaves what does not fit, and that is counted by nobody.
    write_figures({room.pk: (room.popularity, now) for room in due}, "popularity", "popularity_at")
    _remember(remember, forget)
    return len(due)


def _ms(instant: datetime | None) -> int:
    return 0 if instant is None else int(instant.timestamp() * 1000)


def _more(before: int, now: int) -> int:
    return now - before if now >= before else now


def _remembered(rooms: Sequence[Room]) -> dict[int, _Known]:
    found: dict[int, _Known] = {}
    words: Any = shared().hmget(REMEMBERED, [str(room.pk) for room in rooms])
    for room, word in zip(rooms, words, strict=True):
        if word is not None:
            at_ms, heat, likes, comments = word.decode().split()
            found[room.pk] = _Known(at_ms=int(at_ms), heat=float(heat), likes=int(likes), comments=int(comments))
    return found


def _remember(known: Mapping[str, str], forgotten: Iterable[str]) -> None:
    pipe: Any = shared().pipeline(transaction=False)
    if known:
        pipe.hset(REMEMBERED, mapping=dict(known))
    for name in forgotten:
        pipe.hdel(REMEMBERED, name)
    pipe.execute()


def _comments(rooms: Sequence[Room]) -> dict[int, int]:
    """What was delivered in each room since Redis knows it."""
    pipe: Any = redis_for("").pipeline(transaction=False)
    for room in rooms:
        pipe.hmget(key("counts", room.key), COUNTS)
    return {
        room.pk: sum(int(word) for word in words if word) for room, words in zip(rooms, pipe.execute(), strict=True)
    }


def _gift_values(rooms: Sequence[Room], now: datetime) -> dict[int, int]:
    """What was given since each room was looked at, both instants `LAG` earlier, so that windows meet."""
    since = {room.pk: max((room.popularity_at or now - LONGEST) - LAG, now - LONGEST) for room in rooms}
    values: dict[int, int] = defaultdict(int)
    given = SentGift.objects.filter(room_id__in=since, at__gte=min(since.values()), at__lt=now - LAG)
    for room_id, at, total in given.values_list("room_id", "at", "total").iterator():
        if at >= since[room_id]:
            values[room_id] += total
    return values
