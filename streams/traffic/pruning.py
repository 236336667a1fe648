"""Minutes are forgotten after a while (LIVEROOM_TRAFFIC_DAYS)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from liveroom.kernel.work.pruning import forget_all
from streams.traffic.models import MinuteTraffic


def prune_traffic(*, now: datetime) -> object:
    kept = timedelta(days=settings.LIVEROOM.traffic_days)
    return forget_all((MinuteTraffic.objects.filter(minute__lt=now - kept).order_by("minute"),))
