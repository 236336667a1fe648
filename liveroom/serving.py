"""Daphne, as our processes run it: one port shared by several processes, sockets with their transport at hand."""

from __future__ import annotations

import os
import socket
from typing import Any

# Importing it installs Twisted's asyncio reactor: before anything else that imports a reactor.
from daphne.server import Server

# 50, Daphne's own, left 441 of 2,000 simultaneous connections unopened; with 4,096 all were open in 2.3 s.
BACKLOG = 4096
# A comment of 8 KB written in \u escapes takes 48 KB.
MAX_FRAME_BYTES = 64 * 1024


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


def web_server(*, application: Any, address: str, port: int) -> Server:
    return Server(
        application,
        endpoints=[shared_listener(address=address, port=port)],
        http_timeout=60,
        application_close_timeout=2,
        verbosity=0,
        server_name="liveroom",
    )


class SocketServer(Server):
    """Gives each socket's consumer the process's hub and the connection's own transport: frames go straight to it."""

    hub: Any = None

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            scope["extensions"] = {"liveroom.socket": {"transport": protocol.transport, "hub": self.hub}}
        return super().create_application(protocol, scope)


def socket_server(*, application: Any, address: str, port: int) -> SocketServer:
    return SocketServer(
        application,
        endpoints=[shared_listener(address=address, port=port)],
        websocket_max_frame_size=MAX_FRAME_BYTES,
        websocket_max_message_size=MAX_FRAME_BYTES,
        websocket_handshake_timeout=30,
        application_close_timeout=2,
        verbosity=0,
        server_name="liveroom",
    )
