"""Task workers: whatever is due (`kernel/work/due.py`). `celery -A liveroom worker`. Only they and `run_relay` load Celery."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")

# Python's own is 5 ms: beside three sums, a poll whose statements take 0.1 s then took 1.5 to 5 s; with this one 0.7 to 1 s.
TURN_SECONDS = 0.0005

app = Celery("liveroom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["liveroom.kernel.work"])


@worker_init.connect
def threads_take_turns_quickly(**_: Any) -> None:
    """What viewers wait for shares the interpreter with what takes long."""
    sys.setswitchinterval(TURN_SECONDS)
