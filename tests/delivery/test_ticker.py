"""The ticker alone, with real Redis: whatever happens on the way, a message is said at most once and its sender gets one answer."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis.asyncio
from django.db import OperationalError

from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms import archive_stream, ticker
from interactions.delivery.rooms.admission import Priority
from interactions.delivery.rooms.epochs import begin_call
from interactions.delivery.rooms.log_scripts import BEGIN
from interactions.delivery.rooms.messages import Message, Outcome, Unanswered
from interactions.delivery.rooms.published import published_events
from interactions.delivery.rooms.submitting import publish_now, submit_now
from interactions.delivery.rooms.ticker import Ticker
from liveroom.kernel.data.redis import channel, key, shared
from tests.helpers.made_up import numbered
from tests.helpers.sockets import free_port


def room(name: str, *, rate: int = 40, begun: bool = True) -> RoomRef:
    found = RoomRef(
        key=f"1:{name}", group_id=name, app_id=1, history_count=20, history_hours=24, messages_per_second=rate
    )
    if begun:
        BEGIN.ask_now(shared(), begin_call(found.key, 0))
    return found


def message(number: int, *, sender: str = "mia", priority: Priority | None = Priority.NORMAL) -> Message:
    return Message(id=f"m{number}", event=numbered(number), sender=sender, priority=priority)


def ticks(ref: RoomRef) -> list[tuple[int, int]]:
    """(instant, how many) of everything that the room was told."""
    entries: Any = shared().xrange(key("ticks", ref.key))
    return [(int(fields[b"at"]), int(fields[b"n"])) for _, fields in entries]


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Ticker]:
    found = Ticker(**options)
    heart = asyncio.ensure_future(found.run())
    try:
        yield found
    finally:
        heart.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await heart


@pytest.fixture(autouse=True)
def _empty_redis() -> Iterator[None]:
    shared().flushdb()
    yield
    shared().flushdb()


class Cutter:
    """Stands before Redis. While `cuts`, commands still reach it, and instead of the answer the connection ends."""

    def __init__(self) -> None:
        self.cuts = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[redis.asyncio.Redis]:
        options = shared().connection_pool.connection_kwargs
        self._redis = options["host"], options["port"]
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        client = redis.asyncio.Redis(port=server.sockets[0].getsockname()[1], db=options["db"])
        yield client
        await client.aclose()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._redis)

        async def commands() -> None:
            while data := await reader.read(65536):
                back.write(data)
            back.close()

        carrying = asyncio.ensure_future(commands())
        while data := await there.read(65536):
            if self.cuts:
                self.cuts -= 1
                break
            writer.write(data)
        carrying.cancel()
        writer.close()
        back.close()


async def test_a_message_whose_answer_was_lost_is_said_once_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    ref, cutter = room("lost"), Cutter()
    async with cutter.listening() as client, running() as found:
        monkeypatch.setattr(ticker, "aredis_for", lambda _: client)
        assert (await found.submit(room=ref, message=message(1))).seq == 1
        cutter.cuts = 1
        answer = await asyncio.wait_for(found.submit(room=ref, message=message(2)), 3)
        assert cutter.cuts == 0
        assert answer == Outcome(result="delivered", seq=2)
        assert sum(number for _, number in ticks(ref)) == 2


async def test_a_room_that_cannot_begin_yet_loses_no_message_of_any_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database, which knows the last number of the archive, is away."""
    troubles = [OperationalError("away"), OperationalError("away")]

    def last_numbers(room_keys: list[str]) -> dict[str, int]:
        if troubles:
            raise troubles.pop()
        return dict.fromkeys(room_keys, 0)

    monkeypatch.setattr(archive_stream, "last_numbers", last_numbers)
    new, old = room("new", begun=False), room("old")
    async with running() as found:
        answers = [found.submit(room=ref, message=message(1)) for ref in (new, old)]
        assert [answer.seq for answer in await asyncio.wait_for(asyncio.gather(*answers), 3)] == [1, 1]
    assert not troubles
    assert [sum(number for _, number in ticks(ref)) for ref in (new, old)] == [1, 1]


async def test_a_room_that_waits_for_the_database_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis lost one room; what the archive knows of it takes its time."""
    hangs = threading.Event()

    def last_numbers(room_keys: list[str]) -> dict[str, int]:
        assert lost.key not in room_keys or hangs.wait(10)
        return dict.fromkeys(room_keys, 0)

    monkeypatch.setattr(archive_stream, "last_numbers", last_numbers)
    lost, well, new = room("lost", begun=False), room("well"), room("new", begun=False)
    async with running() as found:
        waiting = found.submit(room=lost, message=message(1))
        for number in range(5):
            answer = await asyncio.wait_for(found.submit(room=well, message=message(number)), 2)
            assert answer.result == "delivered"
        # Nor one that is lost, too, and comes later.
        assert (await asyncio.wait_for(found.submit(room=new, message=message(9)), 2)).seq == 1
        assert not waiting.done()
        hangs.set()
        assert (await asyncio.wait_for(waiting, 3)).seq == 1


async def test_whoever_cannot_be_sent_is_told_so_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    away = redis.asyncio.Redis(port=free_port())
    monkeypatch.setattr(ticker, "aredis_for", lambda _: away)
    monkeypatch.setattr(ticker, "PATIENCE_SECONDS", 0.4)
    ref = room("away")
    async with running() as found:
        with pytest.raises(Unanswered):
            await asyncio.wait_for(found.submit(room=ref, message=message(1)), 2)


@asynccontextmanager
async def one_waits(name: str) -> AsyncIterator[tuple[RoomRef, Ticker, asyncio.Future[Outcome], Any]]:
    """A message of this process waits in Redis, and the process does not come to ask for it; what the room is told meanwhile."""
    ref = room(name, rate=4)
    heard = shared().pubsub(ignore_subscribe_messages=True)
    heard.subscribe(channel(ref.key))
    found = Ticker()
    heart = asyncio.ensure_future(found.run())
    assert (await found.submit(room=ref, message=message(1))).seq == 1
    waiting = found.submit(room=ref, message=message(2))
    while not found._queues[ref.key].undecided:
        await asyncio.sleep(0.01)
    heart.cancel()
    yield ref, found, waiting, heard
    heard.close()


async def _carried(ref: RoomRef, heard: Any) -> tuple[tuple[str, Outcome], ...]:
    """Another process lets the room go on until it has said what waits."""
    async with asyncio.timeout(3):
        while True:
            await asyncio.to_thread(submit_now, room=ref, messages=(), tick_ms=100)
            while told := heard.get_message():
                if carried := published_events(told["data"]).carried:
                    return carried
            await asyncio.sleep(0.05)


async def test_what_another_process_has_said_is_answered_as_soon_as_the_room_is_told() -> None:
    async with one_waits("carried") as (ref, found, waiting, heard):
        carried = await _carried(ref, heard)
        assert not waiting.done()
        found.resolve(room_key=ref.key, carried=carried)
        assert waiting.result() == Outcome("delivered", seq=2)
        assert dict(carried) == {"m2": waiting.result()}


async def test_what_another_process_has_said_is_asked_for_when_nobody_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "ASK_AGAIN_SECONDS", 0.3)
    async with one_waits("untold") as (ref, found, waiting, heard):
        carried = await _carried(ref, heard)
        heart = asyncio.ensure_future(found.run())
        assert {"m2": await asyncio.wait_for(waiting, 3)} == dict(carried)
        heart.cancel()
    assert sum(number for _, number in ticks(ref)) <= 2


async def test_three_hundred_at_once_are_each_answered_and_the_cap_holds() -> None:
    ref = room("crowd", rate=40)
    async with running() as one, running() as other:
        answers = [
            (one if number % 2 else other).submit(room=ref, message=message(number, sender=f"s{number % 20}"))
            for number in range(300)
        ]
        found = await asyncio.wait_for(asyncio.gather(*answers), 4)
    assert {outcome.result for outcome in found} == {"delivered", "sampled"}
    numbers = sorted(outcome.seq for outcome in found if outcome.result == "delivered")
    assert numbers == list(range(1, len(numbers) + 1))
    told = ticks(ref)
    assert sum(number for _, number in told) == len(numbers)
    for begin, _ in told:
        assert sum(number for at, number in told if begin <= at < begin + 1000) <= 40
    # All that the room could hear while they waited.
    assert len(numbers) >= 20


async def test_system_events_are_above_the_cap_and_never_dropped() -> None:
    ref = room("system", rate=1)
    async with running() as found:
        crowd = [found.submit(room=ref, message=message(number, priority=Priority.LOW)) for number in range(100)]
        system = [
            found.submit(room=ref, message=message(1_000 + number, sender="", priority=None)) for number in range(60)
        ]
        at_once = asyncio.gather(
            *(asyncio.to_thread(publish_now, room=ref, event=numbered(n), event_id=f"a{n}") for n in range(20))
        )
        outcomes = [*await asyncio.wait_for(asyncio.gather(*system), 1), *await at_once]
        assert {outcome.result for outcome in outcomes} == {"delivered"}
        assert len({outcome.seq for outcome in outcomes}) == 80
        said = await asyncio.wait_for(asyncio.gather(*crowd), 4)
    heard = [outcome.seq for outcome in said if outcome.result == "delivered"]
    assert len(heard) <= 2
    assert sorted([*heard, *(outcome.seq for outcome in outcomes)]) == list(range(1, 81 + len(heard)))
