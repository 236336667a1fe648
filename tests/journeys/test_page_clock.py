"""An encoder's clock that is set back by an hour, in a real browser: the picture goes on, without a reload."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.helpers.browser import browser
from tests.helpers.rtmp import STARTED, Rtmp, tags_of
from tests.helpers.stack import Stack
from tests.journeys.test_page import PLAYING, Room
from tests.media.rig import make_clip

HOUR = 3_600_000
CURRENT = "return document.getElementById('video').currentTime"


@pytest.mark.journey
def test_a_clock_that_is_set_back_stops_no_picture(stack: Stack, tmp_path: Path) -> None:
    room = Room.made(stack)
    server, _, key = room.push_url.rpartition("/")
    clip = make_clip(tmp_path / "clip.flv", seconds=25)
    jumped, stop = threading.Event(), threading.Event()
    with Rtmp(server) as encoder, browser() as mia:
        assert encoder.publish(key) == STARTED
        back_at = [float("inf")]

        def push() -> None:
            began = time.monotonic()
            for kind, at_ms, body in tags_of(clip):
                if stop.wait(max(0.0, at_ms / 1000 - (time.monotonic() - began))):
                    return
                back = HOUR if time.monotonic() > back_at[0] else 0
                if back:
                    jumped.set()
                encoder.send([(kind, 2 * HOUR + at_ms - back, body)])

        pushing = threading.Thread(target=push, daemon=True)
        pushing.start()
        try:
            mia.open(room.page)
            mia.until(PLAYING)
            back_at[0] = time.monotonic()
            assert jumped.wait(5)
            moved, at, longest = mia.run(CURRENT), time.monotonic(), 0.0
            first = moved
            while at - back_at[0] < 5:
                now = mia.run(CURRENT)
                if now != moved:
                    moved, at = now, time.monotonic()
                longest = max(longest, time.monotonic() - at)
                assert longest < 2, "the picture stands still"
                time.sleep(0.05)
            assert moved > first + 3
        finally:
            stop.set()
            pushing.join()
