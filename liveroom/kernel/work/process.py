"""What every long-running command shares: a name, a state in `/metrics`, an answer to SIGTERM, a word when it serves."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from liveroom.kernel.work import metrics

log = logging.getLogger(__name__)

# Set: this process ends soon. `/readyz` says so, whatever is asked here is still answered.
draining = threading.Event()
# Where a supervisor wants to be told that a child serves: the number of a pipe's end (deploy/embedded/supervising/children.py).
READY_PIPE = "LIVEROOM_READY_PIPE"


def now_serves() -> None:
    """Tell whoever started us, if it asked; once."""
    handle = os.environ.pop(READY_PIPE, "")
    if handle.isdigit():
        with contextlib.suppress(OSError):
            os.write(int(handle), b"ready\n")
            os.close(int(handle))


def ends_within(seconds: float) -> None:
    """Whatever hangs, such as a thread that waits for a database: then this process ends all the same."""

    def end() -> None:
        log.warning("Something hangs; ending without it.")
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


class ServiceCommand(BaseCommand):
    """`manage.py run_<kind> --name <name>`. The subclass serves; it ends soon after `stopping` is set."""

    kind = ""
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--name", default=f"{self.kind}-1", help="Name of this process in logs, leases and metrics."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.name: str = options["name"]
        metrics.started(process=self.name, kind=self.kind)
        self.serve(options)

    def serve(self, options: dict[str, Any]) -> None:
        raise NotImplementedError


class Worker:
    """A loop on the main thread that SIGTERM and SIGINT end between two rounds."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._woken = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def stop(self) -> None:
        self.stopping.set()
        self._woken.set()

    def wake(self) -> None:
        """Begin the next round now."""
        self._woken.set()

    def every(self, *, seconds: float, work: Callable[[], float | None]) -> None:
        """Rounds, at most so many seconds apart; sooner if `work` answers in how many seconds it is wanted again."""
        while not self.stopping.is_set():
            self._woken.clear()
            wanted = work()
            close_old_connections()
            self._woken.wait(seconds if wanted is None else min(seconds, max(0.0, wanted)))
