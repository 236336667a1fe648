"""SRT in with the real library and real encoders: many on one port, each with the passphrase of its stream, strangers refused."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from streams.media.graphs import relaying
from streams.srt.library import Connection, Library, SrtError
from tests.media.conftest import Clips
from tests.media.rig import Rig, free_port, wait_until

pytestmark = pytest.mark.media
PASSPHRASE = "of-this-stream-24-chars!"


@dataclass
class Door:
    port: int
    asked: list[tuple[str, str]] = field(default_factory=list)
    let_in: list[Connection] = field(default_factory=list)

    def judge(self, stream_id: str, address: str) -> str | None:
        self.asked.append((stream_id, address))
        if stream_id == "raises":
            raise RuntimeError
        return PASSPHRASE if stream_id.startswith("good") else None


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


@pytest.fixture
def door(library: Library) -> Iterator[Door]:
    found = Door(port=free_port())
    listener = library.listen(host="127.0.0.1", port=found.port, latency_ms=120, idle_ms=2000, judge=found.judge)

    def accept() -> None:
        while True:
            try:
                found.let_in.append(listener.accept())
            except SrtError:
                return

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield found
    listener.close()
    accepting.join(5)
    for connection in found.let_in:
        connection.close()


def push(door: Door, clip, stream_id: str, *, passphrase: str = PASSPHRASE) -> subprocess.Popen[bytes]:
    secret = f"&passphrase={passphrase}" if passphrase else ""
    return subprocess.Popen(
        ["ffmpeg", "-nostdin", "-loglevel", "quiet", "-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy", "-f", "mpegts",
         f"srt://127.0.0.1:{door.port}?streamid={stream_id}{secret}"],
    )  # fmt: skip


def end(*children: subprocess.Popen[bytes]) -> None:
    for child in children:
        child.kill()
        child.wait()


def test_many_publish_at_one_port_and_each_is_heard_apart(door: Door, clips: Clips):
    children = [push(door, clips.both, f"good{number}") for number in range(4)]
    try:
        wait_until(lambda: len(door.let_in) == 4, what="four publishers to be let in")
        assert sorted(one.stream_id for one in door.let_in) == ["good0", "good1", "good2", "good3"]
        for connection in door.let_in:
            assert connection.address == "127.0.0.1"
            packet = next(found for _ in range(50) if (found := connection.read()))
            assert packet[0] == 0x47
    finally:
        end(*children)
    wait_until(lambda: door.let_in[0].read() is None, what="the connection to end")


@pytest.mark.parametrize(
    ("stream_id", "passphrase"),
    [("bad", PASSPHRASE), ("good", "another-passphrase"), ("good", ""), ("raises", PASSPHRASE)],
)
def test_strangers_are_refused_in_the_handshake(door: Door, clips: Clips, stream_id, passphrase):
    child = push(door, clips.both, stream_id, passphrase=passphrase)
    assert child.wait(10) != 0
    assert door.asked[0][0] == stream_id
    assert door.let_in == []


def test_a_port_that_is_taken_is_said(library: Library, door: Door):
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(SrtError):
            library.listen(host=host, port=door.port, latency_ms=120, idle_ms=2000, judge=door.judge)


def test_what_comes_is_published_as_it_is(rig: Rig, door: Door, clips: Clips, name):
    encoder = push(door, clips.b_frames, "good")
    wait_until(lambda: door.let_in, what="the publisher to be let in")
    url = rig.engine.rtmp_url(stream=name, query="own=1", host="127.0.0.1")
    child = subprocess.Popen(relaying.carry(url), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdin is not None

    def pump() -> None:
        while (packet := door.let_in[0].read()) is not None:
            child.stdin.write(packet)

    pumping = threading.Thread(target=pump, daemon=True)
    pumping.start()
    try:
        found = wait_until(
            lambda: (one := rig.engine.state().published(name)) and one.video_codec and one, seconds=15, what=name
        )
        assert found.audio_codec == "AAC"
    finally:
        end(encoder, child)
