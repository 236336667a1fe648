"""A lease as its holder lives with it: renewed by a thread of its own while the work goes on, and asked before every step that others see.

Promise: whoever lost the lease stops before its next word or mark, also if it slept through the loss, and also if the clocks of two hosts
differ: the token that the database gave is known to Redis too, and the larger one counts there. State: one row (`leases.py`), one key."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists

from liveroom.kernel import clock
from liveroom.kernel.data.redis import PREFIX, shared
from liveroom.kernel.data.scripts import Script
from liveroom.kernel.models import Lease
from liveroom.kernel.work import leases

log = logging.getLogger(__name__)

# A third of the lease: two renewals may fail.
RENEWALS_PER_LEASE = 3

# KEYS: the fence. ARGV: a token. Answer: the largest token that was ever here.
_RAISE = Script("""
local known = tonumber(redis.call('GET', KEYS[1]) or '0')
if tonumber(ARGV[1]) <= known then return known end
redis.call('SET', KEYS[1], ARGV[1])
return tonumber(ARGV[1])
""")


class LeaseLost(Exception):
    """Another process has the lease; what this one was about to do is the other's."""


class HeldLease:
    """One process's side of a lease. `take` at the beginning of a round, `check` before each step; `keep` starts the renewals."""

    def __init__(self, *, name: str, holder: str, seconds: float) -> None:
        self.name, self.holder, self.seconds = name, holder, seconds
        self.token: int | None = None
        self._until = 0.0
        self._ending = threading.Event()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take or renew; a lease that was lost is tried again at the next call. DatabaseError."""
        with self._lock:
            if self.token is not None:
                self._renew()
            else:
                asked_at = time.monotonic()
                self.token = leases.take(
                    name=self.name, holder=self.holder, seconds=self.seconds, now=clock.now(), anew=True
                )
                self._until = asked_at + self.seconds
            token = self.token
        return token is not None and self._known_to_redis(token)

    def _known_to_redis(self, token: int) -> bool:
        """Tell Redis. A larger token there, though the database says that this one holds: the database is an older copy that was
        brought back, or another process was faster just now. Without Redis nothing is told anyway."""
        try:
            largest = self._raise(token)
        except redis.RedisError:
            return True
        if largest == token:
            return True
        ours = Lease.objects.filter(name=self.name, holder=self.holder, token=token)
        if not ours.update(token=largest + 1):
            self.token = None
            return False
        log.warning("The lease %r goes on above %s, which Redis has seen.", self.name, largest)
        self.token = largest + 1
        self._raise(largest + 1)
        return True

    def _raise(self, token: int) -> int:
        return int(_RAISE.ask_now(shared(), _RAISE.call((f"{PREFIX}:fence:{self.name}",), (token,))))

    def seems_ours(self) -> bool:
        """As far as this process knows by itself."""
        return self.token is not None and time.monotonic() < self._until

    def check(self) -> None:
        """Before a step that others see. LeaseLost; RedisError: nobody can say."""
        token = self.token
        if token is None or not self.seems_ours() or self._raise(token) != token:
            raise LeaseLost(self.name)

    def holds_in_database(self) -> Exists:
        """For a conditional UPDATE: true while the row still bears our token."""
        return Exists(Lease.objects.filter(name=self.name, holder=self.holder, token=self.token or 0))

    def check_in_database(self) -> None:
        """The last question of a transaction. LeaseLost."""
        if not Lease.objects.filter(name=self.name, holder=self.holder, token=self.token or 0).exists():
            raise LeaseLost(self.name)

    def keep(self) -> None:
        """Renew from now on, until `give_back`."""
        threading.Thread(target=self._keep, name=f"lease {self.name}", daemon=True).start()

    def _keep(self) -> None:
        while not self._ending.wait(self.seconds / RENEWALS_PER_LEASE):
            try:
                with self._lock:
                    self._renew()
            except DatabaseError as error:
                log.warning("The lease %r was not renewed (%s); trying again.", self.name, error)
            finally:
                connection.close()

    def _renew(self) -> None:
        """The caller has the lock."""
        token, asked_at = self.token, time.monotonic()
        if token is None:
            return
        if leases.renew(name=self.name, holder=self.holder, token=token, seconds=self.seconds, now=clock.now()):
            self._until = asked_at + self.seconds
        else:
            log.warning("The lease %r has gone to another process.", self.name)
            self.token = None

    def give_back(self) -> None:
        """At a clean stop."""
        self._ending.set()
        with self._lock:
            self.token = None
            leases.give_back(name=self.name, holder=self.holder, now=clock.now())


@contextmanager
def fenced(lease: HeldLease | None) -> Iterator[None]:
    """A transaction that is committed only if the lease was still ours at its end, as the database has it. LeaseLost: nothing was done.

    None: nobody else can be at work, as in tests."""
    with transaction.atomic():
        yield
        if lease is not None:
            lease.check_in_database()
