"""What a room is sent of who is in it: events of the feature that shows the audience, which installs how they are made.

All of them may be dropped: the number is a state, and the others are tips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from interactions.delivery.events import RoomEvent, encoded
from interactions.delivery.presence import scripts
from interactions.delivery.presence.crowd import Crowd, announce_after_ms
from interactions.delivery.presence.room_here import Answer, Tip
from interactions.delivery.rooms.published import DROPPABLE
from liveroom.kernel.data.redis import channel


class MakesOnline(Protocol):
    """How many are here. `t`: unix ms."""

    def __call__(self, *, t: int, online: int, sockets: int) -> RoomEvent: ...


class MakesTip(Protocol):
    """So many came, or left; `users`: the latest few, each as `Hub.enter` was given it."""

    def __call__(self, *, t: int, users: list[Any], count: int) -> RoomEvent: ...


@dataclass(slots=True)
class _Installed:
    online: MakesOnline | None = None
    joined: MakesTip | None = None
    left: MakesTip | None = None


_installed: Final = _Installed()


def install(*, online: MakesOnline, joined: MakesTip, left: MakesTip) -> None:
    """Called once by the roof, with the classes of the events. What is not installed is not announced."""
    _installed.online, _installed.joined, _installed.left = online, joined, left


def wait_ms(answer: Answer, crowd: Crowd) -> int | None:
    """How long the room has to wait for this number; None: it knows it."""
    if not answer.announced:
        return announce_after_ms(announced=None, now=crowd, ago_ms=0)
    online, sockets, at_ms = map(int, answer.announced.split())
    before = Crowd(online=online, sockets=sockets)
    return announce_after_ms(announced=before, now=crowd, ago_ms=answer.now_ms - at_ms)


def online_call(room_key: str, answer: Answer, crowd: Crowd, *, expiry_ms: int) -> list[Any]:
    """For ANNOUNCE: the number is published, if no other process was quicker."""
    message = b""
    if _installed.online is not None:
        event = _installed.online(t=answer.now_ms, online=crowd.online, sockets=crowd.sockets)
        message = DROPPABLE + encoded(event)
    args = [answer.announced, f"{crowd.online} {crowd.sockets}", channel(room_key), message, 3 * expiry_ms]
    return scripts.ANNOUNCE.call([scripts.announced_key(room_key)], args)


def tips(joined: Tip | None, departed: Tip | None, *, now_ms: int) -> bytes:
    """Both in one message; empty if there is neither."""
    events = [
        encoded(made(t=now_ms, users=list(tip.users), count=tip.count))
        for made, tip in ((_installed.joined, joined), (_installed.left, departed))
        if made is not None and tip is not None
    ]
    return DROPPABLE + b"\n".join(events) if events else b""
