"""Coins for the viewers of a demo, by the test provider: signed, read, credited as a payment would be."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.conf import settings

from interactions.gifts.services.providers import TestProvider
from interactions.gifts.services.topups import take_payment
from liveroom.accounts.models import App, Person
from liveroom.kernel.errors import BadParameter, NotFound
from liveroom.kernel.values import ids

MOST = 1_000


def check(app: App) -> None:
    """NotFound where nobody gives coins away."""
    if settings.LIVEROOM.production or not (app.demo and app.test_topups):
        raise NotFound("Nobody gives coins away here; top up where you got your account.")


def checked_amount(value: object) -> int:
    if type(value) is not int or not 1 <= value <= MOST:
        raise BadParameter(f"amount is a whole number from 1 to {MOST:,}.", field="amount", limit=MOST)
    return value


def fill(*, person: Person, amount: int, now: datetime, address: str = "") -> dict[str, Any]:
    """`person` with its app. The answer of the top-up. BadParameter, NotFound."""
    check(person.app)
    provider = TestProvider()
    said = {"reference": f"demo-{ids.event_id()}", "user": person.identifier, "amount": checked_amount(amount)}
    body = json.dumps(said).encode()
    signature = provider.sign(body, secret=person.app.topup_secret, now=now)
    return take_payment(
        app=person.app,
        provider=provider.name,
        headers={provider.header: signature},
        body=body,
        now=now,
        address=address,
    )
