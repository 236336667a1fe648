"""How old the picture is when a viewer sees it: a clock painted into every frame, read back from the page."""

from __future__ import annotations

import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.helpers.browser import browser
from tests.helpers.stack import Stack
from tests.journeys.test_page import PLAYING, Room, open_room

BITS, BLOCK, HEIGHT, RATE = 16, 10, 96, 25
WIDTH = BITS * BLOCK


def frame(ms: int) -> bytes:
    """Sixteen upright bars, the lowest bit of the clock first."""
    row = b"".join((b"\xeb" if ms >> bit & 1 else b"\x10") * BLOCK for bit in range(BITS))
    return row * HEIGHT


@contextmanager
def camera(url: str) -> Iterator[None]:
    """A camera that films the clock of this machine, keyframes every two seconds as encoders for streaming have them."""
    child = subprocess.Popen(
        [
            "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}",
            "-use_wallclock_as_timestamps", "1", "-i", "pipe:0", "-c:v", "libx264", "-preset", "ultrafast",
            "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", str(2 * RATE), "-f", "flv", url,
        ],
        stdin=subprocess.PIPE,
    )  # fmt: skip
    over = threading.Event()

    def film() -> None:
        assert child.stdin is not None
        while not over.wait(1 / RATE):
            try:
                child.stdin.write(frame(int(time.time() * 1000)))
                child.stdin.flush()
            except OSError:
                return

    thread = threading.Thread(target=film, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5)
        child.kill()
        child.wait()


READ = """
  const [bits, block, height] = args;
  const video = document.getElementById('video');
  const canvas = Object.assign(document.createElement('canvas'), { width: bits * block, height });
  const paper = canvas.getContext('2d', { willReadFrequently: true });
  const ages = [];
  for (let one = 0; one < 40; one += 1) {
    await new Promise((done) => setTimeout(done, 75));
    paper.drawImage(video, 0, 0, canvas.width, height);
    const { data } = paper.getImageData(0, height / 2, canvas.width, 1);
    let ms = 0;
    for (let bit = 0; bit < bits; bit += 1) if (data[(bit * block + block / 2) * 4] > 128) ms += 2 ** bit;
    ages.push((Date.now() - ms) & (2 ** bits - 1));
  }
  return ages;
"""


@pytest.mark.journey
@pytest.mark.alone
def test_the_picture_is_less_than_two_seconds_old(stack: Stack, record_property: Callable[[str, object], None]) -> None:
    room = Room.made(stack)
    with camera(room.push_url), browser() as mia, browser() as late:
        for name, window in (("first", mia), ("late", late)):
            open_room(window, room)
            window.until(PLAYING)
            # Where it settles, not where it begins.
            time.sleep(3)
            ages = window.run_async(READ, BITS, BLOCK, HEIGHT)
            median = statistics.median(ages)
            record_property(f"delay_ms_{name}", median)
            print(f"delay in the page, {name} viewer: median {median:.0f} ms, most {max(ages)} ms")
            assert median < 2000
            assert max(ages) < 3000


# Whatever hls.js complains of, fatal or not, from the moment it is loaded.
LISTEN = """
  let Hls;
  window.faults = [];
  Object.defineProperty(window, 'Hls', { configurable: true, get: () => Hls, set: (value) => {
    Hls = value;
    const { trigger } = Hls.prototype;
    Hls.prototype.trigger = function (event, data) {
      if (event === Hls.Events.ERROR) faults.push(`${data.details} ${data.error?.message ?? ''}`);
      if (event === Hls.Events.LEVEL_UPDATED && data.details.playlistParsingError) faults.push(String(data.details.playlistParsingError));
      return trigger.call(this, event, data);
    };
  } });
  if (location.protocol === 'http:') localStorage.setItem('liveroom:way', 'll');
"""


@pytest.mark.journey
@pytest.mark.alone
def test_with_low_latency_hls_it_is_less_than_one_and_a_half_seconds_old(
    stack: Stack, record_property: Callable[[str, object], None]
) -> None:
    room = Room.made(stack)
    with camera(room.push_url), browser() as mia:
        open_room(mia, room)
        mia.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTEN})
        open_room(mia, room)
        mia.until(PLAYING, seconds=20)
        time.sleep(2.5)
        ages = mia.run_async(READ, BITS, BLOCK, HEIGHT)
        median = statistics.median(ages)
        record_property("delay_ms_low_latency_hls", median)
        shown = mia.run("return document.getElementById('delay').textContent")
        print(f"delay by low-latency HLS: median {median:.0f} ms, most {max(ages)} ms; the page says {shown}")
        assert mia.run("return document.getElementById('way').value") == "ll"
        assert median < 1500
        assert shown.endswith(" s behind live")
        assert abs(float(shown.split()[0]) * 1000 - median) < 700
        assert mia.run("return faults") == []
        assert mia.errors() == []
