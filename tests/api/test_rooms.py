"""Rooms over REST: the list, one room, who may enter, attributes and counters, helpers, the end."""

from __future__ import annotations

import re

import pytest

from liveroom.accounts.models import Person
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from liveroom.rooms.services import rooms as services
from tests.helpers.people import STAFF, make_app, make_person
from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db


def open_room(cast, group_id: str, **said):
    access = {name: said.pop(name) for name in ("visibility", "password", "allow_list_only") if name in said}
    room = services.create_room(
        app=cast.app, owner=cast.zed, by=STAFF, now=clock.now(), group_id=group_id, **{"title": group_id, **said}
    )
    return services.change_access(room=room, by=STAFF, now=clock.now(), **access) if access else room


def listed(cast, **query) -> list[str]:
    answer = cast.api(None).get("rooms", {"sdkappid": cast.app.sdkappid, **query})
    return [room["id"] for room in given(answer)["results"]]


# -- open, change, close


def test_a_room_is_opened_with_everything_it_says(cast):
    said = {
        "id": "music", "title": "Music", "introduction": "All night", "notice": "Be kind", "category": "music", "tags": ["a", "b"],
        "cover": "https://x.example/c.png", "starts_at": "2030-01-01T20:00:00+02:00", "viewer_limit": 5, "fields": {"k": "v"},
        "visibility": "unlisted", "password": "sesame",
    }  # fmt: skip
    answer = cast.api(cast.zed).post("rooms", said)
    room = given(answer, 201)
    assert {key: room[key] for key in said if key not in ("password", "starts_at")} == {
        key: said[key] for key in said if key not in ("password", "starts_at")
    }
    assert room["starts_at"] == "2030-01-01T18:00:00Z"
    assert (room["owner"]["id"], room["status"], room["needs_password"]) == ("zed", "to_be_started", True)
    assert "password" not in room
    assert answer["Location"] == "/api/v1/rooms/music"


def test_the_location_of_a_room_leads_to_it(cast):
    answer = cast.api(cast.zed).post("rooms", {"title": "Made by the server"})
    assert re.fullmatch("[a-z0-9]{10}", given(answer, 201)["id"])
    asked = cast.api(cast.zed).post("rooms", {"title": "As chat clients expect", "id": "@TGS#"})
    assert re.fullmatch("@TGS#[a-z0-9]{10}", given(asked, 201)["id"])
    assert given(cast.api(cast.zed).get(asked["Location"]))["title"] == "As chat clients expect"
    assert given(cast.api(cast.zed).get(answer["Location"]))["title"] == "Made by the server"


def test_ids_that_are_taken_or_malformed_have_their_codes(cast):
    api = cast.api(cast.zed)
    refused(api.post("rooms", {"title": "x", "id": "r1"}), 409, 10021)
    given(api.post("rooms", {"title": "x", "id": "mine"}), 201)
    refused(api.post("rooms", {"title": "x", "id": "mine"}), 409, 10025)
    for bad in ("a/b", "", "é", "x" * 49, "@TGS#own", 5, ["a"]):
        refused(api.post("rooms", {"title": "x", "id": bad}), 400, 10015)


def test_guests_open_no_rooms_and_people_only_their_own(cast):
    refused(cast.api(None).post("rooms?sdkappid=1400000000", {"title": "x"}), 401, 70002)
    refused(cast.api(cast.zed).post("rooms", {"title": "x", "owner": "mia"}), 403, 10007)
    unknown = refused(cast.server().post("rooms", {"title": "x", "owner": "new"}), 400, 10019, "person_unknown")
    assert unknown["field"] == "owner"
    assert "create_owner" in unknown["detail"]
    assert not Person.objects.filter(identifier="new").exists()
    asked = {"title": "x", "owner": "new", "create_owner": True}
    assert given(cast.server().post("rooms", asked), 201)["owner"]["id"] == "new"
    assert given(cast.server().post("rooms", {"title": "x", "owner": "new"}), 201)["owner"]["id"] == "new"
    refused(cast.server().post("rooms", {"title": "x", "owner": "mia", "create_owner": "yes"}), 400, 10004)
    for owner in (None, "", 5, "x" * 33, "a\nb"):
        refused(cast.server().post("rooms", {"title": "x", "owner": owner}), 400, 10004)


def test_a_change_is_seen_at_once_and_only_the_owner_makes_it(cast):
    changed = given(cast.api(cast.stella).patch("rooms/r1", {"title": "New", "notice": "n", "allow_list_only": True}))
    assert (changed["title"], changed["notice"], changed["allow_list_only"]) == ("New", "n", True)
    for person in (cast.mia, cast.max, cast.zed):
        refused(cast.api(person).patch("rooms/r1", {"title": "Mine"}), 403, 10007)
        refused(cast.api(person).delete("rooms/r1"), 403, 10007)
    refused(cast.api(None).patch("rooms/r1?sdkappid=1400000000", {"title": "Mine"}), 401, 70002)


def test_a_disbanded_room_is_gone_for_everybody(cast):
    assert given(cast.api(cast.stella).delete("rooms/r1"), 204) is None
    for path in ("", "/attributes", "/play", "/online", "/messages", "/admins"):
        refused(cast.api(cast.mia).get("rooms/r1" + path), 404, 10010)
    assert listed(cast) == []


def test_a_status_is_set_by_hand(cast):
    api = cast.api(cast.stella)
    assert given(api.post("rooms/r1/status", {"status": "live"}))["status"] == "live"
    problem = refused(api.post("rooms/r1/status", {"status": "played_back"}), 409, 10004, "illegal_status_change")
    assert problem["allowed"] == ["ended", "paused"]
    for junk in ({}, {"status": None}, {"status": 5}, {"status": "LIVE"}, {"status": {}}):
        refused(api.post("rooms/r1/status", junk), 400, 10004)
    refused(cast.api(cast.max).post("rooms/r1/status", {"status": "ended"}), 403)


@pytest.mark.parametrize("room", ["nobody", "@TGS%23none"])
def test_a_room_that_is_not_there(cast, room):
    refused(cast.api(cast.mia).get(f"rooms/{room}"), 404, 10010)


@pytest.mark.parametrize("room", ["x" * 49, "%C3%A9", "a%20b", "%00", "..", "%2e", "a%0d%0aX: y"])
def test_an_id_that_no_room_can_have(cast, room):
    refused(cast.api(cast.mia).get(f"rooms/{room}"), 400, 10015)


# -- apps are worlds (P1)


def test_another_app_sees_nothing_of_this_one(cast):
    rita = cast.api(cast.rita)
    for path in (
        "",
        "/attributes",
        "/counters",
        "/play",
        "/push",
        "/health",
        "/messages",
        "/online",
        "/admins",
        "/streams",
        "/allow-list",
    ):
        refused(rita.get("rooms/r1" + path), 404, 10010)
    refused(rita.get("rooms/r1", {"sdkappid": cast.app.sdkappid}), 404)
    refused(rita.patch("rooms/r1", {"title": "x"}), 404)
    refused(rita.delete("rooms/r1"), 404)
    refused(rita.get(f"streams/{cast.stream.name}/push"), 404)
    assert given(rita.get("rooms"))["results"] == []
    assert given(rita.get("rooms", {"sdkappid": cast.app.sdkappid}))["results"] == []
    refused(rita.put("rooms/r1/admins/mia"), 404)


def test_a_guest_says_which_app_it_means(cast):
    refused(cast.api(None).get("rooms"), 404, 70020)
    refused(cast.api(None).get("rooms", {"sdkappid": 5}), 404, 70020)
    for junk in ("x", "-1", "1.5", "9" * 16, "１", ""):
        refused(cast.api(None).get("rooms", {"sdkappid": junk}), 400, 10004)


# -- the list (R5)


def test_the_list_searches_filters_and_sorts(cast):
    open_room(cast, "jazz", title="Jazz night", category="music", tags=["live", "jazz"])
    open_room(cast, "rock", title="Rock", introduction="with jazz interludes", category="music", tags=["live"])
    open_room(cast, "chess", category="games")
    Room.objects.filter(group_id="rock").update(online=9, status="live", status_at=clock.now())
    assert listed(cast) == ["rock", "chess", "jazz", "r1"]
    assert listed(cast, sort="new") == ["chess", "rock", "jazz", "r1"]
    assert listed(cast, sort="start")[0] == "rock"
    assert listed(cast, search="JAZZ", sort="new") == ["rock", "jazz"]
    assert listed(cast, search="100%_") == []
    assert listed(cast, category="games") == ["chess"]
    assert listed(cast, tag="jazz") == ["jazz"]
    assert listed(cast, tag="ja") == []
    assert listed(cast, status="live") == ["rock"]
    assert listed(cast, owner="stella") == ["r1"]


def test_a_page_leads_to_the_next(cast):
    for n in range(7):
        open_room(cast, f"room{n}")
    seen, url = [], f"/api/v1/rooms?sdkappid={cast.app.sdkappid}&limit=3&sort=new"
    while url:
        page = given(cast.api(None).get(url.removeprefix("http://testserver")))
        seen += [room["id"] for room in page["results"]]
        url = page["next"]
    assert seen == [f"room{n}" for n in reversed(range(7))] + ["r1"]


def test_a_thousand_rooms_that_nobody_watches_are_all_in_the_list(cast):
    now = clock.now()
    Room.objects.bulk_create(
        Room(app=cast.app, owner=cast.zed, group_id=f"n{n}", title="x", status_at=now, created_at=now)
        for n in range(1250)
    )
    seen: set[str] = set()
    url, pages = f"/api/v1/rooms?sdkappid={cast.app.sdkappid}&limit=100", 0
    while url and pages < 20:
        page = given(cast.api(None).get(url.removeprefix("http://testserver")))
        seen |= {room["id"] for room in page["results"]}
        url, pages = page["next"], pages + 1
    assert len(seen) == 1251
    assert pages == 13


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "loudest"}, {"status": "on"}, {"cursor": "junk"}, {"cursor": "cD1qdW5r"}, {"cursor": "cD1qdW5r", "sort": "start"},
        {"cursor": "cD1qdW5r", "sort": "new"}, {"cursor": "cj0xJnA9"}, {"cursor": "bz0tMSZwPXg="},
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(cast, query):
    answer = cast.api(None).get("rooms", {"sdkappid": cast.app.sdkappid, **query})
    refused(answer, answer.status_code)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1e9", "99999999999999999999"])
def test_a_limit_that_is_none_is_the_usual_one(cast, limit):
    assert listed(cast, limit=limit) == ["r1"]


def test_an_unlisted_room_is_reachable_and_not_in_the_list(cast):
    open_room(cast, "hidden", visibility="unlisted")
    assert listed(cast) == ["r1"]
    assert listed(cast, search="hidden") == []
    assert given(cast.api(cast.mia).get("rooms/hidden"))["visibility"] == "unlisted"


def test_a_closed_list_asks_guests_to_log_in(cast):
    cast.app.open_list = False
    cast.app.save()
    refused(cast.api(None).get("rooms", {"sdkappid": cast.app.sdkappid}), 401, 70002)
    given(cast.api(cast.mia).get("rooms"))


# -- who may enter (R8)


def test_a_password_is_a_header(cast):
    open_room(cast, "closed", password="sesame")
    api = cast.api(cast.mia)
    for path in ("rooms/closed/play", "rooms/closed/messages", "rooms/closed/attributes", "rooms/closed/counters"):
        refused(api.get(path), 403, 10007, "password_needed")
        given(api.get(path, None, **{"Room-Password": "sesame"}))
    assert given(api.get("rooms/closed"))["needs_password"] is True
    refused(api.post("rooms/closed/messages", {"text": "hi"}), 403, 10007, "password_needed")
    given(cast.api(cast.zed).get("rooms/closed/play"))


def test_guessing_a_password_is_slowed_down(cast):
    open_room(cast, "closed", password="sesame")
    answers = [cast.api(cast.mia).get("rooms/closed/play", None, **{"Room-Password": "guess"}) for _ in range(24)]
    assert {answer.status_code for answer in answers} == {403, 429}
    assert sum(answer.status_code == 403 for answer in answers) <= 20
    assert "Retry-After" in answers[-1]


def test_an_allow_list_is_the_owners(cast):
    api = cast.api(cast.stella)
    given(api.patch("rooms/r1", {"allow_list_only": True}))
    assert given(api.put("rooms/r1/allow-list", {"users": ["mia", "mia"]})) == {"users": ["mia"]}
    assert given(api.get("rooms/r1/allow-list")) == {"users": ["mia"]}
    given(cast.api(cast.mia).get("rooms/r1/play"))
    refused(cast.api(cast.zed).get("rooms/r1/play"), 403, 10007, "not_on_the_list")
    refused(cast.api(None).get("rooms/r1/play", {"sdkappid": cast.app.sdkappid}), 403)
    refused(cast.api(cast.mia).get("rooms/r1/allow-list"), 403)
    refused(api.put("rooms/r1/allow-list", {"users": ["nobody"]}), 404, 10019)
    for junk in ({}, {"users": "mia"}, {"users": [5]}, {"users": {"mia": 1}}):
        refused(api.put("rooms/r1/allow-list", junk), 400, 10004)


# -- attributes and counters (R4)


def test_attributes_are_set_changed_read_and_deleted(cast):
    api = cast.api(cast.max)
    assert given(api.put("rooms/r1/attributes", {"attributes": {"a": "1", "b": "2"}}))["version"] == 1
    assert given(api.patch("rooms/r1/attributes", {"attributes": {"b": "3"}}))["attributes"]["b"] == {
        "value": "3",
        "version": 2,
    }
    read = given(cast.api(cast.mia).get("rooms/r1/attributes"))
    assert read["attributes"]["status"] == {"value": "to_be_started", "version": 0}
    assert set(given(api.delete("rooms/r1/attributes?key=a&key=none"))["attributes"]) == {"b", "status"}
    assert set(given(api.delete("rooms/r1/attributes"))["attributes"]) == {"status"}
    refused(cast.api(cast.mia).put("rooms/r1/attributes", {"attributes": {}}), 403)


def test_two_writers_do_not_overwrite_blindly(cast):
    api = cast.api(cast.stella)
    given(api.put("rooms/r1/attributes", {"attributes": {"a": "1"}, "version": 0}))
    problem = refused(api.put("rooms/r1/attributes", {"attributes": {"a": "2"}, "version": 0}), 409, 10056)
    assert (problem["expected"], problem["actual"]) == (0, 1)
    problem = refused(api.patch("rooms/r1/attributes", {"attributes": {"a": "2"}, "versions": {"a": 0}}), 409, 10056)
    assert problem["key"] == "a"
    given(api.patch("rooms/r1/attributes", {"attributes": {"a": "2"}, "versions": {"a": 1}, "version": 1}))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 10004), ({"attributes": []}, 10004), ({"attributes": {"a": 1}}, 10004), ({"attributes": {"a": None}}, 10004),
        ({"attributes": {"status": "live"}}, 10004), ({"attributes": {"a": "\x00"}}, 10004), ({"attributes": {"\x00": "a"}}, 10004),
        ({"attributes": {"": "x"}}, 10045), ({"attributes": {"k" * 33: "x"}}, 10045), ({"attributes": {"k": "x" * 4097}}, 10046),
        ({"attributes": {str(n): "x" for n in range(17)}}, 10047), ({"attributes": {str(n): "x" * 4096 for n in range(5)}}, 10048),
        ({"attributes": {}, "version": "1"}, 10004), ({"attributes": {}, "version": True}, 10004),
        ({"attributes": {}, "versions": []}, 10004),
        ({"attributes": {}, "versions": {"a": "1"}}, 10004), ({"attributes": {}, "version": 1.5}, 10004),
    ],
)  # fmt: skip
def test_attributes_that_cannot_be_are_refused(cast, body, code):
    refused(cast.api(cast.stella).put("rooms/r1/attributes", body), 400, code)


def test_counters_count(cast):
    api = cast.api(cast.stella)
    assert given(api.patch("rooms/r1/counters", {"counters": {"a": 5, "b": -1}})) == {"counters": {"a": 5, "b": -1}}
    assert given(api.patch("rooms/r1/counters", {"counters": {"a": 2}, "mode": "increase"}))["counters"]["a"] == 7
    assert given(api.patch("rooms/r1/counters", {"counters": {"new": 2}, "mode": "decrease"}))["counters"]["new"] == -2
    assert given(cast.api(cast.mia).get("rooms/r1/counters"))["counters"] == {"a": 7, "b": -1, "new": -2}
    assert given(api.delete("rooms/r1/counters?key=a"))["counters"] == {"b": -1, "new": -2}
    assert given(api.delete("rooms/r1/counters"))["counters"] == {}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"counters": []}, {"counters": {"a": "1"}}, {"counters": {"a": 1.5}}, {"counters": {"a": True}}, {"counters": {"a": 2**63}},
        {"counters": {"a": 9 * 10**4299}}, {"counters": {"": 1}}, {"counters": {"k" * 129: 1}}, {"counters": {"\x00": 1}},
        {"counters": {str(n): 1 for n in range(21)}}, {"counters": {"a": 1}, "mode": "multiply"}, {"counters": {"a": 1}, "mode": []},
    ],
)  # fmt: skip
def test_counters_that_cannot_be_are_refused_all_together(cast, body):
    api = cast.api(cast.stella)
    given(api.patch("rooms/r1/counters", {"counters": {"kept": 1}}))
    refused(api.patch("rooms/r1/counters", body), 400, 10004)
    assert given(api.get("rooms/r1/counters"))["counters"] == {"kept": 1}


# -- helpers (P5)


def test_the_owner_appoints_and_dismisses(cast):
    api = cast.api(cast.stella)
    given(api.put("rooms/r1/admins/mia"), 204)
    assert [admin["id"] for admin in given(api.get("rooms/r1/admins"))["admins"]] == ["max", "mia"]
    given(cast.api(cast.mia).put("rooms/r1/attributes", {"attributes": {"a": "1"}}))
    given(api.delete("rooms/r1/admins/mia"), 204)
    refused(cast.api(cast.mia).put("rooms/r1/attributes", {"attributes": {}}), 403)
    refused(cast.api(cast.max).put("rooms/r1/admins/zed"), 403, 10007)
    refused(api.put("rooms/r1/admins/nobody"), 404, 10019)
    refused(api.put("rooms/r1/admins/stella"), 400, 10004)


# -- Idempotency-Key


def test_a_request_that_is_repeated_opens_one_room(cast):
    api, key = cast.api(cast.zed), {"Idempotency-Key": "k1"}
    first = given(api.post("rooms", {"title": "Once"}, **key), 201)
    assert given(api.post("rooms", {"title": "Once"}, **key), 201) == first
    assert Room.objects.filter(title="Once").count() == 1
    refused(api.post("rooms", {"title": "Twice"}, **key), 409, 10056)
    assert given(cast.api(cast.mia).post("rooms", {"title": "Once"}, **key), 201)["id"] != first["id"]
    refused(api.post("rooms", {"title": ""}, **{"Idempotency-Key": "k2"}), 400)
    given(api.post("rooms", {"title": "Better"}, **{"Idempotency-Key": "k2"}), 201)
    refused(api.post("rooms", {"title": "x"}, **{"Idempotency-Key": "x" * 201}), 400)


def test_two_apps_do_not_share_keys(cast):
    app = make_app(1400000888, "third")
    key = {"Idempotency-Key": "k1"}
    first = given(cast.api(cast.zed).post("rooms", {"title": "Once"}, **key), 201)
    assert given(cast.api(make_person(app, "zed")).post("rooms", {"title": "Once"}, **key), 201)["id"] != first["id"]
