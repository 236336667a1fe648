"""What a socket is told that is not for the viewer's eyes: about its person, and about its room.

Each changes what the session knows, or closes the socket. A message that comes late or twice is known by its version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

import redis

from interactions.delivery.control import CloseSockets, Heard
from interactions.delivery.events import Control
from interactions.delivery.people import user_events, whereabouts
from interactions.delivery.people.whereabouts import RoomEntered
from interactions.people.events import ProfileShown
from interactions.room.events import Closing, RoleInRoom, StandingInRoom, TracesBarred
from interactions.socket.joining import joining
from interactions.socket.session import Session
from liveroom.accounts.selectors import Profile

ELSEWHERE: Final = 4108


def hear_of_person(session: Session, message: Heard) -> None:
    """What concerns the person behind this socket: an event of its own, or a control message."""
    if message.event is not None:
        if session.subscription is not None and not session.subscription.hear(message.event):
            asyncio.ensure_future(hear_missed([session]))  # noqa: RUF006 - one round trip
        return
    control = message.control
    if isinstance(control, CloseSockets):
        session.socket.dismiss(code=control.code, reason=control.reason, message=control.message)
    elif isinstance(control, ProfileShown):
        _rename(session, control, row=message.row)
    elif isinstance(control, RoomEntered):
        _now_and_after_entering(session, partial(_hear_elsewhere, session, control))
    elif isinstance(control, RoleInRoom | StandingInRoom):
        _now_and_after_entering(session, partial(_hear_in_room, session, control))


def hear_of_room(session: Session, control: Control) -> None:
    """What concerns everybody in the room."""
    if isinstance(control, TracesBarred):
        if not session.visitor.actor.is_authenticated and session.traces & set(control.traces):
            _close(session, control.closing)
    elif isinstance(control, StandingInRoom):
        _stands(session, control)
        if session.while_entering is not None and session.entry is None:
            session.while_entering.append(partial(_stands, session, control))


async def hear_missed(sessions: Iterable[Session]) -> None:
    """What pub/sub lost of their persons' events."""
    by_subscription = {session.subscription: session for session in sessions if session.subscription is not None}
    for subscription, position in await user_events.missed(by_subscription):
        by_subscription[subscription].socket.say(position.frame())
        subscription.open(position)


def _close(session: Session, closing: Closing) -> None:
    session.socket.dismiss(code=closing.code, reason=closing.reason, message=closing.message)


def _now_and_after_entering(session: Session, hear: Callable[[], None]) -> None:
    """While one comes into a room, what one is shown may have been read before: it is heard again then."""
    hear()
    if session.while_entering is not None:
        session.while_entering.append(hear)


def _rename(session: Session, control: ProfileShown, *, row: int) -> None:
    if 0 < row < session.profile_row:
        return
    session.profile_row = row
    session.visitor = replace(session.visitor, profile=Profile(**control.profile))
    if session.entry is not None:
        session.entry = joining.renamed(session.entry, session.visitor)


def _hear_elsewhere(session: Session, control: RoomEntered) -> None:
    """The person entered a room."""
    entry, seat = session.entry, session.seat
    if entry is None or seat is None or not seat.counted or entry.room.key == control.room:
        return
    if control.group in ("", session.asked.platform):
        asyncio.ensure_future(_follow(session, control.group))  # noqa: RUF006 - one round trip


async def _follow(session: Session, group: str) -> None:
    """Go, if the person is in another room now: of two rooms that were entered at once, the later one stays."""
    entry = session.entry
    if entry is None:
        return
    here = entry.room.key
    try:
        gone = await whereabouts.is_elsewhere(
            person=session.person(), room_key=here, group=group, rounds=session.hub.rounds
        )
    except (redis.RedisError, OSError):  # nobody is sent away for that
        return
    if gone and session.entry is not None and session.entry.room.key == here:
        session.socket.dismiss(code=ELSEWHERE, reason="entered_another_room", message="You entered another room.")


def _hear_in_room(session: Session, control: RoleInRoom | StandingInRoom) -> None:
    entry = session.entry
    if entry is None or entry.room.key != control.room:
        return
    if isinstance(control, RoleInRoom):
        session.entry = joining.heard_role(entry, control.role, version=control.version)
        return
    # A ban that was lifted before this person came (back) in is an old story.
    is_news = entry.versions.is_news("banned_until_ms", control.version)
    _stands(session, control)
    if control.closing is not None and is_news:
        _close(session, control.closing)


def _stands(session: Session, control: StandingInRoom) -> None:
    """Something is new of what is against this person here."""
    if session.entry is not None:
        session.entry = joining.heard_standing(session.entry, control.changed(), version=control.version)
