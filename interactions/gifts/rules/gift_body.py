"""What a gift looks like on the wire: the live-kit message body, so that apps made for it show our gifts as they are (G5).

Source: contracts/chat.md, "Gift convention"."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

ORDINARY, BANNER, EFFECT = 1, 2, 3
# A number, as the contract has it, not a text.
VERSION: Final = 1.0
BUSINESS: Final = "flutter_live_kit"
COMMAND: Final = "send_gift_message"


class GiftInfo(msgspec.Struct, frozen=True, kw_only=True):
    """How a gift is shown: `type` 1 a line in the chat, 2 a banner that slides in, 3 a full effect. Addresses are absolute or ""."""

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
    """`data` of a `gift` event."""

    version: float
    business: str = msgspec.field(name="businessID")
    data: GiftCommand

    def of(self, count: int) -> GiftBody:
        """The same gift in another number."""
        info = msgspec.structs.replace(self.data.info, count=count)
        return msgspec.structs.replace(self, data=msgspec.structs.replace(self.data, info=info))


def gift_body(*, kind: int, name: str, unit: str, count: int, icon_url: str, effect_url: str) -> GiftBody:
    """`count` gifts called `name`, shown as `kind` says. What there is not is left out: a unit, an effect's file. ValueError."""
    if kind not in (ORDINARY, BANNER, EFFECT):
        raise ValueError(f"A gift is shown as 1, 2 or 3, not {kind}.")
    if count < 1:
        raise ValueError(f"A message is about one gift or more, not {count}.")
    info = GiftInfo(
        type=kind, icon=icon_url, count=count, name=name, effect=effect_url if kind == EFFECT and effect_url else UNSET,
        unit=unit or UNSET,
    )  # fmt: skip
    return GiftBody(version=VERSION, business=BUSINESS, data=GiftCommand(cmd=COMMAND, info=info))
