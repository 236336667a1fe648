"""Daphne for viewers' sockets: what each connection gets of the process, and how everybody leaves."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from typing import Any

from liveroom.serving import DoorServer, shared_listener  # isort: skip - installs the reactor

from daphne.http_protocol import WebRequest
from twisted.internet import reactor as _reactor

from interactions.delivery.fanout import draining
from interactions.socket.listening.server_sent import Listener
from interactions.socket.session import Shared
from liveroom.kernel.web.http import behind_proxy, source_of
from liveroom.kernel.work import process
from liveroom.sockets.protocol import CLOSING_SECONDS, MAX_FRAME_BYTES, SocketProtocol, who_calls

log = logging.getLogger(__name__)
reactor: Any = _reactor

# Until a connection has become a socket.
HTTP_SECONDS = 10
# From the last `bye` until the process does not wait any longer for close frames to be answered.
FAREWELL_SECONDS, SHORT_FAREWELL_SECONDS = 3.0, 0.8
DRAINED_WITHIN_SECONDS, STOPPED_WITHIN_SECONDS = 19.5, 1.9


class _SocketRequest(WebRequest):  # type: ignore[misc]
    """Nothing here takes a body; Twisted would write one of any size to disk."""

    def gotLength(self, length: int | None) -> None:
        if length != 0:
            self.channel.transport.write(
                b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            )
            self.channel.loseConnection()
            length = 0
        super().gotLength(length)


class SocketServer(DoorServer):
    """Gives each socket's consumer what it needs of the process, in `scope["extensions"]["liveroom.socket"]`:

    `transport` (frames go straight to it), `shared` (what all sockets have together), this connection's `source` and its viewer's
    `address`, `deflated` (compressed frames are understood), `rest(ms)`, and `owns(socket)`, to be called once with the object that says
    `bye` here."""

    connections: dict[Any, dict[str, Any]]

    def __init__(
        self, *, application: Any, address: str, port: int, shared: Shared, deflate: bool, drain_seconds: float
    ):
        super().__init__(
            application,
            endpoints=[shared_listener(address=address, port=port)],
            websocket_max_frame_size=MAX_FRAME_BYTES,
            websocket_max_message_size=MAX_FRAME_BYTES,
            websocket_handshake_timeout=30,
            websocket_timeout=-1,
            application_close_timeout=2,
            ready_callable=self._before_the_first,
        )
        self.shared, self.deflate, self._drain_seconds = shared, deflate, drain_seconds
        self._ending: asyncio.Task[None] | None = None
        self.chance = random.Random()  # noqa: S311

    def _before_the_first(self) -> None:
        self.ws_factory.protocol = SocketProtocol
        self.ws_factory.setProtocolOptions(
            closeHandshakeTimeout=CLOSING_SECONDS, failByDrop=False, allowNullOrigin=True
        )
        # Of the class: else Autobahn writes its 25 options into every connection, which doubles the size of its dictionary.
        for name in SocketProtocol.CONFIG_ATTRS:
            if not hasattr(SocketProtocol, name):
                setattr(SocketProtocol, name, getattr(self.ws_factory, name))
        self.http_factory.timeOut = HTTP_SECONDS
        build = self.http_factory.buildProtocol

        def with_our_request(address: Any) -> Any:
            channel = build(address)
            channel.requestFactory = _SocketRequest
            return channel

        self.http_factory.buildProtocol = with_our_request
        reactor.callWhenRunning(self._runs)

    def _runs(self) -> None:
        loop = asyncio.get_event_loop()
        loop.add_signal_handler(signal.SIGTERM, self.drain)
        loop.add_signal_handler(signal.SIGINT, self.stop_now)
        process.now_serves()

    def create_application(self, connection: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "http":
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            caller = behind_proxy(**who_calls(connection.channel, headers))
            scope["extensions"] = {
                "liveroom.socket": {
                    "shared": self.shared,
                    "transport": connection.channel.transport,
                    "source": source_of(caller),
                    "address": caller.address,
                }
            }
        elif scope["type"] == "websocket":
            caller = behind_proxy(**who_calls(connection, connection.request.headers))
            scope["extensions"] = {
                "liveroom.socket": {
                    "transport": connection.transport,
                    "shared": self.shared,
                    "source": connection.limits_source,
                    "address": caller.address,
                    "deflated": connection.offer is not None,
                    "owns": connection.owned_by,
                    "rest": connection.rest,
                }
            }
        return super().create_application(connection, scope)

    def viewers(self) -> list[draining.Dismissable]:
        """Every connection that is a socket, in a room or not, and whoever only listens."""
        sockets: list[draining.Dismissable] = [
            found
            for found, details in self.connections.items()
            if isinstance(found, SocketProtocol) and found.state == found.STATE_OPEN and "disconnected" not in details
        ]
        return sockets + [
            viewer for viewer in self.shared.hub.sockets() if isinstance(viewer, Listener) and not viewer.dismissed
        ]

    def _open(self) -> bool:
        return any("disconnected" not in details for details in self.connections.values())

    # -- the end

    def drain(self) -> None:
        """SIGTERM: send viewers elsewhere, in peace. A second one: `stop_now`."""
        if self._ending is not None:
            self.stop_now()
            return
        process.ends_within(DRAINED_WITHIN_SECONDS)
        self._ending = asyncio.ensure_future(self._leave(self._drain_seconds, FAREWELL_SECONDS))

    def stop_now(self) -> None:
        """SIGINT: `bye` to all at once."""
        if self._ending is not None:
            self._ending.cancel()
        process.ends_within(STOPPED_WITHIN_SECONDS)
        self._ending = asyncio.ensure_future(self._leave(0, SHORT_FAREWELL_SECONDS))

    async def _leave(self, seconds: float, farewell_seconds: float) -> None:
        process.draining.set()
        self.stop_listening()
        await draining.drain(sockets=self.viewers, seconds=seconds, chance=self.chance)
        end = asyncio.get_running_loop().time() + farewell_seconds
        while self._open() and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - peers decide
            await asyncio.sleep(0.02)
        # Consumers leave their rooms; the hub says our last numbers.
        await asyncio.sleep(0.02)
        await draining.within(1.0, self.shared.hub.stop())
        self.stop()

    def kill_all_applications(self) -> Any:
        # A connection whose application was never made has none.
        self.connections = {
            found: details for found, details in self.connections.items() if "application_instance" in details
        }
        return super().kill_all_applications()
