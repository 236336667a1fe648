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

        # In the middle of what was read at once: the pin was taken away a second before.
        assert window.text("#pinned-text") == "Welcome"
        seek(window, 16)
        window.until("!document.getElementById('pinned').checkVisibility()")
        assert window.run("return document.querySelectorAll('.comment .nick').length") == window.run(
            "return [...document.querySelectorAll('.comment .nick')].filter((node) => /Zed|Kim/.test(node.textContent)).length"
        )

        # On, over the break: what was said in it stands at the joint; the pin is gone.
        seek(window, 38.2)
        window.until(f"{LISTED}.includes('at 38')")
        played(window, beyond=40.5)
        listed = window.run(f"return {LISTED}")
        assert "in the break" in listed
        assert "after the break" not in listed
        window.find("body").send_keys("\ue014")  # the arrow to the right
        played(window, beyond=45)
        window.click("#replay-menu summary")
        window.until("document.getElementById('replay-link').value.includes(arguments[0])", f"recording={number}&t=4")
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


def test_a_recording_of_several_files_is_one_film_and_its_comments_are_files_too(stack: Stack) -> None:
    room = Room.made(stack)
    said = [(59.2, comment("before the seam")), (60 + 62, comment("behind the seam"))]
    number = keep_film(stack, room=room.id, said=said, files=2)
    label = "document.getElementById('replay-time').textContent"
    mia = person(stack, "Mia")
    with browser() as window:
        window.open(f"{room.page}?recording={number}&t=57#usersig={mia}")
        window.run(WATCH)
        window.until(f"{label} === '1:02 / 2:00'", seconds=30)
        window.until("flown.some(([text]) => text === 'behind the seam')")
        # By the second file's own time.
        assert dict(window.run("return flown"))["behind the seam"] == pytest.approx(2, abs=0.6)
        seek(window, 20)
        window.until(f"{label} === '0:22 / 2:00'", seconds=20)
        assert window.run(f"return {LISTED}") == []
        saved = window.run_async(
            """
            const saved = new Promise((done) => { URL.createObjectURL = (blob) => (done(blob), 'data:,'); });
            document.querySelector('[data-file=bilibili]').click();
            return (await saved).text();
            """
        )
        assert saved.count("<d p=") == 2
        assert window.errors() == []
        # Who is banned meanwhile sees no more of it.
        measure = {"user": stack.api("GET", "me", bearer=mia)[1]["id"], "seconds": 60}
        assert stack.api("POST", f"rooms/{room.id}/bans", measure, bearer=stack.usersig("stella"))[0] in (200, 201)
        window.until("document.querySelector('#scene h2')?.textContent === 'You are banned'")
        assert not window.run("return document.getElementById('video').hasAttribute('src')")


def test_what_is_due_is_told_once_in_order_and_never_left_out(stack: Stack) -> None:
    with browser(width=600, height=400) as window:
        window.open(f"{stack.http}/r/no-such-room")
        got = window.run_async(
            """
            const { Track, likesAt, windowOf } = await import('/static/page/replay/track.js');
            const { momentOf } = await import('/static/page/replay/shelf.js');
            const { partAt } = await import('/static/page/replay/film.js');
            const { lineOf } = await import('/static/page/replay/heard.js');
            const asked = [];
            let hold = null, fails = 0;
            // An event a second; the server answers ten seconds at a time at most.
            const ask = async ({ from, to, before }) => {
              asked.push([from, to, before]);
              if (before) return { earlier: [{ type: 'comment', at_ms: from - 500 }], standing: [], events: [], to_ms: to };
              if (fails > 0) { fails -= 1; throw new Error('away'); }
              await hold;
              const until = Math.min(to, from + 10_000);
              const events = [];
              for (let at = Math.ceil(from / 1000) * 1000; at < until; at += 1000) events.push({ type: 'comment', at_ms: at });
              return { events, to_ms: until };
            };
            const track = new Track({ ask, windowMs: 30_000 });
            const first = await track.seek(28_500);
            const told = [];
            const go = (ms) => told.push(...track.advance(ms).map(({ at_ms: at }) => at / 1000));
            for (const ms of [28_600, 29_100, 29_200]) go(ms);
            await new Promise((done) => setTimeout(done, 20));
            for (const ms of [30_000, 30_100, 33_700, 33_700]) go(ms);
            // The line breaks: it is told late.
            let release; hold = new Promise((done) => (release = done));
            for (const ms of [59_900, 60_500, 61_200]) go(ms);
            const before = told.length;
            release(); hold = null;
            await new Promise((done) => setTimeout(done, 20));
            go(62_000);
            // Back: what was told then is told again, once.
            const back = await track.seek(5_000);
            const again = track.advance(7_000).map(({ at_ms: at }) => at / 1000);
            // Two seeks at once: the later counts.
            const both = await Promise.all([track.seek(100_000), track.seek(1_000)]);
            const points = [{ at_ms: 0, total: 10 }, { at_ms: 1_000, total: 20 }];
            return {
              first: first.lines.length, last: first.lines.at(-1).at_ms, told, before,
              back: back.lines.at(-1).at_ms, again, stale: both[0], live: both[1].lines.length,
              likes: [0, 500, 1_000, 9_000].map((ms) => likesAt(points, ms)).concat(likesAt([], 5)),
              windows: [[0], [1, 0, 0], [100]].map((density) => windowOf({ density, duration_ms: density[0] === 100 ? 1_000 : 600_000 })),
              moments: ['90', '1:30', '0:01:30', '1m30s', '1h', '', 'x', '-5', null].map(momentOf),
              parts: [0, 59_999, 60_000, 999_999].map((ms) => partAt([{ at_ms: 0 }, { at_ms: 60_000 }], ms)),
              lines: [
                { type: 'status', status: 'live' }, { type: 'custom' },
                { type: 'draw_result', draw: { prize: 'a cup', winners: [{ id: 'm', nick: 'Mia' }], won: 3 } },
              ].map(lineOf),
            };
            """
        )
    seconds = [float(one) for one in got["told"]]
    assert seconds == [29, *range(30, 34), *range(34, 63)]
    assert got["before"] == len([one for one in seconds if one < 60])
    assert (got["first"], got["last"], got["back"]) == (30, 28_000, 5_000)
    assert (got["again"], got["stale"], got["live"]) == ([6, 7], None, 3)
    assert got["likes"] == [10, 15, 20, 20, 0]
    assert got["windows"] == [30_000, 30_000, 5_000]
    assert got["moments"] == [90_000, 90_000, 90_000, 90_000, 3_600_000, 0, 0, 0, 0]
    assert got["parts"] == [0, 0, 1, 1]
    assert got["lines"] == ["The stream began.", "", "a cup went to Mia and 2 more."]


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
