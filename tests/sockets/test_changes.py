"""What happens to a room reaches everybody in it; old state and events make the new state."""

from __future__ import annotations

import threading
from datetime import timedelta

from django.db import connection

from liveroom.kernel import clock
from liveroom.rooms.models import Room
from liveroom.rooms.services import attributes, people, rooms
from liveroom.rooms.services.status import publisher_came, set_status
from streams.services import streams
from streams.services.publishes import open_publish
from tests.helpers.people import STAFF
from tests.helpers.sockets import tell


def now():
    return clock.now()


def test_every_change_reaches_everybody(cast, watching):
    by = cast.actor(cast.stella)
    starts = now() + timedelta(hours=1)
    with watching(cast.mia) as mia, watching(None) as guest:
        set_status(room=cast.room, status="live", by=by, now=now())
        rooms.change_room(room=cast.room, changes={"notice": "Hello", "starts_at": starts}, by=by, now=now())
        attributes.write_attributes(room=cast.room, values={"pk": "on"}, replace=False, by=by, now=now())
        attributes.delete_attributes(room=cast.room, keys=None, by=by, now=now())
        attributes.change_counters(room=cast.room, values={"goals": 3}, mode="set", by=by, now=now())
        people.appoint_admin(room=cast.room, identifier="zed", by=by, now=now())
        screen = streams.add_stream(room=cast.room, label="screen", by=by, now=now())
        streams.set_programme(stream=screen, by=by, now=now())
        open_publish(stream=screen, client_id="1", address="", now=now())
        tell()
        for phone in (mia, guest):
            status = phone.hears("status")
            assert status["status"] == "live"
            assert status["session"].isdigit()
            followed = phone.hears("attributes")
            assert (followed["version"], followed["changed"]) == (1, {"status": {"value": "live", "version": 1}})
            assert phone.hears("notice")["notice"] == "Hello"
            assert phone.hears("room")["starts_at"] == int(starts.timestamp() * 1000)
            written = phone.hears("attributes")
            assert (written["operation"], written["version"]) == ("modify", 2)
            assert written["changed"] == {"pk": {"value": "on", "version": 1}}
            cleared = phone.hears("attributes")
            assert (cleared["operation"], cleared["version"], cleared["deleted"]) == ("clear", 3, ["pk"])
            assert phone.hears("room")["counters"] == {"goals": 3}
            role = phone.hears("role")
            assert (role["user"], role["role"], role["by"]) == ({"id": "zed", "nick": "Zed"}, "admin", "stella")
            assert phone.hears("stream")["stream"] == screen.name
            assert phone.hears("stream")["on_air"] is True
        assert mia.numbered == guest.numbered
        assert [seq for seq, _ in mia.numbered] == list(
            range(mia.snapshot["seq"] + 1, mia.snapshot["seq"] + 1 + len(mia.numbered))
        )


def test_what_a_new_admin_says_next_carries_its_role(cast, watching):
    by = cast.actor(cast.stella)
    with watching(cast.zed) as zed, watching(None) as guest:
        zed.says("as a member", cid="0")
        people.appoint_admin(room=cast.room, identifier="zed", by=by, now=now())
        tell()
        roles = []
        for n in range(1, 200):  # the word travels beside the comments: soon, not at once
            zed.says(f"number {n}")
            roles.append(guest.hears("comment", text=f"number {n}")["from"]["role"])
            if roles[-1] == "admin" and "sent" not in roles:
                roles.append("sent")
                people.dismiss_admin(room=cast.room, identifier="zed", by=by, now=now())
                tell()
            elif "sent" in roles and roles[-1] == "member":
                return
        raise AssertionError(roles)


def test_what_changes_nothing_is_not_told(cast, watching):
    by = cast.actor(cast.stella)
    tell()
    with watching(cast.mia) as phone:
        rooms.change_room(room=cast.room, changes={"title": cast.room.title}, by=by, now=now())
        attributes.delete_attributes(room=cast.room, keys=["none"], by=by, now=now())
        set_status(room=cast.room, status="to_be_started", by=by, now=now())
        tell()
        phone.says("end")
        phone.hears("comment")
        assert [kind for _, kind in phone.numbered] == ["comment"]


def test_a_publisher_is_told_as_a_status(cast, watching):
    with watching(cast.mia) as phone:
        publisher_came(room_id=cast.room.pk, now=now())
        tell()
        assert phone.hears("status")["status"] == "live"


def test_disbanding_tells_says_bye_and_hangs_up(cast, watching, calls):
    with watching(cast.mia) as mia, watching(None) as guest:
        rooms.disband_room(room=cast.room, by=cast.actor(cast.stella), now=now())
        tell()
        for phone in (mia, guest):
            assert phone.is_hung_up() == 4104
            assert phone.farewell == {
                "type": "bye", "reason": "disbanded", "reconnect": False, "after_ms": 0, "message": "The room was disbanded.",
            }  # fmt: skip
            assert [event["reason"] for event in phone.heard if event["type"] == "system"] == ["disbanded"]
    with calls(cast.mia) as phone:
        assert phone.joins("r1")["error"]["code"] == 10010


def test_a_room_that_gets_a_freed_id_begins_with_nothing(cast, watching):
    with watching(cast.mia) as phone:
        phone.says("before", cid="1")
    rooms.disband_room(room=cast.room, by=STAFF, now=now())
    rooms.create_room(app=cast.app, owner=cast.zed, by=STAFF, now=now(), group_id="r1", title="Zed's room")
    tell()
    with watching(cast.mia) as phone:
        assert phone.snapshot["history"] == []
        assert phone.snapshot["seq"] == 0
        assert phone.snapshot["room"]["owner"]["id"] == "zed"
        assert phone.says("after", cid="1")["seq"] == 1
        assert phone.hears("comment")["text"] == "after"


def test_old_state_and_events_make_the_new_state_whenever_one_joins(cast, calls):
    """Notices change as fast as they can while phones come in: none may be left with an older one."""
    by, stop = cast.actor(cast.stella), threading.Event()

    def change() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            rooms.change_room(room=cast.room, changes={"notice": f"notice {n}"}, by=by, now=now())
            tell()
        connection.close()

    writer = threading.Thread(target=change)
    writer.start()
    shown: list[tuple[str, int]] = []
    try:
        with calls(cast.mia) as first, calls(None) as phone:
            first.joins("r1")
            for _ in range(60):
                phone.joins("r1")
                shown.append((phone.snapshot["room"]["notice"], phone.snapshot["seq"]))
            stop.set()
            writer.join()
            last = Room.objects.get(pk=cast.room.pk).notice
            first.hears("notice", notice=last)
            told = {event["seq"]: event["notice"] for event in first.heard if event["type"] == "notice"}
    finally:
        stop.set()
        writer.join()

    def number(notice: str) -> int:
        return int(notice.split()[1])

    for notice, seq in shown:
        if seq in told:  # at least what the room had said by then
            assert number(notice) >= number(told[seq])
