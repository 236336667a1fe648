"""What a streamer hears of a show that is over."""

from __future__ import annotations

import msgspec

from interactions.delivery.events import UserEvent


class ShownFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A show in numbers; `gift_value` in the app's minor unit, `drops`: how often the picture was lost."""

    seconds: int
    online_peak: int
    online_mean: float
    viewers: int
    watch_seconds: int
    comments: int
    likes: int
    gifts: int
    gift_value: int
    followers: int
    drops: int


class Summary(UserEvent, frozen=True, kw_only=True, tag="summary"):
    """A show of yours is over and counted. `session`: its sequence; instants in unix ms."""

    room: str
    session: str
    started_at: int
    ended_at: int
    summary: ShownFigures
