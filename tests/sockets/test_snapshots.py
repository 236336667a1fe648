"""Coming in while everything moves: the snapshot and the events after it are the whole truth, for two hundred at once."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from channels.db import database_sync_to_async
from django.db import connection

from interactions.chat.selectors import pinned
from interactions.chat.services import pinning
from interactions.delivery.events import as_row
from interactions.delivery.room_ref import ref_of_key
from interactions.delivery.rooms.log import positions_since
from interactions.delivery.rooms.submitting import publish_now
from interactions.polls import selectors
from interactions.polls.services import polls, totals
from interactions.socket.joining import join_cache, joining
from interactions.socket.joining.join_cache import CachedRoom, JoinCache
from liveroom.accounts.services import tokens
from liveroom.kernel import clock
from liveroom.kernel.data.redis import shared
from liveroom.rooms.models import Room
from liveroom.rooms.services import attributes, people, rooms
from moderation.models import Ban, BanTrace
from moderation.selectors import against, against_all
from moderation.services import muting
from tests.helpers.crowd import Line
from tests.helpers.people import STAFF
from tests.helpers.sockets import SocketProcess, tell

CROWD = 200
WAVES = 5
PATIENCE_SECONDS = 20


class Newcomer:
    """Joins once, keeps its snapshot and what came after."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.snapshot: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []

    async def visit(
        self, port: int, *, after: asyncio.Event, moved: asyncio.Event, done: Callable[[dict[str, Any]], bool]
    ) -> None:
        """`moved` is set once this one has been told something that its snapshot did not hold."""
        await after.wait()
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: Line(query=self.query), "127.0.0.1", port)
        await line.opened.wait()
        line.write(b'{"id": 0, "type": "join", "room": "r1"}')
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(map(done, self.events[-50:])):
                payload = await line.frames.get()
                assert payload is not None, f"hung up on with {line.code}"
                frame = json.loads(payload)
                if frame.get("id") == 0:
                    assert frame["ok"], frame
                    assert not self.events, "told before it was shown"
                    self.snapshot = frame["snapshot"]
                elif frame.get("type") == "batch":
                    assert self.snapshot, "told before it was shown"
                    self.events += frame["events"]
                    if any("seq" in event for event in frame["events"]):
                        moved.set()
        line.transport.abort()

    @property
    def numbered(self) -> list[dict[str, Any]]:
        return [event for event in self.events if "seq" in event]

    def state(self) -> dict[str, Any]:
        """What the room looks like to it at the end."""
        room = self.snapshot["room"]
        shown = {"notice": room["notice"], "title": room["title"], "pk": room["attributes"]["pk"], "muted_all": False}
        shown["muted_all"] = self.snapshot["me"]["muted_all"]
        shown |= {"pinned": self.snapshot["pinned"], "polls": self.snapshot["polls"]}
        for event in self.numbered:
            if event["type"] == "notice":
                shown["notice"] = event["notice"]
            elif event["type"] == "room":
                shown["title"] = event.get("title", shown["title"])
            elif event["type"] == "attributes":
                shown["pk"] = event["changed"].get("pk", shown["pk"])
            elif event["type"] == "mute_all":
                shown["muted_all"] = event["on"]
            elif event["type"] == "pin":
                shown["pinned"] = event["pinned"]
            elif event["type"] == "poll":
                shown["polls"] = [event["poll"]]
        return shown


def in_a_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.alone
def test_two_hundred_come_at_once_while_state_and_comments_flow(cast, sockets: SocketProcess, watching):
    by, stop, said = cast.actor(cast.stella), threading.Event(), []
    attributes.write_attributes(room=cast.room, values={"pk": "0"}, replace=False, by=STAFF, now=clock.now())
    poll = polls.open_poll(room=cast.room, question="Tea?", answers=["yes", "no"], by=by, now=clock.now())
    tell()

    def change() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            rooms.change_room(
                room=cast.room, changes={"notice": f"notice {n}", "title": f"Title {n}"}, by=by, now=clock.now()
            )
            attributes.write_attributes(room=cast.room, values={"pk": str(n)}, replace=False, by=by, now=clock.now())
            (muting.mute_everyone if n % 2 else muting.unmute_everyone)(room=cast.room, by=by, now=clock.now())
            if n % 4 == 1:
                pinning.pin_message(room=cast.room, words=f"pin {n}", by=by, now=clock.now())
                voter = tokens.ensure_person(app=cast.app, identifier=f"voter{n}")
                polls.vote(poll=poll, choices=[1], room=cast.room, by=cast.actor(voter), now=clock.now())
                totals.publish_totals(now=poll.opened_at + n * totals.BETWEEN)
            tell()
            stop.wait(0.02)

    def speak() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            answer = stella.says(f"word {n}")
            if answer["result"] == "delivered":
                said.append((answer["seq"], f"word {n}"))

    sigs = [
        tokens.make_usersig(app=cast.app, identifier=f"crowd{n % 150}", expire_seconds=600, now=clock.now())
        for n in range(CROWD - 20)
    ]
    crowd = [Newcomer(f"platform=ios&usersig={quote(sig)}") for sig in sigs]
    crowd += [Newcomer(f"sdkappid={cast.app.sdkappid}") for _ in range(20)]

    async def come() -> None:
        # The next wave comes when somebody of the last one has been shown the room and told what happened since, while others are
        # still on their way: however fast they come, the room moves between them.
        steps = [asyncio.Event() for _ in range(WAVES + 1)]
        steps[0].set()
        visits = [
            one.visit(
                sockets.port, after=steps[number % WAVES], moved=steps[number % WAVES + 1],
                done=lambda event: event.get("text") == "end",
            )
            for number, one in enumerate(crowd)
        ]  # fmt: skip
        async with asyncio.TaskGroup() as group:
            for visit in visits:
                group.create_task(visit)
            while not all(one.snapshot for one in crowd):
                await asyncio.sleep(0.02)
            stop.set()
            for worker in workers:
                await asyncio.to_thread(worker.join)
            said.append(((await asyncio.to_thread(stella.says, "end"))["seq"], "end"))

    with watching(cast.stella) as stella, watching(cast.max) as first:
        workers = [in_a_thread(change), in_a_thread(speak)]
        try:
            asyncio.run(come())
        finally:
            stop.set()
        first.hears("comment", text="end")
        said = [*said]
        comments = [event for event in first.heard if event["type"] == "comment"]
        assert [(event["seq"], event["text"]) for event in comments] == said
        truth = Newcomer("")
        truth.snapshot, truth.events = first.snapshot, first.heard
        final = truth.state()
    room = Room.objects.get(pk=cast.room.pk)
    assert (final["notice"], final["title"]) == (room.notice, room.title)
    shown = [as_row(poll) for poll in selectors.open_polls(room)]
    assert (final["pinned"], final["polls"]) == (pinned(room), shown)
    assert final["polls"][0]["ballots"] > 0
    last = said[-1][0]
    for one in crowd:
        seq = one.snapshot["seq"]
        assert [event["seq"] for event in one.numbered] == list(range(seq + 1, last + 1))
        assert one.state() == final
        earlier = [event for event in comments if event["seq"] <= seq]
        assert one.snapshot["history"] == earlier[-20:]
        assert [event for event in one.numbered if event["type"] == "comment"] == comments[len(earlier) :]
        assert one.snapshot["online"] >= 1
    assert len({one.snapshot["seq"] for one in crowd}) >= WAVES, "nothing moved"
    assert "Traceback" not in sockets.text()


@pytest.mark.parametrize("what", ["mute", "role", "notice", "mute_all"])
def test_what_falls_while_one_comes_in_is_shown_or_follows(cast, calls, watching, what):
    by = cast.actor(cast.stella)

    def fall(on: bool, number: int) -> None:
        asked: dict[str, Any] = {"room": cast.room, "by": by, "now": clock.now()}
        if what == "mute":
            (muting.mute_user if on else muting.unmute_user)(
                identifier="mia", **asked, **({"seconds": None} if on else {})
            )
        elif what == "role":
            (people.appoint_admin if on else people.dismiss_admin)(identifier="mia", **asked)
        elif what == "notice":
            rooms.change_room(changes={"notice": f"notice {number}"}, **asked)
        else:
            (muting.mute_everyone if on else muting.unmute_everyone)(**asked)
        tell()

    tell()  # what was before
    with watching(cast.zed) as zed:
        for number in range(10):
            on = number % 2 == 0
            with calls(cast.mia) as mia:
                mia.asks("ping")
                changing = in_a_thread(lambda on=on, number=number: (time.sleep(number * 0.002), fall(on, number))[1])
                mia.joins("r1")
                changing.join()
                kind = "unmute" if (what, on) == ("mute", False) else what
                event = zed.hears(kind)
                me, seq = mia.snapshot["me"], mia.snapshot["seq"]
                if event["seq"] > seq:
                    assert mia.hears(kind)["seq"] == event["seq"]
                elif what == "notice":
                    assert mia.snapshot["room"]["notice"] == f"notice {number}"
                else:
                    shown = {"mute": me["muted"], "mute_all": me["muted_all"], "role": me["role"] == "admin"}
                    assert shown[what] is on
                if what != "notice":  # and it is meant
                    until_so(lambda mia=mia, on=on: meant(mia, what, on))


def meant(mia: Any, what: str, on: bool) -> bool:
    answer = mia.says("hi", priority="High" if what == "role" else "Normal")
    return bool(answer["ok"]) is (on if what == "role" else not on)


def until_so(true: Callable[[], bool]) -> None:
    """The word to the sockets travels beside the event."""
    end = time.monotonic() + 2
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


async def test_the_database_is_asked_once_for_all_who_come_in_a_second(cast, monkeypatch):
    asked = []

    def views_of(rooms: Any, **what: Any) -> Any:
        asked.append(rooms)
        return real(rooms, **what)

    real = joining.views_of
    monkeypatch.setattr(joining, "views_of", views_of)
    room = CachedRoom(app_id=cast.app.pk, group_id="r1")

    async def come() -> Any:
        await room.view()
        return await room.moment()

    moments = await asyncio.gather(*(come() for _ in range(CROWD)))
    assert len(asked) == 1
    assert len({moment.position.seq for moment in moments}) == 1
    await asyncio.gather(*(come() for _ in range(CROWD)))
    assert len(asked) == 1
    room.doubt()
    await asyncio.gather(*(come() for _ in range(CROWD)))
    assert len(asked) == 2


async def test_who_comes_back_from_the_same_place_is_told_by_one_look(cast, monkeypatch):
    asked = []

    def looked(**what: Any) -> Any:
        asked.append(what["asked"])
        return positions_since(**what)

    monkeypatch.setattr(join_cache, "positions_since", looked)
    key = cast.room.key

    def say() -> None:
        for number in range(3):
            publish_now(room=ref_of_key(room_key=key), event=b'{"type":"custom"}', event_id=f"e{number}")

    await asyncio.to_thread(say)
    cache = JoinCache()
    places = [0, 2, 1, 3]
    crowd = [cache.missed(room_key=key, since=place) for place in places * 50]
    new = cache.missed(room_key="1:never-heard-of", since=0)
    *found, unknown = await asyncio.gather(*crowd, new)
    assert asked == [[*((key, place) for place in places), ("1:never-heard-of", 0)]]
    for position, place in zip(found, places * 50, strict=True):
        numbers = [json.loads(event)["seq"] for event in position.events]
        assert (position.seq, numbers) == (3, list(range(place + 1, 4)))
    assert (unknown.seq, unknown.events) == (0, ())
    assert unknown.epoch not in ("", found[0].epoch)


async def test_many_rooms_are_asked_for_together(cast, django_assert_max_num_queries):
    """The first into each of forty rooms: about as many questions as for one; ids that nobody has given are told apart, and leave no
    trace in Redis."""

    def make() -> list[Room]:
        now = clock.now()
        return [
            rooms.create_room(app=cast.app, owner=cast.stella, by=STAFF, now=now, group_id=f"m{n}", title=str(n))
            for n in range(40)
        ]

    made = await asyncio.to_thread(make)
    cache = JoinCache()
    names = [*(room.group_id for room in made), "nobody", "no/room"]

    def asked() -> list[Any]:
        with django_assert_max_num_queries(15):
            views = joining.views_of([(cast.app.pk, name) for name in names], now=clock.now())
        assert [views[0]] == joining.views_of([(cast.app.pk, "m0")], now=views[0].room.created_at)
        return views

    views = await database_sync_to_async(asked)()
    assert [view.shown["title"] for view in views[:40]] == [str(n) for n in range(40)]
    found = await asyncio.gather(
        *(cache.room(app_id=cast.app.pk, group_id=name).moment() for name in names), return_exceptions=True
    )
    assert [moment.view.room.group_id for moment in found[:40]] == names[:40]
    assert [type(refusal).__name__ for refusal in found[40:]] == ["RoomUnknown", "RoomIdMalformed"]
    assert not shared().keys("*nobody*")


def test_of_many_rooms_the_same_is_known_as_of_each(cast):
    now = clock.now()
    made = [
        rooms.create_room(app=cast.app, owner=cast.stella, by=STAFF, now=now, group_id=f"m{n}", title=str(n))
        for n in range(3)
    ]
    asked: dict[str, Any] = {"by": cast.actor(cast.stella), "now": now, "seconds": 3600}
    muting.mute_user(room=made[0], identifier="mia", **asked)
    muting.mute_user(room=made[1], identifier="max", **asked)
    muting.mute_everyone(room=made[1], by=asked["by"], now=now)
    for place, person in ((made[0], cast.mia), (made[2], cast.zed), (None, cast.max)):
        ban = Ban.objects.create(app=cast.app, room=place, person=person, since=now, until=None)
        BanTrace.objects.create(ban=ban, trace=f"d:{person.identifier}")
    found = against_all(rooms=made, now=now)
    assert found == {room.pk: against(room=room, now=now) for room in made}
    assert [sorted(found[room.pk].people or ()) for room in made] == [["max", "mia"], ["max"], ["max", "zed"]]
    assert [sorted(found[room.pk].traces) for room in made] == [["d:max", "d:mia"], ["d:max"], ["d:max", "d:zed"]]


async def test_what_happened_since_is_seen_before_anybody_is_shown_an_old_room(cast):
    room = CachedRoom(app_id=cast.app.pk, group_id="r1")
    await room.view()

    def change() -> None:
        rooms.change_room(room=cast.room, changes={"notice": "new"}, by=STAFF, now=clock.now())
        tell()

    worker = in_a_thread(change)
    await asyncio.to_thread(worker.join)
    before = await room.view()
    moment = await room.moment()
    assert before.view.shown["notice"] == ""  # read a moment ago
    assert moment.view.shown["notice"] == "new"
    assert moment.position.seq > before.position.seq


def test_whoever_comes_counts_itself(cast, watching):
    with watching(cast.mia) as mia:
        assert mia.snapshot["online"] == 1
    with watching(None) as guest:
        assert guest.snapshot["online"] >= 1
    with watching(cast.stella, overlay=True) as overlay:
        assert overlay.snapshot["online"] >= 0


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="on PostgreSQL the pool keeps them")
def test_a_process_on_sqlite_keeps_its_connection_from_join_to_join(cast, sockets: SocketProcess, watching):
    file = Path(str(connection.settings_dict["NAME"])).resolve()

    def open_files() -> set[str]:
        return {
            number.name
            for number in Path(f"/proc/{sockets.child.pid}/fd").iterdir()
            if number.exists() and number.resolve() == file
        }

    with watching(cast.mia):
        pass
    kept = open_files()
    assert kept
    with watching(cast.max), watching(None):
        pass
    assert kept <= open_files()
    assert len(open_files()) <= 8, "one for each thread that asks, not one for each viewer"
