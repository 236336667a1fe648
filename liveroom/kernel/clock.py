"""The only clock. Doors read it and pass `now` down; rules never do."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Aware, UTC."""
    return datetime.now(UTC)


def now_ms() -> int:
    """Unix time in milliseconds, as every `t` of the socket is."""
    return time.time_ns() // 1_000_000
