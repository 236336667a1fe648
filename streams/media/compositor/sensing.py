"""Is an input black, is it silent, and since when. Pure: time is given in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streams.media.compositor.drawing.picture import Picture

# Limited range: black is 16. A dark scene has places that are not.
_BLACK_MEAN, _BLACK_SPREAD = 24.0, 4.0
_SILENT_DB: Final = -60.0
_LOOK_SECONDS: Final = 0.25
# From so long on it is worth a badge.
BADGE_SECONDS: Final = 2.0


def is_black(picture: Picture) -> bool:
    """By a few hundred of its points."""
    step = max(1, picture.height // 20)
    points = picture.y[step // 2 :: step, step // 2 :: step]
    return float(points.mean()) < _BLACK_MEAN and float(points.std()) < _BLACK_SPREAD


@dataclass(slots=True)
class Senses:
    """`black`, `silent`: for so many seconds by now; 0: it is not, or there is nothing to judge."""

    black: float = 0.0
    silent: float = 0.0
    _black_since: float | None = None
    _silent_since: float | None = None
    _looked: float = float("-inf")

    def see(self, picture: Picture | None, now: float) -> None:
        if now - self._looked < _LOOK_SECONDS and picture is not None:
            return
        self._looked = now
        self._black_since = _since(self._black_since, picture is not None and is_black(picture), now)
        self.black = 0.0 if self._black_since is None else now - self._black_since

    def hear(self, rms_db: float, now: float, *, is_up: bool) -> None:
        self._silent_since = _since(self._silent_since, is_up and rms_db < _SILENT_DB, now)
        self.silent = 0.0 if self._silent_since is None else now - self._silent_since

    @property
    def badges(self) -> tuple[str, ...]:
        found = (("black", self.black), ("silent", self.silent))
        return tuple(word for word, seconds in found if seconds >= BADGE_SECONDS)


def _since(before: float | None, holds: bool, now: float) -> float | None:
    return (now if before is None else before) if holds else None
