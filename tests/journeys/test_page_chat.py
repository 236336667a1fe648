"""The comments alone: what OBS puts over a picture, and what another site imports."""

from __future__ import annotations

import base64
import struct
import urllib.request
import zlib

import pytest

from tests.helpers.browser import Browser, browser
from tests.helpers.stack import Stack
from tests.journeys.test_page import Room, person

pytestmark = pytest.mark.journey

SHOWN = "[...document.querySelectorAll('.line .text')].map((node) => node.textContent).join('|') === arguments[0]"


def clear_share(window: Browser) -> float:
    """Which share of what the window would put over a picture lets it through, as in OBS: nothing is painted behind."""
    clear = {"color": {"r": 0, "g": 0, "b": 0, "a": 0}}
    window.driver.execute_cdp_cmd("Emulation.setDefaultBackgroundColorOverride", clear)
    shot = window.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    return share_of_alpha_zero(base64.b64decode(shot))


def share_of_alpha_zero(png: bytes) -> float:
    """Of an 8-bit RGBA picture; a picture without alpha lets nothing through."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    if (depth, kind) != (8, 6):
        return 0.0
    data, at = b"", 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        data += png[at + 8 : at + 8 + size] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + size
    raw, row = zlib.decompress(data), width * 4
    before, clear = bytearray(row), 0
    for line in range(height):
        filter_, now = raw[line * (row + 1)], bytearray(raw[line * (row + 1) + 1 : (line + 1) * (row + 1)])
        # Only the alpha bytes are undone: each depends on alpha bytes alone.
        for x in range(3, row, 4):
            left, up, corner = (now[x - 4] if x > 3 else 0), before[x], (before[x - 4] if x > 3 else 0)
            if filter_ == 1:
                now[x] = (now[x] + left) & 255
            elif filter_ == 2:
                now[x] = (now[x] + up) & 255
            elif filter_ == 3:
                now[x] = (now[x] + (left + up) // 2) & 255
            elif filter_ == 4:
                guess = left + up - corner
                away = (abs(guess - left), abs(guess - up), abs(guess - corner))
                now[x] = (now[x] + (left, up, corner)[away.index(min(away))]) & 255
            clear += now[x] == 0
        before = now
    return clear / (width * height)


def test_the_comments_stand_alone_on_nothing_and_are_not_counted(stack: Stack) -> None:
    room = Room.made(stack)
    mia = person(stack, "Mia")
    room.say("before", usersig=mia)
    with browser(width=480, height=320) as obs:
        obs.open(f"{room.page}/chat?size=30&limit=3&dir=up")
        obs.until(SHOWN, "before")
        for text in ("one", "two", "three <b>", "four"):
            room.say(text, usersig=mia)
        obs.until(SHOWN, "two|three <b>|four")
        assert obs.run("return getComputedStyle(document.querySelector('.line')).fontSize") == "30px"
        assert 0.5 < clear_share(obs) < 0.99
        # Who comes back after a break has missed nothing.
        assert obs.text(".nick") == "Mia"
        assert not obs.run("return document.getElementById('trouble').checkVisibility()")
        assert obs.errors() == []
        # Nobody sits behind a browser source.
        with stack.watching(room=room.id) as phone:
            assert phone.snapshot["online"] <= 1
        room.set_status("ended")
        room.change(title="Still here")
        status, _ = stack.api("DELETE", f"rooms/{room.id}", bearer=stack.ready["app"]["api_key"])
        assert status == 204
        obs.until("document.getElementById('trouble').checkVisibility()")


def test_a_site_of_another_origin_may_import_the_client(stack: Stack) -> None:
    for name in ("room-socket.js", "room-likes.js"):
        with urllib.request.urlopen(f"{stack.http}/static/page/{name}", timeout=10) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "javascript" in answer.headers["Content-Type"]
    with urllib.request.urlopen(f"{stack.http}/static/page/page.js", timeout=10) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] is None
