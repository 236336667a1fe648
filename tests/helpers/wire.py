"""A socket without a library: whatever bytes a test wants go out, whatever frames come in are seen."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 10
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


@dataclass(frozen=True)
class Frame:
    first: int
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.first & 0x0F

    @property
    def compressed(self) -> bool:
        return bool(self.first & 0x40)

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.payload))


def masked(payload: bytes, *, first: int = 0x81, size: int | None = None) -> bytes:
    """A client's frame; `size` may lie about the length. The mask is zero, so the payload stays readable."""
    size = len(payload) if size is None else size
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65536:
        head = bytes((first, 0x80 | 126)) + struct.pack("!H", size)
    else:
        head = bytes((first, 0x80 | 127)) + struct.pack("!Q", size)
    return head + bytes(4) + payload


class Wire:
    """One TCP connection. `status`: of the answer to the handshake."""

    def __init__(self, port: int, *, path: str = "/ws/v1", headers: tuple[str, ...] = ()) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self._data = b""
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade", key]
        self.send("\r\n".join([*lines, "Sec-WebSocket-Version: 13", *headers, "", ""]).encode())
        while b"\r\n\r\n" not in self._data:
            block = self.socket.recv(65536)
            if not block:
                break
            self._data += block
        self.head, _, self._data = self._data.partition(b"\r\n\r\n")
        self.status = int(self.head.split(b" ")[1])

    def send(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def says(self, **command: Any) -> None:
        self.send(masked(json.dumps(command).encode()))

    def hears(self, *, seconds: float = PATIENCE_SECONDS) -> Frame | None:
        """The next frame; None once the server has closed its side."""
        end = time.monotonic() + seconds
        while True:
            found = self._cut()
            if found is not None:
                return found
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            try:
                block = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not block:
                return None
            self._data += block

    def _cut(self) -> Frame | None:
        data = self._data
        if len(data) < 2:
            return None
        size, start = data[1], 2
        if len(data) < {126: 4, 127: 10}.get(size, 2):
            return None
        if size == 126:
            size, start = struct.unpack("!H", data[2:4])[0], 4
        elif size == 127:
            size, start = struct.unpack("!Q", data[2:10])[0], 10
        if len(data) < start + size:
            return None
        self._data = data[start + size :]
        return Frame(data[0], data[start : start + size])

    def code(self, *, seconds: float = PATIENCE_SECONDS) -> int | None:
        """Of the close frame; what comes before it is passed over. None: closed without one."""
        while True:
            frame = self.hears(seconds=seconds)
            if frame is None:
                return None
            if frame.opcode == CLOSE:
                return int(struct.unpack("!H", frame.payload[:2])[0])

    def accepts(self, raw: bytes) -> bool:
        """False once the server has let go of the connection."""
        try:
            self.send(raw)
        except ConnectionError:
            return False
        return True


@contextmanager
def wired(port: int, **options: Any) -> Iterator[Wire]:
    wire = Wire(port, **options)
    try:
        yield wire
    finally:
        wire.socket.close()


def memory_bytes(pid: int) -> int:
    """What the process has in memory (RSS)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
