"""Taking back what was paid: once, whole, and out of every sum that counted it (G6)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from interactions.gifts.selectors.rankings import ranking
from interactions.gifts.services.buying import buy_gift
from interactions.gifts.services.refunds import CannotGiveBack, RefundedAlready, refund
from interactions.gifts.services.topups import top_up
from interactions.models import GiftTotal, LedgerEntry, Order, Score, Wallet
from liveroom.kernel import clock, outbox
from liveroom.kernel.errors import BadParameter, Conflict, NotPermitted
from liveroom.kernel.models import AuditEntry
from tests.helpers.money import balance_of, fill, make_gift, speaker
from tests.helpers.people import STAFF, Cast
from tests.helpers.published import user_events


def bought(cast: Cast, *, count: int = 2, key: str = "k1", told: bool = True) -> Order:
    """mia gives stella roses of 15 each, of which 60 percent are stella's."""
    answer = buy_gift(room=cast.room, gift="rose", count=count, key=key, speaker=speaker(cast.mia), now=clock.now())
    if told:
        outbox.handle_batches(now=clock.now())
    return Order.objects.get(number=answer["order"])


def taken_back(order: Order, **said: Any) -> Order:
    return refund(order=order, by=STAFF, now=clock.now(), **{"reason": "by mistake", **said})


@pytest.fixture
def shop(cast: Cast) -> Cast:
    cast.app.gift_share_percent = cast.room.app.gift_share_percent = 60
    cast.app.save()
    fill(cast.mia, 100)
    make_gift(cast.app, "rose", price=15, combo=False)
    return cast


def test_a_gift_comes_back_from_the_streamer_and_the_house(shop: Cast) -> None:
    order = bought(shop)
    assert (balance_of(shop.mia), balance_of(shop.stella)) == (70, 18)
    made = taken_back(order)
    assert (balance_of(shop.mia), balance_of(shop.stella)) == (100, 0)
    assert (made.kind, made.refund_of, made.amount, made.reason) == ("refund", order, 30, "by mistake")
    moved = {(e.debit.kind, e.amount) for e in LedgerEntry.objects.filter(order=made).select_related("debit")}
    assert moved == {("person", 18), ("house", 12)}
    [told] = user_events(of="mia")
    assert {name: told[name] for name in ("type", "kind", "refund_of", "amount", "balance")} == {
        "type": "wallet", "kind": "refund", "refund_of": order.number, "amount": 30, "balance": 100,
    }  # fmt: skip
    entry = AuditEntry.objects.get(action="order.refund")
    assert (entry.target, entry.reason, entry.detail["refund"]) == (order.number, "by mistake", made.number)


def test_the_rankings_and_the_score_forget_it(shop: Cast) -> None:
    kept, order = bought(shop, count=1), bought(shop, count=2, key="k2")
    assert GiftTotal.objects.get(scope="all").value == 45
    taken_back(order)
    assert {(row.value, row.count) for row in GiftTotal.objects.filter(room=shop.room)} == {(15, 1)}
    assert Score.objects.get(person=shop.mia).gift_value == 15
    taken_back(kept)
    assert ranking(room=shop.room, scope="all", limit=10, now=clock.now()).places == []


def test_once_is_all(shop: Cast) -> None:
    order = bought(shop)
    made = taken_back(order)
    with pytest.raises(RefundedAlready) as refused:
        taken_back(order)
    assert refused.value.extra["refund"] == made.number
    with pytest.raises(BadParameter):
        taken_back(made)
    assert balance_of(shop.mia) == 100


def test_what_the_streamer_has_spent_is_the_houses_if_staff_say_so(shop: Cast) -> None:
    order = bought(shop)
    make_gift(shop.app, "gem", price=10, combo=False)
    Wallet.objects.filter(person=shop.stella).update(balance=5)  # she has spent 13 of her 18
    with pytest.raises(CannotGiveBack) as refused:
        taken_back(order)
    assert (refused.value.extra["holds"], refused.value.extra["needed"]) == (5, 18)
    assert balance_of(shop.mia) == 70
    made = taken_back(order, house_bears=True)
    assert (balance_of(shop.mia), balance_of(shop.stella)) == (100, 0)
    amounts = LedgerEntry.objects.filter(order=made).values_list("debit__kind", "amount")
    assert sorted(amounts) == [("house", 12), ("house", 13), ("person", 5)]


def test_a_gift_that_the_room_has_not_heard_of_waits(shop: Cast) -> None:
    order = bought(shop, told=False)
    with pytest.raises(Conflict) as refused:
        taken_back(order)
    assert "a few seconds" in refused.value.message
    outbox.handle_batches(now=clock.now())
    taken_back(order)


def test_a_top_up_goes_back_if_it_is_still_there(shop: Cast) -> None:
    answer = top_up(person=shop.mia, amount=50, provider="staff", reference=None, key="k", by=STAFF, now=clock.now())
    order = Order.objects.get(number=answer["order"])
    bought(shop, count=7)  # 45 of 150 are left
    with pytest.raises(CannotGiveBack):
        taken_back(order)
    fill(shop.mia, 5)
    taken_back(order)
    assert balance_of(shop.mia) == 0


def test_only_staff_and_only_with_a_reason(shop: Cast) -> None:
    order = bought(shop)
    with pytest.raises(NotPermitted):
        refund(order=order, by=shop.actor(shop.stella), now=clock.now(), reason="mine")
    for reason in ("", "  ", "x" * 301):
        with pytest.raises(BadParameter) as refused:
            taken_back(order, reason=reason)
        assert refused.value.extra["field"] == "reason"
    assert not Order.objects.filter(kind="refund").exists()


@pytest.mark.parametrize("table", ["interactions_order", "interactions_ledgerentry"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET amount = amount + 1", "DELETE FROM {}"])
def test_the_database_itself_keeps_what_was_written(shop: Cast, table: str, statement: str) -> None:
    before = list(LedgerEntry.objects.values_list("amount", flat=True))
    refused = pytest.raises(DatabaseError, match="never changed or deleted")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
    assert list(LedgerEntry.objects.values_list("amount", flat=True)) == before


def test_no_balance_falls_below_zero_whoever_writes(shop: Cast) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Wallet.objects.filter(person=shop.mia).update(balance=-1)
