"""What only a look at the packets tells: how far apart keyframes are. Written onto the publish, for the streamer's console."""

from __future__ import annotations

from datetime import datetime, timedelta

from streams.media.specs import StreamProbe
from streams.models import Publish

SETTLED = timedelta(seconds=3)


def publishes_to_probe(*, now: datetime, seen: set[int], at_most: int) -> list[tuple[int, str]]:
    """(publish, stream name) of publishes that run long enough and have not been looked at."""
    rows = Publish.objects.filter(ended_at__isnull=True, keyframe_seconds__isnull=True, started_at__lte=now - SETTLED)
    found = rows.exclude(pk__in=seen).order_by("started_at").values_list("pk", "stream__name")
    return list(found[: max(at_most, 0)])


def write_probe(*, publish_id: int, probe: StreamProbe) -> None:
    Publish.objects.filter(pk=publish_id).update(
        keyframe_seconds=probe.keyframe_interval_seconds, width=probe.width or None, height=probe.height or None
    )
