"""The director's desk: its modules alone in a browser, and an evening at it with a second desk beside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.browser import Browser, browser
from tests.helpers.stack import Stack

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def window(stack: Stack) -> Iterator[Browser]:
    with browser(width=1500, height=1000) as opened:
        opened.open(f"{stack.http}/admin/login/")
        yield opened


def test_places_snap_stay_on_the_canvas_and_keep_a_least_size(window: Browser) -> None:
    got = window.run_async(
        """
        const { moved, resized, fitted, linesFor, percentIn } = await import('/static/console/director/geometry.js');
        const place = { input: 'a', x: 20, y: 20, width: 30, height: 30 };
        const lines = linesFor([{ x: 60, y: 0, width: 40, height: 40 }]);
        const box = ({ x, y, width, height }) => [x, y, width, height];
        return {
          out: box(moved(place, 500, -500)), free: box(moved(place, 0.5, 0.5)), near: box(moved(place, 9.2, 0, lines)),
          middle: box(moved(place, 14.4, 0, lines)),
          left: box(resized(place, 'w', 90, 0)), corner: box(resized(place, 'se', 15, 3, { square: true })),
          edge: box(resized(place, 'ne', 200, -200)), side: box(resized(place, 'e', 9.5, 0, { lines })),
          typed: box(fitted({ ...place, x: 90, width: 'x', height: 1e9 })),
          at: percentIn({ left: 100, top: 50, width: 200, height: 100 }, 150, 75),
        };
        """
    )
    assert got["out"] == [70, 0, 30, 30]
    assert got["free"] == [20.5, 20.5, 30, 30]
    # Its right side meets the other's left, or its middle a third of the canvas.
    assert got["near"] == [30, 20, 30, 30]
    assert got["middle"] == [35, 20, 30, 30]
    assert got["left"] == [46, 20, 4, 30]
    assert got["corner"] == [20, 20, 45, 45]
    assert got["edge"] == [20, 0, 80, 50]
    assert got["side"] == [20, 20, 40, 30]
    assert got["typed"] == [90, 0, 4, 100]
    assert got["at"] == {"x": 25, "y": 25}


def test_inputs_take_places_layers_are_ordered_and_troubles_said(window: Browser) -> None:
    got = window.run_async(
        """
        const looks = await import('/static/console/director/looks.js');
        const kinds = await import('/static/console/director/overlay-kinds.js');
        const { sentence } = await import('/static/console/director/status.js');
        const { decibels } = await import('/static/console/director/mixer.js');
        const half = { y: 0, width: 50, height: 100 };
        const two = [{ input: 'a', x: 0, ...half, crop: { left: 9 } }, { input: 'b', x: 50, ...half, z: 3 }];
        const boxes = [looks.WHOLE, { x: 60, y: 60, width: 30, height: 30, fit: 'cover' }, { x: 1, y: 1, width: 9, height: 9 }];
        const inputs = (places) => places.map(({ input }) => input).join('');
        return {
          alone: looks.alone(two, 'a')[0], swapped: inputs(looks.seated(two, 0, 'b')), third: inputs(looks.seated(two, 1, 'c')),
          laid: inputs(looks.laidOut(boxes, [two[1]], ['a', 'b', 'c'])), fewer: looks.laidOut(boxes, two, ['a', 'b']).length,
          crop: looks.laidOut(boxes, two, ['a', 'b'])[0].crop, added: looks.added(two, 'c').at(-1).z,
          layers: looks.layered(two, 0, 1).map(({ z }) => z), bottom: looks.layered(two, 0, -9).map(({ z }) => z),
          hit: [looks.at(two, { x: 10, y: 10 }), looks.at(looks.added(two, 'c'), { x: 70, y: 70 }), looks.at([], { x: 1, y: 1 })],
          troubles: [{ state: 'lost', black: 9 }, { state: 'up', black: 2.5, silent: 4 }, { state: 'up' }, undefined]
            .map((told) => looks.troubles(told).map(({ word }) => word).join('+')),
          share: [looks.share(-90), looks.share(-30), looks.share(3)], falls: looks.falling(1, 0, 0.1),
          decibels: [decibels(-60), decibels(0), decibels(-12.5), decibels(3)],
          kinds: Object.keys(kinds.KINDS).map((kind) => kinds.fresh(kind)).every((one) => typeof kinds.summary(one) === 'string'),
          score: kinds.summary({ kind: 'scoreboard', text: 'A', detail: 'B', score: [2, 1] }),
          words: [{}, { stale: true }, { state: 'waiting', stale: true, reason: 'No host.' }, { connected: false }, { away: true },
            { state: 'failed', reason: 'Why.' }, { state: 'stopped' },
          ].map((more) => sentence({ state: 'running', connected: true, ...more })),
        };
        """
    )
    assert (got["alone"]["width"], got["alone"]["crop"]) == (100, {"left": 9})
    assert (got["swapped"], got["third"], got["laid"], got["fewer"]) == ("ba", "ac", "bac", 2)
    assert (got["crop"], got["added"]) == ({"left": 9}, 4)
    assert (got["layers"], got["bottom"]) == ([1, 0], [0, 1])
    assert got["hit"] == [0, 2, -1]
    assert got["troubles"] == ["lost", "black+silent", "", ""]
    assert (got["share"], round(got["falls"], 2)) == ([0, 0.5, 1], 0.91)
    assert got["decibels"] == ["off", "0 dB", "−12.5 dB", "+3 dB"]
    assert (got["kinds"], got["score"]) == (True, "A 2 : 1 B")
    assert got["words"][0] == ""
    assert all(got["words"][1:])
    assert len(set(got["words"])) == len(got["words"])
    assert "No host." in got["words"][2]


def _at_the_desk(window: Browser, stack: Stack, path: str) -> None:
    window.open(f"{stack.http}/admin/login/?next={path}")
    window.type("#id_username", "stella", enter=False)
    window.type("#id_password", str(stack.ready["demo"]["streamer_password"]))
    window.until("document.querySelector('#desk-inputs .dk-input')")


def test_what_one_desk_takes_another_one_sees_and_the_picture_follows(window: Browser, stack: Stack) -> None:
    stella = stack.usersig("stella")
    wish = {
        "room": "demo", "inputs": [{"color": "#c0392b", "name": "Red"}, {"color": "#2980b9", "name": "Blue"}], "layout": "1",
        "width": 640, "height": 360, "fps": 10, "programme": False,
    }  # fmt: skip
    status, mix = stack.api("POST", "mixes", wish, bearer=stella)
    assert status == 201, mix
    path = f"/admin/rooms/room/1/director/{mix['id']}/"
    try:
        _at_the_desk(window, stack, path)
        with browser(width=1200, height=900) as other:
            _at_the_desk(other, stack, path)
            serial = stack.api("GET", f"director/{mix['id']}?meters=false", bearer=stella)[1]["serial"]
            window.click("[data-layout='2']")
            window.until("document.querySelectorAll('.dk-in-preview').length === 2")
            other.until("document.querySelectorAll('.dk-in-preview').length === 2")
            window.click("#desk-take")
            other.until("document.querySelectorAll('.dk-on-air').length === 2")
            assert stack.api("GET", f"director/{mix['id']}?meters=false", bearer=stella)[1]["serial"] > serial
            # A real compositor has drawn it: right of the middle it is blue.
            other.until(
                """(() => {
                  const image = document.getElementById('desk-programme');
                  if (image.hidden || !image.naturalWidth) return false;
                  const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
                  const pen = canvas.getContext('2d');
                  pen.drawImage(image, 0, 0, 8, 8);
                  const at = (x) => [...pen.getImageData(x, 4, 1, 1).data];
                  const [left, right] = [at(1), at(6)];
                  return left[0] > left[2] + 60 && right[2] > right[0] + 60;
                })()""",
                seconds=30,
            )
            other.until("document.querySelector('#desk-state').dataset.status === 'live'", seconds=20)
            assert other.errors() == []
        assert window.errors() == []
    finally:
        assert stack.api("DELETE", f"mixes/{mix['id']}", bearer=stella)[0] == 204
    window.until("document.querySelector('#desk-sentence').innerText.includes('has ended')")
