"""The outbox: messages written with the change they tell of, handled afterwards by `run_relay`, at least once.

Promise: a message is there exactly if its transaction was committed; the messages of one room are handled in the order of the commits
(services lock the room's row before they write, so ids of one room rise in that order). A topic has one handler, which gets its messages
one by one, or one batch handler, which sees all that wait and says which of them are done. `liveroom/wiring.py` names them.

What is a row of a feature already, and waits in it until the relay has been there, need not be written a second time: a queue."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis
from django.db import DatabaseError, transaction
from django.db.models import Count

from liveroom.kernel.data.redis import common_channel, shared
from liveroom.kernel.data.sql import asked, insert
from liveroom.kernel.models import OutboxRow
from liveroom.kernel.values import ids
from liveroom.kernel.work.fencing import HeldLease, LeaseLost

log = logging.getLogger(__name__)

# Messages that are handled one by one in a round; those that a batch handler sees at once; rows that one statement marks.
ROUND, BATCH, MARKED_AT_ONCE = 200, 5_000, 1_000
WAKE = "relay"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """What a handler gets. `event_id` is the same at every try: whoever passes it on is deduplicated by it. `row`: its id in the outbox;
    of one person or one room, a later one has a larger one."""

    event_id: str
    room_key: str
    payload: Mapping[str, Any]
    row: int = 0


Handler = Callable[[OutboxMessage], None]


@dataclass(frozen=True, slots=True)
class Handled:
    """What a batch handler has done: the ids of these messages; the others stay. `again_in`: seconds until it wants to look again,
    None: no hurry."""

    done: Sequence[str] = ()
    again_in: float | None = None


@dataclass(frozen=True, slots=True)
class BatchHandler:
    """For a topic whose messages are looked at together: `handle` sees all that wait, the oldest first, and says which are done.

    `per_room`: it wants no more than so many of one room at once, so that a room with thousands costs little and stands in nobody's
    way."""

    handle: Callable[[Sequence[OutboxMessage], datetime], Handled]
    per_room: int | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look at a queue did: so many rows. `again_in`: seconds until it wants to be looked at again, None: no hurry."""

    done: int = 0
    again_in: float | None = None


# Looks at all rows that wait, and does what is to be done in a `fencing.fenced` transaction, whose UPDATE takes only rows that still
# wait and says HandledTwice where it found fewer. Whoever adds a row calls `wake_after_commit`.
Queue = Callable[[datetime, HeldLease | None], Looked]


@dataclass(slots=True)
class _Table:
    handlers: Mapping[str, Handler | BatchHandler] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)

    def one_by_one(self) -> dict[str, Handler]:
        return {topic: found for topic, found in self.handlers.items() if not isinstance(found, BatchHandler)}


_table = _Table()


class HandledTwice(DatabaseError):
    """Two relays had the same rows of a queue; the other one was faster."""


def install(handlers: Mapping[str, Handler | BatchHandler], queues: Mapping[str, Queue] | None = None) -> None:
    """Called once by the roof when Django is ready: topic -> its handler; name -> queue."""
    _table.handlers, _table.queues = handlers, queues or {}


def put(*, topic: str, room_key: str, payload: Mapping[str, Any], now: datetime) -> None:
    """Write a message inside the caller's transaction, and wake the relay once that is committed. `room_key`: its order."""
    _known(topic)
    insert(
        "kernel_outboxrow",
        ("event_id", "topic", "room_key", "payload", "created_at", "tries", "last_error"),
        [(ids.event_id(), topic, room_key, payload, now, 0, "")],
    )
    wake_after_commit()


def put_all(*, topic: str, messages: Sequence[OutboxMessage], now: datetime) -> None:
    """Many messages of one topic, under the ids that they bring, inside the caller's transaction."""
    _known(topic)
    OutboxRow.objects.bulk_create(
        OutboxRow(
            event_id=one.event_id, topic=topic, room_key=one.room_key, payload=dict(one.payload), created_at=now
        )
        for one in messages
    )  # fmt: skip
    wake_after_commit()


def wake_after_commit() -> None:
    """The relay looks as soon as the caller's transaction is committed."""
    transaction.on_commit(_wake)


def _known(topic: str) -> None:
    if topic not in _table.handlers:
        raise LookupError(f"No handler for the topic {topic!r}; wiring.py must name one.")


def _wake() -> None:
    """A hint only: without it the relay looks again within a second."""
    try:
        shared().publish(common_channel(WAKE), b"1")
    except redis.RedisError:
        log.info("The relay was not woken (Redis is away); it will look by itself.")


def handle_batches(*, now: datetime, lease: HeldLease | None = None) -> tuple[int, float | None]:
    """Look at each queue, then give each batch handler what waits of its topic. Returns (done, seconds until one of them wants to look
    again).

    `lease`: asked before each, and again where rows are marked. LeaseLost."""
    found = [_look(name, queue, now=now, lease=lease) for name, queue in _table.queues.items()]
    for topic, handler in _table.handlers.items():
        if isinstance(handler, BatchHandler):
            handled = _handle_batch(topic, handler, now=now, lease=lease)
            found.append(Looked(done=len(handled.done), again_in=handled.again_in))
    return sum(one.done for one in found), min(
        (one.again_in for one in found if one.again_in is not None), default=None
    )


def _look(name: str, queue: Queue, *, now: datetime, lease: HeldLease | None) -> Looked:
    try:
        if lease is not None:
            lease.check()
        return queue(now, lease)
    except (redis.RedisError, HandledTwice) as error:
        log.info("The queue of %s waits: %s", name, error)
    except (DatabaseError, LeaseLost):
        raise
    except Exception:  # whatever it meets, its rows stay and the others go on
        log.exception("The queue of %s could not be handled; its rows stay.", name)
    return Looked()


# Numbers only: what thousands of messages say is not read to find the first of each room.
_FIRST_OF_EACH_ROOM = """
SELECT id FROM (
    SELECT id, row_number() OVER (PARTITION BY room_key ORDER BY id) AS place
    FROM kernel_outboxrow WHERE done_at IS NULL AND topic = %s
) AS waiting WHERE place <= %s ORDER BY place, id LIMIT %s
"""


def _waiting(topic: str, per_room: int | None) -> list[OutboxMessage]:
    rows = OutboxRow.objects.filter(done_at__isnull=True, topic=topic).order_by("id")
    if per_room is not None:
        rows = rows.filter(pk__in=[pk for (pk,) in asked(_FIRST_OF_EACH_ROOM, (topic, per_room, BATCH))])
    found = rows.values_list("event_id", "room_key", "payload", "id")[:BATCH]
    return [OutboxMessage(*row) for row in found]


def rooms_waiting(*, topic: str, at_least: int) -> set[str]:
    """The keys of rooms for which so many messages of the topic wait."""
    counts = OutboxRow.objects.filter(topic=topic, done_at__isnull=True).values("room_key").annotate(n=Count("id"))
    return {row["room_key"] for row in counts.filter(n__gte=at_least)}


def _handle_batch(topic: str, handler: BatchHandler, *, now: datetime, lease: HeldLease | None) -> Handled:
    messages = _waiting(topic, handler.per_room)
    if not messages:
        return Handled()
    try:
        if lease is not None:
            lease.check()
        found = handler.handle(messages, now)
        _mark(found.done, now=now, lease=lease)
        return found
    except redis.RedisError as error:
        log.info("Messages of %s wait: %s", topic, error)
    except (DatabaseError, LeaseLost):
        raise
    except Exception:  # whatever a handler meets, the messages must stay and the other topics go on
        log.exception("Messages of %s could not be handled; they stay.", topic)
    return Handled()


def _mark(event_ids: Sequence[str], *, now: datetime, lease: HeldLease | None) -> None:
    """Mark as done, as long as the lease is ours in the same statement. Whoever has lost it marks nothing: the other one handles them
    again, under the same ids. LeaseLost."""
    for start in range(0, len(event_ids), MARKED_AT_ONCE):
        part = event_ids[start : start + MARKED_AT_ONCE]
        rows = OutboxRow.objects.filter(event_id__in=part, done_at__isnull=True)
        if lease is not None:
            rows = rows.filter(lease.holds_in_database())
        marked = rows.update(done_at=now)
        if lease is not None and not marked:
            lease.check()


def handle_pending(*, now: datetime, lease: HeldLease | None = None) -> tuple[int, int]:
    """Handle what is pending, the oldest first. Returns (handled, failed). A room whose message fails waits; the others go on.

    What was handled is written down once per round: who dies before that does it again, under the same ids. `lease`: asked before every
    message, and again where they are marked. LeaseLost."""
    done: list[str] = []
    failed = 0
    stuck: set[str] = set()
    handlers = _table.one_by_one()
    pending = OutboxRow.objects.filter(done_at__isnull=True, topic__in=list(handlers)).order_by("id")
    try:
        last = 0
        while len(done) + failed < ROUND:
            # A room that cannot be told may have any number of messages: they must not fill the round.
            rows = pending.filter(id__gt=last).exclude(room_key__in=stuck)[: ROUND - len(done) - failed]
            if not rows:
                break
            for row in rows:
                last = row.pk
                if row.room_key in stuck:
                    continue
                if _handle(handlers[row.topic], row, lease):
                    done.append(row.event_id)
                else:
                    failed += 1
                    stuck.add(row.room_key)
    finally:
        _mark(done, now=now, lease=lease)
    return len(done), failed


def _handle(handler: Handler, row: OutboxRow, lease: HeldLease | None) -> bool:
    """Whether it was handled; if not, why is noted on the row."""
    try:
        if lease is not None:
            lease.check()
        handler(OutboxMessage(event_id=row.event_id, room_key=row.room_key, payload=row.payload, row=row.pk))
    except LeaseLost:
        raise
    except Exception as error:  # whatever a handler meets, the row must stay
        OutboxRow.objects.filter(pk=row.pk).update(
            tries=row.tries + 1, last_error=f"{type(error).__name__}: {error}"[:300]
        )
        if not isinstance(error, redis.RedisError):
            log.exception("Outbox row %s (%s) could not be handled; it stays.", row.pk, row.topic)
        return False
    return True
