"""Rooms from their first moment to their last: what they say of themselves, within which limits, and who is told."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.hashers import check_password

from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter, NotPermitted
from liveroom.kernel.models import AuditEntry, OutboxRow
from liveroom.kernel.web.shapes import checked
from liveroom.kernel.web.throttle import TooOften
from liveroom.rooms.models import LiveSession, Room
from liveroom.rooms.selectors import RoomIdMalformed, RoomUnknown, attributes, snapshot
from liveroom.rooms.services import passwords, people, rooms
from liveroom.rooms.services.attributes import write_attributes
from liveroom.rooms.services.rooms import RoomIdTaken, change_room, create_room, disband_room
from liveroom.rooms.services.status import set_status
from liveroom.rooms.shapes import RoomWriteSerializer
from streams.models import Publish, Stream
from streams.services.publishing import admit_publisher
from tests.helpers.people import STAFF
from tests.helpers.published import control_messages, room_events
from tests.helpers.pushing import push_hook

pytestmark = pytest.mark.django_db


def told(kind: str) -> list[dict]:
    """What the outbox holds for viewers, of one type of event."""
    return room_events(kind)


def make(cast, **said):
    said.setdefault("title", "A room")
    return create_room(app=cast.app, owner=cast.zed, by=cast.actor(cast.zed), now=clock.now(), **said)


def test_a_new_room_is_to_be_started_and_has_a_place_to_push_to(cast):
    room = make(cast)
    assert room.status == "to_be_started"
    assert re.fullmatch("[a-z0-9]{10}", room.group_id)
    assert Stream.objects.get(room=room).on_programme
    assert snapshot(room)["session"] is None


def test_an_id_of_the_servers_own_kind_is_made_where_it_is_asked_for(cast):
    assert re.fullmatch("@TGS#[a-z0-9]{10}", make(cast, group_id="@TGS#").group_id)
    assert make(cast, group_id="@TGS#").group_id != make(cast, group_id="@TGS#").group_id


def test_an_id_is_taken_once_and_the_code_says_whose_it_is(cast):
    make(cast, group_id="mine")
    with pytest.raises(RoomIdTaken) as again:
        make(cast, group_id="mine")
    assert again.value.code == 10025
    with pytest.raises(RoomIdTaken) as others:
        make(cast, group_id="r1")
    assert others.value.code == 10021
    with pytest.raises(RoomIdMalformed) as malformed:
        make(cast, group_id="a/b")
    assert malformed.value.code == 10015


def test_two_apps_may_have_rooms_of_one_id(cast):
    other = create_room(
        app=cast.other_app, owner=cast.rita, by=cast.actor(cast.rita), now=clock.now(), group_id="r1", title="Rita's"
    )
    assert other.key != cast.room.key


@pytest.mark.parametrize(("field", "limit"), [("notice", 300), ("introduction", 240), ("title", 100), ("category", 40)])
def test_a_text_is_counted_in_bytes_and_refused_with_its_limit(cast, field, limit):
    by, now = cast.actor(cast.stella), clock.now()
    for text in ("x" * limit, "é" * (limit // 2), "🎉" * (limit // 4)):
        changed = change_room(room=cast.room, changes=checked(RoomWriteSerializer, {field: text}), by=by, now=now)
        assert getattr(changed, field) == text
    for text in ("x" * (limit + 1), "é" * (limit // 2 + 1), "🎉" * (limit // 4 + 1)):
        with pytest.raises(BadParameter) as refused:
            change_room(room=cast.room, changes=checked(RoomWriteSerializer, {field: text}), by=by, now=now)
        assert refused.value.extra["limit"] == limit
        assert refused.value.extra["given"] == len(text.encode())
        assert str(limit) in refused.value.message


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"title": "  "},
        {"title": 5},
        {"title": "a\x00b"},
        {"introduction": "\ud800"},
        {"notice": '{"images": ["javascript:alert(1)"]}'},
        {"notice": '{"image": "http://["}'},
        {"cover": "ftp://x/y.png"},
        {"cover": "http://["},
        {"tags": "music"},
        {"tags": ["a|b"]},
        {"tags": ["x"] * 11},
        {"fields": {"a": 1}},
        {"fields": {"a": "\x00"}},
        {"fields": {"a": "x" * 4096}},
        {"viewer_limit": 0},
        {"viewer_limit": True},
        {"viewer_limit": 1.5},
        {"starts_at": "tomorrow"},
        {"status": "live"},
        {"owner": "zed"},
    ],
)
def test_what_a_room_cannot_be_is_refused_and_changes_nothing(cast, changes):
    with pytest.raises(BadParameter):
        change_room(
            room=cast.room,
            changes=checked(RoomWriteSerializer, {"category": "new", **changes}),
            by=cast.actor(cast.stella),
            now=clock.now(),
        )
    assert Room.objects.get(pk=cast.room.pk).category == ""


def test_a_change_is_told_with_what_is_new_and_only_that(cast):
    by, now = cast.actor(cast.stella), clock.now()
    starts = datetime(2030, 1, 1, 20, tzinfo=UTC)
    change_room(
        room=cast.room, changes={"title": "Stella's room", "tags": ["b", "a", "b"], "starts_at": starts}, by=by, now=now
    )
    assert told("room") == [
        {
            "type": "room",
            "t": int(now.timestamp() * 1000),
            "version": 2,  # max's role was the first
            "tags": ["b", "a"],
            "starts_at": int(starts.timestamp() * 1000),
        }
    ]
    change_room(room=cast.room, changes={"tags": ["b", "a"]}, by=by, now=now)
    assert len(told("room")) == 1


def test_a_notice_has_an_event_of_its_own(cast):
    change_room(room=cast.room, changes={"notice": "Be kind"}, by=cast.actor(cast.stella), now=clock.now())
    assert [event["notice"] for event in told("notice")] == ["Be kind"]
    assert told("room") == []


@pytest.mark.parametrize("who", ["mia", "max", "rita"])
def test_only_the_owner_changes_or_disbands_a_room(cast, who):
    by = cast.actor(getattr(cast, who))
    with pytest.raises(NotPermitted):
        change_room(room=cast.room, changes={"title": "Mine"}, by=by, now=clock.now())
    with pytest.raises(NotPermitted):
        disband_room(room=cast.room, by=by, now=clock.now())


def test_a_password_is_kept_as_a_hash_and_opens_the_door(cast):
    by, now = cast.actor(cast.stella), clock.now()
    room = rooms.change_access(room=cast.room, password="sesame", by=by, now=now)
    assert "sesame" not in room.password
    mia = cast.actor(cast.mia)
    with pytest.raises(people.PasswordNeeded, match="asks for"):
        people.check_entry(room=room, actor=mia, password=None)
    with pytest.raises(people.PasswordNeeded, match="not the password"):
        people.check_entry(room=room, actor=mia, password="simsalabim")
    assert people.check_entry(room=room, actor=mia, password="sesame") == "member"
    assert people.check_entry(room=room, actor=cast.actor(cast.max), password=None) == "admin"
    room = rooms.change_access(room=room, password="", by=by, now=now)
    assert people.check_entry(room=room, actor=mia, password=None) == "member"


def test_a_password_is_proven_once_and_a_new_one_anew(cast, monkeypatch):
    proofs = []

    def proof(given, stored):
        proofs.append(given)
        return check_password(given, stored)

    monkeypatch.setattr(passwords, "check_password", proof)
    by, mia = cast.actor(cast.stella), cast.actor(cast.mia)
    room = rooms.change_access(room=cast.room, password="sesame", by=by, now=clock.now())
    for _ in range(3):
        assert people.check_entry(room=room, actor=mia, password="sesame") == "member"
        with pytest.raises(people.PasswordNeeded, match="not the password"):
            people.check_entry(room=room, actor=mia, password="Sesame")
    assert proofs == ["sesame"], "one hash has one right password"
    room = rooms.change_access(room=room, password="sesame", by=by, now=clock.now())
    assert people.check_entry(room=room, actor=mia, password="sesame") == "member"
    room = rooms.change_access(room=room, password="open!", by=by, now=clock.now())
    with pytest.raises(people.PasswordNeeded):
        people.check_entry(room=room, actor=mia, password="sesame")
    assert proofs == ["sesame", "sesame", "sesame"]


def test_who_knows_the_password_is_no_guesser_and_a_guesser_learns_nothing(cast):
    room = rooms.change_access(room=cast.room, password="sesame", by=cast.actor(cast.stella), now=clock.now())
    mia = cast.actor(cast.mia)
    while time.time() % 60 > 55:  # the window is a minute by the clock
        time.sleep(0.5)
    for _ in range(12):
        assert people.check_entry(room=room, actor=mia, password="sesame", address="203.0.113.7") == "member"
    for network in ("2001:db8::1", "2001:db8::2"):  # one household
        for n in range(5):
            with pytest.raises(people.PasswordNeeded):
                people.check_entry(room=room, actor=mia, password=str(n), address=network)
    with pytest.raises(TooOften):
        people.check_entry(room=room, actor=mia, password="sesame", address="2001:db8::3")
    assert people.check_entry(room=room, actor=mia, password="sesame", address="203.0.113.7") == "member"


def test_an_allow_list_lets_in_who_is_on_it(cast):
    by, now = cast.actor(cast.stella), clock.now()
    people.set_allow_list(room=cast.room, identifiers=["mia"], by=by, now=now)
    room = rooms.change_access(room=cast.room, allow_list_only=True, by=by, now=now)
    assert people.check_entry(room=room, actor=cast.actor(cast.mia), password=None) == "member"
    with pytest.raises(people.NotOnTheList):
        people.check_entry(room=room, actor=cast.actor(cast.zed), password=None)
    with pytest.raises(people.PersonUnknown):
        people.set_allow_list(room=cast.room, identifiers=["mia", "nobody"], by=by, now=now)


def test_disbanding_ends_everything_and_frees_the_id(cast, engine, committed):
    now = clock.now()
    stream = cast.stream
    engine.publish(stream.name)
    admit_publisher(hook=push_hook(stream, now=now), now=now)
    write_attributes(room=cast.room, values={"k": "v"}, replace=True, by=STAFF, now=now)
    with committed():
        disband_room(room=cast.room, by=cast.actor(cast.stella), now=now + timedelta(seconds=1))
    assert engine.dropped == [stream.name]
    assert not Publish.objects.filter(ended_at__isnull=True).exists()
    assert LiveSession.objects.get(room=cast.room).end_reason == "disbanded"
    assert [event["reason"] for event in told("system")] == ["disbanded"]
    assert [message["control"] for _, message in control_messages()].count("close") == 1
    with pytest.raises(RoomUnknown):
        set_status(room=cast.room, status="live", by=STAFF, now=now)
    again = make(cast, group_id="r1")
    assert (again.status, again.notice, again.attributes_version) == ("to_be_started", "", 0)
    assert list(attributes(again)) == ["status"]
    assert Stream.objects.get(room=again).name != stream.name


def test_every_act_on_a_room_is_written_down_with_who_did_it(cast):
    now, by = clock.now(), cast.actor(cast.stella)
    AuditEntry.objects.all().delete()
    change_room(room=cast.room, changes={"title": "New"}, by=by, now=now)
    rooms.change_access(room=cast.room, password="sesame", by=by, now=now)
    people.dismiss_admin(room=cast.room, identifier="max", by=by, now=now)
    set_status(room=cast.room, status="live", by=by, now=now, address="203.0.113.5")
    disband_room(room=cast.room, by=by, now=now)
    rows = AuditEntry.objects.order_by("id")
    assert [row.action for row in rows] == ["room.change", "room.access", "room.role", "room.status", "room.disband"]
    assert {row.actor for row in rows} == {"person:stella"}
    assert {row.room_key for row in rows} == {cast.room.key}
    assert rows[3].address == "203.0.113.5"
    assert "sesame" not in str([(row.detail, row.target, row.reason) for row in rows])


def test_roles_are_the_owners_to_give_and_are_told(cast):
    by, now = cast.actor(cast.stella), clock.now()
    OutboxRow.objects.all().delete()
    people.appoint_admin(room=cast.room, identifier="mia", by=by, now=now)
    people.appoint_admin(room=cast.room, identifier="mia", by=by, now=now)
    people.dismiss_admin(room=cast.room, identifier="mia", by=by, now=now)
    people.dismiss_admin(room=cast.room, identifier="mia", by=by, now=now)
    assert [(event["user"]["id"], event["role"]) for event in told("role")] == [("mia", "admin"), ("mia", "member")]
    for helper in (cast.max, cast.mia):
        with pytest.raises(NotPermitted):
            people.appoint_admin(room=cast.room, identifier="zed", by=cast.actor(helper), now=now)
    with pytest.raises(people.PersonUnknown):
        people.appoint_admin(room=cast.room, identifier="rita", by=by, now=now)
    with pytest.raises(BadParameter, match="owner"):
        people.appoint_admin(room=cast.room, identifier="stella", by=by, now=now)
