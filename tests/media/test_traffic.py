"""What a real nginx and a real gateway carried, and what was counted of it: within two percent."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from liveroom.kernel import clock
from liveroom.kernel.data.redis import shared
from streams.gateway.picture.playlist import signed_address
from streams.models import MinuteTraffic, Stream
from streams.traffic import counting
from streams.traffic.collecting import Collector
from tests.helpers.people import Cast
from tests.media.conftest import Clips, RunningGateway
from tests.media.players import ask
from tests.media.rig import SECURE_LINK_SECRET, Rig, running_rig, wait_until

pytestmark = pytest.mark.django_db

SECONDS = 12


class Counting:
    """A collector that is asked every second, as run_media does every two."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.collector = Collector(run=rig.site.run)
        self.look()

    def look(self, *, seconds: float = 0) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self.collector.follow(self.rig.engine.state(), now=clock.now())
            if time.monotonic() >= deadline:
                return
            time.sleep(1)

    def sums(self, stream: str) -> dict[str, int]:
        self.collector.flush(now=clock.now())
        found: dict[str, int] = {}
        for row in MinuteTraffic.objects.filter(stream__name=stream):
            found[row.kind] = found.get(row.kind, 0) + row.bytes
        return found


@pytest.fixture
def stream(cast: Cast, name: str) -> Stream:
    shared().delete(counting.NOW, counting.TAKEN)
    return Stream.objects.create(room=cast.room, name=name)


def payload(path: Path) -> int:
    """Bytes of the packets in a file, as they travel in messages (FLV puts five or two bytes before each)."""
    found = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "packet=size", "-of", "csv=p=0", str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    sizes = [int(size) for size in re.findall(r"\d+", found.stdout)]
    return sum(sizes) + 3 * len(sizes)


def pull(rig: Rig, stream: str, into: Path) -> subprocess.Popen[bytes]:
    url = f"rtmp://127.0.0.1:{rig.site.rtmp_port}/live/{stream}"
    return subprocess.Popen(
        ["ffmpeg", "-nostdin", "-loglevel", "quiet", "-y", "-i", url, "-c", "copy", "-f", "flv", str(into)]
    )


def test_what_was_pushed_and_played_by_rtmp_is_counted_within_two_percent(rig, clips: Clips, stream, tmp_path):
    counting_ = Counting(rig)
    publisher = rig.push(stream.name, clips.both, source=())
    player = pull(rig, stream.name, tmp_path / "seen.flv")
    try:
        counting_.look(seconds=SECONDS / 2)
        # It is told what the collector before it knew, as after a restart.
        counting_.collector.end(now=clock.now())
        counting_ = Counting(rig)
        counting_.look(seconds=SECONDS / 2)
        publisher.wait(10)
        player.terminate()
        player.wait(10)
    finally:
        player.kill()
    counting_.look(seconds=2)
    sums = counting_.sums(stream.name)
    assert sums["push"] == pytest.approx(payload(clips.both), rel=0.02)
    assert sums["rtmp"] == pytest.approx(payload(tmp_path / "seen.flv"), rel=0.02)
    assert set(sums) == {"push", "rtmp"}


def test_what_was_served_of_segments_is_counted_to_the_byte(rig, clips: Clips, stream):
    counting_ = Counting(rig)
    rig.push(stream.name, clips.both)
    folder = rig.site.data / "hls" / stream.name
    wait_until(lambda: len(list(folder.glob("*.ts"))) >= 3, what="segments")
    served = 0
    for segment in sorted(path.name for path in folder.glob("*.ts"))[:2]:
        address = signed_address(
            stream=stream.name, segment=segment, secret=SECURE_LINK_SECRET, now_seconds=time.time()
        )
        answer = ask(f"{rig.http}{address}")
        assert answer.status == 200
        served += len(answer.body)
    assert ask(f"{rig.http}/hls/{stream.name}/{segment}").status == 403
    counting_.look(seconds=3)
    assert counting_.sums(stream.name)["hls"] == pytest.approx(served, rel=0.02)


def test_what_viewers_read_from_the_gateway_is_told_by_it(rig, gateway: RunningGateway, clips: Clips, name):
    rig.push(name, clips.both)
    read: list[int] = []

    def watch() -> None:
        found = subprocess.run(
            ["ffmpeg", "-nostdin", "-loglevel", "quiet", "-t", "6", "-i", f"{rig.http}/live/{name}.flv", "-c", "copy",
             "-f", "flv", "-"], capture_output=True, check=True,
        )  # fmt: skip
        read.append(len(found.stdout))

    watching = [threading.Thread(target=watch) for _ in range(3)]
    for one in watching:
        one.start()
    for one in watching:
        one.join()
    assert len(read) == 3
    told = wait_until(lambda: gateway.sent(name), seconds=8, what="it to tell")
    time.sleep(6)
    told = gateway.sent(name)
    # What lies in the connections when a player stops was sent and not read: about a second.
    assert sum(read) <= told["flv"] * 1.02
    assert told["flv"] <= sum(read) * 1.25


@pytest.fixture
def own_rig(tmp_path: Path) -> Iterator[Rig]:
    with running_rig(tmp_path / "own") as running:
        yield running


def test_an_engine_that_was_killed_costs_the_seconds_since_the_last_look(own_rig, clips: Clips, stream):
    counting_ = Counting(own_rig)
    publisher = own_rig.push(stream.name, clips.both)
    counting_.look(seconds=4)
    before = counting_.sums(stream.name)["push"]
    own_rig.kill_nginx()
    publisher.kill()
    own_rig.start_nginx()
    counting_.look()
    own_rig.push(stream.name, clips.both)
    counting_.look(seconds=3)
    after = counting_.sums(stream.name)["push"]
    assert 2 * 45_000 < after - before < 6 * 60_000
