"""What it takes to see a stream, remembered for two seconds; through a database outage for a minute.

Memory only, bounded; one question per stream at a time however many viewers come at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from liveroom.kernel.errors import TryLater
from streams.timeshift.rules import Shift

log = logging.getLogger(__name__)

FRESH_SECONDS = 2.0
STALE_SECONDS = 60.0
# Where a viewer was told of a change sooner than we were.
NEWS_SECONDS = 0.25
_PATIENCE_SECONDS = 3.0
_MOST = 10_000


class Policy(Protocol):
    """What the gateway reads of `streams.selectors.PlayPolicy`."""

    @property
    def room_key(self) -> str: ...
    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def delta_seconds(self) -> int | Sequence[int]: ...
    @property
    def needs_vid(self) -> bool: ...
    @property
    def banned(self) -> frozenset[str]: ...
    @property
    def viewer_limit(self) -> int | None: ...
    @property
    def bandwidth_limit_kbps(self) -> int | None: ...
    @property
    def closed(self) -> bool: ...
    @property
    def shift(self) -> Shift | None: ...
    @property
    def undelayed(self) -> frozenset[str]: ...


Load = Callable[[str], Awaitable[Policy | None]]


class PolicyUnavailable(TryLater):
    """The database is away and the stream was not asked for lately. 10002."""


@dataclass(slots=True)
class _Entry:
    policy: Policy | None
    loaded_at: float


class Policies:
    def __init__(self, *, load: Load, clock: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._running: dict[str, asyncio.Task[_Entry | None]] = {}

    async def get(self, stream: str, *, max_age_seconds: float = FRESH_SECONDS) -> Policy | None:
        """None: there is no such stream, or it may not be seen. PolicyUnavailable."""
        entry = self._entries.get(stream)
        if entry is None or self._clock() - entry.loaded_at > max_age_seconds:
            task = self._running.get(stream)
            if task is None:
                task = self._running[stream] = asyncio.create_task(self._refresh(stream))
            entry = await asyncio.shield(task) or entry
        if entry is None or self._clock() - entry.loaded_at > STALE_SECONDS:
            raise PolicyUnavailable("The database is away for a moment; try again.", retry_after_ms=2000)
        return entry.policy

    async def _refresh(self, stream: str) -> _Entry | None:
        began = self._clock()
        try:
            policy = await asyncio.wait_for(self._load(stream), _PATIENCE_SECONDS)
        except Exception as error:
            log.warning("The rules of stream %s could not be read: %s", stream, str(error) or type(error).__name__)
            return None
        finally:
            self._running.pop(stream, None)
        entry = self._entries[stream] = _Entry(policy=policy, loaded_at=began)
        self._entries.move_to_end(stream)
        while len(self._entries) > _MOST:
            self._entries.popitem(last=False)
        return entry
