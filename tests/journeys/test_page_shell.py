"""The page's shell without a browser: what the server writes into it, and what it must not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from interactions.draws.services.opening import open_draw
from liveroom.kernel import clock
from liveroom.page import vendor
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import Status
from liveroom.rooms.services.rooms import change_access, change_room, create_room, disband_room
from liveroom.rooms.services.status import set_status
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


def test_the_page_may_play_from_the_play_domain_of_its_app(cast: Cast) -> None:
    def policy() -> dict[str, str]:
        answer = Client().get("/r/r1", {"sdkappid": cast.app.sdkappid})["Content-Security-Policy"]
        return dict(part.strip().partition(" ")[::2] for part in answer.split(";"))

    assert "play.example.com" not in str(policy())
    cast.app.domains.filter(kind="play").update(name="play.example.com")
    found = policy()
    for part in ("media-src", "connect-src"):
        assert "http://play.example.com" in found[part].split()
    assert "play.example.com" not in found["default-src"]


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


def on_air(cast: Cast, group_id: str, **fields: Any) -> None:
    access = {name: fields.pop(name) for name in ("visibility", "password", "allow_list_only") if name in fields}
    owner = fields.pop("owner", cast.stella)
    room = create_room(app=owner.app, owner=owner, by=STAFF, now=clock.now(), group_id=group_id, **fields)
    set_status(room=room, status=Status.LIVE, by=STAFF, now=clock.now())
    if access:
        change_access(room=room, by=STAFF, now=clock.now(), **access)


def test_the_front_page_shows_viewers_what_is_on_air(cast: Cast) -> None:
    assert "Nobody is on air" in Client().get("/").content.decode()
    on_air(cast, "night", title="<b>Night</b>", introduction="the words", cover="https://elsewhere.example/c.png")
    on_air(cast, "hidden", title="Hidden room", visibility="unlisted")
    on_air(cast, "closed", title="Closed room", introduction="the secret words", password="sesame")
    on_air(cast, "theirs", title="Rita's room", owner=cast.rita)
    change_room(room=cast.room, by=STAFF, now=clock.now(), changes={"starts_at": clock.now() + timedelta(hours=2)})
    answer = Client().get("/")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "&lt;b&gt;Night&lt;/b&gt;" in html
    assert f'href="/r/night?sdkappid={cast.app.sdkappid}"' in html
    assert f'href="/r/theirs?sdkappid={cast.other_app.sdkappid}"' in html
    assert "the words" in html
    assert "Closed room" in html
    assert "Stella&#x27;s room" in html
    for secret in ("Hidden room", "the secret words", "elsewhere.example"):
        assert secret not in html
    # The console is at /admin/, and the page is the same for everybody.
    assert 'href="/admin/"' in html
    assert not answer.cookies
    one_app = Client().get("/", {"sdkappid": cast.app.sdkappid, "q": "night"}).content.decode()
    assert "Night" in one_app
    assert "Closed room" not in one_app
    assert "Rita" not in one_app
    assert "No room on air fits" in Client().get("/", {"q": "<script>\x00"}).content.decode()
    cast.other_app.open_list = False
    cast.other_app.save()
    assert "Rita" not in Client().get("/").content.decode()
    assert Client().get("/", {"sdkappid": "x"}).status_code == 404


def test_a_room_that_was_disbanded_or_ended_is_on_no_front_page(cast: Cast) -> None:
    on_air(cast, "over", title="It is over")
    set_status(room=Room.objects.get(group_id="over"), status=Status.ENDED, by=STAFF, now=clock.now())
    on_air(cast, "gone", title="It is gone")
    disband_room(room=Room.objects.get(group_id="gone"), by=STAFF, now=clock.now())
    assert "Nobody is on air" in Client().get("/").content.decode()


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/nowhere", "/r", "/x/y.html", "/%F0%9F%98%80", "/admin2/", "/d/a/b"])
def test_an_unknown_address_gives_people_a_page_and_programs_a_problem(db: None, path: str) -> None:
    page = Client().get(path, headers={"Accept": BROWSER})
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such page" in page.content.decode()
    assert "default-src 'self'" in page["Content-Security-Policy"]
    for accept in ("application/json", "*/*", ""):
        problem = Client().get(path, headers={"Accept": accept} if accept else {})
        assert (problem.status_code, problem["Content-Type"]) == (404, "application/problem+json")
        assert problem.json()["name"] == "not_found"


def test_the_api_answers_a_browser_with_a_problem_too(db: None) -> None:
    answer = Client().get("/api/v1/nowhere", headers={"Accept": BROWSER})
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_what_fails_or_is_not_allowed_gives_people_a_page(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr("liveroom.page.home._listed", breaks)
    client = Client(raise_request_exception=False)
    page = client.get("/", headers={"Accept": BROWSER})
    assert (page.status_code, page["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "Something failed here" in page.content.decode()
    assert "secret reason" not in page.content.decode()
    assert client.get("/").json()["name"] == "internal"
    # A form without its token.
    forged = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "x"}, headers={"Accept": BROWSER})
    assert forged.status_code == 403
    assert "This is not allowed" in forged.content.decode()


@pytest.mark.parametrize("origins", [(), ("https://www.example.com",)])
@pytest.mark.parametrize("production", [False, True])
def test_who_may_frame_the_page(cast: Cast, settings: Any, origins: tuple[str, ...], production: bool) -> None:
    env = "production" if production else "development"
    settings.LIVEROOM = replace(settings.LIVEROOM, origins=origins, env=env)
    answer = Client().get("/r/r1", {"sdkappid": cast.app.sdkappid})
    policy = answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    if origins:
        assert "frame-ancestors 'self' https://www.example.com" in policy
    elif production:
        assert policy.endswith("frame-ancestors 'self'")
    else:
        assert "frame-ancestors" not in policy
    # Nobody frames the console.
    console = Client().get("/admin/login/")
    assert "frame-ancestors 'self'" in console["Content-Security-Policy"]
    assert console["X-Frame-Options"] == "SAMEORIGIN"
