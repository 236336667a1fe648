"""Points, levels and badges: what somebody has done, weighed (O3). The same facts make the same level, whoever counts and whenever.

    points = minutes · w₁ + messages · w₂ + likes · w₃ + gift value · w₄ + (w₅ while a member)

The first threshold begins level 1; below it is level 0. A level follows its points: who is refunded may lose it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# What the database holds, with room to spare.
MOST_POINTS = 2**62
SHOWN_BADGES = 3
GIVEN, LEVEL, MEMBER = "given", "level", "member"


@dataclass(frozen=True, slots=True)
class Measures:
    """What counts. `gift_value` in minor units; it falls with a refund."""

    minutes: int = 0
    messages: int = 0
    likes: int = 0
    gift_value: int = 0
    member: bool = False


@dataclass(frozen=True, slots=True)
class BadgeRule:
    """A badge of the app: earned where `measure` reaches `at_least`; `given` is earned by nobody. `place`: small is shown first."""

    id: int
    label: str
    measure: str
    at_least: int
    place: int


def points(measures: Measures, weights: Mapping[str, int]) -> int:
    """Never negative; a weight that is missing is 0."""
    found = (
        measures.minutes * weights.get("minutes", 0)
        + measures.messages * weights.get("messages", 0)
        + measures.likes * weights.get("likes", 0)
        + measures.gift_value * weights.get("gift_value", 0)
        + measures.member * weights.get("member", 0)
    )
    return min(MOST_POINTS, max(0, found))


def level_of(points: int, thresholds: Sequence[int]) -> int:
    """`thresholds` rise."""
    return bisect_right(thresholds, points)


def next_level_at(points: int, thresholds: Sequence[int]) -> int | None:
    """Points at which the next level begins; None: there is none."""
    level = level_of(points, thresholds)
    return thresholds[level] if level < len(thresholds) else None


def earned(measures: Measures, *, level: int, badges: Iterable[BadgeRule]) -> set[int]:
    """Ids of the badges that these measures earn."""
    return {badge.id for badge in badges if _earns(measures, level, badge)}


def _earns(measures: Measures, level: int, badge: BadgeRule) -> bool:
    if badge.measure == GIVEN:
        return False
    if badge.measure == MEMBER:
        return measures.member
    reached = level if badge.measure == LEVEL else int(getattr(measures, badge.measure))
    return reached >= badge.at_least


def shown(held: Iterable[BadgeRule]) -> list[str]:
    """The labels beside the nick: at most three, those of the smallest place."""
    return [badge.label for badge in sorted(held, key=lambda badge: (badge.place, badge.id))[:SHOWN_BADGES]]
