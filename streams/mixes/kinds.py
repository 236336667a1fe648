"""The job of a mix: one compositor (`python -m streams.media.compositor`), started again at once on the same output.

Its spec names the mix and not what it shows: the scene is read from the row when a child starts, and goes to it by Redis from then on,
so that no change of a mix costs a new child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.jobs.kinds import Again, Exit, Kind, Launch, Over, Progress, Stage, Verdict, registered
from streams.jobs.models import MediaJob, State
from streams.media.compositor.__main__ import BAD_START
from streams.mixes import starting
from streams.mixes.models import Mix
from streams.mixes.noting import note_state
from streams.mixes.resolving import resolved
from streams.mixes.selectors import is_forsaken

LONGEST_PAUSE_SECONDS = 5.0
_WELL_SECONDS = 5.0
# A mix all of whose streams have been away for so long was forgotten: it would keep its room live for ever, and a core busy.
LONELY, _LOOK = timedelta(minutes=30), timedelta(minutes=1)
FORSAKEN = "None of its streams was pushed for half an hour."


@dataclass(frozen=True, slots=True)
class MixSpec:
    mix: int
    needs_cores: float = 0.5


class MixGone(Exception):
    """It was deleted a moment ago."""


@registered
class MixKind(Kind[MixSpec]):
    """Somebody watches what it makes: it is let in before relays and ladders."""

    name, label = "mix", "Mix"
    spec = MixSpec
    order = 5
    needs_publisher = False
    longest_pause_seconds = LONGEST_PAUSE_SECONDS

    def __init__(self) -> None:
        self._running: dict[int, int] = {}
        self._looked: dict[int, datetime] = {}

    def cores(self, spec: MixSpec) -> float:
        return spec.needs_cores

    def holds_back(self, job: MediaJob, spec: MixSpec, stage: Stage) -> str:
        return ""

    def launch(self, job: MediaJob, spec: MixSpec, *, now: datetime) -> Launch:
        mix = _present(spec)
        return starting.compositor(job=job, number=mix.number, stream=mix.stream, scene=resolved(mix))

    def watch(
        self, job: MediaJob, spec: MixSpec, *, progress: Progress, lines: Sequence[str], now: datetime
    ) -> MixSpec | Verdict | None:
        """It runs from the first picture on, not from the start of its child."""
        if progress.out_seconds > 0 and self._running.get(job.pk) != job.run:
            self._running[job.pk] = job.run
            note_state(mix_id=spec.mix, state=State.RUNNING, now=now)
        if now - self._looked.get(job.pk, job.created_at) < _LOOK:
            return None
        self._looked[job.pk] = now
        return Over(State.DONE, FORSAKEN) if is_forsaken(mix_id=spec.mix, now=now, after=LONELY) else None

    def ended(self, job: MediaJob, spec: MixSpec, exit_: Exit, *, now: datetime) -> Verdict:
        self._running.pop(job.pk, None)
        if not Mix.objects.filter(pk=spec.mix).exists():
            return Over(State.STOPPED)
        if exit_.code == BAD_START:
            return Over(State.FAILED, exit_.why)
        reason = job.reason or exit_.why
        note_state(mix_id=spec.mix, state=State.WAITING, now=now, reason=reason)
        # Viewers look at it: the next one starts in this very round, unless one after the other ends.
        return Again(reason=reason, counts=exit_.ran_seconds < _WELL_SECONDS)

    def settled(self, job: MediaJob, spec: MixSpec, over: Over, *, now: datetime) -> None:
        self._running.pop(job.pk, None)
        self._looked.pop(job.pk, None)
        note_state(mix_id=spec.mix, state=over.state, now=now, reason=over.reason)


def _present(spec: MixSpec) -> Mix:
    mix = Mix.objects.select_related("stream", "room__app").filter(pk=spec.mix).first()
    if mix is None:
        raise MixGone(f"mix {spec.mix}")
    return mix
