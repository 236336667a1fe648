"""Statements without the ORM, for transactions that are counted in thousands a second: the same on SQLite and PostgreSQL.

To build one by the ORM costs as much as to send five. On PostgreSQL what comes again is prepared there: planning eight short statements
takes it longer than carrying them out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar, cast

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, connections

Instant = TypeVar("Instant", bound=datetime | None)
# What the driver takes as it is.
_PLAIN = frozenset({int, str, bool, type(None)})


@lru_cache(maxsize=256)
def _statement(table: str, columns: tuple[str, ...], rows: int, returning: bool) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    row = f"({', '.join(['%s'] * len(columns))})"
    tail = ' RETURNING "id"' if returning else ""
    return f'INSERT INTO "{table}" ({names}) VALUES {", ".join([row] * rows)}{tail}'  # noqa: S608 - names of ours only


def adapted(value: Any) -> Any:
    """As the database takes it from a plain statement."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, dict | list):
        try:
            return orjson.dumps(value).decode()
        except TypeError:  # keys that are no text, numbers of more than 64 bits
            return json.dumps(value)
    return value


def _cursor() -> Any:
    """Django's own, but on PostgreSQL one that sends values beside the statement, so that it can be prepared
    (`prepare_threshold` in the settings says when). Errors are Django's, too. Its log of queries reads none but its own."""
    here = connections[DEFAULT_DB_ALIAS]
    if here.vendor != "postgresql" or here.queries_logged:
        return here.cursor()
    from django.db.backends.postgresql.base import ServerBindingCursor

    here.close_if_health_check_failed()
    here.ensure_connection()
    raw: Any = ServerBindingCursor(here.connection)  # type: ignore[call-arg]
    return here.make_cursor(raw)


def insert(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows of plain values, datetimes, and dicts or lists for JSON columns; some hundred at most. What the database refuses is Django's
    own error."""
    run(_statement(table, tuple(columns), len(rows), False), [value for row in rows for value in row])


def insert_one(table: str, **values: Any) -> int:
    """One row; its id."""
    return int(asked(_statement(table, tuple(values), 1, True), tuple(values.values()))[0][0])


def run(statement: str, values: Sequence[Any]) -> None:
    """A change whose outcome nobody asks for."""
    with _cursor() as cursor:
        cursor.execute(statement, [adapted(value) for value in values])


def asked(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a question. JSON comes as text, an instant as `instant` takes it."""
    with _cursor() as cursor:
        cursor.execute(statement, [adapted(value) for value in values])
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def instant(value: Instant) -> Instant:
    """From a row of a plain statement: SQLite's bear no zone, and are UTC."""
    return value if value is None or value.tzinfo is not None else cast(Instant, value.replace(tzinfo=UTC))
