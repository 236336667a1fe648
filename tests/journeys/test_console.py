"""A streamer's evening at the console, in a real browser: the address for OBS, a push, its health, a new key, the end."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.browser import Browser, browser
from tests.helpers.stack import Stack, clip

pytestmark = pytest.mark.journey


@pytest.fixture
def room(stack: Stack) -> str:
    """A room of stella's own for this test: keys are reset and shows are ended here."""
    group_id = f"console-{uuid.uuid4().hex[:8]}"
    body = {"id": group_id, "owner": "stella", "title": "Stella's evening", "notice": "Tonight: three songs."}
    status, answer = stack.api("POST", "rooms", body, bearer=stack.ready["app"]["api_key"])
    assert status == 201, answer
    return group_id


@pytest.fixture
def console(stack: Stack, room: str) -> Iterator[Browser]:
    """stella, logged in, on the page of her room."""
    with browser(width=1360, height=1060) as window:
        log_in(window, stack, "stella", str(stack.ready["demo"]["streamer_password"]))
        window.until(
            "[...document.querySelectorAll('.lr-room-card')].some((card) => card.innerText.includes(arguments[0]))",
            room,
        )
        window.run(
            "[...document.querySelectorAll('.lr-room-card')].find((card) => card.innerText.includes(arguments[0])).click()",
            room,
        )
        window.until("document.querySelector('#obs-key')")
        yield window


def log_in(window: Browser, stack: Stack, username: str, password: str) -> None:
    window.open(f"{stack.http}/admin/login/?next=/admin/")
    window.type("#id_username", username, enter=False)
    window.type("#id_password", password)
    window.until("document.querySelector('#overview')")


def value(window: Browser, selector: str) -> str:
    return str(window.run("return document.querySelector(arguments[0]).value", selector))


def reads(window: Browser, slot: str) -> str:
    return window.text(f"[data-live='{slot}']")


def push_url(window: Browser) -> str:
    return f"{value(window, '#obs-server')}/{value(window, '#obs-key')}"


def test_a_streamer_finds_the_key_pushes_and_sees_how_it_arrives(console: Browser, stack: Stack) -> None:
    assert value(console, "#obs-server") == stack.ready["demo"]["obs_server"]
    assert console.find("#obs-key").get_attribute("type") == "password"
    console.click("[data-eye='#obs-key']")
    assert console.find("#obs-key").get_attribute("type") == "text"
    console.click("[data-eye='#obs-key']")
    with stack.push(url=push_url(console)):
        console.until("document.querySelector('#health-panel').dataset.onAir === 'yes'", seconds=20)
        console.until("document.querySelector('[data-live=status]').dataset.status === 'live'", seconds=10)
        console.until("/^[1-9]/.test(document.querySelector('[data-live=bitrate]').textContent)", seconds=30)
        console.until("document.querySelector('[data-live=size]').textContent === '640 × 360'", seconds=20)
        console.until("/^[0-9.]+ s$/.test(document.querySelector('[data-live=keyframe]').textContent)", seconds=40)
        assert "H264 + AAC" in reads(console, "codecs")
        console.until("(document.querySelector('[data-live=line]').getAttribute('d').match(/L/g) ?? []).length > 1")
        assert console.run("return !document.querySelector('button[data-to-status=ended]').hidden")
        if os.environ.get("LIVEROOM_SCREENSHOTS"):
            console.screenshot(Path(os.environ["LIVEROOM_SCREENSHOTS"]) / "console.png")
    console.until("document.querySelector('#health-panel').dataset.onAir === 'no'", seconds=20)
    assert console.errors() == []


def test_a_reset_key_refuses_the_old_one_and_the_page_says_so(console: Browser, stack: Stack) -> None:
    old = push_url(console)
    with stack.push(url=old) as pushing:
        console.until("document.querySelector('#health-panel').dataset.onAir === 'yes'", seconds=20)
        console.click("[data-dialog='act-reset-key']")
        console.click("#act-reset-key [type=submit]")
        assert pushing.wait(timeout=15) != 0
    console.until("document.querySelector('#obs-key').value !== arguments[0]", old.rpartition("/")[2])
    new = push_url(console)
    again = subprocess.run(
        ["ffmpeg", "-v", "error", "-re", "-i", str(clip()), "-c", "copy", "-f", "flv", old],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert again.returncode != 0
    console.until("/refused .*The key was reset/.test(document.querySelector('[data-live=last-refusal]').innerText)")
    with stack.push(url=new):
        console.until("document.querySelector('#health-panel').dataset.onAir === 'yes'", seconds=20)
    assert console.errors() == []


def test_a_notice_saved_here_is_on_the_viewers_page_at_once(console: Browser, stack: Stack, room: str) -> None:
    words = "Tonight: two songs and a surprise"
    with browser() as viewer:
        viewer.open(f"{stack.http}/r/{room}")
        console.type("#id_notice", words, enter=False)
        assert f"{len(words)} / 300 bytes" in console.find("#room_form").text
        console.click("#submit-row [name=_save]")
        console.until("document.body.innerText.includes('Viewers see it at once')")
        viewer.until("document.body.innerText.includes(arguments[0])", words)
    assert console.errors() == []


def test_ending_the_show_asks_first_and_cuts_the_publisher(console: Browser, stack: Stack) -> None:
    with stack.push(url=push_url(console)) as pushing:
        console.until("document.querySelector('[data-live=status]').dataset.status === 'live'", seconds=20)
        console.click("[data-dialog='act-status-ended']")
        console.click("#act-status-ended [data-close]")
        assert pushing.poll() is None
        console.click("[data-dialog='act-status-ended']")
        console.click("#act-status-ended [type=submit]")
        assert pushing.wait(timeout=15) != 0
    console.until("document.querySelector('[data-live=status]').dataset.status === 'ended'")
    assert console.errors() == []


def test_staff_see_what_is_going_on(stack: Stack) -> None:
    with browser(width=1360, height=900) as window:
        log_in(window, stack, "admin", str(stack.ready["admin"]["password"]))
        seen = window.text("#overview")
        for part in ("Database", "Redis", "Media server", "Relay", "Outbox"):
            assert part in seen
        window.until("document.querySelectorAll('.lr-dot[data-good=no]').length === 0", seconds=20)
        assert window.errors() == []
