"""Found by Django's autodiscovery: pages of the roof register themselves when they are imported."""

from liveroom.console import room_page, session_page

__all__ = ["room_page", "session_page"]
