"""An input as it is now: the decoder that is shown, and the one that is to follow it.

Two threads: the intake's starts and ends decoders (`tend`); the canvas's takes a step at a time (`take`) and is the one that changes from a
decoder to the next, so that it happens between two frames, with both sounds laid over each other for a moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from streams.media.compositor.drawing.picture import Picture
from streams.media.compositor.inputs.decoder import Decoder
from streams.media.compositor.inputs.timeline import Sound
from streams.media.compositor.scene import Input

# Without a picture for so long an input is lost; with what is still in store, its card is there within a second.
LOST_SECONDS: Final = 0.7
# A decoder that is silent for so long gets a rival: it may hang. It goes on if it comes to itself first.
_SILENT_SECONDS: Final = 6.0
_PAUSES: Final = (0.1, 0.3, 0.6, 1.0, 2.0)
# One that ran for so long did not fail.
_RAN_SECONDS: Final = 5.0
# A place that has grown is worth a new decoder when it stays so for so long, one that has shrunk when it does so for longer.
_GROWN, _GROWN_SECONDS = 1.2, 0.7
_SHRUNK, _SHRUNK_SECONDS = 0.6, 10.0
_FADE_SAMPLES: Final = 480
# What a picture is taken for until it was seen.
_USUAL_SHAPE: Final = (16, 9)

# So long a decoder looks for two tracks at most: usually, where there was one only, and where pictures may come late.
_LOOK_SECONDS, _LOOK_FOR_ONE_SECONDS, _LOOK_LONG_SECONDS = 3.0, 1.0, 12.0

State = Literal["up", "lost", "waiting"]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an input: its picture (None: its card is to be shown) and its sound (None: silence)."""

    picture: Picture | None
    sound: Sound | None
    state: State


class Source:
    """`of`: of kind stream or film. `wanted`: the box in pixels that its largest place takes."""

    def __init__(self, of: Input, *, fps: int, wanted: Size, make: Callable[..., Decoder] = Decoder) -> None:
        self.of, self.fps = of, fps
        self.restarts = 0
        self.why = ""
        self._make = make
        self._wanted, self._wanted_since = wanted, 0.0
        self._shape: Size = _USUAL_SHAPE
        self._tracks = (True, True)
        self._look_seconds = _LOOK_SECONDS
        self._current: Decoder | None = None
        self._next: Decoder | None = None
        self._noted: Decoder | None = None
        self._retired: list[Decoder] = []
        self._lock = threading.Lock()
        self._failures = 0
        self._start_at = 0.0
        self._was_up = self._is_closed = False

    # -- the canvas's thread

    def take(self, samples: int, now: float) -> Step:
        with self._lock:
            before, follower = self._current, self._next
            changes = follower is not None and follower.timeline.is_ready
            if changes:
                self._current, self._next = follower, None
                if before is not None:
                    self._retired.append(before)
            decoder = self._current
        if decoder is None:
            return Step(None, None, "waiting")
        taken = decoder.timeline.take(samples)
        sound = taken.sound
        if changes and before is not None:
            sound = _laid_over(before.timeline.take(samples).sound, sound)
        if now - decoder.gave < self._lost_after(decoder):
            self._was_up = True
            return Step(taken.picture, sound, "up")
        return Step(None, sound, "lost" if self._was_up else "waiting")

    def _lost_after(self, decoder: Decoder) -> float:
        """A source of less than two pictures a second is not lost between them."""
        tracks = decoder.words.tracks
        between = 1.6 / tracks.fps if tracks is not None and 0 < tracks.fps < 3 else 0.0
        return min(max(LOST_SECONDS, between), 10.0) + decoder.timeline.stored_seconds

    def wish(self, of: Input, wanted: Size, now: float) -> None:
        """What the scene says of it now; its kind and address are those of before."""
        if of.delay_ms != self.of.delay_ms:
            for decoder in (self._current, self._next):
                if decoder is not None:
                    decoder.timeline.set_delay(of.delay_ms / 1000)
        self.of = of
        if wanted != self._wanted:
            self._wanted, self._wanted_since = wanted, now

    @property
    def about(self) -> tuple[int, int, float]:
        """Width, height and pictures a second of the source, as far as known."""
        tracks = self._current.words.tracks if self._current is not None else None
        return (tracks.width, tracks.height, tracks.fps) if tracks is not None else (0, 0, 0.0)

    @property
    def lag_ms(self) -> int:
        return round(self._current.timeline.depth_seconds * 1000) if self._current is not None else 0

    # -- the intake's thread

    @property
    def decoders(self) -> list[Decoder]:
        """Those that are to be read from."""
        with self._lock:
            return [one for one in (self._current, self._next) if one is not None]

    def tend(self, now: float) -> list[Decoder]:
        """What is due: ends are noted, a decoder is started if one is needed. Gives those that are to be closed."""
        with self._lock:
            gone, self._retired = self._retired, []
            is_due = self._judge(now, gone)
        if is_due and not self._is_closed:
            self._start(now)
        return gone

    def close(self) -> list[Decoder]:
        with self._lock:
            self._is_closed = True
            gone = [one for one in (self._current, self._next, *self._retired) if one is not None]
            self._current = self._next = None
            self._retired = []
            return gone

    def _judge(self, now: float, gone: list[Decoder]) -> bool:
        """Whether a decoder is to be started."""
        for decoder in (self._current, self._next):
            if decoder is not None:
                decoder.settle()
                self._shape = decoder.words.seen or self._shape
        if self._next is not None and (self._next.is_over or self._next.is_wrong):
            gone.append(self._next)
            self._note_end(self._next, now)
            self._next = None
        current = self._current
        if current is None or current.is_over or current.is_wrong or now - current.gave > _SILENT_SECONDS:
            if current is not None and (current.is_over or current.is_wrong) and current is not self._noted:
                # It stays until the next one comes: its last picture, and what is in store, are still shown.
                gone.append(current)
                self.restarts += 1
                self._noted = current
                self._note_end(current, now)
            return self._next is None and now >= self._start_at
        if self._next is not None:
            if (self._next.width, self._next.height) == (current.width, current.height):
                # A rival that is needed no longer.
                gone.append(self._next)
                self._next = None
            return False
        return self.of.kind == "stream" and now >= self._start_at and self._has_outgrown(current, now)

    def _note_end(self, decoder: Decoder, now: float) -> None:
        tracks = decoder.words.tracks
        found = (tracks.pictures, tracks.sound) if tracks is not None else self._tracks
        self.why = decoder.words.why or ("The source ended." if decoder.code == 0 else self.why)
        if decoder.words.was_late or (found == (False, True) and self._look_seconds < _LOOK_LONG_SECONDS):
            # The engine gives sound at once and pictures from the next keyframe on, which some encoders send every ten seconds only: sound
            # alone is believed after a long look.
            self._tracks, self._look_seconds, self._start_at = (True, True), _LOOK_LONG_SECONDS, now
            return
        if found == (True, True):
            # It has both: the next one waits for both.
            self._look_seconds = _LOOK_LONG_SECONDS
        if any(found) and found != (decoder.pictures, decoder.sound):
            # Now it is known what there is.
            self._tracks, self._start_at = found, now
            return
        if not any(found):
            self.why = "It has neither pictures nor sound."
            self._tracks = (True, True)
        self._failures = 0 if now - decoder.began > _RAN_SECONDS else self._failures + 1
        self._start_at = now + _PAUSES[min(self._failures, len(_PAUSES) - 1)]
        if self.of.kind == "film" and not self.of.loops and decoder.code == 0 and decoder.gave:
            self.why, self._start_at = "The film has ended.", float("inf")

    def _has_outgrown(self, current: Decoder, now: float) -> bool:
        width, height = self._box()
        stays = now - self._wanted_since
        if width > current.width * _GROWN or height > current.height * _GROWN:
            return stays > _GROWN_SECONDS
        return max(width / current.width, height / current.height) < _SHRUNK and stays > _SHRUNK_SECONDS

    def _box(self) -> Size:
        """The shape of the picture within the box that is wanted: nothing but picture goes through the pipe."""
        (wide, high), (width, height) = self._shape, self._wanted
        share = min(width / wide, height / high)
        return min(max(round(wide * share / 2), 1) * 2, width), min(max(round(high * share / 2), 1) * 2, height)

    def _start(self, now: float) -> None:
        width, height = self._box()
        pictures, sound = self._tracks
        try:
            decoder = self._make(
                self.of, width=width, height=height, fps=self.fps, pictures=pictures, sound=sound,
                look_seconds=self._look_seconds if pictures and sound else _LOOK_FOR_ONE_SECONDS,
            )  # fmt: skip
        except OSError as error:
            self._failures += 1
            self.why, self._start_at = f"It cannot be started: {error.strerror}.", now + _PAUSES[-1]
            return
        with self._lock:
            self._next = decoder


def _laid_over(before: Sound | None, after: Sound | None) -> Sound | None:
    """From one sound to the other within ten milliseconds. They are of the same length."""
    if before is None or after is None:
        return after
    fade = min(len(after), _FADE_SAMPLES)
    rising = np.linspace(0, 1, fade, dtype=np.float32)[:, None]
    after[:fade] = after[:fade] * rising + before[:fade] * (1 - rising)
    return after
