"""What happens to rooms. `room_key` names the room to everything below the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from liveroom.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class RoomFact(Fact):
    room_id: int
    room_key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RoomCreated(RoomFact):
    owner: str


@dataclass(frozen=True, slots=True)
class RoomChanged(RoomFact):
    """Title, introduction, category, tags, start time or limits: `changed` holds the new values, ready for the wire."""

    changed: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class NoticeChanged(RoomFact):
    notice: str


@dataclass(frozen=True, slots=True)
class StatusChanged(RoomFact):
    before: str
    after: str
    starts_at: datetime | None
    sequence: str | None
    by_hand: bool


@dataclass(frozen=True, slots=True)
class AttributesChanged(RoomFact):
    """`changed`: key -> (value, version); `deleted`: keys. `version` is the room's, after the change."""

    operation: str
    version: int
    changed: Mapping[str, tuple[str, int]]
    deleted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountersChanged(RoomFact):
    changed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RoleChanged(RoomFact):
    """A room admin was appointed or dismissed by the owner (P5)."""

    identifier: str
    nick: str
    role: str
    by: str


@dataclass(frozen=True, slots=True)
class AccessChanged(RoomFact):
    """Password, listing or allow-list: who may come in from now on."""

    visibility: str


@dataclass(frozen=True, slots=True)
class RoomDisbanded(RoomFact):
    by: str
