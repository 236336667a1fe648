"""The status of a room: which changes are legal, and what a stream's coming and going means (R1, R2, R9)."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta


class Status(enum.StrEnum):
    TO_BE_STARTED = "to_be_started"
    LIVE = "live"
    PAUSED = "paused"
    ENDED = "ended"
    PLAYED_BACK = "played_back"


STATUS_CHOICES = [(status.value, status.value.replace("_", " ")) for status in Status]

_LEGAL: dict[Status, frozenset[Status]] = {
    Status.TO_BE_STARTED: frozenset({Status.LIVE, Status.ENDED}),
    Status.LIVE: frozenset({Status.PAUSED, Status.ENDED}),
    Status.PAUSED: frozenset({Status.LIVE, Status.ENDED}),
    Status.ENDED: frozenset({Status.PLAYED_BACK, Status.LIVE}),
    Status.PLAYED_BACK: frozenset({Status.LIVE}),
}


OVER = (Status.ENDED, Status.PLAYED_BACK)


def is_over(status: str) -> bool:
    """Whether the show is over: nobody is there to give to. A paused room is not, nor one that has not begun."""
    return status in OVER


def legal_next(status: Status) -> frozenset[Status]:
    """Where a room of this status may go. Staying is no change and never in it."""
    return _LEGAL[status]


def opens_session(before: Status, after: Status) -> bool:
    """Whether this change begins a new live session: every way to live but the return from a pause."""
    return after is Status.LIVE and before is not Status.PAUSED


def closes_session(before: Status, after: Status) -> bool:
    return after is Status.ENDED and before in (Status.LIVE, Status.PAUSED)


def after_publish(status: Status) -> Status:
    """A publisher of the programme has come: whatever the room was, it is live."""
    return Status.LIVE


def after_loss(
    status: Status, *, lost_at: datetime, now: datetime, pause_after: timedelta, end_after: timedelta
) -> Status:
    """What a room is whose programme has had no publisher since `lost_at`.

    Both times count from the loss: paused after `pause_after`, ended after `end_after` (3 s and 120 s, R9)."""
    gone = now - lost_at
    if status in (Status.LIVE, Status.PAUSED) and gone >= end_after:
        return Status.ENDED
    if status is Status.LIVE and gone >= pause_after:
        return Status.PAUSED
    return status
