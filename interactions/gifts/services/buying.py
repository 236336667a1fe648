"""Buying a gift (G2): one transaction, six statements, one answer for ever. Read from top to bottom.

Promise: the charge and the gift are there together or not at all, and the gift itself waits to be told to the room (`grouping.py`, the
relay's next step); the same key is charged once, whoever retries, and gets the same answer; of parallel purchases exactly as many succeed
as the balance pays for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from interactions.delivery import ms
from interactions.delivery.events import as_row
from interactions.delivery.rooms import Priority
from interactions.gifts.events import GiftSent
from interactions.gifts.rules.gift_body import gift_body
from interactions.gifts.selectors.catalog import effect_url, icon_url
from interactions.gifts.services.ledger import Posting, locked_wallets, post, wallet_of_app
from interactions.models import Order, Wallet
from interactions.speaker import Speaker
from liveroom.kernel import outbox, permission
from liveroom.kernel.data.sql import asked, insert, insert_one
from liveroom.kernel.errors import BadParameter, Conflict, NotFound, NotPermitted
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import RoomUnknown, refuse_ended
from moderation.rules.verdict import Standing

MOST_AT_ONCE = 9_999
KEY_CHARACTERS = 200
GIFT_CHARACTERS = 40


class GiftUnknown(NotFound):
    """10010: no gift of that id in this app."""

    name = "gift_unknown"


class GiftOff(Conflict):
    """10056: the gift is not sold at the moment."""

    name = "gift_off"


class KeyUsed(Conflict):
    """10056: the idempotency key belongs to another order."""

    def __init__(self) -> None:
        super().__init__("This key was used for another order; take a new key for a new order.")


@dataclass(frozen=True, slots=True)
class Offer:
    """A gift of the catalog, with what else the purchase must know: how the room stands, the house's wallet, the show that is on, and what
    was answered to the key before (its digest and its receipt)."""

    id: int
    name: str
    kind: int
    price: int
    unit: str
    icon: str
    effect: str
    enabled: bool
    status: str
    disbanded: bool
    house: int | None
    session_id: int | None
    kept_digest: str | None
    kept_answer: str | None


# The room's row is locked against its end, as the foreign key of the gift would lock it a moment later: a room that has ended for
# others has ended here, too.
_OFFER = """
SELECT g.id, g.name, g.kind, g.price, g.unit, g.icon, g.effect, g.enabled, r.status, r.disbanded_at IS NOT NULL, w.id, s.id,
    o.body_sha256, o.answer
FROM interactions_gift g
JOIN rooms_room r ON r.id = %s
LEFT JOIN interactions_wallet w ON w.app_id = g.app_id AND w.kind = %s AND w.person_id IS NULL
LEFT JOIN rooms_livesession s ON s.room_id = r.id AND s.ended_at IS NULL
LEFT JOIN interactions_order o ON o.person_id = %s AND o.key = %s
WHERE g.app_id = %s AND g.code = %s{lock}
"""


def buy_gift(
    *, room: Room, gift: str, count: int, key: str, speaker: Speaker, now: datetime, standing: Standing | None = None
) -> dict[str, Any]:
    """Charge the speaker, pay the streamer's share, and have the room told. The answer is kept with the order.

    `room` with its app; `gift`: its id in the catalog; `key`: new for each purchase, the same when it is retried; `standing`: what a
    socket remembers of the speaker, None asks the database. BadParameter (whatever a client sent may be given), GiftUnknown, GiftOff,
    RoomEnded, InsufficientBalance, Conflict (the key was used for something else), and what `permission.ask` refuses."""
    actor = speaker.actor
    permission.ask("gift.send", actor=actor, room=room, role=speaker.role, standing=standing)
    if actor.person_id is None or actor.person_id == room.owner_id:
        raise NotPermitted("A gift is given by a viewer, from its own wallet, to somebody else.", action="gift.send")
    count, gift, key = checked_count(count), checked_gift(gift), checked_key(key, field="key")
    digest = hashlib.sha256(f"{room.pk}\n{gift}\n{count}".encode("utf-8", "replace")).hexdigest()
    with transaction.atomic():
        return _buy(
            room=room, code=gift, count=count, key=f"gift:{key}", digest=digest, speaker=speaker,
            buyer=actor.person_id, now=now,
        )  # fmt: skip


def checked_count(value: object) -> int:
    """How many at once."""
    if type(value) is not int or not 1 <= value <= MOST_AT_ONCE:
        given = {"given": value} if type(value) in (int, float) and abs(value) < 2**53 else {}  # type: ignore[arg-type]
        raise BadParameter(
            f"count is a whole number from 1 to {MOST_AT_ONCE:,}.", field="count", limit=MOST_AT_ONCE, **given
        )
    return value


def checked_gift(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= GIFT_CHARACTERS:
        raise BadParameter("gift is the id of a gift, from GET /gifts.", field="gift")
    return value


def checked_key(value: object, *, field: str) -> str:
    """An idempotency key: without one, a retry would be charged again."""
    if not isinstance(value, str) or not 1 <= len(value) <= KEY_CHARACTERS or not value.isprintable():
        raise BadParameter(
            f"{field} is 1 to {KEY_CHARACTERS} printable characters, new for each purchase and the same when it is retried.",
            field=field,
            limit=KEY_CHARACTERS,
        )
    return value


def _offer(*, room: Room, code: str, buyer: int, key: str) -> Offer:
    lock = " FOR KEY SHARE OF r" if connection.vendor == "postgresql" else ""
    found = asked(_OFFER.format(lock=lock), (room.pk, Wallet.HOUSE, buyer, key, room.app_id, code))
    if found:
        return Offer(*found[0])
    if Order.objects.filter(person_id=buyer, key=key).exists():
        raise KeyUsed
    raise GiftUnknown(f"There is no gift {code!r} in this app; GET /gifts lists them.")


def _buy(
    *, room: Room, code: str, count: int, key: str, digest: str, speaker: Speaker, buyer: int, now: datetime
) -> dict[str, Any]:
    # Whoever retries while the first try is still under way waits here, and then finds its answer.
    wallets = locked_wallets(app_id=room.app_id, person_ids={buyer, room.owner_id})
    offer = _offer(room=room, code=code, buyer=buyer, key=key)
    if offer.kept_answer is not None:
        if offer.kept_digest != digest:
            raise KeyUsed
        kept: dict[str, Any] = json.loads(offer.kept_answer)
        return kept
    if offer.disbanded:
        raise RoomUnknown("The room was disbanded.")
    refuse_ended(offer.status, "gifts")
    if not offer.enabled:
        raise GiftOff(f"{offer.name} is not given at the moment; choose another gift.")
    total = offer.price * count
    share = total * room.app.gift_share_percent // 100
    house = offer.house or wallet_of_app(app_id=room.app_id, kind=Wallet.HOUSE)
    mine, hers = wallets[buyer], wallets[room.owner_id]
    postings = [
        Posting(debit=mine.id, credit=wallet, amount=amount)
        for wallet, amount in ((hers.id, share), (house, total - share))
        if amount
    ]
    number = ids.number("g")
    answer = {
        "order": number,
        "gift": code,
        "count": count,
        "price": offer.price,
        "total": total,
        "balance": mine.balance - total,
        "event": as_row(_event(offer, room=room, code=code, count=count, number=number, speaker=speaker, now=now)),
    }
    order_id = insert_one(
        "interactions_order", number=number, app_id=room.app_id, kind=Order.GIFT, person_id=buyer, room_id=room.pk,
        amount=total, key=key, body_sha256=digest, answer=answer, provider="", reference="", by=str(speaker.actor)[:120],
        reason="", at=now,
    )  # fmt: skip
    post(order_id=order_id, postings=postings, wallets=(mine, hers), now=now, currency=room.app.currency)
    insert(
        "interactions_sentgift",
        ("order_id", "room_id", "session_id", "gift_id", "buyer_id", "streamer_id", "count", "total", "share", "at"),
        [(order_id, room.pk, offer.session_id, offer.id, buyer, room.owner_id, count, total, share, now)],
    )
    # The relay's `group_gifts` (grouping.py) tells the room.
    outbox.wake_after_commit()
    return answer


def _event(
    offer: Offer, *, room: Room, code: str, count: int, number: str, speaker: Speaker, now: datetime
) -> GiftSent:
    """What the buyer sees at once. The room hears the same with another id, and with the numbers of the message that holds it."""
    body = gift_body(
        kind=offer.kind, name=offer.name, unit=offer.unit, count=count, icon_url=icon_url(offer.icon),
        effect_url=effect_url(room.app, offer.effect),
    )  # fmt: skip
    return GiftSent(
        t=ms(now), id=number, priority=Priority.HIGH.word, sender=speaker.shown(), gift=code, data=body, count=count,
        combo=count, value=offer.price * count,
    )  # fmt: skip
