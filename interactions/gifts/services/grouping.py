"""From gifts that were paid to what the room hears of them: grouped in the database, told under the room's rate (G3, G4, C3).

Promise: every paid gift is in exactly one message; the rankings and scores count it in the transaction that put it there; a message is
told until the room says that it has it, under one id, so it is heard once. Called by the relay for the topics `gift` and `room.gift`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count

from interactions.delivery.events import RoomEvent, encoded, from_row
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms import WAITS, Message, Priority, submit_many_now
from interactions.facts import GiftsGrouped, GroupedGifts
from interactions.gifts.events import GiftSent
from interactions.gifts.rules.combos import Group, Kind, Paid, Streak, grouped
from interactions.models import GiftMessage, GiftTotal
from interactions.people.services import levels
from interactions.room_refs import ref
from liveroom.kernel import facts, ids
from liveroom.kernel.models import OutboxRow
from liveroom.kernel.outbox import Handled, OutboxMessage
from liveroom.kernel.sql import instant
from liveroom.rooms.models import Room

# Messages of one room that are handed to Redis at once, and from how many that wait on its gifts are merged.
HANDED_OVER, CROWDED = 60, 60
CHUNK = 400
# The topic of `tell_gifts` (announce/telling.py).
WAITING = "room.gift"
Payload = Mapping[str, Any]


def group_gifts(letters: Sequence[OutboxMessage], now: datetime) -> Handled:
    """Topic `gift`, in one transaction with the letters' being done: messages, rankings, scores, and the letters to the rooms."""
    now_ms = int(now.timestamp() * 1000)
    payloads: dict[int, Payload] = {letter.payload["sent"]: letter.payload for letter in letters}
    letter_of = {letter.payload["sent"]: letter for letter in letters}
    sizes = _sizes({said["room"] for said in payloads.values()})
    paid = [
        Paid(
            id=sent, kind=_kind(said), count=said["count"], at_ms=said["at"], runs=said["runs"],
            every=sizes[said["room"]][0], wait_ms=sizes[said["room"]][1],
        )
        for sent, said in payloads.items()
    ]  # fmt: skip
    found = grouped(paid, now_ms=now_ms, streaks=_streaks(paid), crowded=_crowded_rooms(payloads.values()))
    again_in = None if found.again_in_ms is None else found.again_in_ms / 1000
    if not found.groups:
        return Handled(again_in=again_in)
    messages = _written(found.groups, payloads, now)
    facts.state(
        GiftsGrouped(
            at=now,
            messages=tuple(
                GroupedGifts(
                    message_id=message.message_id,
                    room_id=message.room_id,
                    room_key=letter_of[group.ids[0]].room_key,
                    event=_event(message, payloads[group.ids[0]], now_ms),
                )
                for message, group in zip(messages, found.groups, strict=True)
            ),
        )
    )
    told = [payloads[sent] for group in found.groups for sent in group.ids]
    add_to_totals(told, sign=1)
    values: dict[int, int] = defaultdict(int)
    for said in told:
        values[said["buyer"]] += said["total"]
    levels.add_gift_values(values, now)
    done = [letter_of[sent].event_id for group in found.groups for sent in group.ids]
    return Handled(done=done, again_in=again_in)


def _sizes(room_ids: Set[int]) -> dict[int, tuple[int, int]]:
    """By room, as its app says: how many clicks are told together, and how many ms they wait."""
    rows = Room.objects.filter(pk__in=room_ids).values_list("pk", "app__gift_batch", "app__gift_batch_ms")
    return {pk: (every, wait_ms) for pk, every, wait_ms in rows}


def _kind(said: Payload) -> Kind:
    return said["room"], said["buyer"], said["gift"]


def _crowded_rooms(payloads: Any) -> frozenset[int]:
    """Rooms in which messages wait for the room's rate."""
    keys = OutboxRow.objects.filter(topic=WAITING, done_at__isnull=True).values("room_key")
    waiting = {row["room_key"] for row in keys.annotate(n=Count("id")).filter(n__gte=CROWDED)}
    if not waiting:
        return frozenset()
    rooms = Room.objects.filter(pk__in={said["room"] for said in payloads}).select_related("app")
    return frozenset(room.pk for room in rooms if room.key in waiting)


# By the index of the model, a look for each: what was told in a room over the years is not read.
_LAST_OF_EACH_KIND = """
SELECT m.room_id, m.buyer_id, m.gift_id, m.combo, m.last_at FROM interactions_giftmessage m WHERE m.id IN (
    SELECT (
        SELECT x.id FROM interactions_giftmessage x
        WHERE x.room_id = kind.column1 AND x.buyer_id = kind.column2 AND x.gift_id = kind.column3 ORDER BY x.id DESC LIMIT 1
    ) FROM (VALUES {marks}) AS kind
)
"""


def _streaks(paid: Sequence[Paid]) -> dict[Kind, Streak]:
    """The running numbers that may go on."""
    kinds = sorted({gift.kind for gift in paid if gift.runs})
    found: dict[Kind, Streak] = {}
    for start in range(0, len(kinds), CHUNK):
        part = kinds[start : start + CHUNK]
        statement = _LAST_OF_EACH_KIND.format(marks=", ".join(["(%s, %s, %s)"] * len(part)))
        with connection.cursor() as cursor:
            cursor.execute(statement, [pk for kind in part for pk in kind])
            for room, buyer, gift, combo, last_at in cursor.fetchall():
                found[room, buyer, gift] = Streak(combo=combo, last_at_ms=int(instant(last_at).timestamp() * 1000))
    return found


def _written(groups: Sequence[Group], payloads: Mapping[int, Payload], now: datetime) -> list[GiftMessage]:
    """The messages, and every gift pointing to its own."""
    messages = GiftMessage.objects.bulk_create(
        GiftMessage(
            message_id=ids.event_id(), room_id=group.kind[0], buyer_id=group.kind[1], gift_id=group.kind[2],
            count=group.count, combo=group.combo, total=sum(payloads[sent]["total"] for sent in group.ids),
            last_at=datetime.fromtimestamp(group.last_at_ms / 1000, UTC), at=now,
        )
        for group in groups
    )  # fmt: skip
    pairs = [(sent, message.pk) for message, group in zip(messages, groups, strict=True) for sent in sorted(group.ids)]
    with connection.cursor() as cursor:
        for start in range(0, len(pairs), CHUNK):
            part = pairs[start : start + CHUNK]
            cases = " ".join(["WHEN %s THEN %s"] * len(part))
            marks = ", ".join(["%s"] * len(part))
            # PostgreSQL takes a CASE of parameters for text.
            values = [value for pair in part for value in pair] + [sent for sent, _ in part]
            cursor.execute(
                f"UPDATE interactions_sentgift SET message_id = CAST(CASE id {cases} END AS BIGINT) WHERE id IN ({marks})",  # noqa: S608
                values,
            )
    return messages


def _event(message: GiftMessage, said: Payload, now_ms: int) -> dict[str, Any]:
    told: dict[str, Any] = said["said"]
    data = told["data"]
    info = {**data["data"]["cmdInfo"], "giftCount": message.count}
    return {
        "type": "gift",
        "t": now_ms,
        "id": message.message_id,
        **told,
        "count": message.count,
        "combo": message.combo,
        "value": message.total,
        "data": {**data, "data": {**data["data"], "cmdInfo": info}},
    }


def periods_of(*, at: datetime, session: str) -> list[tuple[str, str]]:
    """Scope and period of every ranking that a gift of that instant counts in (G6). Days and weeks are UTC."""
    year, week, _ = at.isocalendar()
    found = [
        (GiftTotal.ALL, ""),
        (GiftTotal.DAY, at.date().isoformat()),
        (GiftTotal.WEEK, f"{year}-W{week:02}"),
    ]
    return [*found, (GiftTotal.STREAM, session)] if session else found


def add_to_totals(told: Sequence[Payload], *, sign: int) -> None:
    """Into the rankings, or out of them again: gifts as `{room, buyer, at, session, total, count}`. In the caller's transaction."""
    sums: dict[tuple[int, str, str, int], list[int]] = {}
    for said in told:
        at = datetime.fromtimestamp(said["at"] / 1000, UTC)
        for scope, period in periods_of(at=at, session=said["session"]):
            here = sums.setdefault((said["room"], scope, period, said["buyer"]), [0, 0])
            here[0] += sign * said["total"]
            here[1] += sign * said["count"]
    rows = sorted(sums.items())
    with connection.cursor() as cursor:
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            marks = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(part))
            given: list[Any] = [value for key, both in part for value in (*key, *both)]
            cursor.execute(
                "INSERT INTO interactions_gifttotal (room_id, scope, period, person_id, value, count) "  # noqa: S608
                f"VALUES {marks} ON CONFLICT (room_id, scope, period, person_id) DO UPDATE SET "
                "value = interactions_gifttotal.value + excluded.value, count = interactions_gifttotal.count + excluded.count",
                given,
            )


def tell_gifts(letters: Sequence[OutboxMessage], now: datetime) -> Handled:
    """Topic `room.gift`, at most HANDED_OVER of a room: High, paid, under the room's rate. What the room has not taken yet stays and is
    asked for again."""
    by_room: dict[str, list[OutboxMessage]] = defaultdict(list)
    for letter in letters:
        by_room[letter.room_key].append(letter)
    room_ids = {part[0].payload["room"] for part in by_room.values()}
    rooms = Room.objects.filter(disbanded_at__isnull=True).select_related("app").in_bulk(room_ids)
    done: list[str] = []
    parts: list[tuple[RoomRef, list[OutboxMessage]]] = []
    for waiting in by_room.values():
        room = rooms.get(waiting[0].payload["room"])
        if room is None:  # disbanded: nobody is there to hear it
            done += [letter.event_id for letter in waiting]
        else:
            parts.append((ref(room), waiting))
    answers = submit_many_now(
        [(room, [_message(letter) for letter in waiting]) for room, waiting in parts],
        tick_ms=settings.LIVEROOM.tick_ms,
    )
    soonest: float | None = None
    for (_, waiting), found in zip(parts, answers, strict=True):
        done += [
            letter.event_id for letter, outcome in zip(waiting, found.outcomes, strict=True) if outcome is not WAITS
        ]
        # As many as are handed over at once: there may be more.
        if len(waiting) >= HANDED_OVER or WAITS in found.outcomes:
            again = max(0.01, found.next_ms / 1000)
            soonest = again if soonest is None else min(soonest, again)
    return Handled(done=done, again_in=soonest)


def _message(letter: OutboxMessage) -> Message:
    event = from_row(letter.payload["event"], RoomEvent)
    if not isinstance(event, GiftSent):
        raise TypeError(f"{type(event).__name__} is no gift.")
    return Message(
        id=letter.event_id,
        event=encoded(event),
        sender=event.sender.id,
        priority=Priority.HIGH,
        in_history=True,
        paid=True,
    )
