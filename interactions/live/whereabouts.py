"""In which room somebody is, over all its sockets: who enters another one leaves the first (product.md P6).

State: Redis, one key per person and kind of client, forgotten after a day; a stale one costs a word that nobody needs."""

from __future__ import annotations

from typing import Any

import orjson

from interactions.live import whispers
from liveroom.kernel.redis import key
from liveroom.kernel.rounds import Rounds

WEB = "web"
PLATFORMS = frozenset({WEB, "ios", "android", "pc"})
KEPT_SECONDS = 86400


async def entered(*, person: str, room_key: str, group: str, rounds: Rounds[tuple[Any, ...], Any]) -> None:
    """Tell the person's other sockets of this `group` (a platform, or "" for all of them) that it is here now."""
    name = key(f"in:{group}", f"@{person}")
    before = await rounds.ask(("SET", name, room_key, "EX", KEPT_SECONDS, "GET"))
    if before is not None and before.decode() != room_key:
        said = {"person": person, "entered": room_key, "group": group}
        await rounds.ask(("PUBLISH", whispers.people_channel(), orjson.dumps(said)))
