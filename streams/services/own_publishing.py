"""How our own media jobs publish into the engine: by an address that names the job and its run, signed with a secret of the deployment.

Promise: of a job only the newest run that is wanted gets in, and only into its own stream. A stale worker's child is refused; what it
still sends is cut when the newer run comes (design.md, Media). State: the rows of `MediaJob`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from liveroom.kernel.values import signing
from streams.engines import engine
from streams.jobs.models import RUNNING, MediaJob, State
from streams.models import Stream
from streams.services.refusals import Refused

JOB, RUN, SIGNATURE = "job", "run", "own"
_PURPOSE = "own-publishing"
_CARRIED_SECONDS = 30


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


@dataclass(frozen=True, slots=True)
class Carried:
    """A streamer whose pictures we carry from another protocol: its key was judged where it came in."""

    address: str
    domain_id: int | None
    encoder: str


def carried_url(*, stream: Stream, address: str, domain_id: int | None, encoder: str, now: datetime) -> str:
    """Where a carrier of ours publishes for a streamer, on loopback; good for half a minute."""
    until = int(now.timestamp()) + _CARRIED_SECONDS
    signature = _sign_carried(stream.name, address, domain_id or 0, encoder, until)
    query = f"from={address}&domain={domain_id or 0}&by={encoder}&until={until}&{SIGNATURE}={signature}"
    return engine().rtmp_url(stream=stream.name, query=query, host="127.0.0.1")


def carried(*, stream: str, params: Mapping[str, str], now: datetime) -> Carried | None:
    """Whom we carry, if our own signature says so and is fresh."""
    address, domain, encoder, until = (params.get(name, "") for name in ("from", "domain", "by", "until"))
    if not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (domain, until)):
        return None
    right = _sign_carried(stream, address, int(domain), encoder, int(until))
    if not signing.same(params.get(SIGNATURE, ""), right) or now.timestamp() > int(until):
        return None
    return Carried(address=address, domain_id=int(domain) or None, encoder=encoder)


def _sign_carried(*parts: object) -> str:
    secret = signing.derived_secret("carried-publishing")
    return hmac.new(secret.encode(), "|".join(map(str, parts)).encode(), hashlib.sha256).hexdigest()[:32]


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
