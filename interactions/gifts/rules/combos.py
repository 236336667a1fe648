"""Which gifts are told together (G4): clicks by twenty or by the second, what was chosen at once by itself.

Promise: every gift is in exactly one group; a group holds gifts of one kind by one user in one room, in the order in which they were
paid; the sums of the groups are the sums of the gifts. The running number goes on while the next gift comes within five seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

# As shipped; both are settings of the app.
EVERY: Final = 20
WAIT_MS: Final = 1_000
STREAK_MS: Final = 5_000

Kind = tuple[int, int, int]
"""Room, buyer, gift: what may be merged."""


@dataclass(frozen=True, slots=True)
class Paid:
    """A gift that was paid and not told. `runs`: whether it may be shown as a running number; `every` and `wait_ms`: the app's sizes."""

    id: int
    kind: Kind
    count: int
    at_ms: int
    runs: bool
    every: int = EVERY
    wait_ms: int = WAIT_MS

    @property
    def is_click(self) -> bool:
        return self.runs and self.count == 1


@dataclass(frozen=True, slots=True)
class Streak:
    """How a room was last told of a kind: the running number then, and when the last of those gifts was paid."""

    combo: int
    last_at_ms: int


@dataclass(frozen=True, slots=True)
class Group:
    """One message. `combo` is the running number with these."""

    kind: Kind
    ids: tuple[int, ...]
    count: int
    combo: int
    last_at_ms: int


@dataclass(frozen=True, slots=True)
class Grouping:
    """`again_in_ms`: when the first of those that wait is due, None: nothing waits."""

    groups: tuple[Group, ...]
    again_in_ms: int | None


def grouped(
    paid: Iterable[Paid], *, now_ms: int, streaks: Mapping[Kind, Streak], crowded: frozenset[int] = frozenset()
) -> Grouping:
    """Groups in the order of their last gift. `crowded`: rooms in which gifts wait for the room's rate: there whatever one user gave of
    one kind within a second is one message (C3)."""
    by_kind: dict[Kind, list[Paid]] = {}
    for gift in paid:
        by_kind.setdefault(gift.kind, []).append(gift)
    groups: list[Group] = []
    soonest: int | None = None
    for kind, gifts in by_kind.items():
        parts, due_ms = _parts(gifts, now_ms=now_ms, crowded=kind[0] in crowded)
        streak = streaks.get(kind)
        for part in parts:
            group = _group(kind, part, streak)
            groups.append(group)
            streak = Streak(combo=group.combo, last_at_ms=group.last_at_ms)
        if due_ms is not None:
            due_in = max(0, due_ms - now_ms)
            soonest = due_in if soonest is None else min(soonest, due_in)
    return Grouping(groups=tuple(sorted(groups, key=lambda group: group.ids[-1])), again_in_ms=soonest)


def _parts(gifts: list[Paid], *, now_ms: int, crowded: bool) -> tuple[list[list[Paid]], int | None]:
    """What is told now, and when the rest is due."""
    parts: list[list[Paid]] = []
    waiting: list[Paid] = []
    for gift in gifts:
        if crowded or gift.is_click:
            waiting.append(gift)
            if not crowded and len(waiting) >= gift.every:
                parts.append(waiting)
                waiting = []
        else:
            # Clicks that were paid before it are told before it.
            parts += [waiting, [gift]] if waiting else [[gift]]
            waiting = []
    # A clock that was set back must not make gifts wait.
    if waiting and not 0 <= now_ms - waiting[0].at_ms < waiting[0].wait_ms:
        parts.append(waiting)
        waiting = []
    return parts, waiting[0].at_ms + waiting[0].wait_ms if waiting else None


def _group(kind: Kind, gifts: list[Paid], streak: Streak | None) -> Group:
    count = sum(gift.count for gift in gifts)
    goes_on = streak is not None and gifts[0].runs and gifts[0].at_ms - streak.last_at_ms <= STREAK_MS
    return Group(
        kind=kind,
        ids=tuple(gift.id for gift in gifts),
        count=count,
        combo=count + (streak.combo if goes_on and streak is not None else 0),
        last_at_ms=gifts[-1].at_ms,
    )
