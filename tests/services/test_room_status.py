"""The status of a room in the database: by hand, and following the publisher with `now` passed in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter, NotPermitted
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.serializers import StatusSerializer
from liveroom.rooms.models import LiveSession, Room
from liveroom.rooms.rules.status import Status, legal_next
from liveroom.rooms.services import status as service
from liveroom.rooms.services.rooms import disband_room
from liveroom.rooms.services.status import IllegalStatusChange, follow_losses, publisher_came, publisher_lost
from tests.helpers.people import STAFF
from tests.helpers.published import room_events

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def now():
    return clock.now()


def by_hand(cast, status, now):
    return service.set_status(room=cast.room, status=status, by=cast.actor(cast.stella), now=now)


def status(cast) -> str:
    return Room.objects.get(pk=cast.room.pk).status


def told(cast) -> list[str]:
    return [event["status"] for event in room_events("status", room=cast.room.key)]


def put(cast, before: Status, now) -> None:
    """The shortest legal way to a status."""
    way = {"live": ["live"], "paused": ["live", "paused"], "ended": ["ended"], "played_back": ["ended", "played_back"]}
    for step in way.get(before, []):
        by_hand(cast, step, now)


@pytest.mark.parametrize("after", Status)
@pytest.mark.parametrize("before", Status)
def test_a_hand_goes_every_legal_way_and_no_other(cast, now, before, after):
    put(cast, before, now)
    if after in legal_next(before):
        assert by_hand(cast, after, now + SECOND).status == after
        assert told(cast)[-1] == after
    elif after is before:
        assert by_hand(cast, after, now + SECOND).status_at == Room.objects.get(pk=cast.room.pk).status_at
    else:
        with pytest.raises(IllegalStatusChange) as refused:
            by_hand(cast, after, now + SECOND)
        assert refused.value.extra["allowed"] == sorted(legal_next(before))
        assert status(cast) == before


@pytest.mark.parametrize("junk", ["", "LIVE", "live ", None, 5, ["live"], {}, "x" * 1000])
def test_a_status_that_does_not_exist_is_refused(cast, now, junk):
    with pytest.raises(BadParameter, match="to_be_started"):
        by_hand(cast, checked(StatusSerializer, {"status": junk})["status"], now)


@pytest.mark.parametrize("who", ["mia", "max", "zed", "rita"])
def test_only_the_owner_sets_it(cast, now, who):
    with pytest.raises(NotPermitted):
        service.set_status(room=cast.room, status="live", by=cast.actor(getattr(cast, who)), now=now)


def test_every_going_live_is_a_session_and_a_pause_is_not_one(cast, now):
    for step in ("live", "paused", "live", "ended", "live", "ended", "played_back", "live"):
        by_hand(cast, step, now)
    sessions = list(LiveSession.objects.filter(room=cast.room).order_by("id"))
    assert [session.ended_at is None for session in sessions] == [False, False, True]
    assert len({session.sequence for session in sessions}) == 3
    assert all(session.sequence.isdigit() for session in sessions)
    assert sessions[0].end_reason == "by hand"


def test_a_publisher_makes_the_room_live_and_a_short_loss_is_not_seen(cast, now):
    publisher_came(room_id=cast.room.pk, now=now)
    publisher_lost(room_id=cast.room.pk, now=now + 10 * SECOND)
    assert follow_losses(now=now + 12.9 * SECOND) == 0
    publisher_came(room_id=cast.room.pk, now=now + 12.95 * SECOND)
    assert follow_losses(now=now + 1000 * SECOND) == 0
    assert told(cast) == ["live"]


def test_a_loss_pauses_after_its_grace_time_and_ends_after_the_long_one(cast, now):
    publisher_came(room_id=cast.room.pk, now=now)
    lost = now + 10 * SECOND
    publisher_lost(room_id=cast.room.pk, now=lost)
    publisher_lost(room_id=cast.room.pk, now=lost + 2 * SECOND)  # told twice: the first time counts
    assert follow_losses(now=lost + 3 * SECOND) == 1
    assert status(cast) == "paused"
    assert follow_losses(now=lost + 119 * SECOND) == 0
    assert follow_losses(now=lost + 120 * SECOND) == 1
    session = LiveSession.objects.get(room=cast.room)
    assert (status(cast), session.end_reason) == ("ended", "publisher lost")
    assert told(cast) == ["live", "paused", "ended"]


def test_a_publisher_that_returns_from_a_pause_goes_on_in_the_same_session(cast, now):
    publisher_came(room_id=cast.room.pk, now=now)
    publisher_lost(room_id=cast.room.pk, now=now)
    follow_losses(now=now + 3 * SECOND)
    publisher_came(room_id=cast.room.pk, now=now + 60 * SECOND)
    assert status(cast) == "live"
    assert follow_losses(now=now + 500 * SECOND) == 0
    assert LiveSession.objects.filter(room=cast.room).count() == 1


def test_nobody_looking_for_a_while_ends_in_one_step(cast, now):
    publisher_came(room_id=cast.room.pk, now=now)
    publisher_lost(room_id=cast.room.pk, now=now)
    assert follow_losses(now=now + 1000 * SECOND) == 1
    assert told(cast) == ["live", "ended"]


def test_a_room_set_live_by_hand_is_not_ended_by_the_lack_of_a_publisher(cast, now):
    by_hand(cast, "live", now)
    publisher_lost(room_id=cast.room.pk, now=now)
    assert follow_losses(now=now + 1000 * SECOND) == 0
    assert status(cast) == "live"


def test_once_it_had_a_publisher_its_loss_counts(cast, now):
    by_hand(cast, "live", now)
    publisher_came(room_id=cast.room.pk, now=now)
    publisher_lost(room_id=cast.room.pk, now=now)
    assert follow_losses(now=now + 3 * SECOND) == 1
    assert status(cast) == "paused"


def test_what_a_loss_paused_a_hand_may_resume(cast, now):
    publisher_came(room_id=cast.room.pk, now=now)
    publisher_lost(room_id=cast.room.pk, now=now)
    follow_losses(now=now + 3 * SECOND)
    by_hand(cast, "live", now + 10 * SECOND)
    assert follow_losses(now=now + 11 * SECOND) == 0
    assert status(cast) == "live"


def test_a_hand_that_paused_is_not_overruled_by_a_loss_but_the_long_one_ends(cast, now):
    publisher_came(room_id=cast.room.pk, now=now)
    by_hand(cast, "paused", now + SECOND)
    publisher_lost(room_id=cast.room.pk, now=now + 2 * SECOND)
    assert follow_losses(now=now + 60 * SECOND) == 0
    assert follow_losses(now=now + 122 * SECOND) == 1
    assert status(cast) == "ended"


def test_ending_by_hand_holds_and_setting_live_lifts_it(cast, now):
    by_hand(cast, "live", now)
    assert by_hand(cast, "ended", now).held_until == now + 60 * SECOND
    assert by_hand(cast, "live", now).held_until is None


def test_a_room_disbanded_in_the_middle_of_a_round_stops_no_other(cast, now, monkeypatch):
    from tests.services.test_rooms import make

    other = make(cast)
    for room in (cast.room, other):
        publisher_came(room_id=room.pk, now=now)
        publisher_lost(room_id=room.pk, now=now)
    real = service.locked

    def locked(room_id: int) -> Room:
        if room_id == cast.room.pk:
            monkeypatch.setattr(service, "locked", real)
            disband_room(room=cast.room, by=STAFF, now=now)
        return real(room_id)

    monkeypatch.setattr(service, "locked", locked)
    assert follow_losses(now=now + 5 * SECOND) == 1
    assert Room.objects.get(pk=other.pk).status == "paused"
