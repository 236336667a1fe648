"""How our own media jobs publish into the engine: by an address that names the job and its run, signed with a secret of the deployment.

Promise: of a job only the newest run that is wanted gets in, and only into its own stream. A stale worker's child is refused; what it
still sends is cut when the newer run comes (design.md, Media). State: the rows of `MediaJob`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from liveroom.kernel.values import signing
from streams.engines import engine
from streams.jobs.models import RUNNING, MediaJob, State
from streams.models import Stream
from streams.services.refusals import Refused

JOB, RUN, SIGNATURE = "job", "run", "own"
_PURPOSE = "own-publishing"


@dataclass(frozen=True, slots=True)
class OwnPublisher:
    """A run of one of our jobs that wants to publish."""

    job_id: int
    run: int


def push_url(*, job: MediaJob, stream: Stream) -> str:
    """Where this run of a job publishes, on loopback. Good until the next run is claimed or the job is no longer wanted."""
    signature = _sign(stream=stream.name, job_id=job.pk, run=job.run)
    query = f"{JOB}={job.pk}&{RUN}={job.run}&{SIGNATURE}={signature}"
    return engine().rtmp_url(stream=stream.name, query=query, host="127.0.0.1")


def _sign(*, stream: str, job_id: int, run: int) -> str:
    secret = signing.derived_secret(_PURPOSE)
    return hmac.new(secret.encode(), f"{stream}|{job_id}|{run}".encode(), hashlib.sha256).hexdigest()[:32]


def claimed(*, stream: str, params: Mapping[str, str]) -> OwnPublisher | None:
    """Who it is, if our own signature says so; None: somebody else, whose key is judged as everybody's. Without a query."""
    job, run, signature = (params.get(name, "") for name in (JOB, RUN, SIGNATURE))
    if not signature or not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (job, run)):
        return None
    found = OwnPublisher(job_id=int(job), run=int(run))
    right = _sign(stream=stream, job_id=found.job_id, run=found.run)
    return found if signing.same(signature, right) else None


def refuse_stale(*, own: OwnPublisher, stream: Stream) -> None:
    """Refused, unless it is the newest run of a job that is wanted, for exactly this stream."""
    job = MediaJob.objects.filter(pk=own.job_id).first()
    if job is None or job.run != own.run or job.wanted != RUNNING or job.state != State.RUNNING:
        raise Refused("This run of the job is over.", reason="stale_run", code=600)
    if job.stream_id != stream.pk:
        raise Refused("The job is for another stream.", reason="stale_run", code=600)


def note_refusal(*, own: OwnPublisher, reason: str) -> None:
    """Why the run is not let in: its child is told nothing but no."""
    MediaJob.objects.filter(pk=own.job_id, run=own.run, state=State.RUNNING).update(reason=reason[:300])
