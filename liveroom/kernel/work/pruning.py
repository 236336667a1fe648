"""Forgetting what is old, in small portions: what else writes gets in between, and no transaction grows with the table."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from liveroom.kernel.models import KeptAnswer, OutboxRow
from liveroom.kernel.work import due

KEPT_ANSWERS: Final = timedelta(days=2)
KEPT_LETTERS: Final = timedelta(days=7)
# One transaction each; SQLite has one writer at a time.
CHUNK: Final = 1_000
BREATH_SECONDS: Final = 0.02
# Of one turn of the job, well below the time for which its claim holds.
AT_MOST_SECONDS: Final = 20.0


@dataclass(slots=True)
class Budget:
    """What one turn may take."""

    seconds: float = AT_MOST_SECONDS
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds

    @property
    def is_spent(self) -> bool:
        return time.monotonic() > self._until


def forget(rows: QuerySet[Any], *, budget: Budget) -> tuple[int, bool]:
    """Delete them a portion at a time, in the order in which an index has them. Returns how many, and whether all are gone."""
    forgotten = 0
    while True:
        if budget.is_spent:
            return forgotten, False
        chunk = list(rows.values_list("pk", flat=True)[:CHUNK])
        if chunk:
            forgotten += rows.model._default_manager.filter(pk__in=chunk).delete()[0]
        if len(chunk) < CHUNK:
            return forgotten, True
        time.sleep(BREATH_SECONDS)


def forget_all(parts: Iterable[QuerySet[Any]]) -> object:
    """As the work of a due job: `due.MORE` if something is left."""
    budget = Budget()
    for rows in parts:
        _, through = forget(rows, budget=budget)
        if not through:
            return due.MORE
    return None


def prune(*, now: datetime) -> object:
    """Told outbox rows after a week, kept answers after two days."""
    return forget_all(
        (
            OutboxRow.objects.filter(done_at__lt=now - KEPT_LETTERS).order_by("done_at"),
            KeptAnswer.objects.filter(created_at__lt=now - KEPT_ANSWERS).order_by("created_at"),
        )
    )
