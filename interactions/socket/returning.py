"""After Redis was away for a moment: who was banned or muted meanwhile, and who was told something?

Words over pub/sub are lost without a word. Whoever cached a verdict asks again, a room at a time."""

from __future__ import annotations

from channels.db import database_sync_to_async

from interactions.delivery.fanout import Hub
from interactions.socket.connection import Socket
from interactions.socket.consumer import BANNED, RoomConsumer, hear_missed
from interactions.socket.joining import joining
from interactions.socket.server_sent import RESTART, Listener
from liveroom.kernel import clock


async def look_again(hub: Hub) -> None:
    """All sockets of this process. Whoever only listens comes back by itself, and is judged then."""
    consumers = [viewer.owner for viewer in hub.sockets() if isinstance(viewer, Socket)]
    for viewer in hub.sockets():
        if isinstance(viewer, Listener):
            viewer.dismiss(code=RESTART, reason="restart", message="A part of the service was away; come back.")
    await hear_missed(consumers)
    by_room: dict[int, list[RoomConsumer]] = {}
    for consumer in consumers:
        if consumer.entry is not None and consumer.visitor.actor.person_id is not None:
            by_room.setdefault(consumer.entry.room.room_id, []).append(consumer)
    for people in by_room.values():
        await _stand_again(people)


async def _stand_again(consumers: list[RoomConsumer]) -> None:
    entries = {consumer: consumer.entry for consumer in consumers if consumer.entry is not None}
    names = {entry.speaker.actor.identifier for entry in entries.values()}
    room = next(iter(entries.values())).room
    again = database_sync_to_async(joining.standings_again)
    version, standings = await again(room=room, identifiers=names, now=clock.now())
    for consumer, entry in entries.items():
        standing = standings.get(entry.speaker.actor.identifier)
        if standing is None or consumer.entry is not entry:
            continue
        consumer.entry = joining.standing_read(entry, standing, version=version)
        refusal = joining.ban_of(consumer.entry, now_ms=clock.now_ms())
        if refusal is not None:
            consumer.socket.dismiss(code=BANNED, reason="banned", message=refusal.message)
