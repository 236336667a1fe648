"""What streams know about rights: forbidden streams, and the hold after a streamer ended by hand."""

from __future__ import annotations

from liveroom.kernel import clock
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.permission import Question
from streams.models import Stream


class Forbidden(LiveRoomError):
    """18/305 of contracts/css.md: a moderator forbade the stream."""

    code, name, status = 305, "forbidden", 403


class Held(LiveRoomError):
    """The streamer ended by hand a moment ago; OBS must not start the show again by itself."""

    code, name, status = 305, "ended_by_hand", 403


def not_forbidden(question: Question) -> LiveRoomError | None:
    stream: Stream = question.room
    until, now = stream.forbidden_until, clock.now()
    if until is None or until <= now:
        return None
    why = f" ({stream.forbidden_reason})" if stream.forbidden_reason else ""
    return Forbidden(f"Pushing this stream is forbidden until {until:%Y-%m-%d %H:%M} UTC{why}.")


def not_held(question: Question) -> LiveRoomError | None:
    stream: Stream = question.room
    until, now = stream.room.held_until, clock.now()
    if not (stream.on_programme or stream.steps_back or stream.made_by) or until is None or until <= now:
        return None
    wait = int((until - now).total_seconds()) + 1
    return Held(
        f"The room was ended by hand. Stop streaming in OBS; start again in {wait} s, or set the room live first.",
        retry_after_ms=wait * 1000,
    )
