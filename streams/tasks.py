"""Finite work about streams, on a task worker."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from liveroom.kernel import clock
from streams.models import Publish

KEPT = timedelta(days=90)


@shared_task
def prune_publishes() -> int:
    """Forget publishes that ended a quarter ago."""
    return Publish.objects.filter(ended_at__lt=clock.now() - KEPT).delete()[0]
