"""Bytes out of counters that only grow: the engine's per stream, and its last word on each connection. Plain Python.

Promise: what was counted once is not counted again, whenever and how often it is looked; a counter that is smaller than before began
anew. While a stream runs it is the messages that count; at the end of a connection what its socket carried, so that what came after the
last look is not missing. Sources of the numbers: `/stat` and the access log of nginx's RTMP module (it adds message bytes to a stream's
`bytes_out` once per player, and knows per connection only what the log says when it ends)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

# In: what was pushed. Out: players by RTMP, FLV by HTTP and WebSocket, HLS, rungs of the ladder, files, relays to elsewhere.
PUSH = "push"
RTMP, FLV, HLS, LADDER, FILES, RELAY = "rtmp", "flv", "hls", "ladder", "files", "relay"
IN: Final = (PUSH,)
OUT: Final = (RTMP, FLV, HLS, LADDER, FILES, RELAY)
KINDS: Final = (*IN, *OUT)
# Looks for which a connection is remembered that the engine no longer lists and the log has not named.
_REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """A stream as the engine shows it. `peers`: all that are sent it; `players`: the connections among them that are somebody else's."""

    bytes_in: int
    bytes_out: int
    publisher: str
    players: tuple[str, ...]
    peers: int


@dataclass(frozen=True, slots=True)
class Counted:
    """So many bytes of a stream since the last time; `requests`: connections, or requests, that began."""

    stream: str
    kind: str
    bytes: int
    requests: int = 0


@dataclass(slots=True)
class _Connection:
    stream: str
    kind: str
    bytes: int
    unseen: int = 0


class EngineMeter:
    """What has been counted of one run of the engine. `saved` and `from_saved`: across restarts of ours."""

    def __init__(self, *, instance: str = "", knows_beginning: bool = False) -> None:
        self.instance = instance
        # Of what is there at our first look we do not know whether somebody counted it.
        self._knows_beginning = knows_beginning
        self._streams: dict[str, tuple[int, int]] = {}
        self._connections: dict[str, _Connection] = {}

    def look(self, *, instance: str, streams: Mapping[str, Seen]) -> list[Counted]:
        if instance != self.instance:
            # It started anew while we watched: its counters began at nothing.
            self._knows_beginning = self._knows_beginning or bool(self.instance)
            self.instance, self._streams, self._connections = instance, {}, {}
        found: list[Counted] = []
        for name, seen in streams.items():
            in_, out = self._grown(name, seen)
            if seen.publisher:
                found.append(self._add(seen.publisher, name, PUSH, in_))
            if seen.players and seen.peers:
                # Nobody is sent more than came in: after a pause of ours fewer may be there than shared the sum.
                share = min(in_, out // max(seen.peers, len(seen.players)))
                found += [self._add(client, name, RTMP, share) for client in seen.players]
        self._streams = {name: (seen.bytes_in, seen.bytes_out) for name, seen in streams.items()}
        self._knows_beginning = True
        self._forget({client for seen in streams.values() for client in (seen.publisher, *seen.players)})
        return [one for one in found if one.bytes or one.requests]

    def _grown(self, name: str, seen: Seen) -> tuple[int, int]:
        if name not in self._streams:
            return (seen.bytes_in, seen.bytes_out) if self._knows_beginning else (0, 0)
        before = self._streams[name]
        return tuple(  # type: ignore[return-value]
            now - then if now >= then else now
            for now, then in zip((seen.bytes_in, seen.bytes_out), before, strict=True)
        )

    def _add(self, client: str, stream: str, kind: str, size: int) -> Counted:
        known = self._connections.get(client)
        if known is None or known.stream != stream or known.kind != kind:
            # One that was there at our first look began in the time of somebody else, who counted it.
            self._connections[client] = _Connection(stream, kind, size if self._knows_beginning else -1)
            return Counted(stream, kind, size, requests=int(self._knows_beginning))
        if known.bytes >= 0:
            known.bytes += size
        known.unseen = 0
        return Counted(stream, kind, size)

    def _forget(self, present: set[str]) -> None:
        for client in self._connections.keys() - present:
            self._connections[client].unseen += 1
            if self._connections[client].unseen > _REMEMBERED:
                del self._connections[client]

    def last_word(self, *, client: str, received: int, sent: int) -> Counted | None:
        """The log on a connection that ended: what its socket carried. None: nothing is missing, or we do not know it."""
        known = self._connections.pop(client, None)
        if known is None or known.bytes < 0:
            return None
        rest = (received if known.kind == PUSH else sent) - known.bytes
        return Counted(known.stream, known.kind, rest) if rest > 0 else None

    def saved(self) -> dict[str, Any]:
        return {
            "instance": self.instance,
            "streams": {name: list(counts) for name, counts in self._streams.items()},
            "connections": {
                client: [one.stream, one.kind, one.bytes, one.unseen] for client, one in self._connections.items()
            },
        }

    @classmethod
    def from_saved(cls, saved: Mapping[str, Any]) -> EngineMeter:
        """What cannot be read counts as nothing: then the first look is one without a past."""
        try:
            meter = cls(instance=str(saved["instance"]), knows_beginning=True)
            meter._streams = {str(name): (int(a), int(b)) for name, (a, b) in saved["streams"].items()}
            meter._connections = {
                str(client): _Connection(str(stream), str(kind), int(size), int(unseen))
                for client, (stream, kind, size, unseen) in saved["connections"].items()
            }
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls()
        return meter


@dataclass(frozen=True, slots=True)
class Request:
    """A line of the HTTP log: what nginx sent from its disk."""

    minute: int
    bytes: int
    folder: str
    """`hls/<stream>`, `ladder/<stream>`, `timeshift/<stream>`, `vault/<folder of the key>`."""


def read_requests(lines: Iterable[bytes]) -> Iterable[Request]:
    """Lines of `$msec $bytes_sent $uri`. What is none is left out: a line may be cut by a kill."""
    for line in lines:
        parts = line.split(b" ", 2)
        if len(parts) != 3:
            continue
        at, size, path = parts
        seconds = at.partition(b".")[0]
        steps = path.decode("ascii", "replace").split("/")
        if not (seconds.isdigit() and size.isdigit() and len(seconds) <= 12 and len(size) <= 15 and len(steps) >= 4):
            continue
        # /hls/<stream>/<file>, /ladder/<stream>/…; /vault/ and /timeshift/<signature>/<expires>/<folder…>/<file>
        signed = "/".join(steps[4:-1]) if steps[1] == "vault" else "".join(steps[4:5])
        folder = signed if steps[1] in ("vault", "timeshift") else steps[2]
        if folder and steps[0] == "":
            yield Request(minute=int(seconds) // 60 * 60, bytes=int(size), folder=f"{steps[1]}/{folder}")


def read_last_words(lines: Iterable[bytes]) -> Iterable[tuple[str, int, int]]:
    """Lines of `$connection $bytes_received $bytes_sent`: connection, received, sent."""
    for line in lines:
        parts = line.split(b" ")
        if len(parts) == 3 and all(part.isdigit() and len(part) <= 18 for part in parts):
            yield parts[0].decode(), int(parts[1]), int(parts[2])


def kbps(*, size: int, seconds: float) -> int:
    return round(size * 8 / 1000 / seconds) if seconds > 0 else 0
