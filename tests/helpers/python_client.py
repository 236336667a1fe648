"""The client for servers, and a server whose part the test plays."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from interactions.client import RoomClient

Act = Callable[["Line"], Awaitable[None]]
SECONDS = 10


class Line:
    """One connection, from the server's side."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.query = parse_qs(urlsplit(socket.request.path).query)

    async def says(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def hears(self) -> dict[str, Any]:
        return dict(json.loads(await self.socket.recv()))

    async def answers(self, **body: Any) -> dict[str, Any]:
        command = await self.hears()
        await self.says(id=command["id"], ok=True, **body)
        return command

    async def refuses(self, **error: Any) -> None:
        await self.says(id=(await self.hears())["id"], ok=False, error=error)

    async def lets_in(self, seq: int = 10, epoch: str = "e1", **more: Any) -> dict[str, Any]:
        now = int(time.time() * 1000)
        return await self.answers(snapshot={"epoch": epoch, "seq": seq, "server_time": now + 60_000}, **more)

    async def tells(self, *seqs: int, epoch: str = "e1") -> None:
        events = [{"seq": seq, "type": "comment", "text": str(seq)} for seq in seqs]
        await self.says(type="batch", room="r", epoch=epoch, events=events)

    async def stays(self) -> None:
        await self.socket.wait_closed()


@asynccontextmanager
async def speaking(*acts: Act) -> AsyncIterator[tuple[RoomClient, list[Line]]]:
    """A client, and a server whose n-th connection does the n-th act; the last act is for all that follow."""
    lines: list[Line] = []

    async def serves(socket: ServerConnection) -> None:
        line = Line(socket)
        lines.append(line)
        try:
            await acts[min(len(lines), len(acts)) - 1](line)
        except ConnectionClosed:
            pass

    async with serve(serves, "127.0.0.1", 0, subprotocols=["liveroom.v1"]) as server:
        port = server.sockets[0].getsockname()[1]
        client = RoomClient(url=f"ws://127.0.0.1:{port}/ws/v1", room="r", usersig="sig", sdkappid=7)
        try:
            yield client, lines
        finally:
            await client.close()


async def some(client: RoomClient, count: int) -> list[dict[str, Any]]:
    """The next events, shortened: numbers of comments, `snapshot`, `resumed`, words to this person."""
    found: list[Any] = []
    async with asyncio.timeout(SECONDS):
        async for event in client.events():
            if event["type"] == "snapshot":
                found.append("resumed" if event["recovered"] else "snapshot")
            elif event["type"] == "you":
                found.append(event["event"]["type"])
            else:
                found.append(event.get("seq", event["type"]))
            if len(found) == count:
                break
    return found


async def until(client: RoomClient, *, type: str) -> dict[str, Any]:
    """The next event of that type."""
    async with asyncio.timeout(SECONDS):
        return await anext(event async for event in client.events() if event["type"] == type)
