"""Who is in a room, by the word of every socket process: heartbeats with expiry, never +1 and -1.

These names are what others may use of it."""

from interactions.delivery.presence.announcements import install
from interactions.delivery.presence.crowd import Came, Crowd
from interactions.delivery.presence.heartbeat import Presence
from interactions.delivery.presence.many_rooms import (
    Attendance,
    attendance,
    crowds_now,
    note_changed_rooms,
    rooms_changed_now,
    take_changed_rooms,
)
from interactions.delivery.presence.one_room import crowd_now, members_now

__all__ = [
    "Attendance", "Came", "Crowd", "Presence", "attendance", "crowd_now", "crowds_now", "install", "members_now", "note_changed_rooms",
    "rooms_changed_now", "take_changed_rooms",
]  # fmt: skip
