"""Jobs, tasks and hosts that are over are forgotten after a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from liveroom.kernel.work.due import MORE
from liveroom.kernel.work.pruning import Budget, forget
from streams.jobs.models import MediaHost, MediaJob, MediaTask

JOBS: Final = timedelta(days=30)
TASKS: Final = timedelta(days=7)
HOSTS: Final = timedelta(days=1)


def prune(*, now: datetime) -> object:
    """The answer of a due job."""
    budget = Budget()
    MediaHost.objects.filter(lease_until__lt=now - HOSTS, jobs=None).delete()
    for rows in (
        MediaJob.objects.filter(ended_at__lt=now - JOBS).order_by("ended_at"),
        MediaTask.objects.filter(ended_at__lt=now - TASKS).order_by("ended_at"),
    ):
        _, all_gone = forget(rows, budget=budget)
        if not all_gone:
            return MORE
    return None
