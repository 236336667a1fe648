"""A room over a socket, for servers and tests: nothing of ours is imported, only `websockets`."""

from interactions.client.errors import CommandRefused, Offline, Refused, RoomError
from interactions.client.room_client import RoomClient

__all__ = ["CommandRefused", "Offline", "Refused", "RoomClient", "RoomError"]
