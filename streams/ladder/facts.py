"""What happens to ladders."""

from __future__ import annotations

from dataclasses import dataclass

from streams.facts import StreamFact


@dataclass(frozen=True, slots=True)
class LadderChanged(StreamFact):
    """Viewers can get these rungs now, from the highest to the lowest; none: the ladder is gone. `unplayable`: of the source."""

    on_programme: bool
    rungs: tuple[str, ...]
    unplayable: str


@dataclass(frozen=True, slots=True)
class LadderShed(StreamFact):
    """There is too little CPU for all rungs. `behind`: it fell behind while it ran; else there was no room to begin with."""

    rungs: tuple[str, ...]
    left: tuple[str, ...]
    behind: bool
