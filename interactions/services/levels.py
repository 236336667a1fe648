"""What people have done, summed up: what levels and badges are taken from (O3).

Promise: every comment, minute, like and gift counts once, whoever dies. State: the rows of `Score`, and per counting job a row that says
how far it has come, written in one transaction with what it counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from django.db import connection

MEASURES = ("minutes", "messages", "likes", "gift_value")
# Parameters of one statement: SQLite takes 32,766.
ROWS = 500


@lru_cache(maxsize=64)
def _upsert(measure: str, rows: int) -> str:
    values = ", ".join(["(%s, " + ", ".join("%s" if name == measure else "0" for name in MEASURES) + ", 0, %s)"] * rows)
    names = ", ".join(f'"{name}"' for name in MEASURES)
    return (
        f'INSERT INTO "interactions_score" ("person_id", {names}, "points", "changed_at") VALUES {values} '  # noqa: S608
        f'ON CONFLICT ("person_id") DO UPDATE SET "{measure}" = "interactions_score"."{measure}" + excluded."{measure}", '
        '"changed_at" = excluded."changed_at"'
    )


def add(*, measure: str, values: Mapping[int, int], now: datetime) -> None:
    """Add to one measure of many people, by person id, in the caller's transaction. The people exist: IntegrityError.

    Rows are taken in the order of the people, so that two that add at once wait for each other and never lock up."""
    if measure not in MEASURES:
        raise ValueError(f"{measure!r} is no measure")
    at = connection.ops.adapt_datetimefield_value(now)
    wanted = sorted((person_id, value) for person_id, value in values.items() if value)
    with connection.cursor() as cursor:
        for start in range(0, len(wanted), ROWS):
            part = wanted[start : start + ROWS]
            given = [one for person_id, value in part for one in (person_id, value, at)]
            cursor.execute(_upsert(measure, len(part)), given)


def add_gift_values(values: Mapping[int, int], now: datetime) -> None:
    """What people gave, in minor units, by person id: called where gifts are grouped, in that transaction. Refunds are negative."""
    add(measure="gift_value", values=values, now=now)
