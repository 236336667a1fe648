"""What somebody hears of its own standing, and of the streamers that it follows."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from interactions.delivery.events import Control, UserEvent
from interactions.shown import ShownPerson


class LevelReached(UserEvent, frozen=True, kw_only=True, tag="level"):
    """Your level or your badges are others now. `next`: points at which the next level begins, None: there is none."""

    level: int
    points: int
    next: int | None
    badges: list[str] | UnsetType = UNSET


class ShowBegan(UserEvent, frozen=True, kw_only=True, tag="live"):
    """A show of somebody you follow has begun."""

    room: str
    title: str
    owner: ShownPerson


class ProfileShown(Control, frozen=True, kw_only=True, tag="profile"):
    """How the person is shown from now on, also on sockets that are open already: the fields of `accounts.selectors.Profile`."""

    profile: dict[str, Any]
