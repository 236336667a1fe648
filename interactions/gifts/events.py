"""What viewers hear of gifts, and what somebody hears of its own wallet."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from interactions.delivery.events import RoomEvent, UserEvent
from interactions.gifts.rules.gift_body import GiftBody
from interactions.shown import ShownSpeaker


class GiftSent(RoomEvent, frozen=True, kw_only=True, tag="gift"):
    """Somebody paid for `count` gifts of one kind. `combo`: the running number with these; `value`: of all of them, in the app's minor
    unit."""

    in_history: ClassVar[bool] = True
    paid: ClassVar[bool] = True

    id: str
    priority: str
    sender: ShownSpeaker = msgspec.field(name="from")
    gift: str
    data: GiftBody
    count: int
    combo: int
    value: int


class WalletChanged(UserEvent, frozen=True, kw_only=True, tag="wallet"):
    """Your wallet changed by something else than what you bought: `kind` is `topup`, or `refund` with the order that was taken back.
    `amount`: in the app's minor unit, below zero: it left the wallet."""

    order: str
    balance: int
    kind: str
    amount: int
    refund_of: str | UnsetType = UNSET
