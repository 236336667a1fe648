"""Which characters a font file has: its `cmap` table, read by itself, for Pillow does not say and an engine for fonts is more than this.

A font is a file of the operating system; a damaged one has no characters rather than an error."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class Coverage:
    """Ranges of characters, from the best Unicode table of one face."""

    def __init__(self, path: Path, index: int = 0) -> None:
        try:
            self._first, self._last = _ranges(path, index)
        except (OSError, ValueError, IndexError, struct.error):
            self._first = self._last = np.empty(0, np.int64)

    def __contains__(self, character: str) -> bool:
        number = ord(character)
        at = int(np.searchsorted(self._first, number, side="right")) - 1
        return at >= 0 and number <= int(self._last[at])


def _ranges(path: Path, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    with path.open("rb") as file:

        def read(offset: int, length: int) -> bytes:
            file.seek(offset)
            found = file.read(length)
            if len(found) < length:
                raise ValueError("a font ends early")
            return found

        start = struct.unpack(">I", read(12 + 4 * index, 4))[0] if read(0, 4) == b"ttcf" else 0
        tables = struct.unpack(">H", read(start + 4, 2))[0]
        records = [struct.unpack(">4sIII", read(start + 12 + 16 * n, 16)) for n in range(tables)]
        places = {tag: (offset, length) for tag, _, offset, length in records}
        if b"cmap" not in places:
            raise ValueError("a font without characters")
        offset, length = places[b"cmap"]
        table = read(offset, min(length, 4 * 2**20))
    count = struct.unpack_from(">H", table, 2)[0]
    found = [struct.unpack_from(">HHI", table, 4 + 8 * n) for n in range(count)]
    formats = {
        struct.unpack_from(">H", table, offset)[0]: offset for platform, _, offset in found if platform in (0, 3)
    }
    if 12 in formats:
        at = formats[12]
        groups = struct.unpack_from(">I", table, at + 12)[0]
        rows = np.frombuffer(table, ">u4", count=groups * 3, offset=at + 16).reshape(-1, 3).astype(np.int64)
        return rows[:, 0], rows[:, 1]
    if 4 in formats:
        at = formats[4]
        segments = struct.unpack_from(">H", table, at + 6)[0] // 2
        ends = np.frombuffer(table, ">u2", count=segments, offset=at + 14).astype(np.int64)
        starts = np.frombuffer(table, ">u2", count=segments, offset=at + 16 + 2 * segments).astype(np.int64)
        keep = starts != 0xFFFF
        return starts[keep], ends[keep]
    raise ValueError("no table of Unicode")
