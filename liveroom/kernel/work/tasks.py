"""The one task: a job that is due, and the hint that asks for it. What the jobs are stands in `liveroom/wiring.py`.

A hint that is lost is sent again (`due.py`). It is received once and acknowledged at once: whether it was followed stands in the row."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from liveroom.kernel.data.redis import shared
from liveroom.kernel.work import due

# Celery's own name of the list in which messages wait.
QUEUE = "celery"


@shared_task(bind=True)
def run_due(self: Any, name: str) -> bool:
    """Whoever comes second, or late, finds nothing to claim."""
    return due.run(name, by=str(self.request.hostname or ""))


def send(name: str) -> None:
    """For `due.Dispatcher`. kombu's OperationalError: the broker is away."""
    run_due.apply_async((name,), expires=due.HINT_EXPIRES_SECONDS, retry=False)


def waiting() -> int:
    """For `due.Dispatcher`: hints that no worker has taken. RedisError."""
    found: Any = shared().llen(QUEUE)
    return int(found)
