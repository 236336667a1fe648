"""Reads about mixes: lists, one as it is shown, who burns comments in, and what flows where."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db.models import QuerySet

from liveroom.accounts.models import App
from liveroom.kernel.errors import NotFound
from liveroom.kernel.values import instants
from streams.flows import Flow, brings
from streams.jobs.models import OPEN_STATES, MediaJob, State
from streams.media.compositor.scene import Input, Look, Scene
from streams.mixes.models import OVER, Mix
from streams.mixes.rules.scenes import FOLLOWS_APP, named, streams_in
from streams.models.streams import Publish
from streams.numbered import numbered

STARTING = "Starting."


class MixUnknown(NotFound):
    name = "mix_unknown"


def mixes() -> QuerySet[Mix]:
    return Mix.objects.select_related("room__app", "room__owner", "stream")


def at_work() -> QuerySet[Mix]:
    return mixes().filter(state__in=OPEN_STATES)


def mix_of(*, app: App | None, number: str) -> Mix:
    """MixUnknown, also for another app's. `app` None: any (staff)."""
    rows = mixes().filter(room__disbanded_at__isnull=True)
    mix = numbered(rows, app_id=None if app is None else app.pk, number=number)
    if mix is None:
        raise MixUnknown(f"There is no mix {number[:24]!r}.")
    return mix


def jobs_of(mixes: Iterable[Mix]) -> dict[str, MediaJob]:
    """The open job of each, by the mix's reference."""
    wanted = [mix.reference for mix in mixes]
    rows = MediaJob.objects.filter(kind="mix", reference__in=wanted, state__in=OPEN_STATES)
    return {job.reference: job for job in rows}


def shown_mix(mix: Mix, job: MediaJob | None) -> dict[str, Any]:
    """As REST and the console show it."""
    state, reason = _state(mix, job)
    scene = mix.said_scene()
    return {
        "id": mix.number,
        "label": mix.label,
        "room": mix.room.group_id,
        "output": mix.stream.name,
        "inputs": [shown_input(one) for one in scene.inputs],
        "layout": mix.layout or None,
        **shown_look(scene.programme),
        "preview": None if scene.preview is None else shown_look(scene.preview),
        "comments": None if scene.comments is None else _whole(scene.comments),
        "transition": _whole(scene.transition),
        "master_db": scene.master_db,
        "width": scene.width,
        "height": scene.height,
        "fps": scene.fps,
        "video_bitrate_kbps": scene.video_bitrate_kbps,
        "programme": mix.stream.wants_programme,
        "on_programme": mix.stream.on_programme,
        "follows": mix.follows or None,
        "serial": mix.serial,
        "state": state,
        "reason": reason,
        "since": None if mix.since is None else instants.shown(mix.since),
        "restarts": 0 if job is None else job.restarts,
        "by": mix.by,
        "created_at": instants.shown(mix.created_at),
    }


def shown_input(one: Input) -> dict[str, Any]:
    source = {"film": "file"}.get(one.kind, one.kind)
    what = one.color if one.kind == "color" else named(one.address)[1]
    return {
        "id": one.id, source: what, "name": one.name, "gain_db": one.gain_db, "muted": one.muted, "duck": one.duck,
        "auto_gain": one.auto_gain, "delay_ms": one.delay_ms, "loops": one.loops,
    }  # fmt: skip


def shown_look(look: Look) -> dict[str, Any]:
    """Places, overlays and background, with ids of files."""
    return {
        "places": [{**_whole(place), "crop": _whole(place.crop)} for place in look.places],
        "overlays": [{**_whole(one), "image": named(one.image)[1]} for one in look.overlays],
        "background": {"color": look.background, "image": named(look.picture)[1]},
    }


def _whole(one: msgspec.Struct) -> dict[str, Any]:
    """With the fields that have their usual value, too."""
    return {name: msgspec.to_builtins(getattr(one, name)) for name in one.__struct_fields__}


def _state(mix: Mix, job: MediaJob | None) -> tuple[str, str]:
    """The row knows what was seen last, the job what is going on around it."""
    if job is None or mix.state in OVER:
        return mix.state, mix.reason
    if job.state == State.WAITING:
        return State.WAITING, job.reason or mix.reason
    if job.state == State.RUNNING and mix.state != State.RUNNING:
        return State.WAITING, mix.reason or STARTING
    return job.state, job.reason


def is_forsaken(*, mix_id: int, now: datetime, after: timedelta) -> bool:
    """Whether it takes in streams, and all of them have been away for so long. A wall waits for whatever comes."""
    mix = Mix.objects.filter(pk=mix_id, follows="", created_at__lt=now - after).first()
    names = [] if mix is None else streams_in(mix.said_scene())
    if not names:
        return False
    there = Publish.objects.filter(stream__name__in=names).exclude(ended_at__lt=now - after)
    return not there.exists()


@dataclass(frozen=True, slots=True)
class Burning:
    """A mix whose picture takes the comments of its room."""

    mix: str
    room_id: int
    room_key: str


def burning_comments(room_ids: Collection[int]) -> list[Burning]:
    """Of these rooms. A query."""
    rows = at_work().filter(burns_comments=True, room_id__in=room_ids)
    return [Burning(mix=mix.number, room_id=mix.room_id, room_key=mix.room.key) for mix in rows]


def walls(app_id: int) -> QuerySet[Mix]:
    """Mixes that follow what runs in the app."""
    return at_work().filter(app_id=app_id, follows=FOLLOWS_APP)


@brings
def brought_by_mixes() -> Iterator[Flow]:
    """Inputs into outputs, of those that are not over; also what is placed nowhere at present."""
    for pk, output, raw in at_work().values_list("pk", "stream__name", "scene"):
        for source in streams_in(msgspec.convert(raw, Scene)):
            yield Flow(source, output, by=f"mix:{pk}")
