"""What happened that more than one module must know. `sdkappid` names the app to everything below the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from liveroom.kernel.facts import Fact
from liveroom.rooms.facts import RoomFact


@dataclass(frozen=True, slots=True)
class WalletFact(Fact):
    """An order changed the wallet of a person: `amount` (> 0) and the `balance` after it, in the app's minor unit."""

    sdkappid: int
    at: datetime
    person_id: int
    identifier: str
    order: str
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class WalletToppedUp(WalletFact):
    """`provider`: who took the money; `server` and `staff` vouch for it."""

    provider: str


@dataclass(frozen=True, slots=True)
class OrderRefunded(WalletFact):
    """`refund_of`: the number of the order that was taken back, of that `kind` (gift or topup). Of a gift, `amount` came into the wallet
    of its buyer; of a top-up, it left the wallet. `room_key`: "" of a top-up."""

    refund_of: str
    kind: str
    room_key: str
    reason: str


@dataclass(frozen=True, slots=True)
class GiftPaid(RoomFact):
    """Somebody paid for a gift. `runs`: whether it may be shown as a running number; `session`: the show's sequence, empty outside of
    one; `said`: what the room is told but for the numbers. Amounts in the app's minor unit."""

    order: str
    sent_id: int
    buyer_id: int
    gift_id: int
    session: str
    count: int
    total: int
    share: int
    runs: bool
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GroupedGifts:
    """What one room is to be told: `event` ready for the wire."""

    message_id: str
    room_id: int
    room_key: str
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GiftsGrouped(Fact):
    """Paid gifts were put into messages."""

    at: datetime
    messages: tuple[GroupedGifts, ...]
