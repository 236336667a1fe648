"""What is forgotten of streams in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from liveroom.kernel.work.pruning import forget_all
from streams.models import Publish, PushRefusal

KEPT: Final = timedelta(days=90)


def prune_publishes(*, now: datetime) -> object:
    """Publishes that ended a quarter ago, and refusals of that age."""
    before = now - KEPT
    return forget_all(
        (
            PushRefusal.objects.filter(at__lt=before).order_by("at"),
            Publish.objects.filter(ended_at__lt=before).order_by("ended_at"),
        )
    )
