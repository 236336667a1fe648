"""One viewer's connection as Autobahn speaks it: what a peer may cost before any command is looked at.

Promise: memory and time of one connection are bounded whatever comes in (size, fragments, pings, commands faster than they
are served); whoever breaks the protocol hears why in a close frame and is gone within `CLOSING_SECONDS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import liveroom.serving  # noqa: F401  # isort: skip - installs the reactor

from autobahn.websocket import protocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from autobahn.websocket.types import ConnectionDeny
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor as _reactor
from twisted.internet.protocol import connectionDone

from interactions.delivery import frames
from interactions.delivery.fanout import draining
from interactions.delivery.rooms import WAITING_PER_SENDER
from interactions.limits import TOO_MANY_CONNECTIONS, Refusal
from liveroom.kernel.work import process
from liveroom.sockets.compression import OurDeflate, fitting_offer

if TYPE_CHECKING:
    from liveroom.sockets.server import SocketServer

reactor: Any = _reactor

# Whether a page may call is our setting to say (interactions/socket/consumer.py); Autobahn refuses some spellings of an origin by itself.
protocol._url_to_origin = lambda url: "null"
# Autobahn formats all its options for every connection, for a debug log that nobody reads.
protocol.pformat = lambda *_: ""  # type: ignore[assignment, misc]

PATH = "/ws/v1"
SUBPROTOCOL = "liveroom.v1"
# Of a frame, and of a message in all its fragments: 8 KB of text in UTF-8 and everything around it.
MAX_FRAME_BYTES = 16 * 1024
MAX_FRAGMENTS = 64
CLOSING_SECONDS = 2
# Those who were refused together do not come back together.
SPREAD_MS = 2_000
# What one connection may have done in one go; then others get their turn, and it goes on after a pause.
STEPS_AT_ONCE = 64
PAUSE_SECONDS = 0.05
# Commands that were read and are not answered yet; above that nothing more is read, and TCP holds the peer back. More than the comments of
# one sender that may wait for a place in a room, so that those beyond are told at once.
MAX_WAITING = WAITING_PER_SENDER + 12
# A peer that does not read gets no more pongs.
MAX_UNREAD_BYTES = 64 * 1024


def who_calls(connection: Any, headers: Mapping[str, str]) -> dict[str, str]:
    """What `behind_proxy` takes."""
    return {
        "peer": str(connection.transport.getPeer().host),
        "forwarded": headers.get("x-forwarded-for", ""),
        "standard": headers.get("forwarded", ""),
    }


class SocketProtocol(WebSocketProtocol):  # type: ignore[misc]
    """One connection, from its handshake on."""

    server: SocketServer
    client_addr: list[Any] | None = None
    path = b""
    limits_source: str | None = None
    refusal: Refusal | None = None
    offer: PerMessageDeflateOffer | None = None
    viewer: draining.CommandSource | None = None
    _asked = False
    _deaf = False
    _resting = False
    _rests_until = 0.0
    _queued = 0
    _fragments = 0
    frame_data: list[bytes] | None = None

    # -- the handshake

    def processHandshake(self) -> None:
        # What comes while the first one is being answered is no second one.
        if not self._asked:
            super().processHandshake()

    def onConnect(self, request: Any) -> Any:
        """Refused by HTTP: what is no address of ours, comes too late, or does not listen to `bye`."""
        self._asked = True
        server: SocketServer = self.factory.server_class
        if request.path != PATH:
            raise ConnectionDeny(404, f"Sockets are at {PATH}.")
        if process.draining.is_set():
            raise ConnectionDeny(503, "This process ends; come again.")
        source = server.shared.limits.source(**who_calls(self, request.headers))
        refusal = server.shared.limits.connect(source=source)
        if refusal is not None and not refusal.politely:
            raise ConnectionDeny(429, f"Too many connections; wait {refusal.after_ms} ms.")
        if refusal is not None:
            # A page cannot see the status of a refused handshake, but it can read `bye`. No application is started for it.
            self.refusal = refusal
            return SUBPROTOCOL if SUBPROTOCOL in request.protocols else None
        self.limits_source = source
        if server.deflate:
            self.offer = fitting_offer(request.extensions)
        return super().onConnect(request)

    def perMessageCompressionAccept(self, offers: list[Any]) -> PerMessageDeflateOfferAccept | None:
        """Called by Autobahn. Nothing is allocated before a compressed message comes."""
        if self.offer is None:
            return None
        return OurDeflate(self.offer, request_no_context_takeover=True, no_context_takeover=True)

    def onOpen(self) -> None:
        if self.refusal is not None:
            self._say_bye(
                code=TOO_MANY_CONNECTIONS,
                reason="too_many_connections",
                message="Too many connections from your address.",
                after_ms=self.refusal.after_ms + self.factory.server_class.chance.randint(0, SPREAD_MS),
            )
            return
        self._forget_the_handshake()
        super().onOpen()
        if process.draining.is_set():
            draining.dismiss(self, chance=self.server.chance)

    def _forget_the_handshake(self) -> None:
        """4 KB for each connection, which nobody needs any more; the first is Twisted's whole HTTP request."""
        self.transport.unregisterProducer()
        self.http_request_data = b""
        self.http_headers = self.http_request_params = self.request.headers = {}
        self.websocket_extensions = self.clean_headers = self.offer = None

    # -- what comes in

    def dataReceived(self, data: bytes) -> None:
        if self._deaf:
            return
        if self.state == self.STATE_CONNECTING and len(self.data) + len(data) > MAX_FRAME_BYTES:
            self.dropConnection(abort=True)
            return
        super().dataReceived(data)

    def consumeData(self) -> None:
        """As Autobahn's, but in slices, and no faster than commands are served."""
        if self._resting:
            return
        if self.state not in (self.STATE_OPEN, self.STATE_CLOSING):
            super().consumeData()
            return
        for _ in range(STEPS_AT_ONCE):
            if not self.processData() or self.state == self.STATE_CLOSED:
                if self._is_served():
                    return
                break
            if not self._is_served():
                break
        if self._resting:  # a command of this very round asked for it, and set the clock
            return
        self._resting = True
        self.transport.pauseProducing()
        reactor.callLater(PAUSE_SECONDS, self._go_on)

    def _is_served(self) -> bool:
        """Commands that were read and not begun, and those that were begun and are not answered, count alike."""
        queue = getattr(self, "application_queue", None)
        under_way = 0 if self.viewer is None else self.viewer.under_way
        return reactor.seconds() >= self._rests_until and (queue is None or queue.qsize() + under_way < MAX_WAITING)

    def rest(self, ms: int) -> None:
        """Called by the consumer: whoever asks too much is not read from for so long, and TCP holds it back."""
        self._rests_until = max(self._rests_until, reactor.seconds() + ms / 1000)
        if not self._resting and self.state == self.STATE_OPEN:
            self._resting = True
            self.transport.pauseProducing()
            reactor.callLater(ms / 1000, self._go_on)

    def _go_on(self) -> None:
        if self.state == self.STATE_CLOSED:
            return
        if not self._is_served():
            reactor.callLater(PAUSE_SECONDS, self._go_on)
            return
        self._resting = False
        self.consumeData()
        if not self._resting:
            self.transport.resumeProducing()

    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)
        self._fragments = 0

    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        self._fragments += 1
        if self._fragments > MAX_FRAGMENTS and not self.failedByMe:
            self._fail_connection(1008, f"a message in more than {MAX_FRAGMENTS} fragments")

    def onMessageFrameData(self, payload: bytes) -> None:
        super().onMessageFrameData(payload)
        # A peer that sends byte by byte would cost fifty times what it sends.
        if self.frame_data is not None and len(self.frame_data) > MAX_FRAGMENTS:
            self.frame_data = [b"".join(self.frame_data)]

    def onMessageEnd(self) -> None:
        super().onMessageEnd()
        if self._perMessageCompress is not None:
            self._perMessageCompress._decompressor = None

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self.refusal is not None:
            return
        # In order: what was read before is served before.
        if self.viewer is not None and self.viewer.served == self._queued and self.viewer.refuses(payload):
            return
        self._queued += 1
        super().onMessage(payload, isBinary)

    def onPing(self, payload: bytes) -> None:
        if len(self.transport.dataBuffer) + self.transport._tempDataLen <= MAX_UNREAD_BYTES:
            super().onPing(payload)

    # -- the end

    def _fail_connection(self, code: int = 1001, reason: str = "") -> None:
        """The close frame with the reason, our half of the connection closed; what still comes is thrown away unread.

        Aborting at once would throw the close frame away as well, where the peer is still sending."""
        if self.state != self.STATE_OPEN:
            self.dropConnection(abort=True)
            return
        self.failedByMe = True
        if self.viewer is not None:
            self.viewer.silence()
        self.sendCloseFrame(code=code, reasonUtf8=reason.encode("ascii", "replace")[:123], isReply=False)
        self._deaf, self.data = True, b""
        self.transport.resumeProducing()
        self.transport.loseWriteConnection()

    def _protocol_violation(self, reason: str) -> bool:
        self._fail_connection(self.CLOSE_STATUS_CODE_PROTOCOL_ERROR, reason)
        return True

    def _invalid_payload(self, reason: str) -> bool:
        self._fail_connection(self.CLOSE_STATUS_CODE_INVALID_PAYLOAD, reason)
        return True

    def _closeConnection(self, abort: bool = False) -> None:
        # Twisted forgets at once what it still had to write, perhaps the rest of a frame: nothing may come after it.
        if abort and self.viewer is not None:
            self.viewer.lost()
        super()._closeConnection(abort)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        # Its file descriptor is closed, and the next connection's may have the same number.
        if self.viewer is not None:
            self.viewer.lost()
        super().connectionLost(reason)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        if self.limits_source is not None:
            self.factory.server_class.shared.limits.disconnect(source=self.limits_source)
            self.limits_source = None
        if self in self.factory.server_class.connections:
            super().onClose(wasClean, code, reason)

    def dismiss(self, *, code: int, reason: str, message: str, after_ms: int = 1000) -> None:
        """Through the consumer's own socket, where it has one: nothing is written after the close frame."""
        if self.viewer is not None:
            self.viewer.dismiss(code=code, reason=reason, message=message, after_ms=after_ms)
        elif self.state == self.STATE_OPEN:
            self._say_bye(code=code, reason=reason, message=message, after_ms=after_ms)

    def _say_bye(self, *, code: int, reason: str, message: str, after_ms: int) -> None:
        words = frames.bye(reason=reason, reconnect=True, after_ms=after_ms, message=message)
        self.transport.write(frames.text_frame(words))
        self.sendClose(code=code)

    def owned_by(self, viewer: draining.CommandSource) -> None:
        """Called by the consumer: who says `bye` on this connection."""
        self.viewer = viewer
