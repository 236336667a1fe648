"""Many rooms read in one round, each at one moment, for whoever comes in: its position, its history, how many are in it, and more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from interactions.delivery.presence import scripts as presence_scripts
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.log import Position, position, position_of, read_call, repair_call, young
from interactions.delivery.rooms.log_scripts import REPAIR
from liveroom.kernel.data.redis import aredis_for, key

# A command of Redis for a room, such as ("GET", its key): what a feature keeps there and whoever comes in is shown.
ExtraRead = Callable[[str], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class RoomRead:
    """`position`: where the room stands, with what came after the place that was asked for; `history`: up to there; `online`: how many
    are in it; `extras`: the answers of the extra reads, as Redis gives them."""

    position: Position
    history: list[dict[str, Any]]
    online: int
    extras: tuple[Any, ...] = ()


async def read_rooms(
    *, asked: Sequence[tuple[RoomRef, int]], now_ms: int, extras: Sequence[ExtraRead] = ()
) -> list[RoomRead | redis.RedisError]:
    """Many rooms, each since its `seq`, in one round. What Redis refuses for one of them is that one's answer."""
    if not asked:
        return []
    client: Any = aredis_for(asked[0][0].key)
    pipe = client.pipeline(transaction=False)
    for room, since in asked:
        pipe.evalsha(*read_call(room.key, since))
        pipe.lrange(key("history", room.key), -room.history_count, -1)
        pipe.evalsha(*presence_scripts.count_call(room.key))
        for extra in extras:
            pipe.execute_command(*extra(room.key))
    raw = await pipe.execute(raise_on_error=False)
    each = 3 + len(extras)
    answers: list[RoomRead | redis.RedisError] = []
    for place, (room, since) in enumerate(asked):
        try:
            answers.append(await _read(room, since, raw[each * place : each * (place + 1)], now_ms))
        except redis.RedisError as error:
            answers.append(error)
    return answers


async def _read(room: RoomRef, since: int, answers: Sequence[Any], now_ms: int) -> RoomRead:
    read, raw, crowd, *extras = answers
    for answer in (raw, *extras):
        if isinstance(answer, Exception):
            raise answer
    if isinstance(read, Exception) or not read[0]:
        # No script, or no epoch: the long way, which makes both.
        here = await position(room_key=room.key, since=since)
    else:
        here = position_of(read, since)
    if isinstance(crowd, Exception):
        crowd = await presence_scripts.COUNT.ask(aredis_for(room.key), presence_scripts.count_call(room.key))
    if here.lacks_history(len(raw), wanted=room.history_count, now_ms=now_ms):
        raw = await REPAIR.ask(aredis_for(room.key), repair_call(room, now_ms))
    history = [event for event in young(raw, room, now_ms) if event["seq"] <= here.seq]
    return RoomRead(position=here, history=history, online=int(crowd[0]), extras=tuple(extras))
