"""All that a gateway has for windows: their files, who writes them, the lists of them."""

from __future__ import annotations

from streams.gateway.dvr.lists import Lists
from streams.gateway.dvr.recorder import Copy, Live, Recorder, Windows
from streams.gateway.settings import GatewaySettings
from streams.recording.raw.disk import free_bytes
from streams.timeshift.shelf import Bounds, Shelf


class Dvr:
    """`windows` None: nothing is written here and nothing is known."""

    def __init__(self, *, settings: GatewaySettings, windows: Windows | None, live: Live, copy: Copy) -> None:
        bounds = Bounds(
            all_bytes=settings.window_most_bytes,
            stream_bytes=settings.window_stream_bytes,
            free_bytes=settings.disk_free_bytes,
        )
        self.shelf = Shelf(settings.window_folder, bounds=bounds, free=free_bytes)
        self.lists = Lists()
        self.recorder = None if windows is None else Recorder(shelf=self.shelf, windows=windows, live=live, copy=copy)

    def has(self, stream: str) -> bool:
        """Whether the stream has a window, as last heard."""
        return self.recorder is not None and self.recorder.has(stream)

    async def follow(self) -> None:
        if self.recorder is not None:
            await self.recorder.follow()

    async def sweep(self) -> None:
        if self.recorder is not None:
            await self.recorder.sweep()

    async def stop(self) -> None:
        if self.recorder is not None:
            await self.recorder.stop()
        self.shelf.close()
