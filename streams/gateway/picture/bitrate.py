"""How many kilobits a second a copy has brought lately. State: memory, of the last seconds only."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_SECONDS: Final = 5.0


class Bitrate:
    def __init__(self) -> None:
        self._received: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def add(self, *, now: float, size: int) -> None:
        self._received.append((now, size))
        self._bytes += size
        while self._received[0][0] < now - WINDOW_SECONDS:
            self._bytes -= self._received.popleft()[1]

    @property
    def kbps(self) -> int:
        """0 until it is known."""
        if len(self._received) < 2:
            return 0
        span = self._received[-1][0] - self._received[0][0]
        return round(self._bytes * 8 / span / 1000) if span >= 1.0 else 0
