"""Players that take the picture by RTMP, from the engine itself: counted with everybody else, and cut when they are banned."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liveroom.kernel import clock
from moderation.services import banning
from streams import addresses, selectors
from streams.engines.base import Hook
from streams.models import TimeShift
from streams.services import audience
from streams.services.audience import RtmpAudience
from streams.services.playing import admit_player, player_left
from streams.services.publishing import admit_publisher
from streams.services.refusals import Refused
from tests.helpers.people import STAFF
from tests.helpers.pushing import push_hook

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def play_hook(cast, client_id: str, *, actor=None, action: str = "play") -> Hook:
    """With the address that the room gives to this viewer."""
    address = addresses.play_addresses(room=cast.room, actor=actor, now=clock.now(), http="http://here")
    assert address is not None
    query = address.rtmp.partition("?")[2]
    return Hook(
        action=action,  # type: ignore[arg-type]
        stream=cast.stream.name,
        application="live",
        client_id=client_id,
        address="198.51.100.9",
        params=dict(part.split("=", 1) for part in query.split("&")),
    )


def limited(cast, limit: int) -> None:
    cast.room.viewer_limit = limit
    cast.room.save()


def on_air(cast, engine) -> None:
    publisher = engine.publish(cast.stream.name)
    admit_publisher(hook=push_hook(cast.stream, now=clock.now(), client_id=publisher.client_id), now=clock.now())


def count(cast) -> int:
    return audience.viewers(room_key=cast.room.key, now=clock.now())


def test_rtmp_players_take_places_and_give_them_back(cast, engine):
    limited(cast, 2)
    on_air(cast, engine)
    for client in ("11", "12"):
        admit_player(hook=play_hook(cast, client), now=clock.now())
    with pytest.raises(Refused) as refused:
        admit_player(hook=play_hook(cast, "13"), now=clock.now())
    assert (refused.value.reason, count(cast)) == ("viewer_limit", 2)
    player_left(hook=play_hook(cast, "11", action="play_done"), now=clock.now())
    admit_player(hook=play_hook(cast, "13"), now=clock.now())
    assert count(cast) == 2


def test_what_was_lost_or_left_over_is_counted_again_from_the_engines_list(cast, engine):
    on_air(cast, engine)
    admit_player(hook=play_hook(cast, "99"), now=clock.now())  # whose goodbye is lost
    engine.watch(cast.stream.name)
    engine.watch(cast.stream.name)  # whom nobody let in here: Redis was lost since
    follower = RtmpAudience()
    follower.follow(engine.state(), now=clock.now())
    assert count(cast) == 3  # it may not be listed yet
    follower.follow(engine.state(), now=clock.now() + 5 * SECOND)
    assert count(cast) == 2
    engine.streams.clear()
    follower.follow(engine.state(), now=clock.now() + 10 * SECOND)
    assert count(cast) == 0


def test_a_ban_cuts_the_players_of_the_banned_and_nobody_elses(cast, engine):
    on_air(cast, engine)
    clients = {}
    for person in (cast.mia, cast.stella):
        clients[person] = engine.watch(cast.stream.name)
        admit_player(hook=play_hook(cast, clients[person], actor=cast.actor(person)), now=clock.now())
    follower = RtmpAudience()
    assert follower.follow(engine.state(), now=clock.now()) == 0
    banning.ban_user(room=cast.room, identifier=cast.mia.identifier, seconds=None, by=STAFF, now=clock.now())
    assert follower.follow(engine.state(), now=clock.now()) == 1
    assert engine.state().streams[cast.stream.name].viewers == (clients[cast.stella],)
    with pytest.raises(Refused) as refused:
        admit_player(hook=play_hook(cast, "50", actor=cast.actor(cast.mia)), now=clock.now())
    assert refused.value.reason == "banned"
    banning.lift_ban(room=cast.room, identifier=cast.mia.identifier, by=STAFF, now=clock.now())
    admit_player(hook=play_hook(cast, "51", actor=cast.actor(cast.mia)), now=clock.now())


def test_who_is_banned_from_the_app_is_known_by_the_picture_of_every_room(cast, engine):
    banning.ban_from_app(app=cast.app, identifier=cast.mia.identifier, seconds=60, by=STAFF, now=clock.now())
    policy = selectors.watch_policy(stream=cast.stream.name)
    assert policy is not None
    assert len(policy.banned) == 1


def test_whoever_is_to_be_kept_behind_is_cut_and_who_runs_the_room_is_not(cast, engine):
    on_air(cast, engine)
    now = clock.now()
    guest, mia, stella = (
        play_hook(cast, engine.watch(cast.stream.name), actor=who)
        for who in (None, cast.actor(cast.mia), cast.actor(cast.stella))
    )
    for hook in (guest, mia, stella):
        admit_player(hook=hook, now=now)
    TimeShift.objects.create(
        stream=cast.stream, seconds=600, item_seconds=5, delay_seconds=20, since=now, updated_at=now
    )
    assert RtmpAudience().follow(engine.state(), now=now) == 2
    for hook in (guest, mia):
        with pytest.raises(Refused) as refused:
            admit_player(hook=hook, now=now)
        assert refused.value.reason == "delayed"
    admit_player(hook=stella, now=now)
