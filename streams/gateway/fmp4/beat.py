"""The beat of a stream: how many pictures make a part, and where each frame of sound belongs. Pure."""

from __future__ import annotations

import math
from typing import Final

from streams.gateway.picture.flv import Kind, time_of

PART_MS: Final = 200
# Parts may be so much longer than usual: a publisher's milliseconds are rounded ones.
_SLACK: Final = 1.05
# Whole pictures only: a part that ends early at a keyframe must not be shorter than this share of the longest (RFC 8216bis).
_LEAST_SHARE: Final = 0.85
_LEARN_PICTURES: Final = 5
_LEARN_MS: Final = 1000
_LEAST_INTERVAL_MS, _MOST_INTERVAL_MS = 4.0, 1000.0
_MOST_EARLY: Final = 500

# From here sound is late or early by a gap, and not by the rounding of its times; and how far it may drift from the pictures.
_GAP_SECONDS, _DRIFT_SECONDS, _WEIGHT = 0.150, 0.030, 0.1


class Beat:
    """Learned from the first pictures (without pictures: frames of sound): `interval_ms` between two, `part_ms` of the longest part."""

    def __init__(self) -> None:
        self.interval_ms = 0.0
        self.part_ms = 0.0
        self._early: list[tuple[bytes, Kind]] = []
        self._times: list[int] = []

    @property
    def known(self) -> bool:
        return self.part_ms > 0

    def learn(self, tag: bytes, kind: Kind, *, lead_is_video: bool) -> list[tuple[bytes, Kind]]:
        """One more from the beginning. Everything so far once that is enough, before that nothing."""
        if lead_is_video and not self._times and kind is not Kind.KEY:
            return []
        self._early.append((tag, kind))
        if (kind is not Kind.AUDIO) == lead_is_video:
            self._times.append(time_of(tag))
        span = self._times[-1] - self._times[0]
        if len(self._times) >= _LEARN_PICTURES or (len(self._times) > 1 and span >= _LEARN_MS):
            self._settle(span / (len(self._times) - 1))
        elif len(self._early) > _MOST_EARLY:
            self._settle(_MOST_INTERVAL_MS)
        else:
            return []
        early, self._early = self._early, []
        return early

    def _settle(self, interval_ms: float) -> None:
        self.interval_ms = min(max(interval_ms, _LEAST_INTERVAL_MS), _MOST_INTERVAL_MS)
        pictures = max(1, round(PART_MS / self.interval_ms))
        self.part_ms = float(math.ceil(pictures * self.interval_ms * _SLACK))

    def ends(self, part_ms: float, *, at_key: bool) -> bool:
        """Whether a part of this length ends before the picture that has come: one more would be too many, or a keyframe begins anew."""
        return part_ms + self.interval_ms > self.part_ms or (at_key and part_ms >= _LEAST_SHARE * self.part_ms)


class SoundClock:
    """Where frames of sound belong, in samples: one after the other as they were recorded, since a publisher's milliseconds are rounded.

    Sound that was lost leaves a gap; where the publisher's clocks drift apart, a gap or a frame less keeps it with the pictures."""

    def __init__(self, *, rate: int, frame: int) -> None:
        self._rate, self._frame = rate, frame
        self._next = -1
        self._late = 0.0

    def place(self, *, at_ms: int) -> int | None:
        """Of the next frame; None: there is one too many."""
        meant = at_ms * self._rate // 1000
        if self._next < 0:
            self._next = meant
        late = meant - self._next
        self._late += (late - self._late) * _WEIGHT
        if late > _GAP_SECONDS * self._rate:
            self._next, self._late = meant, 0.0
        elif self._late > _DRIFT_SECONDS * self._rate:
            self._next += int(self._late)
            self._late = 0.0
        elif self._late < -_DRIFT_SECONDS * self._rate:
            self._late += self._frame
            return None
        place = self._next
        self._next += self._frame
        return place
