"""What went into a wallet and out of it, with the balance after each: by pages, and whole for a file.

An entry has two wallets, and each wallet an index of what left it and one of what came: two short reads are merged instead of one
long one sorted."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection

from interactions.models import LedgerEntry, Wallet
from liveroom.accounts.models import Person

PART = 1_000
SHOWN = 50
HEADER = ("order", "kind", "when", "amount", "balance", "with", "room", "gift", "count", "reason")
# Of an entry, what a line is made of: rows of values, because a file may have a hundred thousand of them.
_READ = (
    "id", "debit_id", "amount", "at", "order__number", "order__kind", "order__reason", "order__provider",
    "order__refund_of__provider", "order__room__group_id", "order__sent__gift__code", "order__sent__count",
    "order__refund_of__sent__gift__code", "order__refund_of__sent__count", "debit__kind", "debit__person__identifier",
    "credit__kind", "credit__person__identifier",
)  # fmt: skip


class _Row(NamedTuple):
    """In the order of `_READ`."""

    id: int
    debit_id: int
    amount: int
    at: datetime
    number: str
    kind: str
    reason: str
    provider: str
    refunded_provider: str | None
    room: str | None
    gift: str | None
    pieces: int | None
    refunded_gift: str | None
    refunded_pieces: int | None
    debit_kind: str
    debit_person: str | None
    credit_kind: str
    credit_person: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """`amount` below zero: it left the wallet. `counterpart` in words; `gift` and `count` of a gift or of what was refunded."""

    id: int
    order: str
    kind: str
    at: datetime
    amount: int
    balance: int
    counterpart: str
    room: str | None
    gift: str | None
    count: int | None
    reason: str

    @property
    def shown_amount(self) -> str:
        return f"{self.amount:+,}"

    @property
    def shown_balance(self) -> str:
        return f"{self.balance:,}"

    def as_row(self) -> Sequence[Any]:
        return (
            self.order, self.kind, self.at, self.amount, self.balance, self.counterpart, self.room, self.gift, self.count,
            self.reason,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Holding:
    """What somebody has, and in what."""

    user: str
    balance: int
    currency: str


def holding_of(person: Person) -> Holding:
    """`person` with its app."""
    wallet = wallet_of(person_id=person.pk)
    return Holding(user=person.identifier, balance=balance_of(wallet) if wallet else 0, currency=person.app.currency)


def wallet_of(*, person_id: int) -> Wallet | None:
    """None: nothing has ever moved."""
    return Wallet.objects.filter(person=person_id).first()


def balance_of(wallet: Wallet) -> int:
    """Now. The app's own wallets keep no balance: theirs is summed."""
    return _balance_after(wallet, None)


def latest(wallet: Wallet, *, before: int | None, size: int) -> tuple[list[Line], int | None]:
    """A page, the latest first: entries with a smaller id than `before`. And where the next page goes on (None: nowhere)."""
    rows = list(
        islice(
            _merged(wallet, after=None, before=before, newest_first=True, since=None, until=None, most=size + 1),
            size + 1,
        )
    )
    page = rows[:size]
    if not page:
        return [], None
    balance = _balance_after(wallet, page[0].id)
    lines = []
    for row in page:
        lines.append(_line(row, wallet, balance))
        balance -= _signed(row, wallet)
    return lines, page[-1].id if len(rows) > size else None


def panel(wallet: Wallet | None, *, before: str | None) -> dict[str, Any]:
    """A page of the statement for `console/statement.html`; `before` as an address says it, and what is no number is left out."""
    place = int(before) if before and before.isascii() and before.isdigit() and len(before) <= 18 else None
    lines, older = latest(wallet, before=place, size=SHOWN) if wallet else ([], None)
    return {
        "lines": lines,
        "named": _named(wallet, lines),
        "older": older,
        "newest": place is None,
        "balance": balance_of(wallet) if wallet else 0,
        "currency": wallet.app.currency if wallet else "",
    }


def _named(wallet: Wallet | None, lines: Sequence[Line]) -> list[tuple[Line, Person | None]]:
    """Each line with the person at its other end, where it is one: the lines themselves have ids, as the file does."""
    if wallet is None:
        return []
    found = Person.objects.filter(app=wallet.app_id, identifier__in={line.counterpart for line in lines})
    people = {person.identifier: person for person in found}
    return [(line, people.get(line.counterpart)) for line in lines]


def parts(
    wallet: Wallet, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[list[Sequence[Any]]]:
    """The whole statement, oldest first, from `since` up to before `until`, in parts for a file."""
    last: int | None = None
    balance: int | None = None
    while True:
        found = _merged(wallet, after=last, before=None, newest_first=False, since=since, until=until, most=PART)
        rows = list(islice(found, PART))
        if not rows:
            return
        if balance is None:
            balance = _balance_after(wallet, rows[0].id) - _signed(rows[0], wallet)
        part = []
        for row in rows:
            balance += _signed(row, wallet)
            part.append(_line(row, wallet, balance).as_row())
        yield part
        last = rows[-1].id


def _merged(
    wallet: Wallet, *, after: int | None, before: int | None, newest_first: bool, since: datetime | None,
    until: datetime | None, most: int,
) -> Iterator[_Row]:  # fmt: skip
    halves = []
    for side in ("debit", "credit"):
        rows = LedgerEntry.objects.filter(**{side: wallet})
        if after is not None:
            rows = rows.filter(id__gt=after)
        if before is not None:
            rows = rows.filter(id__lt=before)
        if since is not None:
            rows = rows.filter(at__gte=since)
        if until is not None:
            rows = rows.filter(at__lt=until)
        found = rows.order_by("-id" if newest_first else "id").values_list(*_READ)[:most]
        halves.append([_Row(*row) for row in found])
    return heapq.merge(*halves, key=lambda row: row.id, reverse=newest_first)


_LATER = "SELECT COALESCE(SUM(amount), 0) FROM interactions_ledgerentry WHERE {side} = %s{bound}"


def _balance_after(wallet: Wallet, entry_id: int | None) -> int:
    """After that entry (None: the last), in one statement, so that a purchase in the same moment cannot come between.

    Of a person back from the balance that is kept: nearly always the page that is asked for is the latest."""
    with connection.cursor() as cursor:
        if wallet.kind == Wallet.PERSON:
            if entry_id is None:
                cursor.execute("SELECT balance FROM interactions_wallet WHERE id = %s", [wallet.pk])
            else:
                came, went = (_LATER.format(side=side, bound=" AND id > %s") for side in ("credit_id", "debit_id"))
                cursor.execute(
                    f"SELECT balance - ({came}) + ({went}) FROM interactions_wallet WHERE id = %s",  # noqa: S608
                    [wallet.pk, entry_id, wallet.pk, entry_id, wallet.pk],
                )
        else:
            bound = "" if entry_id is None else " AND id <= %s"
            came, went = (_LATER.format(side=side, bound=bound) for side in ("credit_id", "debit_id"))
            values = [wallet.pk] if entry_id is None else [wallet.pk, entry_id]
            cursor.execute(f"SELECT ({came}) - ({went})", [*values, *values])
        return int(cursor.fetchone()[0])


def _signed(row: _Row, wallet: Wallet) -> int:
    return -row.amount if row.debit_id == wallet.pk else row.amount


def _line(row: _Row, wallet: Wallet, balance: int) -> Line:
    went = row.debit_id == wallet.pk
    return Line(
        id=row.id,
        order=row.number,
        kind=row.kind,
        at=row.at,
        amount=_signed(row, wallet),
        balance=balance,
        counterpart=in_words(
            kind=row.credit_kind if went else row.debit_kind,
            person=row.credit_person if went else row.debit_person,
            provider=row.provider or row.refunded_provider,
        ),
        room=row.room,
        gift=row.gift or row.refunded_gift,
        count=row.pieces or row.refunded_pieces,
        reason=row.reason,
    )


def in_words(*, kind: str, person: str | None, provider: str | None) -> str:
    """Who is at the other end: a wallet of that kind, and whose; `provider`: who took the money, of a payment."""
    if kind == Wallet.PERSON:
        return person or ""
    if kind == Wallet.HOUSE:
        return "the house"
    return f"payment ({provider})" if provider else "payment"
