"""Viewers who stop reading: they are hung up on in time and miss nothing when they are back, and nobody else notices them."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from interactions.delivery.fanout import send_many
from interactions.delivery.fanout.send_queue import GULP_BYTES, MAX_BYTES, MAX_FRAMES, SendQueue, write_all
from liveroom.rooms.models import Room
from tests.helpers.crowd import Viewer
from tests.helpers.people import Cast
from tests.helpers.sockets import SocketProcess, calling
from tests.helpers.wire import CLOSE, TEXT, Wire, memory_bytes

# The queue alone


class Kernel:
    """A socket that takes as many bytes as it has room for, and what it took."""

    def __init__(self) -> None:
        self.room = 0
        self.taken = b""
        self.gone = False
        self.short = False

    def send(self, data: bytes) -> int:
        if self.gone:
            raise ConnectionResetError
        if self.short:
            self.short = False
            raise OSError(errno.ENOBUFS, "No buffer space available")
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


@pytest.mark.parametrize("way", ["one", "many"])
def test_a_kernel_that_is_short_of_memory_loses_no_frame(way: str) -> None:
    line = Line()
    line.transport.socket.room, line.transport.socket.short = 100, True
    for frame in (b"one", b"two"):
        if way == "one":
            line.queue.write(frame)
        else:
            write_all([line.queue], frame, must=True)
    line.transport.drains(0)
    line.transport.drains(0)
    assert line.taken == b"onetwo"


# With a real process

VIEWERS, STALLED, DOZING = 30, 7, 3
LANES = 8
LONG, SHORT = 7_000, 20
# What a stalled viewer may cost: its queue, what Twisted has of it, and a frame; and what the rest of the process does meanwhile.
GROWTH_BYTES = (STALLED + DOZING) * (MAX_BYTES + GULP_BYTES + LONG) + 5_000_000


@pytest.fixture(scope="module")
def process(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Without ticks, so that four hundred frames are soon there: who is hung up on for so many can get all of it again, who is for
    two megabytes has missed more than the log gives at once."""
    data = tmp_path_factory.mktemp("slow") / "data"
    send_many.build(data)  # where there is a compiler, as `prepare` does it; other files' processes send one by one
    with django_db_blocker.unblock():
        process = SocketProcess(data=data, name="slow-1", LIVEROOM_TICK_MS="0")
    yield process
    process.stop()


class Listener(Viewer):
    """One who reads. `delays`: seconds from the server's clock to here."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.delays: list[float] = []
        self.frames = 0

    def _hear(self, frame: dict[str, Any]) -> None:
        super()._hear(frame)
        self.frames += frame.get("type") == "batch"

    def _count(self, event: dict[str, Any]) -> None:
        super()._count(event)
        if "seq" in event:
            self.delays.append(time.time() - event["t"] / 1000)


class Sleeper:
    """One who joins and reads nothing for a while."""

    def __init__(self, port: int, sdkappid: int) -> None:
        self.wire = Wire(port, path=f"/ws/v1?sdkappid={sdkappid}")
        self.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        self.wire.says(id=1, type="join", room="r1")
        while "ok" not in (answer := self._next() or {}):
            pass
        self.epoch, self.seq = answer["snapshot"]["epoch"], answer["snapshot"]["seq"]
        self.code: int | None = None
        self.goal = 1_000_000

    def _next(self) -> dict[str, Any] | None:
        frame = self.wire.hears()
        if frame is not None and frame.opcode == CLOSE:
            self.code = int.from_bytes(frame.payload[:2], "big")
        return frame.json if frame is not None and frame.opcode == TEXT else None

    def reads(self) -> None:
        """Whole frames, each event after the other, until the end or `goal`."""
        while self.seq < self.goal and (frame := self._next()) is not None:
            for event in frame.get("events", ()):
                if "seq" in event:
                    assert event["seq"] == self.seq + 1
                    self.seq = event["seq"]

    @property
    def port(self) -> int:
        return int(self.wire.socket.getsockname()[1])


def unsent(*, port: int, peers: set[int]) -> list[int]:
    """Bytes that the kernel holds for each of these peers of our port."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, peer = (int(address.rpartition(":")[2], 16) for address in fields[1:3])
        if local == port and peer in peers:
            found.append(int(fields[4].partition(":")[0], 16))
    return found


@pytest.mark.alone
def test_ten_who_stop_reading_cost_the_others_nothing(cast: Cast, process: SocketProcess) -> None:
    Room.objects.update(messages_per_second=10_000)
    usual = {"port": process.port, "room": "r1", "sdkappid": cast.app.sdkappid}
    listeners = [Listener(**usual) for _ in range(VIEWERS - 1)]
    listeners.append(Listener(**usual, usersig=cast.usersig(cast.mia)))
    speaker, numbers = listeners[-1], count(1)

    async def say_many(number: int, size: int) -> None:
        left = iter(range(number))

        async def lane() -> None:
            for _ in left:
                n = next(numbers)
                assert (await speaker.says(f"{n} ".ljust(size, "x"), number=n))["result"] == "delivered"

        await asyncio.gather(*(lane() for _ in range(LANES)))

    async def scene(pool: ThreadPoolExecutor) -> tuple[list[Sleeper], list[Sleeper]]:
        loop = asyncio.get_running_loop()
        lives = [asyncio.ensure_future(listener.stay()) for listener in listeners]
        await asyncio.wait_for(asyncio.gather(*(listener.joined.wait() for listener in listeners)), 10)
        sleepers = [
            await loop.run_in_executor(pool, Sleeper, process.port, cast.app.sdkappid) for _ in range(STALLED + DOZING)
        ]
        stalled, dozing = sleepers[:STALLED], sleepers[STALLED:]
        await say_many(50, LONG)
        before, peers = memory_bytes(process.child.pid), {sleeper.port for sleeper in sleepers}
        # Until the kernel takes no more for any of them …
        held: list[int] = []
        while held != (held := unsent(port=process.port, peers=peers)):
            await say_many(25, LONG)
        full = speaker.frames
        while speaker.frames < full + MAX_FRAMES // 2:
            await say_many(LANES, SHORT)
        # … some wake up in time, for the others it becomes too much.
        awake = [loop.run_in_executor(pool, one.reads) for one in dozing]
        while speaker.frames < full + MAX_FRAMES + 20:
            await say_many(LANES, SHORT)
        assert memory_bytes(process.child.pid) - before < GROWTH_BYTES
        for one in dozing:
            one.goal = speaker.seq
        awake += [loop.run_in_executor(pool, one.reads) for one in stalled]
        await say_many(1, SHORT)
        await asyncio.gather(*awake)
        while len({listener.seq for listener in listeners}) > 1:
            await asyncio.sleep(0.01)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        return stalled, dozing

    with ThreadPoolExecutor(STALLED + DOZING) as pool:
        stalled, dozing = asyncio.run(scene(pool))
    # Nobody else noticed.
    assert [listener.wrong for listener in listeners if listener.wrong] == []
    assert {(listener.cuts, len(listener.byes)) for listener in listeners} == {(0, 0)}
    delays = sorted(delay for listener in listeners for delay in listener.delays)
    assert delays[int(len(delays) * 0.99)] < 0.8
    # Those who woke up in time have everything; the others were told why they have not, and come back for it.
    last = listeners[0].seq
    assert {(one.code, one.seq >= one.goal) for one in dozing} == {(None, True)}
    assert 4009 in {one.code for one in stalled}
    for one in stalled:
        assert one.code in (4009, None)
        assert one.seq < last
        with calling(process.url, query=f"sdkappid={cast.app.sdkappid}") as phone:
            assert phone.joins("r1", since={"epoch": one.epoch, "seq": one.seq})["recovered"] is True
            phone.hears("comment", seq=last)
            assert [seq for seq, _ in phone.numbered] == list(range(one.seq + 1, last + 1))
    assert "Traceback" not in process.text()
