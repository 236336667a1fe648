"""A web process' threads keep their database connections, and notice when the server has closed them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from liveroom.kernel.data.kept_connections import drop_closed_connections
from tests.helpers.stack import until

pytestmark = pytest.mark.django_db(transaction=True)


def in_a_thread(work: Callable[[], Any]) -> Any:
    """With a connection of its own, closed afterwards."""
    found: list[Any] = []

    def run() -> None:
        # As a web process has it: no pool.
        asked = connection.settings_dict
        connection.settings_dict = {
            **asked,
            "OPTIONS": {name: value for name, value in asked["OPTIONS"].items() if name != "pool"},
        }
        try:
            found.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()" if connection.vendor == "postgresql" else "SELECT 1")
        return int(cursor.fetchone()[0])


def test_a_connection_serves_one_request_after_the_other() -> None:
    def work() -> bool:
        backend()
        first = connection.connection
        drop_closed_connections()
        backend()
        return connection.connection is first

    assert in_a_thread(work)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server that could go")
def test_what_the_server_closed_is_dropped_before_it_is_asked() -> None:
    asked, ended = threading.Event(), threading.Event()
    pids: list[int] = []

    def work() -> None:
        pids.append(backend())
        asked.set()
        assert ended.wait(10)
        until(lambda: drop_closed_connections() or connection.connection is None, seconds=5, what="the end of it")
        pids.append(backend())

    thread = threading.Thread(target=lambda: in_a_thread(work))
    thread.start()
    assert asked.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pids[0]])
    ended.set()
    thread.join()
    assert len(set(pids)) == 2
