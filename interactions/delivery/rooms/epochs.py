"""The memory of a room in Redis: begun anew where there is none, and forgotten when the room is gone.

Promise: the numbers of a new epoch are above all that were archived and all that viewers have seen."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from interactions.delivery.rooms.archive_stream import alast_numbers, last_numbers
from interactions.delivery.rooms.log_scripts import BEGIN
from liveroom.kernel import clock
from liveroom.kernel.data.redis import aredis_for, key, redis_for
from liveroom.kernel.work.rounds import Rounds


def begin_call(room_key: str, highest: int, broken: str = "") -> list[Any]:
    """For BEGIN. `highest`: the new numbers begin above it; `broken`: an epoch that cannot go on."""
    keys = [key(kind, room_key) for kind in ("state", "ticks", "pending")]
    return BEGIN.call(keys, (secrets.token_hex(6), highest, broken, clock.now_ms()))


def begin_now(*, room_key: str) -> None:
    """A new epoch for a room that Redis does not know: its numbers go on above all that were archived."""
    archived = last_numbers([room_key])[room_key]
    BEGIN.ask_now(redis_for(room_key), begin_call(room_key, archived))


@dataclass(frozen=True, slots=True)
class Beginning:
    """A room that needs a new epoch. `shown`: the highest seq that viewers here have seen; the new epoch is above that, too. `broken`:
    an epoch that cannot go on, wherever it stands."""

    room_key: str
    shown: int = 0
    broken: str = ""


async def _begin_all(rooms: Sequence[Beginning]) -> Sequence[BaseException | None]:
    names = list({room.room_key for room in rooms})
    archived = await alast_numbers(names)
    calls = [begin_call(room.room_key, max(archived[room.room_key], room.shown), room.broken) for room in rooms]
    answers = await BEGIN.ask_all(aredis_for(names[0]), calls, raise_on_error=False)
    return [answer if isinstance(answer, BaseException) else None for answer in answers]


# A query for all rooms that begin in the same moment; a few such queries may be under way, so that a slow one delays only its own.
_BEGINNING_AT_ONCE = 4
_beginnings: WeakKeyDictionary[asyncio.AbstractEventLoop, Rounds[Beginning, None]] = WeakKeyDictionary()


async def begin(*, room_key: str, shown: int = 0, broken: str = "") -> None:
    """The same for sockets, together with others that begin now: Redis may have lost all rooms at once. It asks the database: nothing
    that serves other rooms, too, may wait for it."""
    loop = asyncio.get_running_loop()
    if loop not in _beginnings:
        _beginnings[loop] = Rounds(_begin_all, under_way=_BEGINNING_AT_ONCE)
    await _beginnings[loop].ask(Beginning(room_key=room_key, shown=shown, broken=broken))


def forget_now(*, room_key: str) -> None:
    """The room is gone for good: whoever gets its id next begins with nothing."""
    kinds = ("state", "ticks", "history", "pending", "counts", "presence")
    redis_for(room_key).delete(*(key(kind, room_key) for kind in kinds))
