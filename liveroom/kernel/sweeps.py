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

    `apart`: in a thread of its own, because it may take longer than what is told meanwhile can wait. It may still be at work when
    another process has the lease: whatever it writes must bear being done twice at once."""

    name: str
    seconds: float
    work: Callable[[datetime], object]
    apart: bool = False


@dataclass(slots=True)
class Sweeper:
    """Remembers only when each was last looked at; a new one looks at everything."""

    sweeps: Sequence[Sweep]
    _swept_at: dict[str, datetime] = field(default_factory=dict)
    _apart: dict[str, threading.Thread] = field(default_factory=dict)

    def sweep(self, *, now: datetime) -> None:
        """Whatever is due. One that fails is logged and tried at its next turn; DatabaseError is everybody's, unless it is apart."""
        for item in self.sweeps:
            last = self._swept_at.get(item.name)
            if last is not None and timedelta(0) <= now - last < timedelta(seconds=item.seconds) - EARLY:
                continue
            if item.apart:
                thread = self._apart.get(item.name)
                if thread is not None and thread.is_alive():
                    continue  # due until it is done
            self._swept_at[item.name] = now
            if item.apart:
                thread = threading.Thread(target=_do_apart, args=(item, now), name=f"sweep {item.name}", daemon=True)
                self._apart[item.name] = thread
                thread.start()
            else:
                _do(item, now)


def _do(item: Sweep, now: datetime) -> None:
    try:
        item.work(now)
    except DatabaseError:
        raise
    except (redis.RedisError, OSError) as error:
        log.info("The sweep %r waits: %s", item.name, error)
    except Exception:
        log.exception("The sweep %r failed; it is tried again.", item.name)


def _do_apart(item: Sweep, now: datetime) -> None:
    try:
        _do(item, now)
    except DatabaseError as error:
        log.warning("The sweep %r has lost the database (%s); it is tried again.", item.name, error)
    finally:
        connection.close()
