"""Following: once, of one's own app; followers hear of a show that begins, in letters of a thousand, each follower once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis

from interactions.delivery.people import user_events as you
from interactions.models import Follow
from interactions.people import selectors
from interactions.people.services import follows
from interactions.people.services.follows import FollowsItself
from interactions.socket.joining import joining
from liveroom.accounts.models import Person
from liveroom.accounts.services.people import PersonUnknown
from liveroom.kernel import clock, outbox, permission
from liveroom.kernel.data.redis import key, shared
from liveroom.kernel.models import OutboxRow
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import Status
from liveroom.rooms.services.status import set_status
from liveroom.rooms.voters import LogInFirst
from tests.helpers.people import STAFF


def follow(cast, person: Person, identifier: str) -> int:
    return follows.follow(person=person, identifier=identifier, by=cast.actor(person), now=clock.now())


def letters() -> int:
    return OutboxRow.objects.filter(topic="followers").count()


def hears(person: str) -> list[bytes]:
    return shared().lrange(key("you", f"@{person}"), 0, -1)


def connects(person: str) -> None:
    """As somebody whose socket has opened: Redis knows its epoch."""
    shared().set(key("uplace", f"@{person}"), "abc 0")


def test_following_twice_is_once_and_letting_go_twice_is_nothing(cast):
    assert follow(cast, cast.mia, "stella") == follow(cast, cast.mia, "stella") == 1
    assert follow(cast, cast.max, "stella") == 2
    for _ in range(2):
        assert follows.unfollow(person=cast.mia, identifier="stella", by=cast.actor(cast.mia), now=clock.now()) == 1


def test_nobody_follows_oneself_a_stranger_or_another_app(cast):
    with pytest.raises(FollowsItself):
        follow(cast, cast.mia, "mia")
    for nobody in ("rita", "nobody", "", "x" * 500):
        with pytest.raises(PersonUnknown):
            follow(cast, cast.mia, nobody)
    with pytest.raises(LogInFirst):
        follows.follow(person=cast.mia, identifier="stella", by=permission.anonymous(), now=clock.now())
    assert not Follow.objects.exists()


def status(cast, to: Status, now) -> None:
    set_status(room=cast.room, status=to, by=STAFF, now=now)


def test_a_show_that_begins_is_told_and_a_pause_that_ends_is_not(cast):
    now = clock.now()
    status(cast, Status.LIVE, now)
    assert letters() == 0  # nobody follows her
    follow(cast, cast.mia, "stella")
    status(cast, Status.ENDED, now)
    later = now + timedelta(minutes=11)
    status(cast, Status.LIVE, later)
    assert letters() == 1
    status(cast, Status.PAUSED, later)
    status(cast, Status.LIVE, later + timedelta(minutes=30))
    assert letters() == 1


def test_a_stream_that_flaps_calls_once_in_ten_minutes(cast):
    now = clock.now()
    follow(cast, cast.mia, "stella")
    for minutes in (0, 3, 6, 9):
        status(cast, Status.LIVE, now + timedelta(minutes=minutes))
        status(cast, Status.ENDED, now + timedelta(minutes=minutes, seconds=30))
    assert letters() == 1
    status(cast, Status.LIVE, now + timedelta(minutes=20))
    assert letters() == 2


def test_a_room_that_is_not_listed_is_nobodys_news(cast):
    follow(cast, cast.mia, "stella")
    Room.objects.filter(pk=cast.room.pk).update(visibility=Room.UNLISTED)
    status(cast, Status.LIVE, clock.now())
    assert letters() == 0


def carry() -> int:
    """One round of the relay: how many letters are done, a thousand followers at most."""
    return outbox.handle_batches(now=clock.now())[0]


def test_many_followers_are_told_in_letters_each_once_and_nothing_is_kept_of_those_away(cast, monkeypatch):
    monkeypatch.setattr(follows, "PER_MESSAGE", 7)
    monkeypatch.setattr(you, "_CALLS_PER_ROUND", 3)
    people = Person.objects.bulk_create(Person(app=cast.app, identifier=f"p{n}") for n in range(20))
    now = clock.now()
    Follow.objects.bulk_create(Follow(follower=person, streamer=cast.stella, at=now) for person in people)
    names = [f"{cast.app.sdkappid}:p{n}" for n in range(20)]
    for name in names[:15]:
        connects(name)
    status(cast, Status.LIVE, now)
    first = OutboxRow.objects.get(topic="followers")
    while carry():
        pass
    assert letters() == 3
    OutboxRow.objects.filter(pk=first.pk).update(done_at=None)  # carried twice: its relay died
    while carry():
        pass
    assert letters() == 3
    assert [len(hears(name)) for name in names] == [1] * 15 + [0] * 5
    assert not shared().exists(key("uplace", f"@{names[19]}"))
    assert b'"type":"live"' in hears(names[0])[0]
    assert b'"owner":{"id":"stella"' in hears(names[0])[0]


def test_a_redis_that_is_away_is_asked_again(cast, monkeypatch):
    follow(cast, cast.mia, "stella")
    connects(f"{cast.app.sdkappid}:mia")
    status(cast, Status.LIVE, clock.now())
    with monkeypatch.context() as patch:
        patch.setattr(you, "publish_to_many_now", lambda **_: (_ for _ in ()).throw(redis.ConnectionError()))
        assert carry() == 0
    assert carry() == 1
    assert len(hears(f"{cast.app.sdkappid}:mia")) == 1


def test_who_comes_in_is_told_whether_it_follows_without_a_question_of_its_own(
    cast, monkeypatch, django_assert_num_queries
):
    follow(cast, cast.mia, "stella")
    [mia, max_] = joining.visitors_of(usersigs=[cast.usersig(cast.mia), cast.usersig(cast.max)], now=clock.now())
    [view] = joining.views_of([(cast.app.pk, "r1")], now=clock.now())
    assert view.followers == 1
    with django_assert_num_queries(0):
        assert [joining.is_following(view, who) for who in (mia, max_, joining.GUEST)] == [True, False, False]
    monkeypatch.setattr(selectors, "FEW_FOLLOWERS", 0)
    [view] = joining.views_of([(cast.app.pk, "r1")], now=clock.now())
    assert (view.followers, view.follower_ids, joining.is_following(view, mia)) == (1, None, None)
    pairs = [(cast.mia.pk, cast.stella.pk), (cast.max.pk, cast.stella.pk), (cast.mia.pk, cast.max.pk)] * 50
    with django_assert_num_queries(1):
        assert joining.are_following(pairs) == [True, False, False] * 50
