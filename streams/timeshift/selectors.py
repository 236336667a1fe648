"""Which streams have a window, and how one does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from streams.models.streams import Stream
from streams.timeshift.models import TimeShift
from streams.timeshift.rules import Shift


def shift_of(row: TimeShift) -> Shift:
    return Shift(
        seconds=row.seconds,
        item_seconds=row.item_seconds,
        delay_seconds=row.delay_seconds,
        since_ms=_ms(row.since),
        over_ms=None if row.over_at is None else _ms(row.over_at),
        oldest_ms=None if row.oldest_at is None else _ms(row.oldest_at),
    )


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def state_of(stream: Stream, *, now: datetime) -> dict[str, Any]:
    """For REST: what is wanted, and what there is."""
    row = TimeShift.objects.filter(pk=stream.pk).first()
    if row is None:
        return {
            "stream": stream.name, "state": "stopped", "template": "", "seconds": 0, "item_seconds": None, "delay": 0,
            "from": None, "to": None, "size_bytes": 0, "short": "",
        }  # fmt: skip
    written = row.writer_until is not None and row.writer_until > now
    state = "stopped" if row.over_at is not None else "running" if written else "waiting"
    return {
        "stream": stream.name, "state": state, "template": row.template_name, "seconds": row.seconds,
        "item_seconds": row.item_seconds, "delay": row.delay_seconds, "from": row.oldest_at, "to": row.newest_at,
        "size_bytes": row.size_bytes, "short": row.short,
    }  # fmt: skip
