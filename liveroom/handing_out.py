"""Hints to the task workers: this job is due. A hint that is lost is sent again (`kernel/due.py`)."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from liveroom.kernel.due import HINT_EXPIRES_SECONDS, Dispatcher
from liveroom.kernel.redis import shared

log = logging.getLogger(__name__)

# Celery's own name of the list in which messages wait.
QUEUE = "celery"


def _send(name: str) -> None:
    """Tasks are imported late: they find their app only once Django is ready."""
    from liveroom.kernel.tasks import run_due

    run_due.apply_async((name,), expires=HINT_EXPIRES_SECONDS, retry=False)


def _waiting() -> int:
    found: Any = shared().llen(QUEUE)
    return int(found)


_dispatcher = Dispatcher(send=_send, waiting=_waiting)


def hand_out(*, now: datetime) -> None:
    try:
        _dispatcher.hand_out(now=now)
    except _dispatch_errors() as error:
        log.warning("Due work could not be handed to the task workers: %s", error)


def _dispatch_errors() -> tuple[type[Exception], ...]:
    """What a broker that is away raises."""
    from kombu.exceptions import OperationalError

    return (OperationalError,)
