"""What a room shows: its own stream, a mix while it runs, a marked copy in place of what it is a copy of (R10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter
from liveroom.rooms.models import Room
from streams import selectors
from streams.models import Publish, Stream
from streams.models.streams import MARK, MIX
from streams.services import programmes, streams
from streams.services.publishes import close_publish, open_publish
from streams.services.publishing import admit_publisher
from streams.services.refusals import Refused
from streams.services.streams import MadeHere, create_stream
from tests.helpers.people import STAFF
from tests.helpers.pushing import push_hook

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture
def own(cast) -> Stream:
    """What encoders push to."""
    return cast.stream


def made(cast, now, *, by: str = MIX, of: Stream | None = None) -> Stream:
    found = create_stream(room=cast.room, label=by, now=now, made_by=by, stands_in_for=of)
    programmes.take_programme(stream=found, now=now)
    return found


def publish(stream: Stream, now) -> Publish:
    stream.refresh_from_db()
    return open_publish(stream=stream, client_id=f"c{stream.pk}", address="127.0.0.1", now=now)


def shown(cast) -> Stream:
    found = selectors.programme(Room.objects.get(pk=cast.room.pk))
    assert found is not None
    return found


def test_a_mix_is_shown_while_it_is_published_and_the_own_stream_after_it(cast, own, now):
    publish(own, now)
    mix = made(cast, now)
    assert shown(cast) == own
    publish(mix, now)
    assert shown(cast) == mix
    assert selectors.own_stream(cast.room) == own
    programmes.give_back_programme(stream=mix, now=now)
    assert shown(cast) == own
    assert selectors.own_stream(cast.room) == own
    cast.room.refresh_from_db()
    assert cast.room.status == "live"


def test_a_mix_that_breaks_off_keeps_its_place_for_a_moment_and_not_for_longer(cast, own, now):
    publish(own, now)
    mix = made(cast, now)
    on_air = publish(mix, now)
    close_publish(publish=Publish.objects.get(pk=on_air.pk), now=now, reason="gone")
    programmes.settle_all(now=now + programmes.HELD - timedelta(seconds=1))
    assert shown(cast) == mix
    programmes.settle_all(now=now + programmes.HELD + timedelta(seconds=1))
    assert shown(cast) == own


def test_a_marked_copy_stands_in_for_what_is_shown(cast, own, now):
    copy = made(cast, now, by=MARK, of=own)
    publish(own, now)
    publish(copy, now)
    assert shown(cast) == copy
    mix = made(cast, now)
    publish(mix, now)
    assert shown(cast) == mix
    programmes.give_back_programme(stream=mix, now=now)
    assert shown(cast) == copy


def test_the_status_follows_what_is_shown(cast, own, now):
    publishing = publish(own, now)
    mix = made(cast, now)
    publish(mix, now)
    close_publish(publish=Publish.objects.get(pk=publishing.pk), now=now, reason="left")
    cast.room.refresh_from_db()
    assert cast.room.publisher_lost_at is None
    programmes.give_back_programme(stream=mix, now=now)
    cast.room.refresh_from_db()
    assert cast.room.publisher_lost_at == now


def test_whoever_chooses_the_own_stream_takes_the_programme_from_mixes(cast, own, now):
    publish(own, now)
    mix = made(cast, now)
    publish(mix, now)
    streams.set_programme(stream=own, by=STAFF, now=now)
    mix.refresh_from_db()
    assert shown(cast) == own
    assert not mix.wants_programme
    streams.set_programme(stream=mix, by=STAFF, now=now)
    assert shown(cast) == mix


def test_another_own_stream_behind_a_marked_copy(cast, own, now):
    screen = create_stream(room=cast.room, label="screen", now=now)
    copy = made(cast, now, by=MARK, of=own)
    publish(copy, now)
    assert shown(cast) == copy
    streams.set_programme(stream=screen, by=STAFF, now=now)
    assert shown(cast) == screen
    streams.set_programme(stream=own, by=STAFF, now=now)
    assert shown(cast) == copy
    assert selectors.own_stream(cast.room) == own


def test_nobody_pushes_to_a_made_stream(cast, own, now):
    mix = made(cast, now)
    with pytest.raises(MadeHere):
        streams.show_push_address(stream=mix, by=STAFF, now=now)
    with pytest.raises(Refused, match="made by the server"):
        admit_publisher(hook=push_hook(mix, now=now), now=now)
    copy = made(cast, now, by=MARK, of=own)
    with pytest.raises(BadParameter):
        streams.set_programme(stream=copy, by=STAFF, now=now)
