"""Going back in a running stream, in a real browser: the picture of then with the words of then, pause, and back to live."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.browser import Browser, browser
from tests.helpers.stack import Stack, until
from tests.journeys.test_page import PLAYING, RECEIVED, Room, open_room, person
from tests.journeys.test_page_delay import BITS, BLOCK, HEIGHT, camera

pytestmark = pytest.mark.journey
BEHIND = "document.getElementById('shift-behind').textContent"
SHIFTED = "document.querySelector('.room').classList.contains('shifted')"


AGE = """
  const [bits, block, height] = arguments;
  const canvas = Object.assign(document.createElement('canvas'), { width: bits * block, height });
  const paper = canvas.getContext('2d');
  paper.drawImage(document.getElementById('video'), 0, 0, canvas.width, height);
  const { data } = paper.getImageData(0, height / 2, canvas.width, 1);
  let ms = 0;
  for (let bit = 0; bit < bits; bit += 1) if (data[(bit * block + block / 2) * 4] > 128) ms += 2 ** bit;
  return (Date.now() - ms) & (2 ** bits - 1);
"""


def press(window: Browser, key: str) -> None:
    window.run("document.dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], bubbles: true }))", key)


def age_ms(window: Browser) -> int:
    """How old the picture is that is shown, by the clock in it."""
    return int(window.run(AGE, BITS, BLOCK, HEIGHT))


def test_a_viewer_goes_back_hears_what_was_said_then_and_returns_to_live(stack: Stack, tmp_path: Path) -> None:
    room = Room.made(stack)
    server = stack.ready["app"]["api_key"]
    name = stack.api("GET", f"rooms/{room.id}/streams", bearer=server)[1][0]["name"]
    said = {"name": "back", "stream": name, "item_seconds": 1, "duration_seconds": 600}
    assert stack.api("POST", "templates/timeshift", said, bearer=server)[0] == 201
    plans = {one["kind"]: one["acts"] for one in stack.api("GET", f"streams/{name}/plans", bearer=server)[1]["plans"]}
    assert plans["timeshift"]
    usersig = person(stack, "Zed")
    with browser() as mia, ExitStack() as pushing:
        open_room(mia, room)
        room.say("early", usersig=usersig)
        mia.until(RECEIVED, "early")
        pushing.enter_context(camera(room.push_url))
        mia.until(PLAYING, seconds=20)
        mia.until("document.querySelector('.room').classList.contains('shiftable')")
        until(
            lambda: stack.api("GET", f"streams/{name}/timeshift", bearer=server)[1]["size_bytes"],
            seconds=20,
            what="a window",
        )
        time.sleep(3)
        room.say("first", usersig=usersig)
        mia.until(RECEIVED, "first")
        time.sleep(5)
        room.say("second", usersig=usersig)
        mia.until(RECEIVED, "second")

        press(mia, "ArrowLeft")
        mia.until(f"{SHIFTED} && document.getElementById('scene').hidden", seconds=15)
        assert not mia.run(f"return {RECEIVED}", "second"), "it had not been said yet"
        assert 6_000 < age_ms(mia) < 16_000
        assert mia.run(f"return {BEHIND}").startswith("−0:")
        room.say("third", usersig=usersig)
        mia.screenshot(Path(os.environ.get("LIVEROOM_SCREENSHOTS") or tmp_path) / "timeshift.png")
        mia.until(RECEIVED, "second", seconds=20)
        assert not mia.run(f"return {RECEIVED}", "third"), "it is said later than the picture"

        mia.click("#edge")
        mia.until(f"!{SHIFTED} && {PLAYING} && {BEHIND} === ''", seconds=15)
        mia.until(RECEIVED, "third")
        assert mia.run(f"return {RECEIVED}", "early"), "it was said before there was a window"
        assert age_ms(mia) < 4_000

        mia.run("document.getElementById('play').click()")
        time.sleep(4)
        mia.run("document.getElementById('play').click()")
        mia.until(f"{SHIFTED} && document.getElementById('scene').hidden", seconds=15)
        assert 3_500 < age_ms(mia) < 14_000
        assert mia.errors() == []
