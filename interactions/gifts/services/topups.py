"""Money comes into a wallet: a payment that a provider told us of, or that the app's server or staff vouch for (G7).

Promise: a payment is credited once, whoever tells of it how often; the order, the entry, the balance and what the person hears
of it are there together or not at all."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from interactions.delivery import Person as Recipient
from interactions.delivery import ms, publish_durably
from interactions.gifts.events import WalletChanged
from interactions.gifts.services.ledger import Posting, locked_wallets, post, wallet_of_app
from interactions.gifts.services.providers import TopUpProvider, checked_amount, checked_reference, provider_of
from interactions.models import Order, Wallet
from liveroom.accounts.models import App, Person
from liveroom.accounts.services.people import person_of
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.data.sql import insert_one
from liveroom.kernel.errors import BadParameter, Conflict, NotPermitted
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids, text

# What JSON numbers hold exactly; nobody's wallet comes near.
FULL = 2**53 - 1
KEY_CHARACTERS = 200
SERVER, STAFF = "server", "staff"


class WalletFull(Conflict):
    """10056: more than a wallet can hold."""

    name = "wallet_full"


def top_up(
    *,
    person: Person,
    amount: int,
    provider: str,
    reference: str | None,
    key: str,
    by: Actor,
    now: datetime,
    reason: str = "",
    address: str = "",
) -> dict[str, Any]:
    """The answer is `{order, user, amount, balance}` of the first time. `person` with its app; `reference`: how the provider calls the
    payment, None: it has no name.

    BadParameter, Conflict (the key or the reference was used for another payment), WalletFull."""  # fmt: skip
    permission.ask("wallet.top_up", actor=by)
    if by.kind != permission.STAFF and by.app_id != person.app_id:
        raise NotPermitted("This user belongs to another app.", action="wallet.top_up")
    amount = checked_amount(amount)
    reference = None if reference is None else checked_reference(reference)
    reason = text.checked(reason, field="reason", limit_bytes=300)
    if not 1 <= len(key) <= KEY_CHARACTERS or not key.isprintable():
        raise BadParameter(
            f"Idempotency-Key is 1 to {KEY_CHARACTERS} printable characters, new for each payment and the same when it is retried.",
            field="Idempotency-Key", limit=KEY_CHARACTERS,
        )  # fmt: skip
    asked = _Asked(person=person, amount=amount, provider=provider, reference=reference, key=f"topup:{key}")
    try:
        with transaction.atomic():
            return _top_up(asked, by=by, now=now, reason=reason, address=address)
    except IntegrityError:
        # Somebody else was told of the same payment in the same moment, for another wallet: theirs is committed by now.
        kept = asked.kept()
        if kept is None:
            raise
        return kept


def take_payment(
    *, app: App, provider: str, headers: dict[str, str], body: bytes, now: datetime, address: str = ""
) -> dict[str, Any]:
    """What a provider's webhook says, once it is seen to be signed. ProviderUnknown, SignatureRefused, PersonUnknown, and what
    `top_up` refuses."""
    adapter: TopUpProvider = provider_of(app=app, name=provider)
    payment = adapter.read(headers, body, secret=app.topup_secret, now=now)
    person = person_of(app=app, identifier=text.storable(payment.user, field="user"))
    by = Actor(
        kind=permission.SERVER, app_id=app.pk, sdkappid=app.sdkappid, scopes=frozenset({"money"}),
        label=f"provider {adapter.name}",
    )  # fmt: skip
    return top_up(
        person=person, amount=payment.amount, provider=adapter.name, reference=payment.reference,
        key=f"{adapter.name}:{hashlib.sha256(payment.reference.encode()).hexdigest()}", by=by, now=now, address=address,
    )  # fmt: skip


class _Asked:
    """A payment, and the answer that was given to it before."""

    def __init__(self, *, person: Person, amount: int, provider: str, reference: str | None, key: str) -> None:
        self.person, self.amount, self.provider, self.reference, self.key = person, amount, provider, reference, key
        said = f"{provider}\n{reference or ''}\n{amount}"
        self.digest = hashlib.sha256(said.encode()).hexdigest()

    def kept(self) -> dict[str, Any] | None:
        by_key = Order.objects.filter(person=self.person, key=self.key).first()
        if by_key is not None:
            if by_key.body_sha256 != self.digest:
                raise Conflict("This Idempotency-Key was used for another payment; take a new key for a new one.")
            return dict(by_key.answer)
        if self.reference is None:
            return None
        named = Order.objects.filter(app=self.person.app_id, provider=self.provider, reference=self.reference).first()
        if named is None:
            return None
        if (named.person_id, named.amount) != (self.person.pk, self.amount):
            raise Conflict(
                f"The payment {self.reference!r} is known with another user or amount; nothing was credited.",
                order=named.number,
            )
        return dict(named.answer)


def _top_up(asked: _Asked, *, by: Actor, now: datetime, reason: str, address: str) -> dict[str, Any]:
    person = asked.person
    # Whoever retries while the first try is still under way waits here.
    wallet = locked_wallets(app_id=person.app_id, person_ids={person.pk})[person.pk]
    kept = asked.kept()
    if kept is not None:
        return kept
    balance = wallet.balance + asked.amount
    if balance > FULL:
        raise WalletFull(
            f"The wallet holds {wallet.balance:,}; with {asked.amount:,} more it would pass {FULL:,}.", limit=FULL
        )
    number = ids.number("o")
    answer = {"order": number, "user": person.identifier, "amount": asked.amount, "balance": balance}
    order_id = insert_one(
        "interactions_order", number=number, app_id=person.app_id, kind=Order.TOP_UP, person_id=person.pk,
        amount=asked.amount, key=asked.key, body_sha256=asked.digest, answer=answer, provider=asked.provider,
        reference=asked.reference or number, by=str(by)[:120], reason=reason, at=now,
    )  # fmt: skip
    source = wallet_of_app(app_id=person.app_id, kind=Wallet.SOURCE)
    posting = Posting(debit=source, credit=wallet.id, amount=asked.amount)
    post(order_id=order_id, postings=[posting], wallets=[wallet], now=now, currency=person.app.currency)
    audit.record(
        action="wallet.top_up", actor=by, now=now, target=person.identifier, reason=reason, address=address,
        detail={"order": number, "amount": asked.amount, "provider": asked.provider, "sdkappid": person.app.sdkappid},
    )  # fmt: skip
    publish_durably(
        WalletChanged(t=ms(now), order=number, balance=balance, kind=Order.TOP_UP, amount=asked.amount),
        to=Recipient(sdkappid=person.app.sdkappid, identifier=person.identifier),
        at=now,
    )
    return answer
