"""The world's time and a recording's own. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Stretch:
    """Without a gap: second `media_offset` + n of the recording was filmed at `started_at` + n, for n below `duration_seconds`."""

    started_at: datetime
    media_offset: float
    duration_seconds: float

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(seconds=self.duration_seconds)


def media_seconds(stretches: Sequence[Stretch], at: datetime) -> float | None:
    """The place in the recording that was filmed then. In a gap: where it goes on after it. None: before its begin or after its end."""
    if not stretches or at < stretches[0].started_at:
        return None
    place = bisect_right([one.started_at for one in stretches], at) - 1
    found = stretches[place]
    inside = (at - found.started_at).total_seconds()
    if inside <= found.duration_seconds:
        return found.media_offset + inside
    return stretches[place + 1].media_offset if place + 1 < len(stretches) else None


def wall_clock(stretches: Sequence[Stretch], seconds: float) -> datetime | None:
    """When that second of the recording was filmed. None: it has no such second."""
    for one in stretches:
        if one.media_offset <= seconds <= one.media_offset + one.duration_seconds:
            return one.started_at + timedelta(seconds=seconds - one.media_offset)
    return None
