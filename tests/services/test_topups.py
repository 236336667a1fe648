"""Money that comes in: once, signed, and told (G7)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from interactions.gifts.services.providers import MOST_AT_ONCE, ProviderUnknown, SignatureRefused, TestProvider
from interactions.gifts.services.topups import take_payment, top_up
from interactions.models import LedgerEntry, Order, Wallet
from liveroom.accounts.services.people import PersonUnknown
from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter, Conflict, NotPermitted
from liveroom.kernel.models import AuditEntry
from tests.helpers.money import balance_of
from tests.helpers.people import STAFF, Cast, make_cast
from tests.helpers.published import told_people, user_events

SIGN = TestProvider().sign


def by_staff(cast: Cast, **said: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "person": cast.mia, "amount": 100, "provider": "staff", "reference": None, "key": "k1", "by": STAFF, "now": clock.now(),
    }  # fmt: skip
    return top_up(**{**asked, **said})


def test_a_top_up_is_an_order_an_entry_a_balance_and_a_word_to_the_person(cast: Cast) -> None:
    answer = by_staff(cast, reason="a present")
    order = Order.objects.get(number=answer["order"])
    assert (order.kind, order.amount, order.person, order.reason) == ("topup", 100, cast.mia, "a present")
    entry = LedgerEntry.objects.select_related("debit", "credit").get(order=order)
    assert (entry.debit.kind, entry.credit.person, entry.amount) == (Wallet.SOURCE, cast.mia, 100)
    assert answer["balance"] == balance_of(cast.mia) == 100
    [told] = user_events()
    assert [who for who, _ in told_people()] == ["mia"]
    assert {name: told[name] for name in ("type", "order", "kind", "amount", "balance")} == {
        "type": "wallet", "order": order.number, "kind": "topup", "amount": 100, "balance": 100,
    }  # fmt: skip
    assert AuditEntry.objects.get(action="wallet.top_up").detail["amount"] == 100


def test_the_same_key_pays_once_and_another_body_under_it_is_refused(cast: Cast) -> None:
    first = by_staff(cast)
    assert by_staff(cast) == first
    with pytest.raises(Conflict):
        by_staff(cast, amount=200)
    assert balance_of(cast.mia) == 100


def test_the_same_payment_is_credited_once_whatever_the_key(cast: Cast) -> None:
    first = by_staff(cast, reference="pay-1")
    assert by_staff(cast, reference="pay-1", key="k2") == first
    for other in ({"person": cast.zed}, {"amount": 1}):
        with pytest.raises(Conflict) as refused:
            by_staff(cast, reference="pay-1", key="k3", **other)
        assert refused.value.extra["order"] == first["order"]
    assert LedgerEntry.objects.count() == 1
    # Another provider may call its payments alike.
    by_staff(cast, reference="pay-1", provider="server", key="k4")
    assert balance_of(cast.mia) == 200


@pytest.mark.parametrize("amount", [0, -1, 1.5, True, "100", None, MOST_AT_ONCE + 1, 10**400, float("inf")])
def test_an_amount_that_is_none_is_refused_with_the_limit(cast: Cast, amount: object) -> None:
    with pytest.raises(BadParameter) as refused:
        by_staff(cast, amount=amount)
    assert (refused.value.extra["field"], refused.value.extra["limit"]) == ("amount", MOST_AT_ONCE)
    assert not Order.objects.exists()


def test_only_the_app_itself_fills_its_peoples_wallets(cast: Cast) -> None:
    for actor in (cast.actor(cast.mia), cast.actor(cast.rita)):
        with pytest.raises(NotPermitted):
            by_staff(cast, by=actor)


def paid(cast: Cast, *, now: datetime | None = None, signature: str | None = None, **said: Any) -> dict[str, Any]:
    """The test provider tells of a payment."""
    now = now or clock.now()
    body = json.dumps({"reference": "pay-1", "user": "mia", "amount": 100, **said}).encode()
    header = SIGN(body, secret=cast.app.topup_secret, now=now) if signature is None else signature
    return take_payment(
        app=cast.app,
        provider="test",
        headers={"topup-signature": header},
        body=body,
        now=clock.now(),
        address="192.0.2.1",
    )


@pytest.fixture
def shop(cast: Cast) -> Cast:
    cast.app.test_topups = True
    cast.app.save()
    return cast


def test_a_signed_payment_is_credited_once_however_often_it_is_told(shop: Cast) -> None:
    first = paid(shop)
    assert paid(shop) == first
    assert paid(shop, now=clock.now() - timedelta(seconds=200)) == first
    assert balance_of(shop.mia) == 100
    assert Order.objects.get().provider == "test"
    with pytest.raises(Conflict):
        paid(shop, amount=101)
    with pytest.raises(Conflict):
        paid(shop, user="zed")
    assert balance_of(shop.mia) == 100


def test_where_test_payments_are_off_nobody_hears_them(cast: Cast) -> None:
    with pytest.raises(ProviderUnknown):
        paid(cast)


@pytest.mark.parametrize("seconds", [301, -301, 86_400])
def test_an_old_signature_is_refused(shop: Cast, seconds: int) -> None:
    with pytest.raises(SignatureRefused) as refused:
        paid(shop, now=clock.now() - timedelta(seconds=seconds))
    assert refused.value.extra["limit"] == 300


def test_a_forged_signature_is_refused(shop: Cast) -> None:
    body = json.dumps({"reference": "pay-1", "user": "mia", "amount": 100}).encode()
    good = SIGN(body, secret=shop.app.topup_secret, now=clock.now())
    foreign = SIGN(body, secret="another", now=clock.now())
    at, mac = good.split(",v1=")
    for wrong in (
        "", "v1=", foreign, at, mac, good + " ", " " + good, good.upper(), good.replace("t=", "t=0"), f"{good},v1={mac}",
        f"{at},v1={mac[:-1]}", f"{at},v1={mac}0", f"t={int(at[2:]) + 1},v1={mac}", good + "\n", "t=١,v1=" + mac,
    ):  # fmt: skip
        with pytest.raises(SignatureRefused):
            paid(shop, signature=wrong)
    with pytest.raises(SignatureRefused):
        paid(shop, signature=good, amount=10**6)
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "said",
    [{"amount": 0}, {"amount": -5}, {"amount": 1.5}, {"amount": "1"}, {"reference": ""}, {"reference": "x" * 201}, {"reference": 7},
     {"reference": "a\nb"}, {"user": 7}, {"user": "m\x00ia"}],
)  # fmt: skip
def test_a_signed_payment_that_makes_no_sense_is_refused_by_its_field(shop: Cast, said: dict[str, Any]) -> None:
    with pytest.raises(BadParameter):
        paid(shop, **said)
    assert not Order.objects.exists()


def test_a_payment_for_nobody_is_refused(shop: Cast) -> None:
    for user in ("nobody", "rita"):
        with pytest.raises(PersonUnknown):
            paid(shop, user=user)


def test_the_same_payment_for_two_wallets_in_one_moment_is_one_persons(shop: Cast, monkeypatch: Any) -> None:
    """Neither has seen the other's order when it looks; the database decides."""
    from interactions.gifts.services import topups

    by_staff(shop, reference="pay-1")
    seen = topups._Asked.kept
    blind = iter([True])
    monkeypatch.setattr(topups._Asked, "kept", lambda self: None if next(blind, False) else seen(self))
    with pytest.raises(Conflict), transaction.atomic():
        by_staff(shop, person=shop.zed, reference="pay-1", key="k2")
    assert LedgerEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_payment_told_by_many_at_once_is_one_persons_once(transactional_db: None) -> None:
    cast = make_cast()

    def tell(number: int) -> str:
        person = cast.mia if number % 2 else cast.zed
        try:
            answer = by_staff(cast, person=person, reference="pay-1", key=f"k{number % 4}")
        except Conflict:
            return "conflict"
        finally:
            connection.close()
        return str(answer["user"])

    with ThreadPoolExecutor(8) as threads:
        heard = set(threads.map(tell, range(8)))
    [order] = Order.objects.all()
    assert heard == {"conflict", order.person.identifier}
    assert balance_of(order.person) == 100
