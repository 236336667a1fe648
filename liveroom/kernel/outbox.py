"""The outbox: a row written with the change, told afterwards by `run_relay`, at least once and in order per room.

Order: services lock the room's row before they write, so ids of one room rise in the order of the commits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis
from django.db import transaction

from liveroom.kernel import ids
from liveroom.kernel.models import OutboxRow
from liveroom.kernel.redis import common_channel, shared

log = logging.getLogger(__name__)

BATCH = 200
WAKE = "relay"


@dataclass(frozen=True, slots=True)
class Letter:
    """What a topic's carrier gets. `event_id` is the same at every try: carriers de-duplicate by it."""

    event_id: str
    room_key: str
    payload: Mapping[str, Any]


Carrier = Callable[[Letter], None]


@dataclass(slots=True)
class _Table:
    carriers: Mapping[str, Carrier] = field(default_factory=dict)


_table = _Table()


def install(carriers: Mapping[str, Carrier]) -> None:
    """Called once by the roof when Django is ready: topic -> who carries it."""
    _table.carriers = carriers


def put(*, topic: str, room_key: str, payload: dict[str, Any], now: datetime) -> OutboxRow:
    """Write a row inside the caller's transaction and wake the relay once that is committed."""
    if topic not in _table.carriers:
        raise LookupError(f"No carrier for the topic {topic!r}; wiring.py must name one.")
    row = OutboxRow.objects.create(
        event_id=ids.event_id(), topic=topic, room_key=room_key, payload=payload, created_at=now
    )
    transaction.on_commit(_wake)
    return row


def _wake() -> None:
    """A hint only: without it the relay looks again within a second."""
    try:
        shared().publish(common_channel(WAKE), b"1")
    except redis.RedisError:
        log.info("The relay was not woken (Redis is away); it will look by itself.")


def carry_pending(*, now: datetime) -> tuple[int, int]:
    """Tell what is pending, oldest first. Returns (told, failed). A room whose row fails waits; the others go on."""
    told = failed = 0
    stuck: set[str] = set()
    pending = OutboxRow.objects.filter(done_at__isnull=True).order_by("id")
    while told + failed < BATCH:
        # A room that cannot be told may have any number of letters: they must not fill the batch.
        rows = pending.exclude(room_key__in=stuck)[: BATCH - told - failed]
        if not rows:
            break
        for row in rows:
            if row.room_key in stuck:
                continue
            if _carry(row, now=now):
                told += 1
            else:
                failed += 1
                stuck.add(row.room_key)
    return told, failed


def _carry(row: OutboxRow, *, now: datetime) -> bool:
    """Whether it was told; if not, why is noted on the row."""
    try:
        _table.carriers[row.topic](Letter(event_id=row.event_id, room_key=row.room_key, payload=row.payload))
    except Exception as error:  # whatever a carrier meets, the row must stay
        OutboxRow.objects.filter(pk=row.pk).update(
            tries=row.tries + 1, last_error=f"{type(error).__name__}: {error}"[:300]
        )
        if not isinstance(error, redis.RedisError):
            log.exception("Outbox row %s (%s) could not be told; it stays.", row.pk, row.topic)
        return False
    OutboxRow.objects.filter(pk=row.pk).update(done_at=now)
    return True
