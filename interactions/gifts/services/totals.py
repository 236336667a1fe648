"""The sums behind the rankings: what each user gave in a room, in a show, a day, a week, ever (G6).

Promise: a gift is counted in the transaction that put it into a message, and uncounted in the one that refunds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from interactions.models import GiftTotal
from liveroom.kernel.data.sql import run

# Rows of one statement.
CHUNK = 400


@dataclass(frozen=True, slots=True)
class Counted:
    """A gift as the rankings count it; below zero to take it out again. `session`: the show's sequence, empty outside of one."""

    room_id: int
    person_id: int
    at: datetime
    session: str
    value: int
    count: int


def periods_of(*, at: datetime, session: str) -> list[tuple[str, str]]:
    """Scope and period of every ranking that a gift of that instant counts in. Days and weeks are UTC."""
    at = at.astimezone(UTC)
    year, week, _ = at.isocalendar()
    found = [
        (GiftTotal.ALL, ""),
        (GiftTotal.DAY, at.date().isoformat()),
        (GiftTotal.WEEK, f"{year}-W{week:02}"),
    ]
    return [*found, (GiftTotal.STREAM, session)] if session else found


def add_to_totals(gifts: Sequence[Counted]) -> None:
    """In the caller's transaction. Rows are taken in one order, so that two who count never wait for each other in a circle."""
    sums: dict[tuple[int, str, str, int], list[int]] = {}
    for gift in gifts:
        for scope, period in periods_of(at=gift.at, session=gift.session):
            here = sums.setdefault((gift.room_id, scope, period, gift.person_id), [0, 0])
            here[0] += gift.value
            here[1] += gift.count
    rows = sorted(sums.items())
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        marks = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(part))
        given: list[Any] = [value for key, both in part for value in (*key, *both)]
        run(
            "INSERT INTO interactions_gifttotal (room_id, scope, period, person_id, value, count) "  # noqa: S608
            f"VALUES {marks} ON CONFLICT (room_id, scope, period, person_id) DO UPDATE SET "
            "value = interactions_gifttotal.value + excluded.value, count = interactions_gifttotal.count + excluded.count",
            given,
        )
