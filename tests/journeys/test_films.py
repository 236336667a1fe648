"""A streamer brings a film at the console: dropped, sent, broken off, gone on with after a reload, looked at, removed."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.browser import Browser, browser
from tests.helpers.stack import Stack, until

pytestmark = pytest.mark.journey

SIZE = 60_000_000
UNFINISHED = "document.querySelector('.lr-file progress:not([hidden])')?.value > 0.02"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds, and a box of noise behind them that players pass over."""
    path = tmp_path_factory.mktemp("film") / "Der Film 🎬.mp4"
    subprocess.run(
        [
            "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=3", "-f", "lavfi", "-i", "sine=d=3",
            "-pix_fmt", "yuv420p", "-shortest", str(path),
        ],
        check=True,
    )  # fmt: skip
    with path.open("ab") as file:
        left = SIZE - file.tell()
        file.write(struct.pack(">I4s", left, b"free") + os.urandom(left - 8))
    return path


@pytest.fixture
def console(stack: Stack) -> Iterator[Browser]:
    """stella on the page of her films, over a line of 20 MB a second."""
    with browser(width=1280, height=900) as window:
        window.open(f"{stack.http}/admin/login/?next=/admin/")
        window.type("#id_username", "stella", enter=False)
        window.type("#id_password", str(stack.ready["demo"]["streamer_password"]))
        # Other journeys give stella more rooms.
        window.until(
            "[...document.querySelectorAll('.lr-room-card')].find((card) => card.innerText.includes('living room'))"
        )
        window.run(
            "[...document.querySelectorAll('.lr-room-card')].find((card) => card.innerText.includes('living room')).click()"
        )
        window.until("[...document.querySelectorAll('#room-head a')].some((link) => link.href.endsWith('/files/'))")
        window.click("#room-head a[href$='/files/']")
        window.until("document.querySelector('#files-none')?.checkVisibility()")
        window.driver.execute_cdp_cmd("Network.enable", {})
        yield window


def slow(window: Browser, bytes_a_second: int) -> None:
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    window.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def choose(window: Browser, film: Path) -> None:
    window.find("#files-choose").send_keys(str(film))


def received(stack: Stack) -> int:
    """As the server knows; 0 while it is away."""
    status, answer = stack.api("GET", "files?room=demo", bearer=stack.ready["app"]["api_key"])
    return int(answer["results"][0]["received_bytes"]) if status == 200 and answer["results"] else 0


def test_a_film_arrives_whole_though_the_page_was_closed_in_the_middle(
    stack: Stack, console: Browser, film: Path
) -> None:
    slow(console, 6_000_000)
    choose(console, film)
    console.until(UNFINISHED, seconds=30)
    # What came until then stays; the page goes on with the next web process by itself.
    stack.kill("web-1")
    until(lambda: received(stack) > SIZE // 5, seconds=40, what="the upload to go on")
    # As somebody does who closes the laptop.
    console.run("onbeforeunload = null; addEventListener('beforeunload', (e) => e.stopImmediatePropagation(), true)")
    console.driver.refresh()
    console.until("document.querySelector('.lr-file p')?.innerText.includes('Choose the same file again')")
    assert 0 < received(stack) < SIZE
    slow(console, -1)
    choose(console, film)
    console.until("document.querySelector('.lr-file .lr-status')?.innerText === 'ready'", seconds=60)
    console.until("document.querySelector('.lr-file img').naturalWidth > 0")
    assert "00:03 · 640 × 360 · h264 + aac · 60.0 MB" in console.text(".lr-file p")
    assert console.text(".lr-file strong") == film.name
    (file,) = stack.api("GET", "files", bearer=stack.usersig("stella"))[1]["results"]
    kept = stack.data / "uploads" / file["id"] / "film"
    assert kept.read_bytes() == film.read_bytes()
    if folder := os.environ.get("LIVEROOM_SCREENSHOTS"):
        console.screenshot(Path(folder) / "films.png")
    console.click(".lr-file [data-act=remove]")
    console.click("#files-remove-yes")
    console.until("document.querySelector('#files-none').checkVisibility()")
    until(lambda: not kept.exists(), what="its bytes to be gone")
    assert [error for error in console.errors() if "Failed to load resource" not in error] == []


def test_what_is_no_film_is_refused_in_words(stack: Stack, console: Browser, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1/secret.ts\n")
    choose(console, tmp_path / "film.mp4")
    console.until("document.querySelector('.lr-file .lr-status')?.innerText === 'refused'", seconds=20)
    assert "playlist" in console.text(".lr-file p")
    if folder := os.environ.get("LIVEROOM_SCREENSHOTS"):
        console.screenshot(Path(folder) / "films-refused.png")
    console.click(".lr-file [data-act=remove]")
    console.click("#files-remove-yes")
    console.until("document.querySelector('#files-none').checkVisibility()")
