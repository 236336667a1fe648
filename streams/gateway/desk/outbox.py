"""What one desk still has to hear: of each word the newest, of each picture the newest. Memory only, bounded by what there is to say.

A desk that is slow loses pictures, never words: at most two frames of pictures are on their way at once, and the next one is sent when
the page has said that it took one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

_ON_THEIR_WAY = 2
# A page that never says what it took (a test by hand, another client) gets pictures all the same, seldom.
_PATIENCE_SECONDS = 5.0


class Outbox:
    def __init__(self) -> None:
        self._words: dict[str, bytes] = {}
        self._pictures: dict[str, str] = {}
        self._sent = 0
        self._sent_at = 0.0
        self._news = asyncio.Event()
        self.over = False

    def say(self, kind: str, frame: bytes) -> None:
        """A whole frame, in place of an older one of its kind."""
        self._words[kind] = frame
        self._news.set()

    def show(self, pictures: Mapping[str, str]) -> None:
        """By name, base64; each in place of an older one."""
        self._pictures.update(pictures)
        self._news.set()

    def keep_only(self, names: set[str]) -> None:
        """Pictures of inputs that are gone are nobody's."""
        for name in self._pictures.keys() - names:
            del self._pictures[name]

    def taken(self) -> None:
        """The page has a frame of pictures."""
        self._sent = max(0, self._sent - 1)
        self._news.set()

    def end(self) -> None:
        self.over = True
        self._news.set()

    async def next(self) -> bytes | None:
        """The next frame, words first; None: it is over."""
        while not self.over:
            if self._words:
                return self._words.pop(next(iter(self._words)))
            if self._pictures and self._may_show():
                frame = msgspec.json.encode({"type": "pictures", "pictures": self._pictures})
                self._pictures = {}
                self._sent += 1
                self._sent_at = asyncio.get_running_loop().time()
                return frame
            self._news.clear()
            await self._news.wait()
        return None

    def _may_show(self) -> bool:
        if self._sent < _ON_THEIR_WAY:
            return True
        if asyncio.get_running_loop().time() - self._sent_at < _PATIENCE_SECONDS:
            return False
        self._sent = 0
        return True
