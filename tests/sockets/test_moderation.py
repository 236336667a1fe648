"""Muted and banned over the socket: at once, on every device, with clear words, and over when the time is over."""

from __future__ import annotations

import secrets
import threading
import time

import pytest
from django.db import connection

from interactions.delivery import Person, control, publish
from interactions.delivery import Room as Here
from interactions.people.events import ShowBegan
from interactions.room.events import Closing, RoleInRoom, StandingInRoom
from interactions.shown import ShownPerson
from liveroom.kernel import clock, outbox
from liveroom.rooms.models import Room
from liveroom.rooms.services import people, rooms
from moderation.models import Ban
from moderation.services import banning, muting
from tests.helpers.people import STAFF
from tests.helpers.sockets import calling, tell
from tests.sockets.test_protocol import fits


def asked(cast, who=None, *, by=None, seconds=...):
    """What the services take: of stella, now."""
    said = {"room": cast.room, "by": by or cast.actor(cast.stella), "now": clock.now()}
    said |= {} if who is None else {"identifier": who.identifier}
    return said if seconds is ... else said | {"seconds": seconds}


def all_fit(*phones):
    """Every frame has the shape of the document."""
    for phone in phones:
        for frame in phone.frames:
            fits(frame.get("type", "answer"), frame)


def refusal(answer):
    assert not answer["ok"], answer
    return answer["error"]


def test_a_muted_viewer_is_told_at_once_and_what_it_sends_is_refused_in_clear_words(cast, calls, watching):
    with watching(cast.mia) as mia, watching(cast.zed) as zed, calls(cast.mia) as outside:
        assert mia.snapshot["me"]["muted"] is False
        assert mia.says("before")["ok"]
        assert outside.asks("ping")["ok"]  # answered once it is logged in
        row = muting.mute_user(**asked(cast, cast.mia, seconds=60))
        tell()
        until = int(row.until.timestamp() * 1000)
        for phone in (mia, outside):  # the second is in no room
            told = phone.is_told("mute")
            assert (told["room"], told["until"], told["by"]) == ("r1", until, "stella")
        error = refusal(mia.says("after"))
        assert (error["code"], error["name"], error["muted_until"]) == (10017, "muted", until)
        assert 0 < error["retry_after_ms"] <= 60_000
        for phone in (mia, zed):
            event = phone.hears("mute")
            assert event["user"] == {"id": "mia", "nick": "Mia"}
            assert (event["until"], event["by"]) == (until, "stella")
        assert mia.asks("like", count=1)["ok"]
        assert zed.says("still speaking")["ok"]
        assert zed.hears("comment", text="still speaking")
        assert mia.hears("comment", text="still speaking")
        muting.unmute_user(**asked(cast, cast.mia))
        tell()
        assert mia.is_told("unmute")["room"] == "r1"
        assert mia.says("again")["ok"]
        assert [event["text"] for event in zed.heard if event["type"] == "comment"] == ["before", "still speaking"]
        assert zed.hears("comment", text="again")
        all_fit(mia, zed, outside)


def test_a_mute_is_over_when_its_time_is_over_without_a_word(cast, watching):
    muting.mute_user(**asked(cast, cast.mia, seconds=1))
    with watching(cast.mia) as mia:
        assert mia.snapshot["me"]["muted"] is True
        assert mia.snapshot["me"]["muted_until"] > clock.now_ms() - 1000
        error = refusal(mia.says("too early"))
        time.sleep(error["retry_after_ms"] / 1000 + 0.01)
        assert mia.says("now")["ok"]


def test_who_comes_in_muted_without_end_is_shown_so(cast, watching):
    muting.mute_user(**asked(cast, cast.mia, seconds=None))
    with watching(cast.mia) as mia:
        assert (mia.snapshot["me"]["muted"], mia.snapshot["me"]["muted_until"]) == (True, None)
        error = refusal(mia.says("hi"))
        assert error["muted_until"] is None
        assert "retry_after_ms" not in error
        all_fit(mia)


def test_in_a_muted_room_only_its_owner_and_admins_are_heard(cast, watching):
    with watching(cast.mia) as mia, watching(cast.stella) as stella, watching(cast.max) as max_:
        muting.mute_everyone(**asked(cast))
        tell()
        assert mia.hears("mute_all")["on"] is True
        assert stella.hears("mute_all")["by"] == "stella"
        assert refusal(mia.says("hi"))["name"] == "muted_all"
        assert stella.says("I speak")["ok"]
        assert max_.says("So do I")["ok"]
        with watching(cast.zed) as zed:
            assert zed.snapshot["me"]["muted_all"] is True
            assert refusal(zed.says("hi"))["code"] == 10017
            people.appoint_admin(room=cast.room, identifier="zed", by=STAFF, now=clock.now())
            tell()
            zed.hears("role")
            assert said_when_heard(zed)["ok"]
        muting.unmute_everyone(**asked(cast))
        tell()
        assert mia.hears("mute_all", on=False)
        assert said_when_heard(mia)["ok"]
        all_fit(mia)


def said_when_heard(phone):
    """What sockets remember changes a moment after the event."""
    for _ in range(100):
        answer = phone.says("hi")
        if answer["ok"] or answer["error"]["code"] != 10017:
            return answer
        time.sleep(0.02)
    return answer


def test_a_banned_viewer_hears_nothing_more_on_any_device(cast, sockets, calls, watching):
    url = sockets.url
    other = rooms.create_room(app=cast.app, owner=cast.zed, by=STAFF, now=clock.now(), group_id="r3", title="Other")
    cast.app.several_rooms = True
    cast.app.save()
    with (
        watching(cast.mia) as web,
        calling(url, usersig=cast.usersig(cast.mia), query="platform=ios") as phone,
        calling(url, usersig=cast.usersig(cast.mia), query="platform=android") as elsewhere,
        watching(cast.zed) as zed,
    ):
        assert phone.joins("r1")["ok"]
        assert elsewhere.joins(other.group_id)["ok"]
        ban = banning.ban_user(**asked(cast, cast.mia, seconds=60))
        tell()
        for device in (web, phone):
            assert device.is_hung_up() == 4103
            assert (device.farewell["reason"], device.farewell["reconnect"]) == ("banned", False)
            assert "this room until 2" in device.farewell["message"]
        until = int(ban.until.timestamp() * 1000)
        assert zed.hears("ban")["until"] == until
        assert zed.says("she is gone")["ok"]
        assert not any(event.get("text") == "she is gone" for device in (web, phone) for event in device.heard)
        assert elsewhere.says("I am still here")["ok"]
        with calls(cast.mia) as again:
            error = refusal(again.joins("r1"))
            assert (error["code"], error["name"], error["banned_until"]) == (10007, "banned", until)
            assert again.joins(other.group_id)["ok"]
            banning.lift_ban(**asked(cast, cast.mia))
            tell()
            assert rejoins(again)["ok"]
            all_fit(again, web, zed)


def rejoins(phone):
    """A room is shown as of a second ago to who comes in."""
    for _ in range(100):
        answer = phone.joins("r1")
        if answer["ok"]:
            return answer
        time.sleep(0.02)
    return answer


def test_a_ban_from_the_app_closes_every_socket_in_a_room_or_not(cast, calls, watching):
    with watching(cast.mia) as inside, calls(cast.mia) as outside:
        outside.asks("ping")
        banning.ban_from_app(app=cast.app, identifier="mia", seconds=None, by=STAFF, now=clock.now())
        tell()
        for phone in (inside, outside):
            assert phone.is_hung_up() == 4103
            assert "this app until a moderator" in phone.farewell["message"]
    time.sleep(0.9)
    with calls(cast.mia) as again:
        error = refusal(again.joins("r1"))
        assert (error["name"], error["banned_until"]) == ("banned", None)


@pytest.mark.parametrize("whole_app", [False, True])
def test_a_ban_that_falls_while_somebody_comes_in_holds(cast, calls, whole_app):
    """However the two fall together: refused, or hung up on."""

    def ban(pause: float) -> None:
        time.sleep(pause)
        if whole_app:
            banning.ban_from_app(app=cast.app, identifier="mia", seconds=None, by=STAFF, now=clock.now())
        else:
            banning.ban_user(**asked(cast, cast.mia, seconds=None))
        tell()
        connection.close()

    for n in range(12):
        with calls(cast.mia) as phone:
            moderator = threading.Thread(target=ban, args=(n * 0.002,))
            moderator.start()
            try:
                came_in = phone.joins("r1")["ok"]
            except AssertionError:
                came_in = False
            moderator.join()
            if came_in:
                assert phone.is_hung_up() == 4103, n
        Ban.objects.all().delete()
        time.sleep(0.01)


# -- words that come late, twice, or from two relays


def word(cast, message):
    """As a relay would tell it that has slept: to mia's sockets."""
    control.publish_now(message, to=Person(sdkappid=cast.app.sdkappid, identifier="mia"))


def all_were_heard(cast, phone):
    """What was said on the people's channel until now."""
    said, owner = secrets.token_hex(4), ShownPerson(id="stella", nick="Stella", avatar="", level=0)
    event = ShowBegan(t=0, room=said, title="", owner=owner)
    publish(event, to=Person(sdkappid=cast.app.sdkappid, identifier="mia"), event_id=said)
    assert phone.is_told("live")["room"] == said


def version_of(cast):
    return Room.objects.get(pk=cast.room.pk).state_version


def test_an_older_word_never_wins_over_a_newer_one(cast, watching):
    with watching(cast.mia) as mia:
        muting.mute_user(**asked(cast, cast.mia, seconds=60))
        old = version_of(cast)
        muting.unmute_user(**asked(cast, cast.mia))
        tell()
        assert mia.is_told("unmute")
        for _ in range(2):  # another relay wakes up
            word(cast, StandingInRoom(room=cast.room.key, muted_until_ms=2**53 - 1, version=old))
        here = Here(cast.room.key)
        control.publish_now(StandingInRoom(room=here.key, muted_all=True, version=old), to=here)
        control.publish_now(StandingInRoom(room=here.key, muted_all=False, version=old + 2), to=here)
        all_were_heard(cast, mia)
        assert mia.says("I may")["ok"]
        word(cast, RoleInRoom(room=cast.room.key, role="admin", version=old))  # of another thing: news
        assert mia.hears("comment", text="I may")
        muting.mute_everyone(**asked(cast))
        tell()
        assert mia.hears("mute_all")
        assert mia.says("as an admin")["ok"]


def test_a_word_from_before_one_came_in_does_not_count(cast, watching):
    banning.ban_user(**asked(cast, cast.mia, seconds=60))
    banned = version_of(cast)
    banning.lift_ban(**asked(cast, cast.mia))
    muting.mute_user(**asked(cast, cast.mia, seconds=60))
    muted = version_of(cast)
    muting.unmute_user(**asked(cast, cast.mia))
    people.appoint_admin(room=cast.room, identifier="mia", by=STAFF, now=clock.now())
    tell()
    with watching(cast.mia) as mia:
        assert mia.snapshot["room"]["version"] == version_of(cast)
        here, out = cast.room.key, Closing(code=4103, reason="banned", message="Out.")
        word(cast, StandingInRoom(room=here, banned_until_ms=2**53 - 1, version=banned, closing=out))
        word(cast, StandingInRoom(room=here, muted_until_ms=2**53 - 1, version=muted))
        word(cast, RoleInRoom(room=here, role="member", version=muted))
        all_were_heard(cast, mia)
        assert mia.says("still here")["ok"]
        assert mia.hears("comment", text="still here")["from"]["role"] == "admin"


def test_a_ban_from_the_app_that_was_lifted_meanwhile_closes_nothing(cast, watching):
    banning.ban_from_app(app=cast.app, identifier="mia", seconds=60, by=STAFF, now=clock.now())
    banning.lift_ban_from_app(app=cast.app, identifier="mia", by=STAFF, now=clock.now())
    with watching(cast.mia) as mia:
        tell()  # the relay was away until now
        assert mia.says("hello")["ok"]


def test_two_relays_without_a_lease_leave_everybody_in_the_last_state(cast, watching):
    """On purpose: both believe to be the only one, and tell all there is at the same time."""
    with watching(cast.mia) as mia, watching(cast.zed) as zed:
        stop = threading.Event()

        def relay():
            while not stop.is_set():
                outbox.handle_pending(now=clock.now())
            connection.close()

        relays = [threading.Thread(target=relay) for _ in range(2)]
        for one in relays:
            one.start()
        try:
            for _ in range(8):
                muting.mute_user(**asked(cast, cast.mia, seconds=60))
                muting.mute_everyone(**asked(cast))
                muting.unmute_user(**asked(cast, cast.mia))
                muting.unmute_everyone(**asked(cast))
            last = version_of(cast)
            assert mia.hears("mute_all", version=last)["on"] is False
        finally:
            stop.set()
            for one in relays:
                one.join()
        assert mia.says("may speak")["ok"]
        assert zed.hears("comment", text="may speak")
        versions = [event["version"] for event in zed.heard if "version" in event]
        assert versions == sorted(set(versions))  # each once, in order
