"""Raising a hand: at the socket and over REST, seen by the owner and the admins, lowered by oneself, by them, or by the end of the show."""

from __future__ import annotations

import time

import pytest

from interactions.hands import services
from interactions.models import Hand
from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from liveroom.rooms.services.people import appoint_admin
from liveroom.rooms.services.status import set_status
from moderation.services import banning, muting
from tests.helpers.people import STAFF
from tests.helpers.problems import given, refused
from tests.helpers.sockets import tell
from tests.sockets.test_protocol import fits


@pytest.fixture
def show(cast):
    set_status(room=cast.room, status="live", by=STAFF, now=clock.now())
    return cast.room


def end(room) -> None:
    set_status(room=room, status="ended", by=STAFF, now=clock.now())


def told_of(phone, **wanted):
    """The latest event `hand`, once it is as wanted."""
    patience = time.monotonic() + 10
    while True:
        event = phone.is_told("hand")
        if all(event[name] == value for name, value in wanted.items()):
            return event
        assert time.monotonic() < patience, event
        phone.asks("ping")


def a_second_later() -> None:
    """Moderators are told once a second at most."""
    time.sleep(1.1)


def test_the_owner_and_the_admins_see_who_wants_to_be_heard(cast, show, watching, calls):
    appoint_admin(room=show, identifier="max", by=STAFF, now=clock.now())
    with watching(cast.mia) as mia, calls(cast.stella) as stella, watching(cast.max) as max_, watching(cast.zed) as zed:
        fits("hand_command", {"id": 1, "type": "hand", "room": "r1", "up": True})
        answer = mia.asks("hand", room="r1", up=True)
        assert (answer["ok"], answer["up"]) == (True, True)
        tell()
        for phone in (stella, max_):
            event = told_of(phone, up=True)
            assert (event["room"], event["user"]["id"], event["raised"], "by" in event) == ("r1", "mia", 1, False)
            for frame in phone.frames:
                fits(frame.get("type", "answer"), frame)
        a_second_later()
        assert mia.asks("hand", up=False)["up"] is False
        tell()
        assert told_of(stella, up=False)["raised"] == 0
        for phone in (mia, zed):
            phone.asks("ping")
            assert not [frame for frame in phone.frames if frame.get("type") == "you" and frame["events"]]
        for frame in mia.frames:
            fits(frame.get("type", "answer"), frame)


def test_twice_is_once_by_whichever_door(cast, show, watching, calls):
    api = cast.api(cast.mia)
    with watching(cast.mia) as mia, calls(cast.stella) as stella:
        first = given(api.post("rooms/r1/hands"))
        a_second_later()
        assert given(api.post("rooms/r1/hands")) == first
        assert mia.asks("hand", up=True)["ok"]
        tell()
        told_of(stella, up=True)
        assert sum(len(frame["events"]) for frame in stella.frames if frame.get("type") == "you") == 1
        assert Hand.objects.count() == 1
        for _ in range(2):
            assert api.delete("rooms/r1/hands").status_code == 204
            assert mia.asks("hand", up=False)["ok"]
        assert Hand.objects.count() == 0


def test_a_moderator_lowers_a_hand_and_its_person_is_told(cast, show, watching):
    with watching(cast.mia) as mia:
        mia.asks("hand", up=True)
        assert cast.api(cast.stella).delete("rooms/r1/hands/mia").status_code == 204
        tell()
        event = told_of(mia, up=False)
        assert (event["by"], event["raised"]) == ("stella", 0)
        for frame in mia.frames:
            fits(frame.get("type", "answer"), frame)
    # Only what a moderator did is in the log, and only if it did something.
    assert cast.api(cast.stella).delete("rooms/r1/hands/mia").status_code == 204
    entries = AuditEntry.objects.filter(action__startswith="hand.")
    assert [(entry.action, entry.target, entry.actor) for entry in entries] == [("hand.lower", "mia", "person:stella")]


def test_who_raised_it_first_stands_first_in_the_list_and_only_moderators_read_it(cast, show):
    for person in (cast.zed, cast.mia):
        given(cast.api(person).post("rooms/r1/hands"))
    page = given(cast.api(cast.stella).get("rooms/r1/hands"))
    assert [hand["user"]["id"] for hand in page["results"]] == ["zed", "mia"]
    refused(cast.api(cast.mia).get("rooms/r1/hands"), 403, 10007)
    refused(cast.api(cast.mia).delete("rooms/r1/hands/zed"), 403, 10007)
    assert Hand.objects.count() == 2


def test_the_end_of_the_show_lowers_all_hands(cast, show):
    api, stella = cast.api(cast.mia), cast.api(cast.stella)
    given(api.post("rooms/r1/hands"))
    end(show)
    assert given(stella.get("rooms/r1/hands"))["results"] == []
    refused(api.post("rooms/r1/hands"), 409)
    assert api.delete("rooms/r1/hands").status_code == 204


def test_without_a_show_nobody_raises_a_hand(cast, watching):
    with watching(cast.mia) as mia:
        error = mia.asks("hand", up=True)["error"]
        assert (error["code"], error["name"]) == (10056, "no_show")
        assert mia.asks("hand", up=False)["ok"]


def test_who_may_not_speak_may_lower_it_and_guests_and_the_banned_have_none(cast, show, watching, calls):
    by, now = cast.actor(cast.stella), clock.now()
    with watching(cast.mia) as mia, watching(None) as guest, calls(cast.zed) as zed:
        for up in (True, False, 5):
            assert guest.asks("hand", up=up)["error"]["code"] == 70002
            assert zed.asks("hand", up=up)["error"]["name"] == "not_in_room"
        for wrong in ({}, {"up": None}, {"up": 1}, {"up": "true"}, {"up": []}):
            error = mia.asks("hand", **wrong)["error"]
            assert (error["code"], error["field"]) == (10004, "up")
        assert mia.asks("hand", up=True)["ok"]
        muting.mute_user(room=show, identifier="mia", seconds=60, by=by, now=now)
        tell()
        assert mia.asks("hand", up=True)["error"]["code"] == 10017
        assert mia.asks("hand", up=False)["ok"]
        assert Hand.objects.count() == 0
    banning.ban_user(room=show, identifier="mia", seconds=60, by=by, now=now)
    refused(cast.api(cast.mia).post("rooms/r1/hands"), 403, 10007)
    refused(cast.server().post("rooms/r1/hands"), 403)


def test_a_thousand_at_most(cast, show, monkeypatch):
    monkeypatch.setattr(services, "MOST_HANDS", 1)
    given(cast.api(cast.mia).post("rooms/r1/hands"))
    given(cast.api(cast.mia).post("rooms/r1/hands"))
    assert refused(cast.api(cast.zed).post("rooms/r1/hands"), 409, 10056, "too_many_hands")["limit"] == 1


def test_a_person_moves_its_hand_thirty_times_a_minute(cast, show, watching):
    with watching(cast.mia) as mia:
        answers = [mia.asks("hand", up=number % 2 == 0) for number in range(61)]
    assert [answer["ok"] for answer in answers] == [True] * 60 + [False]
    assert (answers[-1]["error"]["code"], answers[-1]["error"]["limit"]) == (60018, 30)
