"""Popularity of rooms: from what was done there, each counted once, forgotten by half."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interactions.models import Gift, Order, SentGift
from interactions.statistics.services import popularity
from interactions.statistics.services.popularity import follow_popularity
from liveroom.kernel import clock
from liveroom.kernel.data.redis import key, shared
from liveroom.rooms.models import Room
from liveroom.rooms.services.rooms import create_room
from tests.helpers.many_rooms import counted, make_rooms
from tests.helpers.people import STAFF

TEN = timedelta(seconds=10)


def of(room: Room) -> int:
    return Room.objects.get(pk=room.pk).popularity


def change(room: Room, **values: int) -> None:
    Room.objects.filter(pk=room.pk).update(**values)


def say(room: Room, count: int) -> None:
    shared().hincrby(key("counts", room.key), "delivered:Normal", count)


def test_a_room_that_nobody_is_in_is_not_looked_at(cast):
    assert follow_popularity(now=clock.now()) == 0
    assert Room.objects.get(pk=cast.room.pk).popularity_at is None


def test_it_is_made_of_who_is_here_and_what_they_do(cast):
    now = clock.now()
    say(cast.room, 100)  # before anybody looked
    change(cast.room, online=3, likes=1000)
    assert follow_popularity(now=now) == 1
    assert of(cast.room) == 30
    assert follow_popularity(now=now) == 0
    say(cast.room, 10)
    change(cast.room, likes=1007)
    follow_popularity(now=now + TEN)
    assert of(cast.room) == 30 + 20 + 7
    follow_popularity(now=now + TEN + timedelta(minutes=10))
    assert of(cast.room) == 30 + 13
    change(cast.room, online=0)
    follow_popularity(now=now + TEN + timedelta(minutes=10, seconds=1))
    assert of(cast.room) == 13
    follow_popularity(now=now + timedelta(hours=5))
    assert of(cast.room) == 0
    assert shared().hlen(popularity.REMEMBERED) == 0
    assert follow_popularity(now=now + timedelta(hours=6)) == 0


def test_looking_often_forgets_no_faster(cast):
    now = clock.now()
    change(cast.room, online=1)
    follow_popularity(now=now)
    say(cast.room, 50)
    for look in range(1, 61):
        follow_popularity(now=now + look * TEN)
    assert of(cast.room) in (10 + 50, 10 + 49, 10 + 51)


def give(cast, at, total: int, number: int) -> None:
    gift, _ = Gift.objects.get_or_create(app=cast.app, code="rose", defaults={"name": "Rose", "price": 1})
    order = Order.objects.create(**order_of(cast, at, total, number))
    SentGift.objects.create(
        order=order, room=cast.room, gift=gift, buyer=cast.mia, streamer=cast.stella, count=1, total=total, share=0, at=at
    )  # fmt: skip


def order_of(cast, at, total: int, number: int) -> dict:
    said = {"number": f"o{number}", "app": cast.app, "person": cast.mia, "kind": "gift", "amount": total, "at": at}
    return {**said, "key": f"k{number}", "body_sha256": "0" * 64, "answer": {}, "by": "mia"}


def test_gifts_count_once_each_when_they_are_through(cast):
    now = clock.now()
    change(cast.room, online=1)
    give(cast, now - timedelta(seconds=5), 100, 1)
    follow_popularity(now=now)
    assert of(cast.room) == 10
    give(cast, now + timedelta(seconds=3), 40, 2)
    follow_popularity(now=now + TEN)
    assert 10 + 99 <= of(cast.room) <= 10 + 100
    follow_popularity(now=now + 2 * TEN)
    assert 10 + 137 <= of(cast.room) <= 10 + 140
    follow_popularity(now=now + 3 * TEN)
    assert of(cast.room) < 10 + 140


def test_a_gift_in_an_empty_room_counts(cast):
    now = clock.now()
    give(cast, now - timedelta(seconds=15), 100, 1)
    assert follow_popularity(now=now) == 1
    assert of(cast.room) == 100


def test_the_gifts_of_years_are_not_read_to_find_the_last_ones(cast, monkeypatch):
    monkeypatch.setattr(popularity, "GIFTS", 2)
    now = clock.now()
    for number in range(7):
        give(cast, now - timedelta(days=1), 1, number)
    with counted() as cost:
        assert popularity._lately_given(since=now - TEN) == []
    assert cost.statements == 1
    for number in range(10, 15):
        give(cast, now, 1, number)
    with counted() as cost:
        assert popularity._lately_given(since=now - TEN) == [cast.room.pk]
    assert cost.statements == 3


def test_one_turn_of_the_job_looks_at_all_rooms_as_of_one_instant(cast, monkeypatch):
    rooms = make_rooms(cast.app, count=5, now=clock.now())
    Room.objects.update(online=1)
    monkeypatch.setattr(popularity, "ROOMS", 2)
    now = clock.now()
    popularity.follow_due(now)
    assert Room.objects.filter(popularity_at=now, popularity=10).count() == len(rooms) + 1


def test_a_look_that_dies_before_redis_knows_counts_nothing_twice(cast, monkeypatch):
    now = clock.now()
    change(cast.room, online=2, likes=5)
    follow_popularity(now=now)
    change(cast.room, likes=105)
    with monkeypatch.context() as patch:
        patch.setattr(popularity, "_remember", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            follow_popularity(now=now + TEN)
    assert of(cast.room) == 120
    follow_popularity(now=now + 2 * TEN)
    assert 20 + 98 <= of(cast.room) <= 120


def test_a_redis_that_forgot_costs_what_was_done_since_the_last_look(cast):
    now = clock.now()
    change(cast.room, online=2)
    follow_popularity(now=now)
    say(cast.room, 50)
    follow_popularity(now=now + TEN)
    shared().flushdb()
    say(cast.room, 3)
    follow_popularity(now=now + 2 * TEN)
    assert 20 + 97 <= of(cast.room) <= 20 + 100


def test_apps_weigh_their_rooms_apart_and_the_oldest_look_comes_first(cast, monkeypatch):
    now = clock.now()
    ritas = create_room(app=cast.other_app, owner=cast.rita, by=STAFF, now=now, group_id="r2", title="Rita's")
    cast.other_app.popularity_weights = dict.fromkeys(cast.other_app.popularity_weights, 1)
    cast.other_app.save()
    change(cast.room, online=4)
    change(ritas, online=4)
    monkeypatch.setattr(popularity, "ROOMS", 1)
    assert follow_popularity(now=now) == follow_popularity(now=now) == 1
    assert follow_popularity(now=now) == 0
    assert (of(cast.room), of(ritas)) == (40, 4)
