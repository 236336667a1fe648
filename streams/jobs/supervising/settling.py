"""How a job's row changes: it waits again, it is over, its spec is another. One place writes each; kinds are asked so that one that fails
costs its own job only."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from django.db import DatabaseError, transaction

from streams.jobs import rules
from streams.jobs.kinds import Kind, Over, Progress
from streams.jobs.models import MediaJob, State

log = logging.getLogger(__name__)
T = TypeVar("T")


def asked(question: Callable[[], T], job: MediaJob) -> T | None:
    """What a kind answers, inside a savepoint; None: it failed, and the log says how. The database's own failures go on."""
    try:
        with transaction.atomic():
            return question()
    except DatabaseError:
        raise
    except Exception:
        log.exception("The kind of the media job %s (%s) failed.", job.pk, job.kind)
        return None


def wait(
    job: MediaJob,
    *,
    now: datetime,
    reason: str,
    failures: int,
    killed: bool = False,
    longest: float = rules.LONGEST_PAUSE_SECONDS,
) -> None:
    """Back to waiting. `failures`: in a row; the pause grows with them (`rules.pause_seconds`). The caller has the row."""
    job.state, job.reason, job.failures = State.WAITING, reason[:300], failures
    job.host, job.host_token, job.pid = None, 0, None
    pause = rules.pause_seconds(failures, killed=killed, longest=longest)
    job.retry_at = now + timedelta(seconds=pause) if pause else None
    job.save(update_fields=[
        "state", "reason", "failures", "host", "host_token", "pid", "retry_at", "cpu_seconds", "log", "progress",
    ])  # fmt: skip


def hold(job: MediaJob, *, reason: str, now: datetime) -> None:
    """A waiting job that could not be started waits longer."""
    failures = job.failures + 1
    MediaJob.objects.filter(pk=job.pk, state=State.WAITING).update(
        reason=reason[:300], failures=failures, retry_at=now + timedelta(seconds=rules.pause_seconds(failures))
    )


def settle(job: MediaJob, kind: Kind[Any], spec: Any, over: Over, *, now: datetime) -> None:
    """Its last state, or `finishing`, in which a task goes on with it. The caller has the row."""
    job.state, job.reason = over.state, over.reason[:300]
    job.host, job.host_token, job.pid, job.retry_at = None, 0, None, None
    job.ended_at = None if over.state == State.FINISHING else now
    job.save()
    if over.state != State.FINISHING:
        asked(lambda: kind.settled(job, spec, over, now=now), job)


def settle_waiting(job: MediaJob, kind: Kind[Any], spec: Any, *, now: datetime) -> None:
    """It is no longer wanted and has no child."""
    with transaction.atomic():
        held = MediaJob.objects.select_for_update().filter(pk=job.pk, run=job.run, state=State.WAITING).first()
        if held is not None:
            over = asked(lambda: kind.stopped(held, spec, None, now=now), held) or Over(State.FAILED)
            settle(held, kind, spec, over, now=now)


def fail_unreadable(job: MediaJob, *, reason: str, now: datetime) -> None:
    MediaJob.objects.filter(pk=job.pk, state=State.WAITING).update(
        state=State.FAILED, reason=reason[:300], ended_at=now
    )


def store_spec(job: MediaJob, kind: Kind[Any], spec: Any) -> None:
    """Another spec by the kind's own wish."""
    job.spec, job.spec_version, job.cores = msgspec.to_builtins(spec), kind.version, kind.cores(spec)
    job.spec_serial += 1
    MediaJob.objects.filter(pk=job.pk).update(
        spec=job.spec, spec_version=job.spec_version, cores=job.cores, spec_serial=job.spec_serial
    )


def shown_progress(progress: Progress, *, since: dict[str, Any]) -> dict[str, Any]:
    """For the row. A child that has said nothing yet leaves what the last one said."""
    if not progress.out_seconds and not progress.frame and not progress.size_bytes:
        return since
    return {key: value for key, value in msgspec.to_builtins(progress).items() if value is not None}
