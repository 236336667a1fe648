"""The jobs of relays: one child each, so that a target that is added, changed or broken touches no other.

A spec names the relay and not its addresses: those hold keys, and are read when a child starts."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from streams.egress.checks import let_in
from streams.egress.rules import Address, Use, address
from streams.engines import engine
from streams.jobs.kinds import Again, Exit, Kind, Launch, Over, Progress, Reach, Stage, Verdict, registered
from streams.jobs.models import MediaJob, State
from streams.media.graphs import relaying
from streams.relays import rules, words
from streams.relays.listed_files import items_of
from streams.relays.models import Relay
from streams.relays.noting import note_state, relay_with
from streams.relays.player import playing
from streams.services import own_publishing

_SOURCE, _TARGET = "@source@", "@target@"
# A child that ended sooner than this did not end because its source did.
_SOON_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 10.0
COPY_CORES = 0.03
# How often it is kept where a list is.
_KEEP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class RelaySpec:
    """`serial`: of the relay's row, so that a change of it is another spec. `source`, `source_id`: of the marked copy that is pushed
    instead of the stream, if it is one (`streams/watermarks`)."""

    relay: int
    serial: int = 0
    starts_at: datetime | None = None
    needs_cores: float = COPY_CORES
    source: str = ""
    source_id: int = 0


class RelayGone(Exception):
    """It was deleted a moment ago."""


class RelayKind(Kind[RelaySpec]):
    """What all three have in common: what is noted of them."""

    spec = RelaySpec
    order = 20
    longest_pause_seconds = LONGEST_PAUSE_SECONDS

    def __init__(self) -> None:
        self._running: dict[int, int] = {}

    def cores(self, spec: RelaySpec) -> float:
        return spec.needs_cores

    def watch(
        self, job: MediaJob, spec: RelaySpec, *, progress: Progress, lines: Sequence[str], now: datetime
    ) -> RelaySpec | Verdict | None:
        """It runs from the first picture on, not from the start of its child."""
        if progress.out_seconds > 0 and self._running.get(job.pk) != job.run and self._shows(spec):
            self._running[job.pk] = job.run
            note_state(relay_id=spec.relay, state=State.RUNNING, now=now)
        return None

    def _shows(self, spec: RelaySpec) -> bool:
        """Whether this child does what is wanted, and is no look at it beforehand."""
        return True

    def ended(self, job: MediaJob, spec: RelaySpec, exit_: Exit, *, now: datetime) -> Verdict:
        self._running.pop(job.pk, None)
        relay = relay_with(spec.relay)
        if relay is None:
            return Over(State.STOPPED)
        verdict = self.judged(relay, job, exit_, now=now)
        if isinstance(verdict, Again):
            note_state(relay_id=relay.pk, state=State.WAITING, now=now, reason=verdict.reason)
        return verdict

    def judged(self, relay: Relay, job: MediaJob, exit_: Exit, *, now: datetime) -> Verdict:
        return Again(reason=exit_.why)

    def settled(self, job: MediaJob, spec: RelaySpec, over: Over, *, now: datetime) -> None:
        self._running.pop(job.pk, None)
        note_state(relay_id=spec.relay, state=over.state, now=now, reason=over.reason)


class IntoStream(RelayKind):
    """Publishes into a stream of ours, if nobody else does."""

    needs_publisher = False

    def holds_back(self, job: MediaJob, spec: RelaySpec, stage: Stage) -> str:
        if spec.starts_at is not None and stage.now < spec.starts_at:
            return f"Starts at {spec.starts_at:%Y-%m-%d %H:%M:%S} UTC."
        stream = job.stream_id or 0
        if stream in stage.published and stage.by_jobs.get(stream) != job.pk:
            return "Somebody else publishes this stream; the relay waits until it is free."
        return ""


@registered
class PullKind(IntoStream):
    """From elsewhere into a stream here."""

    name, label = "relay_pull", "Relay: pull"

    def launch(self, job: MediaJob, spec: RelaySpec, *, now: datetime) -> Launch:
        relay = _present(spec)
        source, reach = _source(relay)
        if not relay.looked:
            return Launch(relaying.look(relaying.Look(source)), reach=reach)
        target = own_publishing.push_url(job=job, stream=relay.stream)
        return Launch(relaying.pull(relaying.Pull(source, target, new_sound=relay.new_sound)), reach=reach)

    def _shows(self, spec: RelaySpec) -> bool:
        return Relay.objects.filter(pk=spec.relay, looked=True).exists()

    def judged(self, relay: Relay, job: MediaJob, exit_: Exit, *, now: datetime) -> Verdict:
        if not relay.looked:
            return _looked(relay, exit_)
        if exit_.code == 0 and exit_.ran_seconds > _SOON_SECONDS and _may_end(relay):
            return Over(State.DONE, "The file was played to its end.")
        if job.reason:
            return Again(reason=job.reason)
        return Again(
            reason=_why(exit_, lost="The source broke off", otherwise="The source ended; it is looked for again.")
        )


@registered
class PushKind(RelayKind):
    """From a stream here to another platform."""

    name, label = "relay_push", "Relay: push"

    def sources(self, job: MediaJob) -> Collection[int]:
        return (job.spec.get("source_id") or 0,)

    def holds_back(self, job: MediaJob, spec: RelaySpec, stage: Stage) -> str:
        waits = super().holds_back(job, spec, stage)
        if not waits and spec.source_id and spec.source_id not in stage.published:
            return "Waits for its marked copy."
        return waits

    def launch(self, job: MediaJob, spec: RelaySpec, *, now: datetime) -> Launch:
        relay = _present(spec)
        container = "mpegts" if relay.target.startswith("srt:") else "flv"
        source = engine().loopback_url(stream=spec.source or relay.stream.name)
        return Launch(
            relaying.push(relaying.Push(source, _TARGET, container=container)), reach=[Reach(relay.target, _TARGET)]
        )

    def judged(self, relay: Relay, job: MediaJob, exit_: Exit, *, now: datetime) -> Verdict:
        if exit_.code == 0:
            # Its publisher left: it waits for the next one.
            return Again(counts=exit_.ran_seconds < _SOON_SECONDS)
        return Again(
            reason=_why(exit_, lost="The target was lost", otherwise="The target was lost; it is tried again.")
        )


@registered
class FileKind(IntoStream):
    """Files as live: a process of ours with an ffmpeg that reads and one that publishes (playing.py)."""

    name, label = "relay_file", "Relay: files"

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[int, float] = {}

    def launch(self, job: MediaJob, spec: RelaySpec, *, now: datetime) -> Launch:
        relay = _present(spec)
        playlist = playing.Playlist(
            target=own_publishing.push_url(job=job, stream=relay.stream), items=items_of(relay), loops=relay.loop,
            place=rules.place_of(relay.place, files=len(relay.files)),
        )  # fmt: skip
        return Launch(
            [sys.executable, "-m", playing.__name__],
            environment={playing.VARIABLE: playlist.dumped(), "PYTHONPATH": str(settings.BASE_DIR)},
        )

    def watch(
        self, job: MediaJob, spec: RelaySpec, *, progress: Progress, lines: Sequence[str], now: datetime
    ) -> RelaySpec | Verdict | None:
        told = [line.removeprefix("playing ") for line in lines if line.startswith("playing {")]
        if told and time.monotonic() - self._kept.get(job.pk, 0.0) >= _KEEP_SECONDS:
            self._kept[job.pk] = time.monotonic()
            Relay.objects.filter(pk=spec.relay, serial=spec.serial).update(place=json.loads(told[-1]))
        return super().watch(job, spec, progress=progress, lines=lines, now=now)

    def judged(self, relay: Relay, job: MediaJob, exit_: Exit, *, now: datetime) -> Verdict:
        self._kept.pop(job.pk, None)
        if exit_.code == 0:
            return Over(State.DONE, "All files were played.")
        if exit_.code == playing.NOTHING_TO_PLAY:
            return Over(State.FAILED, exit_.why)
        return Again(reason=job.reason or "The engine was lost, or put it out; it goes on where it was.")


def _present(spec: RelaySpec) -> Relay:
    relay = relay_with(spec.relay)
    if relay is None:
        raise RelayGone(f"relay {spec.relay}")
    return relay


def _source(relay: Relay) -> tuple[relaying.PullSource, list[Reach]]:
    if relay.own_source is not None:
        return relaying.PullSource(engine().loopback_url(stream=relay.own_source.name), "rtmp", ours=True), []
    read = _read_source(relay)
    kind = "list" if rules.is_list(read) else "http" if read.scheme in ("http", "https") else read.scheme
    return relaying.PullSource(_SOURCE, kind), [Reach(relay.source, _SOURCE)]


def _read_source(relay: Relay) -> Address:
    return address(relay.source, use=Use.PULL, allow=let_in())


def _may_end(relay: Relay) -> bool:
    return relay.own_source is None and rules.may_be_file(_read_source(relay))


def _why(exit_: Exit, *, lost: str, otherwise: str) -> str:
    """Without secrets: the supervisor blots them out of what children say."""
    said = words.told_by_guard(exit_.last_lines)
    if said:
        return said
    fault = words.fault_in(exit_.last_lines)
    return f"{lost}: {fault}." if fault else otherwise


def _looked(relay: Relay, exit_: Exit) -> Verdict:
    """The child before the first one said what is in the source: nobody's room goes live for a picture that cannot be carried."""
    found = words.found_in(exit_.last_lines)
    if found is None and exit_.code != 0:
        lost = "The source does not come"
        return Again(reason=_why(exit_, lost=lost, otherwise=f"{lost}; it is tried again."))
    if found is not None and found.refusal:
        return Over(State.FAILED, found.refusal)
    Relay.objects.filter(pk=relay.pk, serial=relay.serial).update(
        looked=True, new_sound=found is not None and found.new_sound
    )
    return Again(counts=False)


KINDS: dict[str, type[RelayKind]] = {rules.PULL: PullKind, rules.PUSH: PushKind, rules.FILE: FileKind}
