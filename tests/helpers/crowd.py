"""Hundreds of viewers in one event loop: each keeps what it heard, comes back when it is told to, and complains of every gap."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import struct
from typing import Any
from urllib.parse import quote

import orjson

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
HANDSHAKE = (
    "GET /ws/v1?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Line(asyncio.Protocol):
    """One connection; whole frames go to `heard`, its end to `ended` with the close code (None: without one)."""

    def __init__(self, *, query: str) -> None:
        self._query = query
        self._data = b""
        self._open = False
        self.opened = asyncio.Event()
        self.code: int | None = None
        self.frames: asyncio.Queue[bytes | None] = asyncio.Queue()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(HANDSHAKE.format(query=self._query, key=key).encode())

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._open:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0] + b" ":
                self.transport.close()
                return
            self._open, self._data = True, rest
            self.opened.set()
        while (frame := self._cut()) is not None:
            first, payload = frame
            if first & 0x0F == TEXT:
                self.frames.put_nowait(payload)
            elif first & 0x0F == PING:
                self.write(payload, first=0x80 | PONG)
            elif first & 0x0F == CLOSE:
                self.code = struct.unpack("!H", payload[:2])[0] if payload else None
                self.write(payload[:2], first=0x80 | CLOSE)

    def _cut(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 2:
            return None
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        if len(data) < start + size:
            return None
        self._data = data[start + size :]
        return data[0], data[start : start + size]

    def connection_lost(self, error: Exception | None) -> None:
        self.frames.put_nowait(None)
        self.opened.set()

    def write(self, payload: bytes, *, first: int = 0x80 | TEXT) -> None:
        size = len(payload)
        head = bytes((first, 0x80 | size)) if size < 126 else bytes((first, 0xFE)) + size.to_bytes(2, "big")
        self.transport.write(head + bytes(4) + payload)


class Viewer:
    """`seqs`: of every event, in the order in which it came; `byes`: reasons; `wrong`: what must not happen, in words."""

    def __init__(self, *, port: int, room: str, sdkappid: int, usersig: str = "") -> None:
        self._port, self._room = port, room
        self._query = f"usersig={quote(usersig)}" if usersig else f"sdkappid={sdkappid}"
        self.epoch = ""
        self.seq = -1
        self.heard = 0
        self.byes: list[str] = []
        self.cuts = 0
        self.wrong: list[str] = []
        self.joined = asyncio.Event()
        self.answers: dict[int, dict[str, Any]] = {}
        self._line: Line | None = None

    async def stay(self) -> None:
        """Until cancelled: connect, join, listen, come back."""
        pause = 0.0
        while True:
            await asyncio.sleep(pause)
            try:
                pause = await self._visit()
            except OSError:
                self.cuts += 1
                pause = random.uniform(0.1, 0.5)

    async def _visit(self) -> float:
        """How long to wait before the next."""
        _, line = await asyncio.get_running_loop().create_connection(
            lambda: Line(query=self._query), "127.0.0.1", self._port
        )
        try:
            await line.opened.wait()
            since = {"since": {"epoch": self.epoch, "seq": self.seq}} if self.epoch else {}
            line.write(json.dumps({"id": 0, "type": "join", "room": self._room, **since}).encode())
            self._line = line
            after_ms: int | None = None
            while (payload := await line.frames.get()) is not None:
                frame = orjson.loads(payload)
                if frame.get("type") == "bye":
                    self.byes.append(frame["reason"])
                    after_ms = frame["after_ms"]
                else:
                    self._hear(frame)
        finally:
            self._line = None
            self.joined.clear()
            line.transport.abort()
        if after_ms is None:
            self.cuts += 1
            after_ms = random.randint(50, 300)
        return after_ms / 1000

    def _hear(self, frame: dict[str, Any]) -> None:
        if frame.get("type") == "batch":
            for event in frame["events"]:
                self._count(event)
        elif frame.get("id") == 0:
            self._joined(frame)
        elif "ok" in frame:
            self.answers[frame["id"]] = frame

    def _joined(self, answer: dict[str, Any]) -> None:
        if not answer["ok"]:
            self.wrong.append(f"join: {answer['error']}")
            return
        snapshot = answer["snapshot"]
        if not self.epoch:
            self.epoch, self.seq = snapshot["epoch"], snapshot["seq"]
        elif not answer["recovered"]:
            self.wrong.append(f"not recovered from {self.seq}, the room is at {snapshot['seq']}")
        self.joined.set()

    def _count(self, event: dict[str, Any]) -> None:
        if "seq" not in event:
            return
        if event["seq"] != self.seq + 1:
            self.wrong.append(f"{event['seq']} after {self.seq}")
        self.seq = event["seq"]
        self.heard += 1

    async def says(self, text: str, *, number: int) -> dict[str, Any]:
        """The answer; asked again after a lost connection, with the same `cid`, so that it is said once."""
        command = {"id": number, "type": "comment", "room": self._room, "text": text, "cid": f"c{number}"}
        while True:
            await self.joined.wait()
            line = self._line
            if line is not None:
                line.write(json.dumps(command).encode())
            for _ in range(500):
                if number in self.answers:
                    return self.answers.pop(number)
                if self._line is not line:
                    break
                await asyncio.sleep(0.01)
