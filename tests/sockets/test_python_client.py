"""The client for servers: against a server that the test speaks for, and against a real one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import Any

import pytest

from interactions.client import CommandRefused, Refused, RoomClient, heard, room_client
from interactions.client.room_client import backoff
from tests.helpers.people import Cast
from tests.helpers.python_client import SECONDS, Line, some, speaking, until
from tests.helpers.sockets import SocketProcess, tell


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_client, "BACKOFF_SECONDS", 0.02)


async def test_events_come_once_in_order_and_a_lost_connection_is_resumed() -> None:
    joins: list[dict[str, Any]] = []

    async def first(line: Line) -> None:
        joins.append(await line.lets_in())
        await line.tells(9, 10, 11)
        await line.tells(11, 12)
        await line.socket.close(4000)

    async def second(line: Line) -> None:
        # What was missed may overtake the answer.
        command = await line.hears()
        joins.append(command)
        await line.tells(13)
        await line.says(id=command["id"], ok=True, recovered=True, snapshot={"epoch": "e1", "seq": 13})
        await line.tells(13, 14)
        await line.stays()

    async with speaking(first, second) as (client, lines):
        await client.connect()
        assert await some(client, 6) == ["snapshot", 11, 12, "resumed", 13, 14]
        assert client.position == ("e1", 14)
        assert 55_000 < client.now_ms() - time.time() * 1000 < 65_000
        assert lines[0].query == {"platform": ["pc"], "sdkappid": ["7"]}
        assert "sig" in lines[0].socket.request.headers["Sec-WebSocket-Protocol"]
    assert "since" not in joins[0]
    assert joins[1]["since"] == {"epoch": "e1", "seq": 12}


async def test_a_gap_is_fetched_and_what_cannot_be_is_told() -> None:
    async def gap(line: Line) -> None:
        await line.lets_in()
        await line.tells(11, 13)
        await line.stays()

    async def fetched(line: Line) -> None:
        command = await line.lets_in(13, recovered=True)
        assert command["since"] == {"epoch": "e1", "seq": 11}
        await line.tells(12, 13)
        await line.tells(40, epoch="e2")
        await line.stays()

    async def begun_anew(line: Line) -> None:
        await line.lets_in(40, "e2", recovered=False)
        await line.tells(41, epoch="e2")
        await line.stays()

    async with speaking(gap, fetched, begun_anew) as (client, _):
        assert await client.connect() is None
        assert await some(client, 7) == ["snapshot", 11, "resumed", 12, 13, "snapshot", 41]


async def test_words_to_this_person_resume_by_themselves_and_come_once() -> None:
    def words(*useqs: int, **more: Any) -> dict[str, Any]:
        events = [{"useq": useq, "type": f"word-{useq}", "room": "r"} for useq in useqs]
        return {"type": "you", "epoch": "u1", "events": events, **more}

    async def first(line: Line) -> None:
        await line.says(**words(useq=3))
        await line.lets_in()
        await line.says(**words(4))
        await line.says(**words(4, 5))
        await line.socket.close(1001)

    async def second(line: Line) -> None:
        await line.says(**words(5, 6, recovered=True))
        await line.lets_in(recovered=True)
        await line.socket.close(1001)

    async def third(line: Line) -> None:
        await line.says(**{**words(useq=2, recovered=False), "epoch": "u2"})
        await line.lets_in(recovered=True)
        await line.stays()

    async with speaking(first, second, third) as (client, lines):
        await client.connect()
        told = await some(client, 7)
        assert told == ["snapshot", "word-4", "word-5", "word-6", "resumed", "lapse", "resumed"]
        assert "you" not in lines[0].query
        assert [line.query["you"] for line in lines[1:]] == [["u1.5"], ["u1.6"]]


async def test_a_reader_that_is_far_behind_begins_again_with_what_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard, "MOST_WAITING", 3)

    async def many(line: Line) -> None:
        await line.lets_in()
        await line.tells(*range(11, 20))
        await line.answers(server_time=1)
        await line.stays()

    async def again(line: Line) -> None:
        assert "since" not in await line.lets_in(30)
        await line.tells(31)
        await line.stays()

    async with speaking(many, again) as (client, lines):
        await client.connect()
        # Who only speaks needs no reader, and nothing grows.
        await client.send("ping")
        assert len(lines) == 1
        assert await some(client, 2) == ["snapshot", 31]


def test_the_pause_is_anywhere_below_a_growing_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_client, "BACKOFF_SECONDS", 1.0)
    assert [backoff(attempt, lambda: 1.0) for attempt in (0, 1, 2, 3, 9)] == [1, 2, 4, 8, 15]
    assert backoff(5, lambda: 0.0) == 0
    with pytest.raises(ValueError, match="ws://"):
        RoomClient(url="http://127.0.0.1/ws/v1", room="r")


def test_it_brings_nothing_of_ours_along() -> None:
    code = "import sys, interactions.client; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"django", "redis", "channels", "liveroom", "streams", "orjson"} & set(loaded)


async def test_in_a_real_room_people_hear_each_other(sockets: SocketProcess, cast: Cast) -> None:
    def client(usersig: str | None, **more: Any) -> RoomClient:
        return RoomClient(url=sockets.url, room="r1", usersig=usersig, sdkappid=cast.app.sdkappid, **more)

    sigs = [cast.usersig(cast.mia), cast.usersig(cast.zed)]
    async with client(sigs[0]) as mia, client(sigs[1]) as zed, client(None) as guest:
        said = await mia.send("comment", text="hi", cid="1")
        assert said["result"] == "delivered"
        for phone in (zed, guest):
            event = await until(phone, type="comment")
            assert (event["text"], event["seq"]) == ("hi", said["seq"])
        assert abs(mia.now_ms() - time.time() * 1000) < 1000
        liked = await mia.like(3)
        assert (liked["total"], liked["counted"]) == (3, 3)
        assert (await until(guest, type="likes"))["total"] == 3
        assert (await guest.send("ping"))["ok"]
        with pytest.raises(CommandRefused):
            await guest.send("comment", text="guests do not speak")
    with pytest.raises(Refused):
        await RoomClient(url=sockets.url, room="nowhere", sdkappid=cast.app.sdkappid).connect()
    with pytest.raises(Refused):
        await client("x" * 60).connect()


def test_words_to_a_person_find_it_after_a_break(sockets: SocketProcess, cast: Cast) -> None:
    async def watch(client: RoomClient, told: asyncio.Event) -> list[str]:
        """Both words, the second of which was said while nobody listened."""
        found: list[str] = []
        async with client:
            told.set()
            async with asyncio.timeout(SECONDS):
                async for event in client.events():
                    if event["type"] == "you":
                        found.append(event["event"]["type"])
                        if len(found) == 2:
                            return found
                        assert client._line is not None
                        await client._line.close()
        return found

    async def story() -> list[str]:
        told = asyncio.Event()
        client = RoomClient(url=sockets.url, room="r1", usersig=cast.usersig(cast.mia))
        watching = asyncio.create_task(watch(client, told))
        await told.wait()
        for act in (mute, lift):
            await asyncio.to_thread(act)
        return await watching

    def mute() -> None:
        assert cast.api(cast.max).post("rooms/r1/mutes", {"user": "mia", "seconds": 60}).status_code in (200, 201)
        tell()

    def lift() -> None:
        assert cast.api(cast.max).delete("rooms/r1/mutes/mia").status_code == 204
        tell()

    assert asyncio.run(story()) == ["mute", "unmute"]
