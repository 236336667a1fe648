"""The viewer page in a real browser, on a whole copy: what people see, hear of each other, and are told."""

from __future__ import annotations

import itertools
import time
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.helpers.browser import Browser, browser
from tests.helpers.stack import Stack

pytestmark = pytest.mark.journey

PLAYING = "!document.getElementById('stage').classList.contains('empty')"
JOINED = "document.getElementById('login').checkVisibility() || document.getElementById('composer').checkVisibility()"
RECEIVED = "[...document.querySelectorAll('.comment .text')].some((node) => node.textContent === arguments[0])"
FLYING = "[...document.querySelectorAll('.bullet')].some((node) => node.textContent === arguments[0])"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Room:
    """A room of stella's, made over REST as a customer's backend would."""

    stack: Stack
    id: str
    push_url: str

    @classmethod
    def made(cls, stack: Stack, **fields: Any) -> Room:
        group_id = f"page-{next(_numbers)}-{uuid.uuid4().hex[:6]}"
        server = stack.ready["app"]["api_key"]
        body = {"id": group_id, "owner": "stella", "title": "Stella's evening", **fields}
        status, answer = stack.api("POST", "rooms", body, bearer=server)
        assert status == 201, answer
        status, push = stack.api("GET", f"rooms/{group_id}/push", bearer=server)
        assert status == 200, push
        return cls(stack=stack, id=group_id, push_url=push["url"])

    @property
    def page(self) -> str:
        return f"{self.stack.http}/r/{self.id}"

    def change(self, **fields: Any) -> None:
        status, answer = self.stack.api("PATCH", f"rooms/{self.id}", fields, bearer=self.stack.ready["app"]["api_key"])
        assert status == 200, answer

    def set_status(self, status: str) -> None:
        server = self.stack.ready["app"]["api_key"]
        code, answer = self.stack.api("POST", f"rooms/{self.id}/status", {"status": status}, bearer=server)
        assert code == 200, answer

    def say(self, text: str, *, usersig: str, **style: str) -> None:
        status, answer = self.stack.api("POST", f"rooms/{self.id}/messages", {"text": text, **style}, bearer=usersig)
        assert status == 201, answer


def person(stack: Stack, nick: str) -> str:
    """A UserSig of somebody new with that name."""
    usersig = stack.usersig(f"p-{uuid.uuid4().hex[:12]}")
    status, answer = stack.api("PATCH", "me", {"nick": nick}, bearer=usersig)
    assert status == 200, answer
    return usersig


def open_room(window: Browser, room: Room, *, usersig: str = "") -> None:
    """The page, joined; with a token as an embedding site passes it."""
    window.open("about:blank")
    window.open(room.page + (f"#usersig={usersig}" if usersig else ""))
    window.until(JOINED)
    window.until("document.getElementById('online').checkVisibility()")


def badge(window: Browser, status: str, *, seconds: float = 15) -> None:
    window.until("document.getElementById('badge').dataset.status === arguments[0]", status, seconds=seconds)


def test_a_pushed_stream_plays_advances_and_stays_near_the_newest_picture(stack: Stack) -> None:
    room = Room.made(stack)
    with browser() as mia:
        open_room(mia, room)
        assert mia.text("#scene h2") == "Not started yet"
        with stack.push(url=room.push_url):
            badge(mia, "live")
            mia.until(PLAYING)
            first = mia.run("return document.getElementById('video').currentTime")
            mia.until("document.getElementById('video').currentTime > arguments[0] + 2", first)
            assert mia.run("return document.getElementById('video').videoWidth") == 640
            behind = "const v = document.getElementById('video'); return v.buffered.end(v.buffered.length - 1) - v.currentTime"
            assert mia.run(behind) < 1.6
            # Browsers let no page start with sound; one click of the viewer turns it on.
            assert mia.run("return document.getElementById('video').muted")
            mia.click("#unmute")
            mia.until("!document.getElementById('video').muted && !document.getElementById('unmute').checkVisibility()")
        assert mia.errors() == []


def test_the_picture_comes_back_soon_after_its_server_died(stack: Stack) -> None:
    """While nothing answers behind nginx (502 to 504 in its own words), nobody has refused anything."""
    room = Room.made(stack)
    with browser() as mia, stack.push(url=room.push_url):
        open_room(mia, room)
        mia.until(PLAYING)
        mia.run("window.titles = []; new MutationObserver(() => titles.push(document.querySelector('#scene h2')?.textContent))"
                ".observe(document.getElementById('scene'), { childList: true, subtree: true })")  # fmt: skip
        stack.kill("gateway-1")
        mia.until(
            "!(document.querySelector('video').currentTime > 0.5) || document.getElementById('stage').classList.contains('empty')"
        )
        mia.until("document.querySelector('video').currentTime > 0.5 && " + PLAYING, seconds=10)
        assert "No free place for the picture" not in mia.run("return titles")


def test_where_the_first_player_does_not_come_through_the_picture_comes_by_hls(stack: Stack) -> None:
    room = Room.made(stack)
    with stack.push(url=room.push_url), browser() as mia:
        mia.driver.execute_cdp_cmd("Network.enable", {})
        mia.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/mpegts.js"]})
        open_room(mia, room)
        mia.until(PLAYING, seconds=30)
        first = mia.run("return document.getElementById('video').currentTime")
        mia.until("document.getElementById('video').currentTime > arguments[0] + 2", first)
        assert mia.run("return 'Hls' in window && !('mpegts' in window)")


def test_whoever_comes_late_has_a_picture_at_once(stack: Stack) -> None:
    room = Room.made(stack)
    with stack.push(url=room.push_url), browser() as first, browser() as late:
        open_room(first, room)
        first.until(PLAYING)
        open_room(late, room)
        late.until(PLAYING, seconds=5)
        assert late.errors() == []


def test_a_comment_reaches_the_other_browser_in_the_list_and_over_the_picture(stack: Stack) -> None:
    room = Room.made(stack)
    with stack.push(url=room.push_url), browser() as mia, browser() as zed:
        for window, nick in ((mia, "Mia"), (zed, "Zed")):
            open_room(window, room)
            window.type("#nick", nick)
            window.until("document.getElementById('composer').checkVisibility()")
            window.until("!document.getElementById('comment').readOnly")
        zed.until(PLAYING)
        mia.type("#comment", "こんばんは from Mia")
        zed.until(FLYING, "こんばんは from Mia")
        zed.until(RECEIVED, "こんばんは from Mia")
        assert zed.text(".comment .nick") == "Mia"
        mia.until("document.querySelectorAll('.comment.own:not(.pending)').length === 1")
        assert zed.run("return document.querySelectorAll('.comment.own').length") == 0
        # The writer sees it once: the echo took the place of what was pending.
        assert mia.run("return document.querySelectorAll('.comment').length") == 1
        assert mia.errors() + zed.errors() == []


HOSTILE = (
    '<img src=x onerror="window.broken=1">',
    "<script>window.broken=2</script>&lt;b&gt;",
    "\u202egnirts sdrawkcab\u202c and \u2067more\u2069",
    "zero\u200bwidth\u200d\u2060\ufeff everywhere",
    "W" * 900,
    ("Z" + "\u0336\u0311\u030d\u0329" * 2) * 30 + " tall",
    "line\none\n\n\n\n\n\n\ntwo",
)
# What would reach into the lines around it is said by nobody (liveroom/kernel/values/text.py).
UNSAID = ("\u2067open", "Z" + "\u0336\u0311\u030d\u0329" * 60)


def test_hostile_comments_and_names_are_text_and_break_nothing(stack: Stack) -> None:
    room = Room.made(stack, notice='<i>hello</i><img src=x onerror="window.broken=3">')
    villain = person(stack, "<b>Ze\u200bd</b>")
    assert stack.api("PATCH", "me", {"nick": "<b>\u202eZed</b>"}, bearer=villain)[0] == 400
    for text in UNSAID:
        assert stack.api("POST", f"rooms/{room.id}/messages", {"text": text}, bearer=villain)[0] == 400
    with browser(width=360, height=740, phone=True) as mia:
        open_room(mia, room, usersig=person(stack, "Mia"))
        for text in HOSTILE:
            room.say(text, usersig=villain)
        mia.until("document.querySelectorAll('.comment').length === arguments[0]", len(HOSTILE))
        shown = mia.run("return [...document.querySelectorAll('.comment .text')].map((node) => node.textContent)")
        assert shown == list(HOSTILE)
        assert mia.text(".comment .nick") == "<b>Zed</b>"
        assert mia.run("return document.querySelectorAll('.comment :is(img, script, b, i)').length") == 0
        assert mia.run("return document.querySelectorAll('#about img').length") == 0
        assert mia.run("return window.broken ?? null") is None
        assert mia.run("return document.documentElement.scrollWidth") == 360
        # The box still works, and what is typed there comes back the same.
        mia.type("#comment", HOSTILE[0])
        mia.until("document.querySelectorAll('.comment.own:not(.pending)').length === 1")
        assert mia.text(".comment.own .text") == HOSTILE[0]
        assert mia.errors() == []


def test_viewers_see_live_then_paused_then_live_again(stack: Stack) -> None:
    room = Room.made(stack)
    with browser() as mia:
        open_room(mia, room)
        with stack.push(url=room.push_url):
            badge(mia, "live")
            mia.until(PLAYING)
        badge(mia, "paused")
        assert mia.text("#scene h2") == "Paused"
        assert "comes back by itself" in mia.text("#scene")
        # The last picture stays behind the words.
        assert mia.run("return document.getElementById('still').checkVisibility()")
        with stack.push(url=room.push_url):
            badge(mia, "live")
            mia.until(PLAYING)
            mia.until("document.getElementById('video').currentTime > 1")
        room.set_status("ended")
        badge(mia, "ended")
        assert mia.text("#scene h2") == "The stream has ended"
        assert mia.errors() == []


def test_notice_title_and_countdown_change_while_one_watches(stack: Stack) -> None:
    room = Room.made(stack)
    with browser() as mia:
        open_room(mia, room)
        room.change(title="A new title", notice="Back in ten minutes")
        mia.until("document.getElementById('title').textContent === 'A new title'")
        mia.until("document.getElementById('notice').innerText.includes('Back in ten minutes')")
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3723))
        room.change(starts_at=soon)
        mia.until("/^1:0[12]:[0-5][0-9]$/.test(document.querySelector('.countdown')?.textContent ?? '')")
        assert mia.text("#scene h2") == "Starts in"


def test_a_phone_shows_the_picture_the_talk_and_the_box(stack: Stack) -> None:
    room = Room.made(stack, title="A title that is too long for a phone, and stays in its line", notice="A notice")
    with stack.push(url=room.push_url), browser(width=360, height=740, phone=True) as mia:
        open_room(mia, room, usersig=person(stack, "Mia"))
        mia.until(PLAYING)
        boxes = mia.run(
            "return Object.fromEntries(['stage', 'scroller', 'comment'].map((id) =>"
            " [id, document.getElementById(id).getBoundingClientRect().toJSON()]))"
        )
        assert mia.run("return [document.documentElement.scrollWidth, document.body.scrollWidth]") == [360, 360]
        assert boxes["stage"]["top"] == 0
        assert boxes["stage"]["width"] == 360
        assert boxes["scroller"]["top"] >= boxes["stage"]["bottom"]
        assert boxes["comment"]["bottom"] <= 740
        assert boxes["scroller"]["height"] > 200
        mia.type("#comment", "from my phone")
        mia.until(RECEIVED, "from my phone")


# What reaches beyond the window, or beyond a box that cuts it and cannot be scrolled; words and invitations that do not fit.
CUT = """
    const found = [];
    for (const node of document.querySelectorAll(
      'button, input, summary, a, .event-card, .pinned, .closed-why, .sheet, #title, #badge, #online')) {
      const box = node.getBoundingClientRect();
      if (!node.checkVisibility() || node.closest('.unseen') || box.width === 0) continue;
      let edge = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
      let scrolls = false;
      for (let around = node.parentElement; around && !scrolls; around = around.parentElement) {
        const style = getComputedStyle(around);
        scrolls = /auto|scroll/.test(style.overflowY) && around.scrollHeight > around.clientHeight + 1 && !around.matches('.event-cards');
        if (scrolls || style.overflow === 'visible') continue;
        const cuts = around.getBoundingClientRect();
        for (const [side, most] of [['left', Math.max], ['top', Math.max], ['right', Math.min], ['bottom', Math.min]]) {
          edge[side] = most(edge[side], cuts[side]);
        }
      }
      const out = box.left < edge.left - 1 || box.top < edge.top - 1 || box.right > edge.right + 1 || box.bottom > edge.bottom + 1;
      const said = node.placeholder ?? '';
      const pen = Object.assign(document.createElement('canvas').getContext('2d'), { font: getComputedStyle(node).font });
      const style = getComputedStyle(node);
      const place = node.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      const short = said !== '' && node.id !== 'ask-text' && pen.measureText(said).width > place + 1;
      if (!scrolls && (out || short)) found.push(`${node.tagName} ${node.id || node.className} ${said} ${out ? 'out' : 'short'}`);
    }
    return found;
"""
# Width, height, whether it is a phone, and how many px of talk stay beside a pinned message, a poll and a draw.
SIZES = [
    (1280, 800, False, 220),
    (1024, 768, False, 180),
    (844, 390, True, 120),
    (390, 844, True, 250),
    (700, 420, False, 150),
]


def test_nothing_is_cut_at_any_size(stack: Stack) -> None:
    """With all at once: a picture, a pinned message, a poll with six answers, a draw, gifts, and a box that is closed."""
    room = Room.made(
        stack, title="Sunset set, live from the harbour of a very old town", notice="Tonight: the new record."
    )
    stella, mia_usersig = stack.usersig("stella"), person(stack, "Mia")
    for text in ("good evening everybody", "which filter is that? It sounds like the old one of my uncle", "one more!"):
        room.say(text, usersig=person(stack, "Ana"))
    answers = ["Jazz", "Rock", "Something slow", "Ambient", "Drum and bass", "Surprise me"]
    poll = {"question": "What shall I play next, after the break?", "answers": answers}
    draw = {
        "keyword": "666",
        "prize": "A mug with a lighthouse on it",
        "winners": 2,
        "seconds": 600,
        "conditions": {"follower": True},
    }
    assert (
        stack.api("PUT", f"rooms/{room.id}/pin", {"text": "Requests only until nine, please"}, bearer=stella)[0] == 200
    )
    assert stack.api("POST", f"rooms/{room.id}/polls", poll, bearer=stella)[0] == 201
    assert stack.api("POST", f"rooms/{room.id}/draws", draw, bearer=stella)[0] == 201
    with stack.push(url=room.push_url), browser() as mia:
        for width, height, phone, talk in SIZES:
            mia.resize(width=width, height=height, phone=phone)
            open_room(mia, room, usersig=mia_usersig)
            mia.until(PLAYING)
            mia.until("document.querySelectorAll('.event-card').length === 2")
            size = f"{width}x{height}"
            assert mia.run(CUT) == [], size
            # Everything that the wide page has is here.
            for part in (
                "title",
                "owner",
                "badge",
                "online",
                "follow",
                "about",
                "tab-comments",
                "tab-ranking",
                "ask-open",
            ):
                assert mia.run("return document.getElementById(arguments[0]).checkVisibility()", part), (size, part)
            assert mia.run("return document.getElementById('scroller').clientHeight") >= talk, size
            small = width < 900
            if small:
                mia.click(".poll summary")
                mia.until("document.querySelector('.poll .answer').checkVisibility()")
                assert mia.run(CUT) == [], f"{size}, the poll open"
                assert mia.run("return document.getElementById('scroller').clientHeight") >= 60, size
                mia.click(".poll summary")
            mia.click("#composer summary")
            assert mia.run(CUT) == [], f"{size}, colours open"
            mia.run(
                "document.querySelector('#composer details').open = false; document.getElementById('gift-open').click()"
            )
            mia.until("document.querySelectorAll('.gift').length > 0")
            assert mia.run(CUT) == [], f"{size}, gifts open"
            mia.run("document.getElementById('gift-close').click(); document.querySelector('#about').open = true")
            assert mia.run(CUT) == [], f"{size}, about open"
            mia.run(
                "document.activeElement.blur(); document.dispatchEvent(new KeyboardEvent('keydown', { key: '?', bubbles: true }))"
            )
            mia.until("document.getElementById('keys').open")
            assert mia.run(CUT) == [], f"{size}, the shortcuts"
            mia.run("document.getElementById('keys').close()")
            assert stack.api("PUT", f"rooms/{room.id}/mute-all", bearer=stella)[0] in (200, 204)
            mia.until("document.getElementById('closed-why').innerText === 'A moderator muted everyone.'")
            why = "document.getElementById('closed-why')"
            assert mia.run(f"return {why}.scrollHeight - {why}.clientHeight") == 0, f"{size}, the reason"
            assert mia.run(CUT) == [], f"{size}, the box closed"
            assert stack.api("DELETE", f"rooms/{room.id}/mute-all", bearer=stella)[0] in (200, 204)
        assert mia.errors() == []


def test_an_unknown_room_says_so_in_a_friendly_way(stack: Stack) -> None:
    with browser() as zed:
        for path in (
            "r/no-such-room",
            "r/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
            "r/demo?sdkappid=7",
            "r/demo?sdkappid=x",
        ):
            zed.open(f"{stack.http}/{path}")
            assert zed.text("h1") == "There is no such room"
            assert zed.run("return document.scripts.length") == 0
        assert stack.api("GET", f"{stack.http}/r/no-such-room")[0] == 404


def test_a_room_with_a_password_asks_for_it_and_shows_nothing_before(stack: Stack) -> None:
    room = Room.made(stack, notice="only for us", password="open sesame")
    with stack.push(url=room.push_url), browser() as mia:
        mia.open(room.page)
        mia.until("document.querySelector('#scene input[type=password]')")
        assert "only for us" not in mia.run("return document.documentElement.outerHTML")
        mia.type("#scene input", "guess")
        mia.until("document.getElementById('scene').innerText.includes('not the password')")
        mia.type("#scene input", "open sesame")
        mia.until("document.getElementById('notice').innerText.includes('only for us')")
        mia.until(PLAYING)


def test_a_disbanded_room_tells_who_is_in_it(stack: Stack) -> None:
    room = Room.made(stack)
    with browser() as mia:
        open_room(mia, room, usersig=person(stack, "Mia"))
        status, answer = stack.api("DELETE", f"rooms/{room.id}", bearer=stack.ready["app"]["api_key"])
        assert status == 204, answer
        mia.until("document.querySelector('#scene h2')?.textContent === 'This room was closed'")
        assert mia.run("return document.getElementById('comment').readOnly")
        mia.open(room.page)
        assert mia.text("h1") == "There is no such room"


def test_a_token_leaves_the_address_bar_and_a_bad_one_is_told(stack: Stack) -> None:
    room = Room.made(stack)
    with browser() as mia:
        open_room(mia, room, usersig=person(stack, "Mia"))
        mia.until("document.getElementById('whoami').innerText.includes('Mia')")
        assert "usersig" not in mia.run("return location.href")
        mia.open(room.page)
        mia.until("document.getElementById('whoami').innerText.includes('Mia')")
    with browser() as zed:
        zed.open(f"{room.page}#usersig={'A' * 60}")
        zed.until("document.getElementById('login').innerText.includes('sign-in has expired')")
        zed.until("document.getElementById('online').checkVisibility()")


def test_a_viewer_whose_socket_broke_comes_back_and_has_missed_nothing(stack: Stack) -> None:
    room = Room.made(stack)
    usersig = person(stack, "Zed")
    with browser() as mia:
        # The page's own socket is out of reach for us, its class is not.
        mia.driver.execute_cdp_cmd(
            "Page.addScriptToEvaluateOnNewDocument",
            {
                "source": "window.WebSocket = class extends WebSocket { constructor(...a) { super(...a); window.line = this; } };"
            },
        )
        open_room(mia, room)
        room.say("before", usersig=usersig)
        mia.until(RECEIVED, "before")
        mia.run("window.line.close()")
        room.say("meanwhile", usersig=usersig)
        mia.until(RECEIVED, "meanwhile")
        mia.until("!document.getElementById('banner').checkVisibility()")
        room.say("after", usersig=usersig)
        mia.until(RECEIVED, "after")
        shown = mia.run("return [...document.querySelectorAll('.comment .text')].map((node) => node.textContent)")
        assert shown == ["before", "meanwhile", "after"]
