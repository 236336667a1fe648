"""What one socket still has to hear: bounded in bytes and frames, the dispensable dropped first, never waiting for anybody.

A frame goes straight into the kernel while nothing is queued (Twisted's own way costs five times as much); what the kernel does not
take waits here, not in Twisted, whose buffer has no bound (design.md, known traps)."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

MAX_BYTES = 2 * 1024 * 1024
MAX_FRAMES = 400
# At once into Twisted's buffer when the kernel took everything before.
GULP_BYTES = 64 * 1024
# The kernel has none at this moment; the connection stands.
NO_ROOM = frozenset({errno.ENOBUFS, errno.ENOMEM})
# What a queue is until something waits in it: most never have one of their own.
_NOTHING: deque[tuple[bytes, bool]] = deque()


class _Ends:
    """How many queues of this process have ended: who keeps file descriptors looks again when it has changed."""

    count = 0


ends = _Ends()


class SendQueue:
    """Frames on their way to one `transport` (Twisted's). `overflow` is called once, when a frame that must be heard
    does not fit any more."""

    __slots__ = ("_overflow", "_producing", "_queue", "_queued", "_send", "_transport", "ended")

    def __init__(self, *, transport: Any, overflow: Callable[[], None]) -> None:
        self._transport = transport
        self._overflow = overflow
        self._queue = _NOTHING
        self._queued = 0
        self._producing = False
        self.ended = False
        # Under TLS the bytes of the socket are not ours to write.
        plain = getattr(transport, "socket", None) if not getattr(transport, "TLS", False) else None
        self._send: Callable[[bytes], int] | None = getattr(plain, "send", None)

    def handle(self) -> int:
        """The file descriptor, if frames may be written to it; -1: only `write` knows how."""
        return -1 if self._send is None or self.ended else int(self._transport.fileno())

    def write(self, frame: bytes, *, must: bool = True) -> None:
        """Send a whole frame now or later, in order. Never blocks."""
        if self.ended:
            return
        transport = self._transport
        if self._queue or transport.dataBuffer or transport._tempDataBuffer:
            self._wait(frame, must)
            return
        if self._send is not None:
            try:
                sent = self._send(frame)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                if error.errno not in NO_ROOM:  # gone: Twisted notices by itself
                    return
                sent = 0
            if sent == len(frame):
                return
            frame = frame[sent:]
        transport.write(frame)

    def _wait(self, frame: bytes, must: bool) -> None:
        if self._queue and self._full(frame):
            if not must:
                return
            self._drop_dispensable()
            if self._queue and self._full(frame):
                self.end()
                self._overflow()
                return
        if self._queue is _NOTHING:
            self._queue = deque()
        self._queue.append((frame, must))
        self._queued += len(frame)
        if not self._producing:
            self._producing = True
            # A pull producer: asked for more each time the buffer has run empty.
            self._transport.registerProducer(self, False)

    def _full(self, frame: bytes) -> bool:
        return len(self._queue) >= MAX_FRAMES or self._queued + len(frame) > MAX_BYTES

    def _drop_dispensable(self) -> None:
        self._queue = deque(item for item in self._queue if item[1])
        self._queued = sum(len(frame) for frame, _ in self._queue)

    def resumeProducing(self) -> None:
        """Twisted: everything before was taken. It also asks while it registers a producer, with its buffer still full:
        what it was given then would wait there, without a bound."""
        if not (self._transport.dataBuffer or self._transport._tempDataBuffer):
            self._hand_over()

    def _hand_over(self) -> None:
        gulp = 0
        while self._queue and gulp < GULP_BYTES:
            frame, _ = self._queue.popleft()
            self._queued -= len(frame)
            gulp += len(frame)
            self._transport.write(frame)
        if not self._queue:
            self._producing = False
            self._transport.unregisterProducer()

    def pauseProducing(self) -> None:
        """Never asked of a pull producer."""

    def stopProducing(self) -> None:
        """Twisted: the connection is gone."""
        self.end()

    def release(self) -> None:
        """Hand everything to Twisted: somebody else writes the last frames. At most MAX_BYTES."""
        while self._producing:
            self._hand_over()

    def end(self) -> None:
        """Nothing more is written; what waited is let go, so that a close frame is next."""
        if not self.ended:
            ends.count += 1
        self.ended = True
        self._queue.clear()
        self._queued = 0
        if self._producing:
            self._producing = False
            self._transport.unregisterProducer()


def write_all(queues: Sequence[SendQueue], frame: bytes, *, must: bool) -> None:
    """The same frame to many: the one loop whose every line is paid for thousands of times a second."""
    size = len(frame)
    for queue in queues:
        transport = queue._transport
        send = queue._send
        if send is None or queue._queue or queue.ended or transport.dataBuffer or transport._tempDataBuffer:
            queue.write(frame, must=must)
            continue
        try:
            sent = send(frame)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            if error.errno not in NO_ROOM:
                continue
            sent = 0
        if sent != size:
            transport.write(frame[sent:])
