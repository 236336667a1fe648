"""Taking an order back, by staff: the same entries the other way round, in one transaction (G6).

Promise: an order is refunded once; nobody's balance falls below zero for it; the rankings and the buyer's score forget what they had
counted of it. The order itself stays as it is: a refund is an order of its own."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from interactions.delivery import Person as Recipient
from interactions.delivery import ms, publish_durably
from interactions.gifts.events import WalletChanged
from interactions.gifts.services.ledger import LockedWallet, Posting, locked_wallets, post, wallet_of_app
from interactions.gifts.services.totals import Counted, add_to_totals
from interactions.models import LedgerEntry, Order, SentGift, Wallet
from interactions.people.services import levels
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids, text

REASON_BYTES = 300


class RefundedAlready(Conflict):
    """10056: once is all. `refund`: its number."""

    name = "refunded_already"


class CannotGiveBack(Conflict):
    """10056: whoever has the money has spent it. `holds`, `needed`."""

    name = "cannot_give_back"


@transaction.atomic
def refund(
    *, order: Order, by: Actor, now: datetime, reason: str, house_bears: bool = False, address: str = ""
) -> Order:
    """The new order. `house_bears`: what the streamer's wallet lacks of her share comes from the house.

    BadParameter (no reason, or the order is a refund itself), RefundedAlready, CannotGiveBack, Conflict (the room has not been told of
    the gift yet: a moment)."""
    permission.ask("order.refund", actor=by)
    reason = text.checked(reason, field="reason", limit_bytes=REASON_BYTES, required=True)
    if order.kind == Order.REFUND:
        raise BadParameter("A refund is not refunded; it was the answer to another order.", field="order")
    order = Order.objects.select_related("app", "person", "room__app").get(pk=order.pk)
    sent = SentGift.objects.filter(order=order).first()
    people = {order.person_id} | ({sent.streamer_id} if sent else set())
    wallets = locked_wallets(app_id=order.app_id, person_ids=people)
    # From here on nobody else refunds it: both would need the same wallet.
    first = Order.objects.filter(refund_of=order).values_list("number", flat=True).first()
    if first:
        raise RefundedAlready(f"The order {order.number} was refunded already, by {first}.", refund=first)
    if sent is not None:
        sent = SentGift.objects.select_for_update().get(pk=sent.pk)
        postings = _of_gift(order, sent, wallets[sent.streamer_id], house_bears=house_bears)
    else:
        postings = _of_top_up(order, wallets[order.person_id])
    number = ids.number("r")
    made = Order.objects.create(
        number=number, app_id=order.app_id, kind=Order.REFUND, person_id=order.person_id, room_id=order.room_id,
        amount=order.amount, key=f"refund:{order.number}", body_sha256="", answer={"order": number, "refund_of": order.number},
        refund_of=order, by=str(by)[:120], reason=reason, at=now,
    )  # fmt: skip
    balances = post(
        order_id=made.pk, postings=postings, wallets=list(wallets.values()), now=now, currency=order.app.currency
    )
    if sent is not None:
        _forget(sent, now=now)
    room_key = order.room.key if order.room else ""
    audit.record(
        action="order.refund", actor=by, now=now, room_key=room_key, target=order.number, reason=reason, address=address,
        detail={"refund": number, "kind": order.kind, "amount": order.amount, "user": order.person.identifier, "house_bears": house_bears},
    )  # fmt: skip
    publish_durably(
        WalletChanged(
            t=ms(now), order=number, balance=balances[order.person_id], kind=Order.REFUND, refund_of=order.number,
            amount=order.amount if order.kind == Order.GIFT else -order.amount,
        ),
        to=Recipient(sdkappid=order.app.sdkappid, identifier=order.person.identifier),
        at=now,
    )  # fmt: skip
    return made


def _of_gift(order: Order, sent: SentGift, streamer: LockedWallet, *, house_bears: bool) -> list[Posting]:
    if sent.message_id is None:
        # The relay counts it in the rankings when it tells the room: within a second, as long as it runs.
        raise Conflict("The room has not been told of this gift yet; try again in a few seconds.")
    house = wallet_of_app(app_id=order.app_id, kind=Wallet.HOUSE)
    postings, missing = [], 0
    for entry in LedgerEntry.objects.filter(order=order).order_by("id"):
        amount = entry.amount
        if entry.credit_id == streamer.id:
            missing = max(0, amount - streamer.balance)
            if missing and not house_bears:
                raise CannotGiveBack(
                    f"The streamer's wallet holds {streamer.balance:,} of the {amount:,} that it would give back. Refund it all the "
                    "same by letting the house bear the rest.",
                    holds=streamer.balance,
                    needed=amount,
                )
            amount -= missing
        if amount:
            postings.append(Posting(debit=entry.credit_id, credit=entry.debit_id, amount=amount))
        if entry.credit_id == streamer.id and missing:
            postings.append(Posting(debit=house, credit=entry.debit_id, amount=missing))
    return postings


def _of_top_up(order: Order, wallet: LockedWallet) -> list[Posting]:
    if wallet.balance < order.amount:
        raise CannotGiveBack(
            f"The wallet holds {wallet.balance:,} of the {order.amount:,} that were paid in; the rest is spent. Refund gifts first.",
            holds=wallet.balance,
            needed=order.amount,
        )
    return [
        Posting(debit=entry.credit_id, credit=entry.debit_id, amount=entry.amount)
        for entry in LedgerEntry.objects.filter(order=order).order_by("id")
    ]


def _forget(sent: SentGift, *, now: datetime) -> None:
    """Out of the rankings and of the buyer's score, where the relay had put it."""
    counted = Counted(
        room_id=sent.room_id, person_id=sent.buyer_id, at=sent.at, session=sent.session.sequence if sent.session else "",
        value=-sent.total, count=-sent.count,
    )  # fmt: skip
    add_to_totals([counted])
    levels.add_gift_values({sent.buyer_id: -sent.total}, now)
