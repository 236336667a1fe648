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
# Where a connection of Django's keeps our cursor.
_KEPT = "_liveroom_cursor"


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
        try:
            return orjson.dumps(value).decode()
        except TypeError:  # keys that are no text, numbers of more than 64 bits
            return json.dumps(value)
    return value


def _cursor() -> Any:
    """Django's own, but on PostgreSQL one that sends values beside the statement, so that it can be prepared
    (`prepare_threshold` in the settings says when). Errors are Django's, too. Its log of queries reads none but its own.

    One per connection, which stays open: to make it took as long as to use it. Read all of an answer before the next question."""
    here: Any = connections[DEFAULT_DB_ALIAS]
    if here.vendor != "postgresql" or here.queries_logged:
        return here.cursor()
    here.close_if_health_check_failed()
    here.ensure_connection()
    known: tuple[Any, Any] | None = here.__dict__.get(_KEPT)
    # Another connection after a loss, or out of the pool.
    if known is not None and known[0] is here.connection and not known[1].closed:
        return known[1]
    from django.db.backends.postgresql.base import ServerBindingCursor

    cursor = here.make_cursor(ServerBindingCursor(here.connection))  # type: ignore[call-arg]
    here.__dict__[_KEPT] = (here.connection, cursor)
    return cursor


def insert(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows of plain values, datetimes, and dicts or lists for JSON columns; some hundred at most. What the database refuses is Django's
    own error."""
    run(_statement(table, tuple(columns), len(rows), False), [value for row in rows for value in row])


def insert_one(table: str, **values: Any) -> int:
    """One row; its id."""
    return int(asked(_statement(table, tuple(values), 1, True), tuple(values.values()))[0][0])


def run(statement: str, values: Sequence[Any]) -> None:
    """A change whose outcome nobody asks for."""
    _sent(statement, values)


def asked(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a question. JSON comes as text, an instant as `instant` takes it."""
    found: list[tuple[Any, ...]] = _sent(statement, values).fetchall()
    return found


def _sent(statement: str, values: Sequence[Any]) -> Any:
    cursor = _cursor()
    cursor.execute(statement, [value if type(value) in _PLAIN else adapted(value) for value in values])
    return cursor


def instant(value: Instant) -> Instant:
    """From a row of a plain statement: SQLite's bear no zone, and are UTC."""
    return value if value is None or value.tzinfo is not None else cast(Instant, value.replace(tzinfo=UTC))
