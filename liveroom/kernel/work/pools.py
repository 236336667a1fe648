"""Threads for what an event loop must not wait for: so many, a queue of so many before them, and "busy" for the rest.

Promise: a pool holds at most `threads + waiting` pieces of work; whoever comes above that is refused at once and nothing was done.
Pools are named by what they do, so that one that is full delays nothing else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from channels.db import database_sync_to_async

from liveroom.kernel.errors import TryLater
from liveroom.kernel.work import metrics

Answer = TypeVar("Answer")
RETRY_AFTER_MS: Final = 1_000


class Busy(TryLater):
    """10002: more is asked than is served; nothing was done. Try again after `retry_after_ms`."""

    name = "busy"


class Pool:
    """For one event loop. Connections to the database are closed as after a request."""

    def __init__(self, *, name: str, threads: int, waiting: int) -> None:
        self.name = name
        self._most = threads + waiting
        self._under_way = 0
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)

    def refuse_if_full(self) -> None:
        """Busy. For whoever has something to do before `run` that a full queue would make vain."""
        if self._under_way >= self._most:
            metrics.limited.labels(what=f"busy_{self.name}").inc()
            raise Busy("Too much is asked at once; try again in a moment.", retry_after_ms=RETRY_AFTER_MS)

    async def run(self, work: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Answer:
        """What `work` returns or raises; Busy."""
        self.refuse_if_full()
        self._under_way += 1
        try:
            thread: Any = database_sync_to_async(work, thread_sensitive=False, executor=self._threads)
            answer: Answer = await thread(*args, **kwargs)
            return answer
        finally:
            self._under_way -= 1
