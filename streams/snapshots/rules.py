"""What is wrong with a picture, from the lines of the child that looks at it. Plain Python, no clock.

ffmpeg says at once when a black picture begins and ends, and of a frozen picture and of silence after two seconds; how long something
lasts is counted here. A picture that is black is frozen too: only the first is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

BLACK, FROZEN, SILENT = "black", "frozen", "silent"
TROUBLES = (BLACK, FROZEN, SILENT)
# A child that was started anew has said by then that a trouble goes on (its filters speak after two seconds, and it has to begin).
SURE_SECONDS = 12.0
# No decoder holds pictures back for longer than some keyframes.
MOST_LATE_SECONDS = 30.0

_BEGINS = {
    "lavfi.black_start": BLACK,
    "lavfi.freezedetect.freeze_start": FROZEN,
    "lavfi.silence_start": SILENT,
}
_ENDS = {"lavfi.black_end": BLACK, "lavfi.freezedetect.freeze_end": FROZEN, "lavfi.silence_end": SILENT}


@dataclass(frozen=True, slots=True)
class Change:
    """A trouble that began (and lasted longer than its threshold) or is over. `began_at` of one that is over: None."""

    trouble: str
    on: bool
    began_at: datetime | None = None


@dataclass(slots=True)
class Detector:
    """Of one child. `thresholds`: seconds by trouble, 0 or missing: not looked for. `told`: what is known to go on from before.

    `late_seconds`: how much before it is seen something begins, where it cannot be reckoned from the times that the lines bear."""

    thresholds: Mapping[str, float]
    started_at: datetime
    told: set[str] = field(default_factory=set)
    late_seconds: float = 0.0
    _seen: dict[str, datetime] = field(default_factory=dict)
    _unsure: set[str] = field(default_factory=set)
    _at: float | None = None

    def __post_init__(self) -> None:
        self._unsure = set(self.told)

    def hear(self, lines: Iterable[str], *, now: datetime, stream_seconds: float = 0.0) -> list[Change]:
        """What changed by these lines, and by the time that has passed. `stream_seconds`: how far the child has come; a picture that is
        seen now may be seconds older, because a decoder holds some back."""
        for line in lines:
            key, _, value = line.partition("=")
            if line.startswith("frame:"):
                self._at = _number(line.rpartition("pts_time:")[2])
            elif (begins := _BEGINS.get(key)) is not None:
                self._seen.setdefault(begins, now - timedelta(seconds=self._late(_number(value), stream_seconds)))
                self._unsure.discard(begins)
            elif (ends := _ENDS.get(key)) is not None:
                self._seen.pop(ends, None)
                self._unsure.discard(ends)
        return self._changes(now)

    def _late(self, began: float | None, stream_seconds: float) -> float:
        """How long ago something began that the child has just said."""
        if began is None:
            return self.late_seconds
        known = max(stream_seconds, self._at or 0.0) - began
        return min(MOST_LATE_SECONDS, max(self.late_seconds, known))

    def _changes(self, now: datetime) -> list[Change]:
        found = []
        for trouble in TROUBLES:
            threshold = self.thresholds.get(trouble, 0.0)
            began = self._seen.get(trouble)
            if trouble in self._unsure:
                if threshold and (now - self.started_at).total_seconds() < SURE_SECONDS:
                    continue
                self._unsure.discard(trouble)
            lasts = began is not None and threshold > 0 and (now - began).total_seconds() >= threshold
            if lasts and trouble == FROZEN and BLACK in self._seen:
                continue
            if lasts and trouble not in self.told:
                self.told.add(trouble)
                found.append(Change(trouble, on=True, began_at=began))
            elif began is None and trouble in self.told:
                self.told.discard(trouble)
                found.append(Change(trouble, on=False))
        return found


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if -1e9 < found < 1e9 else None


def said_of(trouble: str) -> str:
    """For the streamer: what is wrong and what to look at."""
    return _WORDS[trouble]


_WORDS = {
    BLACK: "The picture is black: look at the scene and at the camera's cap, cable and rights.",
    FROZEN: "The picture stands still: look at the camera or the captured window.",
    SILENT: "No sound is heard though a sound track arrives: look at the microphone and the mixer.",
}
