"""Moving money: wallets locked in one order, entries written, balances changed, all in the caller's transaction.

Promise: what one wallet loses another gains; nobody's balance falls below zero; two transfers never wait for each other in a circle,
because both take their wallets by rising id. Statements are plain SQL: this is the busiest transaction of the house."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from interactions.models import Wallet
from liveroom.kernel.data.sql import asked, insert, run
from liveroom.kernel.errors import LiveRoomError


class InsufficientBalance(LiveRoomError):
    """60402: the wallet holds less than this costs. `balance`, `needed`."""

    code, name, status = 60402, "insufficient_balance", 402

    def __init__(self, *, balance: int, needed: int, currency: str = "coins") -> None:
        super().__init__(
            f"This costs {needed:,} {currency}; the wallet holds {balance:,}. Top it up first.",
            balance=balance,
            needed=needed,
        )


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount` (> 0) leaves the wallet `debit` and comes into `credit`; both are ids."""

    debit: int
    credit: int
    amount: int


@dataclass(frozen=True, slots=True)
class LockedWallet:
    """A person's wallet, locked until the transaction ends. `balance` as it is now."""

    id: int
    person_id: int
    balance: int


def wallet_of_app(*, app_id: int, kind: str) -> int:
    """The id of the app's own wallet, `Wallet.HOUSE` or `Wallet.SOURCE`; made at its first use."""
    found = Wallet.objects.filter(app_id=app_id, kind=kind, person__isnull=True).values_list("pk", flat=True).first()
    if found is None:
        Wallet.objects.bulk_create([Wallet(app_id=app_id, kind=kind)], ignore_conflicts=True)
        found = Wallet.objects.values_list("pk", flat=True).get(app_id=app_id, kind=kind, person__isnull=True)
    return int(found)


def locked_wallets(*, app_id: int, person_ids: Collection[int]) -> dict[int, LockedWallet]:
    """By person; whoever has no wallet yet gets an empty one. Call it inside a transaction."""
    found = _lock(person_ids)
    missing = set(person_ids) - set(found)
    if missing:
        Wallet.objects.bulk_create(
            [
                Wallet(app_id=app_id, kind=Wallet.PERSON, person_id=person_id, balance=0)
                for person_id in sorted(missing)
            ],
            ignore_conflicts=True,
        )
        # From the first on again: the order in which wallets are locked must not depend on which were there. Those that are held
        # already are older, and so have smaller ids, than those that are new.
        found = _lock(person_ids)
    return found


def _lock(person_ids: Collection[int]) -> dict[int, LockedWallet]:
    marks = ", ".join(["%s"] * len(person_ids))
    # SQLite has one writer at a time. On PostgreSQL a lock that lets foreign keys to the wallet through is enough.
    how = " FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    rows = asked(
        f"SELECT id, person_id, balance FROM interactions_wallet WHERE person_id IN ({marks}) ORDER BY id{how}",  # noqa: S608
        list(person_ids),
    )
    return {person: LockedWallet(id=pk, person_id=person, balance=balance) for pk, person, balance in rows}


def post(
    *, order_id: int, postings: Sequence[Posting], wallets: Collection[LockedWallet], now: datetime, currency: str
) -> dict[int, int]:
    """Write the entries and the balances of the (locked) wallets that they touch. Returns the new balances by person.

    InsufficientBalance: nothing of the transaction may stay."""
    changes = dict.fromkeys((wallet.id for wallet in wallets), 0)
    for posting in postings:
        if posting.debit in changes:
            changes[posting.debit] -= posting.amount
        if posting.credit in changes:
            changes[posting.credit] += posting.amount
    balances = {}
    for wallet in wallets:
        balances[wallet.person_id] = wallet.balance + changes[wallet.id]
        if balances[wallet.person_id] < 0:
            raise InsufficientBalance(balance=wallet.balance, needed=-changes[wallet.id], currency=currency)
    changed = [(pk, amount) for pk, amount in sorted(changes.items()) if amount]
    if changed:
        cases = " ".join(["WHEN %s THEN balance + %s"] * len(changed))
        marks = ", ".join(["%s"] * len(changed))
        values: list[Any] = [value for pair in changed for value in pair]
        run(
            f"UPDATE interactions_wallet SET balance = CASE id {cases} END WHERE id IN ({marks})",  # noqa: S608
            [*values, *(pk for pk, _ in changed)],
        )
    insert(
        "interactions_ledgerentry",
        ("order_id", "debit_id", "credit_id", "amount", "at"),
        [(order_id, posting.debit, posting.credit, posting.amount, now) for posting in postings],
    )
    return balances
