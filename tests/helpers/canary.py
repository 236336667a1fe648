"""What the socket process takes for granted of Twisted, Autobahn and Daphne beyond what they promise, checked on a real connection.

`listen(path)` runs inside a socket process: the first message of each connection is answered by a line of JSON in that file, with a
sentence for each thing that is gone or means something else. The versions are pinned in deploy/requirements/run.in for these."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

OURS = "liveroom/sockets/protocol.py"
QUEUE = "interactions/delivery/fanout/send_queue.py"

# Where it is looked for, its type, who needs it and for what.
ATTRIBUTES: tuple[tuple[str, type, str], ...] = (
    ("transport.dataBuffer", bytes, f"{QUEUE}: empty if Twisted has nothing to write"),
    ("transport._tempDataBuffer", list, f"{QUEUE}: empty if Twisted was given nothing since"),
    ("transport._tempDataLen", int, f"{OURS}: bytes that a peer did not read"),
    ("transport.TLS", bool, f"{QUEUE}: whether the socket's bytes are ours to write"),
    ("transport.socket", object, f"{QUEUE}: the kernel's socket"),
    ("transport.reactor", object, "interactions/delivery/fanout/send_many.py: who waits for its socket"),
    ("state", int, f"{OURS}: where the connection stands"),
    ("STATE_CONNECTING", int, f"{OURS}: before the handshake"),
    ("STATE_OPEN", int, f"{OURS}: a socket"),
    ("STATE_CLOSING", int, f"{OURS}: a close frame was sent"),
    ("STATE_CLOSED", int, f"{OURS}: gone"),
    ("data", bytes, f"{OURS}: what was received and not looked at"),
    ("failedByMe", bool, f"{OURS}: set, so that nothing more is read"),
    ("application_queue", object, f"{OURS}: commands that were read and not begun"),
    ("factory.server_class", object, f"{OURS}: our SocketServer"),
    ("factory.server_class.connections", dict, "liveroom/sockets/server.py: every connection"),
    ("CONFIG_ATTRS", list, "liveroom/sockets/server.py: options that are kept by the class"),
    ("http_request_data", bytes, f"{OURS}: forgotten after the handshake"),
    ("http_headers", dict, f"{OURS}: forgotten after the handshake"),
    ("frame_data", object, f"{OURS}: parts of a frame that are joined"),
    ("_perMessageCompress", object, f"{OURS}: what is let go after each message"),
)
# Methods that we override or call, and the parameters that we name.
METHODS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("processHandshake", "onOpen", "consumeData", "processData", "onMessageEnd"), ()),
    **{"dataReceived": ("data",), "onConnect": ("request",), "onMessageBegin": ("isBinary",), "onPing": ("payload",)},
    **{"onMessageFrameBegin": ("length",), "onMessageFrameData": ("payload",), "onMessage": ("payload", "isBinary")},
    **{"_fail_connection": ("code", "reason"), "_protocol_violation": ("reason",), "_invalid_payload": ("reason",)},
    **{"_closeConnection": ("abort",), "dropConnection": ("abort",), "sendClose": ("code",)},
    **{"sendCloseFrame": ("code", "reasonUtf8", "isReply"), "onClose": ("wasClean", "code", "reason")},
}


def gone(connection: Any) -> list[str]:
    """A sentence for each attribute and each parameter that is not there, or is of another type."""
    found = []
    for path, kind, why in ATTRIBUTES:
        owner: Any = connection
        for name in path.split("."):
            if not hasattr(owner, name):
                found.append(f"{path} is gone; {why}.")
                break
            owner = getattr(owner, name)
        else:
            if not isinstance(owner, kind):
                found.append(f"{path} is a {type(owner).__name__} and no {kind.__name__}; {why}.")
    for name, parameters in METHODS.items():
        method = next((vars(base)[name] for base in type(connection).__mro__[1:] if name in vars(base)), None)
        if method is None:
            found.append(f"The method {name} is gone; {OURS} overrides or calls it.")
        elif missing := set(parameters) - set(inspect.signature(method).parameters):
            found.append(f"The method {name} takes no {min(missing)} any more; {OURS} names it.")
    return found


class _Producer:
    asked = 0

    def resumeProducing(self) -> None:
        self.asked += 1

    def stopProducing(self) -> None: ...


def otherwise(connection: Any, frame: bytes) -> list[str]:
    """A sentence for each thing that is there and means something else. Sends `frame` twice: through Twisted, and past it."""
    from autobahn.websocket import protocol  # where the reactor is installed

    transport, producer = connection.transport, _Producer()
    expected: list[tuple[str, bool]] = []

    def expect(that: str, holds: bool) -> None:
        expected.append((that, holds))

    def waits() -> bool:
        return bool(transport.dataBuffer or transport._tempDataBuffer)

    def watched() -> bool:
        return transport in transport.reactor.getWriters()

    expect(
        "nothing waits in Twisted's buffers while nothing was written, and its socket is not watched",
        not (waits() or watched()),
    )
    expect("transport.TLS is false without TLS", transport.TLS is False)
    expect("the descriptor is the socket's", transport.fileno() == transport.socket.fileno())
    expect("the socket never blocks", transport.socket.gettimeout() == 0.0)
    transport.write(frame)
    expect(
        "write keeps the bytes in _tempDataBuffer and counts them in _tempDataLen", transport._tempDataLen == len(frame)
    )
    expect("a transport with something in its buffers is one of the reactor's writers", waits() and watched())
    transport.registerProducer(producer, False)
    expect("a pull producer is asked while it is registered, buffer or not", producer.asked == 1)
    transport.doWrite()
    expect("doWrite empties both buffers, and then asks the producer", not waits() and producer.asked == 2)
    transport.unregisterProducer()
    transport.doWrite()
    expect("an empty transport is no writer", not watched())
    expect("what is sent past Twisted goes at once", transport.socket.send(frame) == len(frame))
    expect("a connection that serves messages is in STATE_OPEN", connection.state == connection.STATE_OPEN)
    details = connection.factory.server_class.connections.get(connection, {})
    expect("Daphne keeps the application of each connection", "application_instance" in details)
    kept, connection.frame_data = connection.frame_data, []
    super(type(connection), connection).onMessageFrameData(b"part")
    expect("the parts of a frame are appended to frame_data", connection.frame_data == [b"part"])
    connection.frame_data = kept
    if connection._perMessageCompress is not None:
        expect("a decompressor may be let go", hasattr(connection._perMessageCompress, "_decompressor"))
    source = inspect.getsource(protocol)
    for name in ("_url_to_origin", "pformat"):
        expect(f"autobahn.websocket.protocol calls its {name}, which we replace", f"{name}(" in source)
    return [f"It does not hold any more that {that}." for that, holds in expected if not holds]


def listen(path: str) -> None:
    """In a socket process, before it serves."""
    from interactions.delivery import frames
    from liveroom.sockets.protocol import SocketProtocol

    before = SocketProtocol.onMessage

    def on_message(self: Any, payload: bytes, isBinary: bool) -> None:
        if not getattr(self, "canary_saw", False):
            self.canary_saw = True
            found = gone(self) or otherwise(self, frames.text_frame(b'{"type":"canary"}'))
            with Path(path).open("a") as notes:
                notes.write(json.dumps(found) + "\n")
        before(self, payload, isBinary)

    SocketProtocol.onMessage = on_message
