"""A feature that does not exist, for tests of delivery, which knows none: its events, and viewers that keep what they are sent."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Self

import orjson

from interactions.delivery.events import Control, RoomEvent, UserEvent, encoded
from interactions.delivery.fanout import TEXT, Hub
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.log import position


class Numbered(RoomEvent, frozen=True, kw_only=True, tag="made_up"):
    n: int


class Remembered(RoomEvent, frozen=True, kw_only=True, tag="made_up_remembered"):
    in_history: ClassVar[bool] = True

    n: int


class Level(RoomEvent, frozen=True, kw_only=True, tag="made_up_level"):
    """A state: the newest says it all."""

    numbered: ClassVar[bool] = False
    newest_says_all: ClassVar[bool] = True

    n: int


class Sum(RoomEvent, frozen=True, kw_only=True, tag="made_up_sum"):
    """Two make one."""

    numbered: ClassVar[bool] = False

    n: int

    def merged_with(self, newer: Self) -> Self:
        return type(self)(t=newer.t, n=self.n + newer.n)


class Tip(RoomEvent, frozen=True, kw_only=True, tag="made_up_tip"):
    """May be left out, and is not merged."""

    numbered: ClassVar[bool] = False

    n: int


class ToOne(UserEvent, frozen=True, kw_only=True, tag="made_up"):
    n: int


class Recheck(Control, frozen=True, kw_only=True, tag="made_up"):
    n: int


def numbered(n: int, *, t: int = 1) -> bytes:
    return encoded(Numbered(t=t, n=n))


class KeepingViewer:
    """A viewer that keeps what it is sent; its own queue."""

    codec, ended = TEXT, False
    _send = _transport = None
    _queue = ()

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.controls: list[Control] = []
        self.dismissed: int | None = None
        self.heard = asyncio.Event()
        self.queue = self

    def write(self, frame: bytes, *, must: bool = True) -> None:
        self.frames.append(frame)
        self.heard.set()

    def hear_control(self, control: Control) -> None:
        self.controls.append(control)

    def dismiss(self, *, code: int, reason: str, message: str, after_ms: int = 0) -> None:
        self.dismissed = code
        self.heard.set()

    def events(self, *types: str) -> list[dict[str, Any]]:
        bodies = [frame[frame.index(b'{"') :] for frame in self.frames]
        found = [event for body in bodies for event in orjson.loads(body)["events"]]
        return [event for event in found if not types or event["type"] in types]

    async def hears(self, *numbers: int) -> None:
        """Until the last of these came."""
        while numbers[-1] not in [found.get("n") for found in self.events()]:
            self.heard.clear()
            await asyncio.wait_for(self.heard.wait(), 5)

    async def leaves(self) -> None:
        """Until it was dismissed."""
        while self.dismissed is None:
            self.heard.clear()
            await asyncio.wait_for(self.heard.wait(), 5)


async def enter(hub: Hub, room: RoomRef, viewer: KeepingViewer) -> None:
    """As a socket does it: a seat, the snapshot's place, and what comes after it."""
    seat = await hub.enter(room=room, viewer=viewer, counted=False)
    here = await position(room_key=room.key)
    hub.settle(room_key=room.key, position=here)
    hub.open(room_key=room.key, seat=seat, after_seq=here.seq)
