"""The ladder in a real browser: it plays, changes rungs by hand, survives a killed encoder, and gives way to the source when it is gone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.browser import Browser, browser
from tests.helpers.stack import Stack, until
from tests.journeys.test_page import PLAYING, Room, badge, open_room

pytestmark = pytest.mark.journey
TEMPLATE = {
    "name": "ladder",
    "preset": "fast",
    "rungs": [{"name": "360p", "height": 360}, {"name": "180p", "height": 180}, {"name": "sound"}],
}
VIDEO = "document.getElementById('video')"
SHOWN = "document.getElementById('quality-now').textContent"
CHOICES = "[...document.querySelectorAll('#quality-list label')].map((label) => label.textContent).join()"


@contextmanager
def with_ladder(stack: Stack) -> Iterator[Room]:
    """A room whose stream is pushed and has a ladder that plays."""
    room = Room.made(stack)
    server = stack.ready["app"]["api_key"]
    name = stack.api("GET", f"rooms/{room.id}/streams", bearer=server)[1][0]["name"]
    status, answer = stack.api("POST", "templates/transcode", {**TEMPLATE, "stream": name}, bearer=server)
    assert status == 201, answer
    with stack.push(url=room.push_url):
        until(lambda: stack.api("GET", f"rooms/{room.id}/play")[1]["ladder"], seconds=30, what="a ladder")
        yield room


def encoders(stack: Stack) -> list[int]:
    """The ladders' ffmpeg children of this copy."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if words[:1] == [b"ffmpeg"] and any(word.startswith(f"{stack.data}/ladder/".encode()) for word in words):
            found.append(int(entry.name))
    return found


def choose(window: Browser, value: str) -> None:
    window.run("document.getElementById('stage').dispatchEvent(new PointerEvent('pointermove', { bubbles: true }))")
    window.click("#quality summary")
    window.click(f"#quality-list input[value='{value}']")


def moves_on(window: Browser, *, seconds: float = 15) -> None:
    at = window.run(f"return {VIDEO}.currentTime")
    window.until(f"{VIDEO}.currentTime > arguments[0] + 1.5", at, seconds=seconds)


def test_the_ladder_plays_changes_by_hand_and_lives_through_a_killed_encoder(stack: Stack, tmp_path: Path) -> None:
    with with_ladder(stack) as room, browser() as mia:
        open_room(mia, room)
        badge(mia, "live")
        mia.until(PLAYING, seconds=20)
        mia.until(f"{SHOWN} === 'Auto (360p)' || {SHOWN} === 'Auto (180p)'", seconds=20)
        assert mia.until(CHOICES) == "Auto,360p,180p,Audio only,Source"
        moves_on(mia)

        choose(mia, "180p")
        mia.until(f"{SHOWN} === '180p' && {VIDEO}.videoHeight === 180", seconds=20)
        mia.screenshot(Path(os.environ.get("LIVEROOM_SCREENSHOTS") or tmp_path) / "quality.png")
        choose(mia, "360p")
        mia.until(f"{SHOWN} === '360p' && {VIDEO}.videoHeight === 360", seconds=20)

        (child,) = encoders(stack)
        os.kill(child, signal.SIGKILL)
        until(lambda: [pid for pid in encoders(stack) if pid != child], seconds=10, what="another encoder")
        time.sleep(6)
        moves_on(mia)
        assert mia.run(f"return {SHOWN}") == "360p", "it went on in the same quality"

        choose(mia, "sound")
        mia.until(f"{SHOWN} === 'Audio only' && {VIDEO}.videoWidth === 0", seconds=20)
        moves_on(mia)
        choose(mia, "source")
        mia.until(f"{SHOWN} === 'Source' && {VIDEO}.videoHeight === 360", seconds=20)
        behind = f"{VIDEO}.buffered.end({VIDEO}.buffered.length - 1) - {VIDEO}.currentTime"
        mia.until(f"{behind} < 1.6")

        choose(mia, "180p")
        mia.until(f"{SHOWN} === '180p'")
        open_room(mia, room)
        mia.until(f"{SHOWN} === '180p' && {VIDEO}.videoHeight === 180", seconds=20)
        assert mia.errors() == []


def test_on_a_phone_the_menu_fits_and_the_source_plays_when_no_rule_wants_a_ladder_any_more(
    stack: Stack, tmp_path: Path
) -> None:
    with with_ladder(stack) as room, browser(width=360, height=740, phone=True) as mia:
        open_room(mia, room)
        mia.until(f"{PLAYING} && {SHOWN}.startsWith('Auto (')", seconds=20)
        mia.run("document.getElementById('stage').dispatchEvent(new PointerEvent('pointermove', { bubbles: true }))")
        mia.click("#quality summary")
        mia.until("document.querySelector('#quality .sheet').checkVisibility()")
        box = "document.querySelector('#quality .sheet').getBoundingClientRect()"
        assert mia.run(f"return {box}.left >= 0 && {box}.right <= innerWidth && {box}.top >= 0"), mia.run(
            f"return {box}.toJSON()"
        )
        assert mia.run("return document.querySelector('.controls').scrollWidth <= innerWidth")
        mia.screenshot(Path(os.environ.get("LIVEROOM_SCREENSHOTS") or tmp_path) / "quality-phone.png")
        server = stack.ready["app"]["api_key"]
        for rule in stack.api("GET", "rules?kind=transcode", bearer=server)[1]["results"]:
            stack.api("DELETE", f"rules/{rule['id']}", bearer=server)
        mia.until("document.getElementById('quality').hidden", seconds=20)
        mia.until(f"{PLAYING} && {VIDEO}.videoHeight === 360", seconds=20)
        moves_on(mia)
        until(lambda: encoders(stack) == [], seconds=10, what="the encoder to end")
