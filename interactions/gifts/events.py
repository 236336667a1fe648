"""What viewers hear of gifts, and what somebody hears of its own wallet."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from interactions.delivery.events import RoomEvent, UserEvent
from interactions.shown import ShownSpeaker


class GiftInfo(msgspec.Struct, frozen=True, kw_only=True):
    """How a gift is shown (contracts/chat.md, "Gift convention"): `type` 1 a line, 2 a banner, 3 a full effect."""

    type: int
    icon: str = msgspec.field(name="giftUrl")
    count: int = msgspec.field(name="giftCount")
    name: str = msgspec.field(name="giftName")
    effect: str | UnsetType = msgspec.field(name="giftSEUrl", default=UNSET)
    unit: str | UnsetType = msgspec.field(name="giftUnits", default=UNSET)


class GiftCommand(msgspec.Struct, frozen=True, kw_only=True):
    cmd: str
    info: GiftInfo = msgspec.field(name="cmdInfo")


class GiftBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a live-kit message, so that apps made for it show our gifts as they are (G5)."""

    version: float
    business: str = msgspec.field(name="businessID")
    data: GiftCommand


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
