"""How popular rooms are, for the list (R6): looked at every ten seconds, from the online number, comments, likes and gifts.

Promise: nothing counts twice: what Redis remembers of a room belongs to one instant of its row, and is passed over where the two do not
fit. State: `Room.popularity` and `popularity_at`; Redis, one hash: room -> the instant (ms), heat, likes and comments as of then. Without
it the heat is taken from the row, and what was done in between is not counted."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from interactions.models import SentGift
from interactions.statistics.rules import popularity as rules
from liveroom.accounts.models import App
from liveroom.kernel.data.redis import PREFIX, key, redis_for, room_key, shared
from liveroom.rooms.models import Room
from liveroom.rooms.services.figures import write_figures

REMEMBERED = f"{PREFIX}:popularity"
# Rooms of one look, those that were not looked at for longest first.
ROOMS = 2_000
# Gifts that are read at once, the newest first.
GIFTS = 1_000
# Of one turn of the job, below the time for which its claim holds.
AT_MOST_SECONDS = 20.0
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


@dataclass(slots=True)
class _Moving:
    """A room that is looked at."""

    pk: int
    key: str
    weights: Mapping[str, int]
    online: int
    likes: int
    popularity: int
    popularity_at: datetime | None


def follow_due(now: datetime) -> None:
    """As the work of a due job: all of them, as of one instant."""
    until = time.monotonic() + AT_MOST_SECONDS
    while follow_popularity(now=now) == ROOMS and time.monotonic() < until:
        pass


def follow_popularity(*, now: datetime) -> int:
    """Look at the rooms where something is, or was lately. Returns how many that were. RedisError: they keep what they have."""
    due = _moving(now)
    if not due:
        return 0
    known, comments = _remembered(due), _comments(due)
    gifts = _gift_values(due, now)
    found: dict[int, tuple[int, datetime]] = {}
    remember: dict[str, str] = {}
    forget: list[str] = []
    for room in due:
        before = known.get(room.pk)
        if before is None or before.at_ms != _ms(room.popularity_at):
            heat = rules.heat_within(room.popularity, online=room.online, weights=room.weights)
            before = _Known(at_ms=0, heat=heat, likes=room.likes, comments=comments[room.pk])
        heat = rules.heat_after(
            before.heat,
            seconds=(now - (room.popularity_at or now)).total_seconds(),
            # A room that was forgotten counts from nothing again.
            comments=_more(before.comments, comments[room.pk]),
            likes=room.likes - before.likes,
            gift_value=gifts.get(room.pk, 0),
            weights=room.weights,
        )
        popularity = rules.popularity(heat, online=room.online, weights=room.weights)
        found[room.pk] = (popularity, now)
        if popularity:
            after = _Known(at_ms=_ms(now), heat=heat, likes=room.likes, comments=comments[room.pk])
            remember[str(room.pk)] = str(after)
        else:
            forget.append(str(room.pk))
    # First the rows: who dies before Redis knows leaves what does not fit, and that is counted by nobody.
    write_figures(found, "popularity", "popularity_at")
    _remember(remember, forget)
    return len(due)


def _moving(now: datetime) -> list[_Moving]:
    """Those that were not looked at for longest first."""
    apps = {
        pk: (sdkappid, weights)
        for pk, sdkappid, weights in App.objects.values_list("pk", "sdkappid", "popularity_weights")
    }
    moving = Q(online__gt=0) | Q(popularity__gt=0) | Q(pk__in=_lately_given(since=now - 4 * LAG))
    rooms = Room.objects.filter(moving, disbanded_at__isnull=True).exclude(popularity_at__gte=now)
    rows = rooms.order_by("popularity_at", "pk").values_list(
        "pk", "app_id", "group_id", "online", "likes", "popularity", "popularity_at"
    )
    return [
        _Moving(
            pk=pk,
            key=room_key(sdkappid=apps[app_id][0], group_id=group_id),
            weights=apps[app_id][1],
            online=online,
            likes=likes,
            popularity=popularity,
            popularity_at=popularity_at,
        )
        for pk, app_id, group_id, online, likes, popularity, popularity_at in rows[:ROOMS]
    ]


def _lately_given(*, since: datetime) -> list[int]:
    """Rooms in which somebody gave since then: the newest gifts, as far back as it takes. There is no index by time alone."""
    found: set[int] = set()
    gifts = SentGift.objects.order_by("-pk")
    before: int | None = None
    while len(found) < ROOMS:
        rows = list(
            (gifts if before is None else gifts.filter(pk__lt=before)).values_list("pk", "room_id", "at")[:GIFTS]
        )
        found.update(room_id for _, room_id, at in rows if at >= since)
        if len(rows) < GIFTS or rows[-1][2] < since:
            break
        before = rows[-1][0]
    return sorted(found)


def _ms(instant: datetime | None) -> int:
    return 0 if instant is None else int(instant.timestamp() * 1000)


def _more(before: int, now: int) -> int:
    return now - before if now >= before else now


def _remembered(rooms: Sequence[_Moving]) -> dict[int, _Known]:
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


def _comments(rooms: Sequence[_Moving]) -> dict[int, int]:
    """What was delivered in each room since Redis knows it."""
    pipe: Any = redis_for("").pipeline(transaction=False)
    for room in rooms:
        pipe.hmget(key("counts", room.key), COUNTS)
    return {
        room.pk: sum(int(word) for word in words if word) for room, words in zip(rooms, pipe.execute(), strict=True)
    }


def _gift_values(rooms: Sequence[_Moving], now: datetime) -> dict[int, int]:
    """What was given since each room was looked at, both instants `LAG` earlier, so that windows meet."""
    since = {room.pk: max((room.popularity_at or now - LONGEST) - LAG, now - LONGEST) for room in rooms}
    values: dict[int, int] = defaultdict(int)
    given = SentGift.objects.filter(room_id__in=since, at__gte=min(since.values()), at__lt=now - LAG)
    for room_id, at, total in given.values_list("room_id", "at", "total").iterator():
        if at >= since[room_id]:
            values[room_id] += total
    return values
