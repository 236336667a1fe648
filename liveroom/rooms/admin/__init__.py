"""The room's page and its shows', for staff and for the streamer who owns it."""

from liveroom.rooms.admin import pages

__all__ = ["pages"]
