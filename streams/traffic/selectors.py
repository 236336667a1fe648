"""Traffic as it is asked for: sums, bandwidth now and at its peak, points in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import TruncDay, TruncHour

from streams.traffic import rules
from streams.traffic.models import MinuteTraffic

MINUTE, HOUR, DAY = "minute", "hour", "day"
STEPS = {MINUTE: 60, HOUR: 3600, DAY: 86400}
# The longest range for each: so many points at most.
RANGES = {MINUTE: timedelta(days=1), HOUR: timedelta(days=32), DAY: timedelta(days=366)}
_ROUNDED: dict[str, Any] = {HOUR: TruncHour, DAY: TruncDay}


@dataclass(slots=True)
class Point:
    """A step of time. `kinds`: bytes of each that there were."""

    at: datetime
    seconds: int
    kinds: dict[str, int] = field(default_factory=dict)
    requests: int = 0

    @property
    def in_bytes(self) -> int:
        return sum(size for kind, size in self.kinds.items() if kind in rules.IN)

    @property
    def out_bytes(self) -> int:
        return sum(size for kind, size in self.kinds.items() if kind in rules.OUT)

    @property
    def in_kbps(self) -> int:
        return rules.kbps(size=self.in_bytes, seconds=self.seconds)

    @property
    def out_kbps(self) -> int:
        return rules.kbps(size=self.out_bytes, seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Peak:
    """The busiest minute. None: there was nothing."""

    kbps: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Between two instants. `in_kbps`, `out_kbps`: of the last one to two minutes before now."""

    points: Sequence[Point]
    in_kbps: int
    out_kbps: int
    in_peak: Peak
    out_peak: Peak

    @property
    def kinds(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for point in self.points:
            for kind, size in point.kinds.items():
                found[kind] = found.get(kind, 0) + size
        return found


def rows_of(*, app_id: int, stream_id: int | None = None, room_id: int | None = None) -> QuerySet[MinuteTraffic]:
    """Of a stream, else of a room, else of the whole app."""
    if stream_id is not None:
        return MinuteTraffic.objects.filter(stream_id=stream_id)
    if room_id is not None:
        return MinuteTraffic.objects.filter(room_id=room_id)
    return MinuteTraffic.objects.filter(app_id=app_id)


def step_for(length: timedelta) -> str:
    """The finest that there may be for a range of that length."""
    return next((step for step, longest in RANGES.items() if length <= longest), DAY)


def traffic(*, rows: QuerySet[MinuteTraffic], since: datetime, until: datetime, step: str, now: datetime) -> Traffic:
    """`since` and `until` are rounded to minutes: the minute in which `since` is, and not the one in which `until` is."""
    within = rows.filter(minute__gte=_minute(since), minute__lt=until)
    return Traffic(
        points=_points(within, step),
        in_kbps=_kbps_now(rows, rules.IN, now),
        out_kbps=_kbps_now(rows, rules.OUT, now),
        in_peak=_peak(within, rules.IN),
        out_peak=_peak(within, rules.OUT),
    )


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _points(rows: QuerySet[MinuteTraffic], step: str) -> list[Point]:
    rounded = _ROUNDED.get(step)
    stepped: Any = rows.annotate(at=rounded("minute")) if rounded else rows.annotate(at=F("minute"))
    found: dict[datetime, Point] = {}
    for at, kind, size, requests in (
        stepped.values_list("at", "kind").annotate(Sum("bytes"), Sum("requests")).order_by("at", "kind")
    ):
        point = found.setdefault(at, Point(at=at, seconds=STEPS[step]))
        point.kinds[kind] = int(size)
        point.requests += int(requests)
    return list(found.values())


def _kbps_now(rows: QuerySet[MinuteTraffic], kinds: Sequence[str], now: datetime) -> int:
    """Over the last whole minute and what there is of this one."""
    begin = _minute(now) - timedelta(minutes=1)
    size = rows.filter(minute__gte=begin, kind__in=kinds).aggregate(size=Sum("bytes"))["size"]
    return rules.kbps(size=int(size or 0), seconds=(now - begin).total_seconds())


def bandwidth_now(*, room_id: int, now: datetime) -> tuple[int, int]:
    """Kilobits a second in and out of a room, over the last one to two minutes."""
    rows = MinuteTraffic.objects.filter(room_id=room_id)
    return _kbps_now(rows, rules.IN, now), _kbps_now(rows, rules.OUT, now)


def _peak(rows: QuerySet[MinuteTraffic], kinds: Sequence[str]) -> Peak:
    most = rows.filter(kind__in=kinds).values("minute").annotate(size=Sum("bytes")).order_by("-size", "minute").first()
    return Peak() if most is None else Peak(kbps=rules.kbps(size=int(most["size"]), seconds=60), at=most["minute"])


@dataclass(frozen=True, slots=True)
class Share:
    """What one stream had."""

    stream: str
    room: str
    in_bytes: int
    out_bytes: int
    requests: int


def busiest_streams(*, app_id: int, since: datetime, until: datetime, at_most: int) -> list[Share]:
    """The streams of the app that most went out of."""
    rows = MinuteTraffic.objects.filter(app_id=app_id, minute__gte=_minute(since), minute__lt=until)
    shares = (
        rows.values("stream__name", "room__group_id")
        .annotate(
            in_=Sum("bytes", filter=Q(kind__in=rules.IN), default=0),
            out=Sum("bytes", filter=Q(kind__in=rules.OUT), default=0),
            requests_=Sum("requests", filter=Q(kind__in=rules.OUT), default=0),
        )
        .order_by("-out", "-in_", "stream__name")[:at_most]
    )
    return [
        Share(one["stream__name"], one["room__group_id"], int(one["in_"]), int(one["out"]), int(one["requests_"]))
        for one in shares
    ]
