"""What one client has heard so far, and what waits to be read: numbers never go back, a gap is never passed over."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

# A reader that is 10,000 events behind is told to begin again, rather than to eat the memory of its process.
MOST_WAITING = 10_000


class Gap(Exception):
    """Something was missed: only another join can tell what."""


class Heard:
    """Positions of the room and of the events for this person, and the queue between the socket and whoever reads."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.seq = 0
        self.you_epoch: str | None = None
        self.useq = 0
        self.lapsed = False
        self._waiting: deque[dict[str, Any]] = deque()
        self._news = asyncio.Event()

    # -- what the socket says

    def joined(self, snapshot: Mapping[str, Any], *, recovered: bool) -> None:
        if not recovered:
            self.epoch, self.seq = str(snapshot["epoch"]), int(snapshot["seq"])
            if self.lapsed:
                self._waiting.clear()
                self.lapsed = False
        self.put({"type": "snapshot", "recovered": recovered, "snapshot": dict(snapshot)})

    def batch(self, frame: Mapping[str, Any]) -> None:
        """Gap if a number is missing or the room began anew."""
        if frame.get("epoch", self.epoch) != self.epoch:
            raise Gap
        for event in frame.get("events", ()):
            seq = event.get("seq")
            if seq is not None:
                if seq <= self.seq:
                    continue
                if seq > self.seq + 1:
                    raise Gap
                self.seq = seq
            self.put(event)

    def you(self, frame: Mapping[str, Any]) -> None:
        """Events for this person; those that were heard before are left out."""
        again = self.you_epoch is not None
        if frame.get("epoch") != self.you_epoch:
            self.you_epoch, self.useq = frame.get("epoch"), 0
        if again and frame.get("recovered") is False:
            self.put({"type": "lapse"})
        for event in frame.get("events", ()):
            useq = event.get("useq")
            if useq is not None:
                if useq <= self.useq:
                    continue
                self.useq = useq
            self.put({"type": "you", "event": event})
        self.useq = max(self.useq, int(frame.get("useq") or 0))

    # -- what the reader takes

    def put(self, item: dict[str, Any]) -> None:
        if self.lapsed:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            self.lapsed = True
        else:
            self._waiting.append(item)
        self._news.set()

    def wake(self) -> None:
        """Something other than an event has changed."""
        self._news.set()

    def take(self) -> dict[str, Any] | None:
        return self._waiting.popleft() if self._waiting else None

    async def news(self) -> None:
        """Until something waits, or `wake` was called."""
        await self._news.wait()
        self._news.clear()
