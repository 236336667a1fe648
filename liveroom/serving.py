"""Daphne, as our processes run it: one port shared by several processes, and an end that lets requests finish."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import Any

# Importing it installs Twisted's asyncio reactor: before anything else that imports a reactor.
from daphne.server import Server

from liveroom.kernel import process

# 50, Daphne's own, left 441 of 2,000 simultaneous connections unopened; with 4,096 all were open in 2.3 s.
BACKLOG = 4096
# What was accepted just before the end has so long to say what it wants.
SETTLING_SECONDS = 0.3
# SIGTERM waits so long for running requests, SIGINT only that long.
FINISH_SECONDS, HURRY_SECONDS = 18.0, 2.0
GRACE_SECONDS = 1.5


def shared_listener(*, address: str, port: int) -> str:
    """A listening socket that other processes may share (SO_REUSEPORT), as an endpoint description for Twisted.

    Where several processes listen, the kernel spreads connections; a process that dies takes only its own along."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((address, port))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    handle = os.dup(listener.fileno())
    listener.close()
    return f"fd:fileno={handle}"


class DoorServer(Server):  # type: ignore[misc]
    """Daphne with a door that can be closed."""

    def __init__(self, application: Any, **options: Any) -> None:
        super().__init__(application, signal_handlers=False, verbosity=0, server_name="liveroom", **options)
        self._doors: list[Any] = []

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self._doors.append(port)

    def stop_listening(self) -> None:
        """New connections go to the other processes on this port. Those that wait in our queue are taken first: closing
        would reset them."""
        while self._doors:
            port = self._doors.pop()
            for _ in range(BACKLOG // 100):
                port.doRead()
            port.stopListening()


class WebServer(DoorServer):
    """SIGTERM: `/readyz` says 503, nobody new is let in, running requests finish, the process ends."""

    _ending: asyncio.Task[None] | None = None

    def runs(self) -> None:
        loop = asyncio.get_event_loop()
        loop.add_signal_handler(signal.SIGTERM, self.end, FINISH_SECONDS)
        loop.add_signal_handler(signal.SIGINT, self.end, HURRY_SECONDS)
        process.now_serves()

    def end(self, seconds: float) -> None:
        process.draining.set()
        process.ends_within(seconds + GRACE_SECONDS)
        if self._ending is None:
            self.stop_listening()
        else:
            self._ending.cancel()
            seconds = HURRY_SECONDS
        self._ending = asyncio.ensure_future(self._finish(seconds))

    async def _finish(self, seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        await asyncio.sleep(min(seconds, SETTLING_SECONDS))
        while self._is_busy() and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - Daphne tells nobody
            await asyncio.sleep(0.02)
        self.stop()

    def _is_busy(self) -> bool:
        return any(
            "disconnected" not in details and not details["application_instance"].done()
            for details in self.connections.values()
            if "application_instance" in details
        )


def web_server(*, application: Any, address: str, port: int) -> WebServer:
    from twisted.internet import reactor

    server = WebServer(
        application,
        endpoints=[shared_listener(address=address, port=port)],
        http_timeout=60,
        application_close_timeout=2,
    )
    call_when_running: Any = reactor.callWhenRunning  # type: ignore[attr-defined]
    call_when_running(server.runs)
    return server
