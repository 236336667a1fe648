"""A rolling restart under a full room: one of two socket processes goes, and nobody misses a word."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.crowd import Viewer
from tests.helpers.people import Cast, make_cast
from tests.helpers.sockets import SocketProcess, calling, free_port

pytestmark = [pytest.mark.fault]

FULL = os.environ.get("LIVEROOM_FAULTS") == "full"
VIEWERS = 500
DRAIN_SECONDS = 10.0 if FULL else 3.0
CONNECTED_WITHIN_SECONDS = 10
EXITS_WITHIN_SECONDS = 20.0


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Committed: the socket processes see it."""
    return make_cast()


class Pair:
    """Processes that share one port, as `deploy/up` runs them."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder, self._environment = folder, environment
        self.port = free_port()
        self.running: list[SocketProcess] = []

    def start(self, name: str) -> SocketProcess:
        process = SocketProcess(
            data=self._folder / name,
            name=name,
            LIVEROOM_WS_PORT=str(self.port),
            LIVEROOM_DRAIN_SECONDS=str(DRAIN_SECONDS),
            **self._environment,
        )
        self.running.append(process)
        return process


@pytest.fixture
def pair(cast: Cast, tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path, LIVEROOM_SENDS_PER_SECOND="1000")
    yield pair
    for process in pair.running:
        process.stop()
        assert "Traceback" not in process.text()


async def _until(question: object, *, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not question():  # type: ignore[operator]
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.05)


async def _crowd_through_a_restart(pair: Pair, cast: Cast, leaving: SocketProcess) -> tuple[list[Viewer], int]:
    usual = {"port": pair.port, "room": "r1", "sdkappid": cast.app.sdkappid}
    viewers = [Viewer(**usual) for _ in range(VIEWERS)]
    speaker = Viewer(**usual, usersig=cast.usersig(cast.mia))
    lives = [asyncio.ensure_future(viewer.stay()) for viewer in (speaker, *viewers)]
    said, quiet = 0, False

    async def speak() -> None:
        nonlocal said
        while not quiet:
            said += 1
            answer = await speaker.says(f"number {said}", number=said)
            assert answer["ok"], answer
            await asyncio.sleep(0.05)

    try:
        await _until(
            lambda: all(viewer.joined.is_set() for viewer in (speaker, *viewers)),
            seconds=CONNECTED_WITHIN_SECONDS,
            what="all joined",
        )
        speaking = asyncio.ensure_future(speak())
        await asyncio.sleep(1)
        began = time.monotonic()
        leaving.child.send_signal(signal.SIGTERM)
        await _until(lambda: leaving.child.poll() is not None, seconds=EXITS_WITHIN_SECONDS, what="its exit")
        assert leaving.child.returncode == 0
        assert time.monotonic() - began >= DRAIN_SECONDS * 0.9
        await _until(lambda: all(viewer.joined.is_set() for viewer in viewers), seconds=8, what="all are back")
        quiet = True
        await speaking
        await _until(
            lambda: all(viewer.heard >= said for viewer in viewers), seconds=5, what="all have heard the last word"
        )
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
    return viewers, said


def test_no_viewer_misses_a_word_when_a_process_is_replaced(cast: Cast, pair: Pair) -> None:
    leaving = pair.start("socket-1")
    pair.start("socket-1-b")
    viewers, said = asyncio.run(_crowd_through_a_restart(pair, cast, leaving))
    assert [viewer.wrong for viewer in viewers if viewer.wrong] == []
    told = [viewer for viewer in viewers if viewer.byes]
    assert {bye for viewer in told for bye in viewer.byes} == {"restart"}
    # The kernel spread them over both; those of the other process noticed nothing.
    assert VIEWERS * 0.3 < len(told) < VIEWERS * 0.7
    assert sum(viewer.cuts for viewer in viewers) <= 2
    assert said > 30
    assert all(viewer.heard >= said for viewer in viewers)


def test_whoever_drains_is_not_ready_takes_nobody_and_is_not_counted_any_more(cast: Cast, pair: Pair) -> None:
    leaving = pair.start("socket-1")
    kept_alive = http.client.HTTPConnection("127.0.0.1", pair.port)
    kept_alive.request("GET", "/readyz")
    assert kept_alive.getresponse().read() == b"ok\n"
    with calling(f"ws://127.0.0.1:{pair.port}/ws/v1", query=f"sdkappid={cast.app.sdkappid}") as guest:
        assert guest.asks("ping")["ok"]
        with calling(f"ws://127.0.0.1:{pair.port}/ws/v1", usersig=cast.usersig(cast.mia)) as phone:
            assert phone.joins("r1")["ok"]
            leaving.child.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            kept_alive.request("GET", "/readyz")
            assert kept_alive.getresponse().status == 503
            pair.start("socket-1-b")
            assert (phone.is_hung_up(), guest.is_hung_up()) == (4000, 4000)
            for one in (phone, guest):
                assert one.farewell["reason"] == "restart"
                assert one.farewell["reconnect"] is True
                assert 0 < one.farewell["after_ms"] <= 3_000
    assert leaving.child.wait(10) == 0
    with calling(f"ws://127.0.0.1:{pair.port}/ws/v1", usersig=cast.usersig(cast.zed)) as phone:
        phone.joins("r1")
        phone.hears("online", online=1)


@pytest.mark.parametrize(
    "signals", [(signal.SIGINT,), (signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)]
)
def test_a_stop_that_has_no_time_says_goodbye_at_once(cast: Cast, pair: Pair, signals: tuple[int, ...]) -> None:
    process = pair.start("socket-1")
    url = f"ws://127.0.0.1:{pair.port}/ws/v1"
    with calling(url) as one, calling(url) as two, calling(url) as three:
        for phone in (one, two, three):
            assert phone.asks("ping")["ok"]
        began = time.monotonic()
        for number in signals:
            process.child.send_signal(number)
            time.sleep(0.05)
        for phone in (one, two, three):
            assert phone.is_hung_up() == 4000
            assert phone.farewell["reconnect"] is True
        assert process.child.wait(5) == 0
        assert time.monotonic() - began < 2
