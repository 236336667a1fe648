"""What is missing, and what to do about it. Reads only; exit code 1 if something that is needed is not there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from interactions.chat.services import archive
from interactions.delivery.fanout import send_many
from interactions.delivery.rooms import STREAM_ENTRIES
from liveroom.kernel import clock
from liveroom.kernel.data.redis import shared
from liveroom.kernel.work import due
from liveroom.page import vendor
from streams.engines import EngineUnreachable, engine
from streams.models import TimeShift
from streams.storage import StorageAway, storage

RTMP_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """`needed` False: the copy serves without it. `cure` is what to type or to change."""

    what: str
    good: bool
    detail: str
    cure: str = ""
    needed: bool = True


class Command(BaseCommand):
    help = "Explain what is missing."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        findings = [finding for check in CHECKS for finding in check()]
        for finding in findings:
            mark = "ok  " if finding.good else "MISS" if finding.needed else "note"
            self.stdout.write(f"{mark}  {finding.what:<22} {finding.detail}")
            if not finding.good and finding.cure:
                self.stdout.write(f"{'':<6}{'':<22} → {finding.cure}")
        if any(finding.needed and not finding.good for finding in findings):
            sys.exit(1)


def _programs() -> Iterator[Finding]:
    for name, package in (
        ("nginx", "nginx-light"),
        ("ffmpeg", "ffmpeg"),
        ("ffprobe", "ffmpeg"),
        ("setpriv", "util-linux"),
    ):
        path = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        yield Finding(name, path is not None, path or "not found", f"apt-get install {package} (deploy/up does it)")
    yield Finding(
        "nginx RTMP module",
        RTMP_MODULE.exists(),
        str(RTMP_MODULE),
        "apt-get install libnginx-mod-rtmp (deploy/up does it)",
    )


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), version, "3.11 or newer is needed")
    missing = vendor.missing()
    yield Finding(
        "page's players",
        not missing,
        "installed" if not missing else f"{len(missing)} files are not there",
        "npm ci in liveroom/page (deploy/up does it)",
    )


def _sending() -> Iterator[Finding]:
    built = send_many.library(settings.LIVEROOM.data).is_file()
    yield Finding(
        "sending in C",
        built,
        "compiled"
        if built
        else "no compiler was found: socket processes send frame by frame from Python, at more CPU in full rooms",
        "apt-get install gcc libc6-dev, then manage.py prepare (deploy/up does it) and a restart",
        needed=False,
    )


def _data() -> Iterator[Finding]:
    data = settings.LIVEROOM.data
    free = shutil.disk_usage(data).free
    yield Finding(
        "disk",
        free > FREE_BYTES,
        f"{free // 1024**2:,} MB free at {data}",
        "make room, or set LIVEROOM_DATA",
        needed=False,
    )


def _storage() -> Iterator[Finding]:
    kept = storage()
    try:
        # Of a service this asks whether it answers, knows the bucket and takes the key.
        kept.size(key="doctor/nothing")
    except StorageAway as error:
        yield Finding("storage", False, f"{kept.name}: {error.message}", "check LIVEROOM_S3_…", needed=False)
        return
    free = kept.free_bytes()
    yield Finding("storage", True, kept.name if free is None else f"{kept.name}, {free // 1024**2:,} MB free")


def _database() -> Iterator[Finding]:
    kind = connection.vendor
    try:
        executor = MigrationExecutor(connection)
        open_ = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        yield Finding("database", False, f"{kind}: {str(error).splitlines()[0]}", "check DATABASE_URL")
        return
    yield Finding(
        "database",
        not open_,
        kind if not open_ else f"{kind}: {len(open_)} migrations are waiting",
        "manage.py prepare (deploy/up does it)",
    )


def _redis() -> Iterator[Finding]:
    try:
        version = shared().info("server")["redis_version"]  # type: ignore[index]
        yield Finding("redis", True, str(version))
    except redis.RedisError as error:
        yield Finding("redis", False, str(error), "deploy/up starts one; or set REDIS_URL to yours")


def _archive() -> Iterator[Finding]:
    try:
        behind = archive.backlog()
    except redis.RedisError:
        return  # said already
    yield Finding(
        "archive",
        not behind.late,
        f"{behind} wait for the database" if behind.entries else "nothing waits",
        "see that run_archive runs, what its log says, and that the database takes writes: the stream holds "
        f"{STREAM_ENTRIES:,} entries, then the oldest are lost",
        needed=False,
    )


def _task_workers() -> Iterator[Finding]:
    try:
        late = due.late(now=clock.now())
    except DatabaseError:
        return  # said already
    yield Finding(
        "task workers",
        not late,
        f"nobody does: {', '.join(late)}" if late else "nothing waits",
        "see that run_relay and celery -A liveroom worker run, and what they log: polls, draws, counts, statistics, and pauses "
        "and ends after a lost picture, stand still",
        needed=False,
    )


def _windows() -> Iterator[Finding]:
    try:
        rows = list(TimeShift.objects.select_related("stream").exclude(size_bytes=0))
    except DatabaseError:
        return  # said already
    if not rows:
        return
    short = [row for row in rows if row.short]
    size = sum(row.size_bytes for row in rows)
    yield Finding(
        "time shift",
        not short,
        f"{len(short)} of {len(rows)} windows reach less far back: {short[0].short}"
        if short
        else f"{size // 10**6:,} MB",
        "make room, or see LIVEROOM_TIMESHIFT_MOST_GB and LIVEROOM_DISK_FREE_MIN_BYTES",
        needed=False,
    )


def _engine() -> Iterator[Finding]:
    if not settings.LIVEROOM.engine_port:
        yield Finding("media engine", False, "no copy was started in this data folder yet", "deploy/up", needed=False)
        return
    try:
        state = engine().state()
        on_air = sum(stream.publisher is not None for stream in state.streams.values())
        yield Finding("media engine", True, f"answers; {on_air} streams on air")
    except EngineUnreachable as error:
        yield Finding("media engine", False, error.message, "deploy/up starts it", needed=False)


def _browser() -> Iterator[Finding]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    snap = path is not None and "/snap" in str(Path(path).resolve())
    yield Finding(
        "Chromium (for tests)",
        bool(path) and not snap,
        "a snap, which tests cannot use" if snap else path or "not found",
        "apt-get install chromium chromium-driver, or name one in CHROMIUM",
        needed=False,
    )


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _programs,
    _sending,
    _data,
    _storage,
    _database,
    _redis,
    _archive,
    _task_workers,
    _windows,
    _engine,
    _browser,
)
