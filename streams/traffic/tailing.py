"""A log that grows, read as far as it goes: whole lines only, from where the last reader stopped, and emptied when it is long.

Promise: every whole line is given once, over restarts of ours (the place is kept by the caller, with what came of the lines) and of who
writes, over a rotation by renaming or by emptying. What was written into a file that was renamed away after our last look is lost; so is
what is written in the microseconds between the last read and the emptying, once in 16 MB."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

AT_ONCE_BYTES = 8 * 1024 * 1024
EMPTIED_AT_BYTES = 16 * 1024 * 1024
LONGEST_LINE = 64 * 1024


class Tail:
    def __init__(self, path: Path, *, place: Mapping[str, Any] | None = None) -> None:
        """`place`: as `place` gave it. Without one, what is there already is skipped: somebody else may have read it."""
        self._path = path
        self._known = place is not None
        self._inode = int((place or {}).get("inode", 0))
        self._offset = int((place or {}).get("offset", 0))

    @property
    def place(self) -> dict[str, int]:
        return {"inode": self._inode, "offset": self._offset}

    def lines(self) -> list[bytes]:
        """The whole lines since the last time, without their ends; at most some megabytes. None of them: there is no file."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return []
        try:
            now = os.fstat(descriptor)
            if not self._known:
                self._inode, self._offset, self._known = now.st_ino, now.st_size, True
            if now.st_ino != self._inode or now.st_size < self._offset:
                self._inode, self._offset = now.st_ino, 0
            data = os.pread(descriptor, AT_ONCE_BYTES, self._offset)
        finally:
            os.close(descriptor)
        end = data.rfind(b"\n") + 1
        if not end and len(data) > LONGEST_LINE:
            end = len(data)  # no log of ours has such lines
        self._offset += end
        return data[:end].splitlines()

    def empty_if_long(self) -> None:
        """Once what was read is safe. Only if nothing was written meanwhile."""
        if self._offset < EMPTIED_AT_BYTES:
            return
        try:
            if self._path.stat().st_size == self._offset:
                os.truncate(self._path, 0)
                self._offset = 0
        except OSError:
            return
