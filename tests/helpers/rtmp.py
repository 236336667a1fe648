"""An RTMP client that does what a test says, byte for byte: every field as given, publishes one after another on one connection.

Only what a publisher and a player need; ffmpeg and OBS are the clients of tests that want a picture."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

STARTED, REFUSED = "started", "refused"
_CHUNK = 60_000


def amf(*values: Any) -> bytes:
    """Values as AMF0: None, booleans, numbers, texts (bytes as they are) and objects."""
    out = b""
    for value in values:
        if value is None:
            out += b"\x05"
        elif isinstance(value, bool):
            out += b"\x01" + bytes([value])
        elif isinstance(value, int | float):
            out += b"\x00" + struct.pack(">d", value)
        elif isinstance(value, dict):
            fields = b"".join(struct.pack(">H", len(key)) + key.encode() + amf(one) for key, one in value.items())
            out += b"\x03" + fields + b"\x00\x00\x09"
        else:
            raw = value if isinstance(value, bytes) else str(value).encode()
            out += b"\x02" + struct.pack(">H", len(raw)) + raw
    return out


def tags_of(clip: Path) -> list[tuple[int, int, bytes]]:
    """(kind, milliseconds, body) of an FLV file, without its metadata."""
    data, at, found = clip.read_bytes(), 13, []
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        stamp = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
        if data[at] in (8, 9):
            found.append((data[at], stamp, data[at + 11 : at + 11 + size]))
        at += 15 + size
    return found


class Rtmp:
    """A connection to a server address such as `rtmp://127.0.0.1:1935/live`. ConnectionError: the server did not want it."""

    def __init__(
        self, server: str, *, app: str | bytes | None = None, flashver: str | bytes = "FMLE/3.0", **more: Any
    ) -> None:
        url = urlsplit(server)
        self._replies = b""
        self._chunk = 128
        self._calls = 0
        self._socket = socket.create_connection((url.hostname or "", url.port or 1935), timeout=8)
        self._socket.sendall(b"\x03" + bytes(8) + os.urandom(1528))
        answer = self._read(3073)
        self._socket.sendall(answer[1:1537])
        fields = {"app": url.path.strip("/") if app is None else app, "flashVer": flashver, "tcUrl": server, **more}
        self._command("connect", fields)
        if not self._hears(b"NetConnection.Connect.Success", seconds=5):
            raise ConnectionError("the server refused to connect")
        self._message(2, 1, struct.pack(">I", _CHUNK))
        self._chunk = _CHUNK

    def publish(self, key: str | bytes, *, at_once: Iterable[tuple[int, int, bytes]] = (), wait: bool = True) -> str:
        """STARTED or REFUSED. `at_once`: tags that are sent without waiting for the answer."""
        self._replies = b""
        self._command("createStream", None)
        self._command("publish", None, key, "live", message_stream=1)
        try:
            self.send(at_once)
        except OSError:
            return REFUSED
        if not wait:
            return ""
        return STARTED if self._hears(b"NetStream.Publish.Start", seconds=5) else REFUSED

    def unpublish(self) -> None:
        """The publish ends and the connection stays."""
        self._command("FCUnpublish", None, "")
        self._command("deleteStream", None, 1)

    def send(self, tags: Iterable[tuple[int, int, bytes]]) -> None:
        for kind, stamp, body in tags:
            self._message({8: 4, 9: 6}[kind], kind, body, stamp=stamp, message_stream=1)

    def describe(self, **metadata: Any) -> None:
        """What an encoder says of its stream, such as videocodecid."""
        self._message(5, 18, amf("@setDataFrame", "onMetaData", metadata), message_stream=1)

    def play(self, key: str) -> bool:
        """Whether the server lets us watch."""
        self._replies = b""
        self._command("createStream", None)
        if not self._hears(b"_result", seconds=5):
            return False
        self._command("play", None, key, -2000, message_stream=1)
        return self._hears(b"NetStream.Play.Start", seconds=5)

    def ends(self, *, seconds: float) -> bool:
        """Whether the server hangs up within this time; what it sends meanwhile is read and let by."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left)[0]:
                try:
                    if not self._socket.recv(65536):
                        return True
                except OSError:
                    return True
        return False

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _command(self, name: str, *arguments: Any, message_stream: int = 0) -> None:
        self._calls += 1
        self._message(3, 20, amf(name, self._calls, *arguments), message_stream=message_stream)

    def _message(self, channel: int, kind: int, body: bytes, *, stamp: int = 0, message_stream: int = 0) -> None:
        # All 32 bits of a late time stand behind each header.
        long = struct.pack(">I", stamp) if stamp >= 0xFFFFFF else b""
        head = bytes([channel]) + min(stamp, 0xFFFFFF).to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes([kind])
        parts: Sequence[bytes] = [body[at : at + self._chunk] for at in range(0, len(body), self._chunk)] or [b""]
        between = bytes([0xC0 | channel]) + long
        self._socket.sendall(head + struct.pack("<I", message_stream) + long + between.join(parts))

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = self._socket.recv(size - len(found))
            if not more:
                raise ConnectionError("the server ended the handshake")
            found += more
        return found

    def _hears(self, word: bytes, *, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while word not in self._replies:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                return False
            try:
                more = self._socket.recv(65536)
            except OSError:
                return False
            if not more:
                return False
            self._replies += more
        return True
