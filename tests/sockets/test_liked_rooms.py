"""Likes of rooms in the database: the total outlives Redis; over the socket and over REST."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson
import pytest

from interactions.likes import totals
from interactions.likes.process_counter import LikeCounter
from interactions.likes.services import like_now, save_likes
from interactions.room_refs import KnownRoom, ref
from interactions.socket.joining.join_cache import CachedRoom
from interactions.speaker import Speaker
from liveroom.accounts.models import App
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock, outbox, permission
from liveroom.kernel.data.redis import channel, key, shared
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import RoomUnknown
from liveroom.rooms.services import rooms
from tests.helpers.likes import nick, running
from tests.helpers.people import STAFF


async def snapshot(room: KnownRoom) -> int:
    """What who comes now is shown."""
    return (await CachedRoom(app_id=room.app_id, group_id=room.group_id).moment()).likes


async def test_when_redis_lost_its_memory_the_database_knows_the_total(cast):
    room = ref(cast.room)
    await Room.objects.filter(pk=cast.room.pk).aupdate(likes=1_000)
    assert await snapshot(room) == 1_000
    here, there = LikeCounter(), LikeCounter()
    async with running(here, there):
        await asyncio.gather(
            here.add(room=room, person="mia", nick=nick("mia"), count=3),
            there.add(room=room, person="zed", nick=nick("zed"), count=4),
        )
    assert await snapshot(room) == 1_007


async def test_a_room_that_is_gone_cannot_be_liked(cast):
    likes = LikeCounter()
    async with running(likes):
        with pytest.raises(RoomUnknown):
            await likes.add(room=replace(ref(cast.room), room_id=10**6), person="mia", nick=nick("mia"), count=1)


def test_totals_are_saved_never_lowered_and_what_waits_is_told(cast):
    room = ref(cast.room)
    speaker = Speaker(actor=cast.actor(cast.mia), profile=profile(cast.mia), role=permission.MEMBER)
    assert like_now(room=room, status="live", speaker=speaker, count=3).total == 3
    line = shared().pubsub(ignore_subscribe_messages=True)
    line.subscribe(channel(room.key))
    line.get_message(timeout=1)
    assert save_likes() == 1
    assert Room.objects.get(pk=cast.room.pk).likes == 3
    assert totals.changed_now() == {room.key: 3}, "nobody has told this batch yet"
    shared().hset(key("likes:batch", room.key), "began", 0)
    assert save_likes() == 0
    said = line.get_message(timeout=1)
    assert orjson.loads(said["data"][1:])["total"] == 3
    assert totals.changed_now() == {}
    Room.objects.filter(pk=cast.room.pk).update(likes=50)
    like_now(room=room, status="live", speaker=speaker, count=1)
    save_likes()
    assert Room.objects.get(pk=cast.room.pk).likes == 50


def test_a_freed_id_begins_with_no_likes(cast, watching):
    speaker = Speaker(actor=cast.actor(cast.mia), profile=profile(cast.mia), role=permission.MEMBER)
    like_now(room=ref(cast.room), status="live", speaker=speaker, count=9)
    rooms.disband_room(room=cast.room, by=STAFF, now=clock.now())
    while outbox.handle_pending(now=clock.now())[0]:
        pass
    again = rooms.create_room(app=cast.app, owner=cast.stella, by=STAFF, now=clock.now(), group_id="r1", title="again")
    save_likes()
    again.refresh_from_db()
    with watching(cast.zed) as zed:
        assert (again.likes, zed.snapshot["likes"]) == (0, 0)
    assert like_now(room=ref(again), status="live", speaker=speaker, count=1).total == 1


def test_a_like_is_answered_told_and_shown_to_who_comes_later(cast, watching):
    with watching(cast.mia) as mia, watching(cast.zed) as zed, watching(None) as guest:
        assert mia.snapshot["likes"] == 0
        answer = mia.asks("like", room="r1", count=25)
        assert (answer["ok"], answer["total"], answer["counted"]) == (True, 25, 25)
        for phone in (mia, zed, guest):
            said = phone.hears("likes", total=25)
            assert said["users"] == [{"id": "mia", "nick": "Mia", "count": 25}]
            assert "seq" not in said
        for count in (0, -3, 10**9, "x", None):
            assert zed.asks("like", room="r1", count=count)["error"]["field"] == "count"
        assert guest.asks("like", room="r1", count=1)["error"]["code"] == 70002
        with watching(cast.max) as late:
            assert late.snapshot["likes"] == 25


def test_likes_over_rest(cast):
    liked = cast.api(cast.mia).post("rooms/r1/likes", {"count": 5})
    assert (liked.status_code, liked.json()) == (200, {"total": 5, "counted": 5})
    assert cast.server().post("rooms/r1/likes", {"count": 1}).json()["total"] == 6
    assert cast.api(cast.mia).post("rooms/r1/likes", {"count": 0}).json()["field"] == "count"
    assert cast.api(cast.mia).post("rooms/r1/likes", {}).status_code == 400
    assert cast.api(None).post(f"rooms/r1/likes?sdkappid={cast.app.sdkappid}", {"count": 1}).status_code == 401
    assert cast.api(cast.rita).post("rooms/r1/likes", {"count": 1}).status_code == 404
    App.objects.filter(pk=cast.app.pk).update(likes_per_second=1)
    assert cast.api(cast.zed).post("rooms/r1/likes", {"count": 1000}).json()["counted"] == 1
    late = cast.api(cast.zed).post("rooms/r1/likes", {"count": 1})
    assert (late.status_code, late.json()["code"], late["Retry-After"]) == (429, 60018, "1")
