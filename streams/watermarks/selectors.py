"""Reads about watermarks and marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from liveroom.accounts.models import App
from liveroom.kernel.errors import NotFound
from streams.jobs.models import OPEN_STATES, MediaJob, State
from streams.mixes.models import Mix
from streams.numbered import numbered
from streams.watermarks.models import Mark, MarkedCopy, Watermark


class WatermarkUnknown(NotFound):
    name = "watermark_unknown"


def watermarks() -> QuerySet[Watermark]:
    return Watermark.objects.select_related(
        "app", "room__app", "room__owner", "stream__room__app", "mix__room__app", "mix__stream", "rule__app", "rule__stream__room__app",
        "relay__room__app", "relay__app", "template",
    )  # fmt: skip


def watermark_of(*, app: App | None, number: str) -> Watermark:
    """WatermarkUnknown, also for another app's. `app` None: any (staff)."""
    watermark = numbered(watermarks(), app_id=None if app is None else app.pk, number=number)
    if watermark is None or (watermark.room is not None and watermark.room.disbanded_at is not None):
        raise WatermarkUnknown(f"There is no watermark {number[:24]!r}.")
    return watermark


@dataclass(frozen=True, slots=True)
class HowItIs:
    """`state`: running (it is in a picture that goes out) or waiting; `reason`: what for."""

    state: str = State.WAITING
    reason: str = "Waits for a publisher."


def states_of(rows: Iterable[Watermark]) -> dict[int, HowItIs]:
    """By pk: whether each is in a picture now. Two queries."""
    those = list(rows)
    rooms = {one.room_id for one in those if one.room_id is not None}
    copies = MarkedCopy.objects.filter(source__room__app_id__in={one.app_id for one in those}).select_related("mark")
    if all(one.room_id is not None for one in those):
        copies = copies.filter(source__room_id__in=rooms)
    busy = [copy for copy in copies if copy.targets]
    jobs = {
        job.reference: job
        for job in MediaJob.objects.filter(
            kind="marked_copy", reference__in=[copy.reference for copy in busy], state__in=OPEN_STATES
        )
    }
    return {
        one.pk: _state_of_mix(one.mix) if one.mix is not None else _state(one, busy, jobs) for one in those
    }  # fmt: skip


def _state_of_mix(mix: Mix) -> HowItIs:
    if mix.state == State.RUNNING:
        return HowItIs(state=State.RUNNING, reason="")
    return HowItIs(reason="The mix is over." if mix.is_over else mix.reason or "The mix starts.")


def _state(watermark: Watermark, busy: Iterable[MarkedCopy], jobs: dict[str, MediaJob]) -> HowItIs:
    invisible = watermark.settings.get("kind") == "invisible"
    found = HowItIs()
    for copy in busy:
        shows = watermark.pk in copy.watermarks or (invisible and copy.mark is not None and _is_of(watermark, copy))
        job = jobs.get(copy.reference) if shows else None
        if job is None:
            continue
        if job.state == State.RUNNING:
            return HowItIs(state=State.RUNNING, reason="")
        found = HowItIs(reason=job.reason or found.reason)
    return found


def _is_of(watermark: Watermark, copy: MarkedCopy) -> bool:
    """Whether the copy's number is there because of this watermark."""
    purpose = "" if copy.mark is None else copy.mark.purpose
    if watermark.stream_id is not None:
        return watermark.stream_id == copy.source_id and purpose == Mark.Purpose.VIEWERS
    return purpose == (Mark.Purpose.RELAY if watermark.relay_id is not None else Mark.Purpose.RECORDING)


def shown_watermark(watermark: Watermark, how: HowItIs) -> dict[str, Any]:
    """As REST and the console show it."""
    return {
        "id": watermark.number,
        "room": None if watermark.room is None else watermark.room.group_id,
        "stream": None if watermark.stream is None else watermark.stream.name,
        "mix": None if watermark.mix is None else watermark.mix.number,
        "recording_rule": watermark.rule_id,
        "relay": None if watermark.relay is None else watermark.relay.number,
        "template": watermark.template_id,
        "state": str(how.state),
        "reason": how.reason,
        "by": watermark.by,
        "created_at": watermark.created_at,
        "updated_at": watermark.updated_at,
        **watermark.settings,
    }


_PURPOSES = {
    Mark.Purpose.VIEWERS: "the stream as viewers get it",
    Mark.Purpose.RECORDING: "a recording of the stream",
    Mark.Purpose.RELAY: "the stream as a relay sends it to elsewhere",
    Mark.Purpose.MIX: "a mix",
}


@dataclass(frozen=True, slots=True)
class Named:
    """What an invisible mark stands for. `purpose`: viewers, recording, relay or mix. `target`: the recording's number, the address of a
    relay without its key, the mix's number; of viewers, their class. Names are those of the day it was made (`made_at`)."""

    number: int
    sdkappid: int
    app: str
    purpose: str
    stream: str
    room: str
    target: str
    made_at: datetime

    @property
    def words(self) -> str:
        """One line for people."""
        what = _PURPOSES[Mark.Purpose(self.purpose)]
        beside = f" ({self.target})" if self.target else ""
        where = ", ".join(
            part
            for part in (
                f"stream {self.stream}" if self.stream else "",
                f"room {self.room}" if self.room else "",
                f"app {self.sdkappid} {self.app}".strip(),
            )
            if part
        )
        return f"Mark {self.number}: {what}{beside}; {where}; made {self.made_at:%Y-%m-%d %H:%M:%S} UTC."


def named(number: int) -> Named | None:
    """What the number of an invisible mark stands for; None: nobody here gave it out."""
    if not 0 < number < 2**32:
        return None
    found = Mark.objects.select_related("app").filter(number=number).first()
    if found is None:
        return None
    return Named(
        number=found.number, sdkappid=found.app.sdkappid, app=found.app.name, purpose=found.purpose,
        stream=found.stream, room=found.room, target=found.target, made_at=found.made_at,
    )  # fmt: skip
