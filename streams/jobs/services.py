"""What others ask of jobs: want one, change it, stop it. Hosts hear of it after the commit (`hints.py`), and look by themselves too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from django.db import IntegrityError, transaction

from liveroom.accounts.models import App
from streams.jobs import hints
from streams.jobs.kinds import Kind, Over, kind_of
from streams.jobs.models import OPEN_STATES, RUNNING, STOPPED, MediaJob, State
from streams.models.streams import Stream


def want(
    *,
    kind: type[Kind[Any]],
    reference: str,
    spec: Any,
    app: App,
    stream: Stream | None,
    now: datetime,
    label: str = "",
    starts_at: datetime | None = None,
) -> MediaJob:
    """The open job of that kind for that reference; made if there is none, changed if its spec is another.

    Call it in the transaction of the act that wants it. `spec`: of the kind's dataclass."""
    known = kind_of(kind.name)
    if known is None or not isinstance(spec, known.spec):
        raise TypeError(f"{kind.name}: {type(spec).__name__} is not its spec, or nobody registered it.")
    there = open_job(kind=kind, reference=reference)
    if there is not None:
        return change(job=there, spec=spec) if there.wanted == RUNNING else _again(there, spec)
    raw = msgspec.to_builtins(spec)
    try:
        with transaction.atomic():
            job = MediaJob.objects.create(
                app=app, stream=stream, kind=kind.name, reference=reference, label=label[:120], spec=raw,
                spec_version=known.version, cores=known.cores(spec), created_at=now, starts_at=starts_at,
            )  # fmt: skip
    except IntegrityError:
        # Somebody else wanted it at the same moment.
        there = open_job(kind=kind, reference=reference)
        if there is None:
            raise
        return there
    hints.wake_after_commit()
    return job


def _again(job: MediaJob, spec: Any) -> MediaJob:
    """It was just told to stop, and is wanted again."""
    MediaJob.objects.filter(pk=job.pk).update(wanted=RUNNING)
    job.wanted = RUNNING
    return change(job=job, spec=spec)


def open_job(*, kind: type[Kind[Any]], reference: str) -> MediaJob | None:
    return MediaJob.objects.filter(kind=kind.name, reference=reference, state__in=OPEN_STATES).first()


def change(*, job: MediaJob, spec: Any) -> MediaJob:
    """Another spec; a child that runs is replaced. The same one: nothing happens."""
    kind = kind_of(job.kind)
    raw = msgspec.to_builtins(spec)
    if kind is None or raw == job.spec:
        return job
    job.spec, job.spec_version, job.cores = raw, kind.version, kind.cores(spec)
    job.spec_serial += 1
    job.save(update_fields=["spec", "spec_version", "cores", "spec_serial"])
    hints.wake_after_commit()
    return job


def stop(*, job: MediaJob, now: datetime) -> None:
    """No longer wanted. A child is asked to end; the kind says what becomes of it."""
    if MediaJob.objects.filter(pk=job.pk, state__in=OPEN_STATES, wanted=RUNNING).update(wanted=STOPPED):
        job.wanted = STOPPED
        hints.wake_after_commit()


def restart(*, job: MediaJob) -> None:
    """A new child as soon as may be: for one that runs and for one that waits between two tries."""
    changed = MediaJob.objects.filter(pk=job.pk, state__in=(State.WAITING, State.RUNNING))
    row = changed.first()
    if row is not None:
        changed.update(spec_serial=row.spec_serial + 1, retry_at=None, failures=0)
        hints.wake_after_commit()


def finished(*, job_id: int, state: str, reason: str, now: datetime) -> None:
    """What a task made of a job that was `finishing`: done or failed."""
    with transaction.atomic():
        job = MediaJob.objects.select_for_update().filter(pk=job_id, state=State.FINISHING).first()
        if job is None:
            return
        job.state, job.reason, job.ended_at = state, reason[:300], now
        job.save(update_fields=["state", "reason", "ended_at"])
        kind = kind_of(job.kind)
        if kind is not None:
            kind.settled(job, kind.read(job), Over(state, reason), now=now)
