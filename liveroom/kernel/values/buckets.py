"""How often something may happen: so many in a time, and a burst on top for whoever was quiet before.

Promise: in any t milliseconds never more than `count * t / per_ms + burst`; whoever comes back after the wait that it was
told is let through, and one millisecond earlier is not. The state is one whole number (GCRA, ITU-T I.371), nothing drifts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` in `per_ms`, and `burst` at once."""

    count: int
    per_ms: int
    burst: int

    def __post_init__(self) -> None:
        if min(self.count, self.per_ms, self.burst) < 1:
            raise ValueError(f"a rate of {self} lets nothing through")


# Of somebody who was never seen: everything is free.
NEVER = 0


def take(*, rate: Rate, state: int, now_ms: int, number: int = 1) -> tuple[int, int]:
    """The new state, and how many milliseconds too early this is: 0 means taken, else the state is the old one.

    Time counts in `1 / count` milliseconds, so that one costs a whole number (`per_ms`) of it."""
    if number > rate.burst:
        raise ValueError(f"{number} at once can never fit into a burst of {rate.burst}")
    now = now_ms * rate.count
    new = max(state, now) + number * rate.per_ms
    over = new - now - rate.burst * rate.per_ms
    if over > 0:
        return state, -(-over // rate.count)
    return new, 0
