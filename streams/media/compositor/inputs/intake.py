"""All inputs of a compositor, read by one thread: it waits for whichever child says something, and looks after all of them.

Promise: the canvas never waits for an input. What is wanted is said by `want`; at most a twentieth of a second later it is begun."""

from __future__ import annotations

import logging
import selectors
import threading
import time
from collections.abc import Mapping
from typing import Final

from streams.media.compositor.inputs.decoder import Decoder
from streams.media.compositor.inputs.source import Size, Source
from streams.media.compositor.scene import Input

log = logging.getLogger(__name__)

DECODED: Final = ("stream", "film")
_TEND_SECONDS: Final = 0.05
# What comes within so long is read at one go: ffmpeg writes a picture in small pieces. Less for pictures that fill their pipe.
_GATHER_SECONDS, _GATHER_LARGE_SECONDS, _LARGE_BYTES = 0.004, 0.001, 1_000_000


class Intake:
    """`sources`: by the inputs' ids; a new mapping after each change, so that any thread may read it."""

    def __init__(self, *, fps: int) -> None:
        self.fps = fps
        self.sources: Mapping[str, Source] = {}
        self._gone: list[Source] = []
        self._read: dict[Decoder, dict[int, str]] = {}
        self._selector = selectors.DefaultSelector()
        self._gather = _GATHER_SECONDS
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def want(self, inputs: Mapping[str, tuple[Input, Size]], *, now: float) -> None:
        """These and no others, each with the box in pixels that it is needed for. From the canvas's thread."""
        before, after = self.sources, {}
        for name, (one, size) in inputs.items():
            if one.kind not in DECODED:
                continue
            source = before.get(name)
            if source is not None and _same(source.of, one):
                source.wish(one, size, now)
            else:
                source = Source(one, fps=self.fps, wanted=size)
            after[name] = source
        self._gone += [source for name, source in before.items() if after.get(name) is not source]
        self.sources = after

    def close(self) -> None:
        """All children are gone when it returns."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    # -- its thread

    def _run(self) -> None:
        tended = 0.0
        while not self._ends.is_set():
            found = self._selector.select(_TEND_SECONDS)
            if found:
                time.sleep(self._gather)
                found = self._selector.select(0)
            for key, _ in sorted(found, key=lambda one: one[0].data[1] != "words"):
                self._hear(*key.data)
            now = time.monotonic()
            if now - tended >= _TEND_SECONDS:
                tended = now
                try:
                    self._tend(now)
                except Exception:
                    log.exception("Inputs could not be looked after")
        self._gone += self.sources.values()
        self._let_go()

    def _hear(self, decoder: Decoder, name: str) -> None:
        end = next((end for end, one in self._read.get(decoder, {}).items() if one == name), None)
        if end is None:
            return
        try:
            goes_on = decoder.read(name)
        except Exception:
            log.exception("A decoder's %s could not be read", name)
            goes_on = False
        if name == "pictures":
            self._hear(decoder, "sound")
        if not goes_on:
            # It is closed already, and so gone from the kernel's list.
            self._forget(decoder, end)

    def _tend(self, now: float) -> None:
        self._let_go()
        for source in list(self.sources.values()):
            for decoder in source.tend(now):
                self._close(decoder)
            for decoder in source.decoders:
                if decoder not in self._read and not decoder.is_over:
                    self._read[decoder] = decoder.ends
                    for end, name in decoder.ends.items():
                        # Sound beside pictures is read with them: it comes twice as often, and is not needed sooner.
                        if name != "sound" or not decoder.pictures:
                            self._selector.register(end, selectors.EVENT_READ, (decoder, name))
        for decoder in list(self._read):
            if decoder.pictures:
                self._hear(decoder, "sound")

        is_large = any(one.picture_bytes > _LARGE_BYTES for one in self._read)
        self._gather = _GATHER_LARGE_SECONDS if is_large else _GATHER_SECONDS

    def _let_go(self) -> None:
        while self._gone:
            for decoder in self._gone.pop().close():
                self._close(decoder)

    def _close(self, decoder: Decoder) -> None:
        for end in list(self._read.get(decoder, {})):
            self._forget(decoder, end)
        self._read.pop(decoder, None)
        decoder.close()

    def _forget(self, decoder: Decoder, end: int) -> None:
        """A descriptor that was closed is reported no more; its number may be another's by now, so only the note goes."""
        if self._read.get(decoder, {}).pop(end, None) is None:
            return
        try:
            self._selector.unregister(end)
        except (KeyError, ValueError):
            pass


def _same(before: Input, after: Input) -> bool:
    """Whether the same decoder serves both."""
    return (before.kind, before.address, before.before, before.loops) == (
        after.kind, after.address, after.before, after.loops,
    )  # fmt: skip
