"""The one task of the kernel: a job that is due. What the jobs are stands in `liveroom/wiring.py`."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from liveroom.kernel import due


@shared_task(bind=True, acks_late=False)
def run_due(self: Any, name: str) -> bool:
    """A hint: whoever comes second, or late, finds nothing to claim."""
    return due.run(name, by=str(self.request.hostname or ""))
