"""A rolling restart of a whole copy: pages answer, sockets come back, the picture does not stop."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from tests.helpers.stack import Stack

pytestmark = [pytest.mark.journey, pytest.mark.fault]

KEPT = ("gateway-1", "media-1", "relay-1", "nginx", "redis", "tasks-1")


def _rolled(stack: Stack, *, times: int) -> None:
    assert stack.process is not None
    stack.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 60
    while stack.text().count("The rolling restart is complete.") < times:
        assert time.monotonic() < end, stack.text()[-3000:]
        time.sleep(0.1)


def test_a_rolling_restart_refuses_no_request_and_keeps_the_rest(stack: Stack) -> None:
    before = stack.pids()
    done = stack.text().count("The rolling restart is complete.")
    statuses: set[object] = set()
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            statuses.add(stack.api("GET", "rooms/demo")[0])
            time.sleep(0.05)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        with stack.watching(as_="mia") as phone:
            _rolled(stack, times=done + 1)
            bye = phone.hears("bye")
            assert (bye["reason"], bye["reconnect"]) == ("restart", True)
        after = stack.pids()
        assert {"web-1-b", "socket-1-b"} <= set(after)
        assert not {"web-1", "socket-1"} & set(after)
        with stack.watching(as_="mia") as phone:
            assert phone.asks("comment", room="demo", text="on the new one")["ok"]
        # And back to the names that other tests know.
        _rolled(stack, times=done + 2)
    finally:
        enough.set()
        asking.join()
    assert statuses == {200}
    assert {name: stack.pids()[name] for name in KEPT} == {name: before[name] for name in KEPT}
    assert {"web-1", "socket-1"} <= set(stack.pids())
