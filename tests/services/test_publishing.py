"""Who may push: every answer to the engine's question, and what the streamer reads about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from liveroom.accounts.models import App, Domain
from liveroom.kernel import clock
from liveroom.kernel.values.signing import derived_secret
from liveroom.rooms.models import LiveSession, Room
from liveroom.rooms.services.rooms import change_access, disband_room
from liveroom.rooms.services.status import set_status
from streams import addresses, selectors
from streams.models import Publish, PushRefusal, Stream
from streams.services import streams as services
from streams.services.playing import admit_player
from streams.services.publishing import admit_publisher, publisher_left
from streams.services.refusals import Refused
from tests.helpers.people import STAFF
from tests.helpers.pushing import push_hook, push_params

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def now():
    return clock.now()


def refused(hook, now, *, reason: str, code: int) -> str:
    with pytest.raises(Refused) as error:
        admit_publisher(hook=hook, now=now)
    assert (error.value.reason, error.value.code) == (reason, code)
    return error.value.message


def test_a_good_key_makes_the_room_live(cast, now):
    publish = admit_publisher(hook=push_hook(cast.stream, now=now, sei="1"), now=now)
    assert Room.objects.get(pk=cast.room.pk).status == "live"
    assert publish.session == LiveSession.objects.get(room=cast.room, had_publisher=True)
    assert (publish.address, publish.software) == ("198.51.100.7", "FMLE/3.0 (compatible; FMSc/1.0)")
    assert "sei=1" in publish.query
    assert "txSecret" not in publish.query


def test_a_stream_that_is_not_there_is_refused(cast, now):
    hook = push_hook(Stream(name="nowhere", room=cast.room), now=now)
    refused(hook, now, reason="unknown_stream", code=306)
    stream = cast.stream
    disband_room(room=cast.room, by=STAFF, now=now)
    refused(push_hook(stream, now=now), now, reason="unknown_stream", code=306)


@pytest.mark.parametrize(
    ("changes", "reason", "code"),
    [
        ({"txTime": None}, "missing_time", 500),
        ({"txSecret": None}, "missing_secret", 502),
        ({"txSecret": "0" * 32}, "wrong_signature", 503),
        ({"txTime": "7FFFFFFF"}, "wrong_signature", 503),
    ],
)
def test_a_key_that_was_changed_is_refused_and_recorded(cast, now, changes, reason, code):
    text = refused(push_hook(cast.stream, now=now, **changes), now, reason=reason, code=code)
    row = PushRefusal.objects.get(stream=cast.stream)
    assert (row.reason, row.code, row.text, row.address) == (reason, code, text, "198.51.100.7")
    assert "copy it" in row.text
    assert row.detail
    assert row.detail != row.text
    assert Room.objects.get(pk=cast.room.pk).status == "to_be_started"


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=1), "1 second"),
        (3 * MINUTE, "3 minutes"),
        (MINUTE, "1 minute"),
        (60 * MINUTE, "1 hour"),
        (50 * 60 * MINUTE, "2 days"),
    ],
)
def test_an_expired_key_is_refused_with_how_long_ago(cast, now, ago, words):
    text = refused(push_hook(cast.stream, now=now, valid=-ago), now, reason="expired", code=501)
    assert f"The key expired {words} ago" in text


def test_the_backup_key_is_as_good_and_signing_may_be_off(cast, now):
    domain = Domain.objects.get(app=cast.app, kind=Domain.PUSH)
    admit_publisher(
        hook=push_hook(cast.stream, now=now, **push_params(cast.stream, until=now + MINUTE, key=domain.backup_key)),
        now=now,
    )
    domain.auth_enabled = False
    domain.save()
    screen = services.add_stream(room=cast.room, label="screen", by=cast.actor(cast.stella), now=now)
    admit_publisher(hook=push_hook(screen, now=now, txSecret=None, txTime=None), now=now)


def test_a_reset_makes_the_old_key_worthless_and_the_new_one_good(cast, engine, now, committed):
    by = cast.actor(cast.stella)
    old = services.show_push_address(stream=cast.stream, by=by, now=now)
    old_params = dict(part.split("=") for part in old.stream_key.split("?")[1].split("&"))
    engine.publish(cast.stream.name)
    with committed():
        new = services.reset_push_key(stream=cast.stream, by=by, now=now)
    assert engine.dropped == [cast.stream.name]
    text = refused(push_hook(cast.stream, now=now, **old_params), now, reason="reset", code=503)
    assert "reset" in text
    new_params = dict(part.split("=") for part in new.stream_key.split("?")[1].split("&"))
    engine.stop(cast.stream.name)
    admit_publisher(hook=push_hook(cast.stream, now=now, **new_params), now=now)
    assert services.show_push_address(stream=cast.stream, by=by, now=now) == new


def test_two_resets_in_one_second_make_two_keys(cast, now):
    by = cast.actor(cast.stella)
    keys = {services.reset_push_key(stream=cast.stream, by=by, now=now).stream_key for _ in range(3)}
    assert len(keys) == 3


def test_a_forbidden_stream_is_refused_cut_and_allowed_again(cast, engine, now, committed):
    engine.publish(cast.stream.name)
    with committed():
        services.forbid_stream(stream=cast.stream, by=STAFF, now=now, reason="music rights")
    assert engine.dropped == [cast.stream.name]
    text = refused(push_hook(cast.stream, now=now), now, reason="forbidden", code=305)
    assert "music rights" in text
    services.allow_stream(stream=cast.stream, by=STAFF, now=now)
    admit_publisher(hook=push_hook(cast.stream, now=now), now=now)


def test_what_a_hand_ended_an_encoder_does_not_begin_again(cast, engine, now, committed):
    admit_publisher(hook=push_hook(cast.stream, now=now), now=now)
    engine.publish(cast.stream.name)
    with committed():
        set_status(room=cast.room, status="ended", by=cast.actor(cast.stella), now=now)
    assert engine.dropped == [cast.stream.name]
    text = refused(push_hook(cast.stream, now=now, client_id="8"), now, reason="ended_by_hand", code=305)
    assert "start again in" in text
    set_status(room=cast.room, status="live", by=cast.actor(cast.stella), now=now)
    publisher_left(hook=push_hook(cast.stream, now=now, action="publish_done"), now=now)
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id="9"), now=now)


def test_a_second_publisher_is_refused_and_its_goodbye_ignored(cast, engine, now):
    publisher = engine.publish(cast.stream.name)
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id=publisher.client_id), now=now)
    later = now + 10 * MINUTE
    text = refused(push_hook(cast.stream, now=later, client_id="99"), later, reason="second_publisher", code=600)
    assert "198.51.100.7 for 10 min" in text
    assert not publisher_left(hook=push_hook(cast.stream, now=later, client_id="99", action="publish_done"), now=later)
    assert selectors.open_publish(cast.stream) is not None
    assert publisher_left(
        hook=push_hook(cast.stream, now=later, client_id=publisher.client_id, action="publish_done"), now=later
    )
    assert selectors.open_publish(cast.stream) is None
    assert Room.objects.get(pk=cast.room.pk).publisher_lost_at == later


def test_a_second_publisher_takes_over_where_the_app_says_so(cast, engine, now):
    App.objects.filter(pk=cast.app.pk).update(second_publisher=App.TAKE_OVER)
    first = admit_publisher(hook=push_hook(cast.stream, now=now, client_id="1"), now=now)
    engine.publish(cast.stream.name)
    second = admit_publisher(hook=push_hook(cast.stream, now=now, client_id="2"), now=now + MINUTE)
    assert engine.dropped == [cast.stream.name]
    assert Publish.objects.get(pk=first.pk).end_reason == "replaced"
    assert selectors.open_publish(cast.stream) == second
    room = Room.objects.get(pk=cast.room.pk)
    assert (room.status, room.publisher_lost_at) == ("live", None)


# -- one connection, several publishes


def hello(cast, engine, now, *, client: str = "5"):
    """The engine asks, is told yes, and lists who publishes."""
    publish = admit_publisher(hook=push_hook(cast.stream, now=now, client_id=client), now=now)
    publisher = engine.publish(cast.stream.name)
    engine.streams[cast.stream.name] = replace(
        engine.streams[cast.stream.name], publisher=replace(publisher, client_id=client)
    )
    return publish


def goodbye(cast, now, *, client: str = "5") -> bool:
    return publisher_left(hook=push_hook(cast.stream, now=now, client_id=client, action="publish_done"), now=now)


def test_a_connection_that_publishes_again_is_not_refused_because_of_itself(cast, engine, now):
    for n in range(30):
        at = now + n * timedelta(seconds=1)
        first = hello(cast, engine, at)
        second = hello(cast, engine, at)
        assert not goodbye(cast, at), "the goodbye of the first publish ended the second"
        assert selectors.open_publish(cast.stream) == second
        assert Publish.objects.get(pk=first.pk).end_reason == "left"
        assert goodbye(cast, at)
        assert selectors.open_publish(cast.stream) is None
    assert not PushRefusal.objects.exists()
    assert LiveSession.objects.count() == 1


def test_goodbyes_in_their_turn_end_what_they_belong_to(cast, engine, now):
    for n in range(5):
        at = now + n * timedelta(seconds=1)
        hello(cast, engine, at)
        assert goodbye(cast, at)
        assert selectors.open_publish(cast.stream) is None


@pytest.mark.parametrize("times", [2, 3, 7])
def test_several_goodbyes_that_are_late_are_all_waited_for(cast, engine, now, times):
    for _ in range(times):
        last = hello(cast, engine, now)
    assert [goodbye(cast, now) for _ in range(times - 1)] == [False] * (times - 1)
    assert selectors.open_publish(cast.stream) == last
    assert goodbye(cast, now)


def test_a_goodbye_that_never_came_does_not_keep_the_next_publish_on_air(cast, engine, now):
    hello(cast, engine, now)
    hello(cast, engine, now)
    engine.stop(cast.stream.name)
    assert goodbye(cast, now + timedelta(seconds=10))
    assert selectors.open_publish(cast.stream) is None


def test_another_connection_owes_nothing(cast, engine, now):
    hello(cast, engine, now)
    hello(cast, engine, now)
    assert not goodbye(cast, now, client="6")
    text = refused(push_hook(cast.stream, now=now, client_id="6"), now, reason="second_publisher", code=600)
    assert "on air already" in text


# -- domains (S1)


def domain(cast, kind: str, **more) -> Domain:
    return Domain.objects.create(app=cast.app, kind=kind, **more)


def signed_by(cast, key: Domain, now, *, ago: timedelta = -timedelta(days=1)):
    return push_hook(cast.stream, now=now, **push_params(cast.stream, until=now - ago, key=key.master_key))


def test_with_no_enabled_push_domain_nothing_is_pushed(cast, engine, now):
    good = push_hook(cast.stream, now=now)
    Domain.objects.filter(app=cast.app, kind=Domain.PUSH).update(enabled=False)
    text = refused(good, now, reason="no_push_domain", code=300)
    assert "switched off" in text
    assert PushRefusal.objects.get().detail == "The app has no enabled push domain."
    with pytest.raises(addresses.PushingOff):
        services.show_push_address(stream=cast.stream, by=cast.actor(cast.stella), now=now)
    Domain.objects.filter(app=cast.app, kind=Domain.PUSH).delete()
    refused(good, now, reason="no_push_domain", code=300)


def test_the_keys_and_the_delta_of_every_enabled_domain_count(cast, engine, now):
    first = Domain.objects.get(app=cast.app, kind=Domain.PUSH)
    second = domain(cast, Domain.PUSH, name="push2.example.com", auth_delta_seconds=600)
    late = timedelta(minutes=5)
    hello_again = admit_publisher(hook=signed_by(cast, second, now, ago=late), now=now)
    assert hello_again.ended_at is None
    publisher_left(hook=push_hook(cast.stream, now=now, action="publish_done"), now=now)
    refused(signed_by(cast, first, now, ago=late), now, reason="expired", code=501)
    Domain.objects.filter(pk=second.pk).update(enabled=False)
    refused(signed_by(cast, second, now), now, reason="wrong_signature", code=503)
    admit_publisher(hook=signed_by(cast, first, now), now=now)


def test_another_apps_domain_signs_nothing_here(cast, engine, now):
    other = Domain.objects.get(app=cast.other_app, kind=Domain.PUSH)
    refused(signed_by(cast, other, now), now, reason="wrong_signature", code=503)


def test_with_no_enabled_play_domain_nothing_is_played(cast, now):
    params = play_params(cast, cast.mia, now)
    Domain.objects.filter(app=cast.app, kind=Domain.PLAY).update(enabled=False)
    with pytest.raises(Refused) as error:
        admit_player(hook=push_hook(cast.stream, now=now, action="play", **params), now=now)
    assert error.value.reason == "no_play_domain"
    assert selectors.play_policy(stream=cast.stream.name).closed


def test_the_keys_of_every_play_domain_count(cast, now):
    second = domain(cast, Domain.PLAY, name="play2.example.com", auth_delta_seconds=3600)
    signed = push_params(cast.stream, until=now - 30 * MINUTE, key=second.backup_key)
    admit_player(hook=push_hook(cast.stream, now=now, action="play", **signed), now=now)
    first = Domain.objects.filter(app=cast.app, kind=Domain.PLAY).first()
    signed = push_params(cast.stream, until=now - 30 * MINUTE, key=first.master_key)
    with pytest.raises(Refused):
        admit_player(hook=push_hook(cast.stream, now=now, action="play", **signed), now=now)


def test_a_publisher_that_the_engine_has_forgotten_makes_room(cast, engine, now):
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id="1"), now=now)
    second = admit_publisher(hook=push_hook(cast.stream, now=now, client_id="2"), now=now + MINUTE)
    assert selectors.open_publish(cast.stream) == second


@pytest.mark.parametrize("trouble", ["down", "hangs"])
def test_while_the_engine_does_not_answer_the_publisher_we_know_keeps_its_place(cast, engine, now, trouble):
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id="1"), now=now)
    setattr(engine, trouble, True)
    refused(push_hook(cast.stream, now=now, client_id="2"), now + MINUTE, reason="second_publisher", code=600)


def test_the_status_follows_the_programme_and_no_other_stream(cast, now):
    screen = services.add_stream(room=cast.room, label="screen", by=cast.actor(cast.stella), now=now)
    admit_publisher(hook=push_hook(screen, now=now), now=now)
    assert Room.objects.get(pk=cast.room.pk).status == "to_be_started"
    services.set_programme(stream=screen, by=cast.actor(cast.stella), now=now)
    assert Room.objects.get(pk=cast.room.pk).status == "live"
    services.set_programme(stream=Stream.objects.get(room=cast.room, label="main"), by=cast.actor(cast.stella), now=now)
    assert Room.objects.get(pk=cast.room.pk).publisher_lost_at == now


# -- players


def play_params(cast, who, now) -> dict:
    address = addresses.play_addresses(room=cast.room, actor=cast.actor(who), now=now, http="http://x")
    return dict(part.split("=", 1) for part in address.rtmp.split("?")[1].split("&"))


def test_a_signed_address_plays_and_a_changed_one_does_not(cast, now):
    params = play_params(cast, cast.mia, now)
    admit_player(hook=push_hook(cast.stream, now=now, action="play", **params), now=now)
    for changes, reason in (({"txSecret": "0" * 32}, "wrong_signature"), ({"txTime": None}, "missing_time")):
        with pytest.raises(Refused) as error:
            admit_player(hook=push_hook(cast.stream, now=now, action="play", **{**params, **changes}), now=now)
        assert error.value.reason == reason
    with pytest.raises(Refused) as error:
        admit_player(hook=push_hook(cast.stream, now=now, action="play", **params), now=now + timedelta(hours=13))
    assert error.value.reason == "expired"


def test_an_address_of_a_closed_room_is_its_viewers_own(cast, now):
    change_access(room=cast.room, password="sesame", by=STAFF, now=now)
    cast.room.refresh_from_db()
    params = play_params(cast, cast.mia, now)
    admit_player(hook=push_hook(cast.stream, now=now, action="play", **params), now=now)
    for changes in ({"vid": "emVk"}, {"vsig": "0" * 32}, {"vid": None}):
        with pytest.raises(Refused) as error:
            admit_player(hook=push_hook(cast.stream, now=now, action="play", **{**params, **changes}), now=now)
        assert error.value.reason == "viewer"


def test_the_gateway_plays_by_its_token_from_our_own_hosts_and_nobody_else_does(cast, now):
    none = {"action": "play", "txSecret": None, "txTime": None}
    token = derived_secret("gateway")
    admit_player(hook=push_hook(cast.stream, now=now, gw=token, address="127.0.0.1", **none), now=now)
    for gw, address in ((token, "198.51.100.7"), ("guess", "127.0.0.1"), ("", "127.0.0.1")):
        with pytest.raises(Refused):
            admit_player(hook=push_hook(cast.stream, now=now, gw=gw, address=address, **none), now=now)
