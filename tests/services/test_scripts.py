"""Scripts in Redis: one round where it knows them, and one that it has forgotten is loaded and asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import NoScriptError, ResponseError

from liveroom.kernel.data.redis import aredis_for, key, shared
from liveroom.kernel.data.scripts import Script
from liveroom.kernel.work.rounds import redis_rounds

COUNTED = key("counted", "scripts")
# Adds to what was counted, so that a call which is done twice shows.
ADD = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")


@pytest.fixture(autouse=True)
def _nothing_is_known() -> Iterator[None]:
    shared().script_flush()
    shared().delete(COUNTED)
    yield
    shared().delete(COUNTED)


def add(number: Any) -> list[Any]:
    return ADD.call([COUNTED], [number])


def rounds_of() -> tuple[int, int]:
    """How often a script was called and how often one was loaded, as Redis counts."""
    stats: Any = shared().info("commandstats")
    return tuple(stats.get(name, {"calls": 0})["calls"] for name in ("cmdstat_evalsha", "cmdstat_script|load"))


async def test_a_script_that_redis_does_not_know_is_loaded_once_and_every_call_is_done_once() -> None:
    client = aredis_for("")
    for number, forget in enumerate([True, False] * 2, start=1):
        if forget:
            shared().script_flush()
        calls, loads = rounds_of()
        answer = await ADD.ask(client, add(1)) if number > 2 else ADD.ask_now(shared(), add(1))
        assert answer == number
        assert rounds_of() == (calls + 1 + forget, loads + forget)


async def test_many_calls_are_one_round_and_are_answered_in_their_order() -> None:
    client = aredis_for("")
    assert ADD.ask_all_now(shared(), [add(1), add(10), add(100)]) == [1, 11, 111]
    calls, loads = rounds_of()
    assert ADD.ask_all_now(shared(), [add(1), add(1)]) == [112, 113]
    assert rounds_of() == (calls + 2, loads)
    shared().script_flush()
    assert await ADD.ask_all(client, [add(1), add(1)]) == [114, 115]
    assert rounds_of() == (calls + 6, loads + 1)
    assert await ADD.ask_all(client, [add(1)]) == [116]
    assert await ADD.ask_all(client, []) == ADD.ask_all_now(shared(), []) == []
    assert rounds_of() == (calls + 7, loads + 1)


async def test_scripts_of_one_moment_share_a_round_with_other_commands_and_are_loaded_once_for_all() -> None:
    together = redis_rounds()
    asked: list[tuple[Any, ...]] = [*((ADD, *add(1)) for _ in range(20)), ("GET", COUNTED), (ADD, *add("x"))]
    for before in (0, 20):
        shared().script_flush()
        calls, loads = rounds_of()
        *counted, read, refused = await asyncio.gather(*map(together.ask, asked), return_exceptions=True)
        assert counted == list(range(before + 1, before + 21))
        assert read is None if before == 0 else read == b"20"  # in its place, when nothing had been counted anew
        assert isinstance(refused, ResponseError)
        assert not isinstance(refused, NoScriptError)
        assert rounds_of() == (calls + 3 * 21, loads + 1)
    calls, loads = rounds_of()
    *counted, read, refused = await asyncio.gather(*map(together.ask, asked), return_exceptions=True)
    assert (counted, read) == (list(range(41, 61)), b"60")
    assert rounds_of() == (calls + 21, loads)


async def test_a_call_that_fails_takes_no_other_with_it() -> None:
    client = aredis_for("")
    first, failed, last = await ADD.ask_all(client, [add(1), add("x"), add(1)], raise_on_error=False)
    assert (first, last, type(failed)) == (1, 2, ResponseError)
    with pytest.raises(ResponseError, match="not an integer"):
        await ADD.ask_all(client, [add("x"), add(1)])
    with pytest.raises(ResponseError, match="not an integer"):
        ADD.ask_all_now(shared(), [add("x"), add(1)])
    assert shared().get(COUNTED) == b"4"


async def test_calls_of_another_script_are_not_asked_for_ever() -> None:
    stranger = Script("return 7").call([])
    for ask in (ADD.ask_now, ADD.ask_all_now):
        with pytest.raises(NoScriptError):
            ask(shared(), stranger if ask == ADD.ask_now else [stranger])
    with pytest.raises(NoScriptError):
        await ADD.ask(aredis_for(""), stranger)
    [answer] = await ADD.ask_all(aredis_for(""), [stranger], raise_on_error=False)
    assert isinstance(answer, NoScriptError)
