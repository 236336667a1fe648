"""What is due: work that is looked for in the database again and again, by one process of the deployment.

`liveroom/wiring.py` lists it, `run_relay` does it. Nothing of it may depend on what a process remembers: due times stand in rows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.db import DatabaseError, connection

log = logging.getLogger(__name__)

# A round that wakes a little early counts.
EARLY = timedelta(seconds=0.1)


@dataclass(frozen=True, slots=True)
class Sweep:
    """`work(now)` at most every so many seconds. It bounds what it does at once.

    `apart`: the name of a thread in which it runs, with the others of that name one after the other, because it may take longer than
    what is told meanwhile can wait. It may still be at work when another process has the lease: whatever it writes must bear being done
    twice at once."""

    name: str
    seconds: float
    work: Callable[[datetime], object]
    apart: str = ""


@dataclass(slots=True)
class Sweeper:
    """Remembers only when each was last looked at; a new one looks at everything."""

    sweeps: Sequence[Sweep]
    _swept_at: dict[str, datetime] = field(default_factory=dict)
    _apart: dict[str, threading.Thread] = field(default_factory=dict)

    def sweep(self, *, now: datetime, may_go_on: Callable[[], bool] = lambda: True) -> None:
        """Whatever is due. One that fails is logged and tried at its next turn; DatabaseError is everybody's, unless it is apart.

        `may_go_on`: asked before each; whoever has lost its lease leaves the rest to the next one."""
        apart: dict[str, list[Sweep]] = {}
        for item in self.sweeps:
            if not may_go_on():
                break
            last = self._swept_at.get(item.name)
            if last is not None and timedelta(0) <= now - last < timedelta(seconds=item.seconds) - EARLY:
                continue
            if not item.apart:
                self._swept_at[item.name] = now
                _do(item, now)
            elif not self._busy(item.apart):  # else due until that is done
                self._swept_at[item.name] = now
                apart.setdefault(item.apart, []).append(item)
        for name, items in apart.items():
            thread = threading.Thread(target=_do_apart, args=(items, now), name=f"sweep {name}", daemon=True)
            self._apart[name] = thread
            thread.start()

    def _busy(self, name: str) -> bool:
        thread = self._apart.get(name)
        return thread is not None and thread.is_alive()


def _do(item: Sweep, now: datetime) -> None:
    try:
        item.work(now)
    except DatabaseError:
        raise
    except (redis.RedisError, OSError) as error:
        log.info("The sweep %r waits: %s", item.name, error)
    except Exception:
        log.exception("The sweep %r failed; it is tried again.", item.name)


def _do_apart(items: Sequence[Sweep], now: datetime) -> None:
    try:
        for item in items:
            try:
                _do(item, now)
            except DatabaseError as error:
                log.warning("The sweep %r has lost the database (%s); it is tried again.", item.name, error)
    finally:
        connection.close()
