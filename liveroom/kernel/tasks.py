"""Finite house-keeping, on a task worker."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from liveroom.kernel import clock
from liveroom.kernel.models import KeptAnswer, OutboxRow

KEPT_ANSWERS = timedelta(days=2)
KEPT_LETTERS = timedelta(days=7)


@shared_task
def prune() -> dict[str, int]:
    """Forget told outbox rows after a week and kept answers after two days."""
    now = clock.now()
    return {
        "outbox": OutboxRow.objects.filter(done_at__lt=now - KEPT_LETTERS).delete()[0],
        "answers": KeptAnswer.objects.filter(created_at__lt=now - KEPT_ANSWERS).delete()[0],
    }
