"""What is due: work that is looked for in the database again and again, by one process of the deployment.

`liveroom/wiring.py` lists it, `run_relay` does it. Nothing of it may depend on what a process remembers: due times stand in rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.db import DatabaseError

log = logging.getLogger(__name__)

# A round that wakes a little early counts.
EARLY = timedelta(seconds=0.1)


@dataclass(frozen=True, slots=True)
class Sweep:
    """`work(now)` at most every so many seconds. It bounds what it does at once."""

    name: str
    seconds: float
    work: Callable[[datetime], object]


@dataclass(slots=True)
class Sweeper:
    """Remembers only when each was last looked at; a new one looks at everything."""

    sweeps: Sequence[Sweep]
    _swept_at: dict[str, datetime] = field(default_factory=dict)

    def sweep(self, *, now: datetime) -> None:
        """Whatever is due. One that fails is logged and tried at its next turn; DatabaseError is everybody's."""
        for item in self.sweeps:
            last = self._swept_at.get(item.name)
            if last is not None and timedelta(0) <= now - last < timedelta(seconds=item.seconds) - EARLY:
                continue
            self._swept_at[item.name] = now
            try:
                item.work(now)
            except DatabaseError:
                raise
            except (redis.RedisError, OSError) as error:
                log.info("The sweep %r waits: %s", item.name, error)
            except Exception:
                log.exception("The sweep %r failed; it is tried again.", item.name)
