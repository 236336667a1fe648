"""People among each other over REST: who somebody is, follows, standing, memberships; and rooms by popularity."""

from __future__ import annotations

import pytest

from interactions.models import Badge, Follow, Membership, PersonBadge, Score
from liveroom.accounts.models import App, Person
from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from liveroom.rooms.models import Room
from liveroom.rooms.services.rooms import create_room
from tests.helpers.people import STAFF
from tests.helpers.problems import given, refused


def test_following_is_idempotent_and_shown(cast):
    mia = cast.api(cast.mia)
    for _ in range(2):
        assert given(mia.put("users/stella/follow")) == {"is_following": True, "followers": 1}
    assert given(mia.get("users/stella")) == {
        "id": "stella", "nick": "Stella", "avatar": "", "level": 0, "followers": 1, "follows": 0, "is_following": True,
    }  # fmt: skip
    assert given(cast.api(cast.max).get("users/stella"))["is_following"] is False
    assert given(mia.get("users/mia"))["follows"] == 1
    for _ in range(2):
        assert given(mia.delete("users/stella/follow")) == {"is_following": False, "followers": 0}


def test_who_may_not_follow_is_told_why(cast):
    assert refused(cast.api(cast.mia).put("users/mia/follow"), 400, 10004)["field"] == "user"
    refused(cast.api(cast.mia).put("users/rita/follow"), 404, 70107)
    refused(cast.api(cast.mia).delete("users/nobody/follow"), 404, 70107)
    assert cast.api(None).put("users/stella/follow").status_code == 401
    refused(cast.server().put("users/stella/follow"), 401)
    assert not Follow.objects.exists()


def test_too_many_follows_are_asked_to_wait(cast):
    mia = cast.api(cast.mia)
    answers = [mia.put("users/stella/follow") for _ in range(61)]
    if all(answer.status_code == 200 for answer in answers):  # a minute ended meanwhile
        answers = [mia.put("users/stella/follow") for _ in range(61)]
    assert refused(answers[-1], 429, 60018)["retry_after_ms"] > 0


def test_whom_one_follows_in_pages_the_latest_first(cast):
    people = Person.objects.bulk_create(Person(app=cast.app, identifier=f"p{n}") for n in range(5))
    Follow.objects.bulk_create(Follow(follower=cast.mia, streamer=person, at=clock.now()) for person in people)
    mia = cast.api(cast.mia)
    first = given(mia.get("me/follows", {"limit": 3}))
    assert [row["id"] for row in first["results"]] == ["p4", "p3", "p2"]
    rest = given(mia.get("/api/v1/" + first["next"].split("/api/v1/")[1]))
    assert [row["id"] for row in rest["results"]] == ["p1", "p0"]
    assert {"id", "nick", "avatar", "level", "since"} == set(rest["results"][0])
    refused(mia.get("me/follows", {"cursor": "nonsense"}), 404)
    assert given(cast.api(cast.max).get("me/follows"))["results"] == []
    assert cast.api(None).get("me/follows").status_code == 401


def test_the_server_sees_the_whole_user_and_strangers_nothing(cast):
    found = given(cast.server().get("users/mia"))
    assert {"sdkappid", "role", "fields", "blocked", "followers", "follows"} <= set(found)
    assert "is_following" not in found
    refused(cast.api(cast.rita).get("users/mia"), 404, 70107)
    assert cast.api(None).get("users/mia").status_code == 401


def test_my_standing_says_what_is_missing(cast):
    badge = Badge.objects.create(app=cast.app, code="vip", label="V", name="Very important", measure="given")
    PersonBadge.objects.create(person=cast.mia, badge=badge, by="staff", at=clock.now())
    Score.objects.create(
        person=cast.mia, minutes=10, messages=20, likes=5, gift_value=7, points=0, changed_at=clock.now()
    )
    Person.objects.filter(pk=cast.mia.pk).update(level=1)
    assert given(cast.api(cast.mia).get("me/standing")) == {
        "level": 1,
        "points": 62,
        "next_level_at": 200,
        "measures": {"minutes": 10, "messages": 20, "likes": 5, "gift_value": 7, "member": False},
        "badges": [{"id": "vip", "label": "V", "name": "Very important"}],
    }
    App.objects.filter(pk=cast.app.pk).update(level_thresholds=[])
    assert given(cast.api(cast.max).get("me/standing"))["next_level_at"] is None
    assert cast.api(None).get("me/standing").status_code == 401


def test_memberships_are_the_servers_to_give(cast):
    server = cast.server()
    assert given(server.put("users/mia/membership", {}))["until"] is None
    found = given(server.put("users/mia/membership", {"until": "2199-01-01T00:00:00Z"}))
    assert found["until"].startswith("2199-01-01")
    assert given(cast.api(cast.mia).get("me/standing"))["measures"]["member"] is True
    for _ in range(2):
        assert server.delete("users/mia/membership").status_code == 204
    assert not Membership.objects.exists()
    assert [entry.action for entry in AuditEntry.objects.filter(target="mia").order_by("id")] == [
        "membership.give", "membership.give", "membership.end",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "until", ["2001-01-01T00:00:00Z", "tomorrow", "2199-13-01T00:00:00Z", 5, [], "2199-01-01T00:00:00"]
)
def test_a_membership_until_nonsense_is_refused(cast, until):
    assert refused(cast.server().put("users/mia/membership", {"until": until}), 400, 10004)["field"] == "until"


def test_nobody_else_gives_memberships(cast):
    refused(cast.api(cast.mia).put("users/mia/membership", {}), 403)
    refused(cast.server().put("users/rita/membership", {}), 404, 70107)
    assert cast.api(None).put("users/mia/membership", {}).status_code == 401


def test_rooms_by_popularity_a_page_at_a_time(cast):
    for number, popularity in enumerate((5, 900, 5, 70)):
        room = create_room(
            app=cast.app, owner=cast.stella, by=STAFF, now=clock.now(), group_id=f"p{number}", title="room"
        )
        Room.objects.filter(pk=room.pk).update(popularity=popularity)
    mia, found, path = cast.api(cast.mia), [], "rooms?sort=popularity&limit=2"
    while path:
        page = given(mia.get(path))
        found += [(room["id"], room["popularity"]) for room in page["results"]]
        path = page["next"] and "/api/v1/" + page["next"].split("/api/v1/")[1]
    assert found == [("p1", 900), ("p3", 70), ("p2", 5), ("p0", 5), ("r1", 0)]
