"""Moderation through the doors: who may, what is answered, what a muted or banned user meets."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from liveroom.accounts.services import tokens
from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from liveroom.kernel.web import devices
from moderation.models import Ban, BanTrace, Mute
from moderation.rules.verdict import FOR_EVER_SECONDS
from moderation.services import banning, muting
from tests.helpers.people import STAFF, make_person
from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db


def test_a_moderator_mutes_lists_and_lifts(cast):
    api = cast.api(cast.max)
    before = clock.now()
    muted = given(api.post("rooms/r1/mutes", {"user": "mia", "seconds": 90, "reason": "spam"}))
    assert muted["user"] == {"id": "mia", "nick": "Mia", "avatar": "", "level": 0}
    until = datetime.fromisoformat(muted["until"])
    assert before + timedelta(seconds=90) <= until <= clock.now() + timedelta(seconds=90)
    assert (muted["by"], muted["reason"]) == ("max", "spam")
    listed = given(api.get("rooms/r1/mutes"))
    assert listed == {"next": None, "previous": None, "results": [muted]}
    entry = AuditEntry.objects.get(action="room.mute")
    assert (entry.actor, entry.target, entry.reason, entry.address) == ("person:max", "mia", "spam", "127.0.0.1")
    given(api.delete("rooms/r1/mutes/mia"), 204)
    given(api.delete("rooms/r1/mutes/mia"), 204)
    assert given(api.get("rooms/r1/mutes"))["results"] == []


def test_zero_seconds_lift_and_null_is_until_lifted(cast):
    api = cast.api(cast.stella)
    assert given(api.post("rooms/r1/mutes", {"user": "mia", "seconds": None}))["until"] is None
    assert given(api.post("rooms/r1/mutes", {"user": "mia", "seconds": FOR_EVER_SECONDS}))["until"] is None
    given(api.post("rooms/r1/mutes", {"user": "mia", "seconds": 0}), 204)
    assert not Mute.objects.exists()
    assert given(api.post("rooms/r1/bans", {"user": "mia"}))["until"] is None
    given(api.delete("rooms/r1/bans/mia"), 204)
    assert not Ban.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"user": "mia"},
        {"user": "mia", "seconds": -1},
        {"user": "mia", "seconds": "60"},
        {"user": "mia", "seconds": True},
        {"user": "mia", "seconds": FOR_EVER_SECONDS + 1},
        {"user": "mia", "seconds": 60, "reason": 5},
        {"user": "mia", "seconds": 60, "reason": "é" * 151},
        {"user": 5, "seconds": 60},
        {"seconds": 60},
        {"user": "a\x00b", "seconds": 60},
    ],
)
def test_what_is_no_mute_is_refused_and_named(cast, body):
    problem = refused(cast.api(cast.stella).post("rooms/r1/mutes", body), 400, 10004)
    assert problem["field"] in ("user", "seconds", "reason")
    assert not Mute.objects.exists()


def test_a_muted_user_is_refused_with_the_time_to_wait_and_then_speaks_again(cast):
    stella, mia = cast.api(cast.stella), cast.api(cast.mia)
    given(stella.post("rooms/r1/mutes", {"user": "mia", "seconds": 60}))
    answer = mia.post("rooms/r1/messages", {"text": "hi"})
    problem = refused(answer, 403, 10017, "muted")
    assert 50_000 < problem["retry_after_ms"] <= 60_000
    assert problem["muted_until"] > clock.now_ms()
    assert answer["Retry-After"] == "60"
    given(mia.get("rooms/r1/messages"))
    given(stella.post("rooms/r1/mutes", {"user": "mia", "seconds": None}))
    answer = mia.post("rooms/r1/messages", {"text": "hi"})
    problem = refused(answer, 403, 10017, "muted")
    assert problem["muted_until"] is None
    assert "retry_after_ms" not in problem
    assert "Retry-After" not in answer
    given(stella.delete("rooms/r1/mutes/mia"), 204)
    given(mia.post("rooms/r1/messages", {"text": "hi"}), 201)


def test_a_muted_room_hears_its_owner_and_admins_only(cast):
    stella, mia, max_ = cast.api(cast.stella), cast.api(cast.mia), cast.api(cast.max)
    assert given(mia.get("rooms/r1/mute-all")) == {"on": False, "since": None, "by": None}
    on = given(max_.put("rooms/r1/mute-all"))
    assert (on["on"], on["by"]) == (True, "max")
    assert given(stella.put("rooms/r1/mute-all")) == on
    assert given(mia.get("rooms/r1/mute-all")) == on
    refused(mia.post("rooms/r1/messages", {"text": "hi"}), 403, 10017, "muted_all")
    for api in (stella, max_):
        given(api.post("rooms/r1/messages", {"text": "hi"}), 201)
    given(stella.delete("rooms/r1/mute-all"), 204)
    given(mia.post("rooms/r1/messages", {"text": "hi"}), 201)


def test_a_banned_user_meets_closed_doors_wherever_the_room_would_let_it_in(cast, engine):
    mia = cast.api(cast.mia)
    given(cast.api(cast.max).post("rooms/r1/bans", {"user": "mia", "seconds": 60, "reason": "spam"}))
    for path in ("messages", "play", "attributes", "admins", "counters", "mute-all", "streams"):
        problem = refused(mia.get(f"rooms/r1/{path}"), 403, 10007, "banned")
        assert problem["banned_until"] > clock.now_ms()
    refused(mia.post("rooms/r1/messages", {"text": "hi"}), 403, 10007, "banned")
    given(mia.get("rooms/r1"))
    given(cast.api(cast.max).delete("rooms/r1/bans/mia"), 204)
    given(mia.get("rooms/r1/messages"))


def test_only_moderators_moderate(cast):
    calls = [
        ("get", "rooms/r1/mutes", None),
        ("post", "rooms/r1/mutes", {"user": "zed", "seconds": 1}),
        ("delete", "rooms/r1/mutes/zed", None),
        ("put", "rooms/r1/mute-all", None),
        ("delete", "rooms/r1/mute-all", None),
        ("get", "rooms/r1/bans", None),
        ("post", "rooms/r1/bans", {"user": "zed"}),
        ("delete", "rooms/r1/bans/zed", None),
    ]

    def call(api, method, path, body):
        return getattr(api, method)(path, body) if body is not None else getattr(api, method)(path)

    key = tokens.make_api_key(app=cast.app, label="poor", scopes=["messages"])
    poor = type(cast.server())(bearer=key.bearer, client=cast.server().client)
    for method, path, body in calls:
        refused(call(cast.api(cast.mia), method, path, body), 403, 10007)
        refused(call(cast.api(cast.rita), method, path, body), 404)
        refused(call(cast.api(None), method, f"{path}?sdkappid={cast.app.sdkappid}", body), 401, 70002)
        refused(call(poor, method, path, body), 403, 10007)
        assert call(cast.server(), method, path, body).status_code in (200, 204)


def test_who_is_out_of_reach_is_said(cast):
    admin = cast.api(cast.max)
    for path, body in (("mutes", {"seconds": 60}), ("bans", {})):
        for who in ("stella", "max"):
            refused(admin.post(f"rooms/r1/{path}", {"user": who, **body}), 403, 10007, "out_of_reach")
        refused(admin.post(f"rooms/r1/{path}", {"user": "ghost", **body}), 404, 10019)
        refused(admin.delete(f"rooms/r1/{path}/ghost"), 404, 10019)


def test_the_lists_come_in_pages_newest_first(cast):
    now = clock.now()
    people = [make_person(cast.app, f"p{n}") for n in range(5)]
    for person in people:
        asked = {"identifier": person.identifier, "seconds": 60, "by": STAFF, "now": now}
        muting.mute_user(room=cast.room, **asked)
        banning.ban_user(room=cast.room, **asked)
        banning.ban_from_app(app=cast.app, **asked)
    for api, path in (
        (cast.api(cast.stella), "rooms/r1/mutes"),
        (cast.api(cast.stella), "rooms/r1/bans"),
        (cast.server(), "bans"),
    ):
        seen, url = [], path
        first = given(api.get(path, {"limit": 2}))
        while True:
            page = first if url == path else given(api.get(url))
            seen += [row["user"]["id"] for row in page["results"]]
            if page["next"] is None:
                break
            url = page["next"].replace("http://testserver", "")
        assert seen == ["p4", "p3", "p2", "p1", "p0"]
        refused(api.get(path, {"cursor": "junk"}), 404)


def test_the_app_bans_from_every_room(cast):
    server, mia = cast.server(), cast.api(cast.mia)
    ban = given(server.post("bans", {"user": "mia", "seconds": 60, "reason": "fraud"}))
    assert (ban["user"]["id"], ban["by"], ban["reason"]) == ("mia", "backend", "fraud")
    assert given(server.get("bans"))["results"] == [ban]
    assert "this app" in refused(mia.get("rooms/r1/messages"), 403, 10007, "banned")["detail"]
    refused(mia.post("rooms", {"title": "Mine"}), 403, 10007, "banned")
    assert given(cast.api(cast.stella).get("rooms/r1/bans"))["results"] == []
    for api, status in ((cast.api(cast.stella), 403), (cast.api(None), 401)):
        refused(api.get("bans?sdkappid=1400000000"), status)
        refused(api.post("bans?sdkappid=1400000000", {"user": "zed"}), status)
        refused(api.delete("bans/mia?sdkappid=1400000000"), status)
    given(server.delete("bans/mia"), 204)
    given(mia.get("rooms/r1/messages"))
    refused(server.post("bans", {"user": "rita"}), 404, 10019)


def test_the_page_knows_its_browser_again_and_a_banned_one_sees_no_picture_as_a_guest(cast, client):
    page = f"/r/r1?sdkappid={cast.app.sdkappid}"
    first = client.get(page)
    assert first.status_code == 200
    cookie = first.cookies[devices.COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    device = devices.device_of(cookie.value)
    assert device
    assert devices.COOKIE not in client.get(page).cookies  # it has one
    ban = Ban.objects.create(app=cast.app, room=cast.room, person=cast.mia, since=clock.now(), by="stella")
    play = f"/api/v1/rooms/r1/play?sdkappid={cast.app.sdkappid}"
    assert client.get(play).status_code == 200
    BanTrace.objects.create(ban=ban, trace=f"d:{device}")
    answer = client.get(play)
    assert (answer.status_code, answer.json()["name"]) == (403, "banned")
    cast.app.banned_guests = "nobody"
    cast.app.save()
    assert client.get(play).status_code == 200
