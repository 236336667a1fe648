"""The books, proved: clean after honest work, and every drift found by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F

from interactions.chat.archive.archiver import Archiver
from interactions.gifts.selectors.statements import latest, parts, wallet_of
from interactions.gifts.services.buying import buy_gift
from interactions.gifts.services.refunds import refund
from interactions.gifts.services.verifying import Report, verify
from interactions.models import ArchivedMessage, GiftMessage, GiftTotal, LedgerEntry, Order, SentGift, Wallet
from liveroom.kernel import clock, outbox
from liveroom.kernel.models import OutboxRow
from liveroom.rooms.services.status import set_status
from tests.helpers.money import fill, make_gift, speaker
from tests.helpers.people import STAFF, Cast
from tests.helpers.stack import until


def buys(cast: Cast, key: str, *, count: int = 1, by: Any = None) -> Order:
    answer = buy_gift(
        room=cast.room, gift="rose", count=count, key=key, speaker=speaker(by or cast.mia), now=clock.now()
    )
    return Order.objects.get(number=answer["order"])


def all_is_told() -> None:
    """As `run_relay` and `run_archive` would have it a moment later."""
    outbox.handle_batches(now=clock.now())
    until(
        lambda: (
            outbox.handle_batches(now=clock.now()) and not OutboxRow.objects.filter(topic="paid", done_at=None).exists()
        )
    )
    archiver = Archiver(consumer="test")
    while archiver.drain():
        pass


def report(cast: Cast | None = None, *, minutes: int = 2) -> Report:
    return verify(now=clock.now() + timedelta(minutes=minutes), app=cast.app if cast else None)


@pytest.fixture
def busy(cast: Cast) -> Cast:
    """A show with gifts of two people; one gift was taken back."""
    cast.app.gift_share_percent = cast.room.app.gift_share_percent = 60
    cast.app.save()
    make_gift(cast.app, "rose", price=15, combo=False)
    fill(cast.mia, 1_000)
    fill(cast.zed, 1_000)
    set_status(room=cast.room, status="live", by=STAFF, now=clock.now())
    buys(cast, "k1", count=3)
    buys(cast, "k2", by=cast.zed)
    wrong = buys(cast, "k3", count=2)
    all_is_told()
    refund(order=wrong, by=STAFF, now=clock.now(), reason="by mistake")
    return cast


def test_honest_books_add_up(busy: Cast) -> None:
    found = report(busy)
    assert found.findings == []
    assert found.under_way == 0
    figures = found.figures
    assert figures["held_by_people"] + figures["house"] == figures["paid_in"] == 2_000
    assert figures["gift_amount"] == figures["gifts_value"] == figures["messages_value"] == 90
    assert (figures["gift_orders"], figures["refund_amount"]) == (3, 30)
    assert figures["messages"] == figures["heard"] == GiftMessage.objects.count()
    assert report().findings == []  # of all apps


def test_what_is_on_its_way_is_no_drift(cast: Cast) -> None:
    make_gift(cast.app, "rose", price=15)
    fill(cast.mia, 100)
    buys(cast, "k1")
    waiting = report(cast, minutes=30)
    assert (waiting.findings, waiting.under_way) == ([], 1)
    outbox.handle_batches(now=clock.now() + timedelta(seconds=2))
    OutboxRow.objects.filter(topic="paid").update(done_at=None)
    waiting = report(cast, minutes=30)
    assert (waiting.findings, waiting.under_way) == ([], 1)


def more_entries(cast: Cast) -> None:
    order = Order.objects.filter(kind="gift").first()
    entry = LedgerEntry.objects.filter(order=order).first()
    assert entry is not None
    LedgerEntry.objects.create(order=entry.order, debit=entry.debit, credit=entry.credit, amount=1, at=clock.now())


DRIFTS: list[tuple[str, Callable[[Cast], object]]] = [
    ("balance", lambda cast: Wallet.objects.filter(person=cast.mia).update(balance=F("balance") + 1)),
    ("sum", lambda cast: Wallet.objects.filter(person=cast.mia).update(balance=F("balance") + 1)),
    ("order", more_entries),
    ("order", lambda cast: SentGift.objects.filter(buyer=cast.zed).update(share=1)),
    ("order", lambda cast: SentGift.objects.filter(buyer=cast.zed).update(total=1, share=1)),
    ("message", lambda cast: GiftMessage.objects.filter(buyer=cast.zed).update(count=7)),
    ("message", lambda cast: GiftMessage.objects.filter(buyer=cast.zed).update(total=7)),
    ("message", lambda cast: GiftMessage.objects.filter(buyer=cast.zed).update(buyer=cast.max)),
    ("untold", lambda cast: SentGift.objects.filter(buyer=cast.zed).update(message=None)),
    ("heard", lambda cast: ArchivedMessage.objects.filter(type="gift", sender="zed").delete()),
    ("heard", lambda cast: ArchivedMessage.objects.filter(type="gift", sender="zed").update(body={"count": 9})),
    ("unpaid", lambda cast: ArchivedMessage.objects.filter(type="gift", sender="zed").update(event_id="else")),
    ("ranking", lambda cast: GiftTotal.objects.filter(scope="all").update(value=F("value") + 1)),
    ("ranking", lambda cast: GiftTotal.objects.filter(scope="stream").update(count=F("count") + 1)),
]


def test_every_drift_is_found_by_its_name(busy: Cast) -> None:
    for number, (check, drift) in enumerate(DRIFTS):
        before = transaction.savepoint()
        drift(busy)
        found = report(busy)
        transaction.savepoint_rollback(before)
        assert check in {finding.check for finding in found.findings}, number
        assert all(finding.subject and finding.said for finding in found.findings)
    assert report(busy).clean


def test_an_event_that_a_room_heard_twice_is_found(busy: Cast) -> None:
    heard = ArchivedMessage.objects.filter(type="gift").first()
    assert heard is not None
    heard.pk, heard.epoch = None, "other"
    heard.save()
    assert [finding.check for finding in report(busy).findings] == ["heard"]


def test_the_command_ends_with_one_on_drift_and_names_it(busy: Cast) -> None:
    out = StringIO()
    call_command("verify_ledger", app=busy.app.sdkappid, stdout=out)
    assert "The books add up." in out.getvalue()
    Wallet.objects.filter(person=busy.mia).update(balance=0)
    with pytest.raises(SystemExit) as ended:
        call_command("verify_ledger", stdout=out)
    assert ended.value.code == 1
    assert "(mia)" in out.getvalue()
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_ledger", json=True, stdout=out)
    told = json.loads(out.getvalue())
    assert (told["clean"], told["findings"][0]["check"]) == (False, "balance")


def test_operators_top_up_from_the_shell(cast: Cast) -> None:
    out = StringIO()
    asked = {"user": "mia", "amount": 1_000, "app": cast.app.sdkappid, "key": "k"}
    for _ in range(2):
        call_command("top_up", **asked, stdout=out)
    assert Wallet.objects.get(person=cast.mia).balance == 1_000
    with pytest.raises(CommandError, match="whole number"):
        call_command("top_up", **{**asked, "amount": 0})
    with pytest.raises(CommandError, match="no user"):
        call_command("top_up", **{**asked, "user": "nobody"})


def test_a_statement_tells_the_balance_after_every_entry(busy: Cast) -> None:
    wallet = wallet_of(person_id=busy.mia.pk)
    assert wallet is not None
    lines, after = latest(wallet, before=None, size=100)
    assert after is None
    assert [(line.kind, line.amount, line.balance, line.counterpart) for line in lines] == [
        ("refund", 12, 955, "the house"),
        ("refund", 18, 943, "stella"),
        ("gift", -12, 925, "the house"),
        ("gift", -18, 937, "stella"),
        ("gift", -18, 955, "the house"),
        ("gift", -27, 973, "stella"),
        ("topup", 1000, 1000, "payment"),
    ]
    assert (lines[0].gift, lines[0].count, lines[0].room) == ("rose", 2, "r1")
    first, after = latest(wallet, before=None, size=3)
    rest, _ = latest(wallet, before=after, size=100)
    assert first + rest == lines
    assert [row[:5] for part in parts(wallet) for row in part] == [line.as_row()[:5] for line in reversed(lines)]


def test_the_houses_statement_ends_with_what_it_has(busy: Cast) -> None:
    house = Wallet.objects.get(app=busy.app, kind=Wallet.HOUSE)
    lines, _ = latest(house, before=None, size=100)
    assert [line.balance for line in lines] == [24, 36, 24, 18]
    assert report(busy).figures["house"] == 24


def test_a_statement_asks_the_database_a_bounded_number_of_times(
    busy: Cast, django_assert_max_num_queries: Any
) -> None:
    wallet = wallet_of(person_id=busy.mia.pk)
    assert wallet is not None
    with django_assert_max_num_queries(3):
        latest(wallet, before=None, size=100)
