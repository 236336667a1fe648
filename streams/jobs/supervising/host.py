"""This host's row: its lease, its budget of CPU cores, the space on its disk.

A host whose lease ran out has lost its jobs to whoever looks next; it may renew all the same, and then finds out job by job what was
taken (`claims.py`): children need not end because a database was away for a while."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from streams.jobs.models import MediaHost

LEASE = timedelta(seconds=5)


class NameTaken(Exception):
    """Another process bears the same name and is younger: this one's jobs are its."""


@dataclass(slots=True)
class Host:
    """`token`: of this life; 0 before `begin`."""

    name: str
    pk: int = 0
    token: int = 0

    def begin(self, *, now: datetime) -> None:
        """A new life: what an earlier process of this name had is nobody's from here on."""
        fields = {
            "cores_budget": cores_budget(), "started_at": now, "seen_at": now, "lease_until": now + LEASE,
            "machine": machine(), "pid": os.getpid(),
        }  # fmt: skip
        mine = MediaHost.objects.filter(name=self.name)
        with transaction.atomic():
            if not mine.update(token=F("token") + 1, **fields):
                try:
                    with transaction.atomic():
                        MediaHost.objects.create(name=self.name, token=1, **fields)
                except IntegrityError:
                    mine.update(token=F("token") + 1, **fields)
            self.pk, self.token = mine.values_list("pk", "token").get()

    def is_taken(self, *, now: datetime) -> bool:
        """Whether a process of this name lives."""
        return MediaHost.objects.filter(name=self.name, lease_until__gt=now).exists()

    def renew(self, *, now: datetime) -> None:
        """NameTaken."""
        kept = MediaHost.objects.filter(pk=self.pk, token=self.token).update(lease_until=now + LEASE)
        if not kept:
            raise NameTaken(self.name)

    def tell(self, *, now: datetime, reserved: float, used: float) -> None:
        """What the console shows of it."""
        free, total = disk()
        MediaHost.objects.filter(pk=self.pk, token=self.token).update(
            seen_at=now, cores_budget=cores_budget(), cores_reserved=round(reserved, 3), cores_used=round(used, 3),
            disk_free_bytes=free, disk_total_bytes=total,
        )  # fmt: skip

    def give_back(self, *, now: datetime) -> None:
        MediaHost.objects.filter(pk=self.pk, token=self.token).update(lease_until=now)


def dead_beside_us(*, now: datetime) -> frozenset[int]:
    """Hosts of this machine whose process is gone, though their lease is not over: nobody need wait for that."""
    here = MediaHost.objects.filter(machine=machine(), lease_until__gt=now).values_list("pk", "pid")
    return frozenset(pk for pk, pid in here if not Path("/proc", str(pid)).exists())


@lru_cache(maxsize=1)
def machine() -> str:
    """Of processes with the same answer each sees the other's pid."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"[:64]
    except OSError:
        return ""


def cores_budget() -> float:
    """LIVEROOM_MEDIA_CORES, or all that this host has."""
    return float(settings.LIVEROOM.media_cores or os.cpu_count() or 1)


def disk() -> tuple[int, int]:
    """Free for us, and all, in bytes, where media is written."""
    try:
        found = os.statvfs(Path(settings.LIVEROOM.data))
    except OSError:
        return 0, 0
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
