"""Who plays a room's streams from the engine itself, by RTMP: one Redis hash per room, beside the gateways' counts.

`<stream>/<client id>` -> `<when let in, ms>:<vid, or nothing>`. Written when a player is let in and when it leaves, and compared with
the engine's own list every two seconds: what is lost or left over is put right there. After a loss of Redis they are counted again,
without vids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from liveroom.kernel.data.redis import key, redis_for
from streams.live import viewer_counts

KIND = "rtmp-players"
# What the gateways see of it among their own counts.
PROCESS = "rtmp"
_KEPT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Player:
    stream: str
    client_id: str
    vid: str
    since_ms: int

    @property
    def field(self) -> str:
        return f"{self.stream}/{self.client_id}"

    @property
    def value(self) -> str:
        return f"{self.since_ms}:{self.vid}"


def players(*, room_key: str) -> dict[str, Player]:
    """By field. Raises what the Redis client raises, as everything here."""
    found: Any = redis_for(room_key).hgetall(key(KIND, room_key))
    return {player.field: player for player in _read(found)}


def _read(entries: Mapping[bytes, bytes]) -> Iterable[Player]:
    for field, value in entries.items():
        stream, _, client = field.decode("utf-8", "replace").rpartition("/")
        since, _, vid = value.decode("utf-8", "replace").partition(":")
        yield Player(stream=stream, client_id=client, vid=vid, since_ms=int(since) if since.isdigit() else 0)


def enter(*, room_key: str, player: Player, now_ms: int) -> int:
    """How many watch the room now, this one and those at the gateways included."""
    names = (key(KIND, room_key), key(viewer_counts.KIND, room_key))
    with redis_for(room_key).pipeline(transaction=False) as pipe:
        pipe.hset(names[0], player.field, player.value)
        pipe.expire(names[0], _KEPT_SECONDS)
        pipe.hlen(names[0])
        pipe.hgetall(names[1])
        answers: Any = pipe.execute()
    count = int(answers[2])
    _tell(room_key=room_key, count=count, now_ms=now_ms)
    return count + viewer_counts.counted(answers[3], now_ms=now_ms, without=PROCESS)


def change(*, room_key: str, gone: Iterable[str], come: Iterable[Player], now_ms: int) -> int:
    """Put the hash right and tell the gateways. How many play the room by RTMP."""
    name = key(KIND, room_key)
    with redis_for(room_key).pipeline(transaction=False) as pipe:
        for field in gone:
            pipe.hdel(name, field)
        for player in come:
            pipe.hset(name, player.field, player.value)
        pipe.expire(name, _KEPT_SECONDS)
        pipe.hlen(name)
        count = int(pipe.execute()[-1])
    _tell(room_key=room_key, count=count, now_ms=now_ms)
    return count


def _tell(*, room_key: str, count: int, now_ms: int) -> None:
    name = key(viewer_counts.KIND, room_key)
    with redis_for(room_key).pipeline(transaction=False) as pipe:
        if count:
            pipe.hset(name, PROCESS, viewer_counts.entry(count=count, now_ms=now_ms))
            pipe.expire(name, viewer_counts.KEPT_SECONDS)
        else:
            pipe.hdel(name, PROCESS)
        pipe.execute()
