"""The page's shell without a browser: what the server writes into it, and what it must not."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from interactions.services.draws import open_draw
from liveroom.kernel import clock
from liveroom.page import vendor
from liveroom.rooms.services.rooms import change_access, change_room
from tests.helpers.people import STAFF, Cast

PAGE = Path(vendor.__file__).parent


def shell_of(html: str) -> dict:
    found = re.search(r'<script id="shell" type="application/json">(.*?)</script>', html, re.S)
    assert found
    return json.loads(found[1])


def test_a_room_that_is_open_is_named_and_its_title_is_text(cast: Cast) -> None:
    change_room(room=cast.room, by=STAFF, now=clock.now(), changes={"title": "</title><script>alert(1)</script>"})
    answer = Client().get("/r/r1", {"sdkappid": cast.app.sdkappid})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "<script>alert" not in html
    # One JSON island and one module: nothing inline runs.
    assert re.findall(r"<script[^>]*>", html) == [
        '<script type="module" src="/static/page/page.js">',
        '<script id="shell" type="application/json">',
    ]
    assert " style=" not in html
    shell = shell_of(html)
    assert shell["seen"]["status"] == "to_be_started"
    assert shell["sockets"][-1] == "/ws/v1"
    assert "no-cache" in answer["Cache-Control"]
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize("closed", [{"password": "sesame"}, {"allow_list_only": True}])
def test_a_room_that_asks_who_comes_in_shows_its_title_only(cast: Cast, closed: dict) -> None:
    said = {"notice": "the secret notice", "introduction": "the secret words"}
    change_room(room=cast.room, by=STAFF, now=clock.now(), changes=said)
    change_access(room=cast.room, by=STAFF, now=clock.now(), **closed)
    answer = Client().get("/r/r1", {"sdkappid": cast.app.sdkappid})
    html = answer.content.decode()
    assert "Stella&#x27;s room" in html
    assert "secret" not in html
    assert shell_of(html)["seen"] is None
    assert answer["X-Robots-Tag"] == "noindex"


def test_an_unlisted_room_is_shown_and_not_indexed(cast: Cast) -> None:
    change_access(room=cast.room, by=STAFF, now=clock.now(), visibility="unlisted")
    answer = Client().get("/r/r1", {"sdkappid": cast.app.sdkappid})
    assert answer.status_code == 200
    assert answer["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize(
    "path",
    ["nobody", "r1?sdkappid=1400000777", "r1?sdkappid=", "r1?sdkappid=x", "%00", "a/b", "%F0%9F%98%80", "r" * 300],
)
def test_what_is_no_room_of_the_app_gets_a_page_of_its_own(cast: Cast, path: str) -> None:
    answer = Client().get(f"/r/{path}")
    assert answer.status_code == 404
    assert "There is no such room" in answer.content.decode()


def test_the_demo_login_is_there_on_the_demo_app_only(cast: Cast) -> None:
    address = f"/r/r1?sdkappid={cast.app.sdkappid}"
    assert 'id="demo-login"' not in Client().get(address).content.decode()
    cast.app.demo = True
    cast.app.save()
    assert 'id="demo-login"' in Client().get(address).content.decode()


def test_a_draw_has_a_page_once_it_is_open_and_tells_no_more_than_its_room(cast: Cast) -> None:
    now = clock.now()
    said = {"room": cast.room, "prize": "A mug", "winners": 1, "by": STAFF, "now": now}
    opened = open_draw(keyword="666", closes_at=now + timedelta(minutes=5), **said)
    planned = open_draw(keyword="777", opens_at=now + timedelta(hours=1), closes_at=now + timedelta(hours=2), **said)
    answer = Client().get(f"/d/{opened.number}")
    assert "A mug" in answer.content.decode()
    assert answer["X-Robots-Tag"] == "noindex"
    for unknown in (planned.number, "nothing", "%00", "x" * 300):
        gone = Client().get(f"/d/{unknown}")
        assert gone.status_code == 404
        assert "There is no such draw" in gone.content.decode()
    change_access(room=cast.room, by=STAFF, now=now, password="sesame")
    assert "A mug" not in Client().get(f"/d/{opened.number}").content.decode()


@pytest.mark.parametrize(
    ("base", "allowed"),
    [
        ("", ""),
        ("https://cdn.example/gifts/", "https://cdn.example"),
        ("http://cdn.example:8080", "http://cdn.example:8080"),
        ("https://user@cdn.example/", ""),
        ("https://cdn.example;script-src/", ""),
    ],
)
def test_the_page_may_fetch_effects_from_the_gift_base_of_its_app(cast: Cast, base: str, allowed: str) -> None:
    cast.app.gift_base = base
    cast.app.save()
    policy = Client().get("/r/r1", {"sdkappid": cast.app.sdkappid})["Content-Security-Policy"]
    parts = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert "cdn.example" not in policy.replace(parts["connect-src"], "")
    assert [word for word in parts["connect-src"].split() if "cdn" in word] == [allowed] * bool(allowed)


def test_the_players_are_pinned_and_only_what_a_page_needs_is_served() -> None:
    lock = json.loads((PAGE / "package-lock.json").read_text())
    wanted = json.loads((PAGE / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert lock["packages"][""]["dependencies"] == wanted
    assert not any("resolved" in package for package in lock["packages"].values())
    assert vendor.missing() == []
    ours = {prefix for prefix, _ in vendor.VENDOR_DIRS}
    found = [one for finder in finders.get_finders() for one in finder.list([])]
    assert {path for path, storage in found if getattr(storage, "prefix", None) in ours} == vendor.SERVED
    assert finders.find("vendor/hls/hls.min.js")
    assert finders.find("vendor/hls/hls.js.map") is None


def test_the_page_asks_nobody_else_for_anything() -> None:
    found = [*PAGE.glob("static/page/**/*"), *PAGE.glob("templates/page/*")]
    files = [file for file in found if file.is_file()]
    assert len(files) > 15
    for file in files:
        outside = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", file.read_text())
        allowed = {"http://www.w3.org", "wss://live.example", "//live.example"}
        assert set(outside) <= allowed, (file.name, outside)
