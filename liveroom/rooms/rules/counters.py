"""Room counters: up to 20 int64 numbers that are set, increased or decreased (R4)."""

from __future__ import annotations

MAX_COUNTERS = 20
KEY_BYTES = 128
LOWEST, HIGHEST = -(2**63), 2**63 - 1
MODES = ("set", "increase", "decrease")


class OutOfRange(ValueError):
    """The new value does not fit an int64."""


def changed(*, current: int, mode: str, value: int) -> int:
    """The new value; a missing counter counts from 0."""
    new = {"set": value, "increase": current + value, "decrease": current - value}[mode]
    if not LOWEST <= new <= HIGHEST:
        raise OutOfRange("the new value does not fit 64 bits")
    return new
