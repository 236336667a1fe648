"""Redis or a socket process dies under a talking room: numbers rise for every viewer, nothing is said twice, every gap is announced."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connections

from interactions.chat.archive.archiver import Archiver
from interactions.delivery.fanout import TEXT
from interactions.delivery.fanout.hub import Hub
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.epochs import begin, begin_now, forget_now
from interactions.delivery.rooms.log import position
from interactions.delivery.rooms.messages import Outcome
from interactions.delivery.rooms.submitting import publish_now
from interactions.models import ArchivedMessage
from liveroom.kernel.data.redis import key, shared
from tests.helpers.crowd import Viewer
from tests.helpers.made_up import numbered
from tests.helpers.people import Cast, make_cast_of_its_own
from tests.helpers.sockets import SocketProcess, free_port
from tests.helpers.stack import until

pytestmark = [pytest.mark.fault]

VIEWERS = 60
# At once, of each of two speakers: some thirty comments a second.
LANES = 2
AWAY_SECONDS = 0.4


class OwnRedis:
    """A server with an append-only file that may be killed, and started again on its port with whatever memory it has then."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._child: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._child = subprocess.Popen(
            [
                "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
                "--appendonly", "yes", "--appendfsync", "everysec",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        until(self._answers, what="a Redis that answers")

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.ConnectionError:
            return False

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    # What may have become of its memory

    def loses_everything(self) -> None:
        shutil.rmtree(self.folder)

    def remembers(self, earlier: Path) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(earlier, self.folder)


class Witness(Viewer):
    """Also over new epochs. `said`: texts that came as events; `floors`: where it was told to begin anew."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.said: Counter[str] = Counter()
        self.floors: list[int] = []
        self.epochs: list[str] = []

    def _joined(self, answer: dict[str, Any]) -> None:
        snapshot = answer.get("snapshot")
        if snapshot is not None and not answer.get("recovered"):
            if snapshot["seq"] < self.seq:
                self.wrong.append(f"back to {snapshot['seq']} from {self.seq}")
            self.epoch, self.seq = snapshot["epoch"], snapshot["seq"]
            self.floors.append(self.seq)
            self.epochs.append(self.epoch)
            answer = {**answer, "recovered": True}
        super()._joined(answer)

    def _hear(self, frame: dict[str, Any]) -> None:
        if frame.get("type") == "batch" and frame["epoch"] != self.epoch:
            self.wrong.append(f"an event of {frame['epoch']}, unannounced")
        super()._hear(frame)

    def _count(self, event: dict[str, Any]) -> None:
        super()._count(event)
        if event["type"] == "comment":
            self.said[event["text"]] += 1

    def lacks(self, text: str, seq: int) -> bool:
        return not self.said[text] and seq > self.floors[-1]


class Room:
    """Sixty who listen and two who speak. `delivered`: text -> seq of what was answered so; `unanswered` is being said just now."""

    def __init__(self, *, port: int, cast: Cast) -> None:
        usual = {"port": port, "room": "r1", "sdkappid": cast.app.sdkappid}
        self.viewers = [Witness(**usual) for _ in range(VIEWERS)]
        self.speakers = [Witness(**usual, usersig=cast.usersig(person)) for person in (cast.mia, cast.zed)]
        self.delivered: dict[str, int] = {}
        self.unanswered: set[str] = set()
        self.refused: list[Any] = []
        self._numbers = iter(range(1, 100_000))
        self._quiet = False

    @property
    def all(self) -> list[Witness]:
        return self.viewers + self.speakers

    async def _speak(self, speaker: Witness) -> None:
        """A number after the other; what is not answered, or answered by `unavailable`, is said again with its `cid`."""
        while not self._quiet:
            number = next(self._numbers)
            text = f"number {number}"
            self.unanswered.add(text)
            while not (answer := await speaker.says(text, number=number))["ok"]:
                if answer["error"]["code"] != 10002:
                    self.refused.append(answer)
                await asyncio.sleep(0.05)
            self.unanswered.discard(text)
            if answer["result"] == "delivered":
                self.delivered[text] = answer["seq"]

    async def _until(self, question: Callable[[], object], what: str, seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not question():
            assert time.monotonic() < end, (
                f"not within {seconds} s: {what}; {[v.wrong for v in self.all if v.wrong][:3]}"
            )
            await asyncio.sleep(0.02)

    async def says_more(self, number: int = 10) -> None:
        goal = len(self.delivered) + number
        await self._until(lambda: len(self.delivered) >= goal, "more is said")

    async def lives_through(self, trouble: Callable[[Room], Awaitable[None]]) -> None:
        """Everybody joins, talks, meets the trouble, talks on, and has heard the last word."""
        lives = [asyncio.ensure_future(viewer.stay()) for viewer in self.all]
        try:
            await self._until(lambda: all(viewer.joined.is_set() for viewer in self.all), "all joined")
            speaking = [asyncio.ensure_future(self._speak(one)) for one in self.speakers for _ in range(LANES)]
            await self.says_more()
            await trouble(self)
            await self.says_more()
            await self._until(lambda: all(viewer.joined.is_set() for viewer in self.all), "all are back")
            await self.says_more(5)
            self._quiet = True
            await asyncio.wait_for(asyncio.gather(*speaking), 10)
            last = max(self.delivered.values())
            await self._until(lambda: all(viewer.seq >= last for viewer in self.all), "all have heard the last word")
            assert len({(viewer.epoch, viewer.seq) for viewer in self.all}) == 1
        finally:
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)

    def nothing_was_wrong(self, *, perhaps_twice: frozenset[str] = frozenset()) -> None:
        """`perhaps_twice`: nobody could know that they had been said."""
        assert [viewer.wrong for viewer in self.all if viewer.wrong] == []
        assert self.refused == []
        for viewer in self.all:
            assert [text for text, times in viewer.said.items() if times > 1 and text not in perhaps_twice] == []
            assert [text for text, seq in self.delivered.items() if viewer.lacks(text, seq)] == []


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path_factory.mktemp("own") / "redis")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def pair(
    own_redis: OwnRedis, django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[SocketProcess]]:
    """Two on one port."""
    folder, port = tmp_path_factory.mktemp("pair"), str(free_port())

    def start(number: int) -> SocketProcess:
        with django_db_blocker.unblock():
            return SocketProcess(
                data=folder / f"{number}", name=f"socket-{number}", REDIS_URL=own_redis.url, LIVEROOM_WS_PORT=port
            )

    with ThreadPoolExecutor() as pool:
        running = list(pool.map(start, (1, 2)))
    yield running
    for process in running:
        process.stop()


@pytest.fixture
def room(transactional_db: None, own_redis: OwnRedis, pair: list[SocketProcess]) -> Iterator[Room]:
    own_redis.client().flushall()
    yield Room(port=pair[0].port, cast=make_cast_of_its_own())
    for process in pair:
        assert "Traceback" not in process.text()


def test_a_killed_redis_that_kept_its_file_costs_nobody_a_word(room: Room, own_redis: OwnRedis) -> None:
    async def trouble(room: Room) -> None:
        own_redis.kill()
        await asyncio.sleep(AWAY_SECONDS)
        own_redis.start()

    asyncio.run(room.lives_through(trouble))
    room.nothing_was_wrong()
    # Nobody even had to come back.
    assert {len(viewer.floors) for viewer in room.all} == {1}
    assert all(viewer.said[text] == 1 for viewer in room.all for text in room.delivered)


def _archive(own_redis: OwnRedis) -> None:
    try:
        while Archiver(consumer="archive-1", client=own_redis.client()).drain():
            pass
    finally:
        connections.close_all()


def test_a_redis_that_lost_everything_begins_a_new_epoch_above_all_that_was_seen(
    room: Room, own_redis: OwnRedis
) -> None:
    in_flight: set[str] = set()

    async def trouble(room: Room) -> None:
        await asyncio.to_thread(_archive, own_redis)
        await room.says_more(5)  # which the archive has not got
        in_flight.update(room.unanswered)
        own_redis.kill()
        own_redis.loses_everything()
        await asyncio.sleep(AWAY_SECONDS)
        own_redis.start()

    asyncio.run(room.lives_through(trouble))
    assert ArchivedMessage.objects.count() >= 10
    room.nothing_was_wrong(perhaps_twice=frozenset(in_flight))
    assert all(len(viewer.floors) >= 2 and set(viewer.byes) == {"epoch"} for viewer in room.viewers)


def test_a_redis_that_forgot_its_last_second_begins_a_new_epoch_too(
    room: Room, own_redis: OwnRedis, tmp_path: Path
) -> None:
    in_flight: set[str] = set()

    async def trouble(room: Room) -> None:
        shutil.copytree(own_redis.folder, tmp_path / "earlier")
        await room.says_more(15)
        in_flight.update(room.unanswered)
        own_redis.kill()
        own_redis.remembers(tmp_path / "earlier")
        await asyncio.sleep(AWAY_SECONDS)
        own_redis.start()

    asyncio.run(room.lives_through(trouble))
    room.nothing_was_wrong(perhaps_twice=frozenset(in_flight))
    assert all(len(viewer.floors) >= 2 and set(viewer.byes) == {"epoch"} for viewer in room.viewers)


def test_viewers_of_a_killed_process_go_on_where_they_were_at_the_other_one(
    room: Room, pair: list[SocketProcess]
) -> None:
    """The last one here: one of the two is gone afterwards."""

    async def trouble(room: Room) -> None:
        pair[0].kill()

    asyncio.run(room.lives_through(trouble))
    room.nothing_was_wrong()
    assert {len(viewer.floors) for viewer in room.all} == {1}
    assert VIEWERS * 0.2 < sum(viewer.cuts >= 1 for viewer in room.viewers) < VIEWERS * 0.8
    assert all(viewer.said[text] == 1 for viewer in room.all for text in room.delivered)


# The hub alone: what it makes of a memory that went back


REF = RoomRef(key="1:back", group_id="back", app_id=1, history_count=20, history_hours=24)
KEYS = [key(kind, REF.key) for kind in ("state", "ticks")]


def say(number: int, *, event_id: str = "") -> Outcome:
    return publish_now(room=REF, event=numbered(number), event_id=event_id or f"e{number}")


class OneViewer:
    """In the room from its beginning, with a queue that takes everything."""

    codec, ended = TEXT, False
    _send = _transport = None
    _queue = ()

    def __init__(self) -> None:
        self.queue, self.code = self, None

    def write(self, frame: bytes, *, must: bool = True) -> None:
        pass

    def dismiss(self, *, code: int, reason: str, message: str, after_ms: int = 0) -> None:
        self.code = code


async def _until(question: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not question():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def heard_thirteen() -> AsyncIterator[tuple[Hub, OneViewer, Callable[[], None]]]:
    """A hub whose room stands at 13, and how to bring Redis back to 10 while it does not listen."""
    hub, viewer = Hub(process="hub-1"), OneViewer()
    seat = await hub.enter(room=REF, viewer=viewer)
    here = await position(room_key=REF.key)
    hub.settle(room_key=REF.key, position=here)
    hub.open(room_key=REF.key, seat=seat, after_seq=here.seq)
    for number in range(1, 11):
        say(number)
    earlier = [shared().dump(name) for name in KEYS]
    for number in range(11, 14):
        say(number)
    await _until(lambda: hub.rooms[REF.key].seq == 13)

    def goes_back() -> None:
        shared().client_kill_filter(_type="pubsub")
        for name, value in zip(KEYS, earlier, strict=True):
            shared().restore(name, 0, value, replace=True)

    yield hub, viewer, goes_back
    await hub.stop()


@pytest.mark.parametrize("since", [0, 2, 3, 5])
async def test_numbers_that_were_given_again_are_noticed_however_many_there_are(
    transactional_db: None, since: int
) -> None:
    async with heard_thirteen() as (hub, viewer, goes_back):
        old = hub.rooms[REF.key].epoch
        goes_back()
        for number in range(since):
            say(100 + number)
        await _until(lambda: viewer.code == 4005)
        room = hub.rooms[REF.key]
        assert room.epoch != old
        assert room.seq is not None
        assert room.seq > 13 + since


async def test_a_new_epoch_that_begins_too_low_is_not_taken(transactional_db: None) -> None:
    """Somebody who has seen nothing was the first to speak after all memory was lost, and the archive is empty."""
    shared().flushdb()
    async with heard_thirteen() as (hub, viewer, goes_back):
        goes_back()
        shared().flushdb()
        await asyncio.to_thread(begin_now, room_key=REF.key)
        assert say(1).seq == 1
        await _until(lambda: viewer.code == 4005)
        assert (hub.rooms[REF.key].seq or 0) > 13


async def test_what_was_said_before_a_new_epoch_is_not_said_again_in_it(transactional_db: None) -> None:
    here = await position(room_key=REF.key)
    first = say(1)
    await begin(room_key=REF.key, shown=5, broken=here.epoch)
    now = await position(room_key=REF.key)
    assert now.epoch != here.epoch
    assert now.seq > 5
    assert say(1) == first
    assert (await position(room_key=REF.key)).seq == now.seq
    # A room that was closed for good is another room.
    forget_now(room_key=REF.key)
    await begin(room_key=REF.key)
    again = await position(room_key=REF.key)
    assert say(1).seq == again.seq + 1
