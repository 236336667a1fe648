"""Finite work about streams, on a task worker."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from liveroom.kernel import clock
from streams.models import Publish, PushRefusal

KEPT = timedelta(days=90)


@shared_task
def prune_publishes() -> int:
    """Forget publishes that ended a quarter ago, and refusals of that age."""
    before = clock.now() - KEPT
    refused = PushRefusal.objects.filter(at__lt=before).delete()[0]
    return refused + Publish.objects.filter(ended_at__lt=before).delete()[0]
