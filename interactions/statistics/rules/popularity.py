"""How popular a room is (R6): what was done there lately, forgotten by half every so many minutes, and who is there now.

    heat       ← heat · 2^(−seconds / half-life) + comments · w₁ + likes · w₂ + gift value · w₃
    popularity = ⌊heat⌋ + online · w₄

So looking more often changes nothing but the rounding of the moment, and what nobody does any more is worth nothing in the end: a
thousand points of heat are one after ten half-lives."""

from __future__ import annotations

from collections.abc import Mapping

# What the database holds, with room to spare.
HOTTEST = 2.0**60
COLD = 0.5


def heat_after(
    heat: float,
    *,
    seconds: float,
    comments: int,
    likes: int,
    gift_value: int,
    weights: Mapping[str, int],
) -> float:
    """The heat after so many seconds in which so much was done. What was done counts in full, as if it were done just now."""
    half_life = 60 * max(1, weights.get("half_life_minutes", 1))
    kept = max(0.0, heat) * 2.0 ** (-max(0.0, seconds) / half_life)
    added = (
        max(0, comments) * weights.get("comments", 0)
        + max(0, likes) * weights.get("likes", 0)
        + max(0, gift_value) * weights.get("gift_value", 0)
    )
    found = min(HOTTEST, kept + added)
    return found if found >= COLD else 0.0


def popularity(heat: float, *, online: int, weights: Mapping[str, int]) -> int:
    return int(min(HOTTEST, heat + max(0, online) * weights.get("online", 0)))


def heat_within(popularity: int, *, online: int, weights: Mapping[str, int]) -> float:
    """The heat of a room of which only the sum is known: what those who are there now do not explain."""
    return float(max(0, popularity - max(0, online) * weights.get("online", 0)))
