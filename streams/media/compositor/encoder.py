"""The encoder child and what waits for it: one step (a picture and its sound) after the other, from a queue that is bounded.

Promise: the canvas never waits for it. An encoder that died is followed by a new one on the same target at once, with what was still in
the queue; one that takes nothing for three seconds is ended first. What has no room is left out whole, picture and sound, so that the
output stays in step and without a gap, only shorter by that."""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import subprocess
import threading
import time
from contextlib import suppress
from typing import Final

from streams.media.compositor.drawing.canvas import Canvas
from streams.media.graphs import mixing

log = logging.getLogger(__name__)

_TIED = ("setpriv", "--pdeathsig", "KILL")
_PIPE_BYTES: Final = 1 << 20
_STUCK_SECONDS: Final = 3.0
_PAUSES: Final = (0.0, 0.25, 0.5, 1.0, 2.0)
_RAN_SECONDS: Final = 5.0
_FINISH_SECONDS: Final = 1.2


class Encoder:
    """`spec.sound` is filled in here. `left_out`: steps that had no room; `starts`: children so far. Its progress goes where ours goes."""

    def __init__(self, *, target: str, width: int, height: int, fps: int, video_bitrate_kbps: int,
                 audio_bitrate_kbps: int, preset: str) -> None:  # fmt: skip
        self._spec = mixing.Encode(
            target=target, width=width, height=height, fps=fps, sound=-1, video_bitrate_kbps=video_bitrate_kbps,
            audio_bitrate_kbps=audio_bitrate_kbps, preset=preset,
        )  # fmt: skip
        self.left_out = self.starts = 0
        self._size = (width, height)
        self._free: queue.SimpleQueue[Canvas] = queue.SimpleQueue()
        self._steps: queue.SimpleQueue[tuple[Canvas, bytes] | None] = queue.SimpleQueue()
        self._room = max(4, fps // 3)
        self._made = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._pictures = self._sounds = -1
        self._writing_since: float | None = None
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # -- the canvas's thread

    def canvas(self) -> Canvas | None:
        """One to draw the next step on; None: there is no room now, and the step is left out."""
        self._end_a_stuck_one()
        try:
            return self._free.get_nowait()
        except queue.Empty:
            pass
        if self._made < self._room:
            self._made += 1
            return Canvas(*self._size)
        self.left_out += 1
        return None

    def put(self, canvas: Canvas, sound: bytes) -> None:
        self._steps.put((canvas, sound))

    def close(self) -> None:
        """What is in the queue is still sent, within a second."""
        self._steps.put(None)
        self._thread.join(_FINISH_SECONDS)
        self._ends.set()
        child = self._child
        if child is None:
            return
        try:
            child.wait(0.3)
        except subprocess.TimeoutExpired:
            child.kill()
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.3)

    def _end_a_stuck_one(self) -> None:
        since, child = self._writing_since, self._child
        if since is not None and child is not None and time.monotonic() - since > _STUCK_SECONDS:
            log.warning("The encoder takes nothing any more: it is ended.")
            self._writing_since = None
            child.kill()

    # -- its own thread

    def _run(self) -> None:
        failures, began = 0, 0.0
        self._start()
        while True:
            step = self._steps.get()
            if step is None:
                break
            canvas, sound = step
            while not self._ends.is_set() and not self._write(canvas, sound):
                if time.monotonic() - began > _RAN_SECONDS:
                    failures = 0
                self._ends.wait(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1
                self._stop()
                began = time.monotonic()
                self._start()
            self._free.put(canvas)
        self._shut()
        if self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(_FINISH_SECONDS)

    def _write(self, canvas: Canvas, sound: bytes) -> bool:
        """False: nobody takes it."""
        if self._child is None:
            return False
        self._writing_since = time.monotonic()
        try:
            # Sound first: the encoder waits for whichever of the two is behind, and the pipe of sound holds seconds.
            _write_all(self._sounds, memoryview(sound))
            _write_all(self._pictures, memoryview(canvas.buffer.data))
        except OSError:
            return False
        finally:
            self._writing_since = None
        return True

    def _start(self) -> None:
        """OSError is a failure like any other: the next step tries again."""
        ends: list[int] = []
        try:
            for _ in range(2):
                ends += os.pipe()
            read_pictures, self._pictures, read_sounds, self._sounds = ends
            for end in (self._pictures, self._sounds):
                with suppress(OSError):
                    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            arguments = mixing.encode(mixing.with_sound(self._spec, read_sounds))
            self._child = subprocess.Popen(
                [*_TIED, *arguments], stdin=read_pictures, pass_fds=[read_sounds], start_new_session=True
            )
            self.starts += 1
        except OSError as error:
            log.warning("The encoder cannot be started: %s", error.strerror)
            self._child = None
            for end in ends[1::2]:
                os.close(end)
            self._pictures = self._sounds = -1
        finally:
            for end in ends[0::2]:
                os.close(end)

    def _stop(self) -> None:
        self._shut()
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def _shut(self) -> None:
        for end in (self._pictures, self._sounds):
            if end >= 0:
                os.close(end)
        self._pictures = self._sounds = -1


def _write_all(end: int, data: memoryview) -> None:
    while data:
        data = data[os.write(end, data) :]
