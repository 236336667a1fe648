"""Players for tests: one that reads FLV tag by tag from a bare socket, and ffprobe."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from streams.gateway.picture.flv import Kind, Parser, kind_of


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, *, method: str = "GET", headers: dict[str, str] | None = None, seconds: float = 20) -> Answer:
    """A whole answer, whatever its status."""
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), error.read())


def probe(url: str, *, seconds: float = 1.5) -> dict[str, Any]:
    """What ffprobe sees of the address: {"video": {...}, "audio": {...}} and the number of packets per track."""
    options = (
        f"-v error -rw_timeout 8000000 -analyzeduration 2000000 -read_intervals %+{seconds} -count_packets -of json"
    )
    entries = ["-show_entries", "stream=codec_type,codec_name,width,nb_read_packets"]
    found = subprocess.run(
        ["ffprobe", *options.split(), *entries, url], capture_output=True, text=True, timeout=30, check=False
    )
    assert found.returncode == 0, found.stderr
    return {stream["codec_type"]: stream for stream in json.loads(found.stdout)["streams"]}


@dataclass
class Player:
    """An open FLV connection. Reads only when asked to, so it can also play a viewer whose network is stuck."""

    url: str
    receive_buffer: int = 0
    tags: list[bytes] = field(default_factory=list)
    ended: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self._socket = socket.socket()
        if self.receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self._socket.settimeout(15)
        self._socket.connect((parts.hostname, parts.port))
        self._socket.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        self._raw, self._parser = b"", Parser()
        while b"\r\n\r\n" not in self._raw:
            data = self._socket.recv(65536)
            assert data, f"no answer from {self.url}"
            self._raw += data
        head, _, self._raw = self._raw.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self.chunked = b"transfer-encoding: chunked" in head.lower()
        assert self.status == 200, head + self._raw

    def close(self) -> None:
        self._socket.close()

    def read(self, *, seconds: float) -> list[bytes]:
        """The tags that come in this time, or until the end."""
        before, deadline = len(self.tags), time.monotonic() + seconds
        self._unwrap()
        while not self.ended and (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 18)
            except TimeoutError:
                break
            except ConnectionError:
                self.ended = "cut"
                break
            if not data:
                self.ended = self.ended or "cut"
                break
            self._raw += data
            self._unwrap()
        return self.tags[before:]

    def read_until(self, kind: Kind, *, seconds: float = 10) -> bytes:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.ended:
            for tag in self.read(seconds=0.1):
                if kind_of(tag) is kind:
                    return tag
        raise AssertionError(f"no {kind.value} within {seconds} s; ended: {self.ended or 'no'}")

    def _unwrap(self) -> None:
        if not self.chunked:
            self.tags += self._parser.feed(self._raw)
            self._raw = b""
            return
        while b"\r\n" in self._raw:
            head, _, rest = self._raw.partition(b"\r\n")
            size = int(head, 16)
            if len(rest) < size + 2:
                return
            if size == 0:
                self.ended = "cleanly"
                return
            self.tags += self._parser.feed(rest[:size])
            self._raw = rest[size + 2 :]

    def pictures(self) -> list[tuple[int, bool]]:
        """(timestamp in ms, is it a keyframe) of everything received."""
        kinds = [(at_ms(tag), kind_of(tag)) for tag in self.tags]
        return [(at, kind is Kind.KEY) for at, kind in kinds if kind in (Kind.KEY, Kind.VIDEO)]


def at_ms(tag: bytes) -> int:
    return int.from_bytes(tag[4:7], "big") | tag[7] << 24
