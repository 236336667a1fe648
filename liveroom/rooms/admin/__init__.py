"""The room's page, for staff and for the streamer who owns it; live sessions for staff."""

from liveroom.rooms.admin import pages

__all__ = ["pages"]
