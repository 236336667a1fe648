"""Database connections that a thread keeps from request to request.

Everywhere else a connection is closed, or goes back to the pool, after each piece of work: under asyncio nobody can say which thread
comes next, and kept connections to a server leak. A web process has a fixed number of threads that never end. Opening SQLite anew cost
1.5 ms of a request's 3.7, a pool on PostgreSQL 0.3 ms.

A database that was restarted costs nobody a failed request: whatever it closed is dropped before the next request asks. Django's own
check (`CONN_HEALTH_CHECKS`) asks the server, which took a tenth of what buying a gift takes; the kernel knows as well."""

from __future__ import annotations

import select
from typing import Any

from django.core.signals import request_started
from django.db import connections

# So long at most: whoever drains or moves a database server need not wait for us for ever.
KEPT_SECONDS = 600


def keep_connections() -> None:
    """Called once, before the first connection of this process is made."""
    for alias in connections:
        configured = connections.settings[alias]
        configured["CONN_MAX_AGE"] = KEPT_SECONDS
        # Django has either a pool or kept connections.
        configured["OPTIONS"].pop("pool", None)
    request_started.connect(drop_closed_connections)


def keep_sqlite_connections() -> None:
    """The same for a process under asyncio, as far as it costs nothing that could run out: an SQLite connection is a file of a thread,
    and the executors there have few threads, which never end. On PostgreSQL the pool stays, which all of them share. Opening SQLite
    anew for each round of queries was a tenth of what a join takes."""
    for alias in connections:
        configured = connections.settings[alias]
        if configured["ENGINE"].endswith(".sqlite3"):
            configured["CONN_MAX_AGE"] = KEPT_SECONDS


def drop_closed_connections(**_: Any) -> None:
    """Connections of this thread whose server has gone: the next query opens another one."""
    for known in connections.all(initialized_only=True):
        if known.vendor == "postgresql" and known.connection is not None and _is_closed(known.connection):
            known.close()


def _is_closed(line: Any) -> bool:
    """Between two requests a server says nothing: what can be read then is its goodbye, or the end."""
    if line.closed:
        return True
    waiting = select.poll()
    waiting.register(line.fileno(), select.POLLIN | select.POLLRDHUP)
    return bool(waiting.poll(0))
