"""The outbox: a row written with the change, told afterwards by `run_relay`, at least once and in order per room.

Some topics are gathered instead: their letters are looked at together, and told when their gatherer finds it right (gifts).

Order: services lock the room's row before they write, so ids of one room rise in the order of the commits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis
from django.db import DatabaseError, transaction

from liveroom.kernel import ids
from liveroom.kernel.fencing import HeldLease, LeaseLost
from liveroom.kernel.models import OutboxRow
from liveroom.kernel.redis import common_channel, shared
from liveroom.kernel.sql import asked, insert

log = logging.getLogger(__name__)

BATCH = 200
GATHERED_AT_ONCE, NOTED_AT_ONCE = 5_000, 1_000
WAKE = "relay"


@dataclass(frozen=True, slots=True)
class Letter:
    """What a topic's carrier gets. `event_id` is the same at every try: carriers de-duplicate by it. `row`: where it stands in the
    outbox; of one person or one room, a later one has a larger one."""

    event_id: str
    room_key: str
    payload: Mapping[str, Any]
    row: int = 0


Carrier = Callable[[Letter], None]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a gatherer has done with its letters; the others stay. `again_in`: seconds until it wants to look again, None: no hurry."""

    done: Sequence[str] = ()
    again_in: float | None = None


@dataclass(frozen=True, slots=True)
class Gatherer:
    """For a topic whose letters are not told one by one: `gather` sees all that wait, oldest first, and says which are done.

    `atomic`: in one transaction with that; a second relay that did the same makes it fail, and nothing was done. `per_room`: it wants
    no more than so many of one room at once, so that a room with thousands costs little and stands in nobody's way."""

    gather: Callable[[Sequence[Letter], datetime], Gathered]
    atomic: bool = False
    per_room: int | None = None


@dataclass(slots=True)
class _Table:
    carriers: Mapping[str, Carrier | Gatherer] = field(default_factory=dict)

    def one_by_one(self) -> dict[str, Carrier]:
        return {topic: found for topic, found in self.carriers.items() if not isinstance(found, Gatherer)}


_table = _Table()


class GatheredTwice(DatabaseError):
    """Two relays had the same letters; the other one was faster."""


def install(carriers: Mapping[str, Carrier | Gatherer]) -> None:
    """Called once by the roof when Django is ready: topic -> who carries it."""
    _table.carriers = carriers


def put(*, topic: str, room_key: str, payload: dict[str, Any], now: datetime) -> None:
    """Write a row inside the caller's transaction and wake the relay once that is committed."""
    if topic not in _table.carriers:
        raise LookupError(f"No carrier for the topic {topic!r}; wiring.py must name one.")
    insert(
        "kernel_outboxrow",
        ("event_id", "topic", "room_key", "payload", "created_at", "tries", "last_error"),
        [(ids.event_id(), topic, room_key, payload, now, 0, "")],
    )
    transaction.on_commit(_wake)


def put_all(*, topic: str, letters: Sequence[Letter], now: datetime) -> None:
    """Many rows of one topic, under the ids that they bring; for whoever is the relay itself and needs no waking."""
    if topic not in _table.carriers:
        raise LookupError(f"No carrier for the topic {topic!r}; wiring.py must name one.")
    OutboxRow.objects.bulk_create(
        OutboxRow(
            event_id=letter.event_id, topic=topic, room_key=letter.room_key, payload=dict(letter.payload), created_at=now
        )
        for letter in letters
    )  # fmt: skip


def _wake() -> None:
    """A hint only: without it the relay looks again within a second."""
    try:
        shared().publish(common_channel(WAKE), b"1")
    except redis.RedisError:
        log.info("The relay was not woken (Redis is away); it will look by itself.")


def gather_pending(*, now: datetime, lease: HeldLease | None = None) -> tuple[int, float | None]:
    """Hand the letters of each gathered topic to its gatherer. Returns (done, seconds until one of them wants to look again).

    `lease`: asked before every topic, and again where letters are marked. LeaseLost."""
    done, soonest = 0, None
    for topic, gatherer in _table.carriers.items():
        if isinstance(gatherer, Gatherer):
            found = _gather(topic, gatherer, now=now, lease=lease)
            done += len(found.done)
            if found.again_in is not None:
                soonest = found.again_in if soonest is None else min(soonest, found.again_in)
    return done, soonest


# Numbers only: what thousands of letters say is not read to find the first of each room.
_FIRST_OF_EACH_ROOM = """
SELECT id FROM (
    SELECT id, row_number() OVER (PARTITION BY room_key ORDER BY id) AS place
    FROM kernel_outboxrow WHERE done_at IS NULL AND topic = %s
) AS waiting WHERE place <= %s ORDER BY place, id LIMIT %s
"""


def _waiting(topic: str, per_room: int | None) -> list[Letter]:
    rows = OutboxRow.objects.filter(done_at__isnull=True, topic=topic).order_by("id")
    if per_room is not None:
        rows = rows.filter(pk__in=[pk for (pk,) in asked(_FIRST_OF_EACH_ROOM, (topic, per_room, GATHERED_AT_ONCE))])
    told = rows.values_list("event_id", "room_key", "payload", "id")[:GATHERED_AT_ONCE]
    return [Letter(*row) for row in told]


def _gather(topic: str, gatherer: Gatherer, *, now: datetime, lease: HeldLease | None) -> Gathered:
    letters = _waiting(topic, gatherer.per_room)
    if not letters:
        return Gathered()
    try:
        if lease is not None:
            lease.check()
        if not gatherer.atomic:
            found = gatherer.gather(letters, now)
            _done(found.done, now=now, lease=lease)
            return found
        with transaction.atomic():
            found = gatherer.gather(letters, now)
            if _done(found.done, now=now, lease=lease) != len(found.done):
                raise GatheredTwice(topic)
            return found
    except (redis.RedisError, GatheredTwice) as error:
        log.info("Letters of %s wait: %s", topic, error)
    except (DatabaseError, LeaseLost):
        raise
    except Exception:  # whatever a gatherer meets, the letters must stay and the other topics go on
        log.exception("Letters of %s could not be gathered; they stay.", topic)
    return Gathered()


def _done(event_ids: Sequence[str], *, now: datetime, lease: HeldLease | None) -> int:
    """Mark, as long as the lease is ours in the same statement. Whoever has lost it marks nothing: the other one tells it again,
    under the same ids. LeaseLost."""
    changed = 0
    for start in range(0, len(event_ids), NOTED_AT_ONCE):
        part = event_ids[start : start + NOTED_AT_ONCE]
        rows = OutboxRow.objects.filter(event_id__in=part, done_at__isnull=True)
        if lease is not None:
            rows = rows.filter(lease.holds_in_database())
        marked = rows.update(done_at=now)
        if lease is not None and not marked:
            lease.check()
        changed += marked
    return changed


def carry_pending(*, now: datetime, lease: HeldLease | None = None) -> tuple[int, int]:
    """Tell what is pending, oldest first. Returns (told, failed). A room whose row fails waits; the others go on.

    What was told is written down once per round: who dies before that tells it again, under the same ids. `lease`: asked before every
    letter, and again where they are marked. LeaseLost."""
    told: list[str] = []
    failed = 0
    stuck: set[str] = set()
    carriers = _table.one_by_one()
    pending = OutboxRow.objects.filter(done_at__isnull=True, topic__in=list(carriers)).order_by("id")
    try:
        last = 0
        while len(told) + failed < BATCH:
            # A room that cannot be told may have any number of letters: they must not fill the batch.
            rows = pending.filter(id__gt=last).exclude(room_key__in=stuck)[: BATCH - len(told) - failed]
            if not rows:
                break
            for row in rows:
                last = row.pk
                if row.room_key in stuck:
                    continue
                if _carry(carriers[row.topic], row, lease):
                    told.append(row.event_id)
                else:
                    failed += 1
                    stuck.add(row.room_key)
    finally:
        _done(told, now=now, lease=lease)
    return len(told), failed


def _carry(carrier: Carrier, row: OutboxRow, lease: HeldLease | None) -> bool:
    """Whether it was told; if not, why is noted on the row."""
    try:
        if lease is not None:
            lease.check()
        carrier(Letter(event_id=row.event_id, room_key=row.room_key, payload=row.payload, row=row.pk))
    except LeaseLost:
        raise
    except Exception as error:  # whatever a carrier meets, the row must stay
        OutboxRow.objects.filter(pk=row.pk).update(
            tries=row.tries + 1, last_error=f"{type(error).__name__}: {error}"[:300]
        )
        if not isinstance(error, redis.RedisError):
            log.exception("Outbox row %s (%s) could not be told; it stays.", row.pk, row.topic)
        return False
    return True
