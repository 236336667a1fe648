"""Reads about recordings."""

from __future__ import annotations

from streams.recording.models import Recording
from streams.recording.stretches import Stretch


def stretches_of(recording: Recording) -> tuple[Stretch, ...]:
    """In their order. Of one that still runs: up to the last look at what was written, at most a minute ago."""
    return tuple(
        Stretch(started_at=started_at, media_offset=offset, duration_seconds=duration)
        for started_at, offset, duration in recording.parts.order_by("number").values_list(
            "started_at", "media_offset", "duration_seconds"
        )
    )
