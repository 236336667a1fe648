"""When a number of viewers is news, and who is shown in a tip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# At most once a second (O1). One in 200 is half a per cent: below 200 viewers every change is enough.
APART_MS = 1_000
ENOUGH_ONE_IN = 200
# What is not enough is announced with this delay, so that the number is exact when nothing changes any more.
LATER_MS = 5_000
SHOWN_IN_A_TIP = 5


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many are in a room. `online`: distinct people and every guest; `sockets`: open connections."""

    online: int
    sockets: int


NOBODY = Crowd(online=0, sockets=0)


def announce_after_ms(*, announced: Crowd | None, now: Crowd, ago_ms: int) -> int | None:
    """How long to wait until `now` is announced to the room, which was announced so long ago. None: it is no news; 0: announce it."""
    if announced == now:
        return None
    if announced is None:
        return 0
    return max(0, (APART_MS if _enough(announced, now) else LATER_MS) - ago_ms)


def _enough(announced: Crowd, now: Crowd) -> bool:
    pairs = ((announced.online, now.online), (announced.sockets, now.sockets))
    return any(before != after and abs(after - before) * ENOUGH_ONE_IN >= before for before, after in pairs)


def shown_of(ids: Sequence[str]) -> Sequence[str]:
    """Whom a tip shows of those who came (or went), in that order: the latest few; its count says how many there were."""
    return ids[-SHOWN_IN_A_TIP:]


@dataclass(frozen=True, slots=True)
class Came:
    """Somebody in the room, and when it came (unix ms)."""

    id: str
    at_ms: int
