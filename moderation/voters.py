"""What moderation knows about rights: the muted do not speak, the banned do not come in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from liveroom.kernel import clock
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.permission import GUEST, OWNER, Question
from liveroom.rooms.models import Room
from moderation import selectors
from moderation.rules import verdict
from moderation.rules.verdict import Standing


class Muted(LiveRoomError):
    """10017. `muted_until` (unix ms) is null, and `retry_after_ms` missing, where only a moderator ends it."""

    code, name, status = 10017, "muted", 403


class MutedAll(LiveRoomError):
    """10017: nobody but the owner and the admins speaks in this room now."""

    code, name, status = 10017, "muted_all", 403


class Banned(LiveRoomError):
    """10007. `banned_until` (unix ms) is null where only a moderator ends it."""

    code, name, status = 10007, "banned", 403


def _instant(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def banned_message(*, everywhere: bool, until: int | None) -> str:
    """For the refusal and for the last word to an open socket."""
    where = "this app" if everywhere else "this room"
    return f"You are banned from {where} {f'until {_instant(until)}' if until is not None else 'until a moderator lifts it'}."


def _now_ms(question: Question) -> int:
    return clock.now_ms() if question.now_ms is None else question.now_ms


def _now(question: Question) -> datetime:
    return datetime.fromtimestamp(_now_ms(question) / 1000, UTC)


def _room_id(room: Any) -> int:
    """Of a `Room`, or of what the hot lane knows of one."""
    return int(room.room_id if hasattr(room, "room_id") else room.pk)


def not_muted(question: Question) -> LiveRoomError | None:
    """The owner is never muted, nor is who acts for the app; an admin only by name."""
    if question.role == OWNER or question.room is None:
        return None
    standing: Standing | None = question.standing
    if standing is None:
        standing = selectors.speech(actor=question.actor, room_id=_room_id(question.room), now=_now(question))
    now_ms = _now_ms(question)
    if verdict.is_muted(standing, now_ms):
        until = verdict.shown_until(standing.muted_until_ms)
        wait = verdict.retry_after_ms(standing.muted_until_ms, now_ms)
        if until is None or wait is None:
            return Muted("You are muted in this room until a moderator lifts it.", muted_until=None)
        return Muted(f"You are muted in this room until {_instant(until)}.", muted_until=until, retry_after_ms=wait)
    if verdict.hushed_by_all(standing, question.role):
        return MutedAll("Everybody in this room is muted; its owner and admins speak.")
    return None


def _guest_of_banned(question: Question) -> LiveRoomError | None:
    """Somebody who was banned used this device, or this address: as a guest it does not come back."""
    standing, room = question.standing, question.room
    if standing is None and isinstance(room, Room):
        found = selectors.barred_traces(room=room, now=_now(question), among=question.actor.traces)
        standing = next(iter(found.values()), None)
    if standing is None or not verdict.is_banned(standing, _now_ms(question)):
        return None
    until = verdict.shown_until(standing.banned_until_ms)
    where = "this app" if standing.banned_everywhere else "this room"
    return Banned(
        f"An account that was used here is banned from {where}: guests of this device or address cannot come in. "
        "Sign in with an account that is not banned.",
        banned_until=until,
    )


def not_banned(question: Question) -> LiveRoomError | None:
    """From the room, or from the app (outside of any room: that only). Who acts for the app cannot be."""
    actor = question.actor
    if actor.kind == GUEST and actor.traces:
        return _guest_of_banned(question)
    if actor.person_id is None or actor.acts_for_app:
        return None
    standing: Standing | None = question.standing
    if standing is None:
        room = question.room
        app_id = actor.app_id if room is None else room.app_id
        standing = selectors.exclusion(
            actor=actor, room_id=None if room is None else _room_id(room), app_id=int(app_id or 0), now=_now(question)
        )
    if not verdict.is_banned(standing, _now_ms(question)):
        return None
    until = verdict.shown_until(standing.banned_until_ms)
    return Banned(banned_message(everywhere=standing.banned_everywhere, until=until), banned_until=until)
