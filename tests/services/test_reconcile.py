"""The engine's list against the database: what callbacks missed is repaired, what came after the list is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liveroom.accounts.models import Domain
from liveroom.kernel import clock
from liveroom.rooms.models import LiveSession, Room
from liveroom.rooms.services.rooms import disband_room
from liveroom.rooms.services.status import follow_losses, set_status
from streams import selectors
from streams.models import Publish, Stream
from streams.services import streams as services
from streams.services.publishing import admit_publisher, publisher_left
from streams.services.reconcile import reconcile
from tests.helpers.people import STAFF
from tests.helpers.pushing import push_hook, push_params

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def now():
    return clock.now()


def look(engine, at) -> int:
    return reconcile(state=engine.state(), seen_at=at, now=at)


def status(cast) -> str:
    return Room.objects.get(pk=cast.room.pk).status


def test_equal_lists_need_no_repair(cast, engine, now):
    publisher = engine.publish(cast.stream.name)
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id=publisher.client_id), now=now)
    assert look(engine, now + 10 * SECOND) == 0
    assert look(engine, now + 20 * SECOND) == 0


def test_a_publisher_whose_goodbye_was_lost_is_closed(cast, engine, now):
    admit_publisher(hook=push_hook(cast.stream, now=now), now=now)
    assert look(engine, now + 10 * SECOND) == 1
    publish = Publish.objects.get()
    assert (publish.ended_at, publish.end_reason) == (now + 10 * SECOND, "gone")
    follow_losses(now=now + 13 * SECOND)
    assert status(cast) == "paused"


def test_a_publisher_that_the_list_cannot_know_yet_is_left_alone(cast, engine, now):
    admit_publisher(hook=push_hook(cast.stream, now=now), now=now)
    assert look(engine, now + SECOND) == 0
    assert look(engine, now - SECOND) == 0
    assert selectors.open_publish(cast.stream) is not None


def test_a_publisher_whose_hello_was_lost_is_adopted(cast, engine, now):
    publisher = engine.publish(cast.stream.name, address="203.0.113.9")
    assert look(engine, now) == 1
    publish = Publish.objects.get()
    assert (publish.client_id, publish.address) == (publisher.client_id, "203.0.113.9")
    assert status(cast) == "live"
    assert look(engine, now + SECOND) == 0


def test_another_connection_replaces_the_one_we_knew(cast, engine, now):
    first = engine.publish(cast.stream.name)
    look(engine, now)
    engine.publish(cast.stream.name)
    assert look(engine, now + 10 * SECOND) == 1
    assert [row.end_reason for row in Publish.objects.order_by("id")] == ["replaced", ""]
    assert Publish.objects.order_by("id")[0].client_id == first.client_id
    assert LiveSession.objects.count() == 1
    assert Room.objects.get(pk=cast.room.pk).publisher_lost_at is None


def test_who_has_just_said_goodbye_is_not_raised_again_by_an_older_list(cast, engine, now):
    publisher = engine.publish(cast.stream.name)
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id=publisher.client_id), now=now)
    state = engine.state()
    goodbye = push_hook(cast.stream, now=now, client_id=publisher.client_id, action="publish_done")
    publisher_left(hook=goodbye, now=now + 10 * SECOND)
    assert reconcile(state=state, seen_at=now + 10 * SECOND, now=now + 11 * SECOND) == 0
    assert selectors.open_publish(cast.stream) is None


def test_an_engine_that_started_anew_serves_nobody(cast, engine, now):
    publisher = engine.publish(cast.stream.name)
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id=publisher.client_id), now=now)
    engine.restart()
    assert look(engine, now + 10 * SECOND) == 1
    engine.publish(cast.stream.name)
    assert look(engine, now + 12 * SECOND) == 1
    assert status(cast) == "live"
    assert LiveSession.objects.count() == 1


def test_a_stream_that_only_players_wait_for_is_not_on_air(cast, engine, now):
    engine.publish(cast.stream.name)
    engine.stop(cast.stream.name)
    assert cast.stream.name in engine.state().streams
    assert look(engine, now) == 0
    assert status(cast) == "to_be_started"


def test_what_should_not_be_on_air_is_cut(cast, engine, now):
    stream = cast.stream
    engine.publish("nobody_knows_this")
    engine.publish(stream.name)
    services.forbid_stream(stream=stream, by=STAFF, now=now, reason="")
    assert look(engine, now) == 2
    assert sorted(engine.dropped) == sorted(["nobody_knows_this", stream.name])
    assert look(engine, now + SECOND) == 0


def test_disabling_a_push_domain_cuts_who_came_by_its_key(cast, engine, now):
    second = Domain.objects.create(app=cast.app, kind=Domain.PUSH, name="push2.example.com")
    publisher = engine.publish(cast.stream.name)
    params = push_params(cast.stream, until=now + 60 * SECOND, key=second.master_key)
    publish = admit_publisher(hook=push_hook(cast.stream, now=now, client_id=publisher.client_id, **params), now=now)
    assert publish.domain == second
    assert look(engine, now + 2 * SECOND) == 0
    Domain.objects.filter(app=cast.app, kind=Domain.PUSH).exclude(pk=second.pk).update(enabled=False)
    assert look(engine, now + 4 * SECOND) == 0
    Domain.objects.filter(app=cast.app, kind=Domain.PUSH).update(enabled=False)
    Domain.objects.filter(app=cast.app, kind=Domain.PUSH).exclude(pk=second.pk).update(enabled=True)
    assert look(engine, now + 6 * SECOND) == 1
    assert engine.dropped == [cast.stream.name]


def test_with_the_last_push_domain_disabled_everything_of_the_app_is_cut(cast, engine, now):
    engine.publish(cast.stream.name)
    assert look(engine, now) == 1
    Domain.objects.filter(app=cast.app, kind=Domain.PUSH).update(enabled=False)
    look(engine, now + 2 * SECOND)
    assert engine.dropped == [cast.stream.name]


def test_what_a_hand_ended_is_cut_again_if_the_first_cut_failed(cast, engine, now):
    publisher = engine.publish(cast.stream.name)
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id=publisher.client_id), now=now)
    engine.hangs = True
    set_status(room=cast.room, status="ended", by=STAFF, now=now)
    engine.hangs = False
    assert look(engine, now + 10 * SECOND) >= 1
    assert engine.dropped == [cast.stream.name]
    look(engine, now + 12 * SECOND)
    assert (status(cast), selectors.open_publish(cast.stream)) == ("ended", None)


def test_a_disbanded_room_goes_off_air(cast, engine, now):
    name = cast.stream.name
    publisher = engine.publish(name)
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id=publisher.client_id), now=now)
    disband_room(room=cast.room, by=STAFF, now=now)
    engine.publish(name)
    assert look(engine, now + 10 * SECOND) == 1
    assert not Publish.objects.filter(ended_at__isnull=True).exists()
    assert Stream.objects.get(name=name).room.disbanded_at is not None


def test_a_stream_beside_the_programme_does_not_move_the_status(cast, engine, now):
    screen = services.add_stream(room=cast.room, label="screen", by=cast.actor(cast.stella), now=now)
    engine.publish(screen.name)
    assert look(engine, now) == 1
    assert status(cast) == "to_be_started"
    engine.stop(screen.name)
    assert look(engine, now + 10 * SECOND) == 1
    assert Room.objects.get(pk=cast.room.pk).publisher_lost_at is None
