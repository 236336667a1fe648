"""Requests whose body is read while it arrives: uploads, which are larger than anybody's memory and must survive a lost connection.

Promises: the application runs as soon as the head is there, in a thread of the request's own, and reads from the socket itself; what it
does not read is never stored. A client that says nothing for SILENT_SECONDS, or leaves, ends the read with an OSError, and so does a
server that is told to go. At most MOST_AT_ONCE in a process; who comes beyond that is told so. The connection ends with the answer."""

from __future__ import annotations

import io
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import connections
from waitress.parser import HTTPRequestParser
from waitress.task import WSGITask

from liveroom.kernel.work import process

MOST_AT_ONCE = 32
SILENT_SECONDS = 30.0
# What is still on its way when we have answered is read away for so long: closing on it would take the answer from the client.
LINGER_SECONDS = 2.0
_PIECE = 256 * 1024
_LOOK_SECONDS = 0.5

# By method and path.
IsStreamed = Callable[[str, str], bool]


class Body(io.RawIOBase):
    """What `wsgi.input` is of such a request. `left`: bytes that the client announced and nobody has read."""

    def __init__(self, line: socket.socket, *, begun: bytes, length: int, wants_continue: bool) -> None:
        self._line, self._begun, self._wants_continue = line, begun[:length], wants_continue
        self.left = length
        self._gone = False
        self._poll = select.poll()
        self._poll.register(line.fileno(), select.POLLIN)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """What is there, at most `size` bytes. b"" at the end; OSError where the client or this process ends before."""
        wanted = min(self.left, _PIECE if size is None or size < 0 else size)
        if not wanted:
            return b""
        if self._begun:
            piece, self._begun = self._begun[:wanted], self._begun[wanted:]
        else:
            piece = self._received(wanted, seconds=SILENT_SECONDS)
            if not piece:
                self._gone = True
                raise ConnectionResetError("The client left before the end of its body.")
        self.left -= len(piece)
        return piece

    def readinto(self, buffer: Any) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def drain(self) -> None:
        """Read what is left, for a moment."""
        ends_at = time.monotonic() + LINGER_SECONDS
        try:
            while self.left and not self._gone and time.monotonic() < ends_at:
                piece = self._line.recv(_PIECE) if self._poll.poll(100) else None
                if piece == b"":
                    return
                self.left -= len(piece or b"")
        except OSError:
            return

    def _received(self, wanted: int, *, seconds: float) -> bytes:
        if self._wants_continue:
            self._wants_continue = False
            self._line.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            if process.draining.is_set():
                raise ConnectionAbortedError("This process is told to go.")
            if self._poll.poll(_LOOK_SECONDS * 1000):
                try:
                    return self._line.recv(wanted)
                except BlockingIOError:
                    continue
        raise TimeoutError("The client has said nothing for too long.")


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request is complete with its head where `is_streamed` says so; its length is not the server's matter then."""

    is_streamed: IsStreamed = staticmethod(lambda method, path: False)
    streamed = False
    length = 0
    begun = b""
    wants_continue = False
    body: Body | None = None
    content_length: int
    expect_continue: bool

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.content_length > 0 and not self.chunked and self.is_streamed(self.command, self.path):
            self.streamed, self.length = True, self.content_length
            self.wants_continue, self.expect_continue = self.expect_continue, False
            self.content_length, self.body_rcv = 0, None

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.streamed and consumed < len(data):
            self.begun, consumed = data[consumed:], len(data)
        return consumed

    def get_body_stream(self) -> Any:
        return self.body if self.body is not None else super().get_body_stream()


class Task(WSGITask):  # type: ignore[misc]
    """Of both kinds of requests."""

    def start(self) -> None:
        super().start()
        if self.request.streamed:
            line = self.channel.socket
            self.request.body = Body(
                line, begun=self.request.begun, length=self.request.length, wants_continue=self.request.wants_continue
            )
            self.set_close_on_finish()

    def finish(self) -> None:
        super().finish()
        body = self.request.body
        if body is not None and body.left:
            # Who left in the middle has taken the channel's socket along.
            with self.channel.outbuf_lock, suppress(OSError, AttributeError):
                self.channel._flush_some(do_close=False)
            body.drain()


class OwnThreads:
    """A thread for each request of that kind, as long as it runs."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)

    def begin(self, task: Any) -> bool:
        """False: every place is taken."""
        if not self._places.acquire(blocking=False):
            return False
        threading.Thread(target=self._run, args=(task,), name="streamed body", daemon=True).start()
        return True

    def _run(self, task: Any) -> None:
        try:
            task.service()
        finally:
            # They are kept by thread, and this one ends.
            connections.close_all()
            self._places.release()
