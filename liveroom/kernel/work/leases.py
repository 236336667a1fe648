"""Leases in the database: one holder at a time, and a token that tells an old holder from the new one."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from liveroom.kernel.models import Lease


def take(*, name: str, holder: str, seconds: float, now: datetime, anew: bool = False) -> int | None:
    """Take or renew. Returns the fencing token, or None while somebody else holds it.

    A conditional UPDATE: two processes that ask at once cannot both get it. `anew`: a process that has just begun gets a token of its
    own, also where one of its name holds the lease: that one is dead, or shares the name by mistake."""
    until = now + timedelta(seconds=seconds)
    if not anew and Lease.objects.filter(name=name, holder=holder, expires_at__gt=now).update(expires_at=until):
        return Lease.objects.values_list("token", flat=True).get(name=name)
    free = Q(expires_at__lte=now) | Q(holder=holder)
    if Lease.objects.filter(free, name=name).update(holder=holder, token=F("token") + 1, expires_at=until):
        return Lease.objects.values_list("token", flat=True).get(name=name)
    try:
        with transaction.atomic():
            return Lease.objects.create(name=name, holder=holder, expires_at=until).token
    except IntegrityError:
        return None


def renew(*, name: str, holder: str, token: int, seconds: float, now: datetime) -> bool:
    """Longer, under the same token. False: it has another holder, or another token, or ran out and may be taken at any moment."""
    ours = Lease.objects.filter(name=name, holder=holder, token=token, expires_at__gt=now)
    return bool(ours.update(expires_at=now + timedelta(seconds=seconds)))


def give_back(*, name: str, holder: str, now: datetime) -> None:
    """Let the next one in at once, at a clean stop."""
    Lease.objects.filter(name=name, holder=holder).update(expires_at=now)
