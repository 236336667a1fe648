"""What `interactions/delivery/__init__.py` promises, checked with a feature that does not exist: real Redis, real outbox, two processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import pytest
import redis
from django.db import connections, transaction

from interactions.delivery import (
    Everyone,
    Person,
    Room,
    Target,
    before,
    publish,
    publish_all_durably,
    publish_at_once,
    publish_durably,
    publish_to_many,
    publishing,
    when_a_room_closes,
)
from interactions.delivery.control import CloseSockets
from interactions.delivery.events import RoomEvent
from interactions.delivery.fanout import Hub
from interactions.delivery.people import user_events
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms import Message, Priority, history_now, positions, positions_since, submit_now
from liveroom.kernel import clock, outbox
from liveroom.kernel.data.redis import channel, key, shared
from liveroom.kernel.models import OutboxRow
from tests.helpers.made_up import KeepingViewer, Level, Numbered, Recheck, Remembered, Sum, Tip, ToOne, enter, numbered

Result = TypeVar("Result")

pytestmark = pytest.mark.django_db(transaction=True)

REF = RoomRef(key="1:made-up", group_id="made-up", app_id=1, history_count=20, history_hours=24)
ROOM = Room(REF.key, REF)
MIA, ZED = Person(1, "mia"), Person(1, "zed")


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    shared().flushdb()


@pytest.fixture
async def two() -> Any:
    """Two processes with two viewers each in the room."""
    hubs = [Hub(process=f"hub-{n}") for n in range(2)]
    viewers = [KeepingViewer() for _ in range(4)]
    for place, viewer in enumerate(viewers):
        await enter(hubs[place % 2], REF, viewer)
    yield hubs, viewers
    for hub in hubs:
        await hub.stop()


def durably(*numbers: int) -> None:
    with transaction.atomic():
        publish_all_durably([(Numbered(t=1, n=n), ROOM) for n in numbers], at=clock.now())


async def in_thread(work: Callable[[], Result]) -> Result:
    """With a connection to the database that ends with it."""

    def whole() -> Result:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(whole)


def relay() -> None:
    while outbox.handle_pending(now=clock.now())[0]:
        pass


# -- order


async def test_every_viewer_of_every_process_hears_the_numbered_events_in_one_order_without_a_gap(two) -> None:
    _, viewers = two
    await asyncio.gather(*(asyncio.to_thread(publish, Numbered(t=1, n=n), to=ROOM) for n in range(40)))
    await asyncio.to_thread(publish, Numbered(t=1, n=99), to=ROOM)
    for viewer in viewers:
        await viewer.hears(99)
    first, *others = [viewer.events("made_up") for viewer in viewers]
    assert [event["seq"] for event in first] == list(range(1, 42))
    assert {event["n"] for event in first} == {*range(40), 99}
    assert all(other == first for other in others)


async def test_a_persons_events_are_numbered_in_one_order() -> None:
    position = await user_events.since(person=MIA.key, since=None)
    for n in range(5):
        await asyncio.to_thread(publish, ToOne(t=1, n=n), to=MIA)
    found = await user_events.since(person=MIA.key, since=(position.epoch, position.useq))
    assert [b'"useq":%d,' % (n + 1) in event and b'"n":%d' % n in event for n, event in enumerate(found.events)] == [
        True
    ] * 5


def test_what_was_published_durably_keeps_the_order_of_the_commits() -> None:
    for numbers in ((3, 1), (2,), (5, 4)):
        durably(*numbers)
    relay()
    assert heard_in_room() == [3, 1, 2, 5, 4]


def heard_in_room() -> list[int]:
    """All that Redis has of the room."""

    async def look() -> list[int]:
        [found] = await positions_since(asked=[(REF.key, 0)])
        return [int(event.rpartition(b":")[2].rstrip(b"}")) for event in found.events]

    return asyncio.run(look())


# -- at least once, and once


def test_what_was_rolled_back_is_never_heard() -> None:
    with suppress(ZeroDivisionError), transaction.atomic():
        publish_durably(Numbered(t=1, n=1), to=ROOM, at=clock.now())
        publish_durably(ToOne(t=1, n=1), to=MIA, at=clock.now())
        raise ZeroDivisionError
    durably(2)
    relay()
    assert heard_in_room() == [2]
    assert asyncio.run(user_events.since(person=MIA.key, since=("0", 0))).events == ()


def test_what_is_durable_is_tried_until_redis_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    durably(1)
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "publish_now", _away)
        relay()
    assert OutboxRow.objects.filter(done_at=None).count() == 1
    relay()
    assert heard_in_room() == [1]


def _away(**_: Any) -> None:
    raise redis.ConnectionError("away")


def test_published_again_with_the_same_id_it_is_heard_once() -> None:
    for _ in range(2):
        publish(Numbered(t=1, n=1), to=ROOM, event_id="same")
        publish(ToOne(t=1, n=1), to=MIA, event_id="same")
    assert publish_to_many(ToOne(t=1, n=2), to=[MIA, ZED], event_id="many") == 1  # nobody knows zed
    assert publish_to_many(ToOne(t=1, n=2), to=[MIA, ZED], event_id="many") == 0
    assert heard_in_room() == [1]
    assert len(asyncio.run(user_events.since(person=MIA.key, since=("0", 0))).events) == 2


def test_a_relay_that_dies_before_it_marks_what_it_published_publishes_it_once() -> None:
    durably(1)
    relay()
    OutboxRow.objects.update(done_at=None)
    relay()
    assert heard_in_room() == [1]


# -- what may be dropped


async def test_states_are_merged_tips_are_not_and_neither_is_kept(two) -> None:
    _, viewers = two
    while dict(shared().pubsub_numsub(channel(ROOM.key)))[channel(ROOM.key).encode()] < 2:  # it is not published again
        await asyncio.sleep(0.01)
    await asyncio.to_thread(publish, Level(t=1, n=0), to=ROOM)
    for viewer in viewers:
        await viewer.hears(0)  # the next frame of this kind may go in 0.7 s
    for n in range(1, 6):
        await asyncio.to_thread(publish, Level(t=1, n=n), to=ROOM)
        await asyncio.to_thread(publish, Sum(t=1, n=100), to=ROOM)
        await asyncio.to_thread(publish, Tip(t=1, n=10 + n), to=ROOM)
    for viewer in viewers:
        await viewer.hears(15)
        await viewer.hears(5)
        assert [event["n"] for event in viewer.events("made_up_level")] == [0, 5]
        assert [event["n"] for event in viewer.events("made_up_sum")] == [500]
        assert [event["n"] for event in viewer.events("made_up_tip")] == [11, 12, 13, 14, 15]
    [found] = await positions_since(asked=[(REF.key, 0)])
    assert (found.seq, found.events) == (0, ())


def test_over_the_rate_what_people_say_is_sampled_what_is_paid_waits_and_everything_else_is_heard() -> None:
    slow = replace(REF, messages_per_second=1)
    asyncio.run(positions(room_keys=[slow.key]))
    said = [Message(id=f"m{n}", event=numbered(n), sender=f"s{n}", priority=Priority.NORMAL) for n in range(10)]
    paid = [Message(id=f"p{n}", event=numbered(n), sender="p", priority=Priority.LOWEST, paid=True) for n in range(3)]
    first = submit_now(room=slow, messages=[*said, *paid], tick_ms=0)
    assert [outcome.result for outcome in first.outcomes].count("delivered") == 1
    publish(Numbered(t=1, n=50), to=Room(slow.key, slow))
    assert heard_in_room()[-1] == 50
    later = until_decided(slow, said)
    assert {outcome.result for outcome in later} == {"delivered", "sampled"}
    assert {outcome.result for outcome in until_decided(slow, paid)} == {"delivered"}


def until_decided(room: RoomRef, messages: list[Message]) -> list[Any]:
    """What became of each; the same ids ask and let the tick go on."""
    for _ in range(100):
        found = submit_now(room=room, messages=messages, tick_ms=0).outcomes
        if not any(outcome.result == "waiting" for outcome in found):
            return list(found)
        asyncio.run(asyncio.sleep(0.1))
    raise AssertionError("never decided")


# -- coming back


def test_whoever_says_what_it_heard_last_gets_exactly_the_rest_or_hears_that_something_is_missing() -> None:
    for n in range(1, 6):
        publish(Numbered(t=1, n=n), to=ROOM, event_id=f"e{n}")

    async def comes_back(seq: int) -> Any:
        [found] = await positions_since(asked=[(REF.key, seq)])
        return found

    assert [b'"n":%d' % n in event for n, event in enumerate(asyncio.run(comes_back(2)).events, start=3)] == [True] * 3
    shared().delete(key("ticks", REF.key))  # the log is gone
    publish(Numbered(t=1, n=6), to=ROOM)
    lost = asyncio.run(comes_back(2))
    assert (lost.seq, lost.events) == (6, ())


def test_a_person_that_comes_back_gets_the_rest_or_hears_that_something_is_missing() -> None:
    publish(ToOne(t=1, n=1), to=MIA)
    here = asyncio.run(user_events.since(person=MIA.key, since=None))
    publish(ToOne(t=1, n=2), to=MIA)
    back = asyncio.run(user_events.since(person=MIA.key, since=(here.epoch, here.useq)))
    assert (back.recovered, len(back.events)) == (True, 1)
    assert not asyncio.run(user_events.since(person=MIA.key, since=("0", 7))).recovered


def test_the_history_has_what_its_class_says() -> None:
    publish(Numbered(t=clock.now_ms(), n=1), to=ROOM)
    publish(Remembered(t=clock.now_ms(), n=2), to=ROOM)
    assert [event["n"] for event in history_now(room=REF, now_ms=clock.now_ms())] == [2]


# -- everyone


@pytest.fixture
def app_of_five(monkeypatch: pytest.MonkeyPatch) -> list[RoomRef]:
    """Five rooms of an app, in portions of two."""
    rooms = [RoomRef(key=f"7:r{n}", group_id=f"r{n}", app_id=7, history_count=0, history_hours=1) for n in range(5)]
    asyncio.run(positions(room_keys=[room.key for room in rooms]))

    def open_rooms(sdkappid: int) -> Iterator[list[RoomRef]]:
        assert sdkappid == 7
        yield from (rooms[start : start + 2] for start in range(0, 5, 2))

    monkeypatch.setattr(publishing._subscribers, "open_rooms", open_rooms)
    return rooms


def test_every_room_of_the_app_hears_it_once_whoever_dies(
    app_of_five: list[RoomRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_durably(Numbered(t=1, n=1), to=Everyone(7), at=clock.now())
    real, rounds = publishing.publish_many_now, []

    def dies(messages: Any) -> int:
        rounds.append(len(messages))
        if len(rounds) == 2:
            raise redis.ConnectionError("gone")
        return real(messages)

    monkeypatch.setattr(publishing, "publish_many_now", dies)
    relay()
    relay()
    assert rounds == [2, 2, 2, 2, 1]
    assert [one.seq for one in asyncio.run(positions(room_keys=[room.key for room in app_of_five]))] == [1] * 5


# -- before, and when a room closes

_asked: list[tuple[int, Target]] = []
_closed: list[str] = []


class Doubtful(RoomEvent, frozen=True, kw_only=True, tag="made_up_doubtful"):
    n: int


@before(Doubtful)
def _is_still_true(event: Doubtful, to: Target) -> bool:
    _asked.append((event.n, to))
    return event.n % 2 == 0


@when_a_room_closes
def _note(room_key: str) -> None:
    _closed.append(room_key)


def test_a_subscriber_is_asked_before_and_what_is_not_true_any_more_is_dropped() -> None:
    _asked.clear()
    for n in range(4):
        publish_durably(Doubtful(t=1, n=n), to=ROOM, at=clock.now())
    assert _asked == []
    relay()
    assert _asked == [(n, Room(REF.key)) for n in range(4)]
    assert heard_in_room() == [0, 2]


async def test_a_room_that_closes_is_forgotten_once_after_its_viewers_heard_what_came_before(two) -> None:
    _, viewers = two
    _closed.clear()

    def close() -> None:
        with transaction.atomic():
            publish_durably(Numbered(t=1, n=1), to=ROOM, at=clock.now())
            publish_durably(CloseSockets(code=4104, reason="x", message="x"), to=ROOM, at=clock.now())
        relay()
        OutboxRow.objects.filter(payload__family="control").update(done_at=None)  # its relay died before it marked it
        relay()

    await in_thread(close)
    for viewer in viewers:
        await asyncio.wait_for(viewer.leaves(), 5)
        assert (viewer.dismissed, [event["n"] for event in viewer.events("made_up")]) == (4104, [1])
    assert _closed == [REF.key]


# -- control messages


async def test_what_was_published_at_once_was_acted_on_by_every_process_before_the_caller_goes_on(two) -> None:
    hubs, viewers = two
    heard: list[Any] = []
    for hub in hubs:
        hub.add_listener(person=MIA.key, listener=heard.append)

    def commit() -> tuple[int, int]:
        with transaction.atomic():
            publish_at_once(Recheck(n=1), to=MIA, at=clock.now())
            publish_at_once(Recheck(n=2), to=ROOM, at=clock.now())
            before_the_commit = len(heard)
        return before_the_commit, len(heard)

    assert await in_thread(commit) == (0, 2)
    assert await in_thread(OutboxRow.objects.count) == 2  # and the relay publishes it again, surely
    assert [control.n for viewer in viewers for control in viewer.controls] == [2] * 4


# -- what is refused


@pytest.mark.parametrize(
    ("event", "to"), [(ToOne(t=1, n=1), ROOM), (Numbered(t=1, n=1), MIA), (Level(t=1, n=1), Everyone(7))]
)
def test_an_event_goes_to_whom_its_class_is_for(event: Any, to: Target) -> None:
    with pytest.raises(TypeError):
        publish(event, to=to)
