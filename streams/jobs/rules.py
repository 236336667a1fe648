"""How jobs are let in and tried again. Pure."""

from __future__ import annotations

from typing import Final

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
LONGEST_PAUSE_KILLED_SECONDS: Final = 1.0
# A child that ran so long had started well: what ends it is not the next of a row of failures.
WELL_SECONDS: Final = 30.0
# Estimates are no better than this.
_ROUNDING: Final = 0.005


def pause_seconds(failures: int, *, killed: bool = False, longest: float = LONGEST_PAUSE_SECONDS) -> float:
    """Before the next try after so many failures in a row: doubling, bounded by `longest`. `killed`: by a signal from outside, which says
    little of the job: then it never waits long."""
    if failures <= 0:
        return 0.0
    longest = min(longest, LONGEST_PAUSE_KILLED_SECONDS) if killed else longest
    return float(min(longest, FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 16)))


def failures_after(failures: int, *, ran_seconds: float) -> int:
    """The row of failures, one longer; it begins anew after a good run."""
    return 1 if ran_seconds >= WELL_SECONDS else failures + 1


def fits(needed: float, *, reserved: float, budget: float) -> bool:
    return reserved + needed <= budget + _ROUNDING


def no_room_text(needed: float, *, budget: float) -> str:
    """Why a job waits although everything is there: the same for every look, so that it is written once."""
    if needed > budget + _ROUNDING:
        return f"Needs {needed:.2g} CPU cores; this host gives {budget:.2g} (LIVEROOM_MEDIA_CORES): ask for less, or for a larger host."
    return f"Waits for CPU: it needs {needed:.2g} cores, and other jobs have them."
