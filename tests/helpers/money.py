"""Gifts and full wallets for tests."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import transaction

from interactions.gifts.services.ledger import Posting, locked_wallets, post, wallet_of_app
from interactions.models import Gift, Order, Wallet
from interactions.speaker import Speaker
from liveroom.accounts.models import App, Person
from liveroom.accounts.selectors import profile
from liveroom.accounts.services.tokens import person_actor
from liveroom.kernel import clock, permission
from liveroom.kernel.values import ids


def make_gift(app: App, code: str = "rose", *, price: int = 10, **more: Any) -> Gift:
    return Gift.objects.create(app=app, code=code, price=price, **{"name": code.title(), **more})


def fill(person: Person, amount: int) -> None:
    """Into the wallet, as a payment would."""
    now = clock.now()
    with transaction.atomic():
        wallet = locked_wallets(app_id=person.app_id, person_ids={person.pk})[person.pk]
        order = Order.objects.create(
            number=ids.number("t"), app_id=person.app_id, kind=Order.TOP_UP, person=person, amount=amount,
            key=f"tests:{secrets.token_hex(8)}", body_sha256="", answer={}, provider="", by="tests", at=now,
        )  # fmt: skip
        source = wallet_of_app(app_id=person.app_id, kind=Wallet.SOURCE)
        posting = Posting(debit=source, credit=wallet.id, amount=amount)
        post(order_id=order.pk, postings=[posting], wallets=[wallet], now=now, currency="coins")


def balance_of(person: Person) -> int:
    return Wallet.objects.values_list("balance", flat=True).get(person=person)


def speaker(person: Person, role: str = permission.MEMBER) -> Speaker:
    return Speaker(actor=person_actor(person), profile=profile(person), role=role)
