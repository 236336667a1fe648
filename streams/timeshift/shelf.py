"""All windows of this host, and the disk that they share: who reads and writes them does so here, and what is too much goes.

One thread does it all: a slow disk shifts no viewer of a running picture waiting, and nothing needs a lock. Bounds: each window's own
time, a most of bytes for one and for all, and what has to stay free on the disk; the oldest goes first, of whichever stream."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from streams.rules import names
from streams.timeshift import rules
from streams.timeshift.rules import Held, Item, Shift
from streams.timeshift.window import Window

T = TypeVar("T")
# A window is read anew for viewers at most so often.
FRESH_SECONDS: Final = 0.5
# With the disk full, the last minute of each window stays: it is what players are at.
_KEPT_MS: Final = 60_000
# Freed beyond what is missing, so that it does not have to be done for every item.
_SPARE_BYTES: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes; 0: none. `free`: what has to stay free on the disk."""

    all_bytes: int = 0
    stream_bytes: int = 0
    free_bytes: int = 0


@dataclass(slots=True)
class Swept:
    """`held` by stream, of those that have anything; `full`: nothing can be written now, and why."""

    held: dict[str, Held] = field(default_factory=dict)
    removed: int = 0
    full: str = ""


class Shelf:
    """`free` tells the free bytes of the disk; `clock` counts seconds and never goes back."""

    def __init__(
        self, folder: Path, *, bounds: Bounds, free: Callable[[Path], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder = folder
        self.full = ""
        self._bounds = bounds
        self._free = free
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._read_at: dict[str, float] = {}
        self._unknown: set[str] = set()
        self._short: dict[str, str] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="timeshift")

    async def _do(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    # For players

    async def items(self, stream: str) -> Sequence[Item]:
        """What the window of a stream has, from the oldest."""
        return await self._do(partial(self._items, stream))

    def _items(self, stream: str) -> Sequence[Item]:
        window = self._window(stream)
        now = self._clock()
        if now - self._read_at.get(stream, float("-inf")) >= FRESH_SECONDS:
            window.refresh()
            self._read_at[stream] = now
        return tuple(window.items)

    def _window(self, stream: str) -> Window:
        if not names.valid(stream):
            raise ValueError("no name of a stream")
        found = self._windows.get(stream)
        if found is None:
            found = self._windows[stream] = Window(self.folder / stream)
        return found

    # For who writes

    async def begin(self, stream: str) -> None:
        await self._do(lambda: self._window(stream).begin())

    async def add(
        self, stream: str, *, head: bytes, data: list[bytes], start_ms: int, duration_ms: int, breaks: bool
    ) -> Item:
        """One item; `breaks`: it does not continue the one before. OSError."""

        def add() -> Item:
            window = self._window(stream)
            if breaks:
                window.broke()
            self._read_at.pop(stream, None)
            return window.add(head=head, data=data, start_ms=start_ms, duration_ms=duration_ms)

        return await self._do(add)

    # Bounds

    async def sweep(self, shifts: Mapping[str, Shift], *, now_ms: int) -> Swept:
        """Remove what is too old and too much, and what belongs to no stream that has a window."""
        return await self._do(partial(self._sweep, dict(shifts), now_ms))

    def _sweep(self, shifts: Mapping[str, Shift], now_ms: int) -> Swept:
        swept = Swept()
        self._remove_unknown(shifts)
        for stream in self._there() & set(shifts):
            swept.removed += self._window(stream).prune(before_ms=shifts[stream].floor_ms(now_ms))
            if self._bounds.stream_bytes:
                excess = self._window(stream).size - self._bounds.stream_bytes
                why = f"One stream may take {_gb(self._bounds.stream_bytes)} GB."
                swept.removed += self._take([stream], excess=excess, why=why, younger_ms=now_ms)
        streams = sorted(self._there() & set(shifts))
        if self._bounds.all_bytes:
            excess = sum(self._window(one).size for one in streams) - self._bounds.all_bytes
            why = f"All streams together may take {_gb(self._bounds.all_bytes)} GB."
            swept.removed += self._take(streams, excess=excess, why=why, younger_ms=now_ms)
        swept.removed += self._keep_free(streams, now_ms=now_ms)
        self.full = swept.full = self._full_text()
        for stream in streams:
            window = self._window(stream)
            if window.items:
                oldest, newest = window.items[0], window.items[-1]
                if oldest.start_ms <= now_ms - shifts[stream].seconds * 1000:
                    self._short.pop(stream, None)
                swept.held[stream] = Held(oldest.start_ms, newest.end_ms, window.size, self._short.get(stream, ""))
        return swept

    def _there(self) -> set[str]:
        try:
            return {name for name in os.listdir(self.folder) if names.valid(name)}
        except OSError:
            return set()

    def _remove_unknown(self, shifts: Mapping[str, Shift]) -> None:
        """What nobody wanted at two looks: a window that just begins may be newer than what we know."""
        unknown = self._there() - set(shifts)
        for stream in unknown & self._unknown:
            self._window(stream).remove()
            self._windows.pop(stream, None)
            self._read_at.pop(stream, None)
            self._short.pop(stream, None)
        self._unknown = unknown

    def _keep_free(self, streams: Sequence[str], *, now_ms: int) -> int:
        if not self._bounds.free_bytes or not streams:
            return 0
        missing = self._bounds.free_bytes - self._free(self.folder)
        if missing <= 0:
            return 0
        why = f"The disk is nearly full: {_gb(self._bounds.free_bytes)} GB have to stay free."
        return self._take(streams, excess=missing + _SPARE_BYTES, why=why, younger_ms=now_ms - _KEPT_MS)

    def _full_text(self) -> str:
        if not self._bounds.free_bytes:
            return ""
        free = self._free(self.folder)
        if free >= self._bounds.free_bytes:
            return ""
        return f"The disk is nearly full: {_gb(free)} GB are free, {_gb(self._bounds.free_bytes)} GB have to stay so."

    def _take(self, streams: Sequence[str], *, excess: int, why: str, younger_ms: int) -> int:
        """Remove the oldest items of these streams, until so many bytes are gone; none that ended after `younger_ms`."""
        if excess <= 0:
            return 0
        owned = [(one, item) for one in streams for item in self._window(one).items if item.end_ms < younger_ms]
        gone = rules.too_large([(item.start_ms, item.size) for _, item in owned], excess=excess)
        upto: dict[str, int] = {}
        for place in gone:
            stream, item = owned[place]
            upto[stream] = max(upto.get(stream, 0), item.end_ms)
        for stream, before_ms in upto.items():
            self._short[stream] = why
            self._window(stream).prune(before_ms=before_ms)
        return len(gone)


def _gb(size: int) -> str:
    return f"{size / 1e9:,.2f}".rstrip("0").rstrip(".")
