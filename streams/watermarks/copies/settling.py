"""Which marked copies a stream has, made what its targets need; and from where each target takes its picture.

Promise (`settle`): safe at any time, nothing is done twice. A copy that goes on for the same people is told of its new picture and not
replaced. While a copy is not there, a target waits `PATIENCE` for it and then takes the original; one that requires its marks waits for
ever, and viewers get nothing. State: `MarkedCopy`, `Stream.kept_back`, the specs of the jobs of recordings and relays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from liveroom.rooms.services.locking import locked
from streams.jobs import services as jobs
from streams.jobs.kinds import kind_of
from streams.jobs.models import OPEN_STATES, MediaJob
from streams.models.streams import MARK, Publish, Stream
from streams.selectors import open_publish
from streams.services import programmes
from streams.watermarks import rules
from streams.watermarks.copies.kinds import CopySpec, MarkedCopyKind
from streams.watermarks.copies.sending import send_after_commit
from streams.watermarks.copies.wanting import RECORDING, RELAY, Wanted, wanted
from streams.watermarks.marks import mark_for
from streams.watermarks.models import VIEWERS, Mark, MarkedCopy, Watermark

# How long the original goes out in place of a copy that is not there yet, before that is done.
PATIENCE: Final = timedelta(seconds=5)
_KINDS: Final = {RECORDING: "record", RELAY: "relay_push"}


@transaction.atomic
def settle(*, stream_id: int, now: datetime) -> None:
    stream = Stream.objects.select_related("room__app").filter(pk=stream_id).first()
    if stream is None or stream.made_by == MARK:
        return
    if stream.room.disbanded_at is not None:
        for copy in MarkedCopy.objects.filter(source=stream):
            _rest(copy, now=now)
        return
    locked(stream.room_id)
    said = wanted(stream)
    rows = {
        copy.pk: copy
        for copy in MarkedCopy.objects.filter(source=stream).select_related("stream", "mark").order_by("pk")
    }
    if not said.wants and not rows:
        return
    there = [_there(copy) for copy in rows.values()]
    taken: set[int] = set()
    for group, pk in rules.matched(rules.grouped(said.wants), there):
        copy = rows[pk] if pk is not None else _made(stream, like=rows.values(), now=now)
        rows[copy.pk] = copy
        taken.add(copy.pk)
        _become(copy, group, mark=_mark(stream, group.number, said, now=now), now=now)
        _want(copy, stream=stream, now=now)
    for copy in rows.values():
        if copy.pk not in taken and copy.targets:
            _rest(copy, now=now)
    _settle_programme(rows.values(), now=now)
    _keep_back(stream, rows.values())
    _point_all(stream, rows.values(), now=now)


def _there(copy: MarkedCopy) -> rules.There:
    number = "" if copy.mark is None else copy.mark.reference
    return rules.There(copy.pk, frozenset(copy.targets), tuple(copy.watermarks), number)


def _made(stream: Stream, *, like: Iterable[MarkedCopy], now: datetime) -> MarkedCopy:
    """A new one, of the size that others of the same stream have."""
    known = next((one for one in like if one.width), None)
    made = Stream.objects.create(
        room=stream.room, label=f"{stream.label[:31]}, marked", made_by=MARK, stands_in_for=stream
    )
    return MarkedCopy.objects.create(
        source=stream, stream=made, created_at=now, updated_at=now,
        **({} if known is None else {"width": known.width, "height": known.height, "fps": known.fps}),
    )  # fmt: skip


def _mark(stream: Stream, number: str, said: Wanted, *, now: datetime) -> Mark | None:
    if not number:
        return None
    name = said.names[number]
    return mark_for(
        app=stream.room.app, purpose=name.purpose, reference=number, now=now, stream=stream.name,
        room=stream.room.group_id, target=name.target,
    )  # fmt: skip


def _become(copy: MarkedCopy, group: rules.Group, *, mark: Mark | None, now: datetime) -> None:
    picture = (list(group.watermarks), None if mark is None else mark.pk)
    is_other = picture != (copy.watermarks, copy.mark_id) or not copy.targets
    whom = list(group.targets), list(group.required)
    if not is_other and whom == (copy.targets, copy.required):
        return
    copy.watermarks, copy.mark, copy.targets, copy.required = picture[0], mark, *whom
    copy.updated_at = now
    if is_other:
        copy.serial += 1
        send_after_commit(copy)
    copy.save()


def draw_again(*, watermark: Watermark, now: datetime) -> None:
    """It looks otherwise: whoever shows it is told."""
    copies = MarkedCopy.objects.filter(source__room__app_id=watermark.app_id)
    if watermark.room_id is not None:
        copies = copies.filter(source__room_id=watermark.room_id)
    for copy in copies:
        if watermark.pk in copy.watermarks:
            MarkedCopy.objects.filter(pk=copy.pk).update(serial=F("serial") + 1, updated_at=now)
            send_after_commit(copy)


def _want(copy: MarkedCopy, *, stream: Stream, now: datetime) -> None:
    """Its job, once the size of what is pushed is known (`following.py`)."""
    if not copy.width:
        return
    spec = CopySpec(copy=copy.pk, source=stream.pk, width=copy.width, height=copy.height, fps=copy.fps)
    jobs.want(
        kind=MarkedCopyKind, reference=copy.reference, spec=spec, app=stream.room.app, stream=copy.stream, now=now,
        label=f"Marked copy of {stream.label} for {', '.join(copy.targets)}",
    )  # fmt: skip


def _rest(copy: MarkedCopy, *, now: datetime) -> None:
    copy.targets, copy.watermarks, copy.mark, copy.required, copy.updated_at = [], [], None, [], now
    copy.save()
    job = jobs.open_job(kind=MarkedCopyKind, reference=copy.reference)
    if job is not None:
        jobs.stop(job=job, now=now)


def _settle_programme(copies: Iterable[MarkedCopy], *, now: datetime) -> None:
    for copy in copies:
        if copy.shows_viewers != copy.stream.wants_programme:
            change = programmes.take_programme if copy.shows_viewers else programmes.give_back_programme
            change(stream=copy.stream, now=now)
            copy.stream.refresh_from_db(fields=["on_programme", "wants_programme"])


def _keep_back(stream: Stream, copies: Iterable[MarkedCopy]) -> None:
    """Nobody plays the original by its address while its copy is shown, or if it must not be seen without its marks."""
    copy = next((one for one in copies if one.shows_viewers), None)
    kept = copy is not None and (
        VIEWERS in copy.required or copy.stream.on_programme or open_publish(copy.stream) is not None
    )
    Stream.objects.filter(pk=stream.pk).exclude(kept_back=kept).update(kept_back=kept)


# Where recordings and relays take their pictures from.


def source_for(*, target: str, stream: Stream, now: datetime) -> tuple[str, int]:
    """Of a target (recording:12, relay:5): the name and the pk of the copy that it takes; ("", 0): the stream itself."""
    for copy in MarkedCopy.objects.filter(source=stream).select_related("stream"):
        if target in copy.targets:
            return _source(copy, stream, target=target, now=now)
    return "", 0


def _source(copy: MarkedCopy, stream: Stream, *, target: str, now: datetime) -> tuple[str, int]:
    taken = copy.stream.name, copy.stream_id
    if target in copy.required or open_publish(copy.stream) is not None:
        return taken
    publish = open_publish(stream)
    last = Publish.objects.filter(stream_id=copy.stream_id).order_by("-id").values_list("ended_at", flat=True).first()
    if publish is None or publish.started_at > now - PATIENCE or (last is not None and last > now - PATIENCE):
        return taken
    return "", 0


def _point_all(stream: Stream, copies: Iterable[MarkedCopy], *, now: datetime) -> None:
    """The open jobs of recordings and relays of this stream: each reads what its target takes now."""
    sources = {
        target: _source(copy, stream, target=target, now=now)
        for copy in copies
        for target in copy.targets
        if target != VIEWERS
    }
    for job in MediaJob.objects.filter(stream=stream, kind__in=_KINDS.values(), state__in=OPEN_STATES):
        source, source_id = sources.get(job.reference, ("", 0))
        kind: Any = kind_of(job.kind)
        spec = kind.read(job)
        if (spec.source, spec.source_id) != (source, source_id):
            jobs.change(job=job, spec=replace(spec, source=source, source_id=source_id))
