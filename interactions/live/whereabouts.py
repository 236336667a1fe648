"""In which room somebody is, over all its sockets: who enters another one leaves the first (product.md P6).

State: Redis, one key per person and kind of client, forgotten after a day; a stale one costs a word that nobody needs."""

from __future__ import annotations

from typing import Any

import orjson

from interactions.live import whispers
from liveroom.kernel.redis import aredis_for, key

WEB = "web"
PLATFORMS = frozenset({WEB, "ios", "android", "pc"})
KEPT_SECONDS = 86400


async def entered(*, person: str, room_key: str, group: str) -> None:
    """Tell the person's other sockets of this `group` (a platform, or "" for all of them) that it is here now."""
    client: Any = aredis_for(f"@{person}")
    before = await client.set(key(f"in:{group}", f"@{person}"), room_key, ex=KEPT_SECONDS, get=True)
    if before is not None and before.decode() != room_key:
        said = {"person": person, "entered": room_key, "group": group}
        await client.publish(whispers.people_channel(), orjson.dumps(said))
