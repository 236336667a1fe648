"""How the tables are emptied after a test that commits: only those in which something is, and what `migrate` itself puts there stays.

Django empties all of them and then makes content types and permissions anew: ten times the work, and a good part of a short test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management.commands import flush
from django.db import connection

# They refer to nothing but each other.
KEPT = ("django_content_type", "auth_permission")


@contextmanager
def emptied_quickly() -> Iterator[None]:
    operations = type(connection.ops)
    plain = operations.sql_flush

    def in_which_something_is(self: Any, style: Any, tables: Iterable[str], **options: Any) -> list[str]:
        names = [name for name in tables if name not in KEPT]
        with self.connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names))
            filled = [name for (name,) in cursor.fetchall()]
        if self.connection.vendor == "postgresql":
            # No trigger fires: the ledger's would refuse it, and what is referred to goes, too.
            return ["SET LOCAL session_replication_role = replica", *(f"DELETE FROM {name}" for name in filled)]
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = [(name, sql) for name, table, sql in cursor.fetchall() if table in filled]
        return [
            *(f"DROP TRIGGER {name}" for name, _ in triggers),
            *plain(self, style, filled, **options),
            *(sql for _, sql in triggers),
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "sql_flush", in_which_something_is)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_: None)
        yield
