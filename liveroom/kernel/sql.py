"""Statements without the ORM, for transactions that are counted in thousands a second: the same on SQLite and PostgreSQL.

To build one by the ORM costs as much as to send five."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connection


@lru_cache(maxsize=256)
def _statement(table: str, columns: tuple[str, ...], rows: int, returning: bool) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    row = f"({', '.join(['%s'] * len(columns))})"
    tail = ' RETURNING "id"' if returning else ""
    return f'INSERT INTO "{table}" ({names}) VALUES {", ".join([row] * rows)}{tail}'  # noqa: S608 - names of ours only


def adapted(value: Any) -> Any:
    """As the database takes it from a plain statement."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value


def insert(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows of plain values, datetimes, and dicts or lists for JSON columns. What the database refuses is Django's own error."""
    with connection.cursor() as cursor:
        cursor.execute(
            _statement(table, tuple(columns), len(rows), False), [adapted(value) for row in rows for value in row]
        )


def insert_one(table: str, **values: Any) -> int:
    """One row; its id."""
    with connection.cursor() as cursor:
        cursor.execute(_statement(table, tuple(values), 1, True), [adapted(value) for value in values.values()])
        return int(cursor.fetchone()[0])


def asked(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a question. JSON comes as text, an instant as `instant` takes it."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [adapted(value) for value in values])
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def instant(value: datetime | None) -> datetime | None:
    """From a row of a plain statement: SQLite's bear no zone, and are UTC."""
    return value if value is None or value.tzinfo is not None else value.replace(tzinfo=UTC)
