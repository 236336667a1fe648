"""Pictures from files, by their paths: loaded beside the drawing, so that a large one makes no frame late. Until it is there: None."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from liveroom.kernel.errors import BadParameter
from streams.media.compositor.drawing import images
from streams.media.compositor.drawing.colors import Plane

MOST, MOST_BYTES = 24, 96 * 2**20
# A file that was refused is tried again after so long: it may have been half written.
AGAIN_SECONDS: Final = 10.0


class Stills:
    """At most `MOST` pictures and `MOST_BYTES` of pixels are held; the longest unused goes first."""

    def __init__(self, *, waits: bool = False) -> None:
        """`waits`: asking loads at once. For tests and for whoever draws a single picture."""
        self._pool = None if waits else ThreadPoolExecutor(1, thread_name_prefix="stills")
        self._loading: dict[str, Future[Plane | str]] = {}
        self._held: dict[str, Plane] = {}
        self._refused: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def get(self, path: str) -> Plane | None:
        """RGBA. The same object as long as it is held, so that what is made of it can be kept by it."""
        if not path:
            return None
        with self._lock:
            if (held := self._held.pop(path, None)) is not None:
                self._held[path] = held
                return held
            refused = self._refused.get(path)
            if refused and time.monotonic() - refused[0] < AGAIN_SECONDS:
                return None
            if self._pool is None:
                self._settle(path, _loaded(path))
                return self._held.get(path)
            loading = self._loading.get(path)
            if loading is None:
                if len(self._loading) < MOST:
                    self._loading[path] = self._pool.submit(_loaded, path)
                return None
            if not loading.done():
                return None
            del self._loading[path]
            self._settle(path, loading.result())
            return self._held.get(path)

    def refusals(self) -> dict[str, str]:
        """Paths that could not be loaded, each with the reason."""
        with self._lock:
            return {path: why for path, (_, why) in self._refused.items()}

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _settle(self, path: str, found: Plane | str) -> None:
        if isinstance(found, str):
            while len(self._refused) >= MOST:
                self._refused.pop(next(iter(self._refused)))
            self._refused[path] = (time.monotonic(), found)
            return
        self._refused.pop(path, None)
        self._held[path] = found
        while len(self._held) > 1 and (
            len(self._held) > MOST or sum(one.nbytes for one in self._held.values()) > MOST_BYTES
        ):
            self._held.pop(next(iter(self._held)))


def _loaded(path: str) -> Plane | str:
    try:
        return images.load(path)
    except BadParameter as error:
        return error.message
