"""The room and what belongs to it."""

from liveroom.rooms.models.details import AllowedPerson, RoomAdmin, RoomAttribute, RoomCounter
from liveroom.rooms.models.room import LiveSession, Room

__all__ = ["AllowedPerson", "LiveSession", "Room", "RoomAdmin", "RoomAttribute", "RoomCounter"]
