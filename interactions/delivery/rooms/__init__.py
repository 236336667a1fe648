"""A room's one order: what is submitted is admitted, numbered, logged, archived and published by one script in Redis.

These names are what others may use of it."""

from interactions.delivery.rooms.admission import PRIORITIES, WAITING_PER_SENDER, Priority
from interactions.delivery.rooms.archive_stream import ARCHIVE, STREAM_ENTRIES
from interactions.delivery.rooms.epochs import begin_now
from interactions.delivery.rooms.log import Position, event_now, history_now, positions, positions_since
from interactions.delivery.rooms.messages import WAITS, Message, Outcome, Submitted, Unanswered, message_id
from interactions.delivery.rooms.room_reads import ExtraRead, RoomRead, read_rooms
from interactions.delivery.rooms.submitting import publish_now, submit_and_wait, submit_many_now, submit_now

__all__ = [
    "ARCHIVE", "PRIORITIES", "STREAM_ENTRIES", "WAITING_PER_SENDER", "WAITS", "ExtraRead", "Message", "Outcome", "Position",
    "Priority", "RoomRead", "Submitted", "Unanswered", "begin_now", "event_now", "history_now", "message_id", "positions",
    "positions_since", "publish_now", "read_rooms", "submit_and_wait", "submit_many_now", "submit_now",
]  # fmt: skip
