"""Likes over the time of a recording, and how much was said when: what the page draws over its bar. Plain Python."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interactions.replay.rules.timeline import Timeline

# As many columns as a bar on a wide screen can show.
COLUMNS = 120


@dataclass(frozen=True, slots=True)
class Point:
    """So many likes had the room there."""

    at_ms: int
    total: int


def likes_curve(totals: Iterable[tuple[int, int]], timeline: Timeline) -> list[Point]:
    """From (unix ms, total) in any order to points of the recording, rising in both; one at 0 if there are any.

    A total from before the first picture counts for 0. A place where the number stood still has no points between its ends."""
    found: list[Point] = []
    highest = 0
    for wall_ms, total in sorted(totals):
        highest = max(highest, total)
        at = 0 if wall_ms < timeline.wall_start_ms else timeline.media_ms(wall_ms)
        if at is None:
            at = timeline.duration_ms
        if (found and found[-1].at_ms == at) or (len(found) > 1 and found[-1].total == found[-2].total == highest):
            found[-1] = Point(at, highest)
        else:
            found.append(Point(at, highest))
        if wall_ms >= timeline.last_wall_ms:
            break
    if found and found[0].at_ms > 0:
        found.insert(0, Point(0, min(found[0].total, highest)))
    return found


def likes_at(curve: Sequence[Point], at_ms: int) -> int:
    """In a straight line from point to point; the page does the same."""
    place = bisect_right(curve, at_ms, key=lambda point: point.at_ms)
    if place == 0:
        return 0
    before = curve[place - 1]
    if place == len(curve):
        return before.total
    after = curve[place]
    part = (at_ms - before.at_ms) / (after.at_ms - before.at_ms)
    return before.total + int((after.total - before.total) * part)


def strip(counts: Iterable[tuple[int, int]], timeline: Timeline, *, columns: int = COLUMNS) -> list[int]:
    """From (unix ms, how many then) to how many stand in each of the columns of the bar."""
    sums = [0] * columns
    duration = timeline.duration_ms
    for wall_ms, count in counts:
        at = timeline.media_ms(wall_ms)
        if at is not None and duration:
            sums[min(columns - 1, at * columns // duration)] += count
    return sums
