"""Which rungs a ladder has: what a template asks for, cut to what the source gives. Pure.

Promise: nothing is above the source (size, pictures a second, bitrate where it is known); sizes are even; a picture has at least one
rung. `height` of a rung is its short edge, so a portrait is as wide as a landscape is high."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

Preset = Literal["fast", "balanced", "top_speed"]
PRESETS: Final[tuple[Preset, ...]] = ("fast", "balanced", "top_speed")
Content = Literal["unknown", "natural", "screen", "animation"]

# The name of the rung without a picture; no other may bear it.
AUDIO: Final = "audio"
# An encoder that did not say how many pictures it sends sends about this many.
ASSUMED_FPS: Final = 30.0
# Small pictures need no more than this many a second.
SMALL_HEIGHT, SMALL_FPS = 540, 32.0


@dataclass(frozen=True, slots=True)
class Source:
    """What is pushed, as far as the engine says. 0 and "": not known. No `video_codec`: no pictures."""

    width: int = 0
    height: int = 0
    fps: float = 0.0
    video_codec: str = ""
    audio_codec: str = ""
    bitrate_kbps: int = 0

    @property
    def short_edge(self) -> int:
        return min(self.width, self.height)

    def is_like(self, other: Source) -> bool:
        """Whether a ladder made for one suits the other. Figures of the encoder may waver; sizes and codecs may not."""
        return (
            (self.width, self.height, self.video_codec, self.audio_codec)
            == (other.width, other.height, other.video_codec, other.audio_codec)
            and abs(shown_fps(self.fps) - shown_fps(other.fps)) <= 0.1 * shown_fps(self.fps)
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """A rung as a template asks for it. No `height`: sound only. No `video_bitrate_kbps`: what is usual for the height."""

    name: str
    height: int | None = None
    video_bitrate_kbps: int | None = None
    audio_kbps: int = 128
    most_fps: int | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung as it is made; no size: sound only. `every`: which pictures of the source it shows: each (1), each second one (2) …"""

    name: str
    width: int = 0
    height: int = 0
    video_bitrate_kbps: int = 0
    audio_kbps: int = 128
    every: int = 1

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def short_edge(self) -> int:
        return min(self.width, self.height)


def shown_fps(fps: float) -> float:
    return fps if fps > 0 else ASSUMED_FPS


def rungs_made(*, source: Source, wishes: Sequence[Wish]) -> tuple[Rung, ...]:
    """From the highest to the lowest, sound alone last. Empty: neither a picture of known size nor sound that was asked for."""
    sound = [wish for wish in wishes if wish.height is None] if source.audio_codec else []
    alone = tuple(Rung(wish.name, audio_kbps=wish.audio_kbps) for wish in sound[:1])
    if not source.video_codec:
        # Whoever sends sound gets a ladder of it, whatever sizes were asked for.
        kbps = max((wish.audio_kbps for wish in wishes), default=128)
        return alone or ((Rung(AUDIO, audio_kbps=kbps),) if source.audio_codec and wishes else ())
    if source.short_edge < 2:
        return ()
    sized = [(wish.height, wish) for wish in wishes if wish.height is not None]
    fitting = [pair for pair in sized if pair[0] <= source.short_edge]
    if not fitting and sized:
        # All are above the source: it is made once as it is, with the least bitrate that was asked for.
        least = min(sized, key=lambda pair: (pair[0], usual_kbps(pair[1])))[1]
        as_it_is = replace(least, name=f"{source.short_edge}p", height=source.short_edge, video_bitrate_kbps=None)
        kbps = min(usual_kbps(least), usual_kbps(as_it_is))
        fitting = [(source.short_edge, replace(as_it_is, video_bitrate_kbps=kbps))]
    made = {wish.name: _made(source, wish, height) for height, wish in fitting}
    return (*sorted(made.values(), key=lambda rung: (-rung.pixels, -rung.video_bitrate_kbps)), *alone)


def _made(source: Source, wish: Wish, height: int) -> Rung:
    scale = height / source.short_edge
    width, high = (_even(edge * scale, most=edge) for edge in (source.width, source.height))
    bitrate = usual_kbps(wish)
    if source.bitrate_kbps:
        bitrate = max(1, min(bitrate, source.bitrate_kbps))
    most = wish.most_fps or (SMALL_FPS if height < SMALL_HEIGHT else None)
    return Rung(wish.name, width, high, bitrate, wish.audio_kbps, every=_every(source.fps, most=most))


def _every(fps: float, *, most: float | None) -> int:
    return 1 if most is None or fps <= most else math.ceil(fps / most)


def usual_kbps(wish: Wish) -> int:
    """What was asked for, or what a picture of that height takes (H.264, 30 a second): 1080p 4,000, 720p 2,000, 480p 1,000, 360p 600."""
    if wish.video_bitrate_kbps is not None or wish.height is None:
        return wish.video_bitrate_kbps or 0
    return max(80, round(_KBPS_360P * (wish.height / 360) ** 1.73 / 10) * 10)


_KBPS_360P = 600


def _even(edge: float, *, most: int) -> int:
    """H.264 in 4:2:0 has even sizes only. Of an odd source the last line is squeezed away, not added."""
    near = round(edge / 2) * 2
    return max(2, near if near <= most else most // 2 * 2)


def capped(rungs: Sequence[Rung], *, bitrate_kbps: int) -> tuple[Rung, ...]:
    """The rungs once the source's own bitrate is known: none above it."""
    return tuple(replace(rung, video_bitrate_kbps=min(rung.video_bitrate_kbps, bitrate_kbps)) for rung in rungs)


# CPU seconds per second of 640x360 at 25 pictures (media-facts.md, and measured here again: see README). By preset: encoding;
# decoding and scaling come on top.
_ENCODE: Final = {"fast": 0.060, "balanced": 0.110, "top_speed": 0.260}
_DECODE, _SCALE, _AUDIO_CORES = 0.020, 0.008, 0.014
_UNIT = 640 * 360 * 25


def cores(*, preset: str, source: Source, rungs: Sequence[Rung]) -> float:
    """What the ladder takes of CPU cores, estimated: pictures times pixels times what the preset costs, and sound for each rung."""
    fps = shown_fps(source.fps)
    made = sum(rung.pixels * fps / rung.every for rung in rungs) / _UNIT
    decode = _DECODE * source.width * source.height * fps / _UNIT if made else 0.0
    sound = _AUDIO_CORES * len(rungs) if source.audio_codec else 0.0
    return round(decode + made * (_ENCODE.get(preset, _ENCODE["balanced"]) + _SCALE) + sound, 4)


def pictures(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    return tuple(rung for rung in rungs if rung.pixels)


def without_lowest(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """What is left when it falls behind: one picture less; the last one stays. Sound alone costs nothing and stays too."""
    seen = pictures(rungs)
    return tuple(rung for rung in rungs if rung is not seen[-1]) if len(seen) > 1 else tuple(rungs)


def without_highest(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """What is left when there is too little room to begin with: the dearest goes, the last one stays."""
    seen = pictures(rungs)
    return tuple(rung for rung in rungs if rung is not seen[0]) if len(seen) > 1 else tuple(rungs)


@dataclass(slots=True)
class Pace:
    """Whether a ladder keeps up, from looks at how far it is. Behind: over ten seconds it made less than what passed, while more was
    always waiting to be read (a source that stalls is not the ladder's fault). Memory: the looks of those seconds."""

    _looks: deque[tuple[float, float, int]] = field(default_factory=deque)

    def look(self, *, at: float, out_seconds: float, waiting_bytes: int) -> bool:
        """`at`: seconds on any clock. True once it has been behind for BEHIND_SECONDS; then it begins anew."""
        looks = self._looks
        if not out_seconds:
            return False  # it has not begun: it waits for a keyframe
        if looks and (at <= looks[-1][0] or out_seconds < looks[-1][1]):
            looks.clear()
        looks.append((at, out_seconds, waiting_bytes))
        while len(looks) > 1 and at - looks[1][0] >= BEHIND_SECONDS:
            looks.popleft()
        passed = at - looks[0][0]
        if passed < BEHIND_SECONDS or min(waiting for _, _, waiting in looks) < WAITING_BYTES:
            return False
        if out_seconds - looks[0][1] >= SLOW * passed:
            return False
        looks.clear()
        return True


BEHIND_SECONDS: Final = 10.0
# Progress comes once a second: at the ends of ten seconds up to one of it is rounding.
SLOW: Final = 0.93
# Half a second of a usual source: a busy host lets a child wait for less without harm.
WAITING_BYTES: Final = 65_536
