"""LikeCounter with real Redis: none lost, none twice, told in batches."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import orjson
import pytest
import redis

from interactions.delivery.rooms.epochs import begin_call
from interactions.delivery.rooms.log_scripts import BEGIN
from interactions.delivery.rooms.room_reads import read_rooms
from interactions.likes import process_counter
from interactions.likes.process_counter import LikeCounter
from interactions.likes.scripts import ADD, Asked, call
from interactions.likes.services import checked_count, total_of, total_read
from interactions.room_refs import KnownRoom
from liveroom.kernel import clock
from liveroom.kernel.data.redis import aredis_for, key, shared
from liveroom.kernel.errors import BadParameter, TryLater
from liveroom.kernel.web.throttle import TooOften
from tests.helpers.likes import ALONE, hearing, nick, running, shown, until
from tests.sockets.test_protocol import fits


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
