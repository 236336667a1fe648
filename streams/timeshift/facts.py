"""What happens to windows."""

from __future__ import annotations

from dataclasses import dataclass

from streams.facts import StreamFact


@dataclass(frozen=True, slots=True)
class TimeShiftChanged(StreamFact):
    """Viewers may go back so far (0: not at all), and are kept so far behind: their addresses are others now."""

    on_programme: bool
    seconds: int
    delay_seconds: int
    unplayable: str
