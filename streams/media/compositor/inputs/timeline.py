"""What one decoder has given and was not shown yet: its pictures and its sound on one time, given out at the pace of the canvas.

Promise: a picture and the sound of its moment are given out in the same step, always; nothing here can make them drift apart, because
there is one position (in samples of 48 kHz from the decoder's zero) for both. How far it stays behind the newest is steered: a source
whose clock is slower, or that stumbles, makes it wait; one that is faster, or that came in a burst, makes it hurry, by half a percent or
by a jump. Memory is bounded. Two threads: one puts in, one takes."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

RATE: Final = 48_000
# The least that stays in store, at the lowest point of a second. Network and decoders deliver in gulps of up to two pictures.
LEAST_SECONDS: Final = 0.06
MOST_SECONDS: Final = 0.4
# What a source that ran dry gets more, and gives back for each ten seconds in which it did not.
_MORE_SECONDS, _LESS_SECONDS, _CALM_SECONDS = 0.04, 0.01, 10.0
# More than so much too much is jumped over.
_JUMP_SECONDS: Final = 0.3
_HURRY: Final = 0.005
# A track that is so much behind the other has stopped, and is not waited for.
_STOPPED_SECONDS: Final = 0.5
_ROOM_SECONDS: Final = 0.7
_FADE_SAMPLES: Final = 240

P = TypeVar("P")
Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Taken(Generic[P]):
    """`sound`: (samples, 2), -1 to 1; None: silence. `runs`: it goes on; otherwise it waits, and `picture` is the last."""

    picture: P | None
    sound: Sound | None
    runs: bool


class Timeline(Generic[P]):
    """`fps`: pictures a second that are put in, and steps a second in which it is taken out."""

    def __init__(self, *, fps: int, pictures: bool, sound: bool, delay_seconds: float = 0.0) -> None:
        self.fps, self.has_pictures, self.has_sound = fps, pictures, sound
        self.position = 0
        self.least = LEAST_SECONDS
        self.is_running = False
        self.jumps = 0
        self._lock = threading.Lock()
        self._pictures: deque[tuple[int, P]] = deque()
        self._count = 0
        self._shown: P | None = None
        self._heard = self._oldest = 0
        self._fades_in = True
        self._hurry = 0
        self._low, self._looked, self._window = RATE * 60, 0, RATE // 5
        self._calm = 0
        self._delay = 0
        self._ring = np.zeros((0, 2), np.int16)
        self.set_delay(delay_seconds)

    # -- in

    def put_picture(self, picture: P) -> None:
        with self._lock:
            self._pictures.append((self._count, picture))
            self._count += 1
            while len(self._pictures) > self._most_pictures:
                number, _ = self._pictures.popleft()
                self._oldest = -(-(number + 1) * RATE // self.fps)

    def put_sound(self, samples: NDArray[np.int16]) -> None:
        """(any, 2)."""
        with self._lock:
            size = len(self._ring)
            if len(samples) > size:
                self._heard += len(samples) - size
                samples = samples[-size:]
            at = self._heard % size
            first = min(len(samples), size - at)
            self._ring[at : at + first] = samples[:first]
            self._ring[: len(samples) - first] = samples[first:]
            self._heard += len(samples)

    def set_delay(self, seconds: float) -> None:
        """So much later than it would be. A change makes it wait, or jump."""
        delay = round(seconds * RATE)
        with self._lock:
            if delay == self._delay and len(self._ring):
                return
            self._most_pictures = int((seconds + _ROOM_SECONDS) * self.fps) + 2
            size = delay + 2 * RATE
            ring = np.zeros((size, 2), np.int16)
            kept = min(size, len(self._ring), self._heard)
            if kept:
                places = np.arange(self._heard - kept, self._heard)
                ring[places % size] = self._ring[places % len(self._ring)]
            self._ring, self._delay, self.is_running = ring, delay, False

    # -- out

    @property
    def is_ready(self) -> bool:
        """Enough is in store to begin."""
        return self.is_running or self._end() >= self._wanted()

    @property
    def depth_seconds(self) -> float:
        """How far what is given out lies behind the newest."""
        return max(0, self._end() - self.position) / RATE

    @property
    def stored_seconds(self) -> float:
        """How long it would go on if nothing more came."""
        return len(self._pictures) / self.fps if self.has_pictures else self.depth_seconds

    def take(self, samples: int) -> Taken[P]:
        """The next step: so many samples, and the picture that belongs to them."""
        with self._lock:
            if not self.is_running:
                if self._end() - self.position < self._wanted():
                    return Taken(self._shown, None, False)
                self._begin()
            self._skip_lost()
            depth = self._end() - self.position
            if depth < samples:
                return self._run_dry(samples, max(0, depth))
            self._steer(samples, depth)
            more = min(self._hurry, max(1, int(samples * _HURRY)), self._end() - self.position - samples)
            self._hurry -= more
            self._choose()
            sound = self._read(samples + more, samples) if self.has_sound else None
            self.position += samples + more
            return Taken(self._shown, sound, True)

    def _end(self) -> int:
        """Up to where it could go on."""
        pictures = self._count * RATE // self.fps
        if not self.has_sound:
            return pictures
        if not self.has_pictures:
            return self._heard
        return max(min(pictures, self._heard), max(pictures, self._heard) - round(_STOPPED_SECONDS * RATE))

    def _wanted(self) -> int:
        return round(self.least * RATE) + RATE // self.fps + self._delay

    def _whole(self, samples: int) -> int:
        """Of that, what is whole pictures: the position stays where pictures begin, so that sound and picture belong together."""
        return -(-(samples * self.fps // RATE) * RATE // self.fps) if samples > 0 else 0

    def _begin(self) -> None:
        self.position = max(self.position, self._whole(self._end() - self._wanted()))
        self.is_running, self._fades_in, self._hurry = True, True, 0
        self._low, self._looked, self._window = RATE * 60, 0, RATE // 5

    def _skip_lost(self) -> None:
        """Came in a burst, and the oldest had no room."""
        oldest = self._oldest if self.has_pictures else self._heard - len(self._ring)
        if oldest > self.position:
            self.position, self._fades_in, self.jumps = oldest, True, self.jumps + 1

    def _steer(self, samples: int, depth: int) -> None:
        self._low = min(self._low, depth - samples - self._delay)
        self._looked += samples
        self._calm += samples
        if self._calm >= _CALM_SECONDS * RATE:
            self._calm, self.least = 0, max(LEAST_SECONDS, self.least - _LESS_SECONDS)
        if self._looked < self._window:
            return
        too_much = self._low - round(self.least * RATE)
        self._low, self._looked, self._window = RATE * 60, 0, RATE
        if too_much > _JUMP_SECONDS * RATE:
            self.position += self._whole(too_much)
            self._fades_in, self._hurry, self.jumps = True, 0, self.jumps + 1
        elif self._hurry <= 0 and self._whole(too_much) > 0:
            self._hurry = self._whole(RATE // self.fps + 1)

    def _run_dry(self, samples: int, depth: int) -> Taken[P]:
        """What is left is faded out, and then it waits until there is enough again."""
        self.is_running, self._hurry, self._calm = False, 0, 0
        self.least = min(MOST_SECONDS, self.least + _MORE_SECONDS)
        self._choose()
        sound = None
        if self.has_sound and self._heard > self.position:
            left = min(samples, self._heard - self.position)
            sound = np.zeros((samples, 2), np.float32)
            sound[:left] = self._read(left, left) * np.linspace(1, 0, left, dtype=np.float32)[:, None]
        return Taken(self._shown, sound, False)

    def _choose(self) -> None:
        wanted = (2 * self.position * self.fps + RATE) // (2 * RATE)
        while self._pictures and self._pictures[0][0] <= wanted:
            self._shown = self._pictures.popleft()[1]

    def _read(self, length: int, samples: int) -> Sound:
        """`length` samples from the position on, brought to `samples`. What was lost is silence."""
        size = len(self._ring)
        found = np.zeros((length, 2), np.float32)
        start, stop = max(self.position, self._heard - size, 0), min(self.position + length, self._heard)
        if stop > start:
            at, count = start % size, stop - start
            first = min(count, size - at)
            into = start - self.position
            found[into : into + first] = self._ring[at : at + first]
            found[into + first : into + count] = self._ring[: count - first]
            found *= np.float32(1 / 32768)
        if length != samples:
            places = np.linspace(0, length - 1, samples, dtype=np.float32)
            steps = np.arange(length, dtype=np.float32)
            found = np.stack([np.interp(places, steps, found[:, side]) for side in (0, 1)], axis=1).astype(np.float32)
        if self._fades_in:
            self._fades_in = False
            fade = min(samples, _FADE_SAMPLES)
            found[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)[:, None]
        return found
