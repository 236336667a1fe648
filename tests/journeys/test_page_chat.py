"""The comments alone, as OBS and other sites take them; and what people and moderators do to each other, on the page."""

from __future__ import annotations

import base64
import struct
import urllib.request
import zlib

import pytest

from tests.helpers.browser import Browser, browser
from tests.helpers.stack import Phone, Stack
from tests.journeys.test_page import Room, open_room, person

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
        # What was said before is not shown: it would appear in the middle of a picture.
        obs.until("document.getElementById('chat').dataset.state === 'joined'")
        room.say("now", usersig=mia)
        obs.until(SHOWN, "now")
        for text in ("one", "two", "three <b>", "four"):
            room.say(text, usersig=mia)
        obs.until(SHOWN, "two|three <b>|four")
        assert obs.run("return getComputedStyle(document.querySelector('.line')).fontSize") == "30px"
        assert 0.5 < clear_share(obs) < 0.99
        assert obs.text(".nick") == "Mia"
        assert not obs.run("return document.getElementById('trouble').checkVisibility()")
        assert obs.errors() == []
        # Nobody sits behind a browser source.
        with stack.watching(room=room.id) as phone:
            assert phone.snapshot["online"] <= 1
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


def test_likes_arrivals_mutes_and_bans_show_on_the_page(stack: Stack) -> None:
    room = Room.made(stack)
    stella, zed = stack.usersig("stella"), person(stack, "Zed")
    with browser() as mia:
        open_room(mia, room, usersig=person(stack, "Mia"))
        mia.until("!document.getElementById('comment').readOnly")
        for _ in range(3):
            mia.click("#like")
        assert mia.text("#like-count") == "3"
        mia.until("document.getElementById('like').getAttribute('aria-label') === 'Like. 3 likes so far'")
        assert stack.api("POST", f"rooms/{room.id}/likes", {"count": 4}, bearer=zed)[1]["counted"] == 4
        mia.until("document.getElementById('like-count').textContent === '7'")

        with stack.watching(as_="kim", room=room.id):
            mia.until("document.querySelector('.arrival')?.textContent.includes('came in')")
            mia.until("document.getElementById('online-count').textContent === '2'")

        _, listed = stack.api("GET", f"rooms/{room.id}/members", bearer=stella)
        (identifier,) = [user["id"] for user in listed["results"] if user["nick"] == "Mia"]
        measure = {"user": identifier, "seconds": 3600}
        mia.type("#comment", "half a sen", enter=False)
        assert stack.api("POST", f"rooms/{room.id}/mutes", measure, bearer=stella)[0] in (200, 201)
        # Who is muted while typing goes on for a moment: no letter of it is a shortcut, and the draft is there afterwards.
        mia.until("/muted you \\([0-9:]+\\)/.test(document.getElementById('closed-why').textContent)")
        mia.type("#comment", "kmfdlg ", enter=False, clear=False)
        assert mia.run("return document.activeElement.id") == "comment"
        assert mia.text("#like-count") == "7"
        assert mia.run("return document.getElementById('gift-panel').hidden")
        assert stack.api("DELETE", f"rooms/{room.id}/mutes/{identifier}", bearer=stella)[0] == 204
        mia.until("!document.getElementById('comment').readOnly")
        assert mia.run("return document.getElementById('comment').value") == "half a sen"
        assert stack.api("PUT", f"rooms/{room.id}/mute-all", bearer=stella)[0] in (200, 204)
        mia.until("document.getElementById('closed-why').innerText === 'A moderator muted everyone.'")
        assert stack.api("DELETE", f"rooms/{room.id}/mute-all", bearer=stella)[0] in (200, 204)
        mia.until("!document.getElementById('comment').readOnly")
        mia.type("#comment", "here I am")
        mia.until("document.querySelectorAll('.comment.own:not(.pending)').length === 1")

        assert stack.api("POST", f"rooms/{room.id}/bans", measure, bearer=stella)[0] in (200, 201)
        mia.until("document.querySelector('#scene h2')?.textContent === 'You are banned'")
        assert "until" in mia.text("#scene .why")
        # The load of the page again says the same.
        mia.open(room.page)
        mia.until("document.querySelector('#scene h2')?.textContent === 'You are banned'")
        assert mia.errors() == []


def test_who_enters_another_room_is_told_in_the_first(stack: Stack) -> None:
    first, second = Room.made(stack), Room.made(stack)
    usersig = person(stack, "Mia")
    with browser() as mia:
        open_room(mia, first, usersig=usersig)
        phone = Phone(ws=str(stack.ready["ws"]), usersig=usersig)
        try:
            assert phone.asks("join", room=second.id)["ok"]
            mia.until("document.querySelector('#scene h2')?.textContent === 'You are in another room'")
            mia.click("#scene .primary")
            mia.until("document.getElementById('online').checkVisibility()")
            assert phone.hears("bye")["reconnect"] is False
        finally:
            phone.close()
