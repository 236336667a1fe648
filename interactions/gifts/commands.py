"""`gift` at the socket: buying one."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec

from interactions.commands import DATABASE, Answer, Entry, Refusal, RoomCommand, Session, serves_in_room
from interactions.gifts.services import buying
from interactions.limits import GIFTS
from liveroom.kernel import clock
from liveroom.rooms.selectors import room


class Gift(RoomCommand, frozen=True, kw_only=True, tag="gift"):
    """`gift`: its id in the catalog; `key`: the client's own name for this purchase."""

    gift: Annotated[str, Refusal(buying.checked_gift)]
    count: Annotated[int, msgspec.Meta(ge=1, le=buying.MOST_AT_ONCE), Refusal(buying.checked_count)]
    key: Annotated[str, Refusal(partial(buying.checked_key, field="key"))]


@serves_in_room(Gift, asks="gift.send", limit=GIFTS, threads=DATABASE)
def gift(session: Session, entry: Entry, command: Gift) -> Answer:
    here = room(app_id=entry.room.app_id, group_id=entry.room.group_id)
    return buying.buy_gift(
        room=here, gift=command.gift, count=command.count, key=command.key, speaker=entry.speaker,
        standing=entry.standing, now=clock.now(),
    )  # fmt: skip
