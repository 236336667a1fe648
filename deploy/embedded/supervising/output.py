"""All lines of all children in one stream, each with a name in front and without secrets.

Whoever writes never waits: a terminal that is stopped or a pipe that nobody reads must not stall the children behind
it, so at most MOST_WAITING lines are kept and the rest is counted and dropped."""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
import time
import zlib
from typing import TextIO

from deploy.embedded.supervising.masking import Masker

MOST_WAITING = 20_000
LONGEST_LINE = 8_000
COLOURS = (31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96)
# What viewers typed ends up in logs: no escape sequence of theirs reaches the operator's terminal.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 9}


class Output:
    def __init__(self, *, masker: Masker, stream: TextIO = sys.stdout, width: int = 10) -> None:
        self.masker = masker
        stream.flush()
        self._handle = stream.fileno()
        self._width = width
        self._colour = stream.isatty()
        self._waiting: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self._dropped = 0
        self._last_line_at = time.monotonic()
        self._writer = threading.Thread(target=self._write, name="output", daemon=True)
        self._writer.start()

    def line(self, name: str, text: str) -> str:
        """Returns the line as it was shown, without the name."""
        shown = text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]} … (cut)"
        shown = self.masker(shown).translate(_CONTROL)
        label = name.ljust(self._width)
        if self._colour:
            label = f"\x1b[{COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]}m{label}\x1b[0m"
        self._put(f"{label} | {shown}\n")
        self._last_line_at = time.monotonic()
        return shown

    async def quiet(self, *, for_seconds: float, at_most_seconds: float) -> None:
        """Returns when no child has said anything for so long, or after all when one never stops talking."""
        end = time.monotonic() + at_most_seconds
        while (now := time.monotonic()) < min(end, self._last_line_at + for_seconds):  # noqa: ASYNC110 - it moves
            await asyncio.sleep(min(end, self._last_line_at + for_seconds) - now)

    def for_people(self, text: str) -> None:
        """As it is: what an operator needs to read in clear, such as the stream key of the demo."""
        self._put(f"{text}\n")

    def close(self, *, timeout_seconds: float = 2) -> None:
        """Writes what is waiting, unless nobody reads."""
        try:
            self._waiting.put(None, timeout=timeout_seconds)
        except queue.Full:
            return
        self._writer.join(timeout_seconds)

    def _put(self, text: str) -> None:
        try:
            self._waiting.put_nowait(text)
        except queue.Full:
            self._dropped += 1

    def _write(self) -> None:
        while (text := self._waiting.get()) is not None:
            if self._dropped:
                text = f"(output was not read: {self._dropped} lines dropped)\n{text}"
                self._dropped = 0
            block = text.encode(errors="backslashreplace")
            try:
                # Past Python's buffers: a write that never returns would hold their lock when the process ends.
                while block:
                    block = block[os.write(self._handle, block) :]
            except OSError:
                # Nobody can read any more. The children go on; what is written from here on goes nowhere.
                self._handle = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
