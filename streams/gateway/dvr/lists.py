"""Lists of windows that were made: who watches the same part gets the same bytes, until the next item comes. Memory, bounded."""

from __future__ import annotations

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import Sequence

from streams.timeshift import playlist
from streams.timeshift.rules import Item

_GZIP_FROM_BYTES = 1400
_MOST_LISTS = 64


class Lists:
    def __init__(self) -> None:
        self._made: OrderedDict[tuple[object, ...], tuple[bytes, bytes]] = OrderedDict()

    async def made(
        self, *, stream: str, items: Sequence[Item], target: int, from_ms: int | None, secret: str, now_seconds: float
    ) -> tuple[bytes, bytes]:
        """As it is, and compressed ("" where that is not worth it)."""
        folder = playlist.folder_address(stream=stream, secret=secret, now_seconds=now_seconds)
        key = (folder, target, items[0].number, items[-1].number, items[-1].token, from_ms)
        found = self._made.get(key)
        if found is None:
            found = await asyncio.to_thread(_made, items, folder, target, from_ms)
            self._made[key] = found
            while len(self._made) > _MOST_LISTS:
                self._made.popitem(last=False)
        else:
            self._made.move_to_end(key)
        return found


def _made(items: Sequence[Item], folder: str, target: int, from_ms: int | None) -> tuple[bytes, bytes]:
    plain = playlist.playlist(items, folder=folder, target_seconds=target, from_ms=from_ms).encode("ascii")
    if len(plain) < _GZIP_FROM_BYTES:
        return plain, b""
    packer = zlib.compressobj(level=6, wbits=31)
    return plain, packer.compress(plain) + packer.flush()
