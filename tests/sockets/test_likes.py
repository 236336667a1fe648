"""LikeCounter with real Redis: none lost, none twice, told in batches; the total outlives Redis."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import msgspec
import orjson
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interactions.delivery.events import encoded
from interactions.delivery.fanout.merging import merged
from interactions.delivery.rooms.epochs import begin_call
from interactions.delivery.rooms.log_scripts import BEGIN
from interactions.delivery.rooms.room_reads import read_rooms
from interactions.likes import process_counter, totals
from interactions.likes import rules as batching
from interactions.likes.events import Liker, Likes
from interactions.likes.process_counter import LikeCounter
from interactions.likes.rules import Batch
from interactions.likes.scripts import ADD, Asked, answer_of, call, shown_as
from interactions.likes.services import checked_count, like_now, save_likes, total_of, total_read
from interactions.room_refs import KnownRoom, ref
from interactions.socket.joining.join_cache import Door
from interactions.speaker import Speaker
from liveroom.accounts.models import App
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock, outbox, permission
from liveroom.kernel.errors import BadParameter, TryLater
from liveroom.kernel.redis import aredis_for, channel, key, shared
from liveroom.kernel.throttle import TooOften
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import RoomUnknown
from liveroom.rooms.services import rooms
from tests.helpers.people import STAFF
from tests.sockets.test_protocol import fits

ALONE = KnownRoom(key="1:liked", group_id="liked", app_id=1, history_count=20, history_hours=24, likes_per_second=1000)


def nick(person: str) -> str:
    return person.title()


def shown(person: str) -> dict[str, str]:
    return {"id": person, "nick": nick(person)}


@asynccontextmanager
async def running(*many: LikeCounter):
    tasks = [asyncio.ensure_future(one.run()) for one in many]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def hearing(room: KnownRoom):
    """What the room is told, as a list that fills."""
    heard: list[dict] = []

    async def listen() -> None:
        while True:
            message = await line.get_message(timeout=1)
            if message is not None:
                assert message["data"][:1] == b"M"
                heard.append(orjson.loads(message["data"][1:]))

    async with aredis_for(room.key).pubsub(ignore_subscribe_messages=True) as line:
        await line.subscribe(channel(room.key))
        task = asyncio.ensure_future(listen())
        try:
            yield heard
        finally:
            task.cancel()


async def until(true, seconds: float = 5) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)


@pytest.fixture
def known():
    """A room whose total Redis knows: nobody asks the database."""
    shared().flushdb()
    shared().set(key("likes", ALONE.key), 0)
    BEGIN.ask_now(shared(), begin_call(ALONE.key, 0))
    return ALONE


async def counted(room: KnownRoom) -> int | None:
    """What Redis has for the snapshot of who comes now."""
    [found] = await read_rooms(asked=[(room, 0)], now_ms=clock.now_ms(), extras=(total_read,))
    assert not isinstance(found, BaseException)
    return total_of(found.extras[0])


async def snapshot(room: KnownRoom) -> int:
    """What who comes now is shown."""
    return (await Door(app_id=room.app_id, group_id=room.group_id).moment()).likes


async def test_ten_thousand_likes_of_two_hundred_people_over_two_processes(known):
    here, there = LikeCounter(), LikeCounter()
    async with hearing(known) as heard, running(here, there):
        added = await asyncio.gather(
            *(
                (here, there)[number % 2].add(
                    room=known, person=f"u{number % 200}", nick=nick(f"u{number % 200}"), count=10
                )
                for number in range(1000)
            )
        )
        await until(lambda: sum(said["count"] for said in heard) == 10_000)
    assert sum(one.counted for one in added) == 10_000
    assert max(one.total for one in added) == await counted(known) == 10_000
    assert all(first["total"] < second["total"] for first, second in pairwise(heard))
    assert heard[-1]["total"] == 10_000
    for said in heard:
        fits("likes", said)
        assert said["count"] >= sum(user["count"] for user in said["users"])


async def test_a_few_likes_are_told_after_a_second_and_twenty_at_once(known):
    loop, likes = asyncio.get_running_loop(), LikeCounter()
    async with hearing(known) as heard, running(likes):
        began = loop.time()
        for _ in range(3):
            await likes.add(room=known, person="mia", nick=nick("mia"), count=2)
        await until(lambda: heard)
        assert 0.9 < loop.time() - began < 1.6
        assert (heard[0]["count"], heard[0]["users"]) == (6, [{**shown("mia"), "count": 6}])
        began = loop.time()
        await likes.add(room=known, person="zed", nick=nick("zed"), count=45)
        await until(lambda: len(heard) == 2)
        assert loop.time() - began < 0.5
        assert (heard[1]["count"], heard[1]["total"]) == (45, 51)
        await asyncio.sleep(0.15)
        assert likes._queues == {}


async def test_a_batch_of_a_process_that_died_is_told_by_the_next_call_of_another(known):
    gone, here = LikeCounter(), LikeCounter()
    async with hearing(known) as heard:
        async with running(gone):
            await gone.add(room=known, person="mia", nick=nick("mia"), count=1)
        await asyncio.sleep(1.05)
        assert heard == []
        async with running(here):
            await here.add(room=known, person="zed", nick=nick("zed"), count=1)
            await until(lambda: heard)
    assert (heard[0]["count"], heard[0]["total"]) == (2, 2)


async def test_only_what_the_app_allows_counts_over_all_processes(known):
    slow = replace(known, likes_per_second=5)
    here, there = LikeCounter(), LikeCounter()
    async with running(here, there):
        first = await here.add(room=slow, person="mia", nick=nick("mia"), count=4)
        second = await there.add(room=slow, person="mia", nick=nick("mia"), count=1000)
        assert (first.counted, 1 <= second.counted <= 5) == (4, True)
        with pytest.raises(TooOften) as refusal:
            await asyncio.gather(
                *(one.add(room=slow, person="mia", nick=nick("mia"), count=1) for one in (here, there) * 3)
            )
        assert refusal.value.code == 60018
        assert (refusal.value.extra["limit"], refusal.value.extra["retry_after_ms"] > 0) == (5, True)
        assert (await there.add(room=slow, person="zed", nick=nick("zed"), count=1)).counted == 1


@pytest.mark.parametrize("count", [0, -1, 1001, 10**400, 1.5, "3", True, None, [1]])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(BadParameter) as refusal:
        checked_count(count)
    assert (refusal.value.extra["field"], refusal.value.extra["limit"]) == ("count", 1000)
    orjson.dumps(refusal.value.extra)


async def test_a_call_that_is_said_again_counts_once(known):
    client = aredis_for(known.key)
    asked = call(known, (Asked(user="mia", count=7, shown=b'{"id":"mia","nick":""}'),), call_id="c1", base=None)
    first = await ADD.ask(client, asked)
    assert await ADD.ask(client, asked) == first
    assert await counted(known) == 7


class Stumbling:
    """A Redis whose answer to the first call is lost on the way back."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.real = process_counter.add_all

    async def __call__(self, calls):
        answers = await self.real(calls)
        self.times -= 1
        if self.times >= 0:
            raise redis.ConnectionError("lost")
        return answers


async def test_an_answer_that_was_lost_is_asked_for_again(known, monkeypatch):
    monkeypatch.setattr(process_counter, "add_all", Stumbling(2))
    likes = LikeCounter()
    async with running(likes):
        added = await likes.add(room=known, person="mia", nick=nick("mia"), count=7)
    assert (added.total, added.counted) == (7, 7)


async def test_questions_and_answers_that_get_lost_in_turns_lose_and_repeat_nothing(known, monkeypatch):
    real, turn = process_counter.add_all, iter(range(10**6))

    async def ask(calls):
        fate = next(turn) % 3
        if fate == 0:
            raise redis.ConnectionError("never arrived")
        answers = await real(calls)
        if fate == 1:
            raise redis.TimeoutError("the answer never arrived")
        return answers

    monkeypatch.setattr(process_counter, "add_all", ask)
    monkeypatch.setattr(process_counter, "RETRY_SECONDS", 0.005)
    here, there = LikeCounter(), LikeCounter()
    async with running(here, there):
        for wave in range(1, 4):
            added = await asyncio.gather(
                *(
                    (here, there)[number % 2].add(room=known, person=f"u{number}", nick=nick(f"u{number}"), count=3)
                    for number in range(60)
                )
            )
            assert {one.counted for one in added} == {3}
            assert await counted(known) == wave * 60 * 3


async def test_who_waits_too_long_is_told_so(known, monkeypatch):
    monkeypatch.setattr(process_counter, "add_all", Stumbling(10**6))
    monkeypatch.setattr(process_counter, "PATIENCE_SECONDS", 0.3)
    likes = LikeCounter()
    async with running(likes):
        with pytest.raises(TryLater):
            await likes.add(room=known, person="mia", nick=nick("mia"), count=1)
    assert likes._queues == {}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    per_second=st.integers(1, 200),
    size=st.integers(1, 60),
    apart_ms=st.integers(100, 3000),
    steps=st.lists(
        st.tuples(
            st.lists(
                st.tuples(st.sampled_from("abcdefg"), st.integers(1, 60)), max_size=4, unique_by=lambda one: one[0]
            ),
            st.integers(0, 1_500_000),
        ),
        max_size=12,
    ),
)
def test_the_script_does_what_the_rule_says(per_second, size, apart_ms, steps):
    client = shared()
    client.flushdb()
    client.set(key("likes", ALONE.key), 5)
    room = replace(ALONE, likes_per_second=per_second, like_batch=size, like_batch_ms=apart_ms)
    now_us = 1_700_000_000_000_000
    batch, total, full_at = Batch(), 5, {}
    for number, (people, later) in enumerate(steps):
        now_us += later
        asked = [Asked(user=user, count=count, shown=b'{"id":"%s"}' % user.encode()) for user, count in people]
        # Whoever only tells what is due knows nothing of the app.
        asking = room if asked else ALONE
        found = answer_of(ADD.ask_now(client, call(asking, asked, call_id=str(number), base=None, now_us=now_us)))
        expected = []
        for user, count in people:
            one = batching.counted(asked=count, per_second=per_second, full_at_us=full_at.get(user, 0), now_us=now_us)
            if one.count:
                full_at[user] = one.full_at_us
            batch = batching.joined(batch, user=user, count=one.count, now_ms=now_us // 1000)
            total += one.count
            expected.append((one.count, one.retry_after_ms))
        wait = batching.publish_in_ms(batch, now_ms=now_us // 1000, size=size, apart_ms=apart_ms)
        if wait == 0:
            batch, wait = Batch(), None
        assert (found.total, found.publish_in_ms, found.counted) == (total, wait, tuple(expected))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    likers=st.dictionaries(
        st.text(min_size=1, max_size=8), st.tuples(st.text(max_size=8), st.integers(1, 50)), min_size=1, max_size=8
    )
)
def test_what_the_script_publishes_is_the_event_of_the_catalogue(likers):
    client = shared()
    client.flushdb()
    client.set(key("likes", ALONE.key), 5)
    asked = [Asked(user=id, count=count, shown=shown_as(id=id, nick=nick)) for id, (nick, count) in likers.items()]
    now_us = 1_700_000_000_000_000
    with client.pubsub(ignore_subscribe_messages=True) as line:
        line.subscribe(channel(ALONE.key))
        line.get_message(timeout=1)
        call_now = call(replace(ALONE, like_batch=1), asked, call_id="c", base=None, now_us=now_us)
        assert answer_of(ADD.ask_now(client, call_now)).publish_in_ms is None
        raw = line.get_message(timeout=1)["data"]
    event = msgspec.json.decode(raw[1:], type=Likes)
    counts = {id: count for id, (_, count) in likers.items()}
    assert event == Likes(
        t=now_us // 1000, total=5 + sum(counts.values()), count=sum(counts.values()),
        users=[Liker(id=id, nick=likers[id][0], count=counts[id]) for id in batching.shown(counts)],
    )  # fmt: skip
    # Nothing but what the class has, and all of it.
    assert raw == b"M" + encoded(event)


def test_two_events_become_one():
    def said(t, total, **users):
        people = [{"id": name, "nick": name.title(), "count": count} for name, count in users.items()]
        return orjson.dumps({"type": "likes", "t": t, "total": total, "count": sum(users.values()), "users": people})

    waiting = [said(1, 20, a=9, b=8, c=1, d=1, e=1)]
    both = orjson.loads(merged(waiting, said(2, 45, f=20, b=5)))
    fits("likes", both)
    assert (both["t"], both["total"], both["count"]) == (2, 45, 45)
    assert [(user["id"], user["count"]) for user in both["users"]] == [
        ("f", 20),
        ("b", 13),
        ("a", 9),
        ("c", 1),
        ("d", 1),
    ]


# -- with the database


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
