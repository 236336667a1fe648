"""What happens to relays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from liveroom.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class RelayChanged(Fact):
    """It runs, waits, or is over. `address`: where from or to, without its keys. `state`: as in contracts/surface.md, or `deleted`."""

    relay: str
    kind: str
    label: str
    address: str
    room_id: int
    room_key: str
    room: str
    stream: str
    state: str
    reason: str
    at: datetime
