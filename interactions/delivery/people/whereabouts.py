"""In which room somebody is, over all its sockets: who enters another one leaves the first (product.md P6).

State: Redis, one key per person and kind of client, forgotten after a day; a stale one costs a word that nobody needs."""

from __future__ import annotations

from typing import Any

from interactions.delivery.control import for_person, people_channel
from interactions.delivery.events import Control
from liveroom.kernel.data.redis import key
from liveroom.kernel.work.rounds import Rounds

WEB = "web"
PLATFORMS = frozenset({WEB, "ios", "android", "pc"})
KEPT_SECONDS = 86400


class RoomEntered(Control, frozen=True, kw_only=True, tag="entered"):
    """The person is in `room` (a key) now, with its clients of this `group`: a platform, or "" for all of them."""

    room: str
    group: str


def _key(person: str, group: str) -> str:
    return key(f"in:{group}", f"@{person}")


async def entered(*, person: str, room_key: str, group: str, rounds: Rounds[tuple[Any, ...], Any]) -> None:
    """Tell the person's other sockets of this `group` (a platform, or "" for all of them) that it is here now."""
    before = await rounds.ask(("SET", _key(person, group), room_key, "EX", KEPT_SECONDS, "GET"))
    if before is not None and before.decode() != room_key:
        message = for_person(RoomEntered(room=room_key, group=group), person)
        await rounds.ask(("PUBLISH", people_channel(), message))


async def is_elsewhere(*, person: str, room_key: str, group: str, rounds: Rounds[tuple[Any, ...], Any]) -> bool:
    """Whether the room that was entered last is another one. A word about it may be older than what came after."""
    last = await rounds.ask(("GET", _key(person, group)))
    return last is not None and last.decode() != room_key
