"""A gift is charged, paid and told, or nothing of it happened."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from interactions.delivery.rooms.log import history_now
from interactions.gifts.services import grouping
from interactions.gifts.services.buying import GiftOff, GiftUnknown, buy_gift
from interactions.gifts.services.grouping import group_gifts
from interactions.gifts.services.ledger import InsufficientBalance
from interactions.models import GiftMessage, GiftTotal, LedgerEntry, Order, Score, SentGift, Wallet
from interactions.room_refs import ref
from liveroom.kernel import clock, outbox, permission
from liveroom.kernel.errors import BadParameter, Conflict, NotPermitted
from liveroom.kernel.models import Lease, OutboxRow
from liveroom.kernel.work.fencing import HeldLease, LeaseLost
from liveroom.rooms.models import Room
from liveroom.rooms.services.status import set_status
from liveroom.rooms.voters import LogInFirst
from moderation.services.banning import ban_user
from moderation.voters import Banned
from tests.helpers.money import balance_of, fill, make_gift, speaker
from tests.helpers.people import STAFF, Cast, make_cast
from tests.helpers.stack import until


def buys(
    cast: Cast, person: Any = None, *, key: str = "k1", gift: Any = "rose", count: Any = 1, now: Any = None
) -> Any:
    return buy_gift(
        room=cast.room, gift=gift, count=count, key=key, speaker=speaker(person or cast.mia), now=now or clock.now()
    )


def told(cast: Cast, *, at: Any) -> list[dict[str, Any]]:
    """What the room has heard of gifts once the relay looked at that instant."""
    outbox.handle_batches(now=at)
    until(lambda: outbox.handle_batches(now=at) and not OutboxRow.objects.filter(topic="paid", done_at=None).exists())
    history = history_now(room=ref(cast.room), now_ms=clock.now_ms())
    return [event for event in history if event["type"] == "gift"]


@pytest.fixture
def rose(cast: Cast) -> Any:
    cast.app.gift_share_percent = 60
    cast.app.save()
    cast.room.app.gift_share_percent = 60
    fill(cast.mia, 1_000)
    return make_gift(cast.app, "rose", price=15, unit="pcs")


def test_a_gift_moves_its_price_to_the_streamer_and_the_house(cast, rose):
    answer = buys(cast, count=3)
    assert (answer["total"], answer["balance"], balance_of(cast.mia)) == (45, 955, 955)
    assert balance_of(cast.stella) == 27
    order = Order.objects.get(number=answer["order"])
    assert sorted(order.entries.values_list("amount", "credit__kind")) == [(18, "house"), (27, "person")]
    sent = SentGift.objects.get(order=order)
    assert (sent.count, sent.total, sent.share, sent.message) == (3, 45, 27, None)
    assert answer["event"]["data"]["data"]["cmdInfo"]["giftCount"] == 3


def test_the_room_hears_it_as_the_live_kit_has_it_and_the_rankings_count_it(cast, rose):
    set_status(room=cast.room, status="live", by=STAFF, now=clock.now())
    now = clock.now()
    buys(cast, count=2, now=now)
    [event] = told(cast, at=now)
    assert (event["count"], event["combo"], event["value"], event["priority"]) == (2, 2, 30, "High")
    assert event["from"] == {"id": "mia", "nick": "Mia", "avatar": "", "level": 0, "role": "member"}
    assert event["data"]["businessID"] == "flutter_live_kit"
    assert event["data"]["data"]["cmdInfo"] == {
        "type": 1, "giftUrl": "", "giftCount": 2, "giftName": "Rose", "giftUnits": "pcs",
    }  # fmt: skip
    assert SentGift.objects.get().message.message_id == event["id"]
    assert sorted(GiftTotal.objects.values_list("scope", "value", "count")) == [
        ("all", 30, 2), ("day", 30, 2), ("stream", 30, 2), ("week", 30, 2),
    ]  # fmt: skip
    assert Score.objects.get(person=cast.mia).gift_value == 30


def test_99_clicks_are_five_messages_whose_sum_is_the_sum_of_the_ledger(cast, rose):
    fill(cast.mia, 1_000)
    now = clock.now()
    for number in range(99):
        buys(cast, key=f"k{number}", now=now + timedelta(milliseconds=number))
    first = told(cast, at=now + timedelta(milliseconds=100))
    assert [event["count"] for event in first] == [20, 20, 20, 20]
    after = told(cast, at=now + timedelta(milliseconds=1_200))
    assert [event["count"] for event in after] == [20, 20, 20, 20, 19]
    assert [event["combo"] for event in after] == [20, 40, 60, 80, 99]
    assert sum(event["value"] for event in after) == sum(
        Order.objects.filter(kind="gift").values_list("amount", flat=True)
    )
    assert GiftTotal.objects.get(scope="all").count == 99
    assert not SentGift.objects.filter(message=None).exists()


def test_a_chosen_99_is_one_message(cast, rose):
    fill(cast.mia, 1_000)
    buys(cast, count=99)
    [event] = told(cast, at=clock.now())
    assert (event["count"], event["data"]["data"]["cmdInfo"]["giftCount"]) == (99, 99)


def test_what_waits_for_the_rooms_rate_is_merged_and_nothing_is_lost(cast, rose):
    cast.app.messages_per_second = 5
    cast.app.save()
    make_gift(cast.app, "star", price=1, combo=False)
    now = clock.now()
    for number in range(150):
        buys(cast, key=f"k{number}", gift="star", now=now)
    outbox.handle_batches(now=now)
    assert OutboxRow.objects.filter(topic="paid", done_at=None).count() > 60
    for number in range(150, 200):
        buys(cast, key=f"k{number}", gift="star", now=now)
    outbox.handle_batches(now=now + timedelta(seconds=1))
    assert sorted(GiftMessage.objects.values_list("count", flat=True))[-2:] == [1, 50]
    assert sum(GiftMessage.objects.values_list("count", flat=True)) == 200


def test_of_two_relays_that_group_the_same_one_has_done_nothing(cast, rose, monkeypatch):
    now = clock.now()
    buys(cast, count=2, now=now)
    reads = grouping._streaks
    others = iter([True])

    def meanwhile(bought: Any) -> Any:
        if next(others, False):
            assert group_gifts(now, None).done == 1
        return reads(bought)

    monkeypatch.setattr(grouping, "_streaks", meanwhile)
    with pytest.raises(outbox.HandledTwice):
        group_gifts(now, None)
    assert (GiftMessage.objects.count(), OutboxRow.objects.filter(topic="paid").count()) == (1, 1)
    assert (GiftTotal.objects.get(scope="all").count, Score.objects.get(person=cast.mia).gift_value) == (2, 30)


def test_a_relay_that_lost_its_lease_has_grouped_nothing(cast, rose):
    lease = HeldLease(name="relay", holder="first", seconds=30)
    assert lease.take()
    now = clock.now()
    buys(cast, now=now, count=2)
    Lease.objects.update(token=F("token") + 1, holder="second")
    with pytest.raises(LeaseLost):
        group_gifts(now, lease)
    assert [model.objects.count() for model in (GiftMessage, GiftTotal, Score)] == [0, 0, 0]
    assert SentGift.objects.get().message is None
    assert group_gifts(now, None).done == 1


def test_clicks_that_wait_are_looked_at_again_when_they_are_due(cast, rose):
    now = clock.now()
    buys(cast, now=now)
    looked = group_gifts(now + timedelta(milliseconds=300), None)
    assert (looked.done, looked.again_in) == (0, 0.7)
    assert group_gifts(now + timedelta(seconds=1), None).done == 1


def test_gifts_that_wait_are_found_by_their_index_among_many_that_were_told(cast, rose):
    if connection.vendor != "postgresql":
        pytest.skip("The planner of PostgreSQL is asked.")
    buys(cast, now=clock.now() - timedelta(seconds=5))
    group_gifts(clock.now(), None)
    told = SentGift.objects.get()
    orders = Order.objects.bulk_create(_likes(told.order, 3_000))
    SentGift.objects.bulk_create(
        SentGift(
            order=order, room_id=told.room_id, gift_id=told.gift_id, buyer_id=told.buyer_id, streamer_id=told.streamer_id,
            count=1, total=15, share=9, message=told.message, at=told.at,
        )
        for order in orders
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        buys(cast, key="k2")
        plan = (
            SentGift.objects.filter(message__isnull=True)
            .order_by("id")
            .values_list(*grouping._FIELDS)[:5_000]
            .explain()
        )
    assert "sent_gift_untold" in plan, plan
    assert "Seq Scan on interactions_sentgift" not in plan, plan


def _likes(order: Order, many: int) -> list[Order]:
    return [
        Order(
            number=f"like{n}", app_id=order.app_id, kind="gift", person_id=order.person_id, room_id=order.room_id, amount=15,
            key=f"like{n}", body_sha256="", answer={}, by="tests", at=order.at,
        )
        for n in range(many)
    ]  # fmt: skip


def test_the_same_key_is_charged_once_and_answered_alike(cast, rose):
    first = buys(cast)
    assert buys(cast) == first
    assert balance_of(cast.mia) == 985
    assert (Order.objects.filter(kind="gift").count(), SentGift.objects.count()) == (1, 1)


@pytest.mark.parametrize("other", [{"count": 2}, {"gift": "star"}, {"gift": "none"}])
def test_the_same_key_for_another_order_is_a_conflict(cast, rose, other):
    make_gift(cast.app, "star")
    buys(cast)
    with pytest.raises(Conflict):
        buys(cast, **other)
    assert SentGift.objects.count() == 1


def test_two_people_may_use_the_same_key(cast, rose):
    fill(cast.zed, 100)
    assert buys(cast)["order"] != buys(cast, cast.zed)["order"]


def test_whoever_has_too_little_is_told_how_much_and_nothing_stays(cast, rose):
    with pytest.raises(InsufficientBalance, match=r"costs 1,005 coins; the wallet holds 1,000") as refused:
        buys(cast, count=67)
    assert refused.value.extra == {"balance": 1000, "needed": 1005}
    assert (balance_of(cast.mia), Order.objects.filter(kind="gift").count()) == (1_000, 0)
    with pytest.raises(InsufficientBalance):
        buys(cast, cast.zed)
    assert not SentGift.objects.exists()


@pytest.mark.parametrize("count", [0, -1, 10_000, 2**70, 1.5, "3", True, None, [1], float("nan")])
def test_a_count_that_is_no_sensible_number_is_refused(cast, rose, count):
    with pytest.raises(BadParameter, match="1 to 9,999") as refused:
        buys(cast, count=count)
    assert refused.value.extra["field"] == "count"


@pytest.mark.parametrize("gift", ["tulip", "theirs", "ROSE"])
def test_gifts_that_are_not_in_this_apps_catalog_are_unknown(cast, rose, gift):
    make_gift(cast.other_app, "theirs")
    with pytest.raises(GiftUnknown):
        buys(cast, gift=gift)


@pytest.mark.parametrize("gift", ["", None, 7, "x" * 41])
def test_what_is_no_id_of_a_gift_is_refused(cast, rose, gift):
    with pytest.raises(BadParameter):
        buys(cast, gift=gift)


@pytest.mark.parametrize("key", ["", None, 7, "x" * 201, "a\nb"])
def test_without_a_key_nothing_is_bought(cast, rose, key):
    with pytest.raises(BadParameter, match="key"):
        buys(cast, key=key)


def test_a_gift_that_is_off_is_not_sold(cast, rose):
    make_gift(cast.app, "old", enabled=False)
    with pytest.raises(GiftOff):
        buys(cast, gift="old")


def test_who_may_not_give(cast, rose):
    fill(cast.stella, 100)
    with pytest.raises(NotPermitted):
        buys(cast, cast.stella)
    with pytest.raises(NotPermitted):
        buys(cast, cast.rita)
    ban_user(room=cast.room, identifier="mia", seconds=60, by=STAFF, now=clock.now())
    with pytest.raises(Banned):
        buys(cast)


def test_guests_are_asked_to_log_in(cast, rose):
    guest = speaker(cast.mia)
    with pytest.raises(LogInFirst):
        buy_gift(
            room=cast.room, gift="rose", count=1, key="k",
            speaker=replace(guest, actor=permission.anonymous(), role=permission.GUEST), now=clock.now(),
        )  # fmt: skip


@pytest.mark.parametrize("change", ["UPDATE {} SET amount = amount + 1", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["interactions_order", "interactions_ledgerentry"])
def test_the_database_refuses_to_change_what_was_written(cast, rose, change, table):
    buys(cast)
    with (
        pytest.raises(IntegrityError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(table))


def test_the_database_refuses_a_balance_below_zero_and_an_entry_without_amount(cast, rose):
    with pytest.raises(IntegrityError), transaction.atomic():
        Wallet.objects.filter(person=cast.mia).update(balance=-1)
    buys(cast)
    entry = LedgerEntry.objects.order_by("id").last()
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(order=entry.order, debit=entry.debit, credit=entry.credit, amount=0, at=entry.at)


def test_a_gift_takes_few_statements(cast, rose):
    buys(cast, key="warm")
    room = Room.objects.select_related("app", "owner").get(pk=cast.room.pk)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        buy_gift(room=room, gift="rose", count=1, key="k", speaker=speaker(cast.mia), now=clock.now())
    said = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
    # One asks for bans; then wallets, offer and what was answered before; order, balances, entries, gift.
    assert len(said) == 7, said


@pytest.mark.django_db(transaction=True)
def test_50_parallel_buys_of_the_last_balance_are_as_many_as_it_pays_for(transactional_db):
    cast = make_cast()
    make_gift(cast.app, "rose", price=15)
    fill(cast.mia, 15 * 20 + 7)
    outcomes: list[str] = []

    def one(number: int) -> None:
        try:
            buys(cast, key=f"k{number}")
            outcomes.append("bought")
        except Exception as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {outcome: outcomes.count(outcome) for outcome in outcomes} == {"bought": 20, "InsufficientBalance": 30}
    assert balance_of(cast.mia) == 7


@pytest.mark.django_db(transaction=True)
def test_one_key_from_many_threads_is_charged_once(transactional_db):
    cast = make_cast()
    make_gift(cast.app, "rose", price=15)
    fill(cast.mia, 1_000)
    answers: list[bytes] = []

    def one() -> None:
        try:
            answers.append(orjson.dumps(buys(cast), option=orjson.OPT_SORT_KEYS))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answers), len(set(answers)), balance_of(cast.mia)) == (10, 1, 985)
