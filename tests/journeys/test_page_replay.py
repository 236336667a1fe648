"""A recording on the page: what was said flies at its moment, a place may be chosen, nothing comes twice, and the way back."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.browser import Browser, browser
from tests.helpers.kept_film import comment, gift, keep_film
from tests.helpers.stack import Stack
from tests.journeys.test_page import Room, badge, person

pytestmark = pytest.mark.journey

SCREENSHOTS = os.environ.get("LIVEROOM_SCREENSHOTS")
NOW = "document.getElementById('video').currentTime"
LISTED = "[...document.querySelectorAll('.comment .text')].map((node) => node.textContent)"
# When each bullet appeared, by the picture's own time.
WATCH = """
window.flown = [];
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const node of addedNodes) {
    flown.push([node.textContent, document.getElementById('video').currentTime]);
  }
}).observe(document.getElementById('bullets'), { childList: true });
"""


def shown(window: Browser, name: str) -> None:
    if SCREENSHOTS:
        window.run("document.getElementById('stage').dispatchEvent(new Event('pointermove'))")
        time.sleep(0.3)
        window.screenshot(Path(SCREENSHOTS) / f"{name}.png")


def seek(window: Browser, seconds: float) -> None:
    """As a click into the bar does."""
    window.run(
        "const bar = document.getElementById('replay-seek'); bar.value = arguments[0] * 10;"
        "for (const type of ['input', 'change']) bar.dispatchEvent(new Event(type, { bubbles: true }))",
        seconds,
    )


def played(window: Browser, *, beyond: float) -> None:
    window.until(f"{NOW} > arguments[0]", beyond, seconds=25)


def the_show() -> list[tuple[float, dict[str, Any]]]:
    """Two comments a second; the picture stands for 0 to 40 s and again for 100 to 120 s of the day."""
    every = [(half / 2, comment(f"at {half / 2:g}", by="Zed")) for half in range(80)]
    return sorted(
        [
            *every,
            (-100, {"type": "pin", "pinned": {"kind": "text", "text": "Welcome", "by": "max", "at": 1}}),
            (6.2, comment("six seconds <b>", by="Kim", color="#ffe66d")),
            (8, gift(by="Kim")),
            (15, {"type": "pin", "pinned": None}),
            (70, comment("in the break", by="Kim")),
            (110, comment("after the break", by="Kim")),
        ],
        key=lambda one: one[0],
    )


def test_a_played_back_room_plays_its_recording_with_what_was_said(stack: Stack) -> None:
    room = Room.made(stack)
    number = keep_film(stack, room=room.id, said=the_show())
    room.set_status("live")
    room.set_status("ended")
    room.set_status("played_back")
    mia = person(stack, "Mia")
    with browser() as window:
        window.open(f"{room.page}#usersig={mia}")
        window.until("document.querySelector('.room').classList.contains('replaying')")
        window.run(WATCH)
        played(window, beyond=1)
        badge(window, "played_back")
        assert not window.run("return document.getElementById('composer').checkVisibility()")
        assert "Recorded " in window.text(".replay-note")
        assert window.text("#pinned-text") == "Welcome"
        # At its moment, to a third of a second.
        played(window, beyond=7)
        flown = window.run("return Object.fromEntries(flown)")
        assert flown["six seconds <b>"] == pytest.approx(6.2, abs=0.35)
        assert flown["at 4"] == pytest.approx(4, abs=0.35)
        window.until("document.querySelector('.gift-banner')?.textContent.includes('Kim')")
        shown(window, "replay-wide")

        # Paused: time stands, and what flies stands with it.
        window.find("body").send_keys(" ")
        window.until("document.getElementById('video').paused")
        where = "return [...document.querySelectorAll('.bullet')].map((node) => node.getBoundingClientRect().left)"
        before, told = window.run(where), window.run(f"return {LISTED}.length")
        time.sleep(0.8)
        assert before
        assert window.run(where) == before
        assert window.run(f"return {LISTED}.length") == told

        # Back: the list is that of the moment, bullets are gone, and what comes then comes once.
        window.find("body").send_keys(" ")
        seek(window, 3.2)
        window.until("!document.querySelector('.gift-banner')")
        window.until(f"{LISTED}.at(-1) === 'at 3' || {LISTED}.at(-1) === 'at 3.5'")
        assert window.run(f"return {LISTED}[0]") == "at 0"
        played(window, beyond=6.9)
        listed = window.run(f"return {LISTED}")
        assert len(listed) == len(set(listed))
        assert {"at 4", "at 6.5", "six seconds <b>"} <= set(listed)

        # On, over the break: what was said in it stands at the joint; the pin is gone.
        seek(window, 38.2)
        window.until(f"{LISTED}.includes('at 38')")
        assert not window.run("return document.getElementById('pinned').checkVisibility()")
        played(window, beyond=40.5)
        listed = window.run(f"return {LISTED}")
        assert "in the break" in listed
        assert "after the break" not in listed
        window.find("body").send_keys("\ue014")  # the arrow to the right
        played(window, beyond=45)
        window.click("#replay-menu summary")
        assert f"recording={number}&t=4" in window.run("return document.getElementById('replay-link').value")
        shown(window, "replay-menu")

        # The show goes on today: a word, and a way there.
        room.set_status("live")
        window.click("#replay-live")
        window.until("!document.querySelector('.room').classList.contains('replaying')")
        window.until("document.getElementById('composer').checkVisibility()")
        assert "recording" not in window.run("return location.search")
        assert window.errors() == []


def test_a_link_opens_at_its_moment_also_on_a_phone_and_nobody_sees_what_is_not_published(stack: Stack) -> None:
    room = Room.made(stack)
    number = keep_film(stack, room=room.id, said=the_show())
    hidden = keep_film(stack, room=room.id, said=[], published=False, hours_ago=10)
    with browser(width=390, height=844, phone=True) as window:
        window.open(f"{room.page}?recording={number}&t=0m30s")
        played(window, beyond=30.5)
        assert window.run(f"return {NOW}") < 36
        window.until(f"{LISTED}.includes('at 29.5')")
        # Nothing is cut.
        assert window.run("return document.documentElement.scrollWidth") <= 390
        for part in ("#replay-seek", "#fullscreen", "#replay-menu summary"):
            box = window.run(
                "const b = document.querySelector(arguments[0]).getBoundingClientRect(); return [b.left, b.right]", part
            )
            assert 0 <= box[0] < box[1] <= 390, part
        shown(window, "replay-phone")
        window.open(f"{room.page}?recording={hidden}")
        window.until("document.querySelector('#scene h2')?.textContent === 'There is no recording to watch'")
        window.click("#scene .primary")
        window.until("document.querySelector('#scene h2')?.textContent === 'Not started yet'")


def test_ten_thousand_comments_seek_in_a_blink(stack: Stack) -> None:
    room = Room.made(stack)
    said = [(number * 0.004, comment(f"n{number}", by=f"P{number % 300}")) for number in range(10_000)]
    number = keep_film(stack, room=room.id, said=said)
    with browser() as window:
        window.open(f"{room.page}?recording={number}")
        played(window, beyond=0.5)
        window.run("document.getElementById('play').click()")
        took = window.run_async(
            """
            const bar = document.getElementById('replay-seek');
            const took = [];
            for (const place of [35, 12, 39, 3, 22, 31]) {
              const begun = performance.now();
              bar.value = place * 10;
              for (const type of ['input', 'change']) bar.dispatchEvent(new Event(type, { bubbles: true }));
              const wanted = `n${place * 250}`;
              while (![...document.querySelectorAll('.comment .text')].some((node) => node.textContent === wanted)) {
                await new Promise((done) => setTimeout(done, 5));
                if (performance.now() - begun > 10_000) throw new Error(`no ${wanted}`);
              }
              took.push(Math.round(performance.now() - begun));
            }
            return took;
            """
        )
        print(f"seeks among 10,000 comments: {took} ms")
        # 0.3 s where nothing else runs; tests share their cores.
        assert sorted(took)[len(took) // 2] < 1_000
        assert window.errors() == []
