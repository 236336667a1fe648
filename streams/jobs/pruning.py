"""Jobs, tasks and hosts that are over are forgotten after a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from liveroom.kernel.work.pruning import forget_all
from streams.jobs.models import MediaHost, MediaJob, MediaTask

JOBS: Final = timedelta(days=30)
TASKS: Final = timedelta(days=7)
HOSTS: Final = timedelta(days=1)


def prune(*, now: datetime) -> object:
    """The answer of a due job."""
    MediaHost.objects.filter(lease_until__lt=now - HOSTS, jobs=None).delete()
    return forget_all(
        (
            MediaJob.objects.filter(ended_at__lt=now - JOBS).order_by("ended_at"),
            MediaTask.objects.filter(ended_at__lt=now - TASKS).order_by("ended_at"),
        )
    )
