"""Who writes the windows: for each stream that has one, and whose lease this gateway holds, the cut is kept going and written down.

It goes on without viewers. What is wanted comes from the database every two seconds; while that is away, what was wanted last goes on.
State: the tasks that write, in memory; everything else is on the disk (`streams/timeshift/shelf.py`) and in the database."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from liveroom.kernel import clock
from liveroom.kernel.errors import LiveRoomError
from streams.gateway import metrics
from streams.gateway.dvr.gathering import Gathered, Gathering
from streams.gateway.picture.feed import Feed
from streams.timeshift.rules import Held, Wanted
from streams.timeshift.shelf import Shelf

log = logging.getLogger(__name__)

_AGAIN_SECONDS: Final = 2.0
_UNSUITABLE_SECONDS: Final = 60.0
# Items that wait for the disk, of one stream: what does not fit is left out.
_MOST_WAITING: Final = 4
_LAST_SECONDS: Final = 2.0


class Windows(Protocol):
    """The database's side (`streams/timeshift/services.py`). All of it may fail."""

    async def take(self, live: Collection[str]) -> Sequence[Wanted]: ...
    async def note(self, held: Mapping[str, Held]) -> None: ...
    async def give_back(self) -> None: ...


# The running copy of a stream, once it has something to begin with; None: it is not live, or shows nothing yet.
Copy = Callable[[str], Awaitable[Feed | None]]
Live = Callable[[], Awaitable[Collection[str]]]


@dataclass(slots=True)
class _Writing:
    item_seconds: int
    task: asyncio.Task[None]


class Recorder:
    def __init__(self, *, shelf: Shelf, windows: Windows, live: Live, copy: Copy) -> None:
        self._shelf = shelf
        self._windows = windows
        self._live = live
        self._copy = copy
        self._wanted: dict[str, Wanted] | None = None
        self._writing: dict[str, _Writing] = {}

    def has(self, stream: str) -> bool:
        """Whether the stream has a window, as last heard: asked before the database is."""
        return self._wanted is not None and stream in self._wanted

    async def follow(self) -> None:
        """What is wanted now is written, what is not any more is not."""
        live = await self._live()
        wanted = {one.stream: one for one in await self._windows.take(live)}
        self._wanted = wanted
        mine = {name: one.shift.item_seconds for name, one in wanted.items() if one.mine and name in live}
        for name, writing in list(self._writing.items()):
            if writing.task.done():
                del self._writing[name]
            elif mine.get(name) != writing.item_seconds:
                # The lease is another's now, nobody wants it any more, or its items are to be longer.
                writing.task.cancel()
                del self._writing[name]
        for name, item_seconds in mine.items():
            if name not in self._writing:
                task = asyncio.create_task(self._write(name, item_seconds), name=f"window {name}")
                self._writing[name] = _Writing(item_seconds=item_seconds, task=task)

    async def sweep(self) -> None:
        """Old files go; what is there is told."""
        if self._wanted is None:
            return
        was_full = bool(self._shelf.full)
        shifts = {name: one.shift for name, one in self._wanted.items()}
        swept = await self._shelf.sweep(shifts, now_ms=clock.now_ms())
        if swept.full and not was_full:
            log.warning("No window is written: %s", swept.full)
        metrics.window_bytes.set(sum(held.size for held in swept.held.values()))
        metrics.windows_short.set(sum(bool(held.short) for held in swept.held.values()))
        await self._windows.note(swept.held)

    async def stop(self) -> None:
        """What was gathered is written, the leases are given back."""
        tasks = [writing.task for writing in self._writing.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_SECONDS)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1.0):
                await self._windows.give_back()

    async def _write(self, name: str, item_seconds: int) -> None:
        """From the stream's copy to its window, until the copy ends."""
        try:
            feed = await self._copy(name)
        except LiveRoomError as refusal:
            # Gone again, or a picture that nobody can play: looked at anew with the next round.
            log.debug("Stream %s has no window now: %s", name, refusal.message)
            await asyncio.sleep(_AGAIN_SECONDS)
            return
        if feed is None:
            return
        waiting: asyncio.Queue[Gathered | None] = asyncio.Queue()
        line = _Line(waiting)
        gathering = Gathering(item_seconds=item_seconds, give=line.give, over=line.over)
        cutter = feed.cutter()
        cutter.subscribe(gathering)
        try:
            if not cutter.unsuitable:
                await self._shelf.begin(name)
            while not cutter.unsuitable and (item := await waiting.get()) is not None:
                await self._add(name, item, line)
        finally:
            cutter.unsubscribe(gathering)
            gathering.flush()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SECONDS):
                    while not waiting.empty():
                        if (item := waiting.get_nowait()) is not None:
                            await self._add(name, item, line)
        if cutter.unsuitable:
            # The cutter has said why; the same picture is the same in two seconds.
            await asyncio.sleep(_UNSUITABLE_SECONDS)

    async def _add(self, name: str, item: Gathered, line: _Line) -> None:
        if self._shelf.full:
            line.lost = True
            return
        breaks, line.lost = item.breaks or line.lost, False
        try:
            await self._shelf.add(
                name,
                head=item.head,
                data=item.data,
                start_ms=item.start_ms,
                duration_ms=item.duration_ms,
                breaks=breaks,
            )
            metrics.window_written.inc(sum(map(len, item.data)))
        except OSError as error:
            line.lost = True
            metrics.window_lost.inc()
            log.error("An item of the window of %s could not be written: %s", name, error.strerror or error)


class _Line:
    """Items that wait for the disk. `lost`: something between the last one that was written and the next is missing."""

    def __init__(self, waiting: asyncio.Queue[Gathered | None]) -> None:
        self._waiting = waiting
        self.lost = False

    def give(self, item: Gathered) -> None:
        if self._waiting.qsize() < _MOST_WAITING:
            self._waiting.put_nowait(item)
        else:
            self.lost = True
            metrics.window_lost.inc()

    def over(self, word: str) -> None:
        self._waiting.put_nowait(None)
