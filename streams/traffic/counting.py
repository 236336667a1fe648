"""For processes without a database at hand: bytes that they sent, added up in Redis until the collector takes them.

One hash, `<stream> <kind> <minute>` -> bytes, and the same with ` r` behind it -> requests. What Redis loses is what was counted in the
last seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from liveroom.kernel.data.redis import aredis_for, common_key, shared
from streams.traffic.rules import KINDS, Counted

# About 20 MB. Who is refused keeps its sums, one per stream and kind, and tells them later.
MOST_FIELDS = 200_000
NOW, TAKEN, BATCH = common_key("traffic:now"), common_key("traffic:taken"), b"batch"


class TooMuchWaits(Exception):
    """Nobody collects."""


def _fields(counted: Iterable[Counted], *, now_seconds: float) -> dict[str, int]:
    minute = int(now_seconds) // 60 * 60
    found: dict[str, int] = {}
    for one in counted:
        name = f"{one.stream} {one.kind} {minute}"
        found[name] = found.get(name, 0) + one.bytes
        if one.requests:
            found[f"{name} r"] = found.get(f"{name} r", 0) + one.requests
    return found


async def acount(counted: Iterable[Counted], *, now_seconds: float) -> None:
    """Raises what the Redis client raises, and TooMuchWaits: then nothing was counted, or all of it."""
    fields = _fields(counted, now_seconds=now_seconds)
    if fields:
        redis: Any = aredis_for("")
        if await redis.hlen(NOW) > MOST_FIELDS:
            raise TooMuchWaits(f"{MOST_FIELDS:,} sums of traffic wait in Redis: no run_media takes them.")
        async with redis.pipeline(transaction=True) as pipe:
            for name, value in fields.items():
                pipe.hincrby(NOW, name, value)
            await pipe.execute()


def take(*, batch: str) -> tuple[str, dict[tuple[str, str, int], tuple[int, int]]]:
    """What was counted, and the name of the batch; the same again until `done`. (stream, kind, minute) -> bytes, requests."""
    redis: Any = shared()
    found: Mapping[bytes, bytes] = redis.hgetall(TAKEN)
    if not found:
        if not redis.exists(NOW):
            return "", {}
        redis.rename(NOW, TAKEN)
        found = redis.hgetall(TAKEN)
    name = found.get(BATCH)
    if name is None:
        redis.hset(TAKEN, BATCH, batch)
        name = batch.encode()
    sums: dict[tuple[str, str, int], tuple[int, int]] = {}
    for field, value in found.items():
        stream, kind, minute, *requests = field.decode("utf-8", "replace").split(" ") + [""] * 3
        if kind not in KINDS or not minute.isdigit() or not value.isdigit():
            continue
        size, many = sums.get((stream, kind, int(minute)), (0, 0))
        of = int(value)
        sums[stream, kind, int(minute)] = (size, many + of) if requests[0] == "r" else (size + of, many)
    return name.decode("utf-8", "replace"), sums


def done() -> None:
    shared().delete(TAKEN)
