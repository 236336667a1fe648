"""From gifts that were paid to what the room hears of them: grouped in the database, published under the room's rate (G3, G4, C3).

Promise: every paid gift is in exactly one message; the rankings and scores count it, and the message is published, in the transaction
that put it there. Until then the gift itself is what waits (`SentGift.message` is empty), so a purchase writes nothing else for it.
`group_gifts` is the relay's queue `gifts` (wiring.py): it looks at each wake-up, and when the first of the gifts that wait is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec
from django.db import connection

from interactions.delivery import PaidMessage, crowded_rooms, ms, publish_paid_durably
from interactions.gifts.events import GiftSent
from interactions.gifts.rules.combos import Group, Kind, Paid, Streak, grouped
from interactions.gifts.services.totals import Counted, add_to_totals
from interactions.models import GiftMessage, Order, SentGift
from interactions.people.services import levels
from liveroom.kernel.data.redis import room_key
from liveroom.kernel.data.sql import instant
from liveroom.kernel.outbox import HandledTwice, Looked
from liveroom.kernel.values import ids
from liveroom.kernel.work.fencing import HeldLease, fenced

# Gifts that are looked at in one round, the oldest first; rows of one statement.
AT_ONCE: Final = 5_000
CHUNK: Final = 400


@dataclass(frozen=True, slots=True)
class WaitingGift:
    """A gift that no message holds yet. `every` and `wait_ms`: how many clicks its app has told together, and how long they wait."""

    id: int
    order_id: int
    room_id: int
    buyer_id: int
    gift_id: int
    count: int
    total: int
    at: datetime
    runs: bool
    session: str | None
    sdkappid: int
    group_id: str
    every: int
    wait_ms: int

    @property
    def kind(self) -> Kind:
        return self.room_id, self.buyer_id, self.gift_id

    @property
    def room_key(self) -> str:
        return room_key(sdkappid=self.sdkappid, group_id=self.group_id)


_FIELDS: Final = (
    "id", "order_id", "room_id", "buyer_id", "gift_id", "count", "total", "at", "gift__combo", "session__sequence",
    "room__app__sdkappid", "room__group_id", "room__app__gift_batch", "room__app__gift_batch_ms",
)  # fmt: skip


def group_gifts(now: datetime, lease: HeldLease | None) -> Looked:
    """Group what is due. HandledTwice: another relay has grouped the same in this moment; LeaseLost. Then nothing of it was done."""
    rows = SentGift.objects.filter(message__isnull=True).order_by("id").values_list(*_FIELDS)[:AT_ONCE]
    waiting = [WaitingGift(*row) for row in rows]
    if not waiting:
        return Looked()
    bought = [
        Paid(
            id=gift.id, kind=gift.kind, count=gift.count, at_ms=ms(gift.at), runs=gift.runs, every=gift.every,
            wait_ms=gift.wait_ms,
        )
        for gift in waiting
    ]  # fmt: skip
    found = grouped(bought, now_ms=ms(now), streaks=_streaks(bought), crowded=_crowded(waiting))
    done = 0
    if found.groups:
        gifts = {gift.id: gift for gift in waiting}
        with fenced(lease):
            done = _told(found.groups, gifts, now)
    return Looked(done=done, again_in=None if found.again_in_ms is None else found.again_in_ms / 1000)


def _crowded(waiting: Sequence[WaitingGift]) -> frozenset[int]:
    """Rooms in which messages wait for the room's rate."""
    crowded = crowded_rooms()
    return frozenset(gift.room_id for gift in waiting if gift.room_key in crowded) if crowded else frozenset()


# By the index of the model, a look for each: what was told in a room over the years is not read.
_LAST_OF_EACH_KIND: Final = """
SELECT m.room_id, m.buyer_id, m.gift_id, m.combo, m.last_at FROM interactions_giftmessage m WHERE m.id IN (
    SELECT (
        SELECT x.id FROM interactions_giftmessage x
        WHERE x.room_id = kind.column1 AND x.buyer_id = kind.column2 AND x.gift_id = kind.column3 ORDER BY x.id DESC LIMIT 1
    ) FROM (VALUES {marks}) AS kind
)
"""


def _streaks(bought: Sequence[Paid]) -> dict[Kind, Streak]:
    """The running numbers that may go on."""
    kinds = sorted({gift.kind for gift in bought if gift.runs})
    found: dict[Kind, Streak] = {}
    for start in range(0, len(kinds), CHUNK):
        part = kinds[start : start + CHUNK]
        statement = _LAST_OF_EACH_KIND.format(marks=", ".join(["(%s, %s, %s)"] * len(part)))
        with connection.cursor() as cursor:
            cursor.execute(statement, [pk for kind in part for pk in kind])
            for room, buyer, gift, combo, last_at in cursor.fetchall():
                found[room, buyer, gift] = Streak(combo=combo, last_at_ms=ms(instant(last_at)))
    return found


def _told(groups: Sequence[Group], gifts: Mapping[int, WaitingGift], now: datetime) -> int:
    """In the caller's transaction: messages, rankings, scores, and what the rooms are told. How many gifts are in it."""
    messages = GiftMessage.objects.bulk_create(
        GiftMessage(
            message_id=ids.event_id(), room_id=group.kind[0], buyer_id=group.kind[1], gift_id=group.kind[2],
            count=group.count, combo=group.combo, total=sum(gifts[pk].total for pk in group.ids),
            last_at=datetime.fromtimestamp(group.last_at_ms / 1000, UTC), at=now,
        )
        for group in groups
    )  # fmt: skip
    _put_into_messages({pk: message.pk for message, group in zip(messages, groups, strict=True) for pk in group.ids})
    told = [gifts[pk] for group in groups for pk in group.ids]
    add_to_totals(
        [
            Counted(
                room_id=gift.room_id, person_id=gift.buyer_id, at=gift.at, session=gift.session or "", value=gift.total, count=gift.count
            )
            for gift in told
        ]
    )  # fmt: skip
    values: dict[int, int] = defaultdict(int)
    for gift in told:
        values[gift.buyer_id] += gift.total
    levels.add_gift_values(values, now)
    first = [gifts[group.ids[0]] for group in groups]
    receipts = _receipts({gift.order_id for gift in first})
    publish_paid_durably(
        [
            _published(message, gift, receipts[gift.order_id], now)
            for message, gift in zip(messages, first, strict=True)
        ],
        at=now,
    )
    return len(told)


def _put_into_messages(message_of: Mapping[int, int]) -> None:
    """By the ids of gifts and messages. HandledTwice: one of the gifts waits no more."""
    pairs = sorted(message_of.items())
    with connection.cursor() as cursor:
        for start in range(0, len(pairs), CHUNK):
            part = pairs[start : start + CHUNK]
            cases = " ".join(["WHEN %s THEN %s"] * len(part))
            marks = ", ".join(["%s"] * len(part))
            # PostgreSQL takes a CASE of parameters for text.
            cursor.execute(
                f"UPDATE interactions_sentgift SET message_id = CAST(CASE id {cases} END AS BIGINT) "  # noqa: S608
                f"WHERE message_id IS NULL AND id IN ({marks})",
                [value for pair in part for value in pair] + [pk for pk, _ in part],
            )
            if cursor.rowcount != len(part):
                raise HandledTwice(f"{len(part) - cursor.rowcount} gifts are in another relay's messages.")


def _receipts(order_ids: Collection[int]) -> dict[int, GiftSent]:
    """What each buyer saw of its purchase, by the order: all but the numbers is what the room is told."""
    rows = Order.objects.filter(pk__in=order_ids).values_list("pk", "answer")
    return {pk: msgspec.convert(answer["event"], GiftSent) for pk, answer in rows}


def _published(message: GiftMessage, first: WaitingGift, receipt: GiftSent, now: datetime) -> PaidMessage:
    event = msgspec.structs.replace(
        receipt, t=ms(now), id=message.message_id, data=receipt.data.of(message.count), count=message.count,
        combo=message.combo, value=message.total,
    )  # fmt: skip
    return PaidMessage(
        id=message.message_id, sender=event.sender.id, room_id=message.room_id, room_key=first.room_key, event=event
    )
