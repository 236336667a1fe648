"""One decoder child: started, read from, ended. What it gives goes on its timeline.

All of it is done by one thread (`intake.py`), which never waits here: what a child says is read at once, wanted or not, so that no child
ever waits for us either. It dies with the thread that started it, and so with this process."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from contextlib import suppress
from typing import Final

import numpy as np

from streams.media.compositor.drawing.picture import Picture, planes
from streams.media.compositor.inputs.pool import Pool
from streams.media.compositor.inputs.timeline import Timeline
from streams.media.compositor.inputs.words import Words
from streams.media.compositor.scene import Input
from streams.media.graphs import mixing

_TIED = ("setpriv", "--pdeathsig", "KILL")
_PIPE_BYTES: Final = 1 << 20
_READ_BYTES: Final = 1 << 16
_SAMPLE_BYTES: Final = 4
# Rooms that are kept after a burst.
_USUAL_ROOMS: Final = 10


class Decoder:
    """`pictures`, `sound`: which tracks are asked for; the source must have them. OSError: it cannot be started."""

    def __init__(
        self,
        of: Input,
        *,
        width: int,
        height: int,
        fps: int,
        pictures: bool = True,
        sound: bool = True,
        look_seconds: float = 3.0,
    ) -> None:
        self.width, self.height, self.fps = width, height, fps
        self.pictures, self.sound = pictures, sound
        self.words = Words()
        self.timeline: Timeline[Picture] = Timeline(
            fps=fps, pictures=pictures, sound=sound, delay_seconds=of.delay_ms / 1000
        )
        self.began = time.monotonic()
        # When it last gave a picture (a sound, where there are no pictures).
        self.gave = 0.0
        self.is_over = False
        self._pool = Pool(width * height * 3 // 2)
        self._room = self._pool.room()
        self._filled = 0
        self._rest = b""
        ends: list[int] = []
        try:
            pairs = {name: _pipe(ends) for name, asked in (("pictures", pictures), ("sound", sound)) if asked}
            spec = mixing.Decode(
                address=of.address, width=width, height=height, fps=fps, before=of.before, live=of.kind == "stream",
                loops=of.loops, look_seconds=look_seconds,
                **{name: pairs[name][1] if name in pairs else None for name in ("pictures", "sound")},
            )  # fmt: skip
            self._child = subprocess.Popen(
                [*_TIED, *mixing.decode(spec)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, pass_fds=[pair[1] for pair in pairs.values()], start_new_session=True,
            )  # fmt: skip
        except OSError:
            for end in ends:
                os.close(end)
            raise
        for pair in pairs.values():
            os.close(pair[1])
        assert self._child.stderr is not None  # noqa: S101 - asked for
        os.set_blocking(self._child.stderr.fileno(), False)
        self._ends = {"words": self._child.stderr.fileno()} | {name: pair[0] for name, pair in pairs.items()}

    @property
    def ends(self) -> dict[int, str]:
        """What is to be read from: descriptor and what comes there. Words first: they explain the rest."""
        return {end: name for name, end in self._ends.items()}

    @property
    def picture_bytes(self) -> int:
        return self._pool.size

    @property
    def code(self) -> int | None:
        return self._child.returncode

    @property
    def is_wrong(self) -> bool:
        """The source became another one, or has more than was asked for: what still comes is not to be used."""
        tracks = self.words.tracks
        has_more = tracks is not None and ((tracks.pictures and not self.pictures) or (tracks.sound and not self.sound))
        return self.words.has_changed or has_more

    def read(self, name: str) -> bool:
        """All that is there now. False: nothing comes there any more."""
        end = self._ends.get(name)
        if end is None:
            return False
        try:
            if name == "pictures":
                alive = self._read_pictures(end)
            elif name == "sound":
                alive = self._read_sound(end)
            else:
                alive = self._read_words(end)
        except BlockingIOError:
            return True
        except OSError:
            alive = False
        if not alive:
            self._shut(name)
        return alive

    def _read_pictures(self, end: int) -> bool:
        for _ in range(8):
            got = os.readv(end, [memoryview(self._room.data)[self._filled :]])
            if got == 0:
                return False
            self._filled += got
            if self._filled == self._pool.size:
                self.timeline.put_picture(self._picture())
                self.gave = time.monotonic()
                self._room, self._filled = self._pool.room(), 0
        return True

    def _picture(self) -> Picture:
        y, u, v = planes(self._room, self.width, self.height)
        width, height = self.words.seen or (self.width, self.height)
        half_width, half_height = width // 2, height // 2
        return Picture(y[:height, :width], u[:half_height, :half_width], v[:half_height, :half_width])

    def _read_sound(self, end: int) -> bool:
        for _ in range(8):
            data = os.read(end, _READ_BYTES)
            if not data:
                return False
            data = self._rest + data if self._rest else data
            whole = len(data) - len(data) % _SAMPLE_BYTES
            self._rest = data[whole:]
            self.timeline.put_sound(np.frombuffer(data, np.int16, whole // 2).reshape(-1, 2))
            if not self.pictures:
                self.gave = time.monotonic()
        return True

    def _read_words(self, end: int) -> bool:
        data = os.read(end, _READ_BYTES)
        self.words.feed(data)
        return bool(data)

    def settle(self) -> None:
        """Looked at now and then: has it ended?"""
        self._pool.shrink(_USUAL_ROOMS + round(self.timeline.depth_seconds * self.fps))
        if not self.is_over and self._child.poll() is not None and not self._ends:
            self.is_over = True

    def close(self) -> None:
        """At once, and all of it."""
        self.is_over = True
        with suppress(OSError):
            self._child.kill()
        for name in list(self._ends):
            self._shut(name)
        self._child.wait()

    def _shut(self, name: str) -> None:
        end = self._ends.pop(name, None)
        if end is None:
            return
        if name == "words" and self._child.stderr is not None:
            self._child.stderr.close()
        else:
            os.close(end)


def _pipe(ends: list[int]) -> tuple[int, int]:
    """Read end, write end; both noted in `ends`."""
    read, write = os.pipe()
    ends += [read, write]
    os.set_blocking(read, False)
    # Refused where a user has many large ones: then it is more reads.
    with suppress(OSError):
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return read, write
