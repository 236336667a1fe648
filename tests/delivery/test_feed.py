"""A room's feed, whatever falls together: everybody is written each numbered event once, in order, from its snapshot on."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interactions.delivery.fanout import TEXT
from interactions.delivery.fanout import feed as module
from interactions.delivery.fanout.feed import Feed, Seat
from interactions.delivery.fanout.hub import Hub
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.log import Position
from interactions.delivery.rooms.published import PublishedEvents

ROOM = RoomRef(key="1:r1", group_id="r1", app_id=1, history_count=20, history_hours=24)
EPOCH = "e"
VIEWERS = 4


class Watcher:
    """A viewer that keeps the numbers it is written, and is its own queue. `since`: what it knows, from an earlier visit."""

    codec, ended = TEXT, False
    _send = _transport = None
    _queue = ()

    def __init__(self, *, since: int | None) -> None:
        self.queue = self
        self.since = since
        self.seen: Position | None = None
        self.began_after = 0
        self.seqs: list[int] = []
        self.opened = self.gone = False

    def write(self, frame: bytes, *, must: bool = True) -> None:
        assert self.opened, "written to before its snapshot"
        if not self.gone:  # what was on its way when it left
            self.seqs += [event["seq"] for event in orjson.loads(frame[frame.index(b"{") :])["events"]]

    def dismiss(self, **_: Any) -> None:
        raise AssertionError("nothing happened that is worth coming back for")


class Room:
    """What Redis holds (`log`), what pub/sub still carries (`on_the_way`), and one process that tells it."""

    def __init__(self) -> None:
        self.log: list[bytes] = []
        self.on_the_way: list[PublishedEvents] = []
        self.hub = Hub(process="socket-1")
        self.hub.schedule.due_soon = lambda room: None  # `tell` is a step of its own
        self.feed = self.hub.rooms[ROOM.key] = Feed(ref=ROOM)
        self.places: list[tuple[Watcher, Seat] | None] = [None] * VIEWERS
        self.all: list[Watcher] = []
        self.telling: Coroutine[Any, Any, None] | None = None

    def say(self, count: int) -> None:
        first = len(self.log) + 1
        events = tuple(b'{"seq":%d}' % seq for seq in range(first, first + count))
        self.log += events
        self.on_the_way.append(PublishedEvents(first=first, epoch=EPOCH, carried=(), events=events))

    def hear(self, _: int) -> None:
        if self.on_the_way and not self.feed.hear_numbered(self.on_the_way.pop(0)):
            self.catch_up()

    def lose(self, _: int) -> None:
        """Pub/sub does."""
        del self.on_the_way[:1]

    def catch_up(self) -> None:
        if self.feed.seq is not None and self.feed.seq < len(self.log):
            self.feed.caught_up(events=self.log[self.feed.seq :], seq=len(self.log))

    def tell(self, _: int) -> None:
        """One step of it: between two of them other things happen."""
        if self.telling is None and self.feed.must:
            self.telling = self.feed.write_numbered()
        if self.telling is not None:
            try:
                self.telling.send(None)
            except StopIteration:
                self.telling = None

    def enter(self, place: int) -> None:
        place %= VIEWERS
        if self.places[place] is None:
            knows = None if place % 2 else max(0, len(self.log) - 3)
            watcher = Watcher(since=knows)
            seat = Seat(viewer=watcher, person=None, counted=True)
            self.feed.seats.add(seat)
            self.places[place] = watcher, seat
            self.all.append(watcher)

    def look(self, place: int) -> None:
        """The snapshot is read; its answer is on the way, and another's may overtake it."""
        found = self.places[place % VIEWERS]
        if found is not None and found[0].seen is None:
            since = len(self.log) if found[0].since is None else found[0].since
            found[0].seen = Position(epoch=EPOCH, seq=len(self.log), events=tuple(self.log[since:]))

    def open(self, place: int) -> None:
        found = self.places[place % VIEWERS]
        if found is None or found[0].seen is None or found[0].opened:
            return
        watcher, seat = found
        assert watcher.seen is not None
        if not self.hub.settle(room_key=ROOM.key, position=watcher.seen):
            watcher.seen = None  # it looks again
            return
        watcher.opened = True
        watcher.began_after = watcher.seen.seq if watcher.since is None else watcher.since
        self.hub.open(room_key=ROOM.key, seat=seat, after_seq=watcher.seen.seq, missed=watcher.seen.events)

    def leave(self, place: int) -> None:
        place %= VIEWERS
        found, self.places[place] = self.places[place], None
        if found is not None:
            found[0].gone = True
            self.feed.leave(found[1])

    def finish(self) -> None:
        """Everything is heard, or fetched, and told."""
        while self.on_the_way:
            self.hear(0)
        self.catch_up()
        while self.telling is not None or self.feed.must:
            self.tell(0)


steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["say", "say", "hear", "hear", "tell", "tell", "enter", "look", "open", "open", "leave", "lose"]
        ),
        st.integers(1, 12),
    ),
    max_size=60,
)


@pytest.fixture(autouse=True, scope="module")
def _a_pause_after_every_viewer():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", 1)
        yield


def what_they_saw(room: Room) -> None:
    for watcher in room.all:
        first = watcher.began_after + 1
        assert watcher.seqs == list(range(first, first + len(watcher.seqs))), vars(watcher)
        if watcher.opened and not watcher.gone:
            assert first + len(watcher.seqs) - 1 == len(room.log), "something is missing at the end"


@settings(max_examples=400, deadline=None)
@given(steps)
def test_whatever_falls_together_everybody_sees_each_event_once_and_in_order(taken: list[tuple[str, int]]) -> None:
    room = Room()
    for name, number in taken:
        getattr(room, name)(number)
    for place in range(VIEWERS):  # whoever is on the way in arrives
        for _ in range(2):
            room.look(place)
            room.open(place)
    room.finish()
    what_they_saw(room)


def test_a_snapshot_that_another_overtook_is_read_again() -> None:
    """Two come into a room that is new here: the second was shown more, and its answer came first."""
    room = Room()
    room.enter(1)
    room.look(1)
    room.say(2)
    room.hear(0)
    room.enter(3)
    room.look(3)
    room.open(3)
    room.open(1)  # too old: nobody kept what came in between
    room.say(1)
    room.look(1)
    room.open(1)
    room.finish()
    what_they_saw(room)
    assert [watcher.seqs for watcher in room.all] == [[], [3]]
