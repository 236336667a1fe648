"""Which part of a recording is asked for, and what of its events viewers hear again. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

# What one question may ask for, and what one answer holds; the page asks for five to thirty seconds.
LONGEST_MS = 600_000
MOST_EVENTS = 3_000
MOST_BEFORE = 200
LAST_MS = 2**45

# Told again in time; moderation, arrivals and words of the app to all rooms are of their day.
REPLAYED = ("comment", "custom", "gift", "notice", "status", "pin", "poll", "draw_open", "draw_result")
# Lines of the list, of which the last before a place are shown with it.
LISTED = ("comment", "gift")
# Whatever was said last stands until something else is said. Both have an index (chat/models.py, SELDOM).
STANDING = ("notice", "pin")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(wall_ms: int) -> datetime:
    """Of milliseconds since 1970, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=wall_ms)


def wall_ms(at: datetime) -> int:
    """The millisecond in which it was; exact, where a float would round."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def is_told(event: Mapping[str, Any]) -> bool:
    """Of a poll that it is opened and its result: between them every vote was told."""
    poll = event.get("poll")
    if event.get("type") != "poll" or not isinstance(poll, Mapping):
        return True
    return poll.get("status") != "open" or not poll.get("ballots")
