"""Viewers who stop reading: they are hung up on in time and miss nothing when they are back, and nobody else notices them."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Iterator

import orjson
import pytest

from interactions.live.send_queue import GULP_BYTES, MAX_BYTES, MAX_FRAMES, SendQueue, write_all
from tests.helpers.crowd import Viewer
from tests.helpers.people import Cast
from tests.helpers.sockets import SocketProcess, calling
from tests.helpers.wire import CLOSE, TEXT, Wire, masked, memory_bytes

# The queue alone


class Kernel:
    """A socket that takes as many bytes as it has room for, and what it took."""

    def __init__(self) -> None:
        self.room = 0
        self.taken = b""
        self.gone = False

    def send(self, data: bytes) -> int:
        if self.gone:
            raise ConnectionResetError
        if not self.room:
            raise BlockingIOError
        took = data[: self.room]
        self.room -= len(took)
        self.taken += took
        return len(took)


class Transport:
    """As Twisted's `abstract.FileDescriptor` buffers and asks its producer: also while it registers one."""

    TLS = False

    def __init__(self) -> None:
        self.socket = Kernel()
        self.dataBuffer = b""
        self._tempDataBuffer: list[bytes] = []
        self.producer: SendQueue | None = None

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)

    def registerProducer(self, producer: SendQueue, streaming: bool) -> None:
        assert self.producer is None
        assert not streaming
        self.producer = producer
        producer.resumeProducing()

    def unregisterProducer(self) -> None:
        self.producer = None

    @property
    def buffered(self) -> int:
        return len(self.dataBuffer) + sum(map(len, self._tempDataBuffer))

    def drains(self, room: int) -> None:
        """The peer has read so many bytes: `doWrite` until the kernel is full again."""
        self.socket.room += room
        while self.socket.room and self.buffered:
            self.dataBuffer += b"".join(self._tempDataBuffer)
            self._tempDataBuffer = []
            self.dataBuffer = self.dataBuffer[self.socket.send(self.dataBuffer) :]
            if not self.dataBuffer and self.producer is not None:
                self.producer.resumeProducing()


class Line:
    """A queue with its transport, and how often it overflowed."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.overflows = 0
        self.queue = SendQueue(transport=self.transport, overflow=self._overflowed)

    def _overflowed(self) -> None:
        self.overflows += 1

    @property
    def taken(self) -> bytes:
        return self.transport.socket.taken


def test_frames_keep_their_order_whatever_the_kernel_takes_of_them() -> None:
    chance = random.Random(7)
    for _ in range(60):
        line, said = Line(), b""
        for number in range(200):
            frame = b"<%d:%s>" % (number, b"x" * chance.choice((0, 10, 3_000)))
            said += frame
            if chance.random() < 0.5:
                line.queue.write(frame)
            else:
                write_all([line.queue], frame, must=True)
            if chance.random() < 0.6:
                line.transport.drains(chance.choice((1, 50, 2_000, 9_000)))
        assert line.overflows == 0
        assert said.startswith(line.taken)
        line.transport.drains(10**9)
        assert line.taken == said
        assert line.transport.producer is None
        # And the straight way is open again.
        line.queue.write(b"end")
        assert line.taken == said + b"end"


def test_what_the_kernel_does_not_take_waits_in_our_queue_and_not_in_twisted() -> None:
    line, frame = Line(), b"x" * 10_000
    for _ in range(150):
        line.queue.write(frame)
        assert line.transport.buffered <= len(frame)
    assert line.overflows == 0
    while line.queue._queue:
        line.transport.drains(5_000)
        assert line.transport.buffered < GULP_BYTES + len(frame)
    line.transport.drains(10**9)
    assert line.taken == frame * 150


def test_dispensable_frames_go_first_and_whole() -> None:
    line = Line()
    line.queue.write(b"[first]")
    for number in range(MAX_FRAMES):
        line.queue.write(b"[%s%d]" % (b"must" if number % 2 else b"may", number), must=bool(number % 2))
    line.queue.write(b"[may that does not fit]", must=False)
    line.queue.write(b"[must that does]")
    line.transport.drains(10**9)
    kept = b"".join(b"[must%d]" % number for number in range(1, MAX_FRAMES, 2))
    assert line.taken == b"[first]" + kept + b"[must that does]"
    assert line.overflows == 0


@pytest.mark.parametrize(("size", "fit"), [(10, MAX_FRAMES), (100_000, MAX_BYTES // 100_000)])
def test_a_frame_that_nobody_may_miss_and_that_does_not_fit_overflows_once(size: int, fit: int) -> None:
    line = Line()
    for _ in range(1 + fit):
        line.queue.write(b"x" * size)
    assert line.overflows == 0
    for _ in range(3):
        line.queue.write(b"x" * size)
        write_all([line.queue], b"x" * size, must=True)
    assert (line.overflows, line.queue.ended) == (1, True)
    # What Twisted had is sent, as a whole frame; a close frame would be next.
    line.transport.write(b"close")
    line.transport.drains(10**9)
    assert line.taken == b"x" * size + b"close"
    assert line.transport.producer is None


def test_one_frame_larger_than_the_bound_is_sent() -> None:
    line = Line()
    line.queue.write(b"a")
    line.queue.write(b"b" * (MAX_BYTES + 1))
    line.transport.drains(10**9)
    assert (len(line.taken), line.overflows) == (MAX_BYTES + 2, 0)


def test_release_hands_everything_over_and_end_lets_it_go() -> None:
    released, ended, lost = Line(), Line(), Line()
    for line in (released, ended, lost):
        for number in range(30):
            line.queue.write(b"[%d]" % number * 2_000)
    everything = b"".join(b"[%d]" % number * 2_000 for number in range(30))
    released.queue.release()
    assert released.transport.buffered == len(everything)
    released.queue.end()
    ended.queue.end()
    for line in (released, ended):
        assert line.transport.producer is None
        line.transport.write(b"close")
        line.queue.write(b"too late")
        line.transport.drains(10**9)
    assert released.taken == everything + b"close"
    assert ended.taken == b"[0]" * 2_000 + b"close"
    # Twisted tells its producer that the connection is gone.
    lost.queue.stopProducing()
    lost.queue.write(b"too late")
    assert lost.transport.buffered == len(b"[0]" * 2_000)
    assert [line.overflows for line in (released, ended, lost)] == [0, 0, 0]


def test_a_peer_that_is_gone_is_nobodys_trouble() -> None:
    line, other = Line(), Line()
    other.transport.socket.room = 100
    line.transport.socket.gone = True
    line.queue.write(b"one")
    write_all([line.queue, other.queue], b"two", must=True)
    assert (other.taken, line.transport.buffered, line.overflows) == (b"two", 0, 0)
