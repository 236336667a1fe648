"""A show in numbers: when it is sampled, what a sample is worth, means and sums, gaps filled, one show beside the others.

Promise: a span of time is counted once, however often and by how many processes it is looked at; what nobody sampled is in no mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Final

SLOT_SECONDS: Final = 10
# A late look loses nothing; what is longer is an outage, and nobody knows who watched then.
MOST_SECONDS: Final = 2 * SLOT_SECONDS
# Clocks of two hosts may differ by less than this. A sample that is further ahead was taken by a wrong clock.
AHEAD: Final = timedelta(minutes=1)
MINUTE: Final = timedelta(minutes=1)


def minute_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def slot_of(at: datetime) -> datetime:
    """The beginning of its ten seconds."""
    at = at.astimezone(UTC)
    return at.replace(second=at.second - at.second % SLOT_SECONDS, microsecond=0)


def sampled_at(now: datetime) -> datetime:
    """What is remembered of a sample: whole seconds, so that those between samples add up to the time that went by."""
    return now.astimezone(UTC).replace(microsecond=0)


def due_before(now: datetime) -> datetime:
    """A show that was sampled before this instant is due, and one that was never."""
    return slot_of(now)


def is_due(*, last: datetime | None, now: datetime) -> bool:
    return last is None or last < due_before(now) or last > now + AHEAD


def worth_seconds(*, last: datetime | None, started_at: datetime, now: datetime) -> int:
    """How many seconds a sample stands for: since the last one, or since the show began."""
    since = sampled_at(started_at if last is None else max(last, started_at))
    return int(min(max((sampled_at(now) - since).total_seconds(), 0), MOST_SECONDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """From `minute` on, as long as the list says that it is in. `online_mean` None: nobody looked."""

    minute: datetime
    samples: int = 0
    online_sum: int = 0
    online_peak: int = 0
    guests_peak: int = 0
    watch_seconds: int = 0
    new_viewers: int = 0
    comments: int = 0
    likes: int = 0
    gift_value: int = 0
    followers: int = 0
    drops: int = 0

    @property
    def online_mean(self) -> float | None:
        return round(self.online_sum / self.samples, 2) if self.samples else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Of several minutes. Peaks are the highest, the mean is that of all samples, the rest are sums."""

    online_peak: int
    online_mean: float
    guests_peak: int
    watch_seconds: int
    new_viewers: int
    comments: int
    likes: int
    gift_value: int
    followers: int
    drops: int


_PEAKS: Final = frozenset({"online_peak", "guests_peak"})
_COUNTED: Final = tuple(field.name for field in fields(Minute) if field.name != "minute")


def _together(minutes: Sequence[Minute]) -> Minute:
    """One in place of many, from the first on."""
    values = {
        name: (max if name in _PEAKS else sum)(getattr(minute, name) for minute in minutes)
        for name in _COUNTED
    }  # fmt: skip
    return replace(minutes[0], **values)


def totals(minutes: Sequence[Minute]) -> Totals:
    """Of none: nothing."""
    all_ = _together(minutes) if minutes else Minute(minute=datetime.min.replace(tzinfo=UTC))
    same = {field.name: getattr(all_, field.name) for field in fields(Totals) if field.name != "online_mean"}
    return Totals(online_mean=all_.online_mean or 0.0, **same)


def filled(minutes: Sequence[Minute], *, first: datetime, last: datetime, at_most: int) -> tuple[list[Minute], int]:
    """Every minute from `first` to `last` in order, empty ones where nothing was counted, and how many minutes each entry stands for:
    one, or as many as it takes for `at_most` entries."""
    known = {minute.minute: minute for minute in minutes}
    begins = min([minute_of(first), *known])
    ends = max([minute_of(last), *known])
    count = int((ends - begins) / MINUTE) + 1
    each = -(-count // at_most)
    # What is empty is not made where it would only be added to something.
    if each == 1:
        return [known.get(at) or Minute(minute=at) for at in (begins + MINUTE * n for n in range(count))], 1
    buckets: dict[int, list[Minute]] = {}
    for minute in known.values():
        buckets.setdefault(int((minute.minute - begins) / MINUTE) // each, []).append(minute)
    starts = (begins + MINUTE * each * n for n in range(-(-count // each)))
    return [
        replace(_together(buckets[n]), minute=at) if n in buckets else Minute(minute=at) for n, at in enumerate(starts)
    ], each


@dataclass(frozen=True, slots=True)
class Change:
    """A value beside the mean of the others. `percent` None: there is nothing to be a part of."""

    value: float
    others: int
    mean: float
    percent: int | None


def change(value: float, others: Sequence[float]) -> Change:
    mean = fmean(others) if others else 0.0
    percent = round((value - mean) / mean * 100) if mean > 0 else None
    return Change(value=value, others=len(others), mean=mean, percent=percent)


def in_words(found: Change) -> str:
    """For people: `25 % more than the mean of the 9 others`."""
    if not found.others:
        return "no other stream yet"
    others = "the other one" if found.others == 1 else f"the mean of the {found.others} others"
    if found.percent is None:
        return f"{others} had none" if found.others == 1 else "the others had none"
    if found.percent == 0:
        return f"as {others}"
    return f"{abs(found.percent):,} % {'more' if found.percent > 0 else 'less'} than {others}"
