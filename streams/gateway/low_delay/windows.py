"""The windows of this gateway: one per stream that players of low-latency HLS watch, made for the first and let go after the last."""

from __future__ import annotations

import asyncio
from typing import Final

from streams.gateway.low_delay.window import Window
from streams.gateway.picture.feed import Feed

# Players ask several times a second; one that changes networks comes back within this.
_LINGER_SECONDS: Final = 10.0


class LowDelay:
    def __init__(self, *, secret: str) -> None:
        self._secret = secret
        self._windows: dict[str, Window] = {}

    def of(self, feed: Feed) -> Window:
        """Of a copy that is `ready`: the one that is there, or a new one."""
        window, cutter = self._windows.get(feed.name), feed.cutter()
        if window is None or window.cutter is not cutter:
            if window is not None:
                window.close()
            window = self._windows[feed.name] = Window(cutter=cutter, secret=self._secret)
        window.used_at = asyncio.get_running_loop().time()
        return window

    def known(self, stream: str) -> Window | None:
        """The one that is there, also for a while after its stream ended."""
        window = self._windows.get(stream)
        if window is not None:
            window.used_at = asyncio.get_running_loop().time()
        return window

    def sweep(self) -> None:
        limit = asyncio.get_running_loop().time() - _LINGER_SECONDS
        for stream, window in list(self._windows.items()):
            if window.used_at < limit:
                window.close()
                del self._windows[stream]
