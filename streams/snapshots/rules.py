"""What is wrong with a picture, from the lines of the child that looks at it. Plain Python, no clock.

ffmpeg says when a black picture begins and ends at once, and of a frozen picture and of silence only after their threshold. A picture
that is black is frozen too: only the first is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

BLACK, FROZEN, SILENT = "black", "frozen", "silent"
TROUBLES = (BLACK, FROZEN, SILENT)
# Of a child that was started anew: so much later than the threshold it would have said that the trouble goes on.
SURE_SECONDS = 5.0

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

    `late_seconds`: how much before it is seen a black picture begins, where keyframes only are looked at."""

    thresholds: Mapping[str, float]
    started_at: datetime
    told: set[str] = field(default_factory=set)
    late_seconds: float = 0.0
    _seen: dict[str, datetime] = field(default_factory=dict)
    _unsure: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._unsure = set(self.told)

    def hear(self, lines: Iterable[str], *, now: datetime) -> list[Change]:
        """What changed by these lines, and by the time that has passed."""
        for line in lines:
            key, _, _ = line.partition("=")
            begins, ends = _BEGINS.get(key), _ENDS.get(key)
            if begins is not None:
                # A line of silence or of a frozen picture comes when its threshold has passed.
                late = self.late_seconds if begins == BLACK else self._threshold(begins)
                self._seen.setdefault(begins, now - timedelta(seconds=late))
                self._unsure.discard(begins)
            elif ends is not None:
                self._seen.pop(ends, None)
                self._unsure.discard(ends)
        return self._changes(now)

    def _changes(self, now: datetime) -> list[Change]:
        found = []
        for trouble in TROUBLES:
            threshold = self._threshold(trouble)
            began = self._seen.get(trouble)
            if trouble in self._unsure:
                if (now - self.started_at).total_seconds() < threshold + SURE_SECONDS and threshold:
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

    def _threshold(self, trouble: str) -> float:
        return self.thresholds.get(trouble, 0.0)


def said_of(trouble: str) -> str:
    """For the streamer: what is wrong and what to look at."""
    return _WORDS[trouble]


_WORDS = {
    BLACK: "The picture is black: look at the scene and at the camera's cap, cable and rights.",
    FROZEN: "The picture stands still: look at the camera or the captured window.",
    SILENT: "No sound is heard though a sound track arrives: look at the microphone and the mixer.",
}
