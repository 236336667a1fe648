"""What an app's server says: as another account, to one room above its rate, and nobody else may."""

from __future__ import annotations

from typing import Any

import pytest

from interactions.delivery.rooms import history_now
from interactions.room_refs import ref
from liveroom.accounts.models import ApiKey, Person
from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry, OutboxRow
from liveroom.kernel.web import throttle
from liveroom.rooms.models import Room
from tests.helpers.people import Api
from tests.helpers.problems import given, refused
from tests.helpers.sockets import tell

pytestmark = pytest.mark.django_db


def history(cast: Any) -> list[dict[str, Any]]:
    return history_now(room=ref(Room.objects.select_related("app").get(pk=cast.room.pk)), now_ms=clock.now_ms())


def test_a_server_speaks_as_any_account_of_its_app_with_that_ones_role(cast):
    server = cast.server()
    for who, role in (("mia", "member"), ("max", "admin"), ("stella", "owner")):
        assert given(server.post("rooms/r1/messages", {"text": "hello", "from": who}), 201)["result"] == "delivered"
        said = history(cast)[-1]
        assert (said["from"]["id"], said["from"]["role"], said["text"]) == (who, role, "hello")
    given(server.post("rooms/r1/messages", {"text": "as itself"}), 201)
    assert history(cast)[-1]["from"]["id"] == "backend"


def test_nobody_else_speaks_as_somebody_else_and_nobody_as_nobody(cast):
    for path in ("rooms/r1/messages", "users/zed/messages"):
        for person in (cast.mia, cast.max, cast.stella):
            refused(cast.api(person).post(path, {"text": "x", "from": "zed"}), 403, 10007)
        refused(cast.api(None).post(f"{path}?sdkappid={cast.app.sdkappid}", {"text": "x", "from": "mia"}), 401)
        # rita belongs to another app.
        for nobody in ("nobody", "rita", ""):
            refused(cast.server().post(path, {"text": "x", "from": nobody}), 404, 70107)
        refused(cast.server().post(path, {"text": "x", "from": 5}), 400, 10004)
    assert history(cast) == []


def test_a_direct_message_comes_from_whom_the_server_names(cast):
    assert given(cast.server().post("users/mia/messages", {"text": "psst", "from": "stella"}), 201)["message_id"]


def test_a_server_says_four_times_as_much_a_second_as_a_person(cast, monkeypatch):
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(throttle, "allow", lambda *, what, who, limit, per_seconds: asked.append((who, limit)))
    given(cast.server().post("rooms/r1/messages", {"text": "x"}), 201)
    given(cast.api(cast.mia).post("rooms/r1/messages", {"text": "x"}), 201)
    assert [limit for _, limit in asked] == [200, 50]
    assert len({who for who, _ in asked}) == 2


def test_a_system_notice_reaches_the_room_above_its_rate_and_not_its_history(cast):
    server = cast.server()
    sent = given(server.post("rooms/r1/system-notices", {"text": "Server news", "data": {"app": ["own", 1]}}), 201)
    [row] = OutboxRow.objects.filter(payload__event__type="system")
    assert {key: row.payload["event"][key] for key in ("id", "reason", "text", "data")} == {
        "id": sent["id"], "reason": "notice", "text": "Server news", "data": {"app": ["own", 1]}
    }  # fmt: skip
    tell()
    row.refresh_from_db()
    assert row.done_at is not None
    assert history(cast) == []
    assert given(server.post("rooms/r1/system-notices", {"data": None, "text": "only words"}), 201)
    assert AuditEntry.objects.filter(action="system.send").count() == 2


def test_a_system_notice_is_sent_once_for_one_key(cast):
    server = cast.server()
    first = given(server.post("rooms/r1/system-notices", {"text": "x"}, **{"Idempotency-Key": "k"}), 201)
    assert given(server.post("rooms/r1/system-notices", {"text": "x"}, **{"Idempotency-Key": "k"}), 201) == first
    refused(server.post("rooms/r1/system-notices", {"text": "y"}, **{"Idempotency-Key": "k"}), 409)
    assert OutboxRow.objects.filter(payload__event__type="system").count() == 1


def test_who_may_send_a_system_notice_and_what_it_may_hold(cast):
    for person in (cast.mia, cast.max, cast.stella):
        refused(cast.api(person).post("rooms/r1/system-notices", {"text": "x"}), 403, 10007)
    refused(cast.api(None).post(f"rooms/r1/system-notices?sdkappid={cast.app.sdkappid}", {"text": "x"}), 401)
    for body in ({}, {"text": ""}, {"text": 5}, {"text": "x", "seq": 1}, {"data": "x" * 9000}, {"text": "x" * 9000}):
        refused(cast.server().post("rooms/r1/system-notices", body), 400)
    ApiKey.objects.filter(app=cast.app).update(scopes=["rooms"])
    refused(cast.server().post("rooms/r1/system-notices", {"text": "x"}), 403, 10007)


def test_a_rooms_admin_changes_the_notice_and_nothing_else(cast):
    max_ = cast.api(cast.max)
    assert given(max_.patch("rooms/r1", {"notice": "Be kind"}))["notice"] == "Be kind"
    refused(max_.patch("rooms/r1", {"notice": "x", "title": "Mine now"}), 403, 10007)
    refused(max_.patch("rooms/r1", {"notice": "x", "password": "p"}), 403, 10007)
    refused(cast.api(cast.mia).patch("rooms/r1", {"notice": "x"}), 403, 10007)
    # Of what is refused nothing is done.
    assert Room.objects.get(pk=cast.room.pk).notice == "Be kind"
    refused(cast.api(cast.stella).patch("rooms/r1", {"title": "New", "visibility": "secret"}), 400, 10004)
    assert Room.objects.get(pk=cast.room.pk).title != "New"
    refused(cast.api(cast.zed).post("rooms", {"id": "half", "title": "x", "visibility": "secret"}), 400, 10004)
    assert not Room.objects.filter(group_id="half").exists()


def test_robots_are_made_by_the_server_only(cast):
    server = cast.server()
    token = given(server.post("tokens", {"identifier": "@RBT#helper"}), 201)["usersig"]
    robot = Api(bearer=token, client=server.client)
    refused(robot.get("me"), 401, 70107, "robot")
    assert not Person.objects.filter(identifier="@RBT#helper").exists()
    given(server.post("users", {"users": [{"id": "@RBT#helper", "nick": "Helper"}]}))
    assert given(robot.get("me"))["nick"] == "Helper"


@pytest.mark.parametrize(
    "fields",
    [
        {f"k{n}": "" for n in range(21)},
        {"k" * 33: "x"},
        {"": "x"},
        {"k": "x" * 501},
        {"ü" * 17: "x"},
        {"k": "ü" * 251},
        {"k": 5},
        ["k"],
    ],
)
def test_custom_fields_of_a_profile_are_bounded(cast, fields):
    error = refused(cast.api(cast.mia).patch("me", {"fields": fields}), 400, 10004)
    assert error["field"] == "fields"
    refused(cast.server().post("users", {"users": [{"id": "new", "fields": fields}]}), 400, 10004)
    most = {f"{n:032}": "\\" * 500 for n in range(20)}
    assert given(cast.api(cast.mia).patch("me", {"fields": most}))["fields"] == most
