"""After Redis was away for a moment: who was banned or muted meanwhile, and who was told something?

What is published over pub/sub meanwhile is lost, and nobody notices. So whatever a socket remembers is read again, a room at a time."""

from __future__ import annotations

from typing import Final

from channels.db import database_sync_to_async

from interactions.delivery.fanout import Hub
from interactions.socket.connection import Socket
from interactions.socket.control_messages import hear_missed
from interactions.socket.joining import joining
from interactions.socket.listening.server_sent import RESTART, Listener
from interactions.socket.session import Session
from liveroom.kernel import clock

BANNED: Final = 4103


async def look_again(hub: Hub) -> None:
    """All sockets of this process. Whoever only listens comes back by itself, and is judged then."""
    sessions: list[Session] = [viewer.owner.session for viewer in hub.sockets() if isinstance(viewer, Socket)]
    for viewer in hub.sockets():
        if isinstance(viewer, Listener):
            viewer.dismiss(code=RESTART, reason="restart", message="A part of the service was away; come back.")
    await hear_missed(sessions)
    by_room: dict[int, list[Session]] = {}
    for session in sessions:
        if session.entry is not None and session.visitor.actor.person_id is not None:
            by_room.setdefault(session.entry.room.room_id, []).append(session)
    for people in by_room.values():
        await _look_again_in_room(people)


async def _look_again_in_room(sessions: list[Session]) -> None:
    entries = {session: session.entry for session in sessions if session.entry is not None}
    names = {entry.speaker.actor.identifier for entry in entries.values()}
    room = next(iter(entries.values())).room
    again = database_sync_to_async(joining.standings_again)
    version, standings = await again(room=room, identifiers=names, now=clock.now())
    for session, entry in entries.items():
        standing = standings.get(entry.speaker.actor.identifier)
        if standing is None or session.entry is not entry:
            continue
        session.entry = joining.standing_read(entry, standing, version=version)
        refusal = joining.ban_of(session.entry, now_ms=clock.now_ms())
        if refusal is not None:
            session.socket.dismiss(code=BANNED, reason="banned", message=refusal.message)
