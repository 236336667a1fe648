"""What the owner and the admins of a room hear of raised hands."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from interactions.delivery.events import UserEvent
from interactions.shown import ShownPerson


class HandMoved(UserEvent, frozen=True, kw_only=True, tag="hand"):
    """Somebody raised a hand or lowered it. `raised`: how many are up now; `by`: the moderator who lowered it, whom its person hears of,
    too."""

    room: str
    user: ShownPerson
    up: bool
    raised: int
    by: str | UnsetType = UNSET
