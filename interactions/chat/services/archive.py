"""What other features know of the archive: how far it has come, and what they do with its rows in its own transaction.

Whoever reads `ArchivedMessage` and needs all of a time first asks `read_up_to` whether the archive has come so far."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import redis
from django.db.models import OuterRef, QuerySet, Subquery

from interactions.chat.archive.rows import named
from interactions.delivery.rooms import ARCHIVE
from interactions.models import ArchivedMessage
from liveroom.kernel.data.redis import room_key, shared
from liveroom.rooms.models import Room

# The archive's group of readers of the stream.
GROUP: Final = "database"
# From where on somebody has to look: before the stream is full.
ALARM_ENTRIES, ALARM_SECONDS = 50_000, 60.0


# -- in the transaction of the rows

Subscriber = Callable[[Sequence[ArchivedMessage]], object]
_subscribers: Final[list[Subscriber]] = []


def with_archived_rows(subscriber: Subscriber) -> Subscriber:
    """Declares what is done with rows in the transaction that writes them, right after they are written (`draws/entries.py` makes
    entries of them). They are committed together or not at all.

    Called with up to a few thousand rows of many rooms; the rows have no ids. The same rows may come again after a death, so the
    subscriber must be idempotent. What it raises stops the archive, but for IntegrityError and DataError, which drop the entry."""
    _subscribers.append(subscriber)
    return subscriber


def rows_written(rows: Sequence[ArchivedMessage]) -> None:
    """Called by the archiver, in its transaction."""
    for subscriber in _subscribers:
        subscriber(rows)


# -- how far it has come


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the database has not got yet: entries, and how old the oldest of them is by Redis' own clock."""

    entries: int = 0
    lag_seconds: float = 0.0

    @property
    def late(self) -> bool:
        """Whether the stream may overflow before it is read."""
        return self.entries > ALARM_ENTRIES or self.lag_seconds > ALARM_SECONDS

    def __str__(self) -> str:
        return f"{self.entries:,} entries, the oldest {self.lag_seconds:.0f} s old"


def backlog(*, client: redis.Redis | None = None) -> Backlog:
    """Asked by the archiver, the doctor and the console. redis.RedisError while Redis is away."""
    client = client or shared()
    pipe = client.pipeline()
    pipe.time()
    pipe.xlen(ARCHIVE)
    (seconds, micros), length = pipe.execute()
    if not length:
        return Backlog()
    groups: Any = client.xinfo_groups(ARCHIVE)
    ours = next((group for group in groups if group["name"] == GROUP.encode()), None)
    oldest, after, entries = None, "-", length  # nobody has ever read
    if ours is not None:
        pending: Any = client.xpending(ARCHIVE, GROUP)
        oldest, after = pending["min"], f"({ours['last-delivered-id'].decode()}"
        if ours.get("lag") is not None:  # else Redis cannot tell: at most all that is there
            entries = min(length, ours["lag"] + pending["pending"])
    if oldest is None:
        unread: Any = client.xrange(ARCHIVE, min=after, count=1)
        if not unread:
            return Backlog()
        oldest = unread[0][0]
    age_ms = seconds * 1000 + micros // 1000 - int(oldest.partition(b"-")[0])
    return Backlog(entries=max(entries, 1), lag_seconds=max(0, age_ms) / 1000)


def read_up_to(*, now: datetime, client: redis.Redis | None = None) -> datetime:
    """Up to here everything that reached the stream is in the database, by the caller's clock: `now`, read before this was called, less
    the age of the oldest entry that nobody has finished. RedisError: nobody can tell."""
    return now - timedelta(seconds=backlog(client=client).lag_seconds)


# -- what is in it


def last_archived_seqs(room_keys: Collection[str]) -> dict[str, int]:
    """The highest `seq` of each room in any epoch, 0 if there is none: a new epoch begins above it. A step in an index per room, all in
    one query."""
    found = dict.fromkeys(room_keys, 0)
    for sdkappid, group_id, seq in _newest(room_keys):
        found[room_key(sdkappid=sdkappid, group_id=group_id)] = seq or 0
    return found


def _newest(room_keys: Collection[str]) -> QuerySet[Any, tuple[int, str, int | None]]:
    newest = (
        ArchivedMessage.objects.filter(room_id=OuterRef("pk"), seq__isnull=False).order_by("-seq").values("seq")[:1]
    )
    rooms = Room.objects.filter(named(room_keys), disbanded_at__isnull=True).annotate(newest=Subquery(newest))
    return rooms.values_list("app__sdkappid", "group_id", "newest")
