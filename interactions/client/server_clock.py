"""The server's clock as one client knows it: from the answer with the shortest way there and back."""

from __future__ import annotations

import time
from typing import Any


class ServerClock:
    """Ours until an answer said otherwise."""

    def __init__(self) -> None:
        self._ahead_ms = 0.0
        self._trip_seconds = float("inf")

    def now_ms(self) -> int:
        return int(time.time() * 1000 + self._ahead_ms)

    def heard(self, server_time: Any, *, asked: float) -> None:
        """`server_time`: unix ms, of an answer; `asked`: when the question was sent (unix seconds)."""
        trip = time.time() - asked
        if isinstance(server_time, int) and trip <= self._trip_seconds:
            self._ahead_ms, self._trip_seconds = server_time - (asked + trip / 2) * 1000, trip
