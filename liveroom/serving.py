"""Daphne, as the socket processes run it: one port shared by several processes, and a door that can be closed."""

from __future__ import annotations

import os
from typing import Any

# Importing it installs Twisted's asyncio reactor: before anything else that imports a reactor.
from daphne.server import Server

from liveroom.listening import BACKLOG, shared_socket


def shared_listener(*, address: str, port: int) -> str:
    """A listening socket that other processes may share, as an endpoint description for Twisted."""
    listener = shared_socket(address=address, port=port)
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
