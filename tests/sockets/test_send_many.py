"""One call for many sockets, in C: every viewer gets what the plain loop would give it, and nobody else anything."""

from __future__ import annotations

import asyncio
import random
import shutil
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interactions.delivery.fanout import send_many
from interactions.delivery.fanout.send_many import FEW, Row
from interactions.delivery.fanout.send_queue import SendQueue
from liveroom.rooms.models import Room
from liveroom.sockets.protocol import SocketProtocol
from tests.helpers.crowd import Viewer
from tests.helpers.people import Cast
from tests.helpers.sockets import SocketProcess
from tests.helpers.wire import PING, PONG, Wire, masked

COUNT = 3 * FEW


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("built")
    assert send_many.build(data) is (shutil.which("cc", path=send_many.COMPILERS) is not None)
    return data


@pytest.fixture(params=["in C", "plain"])
def way(request: pytest.FixtureRequest, built: Path, tmp_path: Path) -> Iterator[str]:
    used = send_many.use(built if request.param == "in C" else tmp_path)
    if request.param == "in C" and not used:
        pytest.skip("there is no compiler here")
    yield request.param
    send_many.use(tmp_path)


class Reactor:
    def __init__(self) -> None:
        self.writers: list[Transport] = []

    def getWriters(self) -> list[Transport]:
        return list(self.writers)


class Transport:
    """As Twisted's `tcp.Connection`: it waits in the reactor for as long as it has bytes, and closes before it tells."""

    TLS = False

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.socket, self.peer = socket.socketpair()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        self.socket.setblocking(False)
        self.peer.setblocking(False)
        self.fileno = self.socket.fileno
        self.dataBuffer = b""
        self._tempDataBuffer: list[bytes] = []
        self.producer: Any = None
        self.heard = b""

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)
        if self not in self.reactor.writers:
            self.reactor.writers.append(self)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer
        producer.resumeProducing()

    def unregisterProducer(self) -> None:
        self.producer = None

    def turn(self) -> None:
        """`doWrite`, if the reactor would call it."""
        if self not in self.reactor.writers:
            return
        data = self.dataBuffer + b"".join(self._tempDataBuffer)
        self._tempDataBuffer = []
        try:
            self.dataBuffer = data[self.socket.send(data) :]
        except BlockingIOError:
            self.dataBuffer = data
        if not self.dataBuffer:
            self.reactor.writers.remove(self)
            if self.producer is not None:
                self.producer.resumeProducing()

    def reads(self, size: int) -> None:
        """The peer does."""
        try:
            self.heard += self.peer.recv(size)
        except BlockingIOError:
            pass

    def close(self) -> None:
        for end in (self.socket, self.peer):
            end.close()


def lines(count: int = COUNT) -> tuple[list[Transport], list[SendQueue]]:
    reactor = Reactor()
    transports = [Transport(reactor) for _ in range(count)]
    return transports, [SendQueue(transport=transport, overflow=lambda: None) for transport in transports]


@pytest.mark.parametrize("seed", range(6))
def test_frames_to_many_keep_their_order_whatever_each_kernel_takes(way: str, seed: int) -> None:
    chance = random.Random(seed)
    transports, queues = lines()
    said = [b""] * COUNT
    row, later = Row(queues), Row(queues[::-1])
    for number in range(120):
        frame = b"<%d:%s>" % (number, b"x" * chance.choice((0, 40, 900, 5_000)))
        if chance.random() < 0.6:
            chance.choice((row, later)).write(frame, must=True)
            said = [before + frame for before in said]
        else:  # its own answer; or a pong, which goes to Twisted
            one = chance.randrange(COUNT)
            (
                queues[one] if chance.random() < 0.5 else transports[one] if not queues[one]._queue else queues[one]
            ).write(frame)
            said[one] += frame
        for transport in chance.sample(transports, COUNT // 2):
            transport.reads(chance.choice((1, 700, 20_000)))
            transport.turn()
    for _ in range(4_000):
        for transport in transports:
            transport.reads(65_536)
            transport.turn()
        if all(transport.heard == words for transport, words in zip(transports, said, strict=True)):
            break
    for transport, words in zip(transports, said, strict=True):
        assert transport.heard == words
        transport.close()


def test_a_descriptor_that_is_another_connections_now_gets_nothing(way: str) -> None:
    transports, queues = lines()
    row = Row(queues)
    row.write(b"for all", must=True)
    lost = transports[3]
    handle = lost.fileno()
    lost.close()
    queues[3].end()  # as `SocketProtocol.connectionLost` has it
    stranger = Transport(lost.reactor)
    assert handle in (stranger.socket.fileno(), stranger.peer.fileno())
    row.write(b" and again", must=True)
    for transport in (*transports[:3], *transports[4:]):
        transport.reads(100)
        assert transport.heard == b"for all and again"
    for end in (stranger.socket, stranger.peer):
        with pytest.raises(BlockingIOError):
            end.recv(100)
    for transport in (stranger, *transports):
        transport.close()


def test_who_hung_up_or_is_encrypted_or_ended_disturbs_nobody(way: str) -> None:
    transports, queues = lines()
    transports[0].peer.close()
    encrypted = Transport(transports[0].reactor)
    encrypted.TLS = True  # type: ignore[misc]
    queues[5] = SendQueue(transport=encrypted, overflow=lambda: None)
    queues[6].end()
    row = Row(queues)
    for _ in range(2):
        row.write(b"frame", must=False)
        assert encrypted._tempDataBuffer == [b"frame"]  # what is encrypted goes through Twisted
        encrypted.turn()
        encrypted.reads(100)
    assert encrypted.heard == b"frameframe"
    for place, transport in enumerate(transports):
        if place != 0:
            transport.reads(100)
            assert transport.heard == (b"" if place in (5, 6) else b"frameframe")
    assert not transports[0]._tempDataBuffer
    for transport in (encrypted, *transports):
        transport.close()


@pytest.mark.parametrize("ending", ["lost", "aborted"])
def test_a_connection_that_ends_is_written_to_no_more_from_that_moment_on(ending: str) -> None:
    class Told:
        told = False

        def lost(self) -> None:
            self.told = True

    protocol, viewer = SocketProtocol(), Told()
    order: list[bool] = []
    protocol.owned_by(viewer)  # type: ignore[arg-type]
    parent = super(SocketProtocol, protocol)
    name = {"lost": "connectionLost", "aborted": "_closeConnection"}[ending]
    owner: Any = next(cls for cls in type(protocol).__mro__[1:] if name in vars(cls))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, lambda *_: order.append(viewer.told))
        assert getattr(parent, name) is not None
        getattr(protocol, name)(True)
    assert order == [True]


def test_without_a_compiler_it_goes_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_many, "COMPILERS", str(tmp_path))
    assert not send_many.build(tmp_path)
    assert not send_many.use(tmp_path)
    # And with one that cannot.
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert not send_many.build(tmp_path)
    assert not list((tmp_path / send_many.FOLDER).iterdir())


def test_a_library_that_somebody_else_could_have_written_is_not_loaded(built: Path, tmp_path: Path) -> None:
    target = send_many.library(tmp_path)
    target.parent.mkdir()
    target.write_bytes(b"no library at all")
    assert not send_many.use(tmp_path)
    if send_many.library(built).is_file():
        shutil.copy(send_many.library(built), target)
        target.chmod(0o666)
        assert not send_many.use(tmp_path)
        assert send_many.build(tmp_path)  # made anew
        assert send_many.use(tmp_path)
    send_many.use(tmp_path / "nothing")


# With a real process

STAYING, LEAVING = FEW + 2, 40


@pytest.fixture
def process(cast: Cast, built: Path) -> Iterator[SocketProcess]:
    """Every message is a frame of its own."""
    process = SocketProcess(data=built, name="many-1", LIVEROOM_TICK_MS="0")
    yield process
    process.stop()


def test_who_connects_where_a_viewer_has_just_been_hears_nothing_of_its_room(
    cast: Cast, process: SocketProcess
) -> None:
    Room.objects.update(messages_per_second=10_000)
    usual: dict[str, Any] = {"port": process.port, "room": "r1", "sdkappid": cast.app.sdkappid}
    viewers = [*(Viewer(**usual) for _ in range(STAYING)), Viewer(**usual, usersig=cast.usersig(cast.mia))]
    speaker = viewers[-1]
    path = f"/ws/v1?sdkappid={cast.app.sdkappid}"

    def come_and_go() -> list[Wire]:
        """The server's next connection has the number of the one that was reset."""
        strangers = []
        for _ in range(LEAVING):
            leaver = Wire(process.port, path=path)
            leaver.says(id=1, type="join", room="r1")
            assert leaver.hears() is not None
            leaver.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            leaver.socket.close()
            strangers.append(Wire(process.port, path=path))
        return strangers

    async def scene() -> list[Wire]:
        lives = [asyncio.ensure_future(viewer.stay()) for viewer in viewers]
        await asyncio.wait_for(asyncio.gather(*(viewer.joined.wait() for viewer in viewers)), 10)
        coming = asyncio.ensure_future(asyncio.to_thread(come_and_go))
        number = 0
        while not coming.done():
            number += 1
            assert (await speaker.says(f"number {number}", number=number))["result"] == "delivered"
            await asyncio.sleep(0.002)
        while len({viewer.seq for viewer in viewers}) > 1:
            await asyncio.sleep(0.01)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        return await coming

    strangers = asyncio.run(scene())
    for stranger in strangers:
        stranger.send(masked(b"", first=0x80 | PING))
        frame = stranger.hears()
        assert frame is not None
        assert frame.opcode == PONG
        stranger.socket.close()
    assert [
        (viewer.wrong, viewer.cuts, viewer.byes) for viewer in viewers if viewer.wrong or viewer.cuts or viewer.byes
    ] == []
    assert "Traceback" not in process.text()
