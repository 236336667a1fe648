"""What moderators did. `room_key` and `identifier` name room and person to everything below the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from liveroom.kernel.facts import Fact
from liveroom.rooms.facts import RoomFact


@dataclass(frozen=True, slots=True)
class UserMuted(RoomFact):
    """`until` None: until lifted."""

    identifier: str
    nick: str
    until: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class UserUnmuted(RoomFact):
    identifier: str
    nick: str
    by: str


@dataclass(frozen=True, slots=True)
class EveryoneMuted(RoomFact):
    by: str


@dataclass(frozen=True, slots=True)
class EveryoneUnmuted(RoomFact):
    by: str


@dataclass(frozen=True, slots=True)
class UserBanned(RoomFact):
    """From a room; `until` None: for ever."""

    identifier: str
    nick: str
    until: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class BanLifted(RoomFact):
    identifier: str
    nick: str
    by: str


@dataclass(frozen=True, slots=True)
class UserBannedFromApp(Fact):
    """From every room of the app."""

    sdkappid: int
    at: datetime
    identifier: str
    nick: str
    until: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class AppBanLifted(Fact):
    sdkappid: int
    at: datetime
    identifier: str
    by: str
