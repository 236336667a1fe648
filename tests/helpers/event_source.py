"""A client of server-sent events, as the HTML standard has it: fields, blank lines, the last id, coming back with it."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    name: str
    data: Any
    id: str


class EventSource:
    """`hears` waits for an event; `last_id` is where it stands; `ended` waits for the end of the answer."""

    def __init__(self, answer: http.client.HTTPResponse, line: socket.socket) -> None:
        self.answer, self._line = answer, line
        self.status = answer.status
        self.heard: list[Said] = []
        self.last_id, self.retry_ms = "", 0
        self._name, self._data = "message", b""
        self._read = 0

    def problem(self) -> dict[str, Any]:
        return dict(json.loads(self.answer.read()))

    def _next(self, until: float) -> Said | None:
        """None: the answer has ended."""
        while True:
            self._line.settimeout(max(until - time.monotonic(), 0.001))
            try:
                line = self.answer.readline()
            except TimeoutError:
                raise AssertionError(f"nothing came; heard {[one.name for one in self.heard]}") from None
            if not line:
                return None
            field, _, value = line.rstrip(b"\n").partition(b": ")
            if field == b"id":
                self.last_id = value.decode()
            elif field == b"retry":
                self.retry_ms = int(value)
            elif field == b"event":
                self._name = value.decode()
            elif field == b"data":
                self._data = value
            elif line == b"\n":
                name, data = self._name, self._data
                self._name, self._data = "message", b""
                if data:
                    self.heard.append(Said(name=name, data=json.loads(data), id=self.last_id))
                    return self.heard[-1]

    def hears(self, name: str, *, seconds: float = 10, **fields: Any) -> Said:
        until = time.monotonic() + seconds
        while True:
            while self._read < len(self.heard):
                said = self.heard[self._read]
                self._read += 1
                if said.name == name and fields.items() <= said.data.items():
                    return said
            if self._next(until) is None:
                raise AssertionError(f"it ended; heard {[one.name for one in self.heard]}")

    def stands(self, *, seconds: float = 10) -> str:
        """Wait for the place that a client begins at."""
        until = time.monotonic() + seconds
        while not self.last_id:
            self._line.settimeout(max(until - time.monotonic(), 0.001))
            line = self.answer.readline()
            if line.startswith(b"id: "):
                self.last_id = line[4:].strip().decode()
        return self.last_id

    def ended(self, *, seconds: float = 10) -> None:
        until = time.monotonic() + seconds
        while self._next(until) is not None:
            pass

    def numbered(self) -> list[int]:
        return [said.data["seq"] for said in self.heard if "seq" in said.data]


@contextmanager
def listening(port: int, room: str, *, query: str = "", **headers: str) -> Iterator[EventSource]:
    """`headers`: with `_` for `-`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", f"/api/v1/rooms/{room}/events?{query}", headers=named)
        line = connection.sock
        yield EventSource(connection.getresponse(), line)
    finally:
        connection.close()
