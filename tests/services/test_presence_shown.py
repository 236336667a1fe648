"""What a room is told of who is in it, and who is on the list of those who came last; with real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from liveroom.kernel.data.redis import shared
from tests.helpers.presence import Process, listening, members, until

# Heartbeats of a third of a second: whoever is kept waiting by another run counts as dead.
pytestmark = pytest.mark.alone


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    shared().flushdb()


@pytest.fixture
async def two() -> AsyncIterator[tuple[Process, Process]]:
    one, other = Process("socket-1"), Process("socket-2")
    yield one, other
    await one.stop()
    await other.stop()


async def test_when_the_latest_have_gone_the_list_shows_those_before_them(two):
    one, _ = two
    one.enter(*(f"early{number}" for number in range(700)))
    await until(700)
    late = [f"late{number}" for number in range(900)]
    one.enter(*late)
    await until(1600)
    one.leave(*late)
    await until(700)
    async with asyncio.timeout(3):
        while len(members()) < 700:
            await asyncio.sleep(0.05)
    assert all(person.startswith("early") for person in members())


async def test_the_latest_come_first(two):
    one, other = two
    for person, process in (("mia", one), ("zed", other), ("max", one)):
        process.enter(person)
        await asyncio.sleep(0.005)
    other.enter("mia")
    await until(3)
    assert members() == ["max", "zed", "mia"]
    one.leave("max")
    await until(2)
    assert members() == ["zed", "mia"]


async def test_tips_are_merged_and_only_for_who_was_in_no_window(two):
    one, other = two
    async with listening() as listener:
        other.enter("mia")
        await listener.hears("join", count=1)
        one.enter("mia", None, *(f"p{number}" for number in range(20)))
        tip = await listener.hears("join", count=20)
        assert [user["id"] for user in tip["users"]] == [f"p{number}" for number in range(15, 20)]
        assert tip["users"][0] == {"id": "p15", "nick": "P15", "avatar": "", "level": 1, "role": "member"}
        one.leave("mia", None, *(f"p{number}" for number in range(7)))
        tip = await listener.hears("leave")
        assert (tip["count"], [user["id"] for user in tip["users"]]) == (7, [f"p{number}" for number in range(2, 7)])
        assert sum(event["count"] for event in listener.of("join")) == 21


async def test_who_only_reconnects_makes_no_tip(two):
    one, other = two
    async with listening() as listener:
        one.enter("mia", "zed", "max")
        await listener.hears("join", count=3)
        one.leave("mia", "zed", "max")
        one.enter("zed")
        await until(1)
        other.enter("mia")
        await until(2)
        tip = await listener.hears("leave")
        assert [user["id"] for user in tip["users"]] == ["max"]
        await asyncio.sleep(0.4)
        assert len(listener.of("leave")) == len(listener.of("join")) == 1


async def test_a_number_is_told_at_most_once_a_second_and_the_last_one_is_right(two):
    one, other = two
    async with listening() as listener:
        for number in range(60):
            (one if number % 2 else other).enter(f"p{number}")
            await asyncio.sleep(0.02)
        await listener.hears("online", online=60, sockets=60)
    told = listener.of("online")
    assert all(after["t"] - before["t"] >= 950 for before, after in pairwise(told))
