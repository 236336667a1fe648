"""Finite work about what was said, on a task worker."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from celery import shared_task

from interactions.models import ArchivedMessage
from liveroom.accounts.models import App
from liveroom.kernel import clock

log = logging.getLogger(__name__)

# One transaction each: what else wants to write to SQLite gets in between.
CHUNK = 1_000
BREATH_SECONDS = 0.02
# The worker is told every hour; what does not fit is done in the next.
AT_MOST_SECONDS = 300.0


@shared_task
def prune_archive() -> int:
    """Forget messages that are older than their app's `archive_days`. Returns how many."""
    until, forgotten = time.monotonic() + AT_MOST_SECONDS, 0
    for app in App.objects.order_by("pk"):
        old = ArchivedMessage.objects.filter(room__app=app, at__lt=clock.now() - timedelta(days=app.archive_days))
        while chunk := list(old.values_list("pk", flat=True)[:CHUNK]):
            forgotten += ArchivedMessage.objects.filter(pk__in=chunk).delete()[0]
            if time.monotonic() > until:
                log.warning(
                    "The archive holds more that is too old than five minutes can forget; the next hour goes on."
                )
                return forgotten
            if len(chunk) < CHUNK:
                break
            time.sleep(BREATH_SECONDS)
    return forgotten
