"""Whether the books add up: balances, orders, gifts, what rooms heard, rankings. Reads only, and all of it as of one moment.

Promise: a finding is drift, named by its order, wallet or message; what is on its way (told within the last minute, or waiting for the
relay, in the outbox or in the archive's stream) is counted as such and never reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import redis
from django.db import connection

from interactions.chat.services import archive
from interactions.gifts.services import verifying_sql as sql
from interactions.models import Wallet
from liveroom.accounts.models import App
from liveroom.kernel.data.redis import shared

SETTLES = timedelta(minutes=1)
# Of each kind of finding; that there are more is said.
MOST = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """`check`: which promise is broken; `subject`: of which wallet, order, message, ranking."""

    check: str
    subject: str
    said: str

    def __str__(self) -> str:
        return f"{self.check}: {self.subject}: {self.said}"


@dataclass(slots=True)
class Report:
    """`figures` in minor units and pieces; `under_way`: gifts and messages that nobody can judge yet."""

    at: datetime
    figures: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    under_way: int = 0

    @property
    def clean(self) -> bool:
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        return {
            "clean": self.clean,
            "at": self.at.isoformat(),
            "figures": self.figures,
            "under_way": self.under_way,
            "findings": [asdict(finding) for finding in self.findings],
        }


def verify(*, now: datetime, app: App | None = None) -> Report:
    """`app` None: all. Of what rooms heard, as far back as the archive of every app that is asked for reaches."""
    lag = _archive_lag()
    days = [app.archive_days] if app else list(App.objects.values_list("archive_days", flat=True))
    asked = _Asked(
        report=Report(at=now),
        app=app,
        values={
            "app": app.pk if app else None,
            "most": MOST + 1,
            "settled": _instant(now - SETTLES - lag),
            # A day less: forgetting goes on while we look.
            "since": _instant(now - timedelta(days=max(0, min(days, default=1) - 1), hours=12)),
        },
    )
    with _one_moment():
        for check in (_balances, _sums, _orders, _messages, _untold, _heard, _rankings, _figures):
            check(asked)
    return asked.report


def _archive_lag() -> timedelta:
    """What the archive has not written yet is no drift. Redis away: nothing lately can be judged."""
    try:
        return timedelta(seconds=archive.backlog(client=shared()).lag_seconds)
    except redis.RedisError:
        return timedelta(hours=1)


@contextmanager
def _one_moment() -> Iterator[None]:
    """Every statement sees the same rows, and nobody who writes has to wait for us."""
    if connection.in_atomic_block:
        yield
        return
    postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if postgresql else "BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _instant(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


@dataclass(slots=True)
class _Asked:
    report: Report
    app: App | None
    values: dict[str, Any]

    def rows(self, statement: str, *, app: str, **parts: str) -> list[Any]:
        """`app`: the column that says whose row it is."""
        text = statement.format(app=f"AND {app} = %(app)s" if self.app else "", **parts)
        with connection.cursor() as cursor:
            cursor.execute(text, self.values)
            return list(cursor.fetchall())

    def find(self, check: str, rows: list[Any], words: Callable[..., tuple[str, str]]) -> None:
        for row in rows[:MOST]:
            self.report.findings.append(Finding(check, *words(*row)))
        if len(rows) > MOST:
            self.report.findings.append(Finding(check, "others", f"there are more than these {MOST}"))


def _balances(asked: _Asked) -> None:
    rows = asked.rows(sql.BALANCES, app="w.app_id")
    owners = {
        wallet.pk: str(wallet.person)
        for wallet in Wallet.objects.filter(pk__in=[row[0] for row in rows]).select_related("person")
    }
    asked.find(
        "balance",
        rows,
        lambda pk, kept, derived: (f"wallet {pk} ({owners.get(pk)})", f"holds {kept}, its entries say {derived}"),
    )


def _sums(asked: _Asked) -> None:
    figures = asked.report.figures
    figures.update(wallets=0, held_by_people=0, house=0, paid_in=0)
    for app_id, wallets, people, house, source in asked.rows(sql.SUMS, app="w.app_id"):
        figures["wallets"] += wallets
        figures["held_by_people"] += int(people)
        figures["house"] += int(house)
        figures["paid_in"] -= int(source)
        if people + house + source:
            said = (
                f"people hold {people}, the house {house}, outside {source}: together {people + house + source}, not 0"
            )
            asked.report.findings.append(Finding("sum", f"app {app_id}", said))


def _orders(asked: _Asked) -> None:
    asked.find(
        "order", asked.rows(sql.ORDERS, app="o.app_id"),
        lambda number, kind, amount, moved: (
            f"order {number}", f"a {kind} of {amount}; its entries ({moved} in all), its gift or what it refunds say something else",
        ),
    )  # fmt: skip


def _messages(asked: _Asked) -> None:
    asked.find(
        "message", asked.rows(sql.MESSAGES, app="r.app_id"),
        lambda message, count, total, counted, summed: (
            f"message {message}", f"says {count} for {total}; its gifts are {counted} for {summed}, or somebody else's",
        ),
    )  # fmt: skip


def _untold(asked: _Asked) -> None:
    """A gift without a message waits for the relay, unless the relay has been there."""
    lost = asked.rows(sql.FELL_OUT, app="o.app_id")
    [(waiting,)] = asked.rows(sql.WAITING, app="r.app_id")
    asked.report.under_way += waiting - len(lost)
    asked.find("untold", lost, lambda number: (f"order {number}", "its gift is in no message, and its turn is over"))


def _heard(asked: _Asked) -> None:
    count = "CAST(body ->> 'count' AS BIGINT)" if connection.vendor == "postgresql" else "JSON_EXTRACT(body, '$.count')"
    asked.find(
        "heard", asked.rows(sql.HEARD, app="r.app_id", count=count),
        lambda message, said, times, heard: (
            f"message {message}", f"of {said}: the archive has it {times} times, of {heard} in all",
        ),
    )  # fmt: skip
    asked.find(
        "unpaid", asked.rows(sql.UNPAID, app="r.app_id"),
        lambda message, sender: (f"message {message}", f"a gift by {sender} that nobody paid"),
    )  # fmt: skip
    [(waiting,)] = asked.rows(sql.UNDER_WAY, app="r.app_id")
    asked.report.under_way += waiting


def _rankings(asked: _Asked) -> None:
    for scope, told in (("all", sql.TOLD_EVER), ("stream", sql.TOLD_IN_SHOWS)):
        asked.find(
            "ranking", asked.rows(sql.RANKINGS, app="r.app_id", scope=scope, told=told),
            lambda room, person, period, value, count, scope=scope: (
                f"{person} in {room} ({period or scope})", f"off by {-value} in {-count} gifts",
            ),
        )  # fmt: skip


def _figures(asked: _Asked) -> None:
    figures = asked.report.figures
    for kind, number, amount in asked.rows(sql.FIGURES, app="o.app_id"):
        figures[f"{kind}_orders"], figures[f"{kind}_amount"] = number, int(amount)
    [sent] = asked.rows(sql.SENT_FIGURES, app="r.app_id")
    figures["gifts"], figures["gifts_value"], figures["gifts_share"] = map(int, sent)
    [told] = asked.rows(sql.TOLD_FIGURES, app="r.app_id")
    figures["messages"], figures["messages_gifts"], figures["messages_value"] = map(int, told)
    [(heard,)] = asked.rows(sql.HEARD_FIGURES, app="r.app_id")
    figures["heard"] = heard
