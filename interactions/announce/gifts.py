"""Gifts: a letter each; `gifts/services/grouping.py` groups them into what the room is told."""

from __future__ import annotations

from interactions.announce.telling import GIFT, ROOM_GIFT
from interactions.facts import GiftPaid, GiftsGrouped
from liveroom.kernel import outbox
from liveroom.kernel.facts import handles
from liveroom.kernel.outbox import OutboxMessage


@handles(GiftPaid)
def gift_paid(fact: GiftPaid) -> None:
    payload = {
        "sent": fact.sent_id,
        "room": fact.room_id,
        "buyer": fact.buyer_id,
        "gift": fact.gift_id,
        "session": fact.session,
        "count": fact.count,
        "total": fact.total,
        "runs": fact.runs,
        "at": int(fact.at.timestamp() * 1000),
        "said": dict(fact.said),
    }
    outbox.put(topic=GIFT, room_key=fact.room_key, payload=payload, now=fact.at)


@handles(GiftsGrouped)
def gifts_grouped(fact: GiftsGrouped) -> None:
    letters = [
        OutboxMessage(
            event_id=told.message_id, room_key=told.room_key, payload={"room": told.room_id, "event": dict(told.event)}
        )
        for told in fact.messages
    ]
    outbox.put_all(topic=ROOM_GIFT, messages=letters, now=fact.at)
