"""The cutter of one copy, while somebody wants it: made for the first, let go after the last."""

from __future__ import annotations

import time
from collections.abc import Iterable

from streams.gateway.fmp4.cutter import Cutter
from streams.gateway.picture.flv import Kind, kind_of
from streams.gateway.picture.tracks import Tracks


class Cutting:
    def __init__(self, *, name: str) -> None:
        self._name = name
        self._cutter: Cutter | None = None

    def __bool__(self) -> bool:
        return self._cutter is not None

    def cutter(self, *, tracks: Tracks, here_ms: int, earlier: Iterable[bytes]) -> Cutter:
        """The one that runs, or a new one that begins with the `earlier` tags, the newest of which is at `here_ms`."""
        if self._cutter is None:
            now = time.time()
            self._cutter = Cutter(
                name=self._name,
                has_video=tracks.has_video,
                has_audio=tracks.has_audio,
                here_ms=here_ms,
                wall=time.time,
                first_msn=int(now),  # rises from one copy of a stream to the next
            )
            for tag in earlier:
                self._cutter.take(tag, kind_of(tag))
        return self._cutter

    def take(self, tag: bytes, kind: Kind) -> None:
        if self._cutter is not None:
            self._cutter.take(tag, kind)

    def stop_unwanted(self) -> bool:
        """Whether it was just now."""
        if self._cutter is None or self._cutter.is_wanted:
            return False
        self._cutter = None
        return True

    def end(self, word: str) -> None:
        if self._cutter is not None:
            self._cutter.end(word)
