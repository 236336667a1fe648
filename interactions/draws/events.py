"""What viewers hear of draws."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from interactions.delivery.events import RoomEvent, UserEvent


class ShownConditions(msgspec.Struct, frozen=True, kw_only=True):
    """What an entrant has to be; what is left out is not asked for."""

    min_level: int | UnsetType = UNSET
    follower: bool | UnsetType = UNSET
    gift: bool | UnsetType = UNSET
    member: bool | UnsetType = UNSET


class ShownDraw(msgspec.Struct, frozen=True, kw_only=True):
    """`winners`: how many there will be. Instants in unix ms. `commitment`: SHA-256 of the seed."""

    id: str
    keyword: str
    prize: str
    winners: int
    conditions: ShownConditions
    opens_at: int
    closes_at: int
    commitment: str
    status: str


class Winner(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    nick: str
    avatar: str


class ShownResult(msgspec.Struct, frozen=True, kw_only=True):
    """A draw that is over. `winners`: who, in their order, the first fifty; `won`: how many. `seed` None: it was cancelled."""

    id: str
    keyword: str
    prize: str
    winners: list[Winner]
    conditions: ShownConditions
    opens_at: int
    closes_at: int
    commitment: str
    status: str
    won: int
    entrants: int
    seed: str | None
    entrants_sha256: str | None


class DrawOpen(RoomEvent, frozen=True, kw_only=True, tag="draw_open"):
    """A draw is open: who says the keyword has entered."""

    draw: ShownDraw


class DrawResult(RoomEvent, frozen=True, kw_only=True, tag="draw_result"):
    """The lot has fallen, or the draw was cancelled."""

    draw: ShownResult


class WonDraw(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    keyword: str
    prize: str


class YouWon(UserEvent, frozen=True, kw_only=True, tag="draw"):
    """You have won. `place`: the first winner is 1."""

    room: str
    draw: WonDraw
    place: int
