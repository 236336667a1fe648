"""What a gift looks like on the wire: the live-kit message body, so that apps made for it show our gifts as they are (G5).

Source: contracts/chat.md, "Gift convention"."""

from __future__ import annotations

from typing import Any, Final

ORDINARY, BANNER, EFFECT = 1, 2, 3
# A number, as the contract has it, not a text.
VERSION: Final = 1.0
BUSINESS: Final = "flutter_live_kit"
COMMAND: Final = "send_gift_message"


def gift_body(*, kind: int, name: str, unit: str, count: int, icon_url: str, effect_url: str) -> dict[str, Any]:
    """`data` of a `gift` event: `count` gifts called `name`, shown as `kind` says (1 a line in the chat, 2 a banner that slides in,
    3 a full effect). Addresses are absolute or "". What there is not is left out: a unit, an effect's file."""
    if kind not in (ORDINARY, BANNER, EFFECT):
        raise ValueError(f"A gift is shown as 1, 2 or 3, not {kind}.")
    if count < 1:
        raise ValueError(f"A message is about one gift or more, not {count}.")
    info: dict[str, Any] = {"type": kind, "giftUrl": icon_url, "giftCount": count, "giftName": name}
    if kind == EFFECT and effect_url:
        info["giftSEUrl"] = effect_url
    if unit:
        info["giftUnits"] = unit
    return {"version": VERSION, "businessID": BUSINESS, "data": {"cmd": COMMAND, "cmdInfo": info}}
