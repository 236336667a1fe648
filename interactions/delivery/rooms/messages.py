"""What a room is asked to publish and what became of it: a message, its outcome, and the arguments and the answer of the room's script."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.admission import Priority
from interactions.delivery.rooms.archive_stream import ARCHIVE
from interactions.delivery.rooms.scripts import SUBMIT
from liveroom.kernel.data.redis import channel, key
from liveroom.kernel.errors import LiveRoomError

SYSTEM = "s"
# A sampled answer comes after half a second at most; past this something is wrong.
PATIENCE_SECONDS = 3.0


class Unanswered(LiveRoomError):
    """10002: nobody could say in time what became of a message; sent again with the same `cid` it is published once."""

    code, name, status = 10002, "unavailable", 503


@dataclass(frozen=True, slots=True)
class Message:
    """An event that is submitted to a room. `event`: JSON with no `seq`; `sender` is for fairness; `priority` None: a system event,
    above the cap and never dropped; `paid`: never dropped, waits. `brief`: nobody will submit it again after a while, because it has no
    `cid`."""

    id: str
    event: bytes
    sender: str = ""
    priority: Priority | None = None
    in_history: bool = False
    paid: bool = False
    brief: bool = False

    def head(self) -> str:
        flags = ("h" if self.in_history else "") + ("p" if self.paid else "") + ("b" if self.brief else "") or "-"
        return f"{SYSTEM if self.priority is None else int(self.priority)} {flags} {self.id} {self.sender}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`result`: delivered (with `seq`), sampled (with `reason`), waiting."""

    result: str
    seq: int = 0
    reason: str = ""


WAITS = Outcome(result="waiting")


def outcome_of(word: str) -> Outcome:
    """`D17`, `Srate`, `W`, as the script says it."""
    if word[:1] == "D":
        return Outcome(result="delivered", seq=int(word[1:]))
    return Outcome(result="sampled", reason=word[1:]) if word[:1] == "S" else WAITS


@dataclass(frozen=True, slots=True)
class Submitted:
    """The script's answer. `next_ms`: until the next tick; `left`: how many wait in Redis; `outcomes` as submitted."""

    epoch: str
    seq: int
    next_ms: int
    left: int
    outcomes: tuple[Outcome, ...]


def message_id(*, sender: str, cid: str) -> str:
    """The same `cid` of the same person is the same message. Hashed: a cid holds anything."""
    return hashlib.sha1(f"{sender}\n{cid}".encode(), usedforsecurity=False).hexdigest()[:24]


def submit_call(room: RoomRef, messages: Sequence[Message], *, tick_ms: int, now_ms: int | None = None) -> list[Any]:
    """For SUBMIT, alone or in a pipeline."""
    keys = [key(kind, room.key) for kind in ("state", "ticks", "history", "pending", "counts")]
    keys.append(ARCHIVE)
    args: list[Any] = [
        channel(room.key),
        room.key,
        key("same:", room.key),
        room.messages_per_second,
        tick_ms,
        room.history_count,
        room.history_hours * 3600,
        "" if now_ms is None else now_ms,
        secrets.token_hex(8),
    ]
    for message in messages:
        args += (message.head(), message.event)
    return SUBMIT.call(keys, args)


def answered(answer: list[Any]) -> Submitted | None:
    """The answer taken apart; None if the room has no epoch."""
    epoch = bytes(answer[0]).decode()
    if not epoch:
        return None
    outcomes = tuple(outcome_of(word.decode()) for word in answer[4:])
    return Submitted(epoch=epoch, seq=int(answer[1]), next_ms=int(answer[2]), left=int(answer[3]), outcomes=outcomes)
