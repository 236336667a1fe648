"""Publishes as rows: one opens, one closes, old ones are forgotten. The room's status follows, and a fact says so to the floors above.

At most one is open per stream, which a constraint of the table holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from liveroom.kernel import facts
from liveroom.kernel.work.pruning import forget_all
from liveroom.rooms.models import LiveSession
from liveroom.rooms.services.locking import locked
from liveroom.rooms.services.status import publisher_came, publisher_lost
from streams import selectors
from streams.engines.base import Hook
from streams.facts import StreamPublished, StreamUnpublished
from streams.media.specs import StreamProbe
from streams.models import Publish, PushRefusal, Stream
from streams.services import own_publishing, programmes
from streams.services.own_publishing import OwnPublisher

KEPT: Final = timedelta(days=90)
# Before that a look at the packets would tell of the beginning only.
_PROBED_AFTER: Final = timedelta(seconds=3)
_SECRET = ("txSecret", own_publishing.SIGNATURE)


@transaction.atomic
def open_publish(
    *,
    stream: Stream,
    client_id: str,
    address: str,
    now: datetime,
    hook: Hook | None = None,
    goodbyes_owed: int = 0,
    domain_id: int | None = None,
    own: OwnPublisher | None = None,
) -> Publish:
    """Write that somebody publishes, and let the room follow. An open publish of the stream is closed first."""
    room = locked(stream.room_id)
    older = selectors.open_publish(stream)
    if older is not None:
        _end(older, now, "replaced")
    if stream.on_programme:
        room = publisher_came(room_id=room.pk, now=now)
    if stream.unplayable:
        # What this one sends is judged anew.
        Stream.objects.filter(pk=stream.pk).update(unplayable="")
        stream.unplayable = ""
    publish = Publish.objects.create(
        stream=stream,
        session=LiveSession.objects.filter(room=room, ended_at__isnull=True).first(),
        client_id=client_id,
        address=address[:45],
        software=hook.encoder[:120] if hook else "",
        query=_shown_query(hook),
        goodbyes_owed=goodbyes_owed,
        domain_id=domain_id,
        job_id=own.job_id if own else None,
        job_run=own.run if own else 0,
        started_at=now,
    )
    if stream.made_by:
        programmes.settle(room_id=room.pk, now=now)
        stream.refresh_from_db(fields=["on_programme"])
    facts.state(
        StreamPublished(
            stream=stream.name,
            room_id=room.pk,
            room_key=room.key,
            at=now,
            on_programme=stream.on_programme,
            address=address,
        )
    )
    return publish


def _shown_query(hook: Hook | None) -> str:
    if hook is None:
        return ""
    return "&".join(f"{key}={value}" for key, value in hook.params.items() if key not in _SECRET)[:500]


@transaction.atomic
def close_publish(*, publish: Publish, now: datetime, reason: str) -> None:
    """Write that the publisher is gone; the grace time of the room begins."""
    stream = publish.stream
    room = locked(stream.room_id)
    if not _end(publish, now, reason):
        return
    if stream.on_programme:
        publisher_lost(room_id=room.pk, now=now)


def _end(publish: Publish, now: datetime, reason: str) -> bool:
    """Whether it was us who ended it: a callback and the reconciler may both try."""
    if not Publish.objects.filter(pk=publish.pk, ended_at__isnull=True).update(ended_at=now, end_reason=reason):
        return False
    stream = publish.stream
    facts.state(
        StreamUnpublished(
            stream=stream.name,
            room_id=stream.room_id,
            room_key=stream.room.key,
            at=now,
            on_programme=stream.on_programme,
            reason=reason,
        )
    )
    return True


def publishes_to_probe(*, now: datetime, seen: set[int], at_most: int) -> list[tuple[int, str]]:
    """(publish, stream name) of publishes that run long enough and whose keyframe distance nobody has looked at."""
    begun = now - _PROBED_AFTER
    rows = Publish.objects.filter(ended_at__isnull=True, keyframe_seconds__isnull=True, started_at__lte=begun)
    found = rows.exclude(pk__in=seen).order_by("started_at").values_list("pk", "stream__name")
    return list(found[: max(at_most, 0)])


def write_probe(*, publish_id: int, probe: StreamProbe) -> None:
    """What only a look at the packets tells, onto the publish, for the streamer's console."""
    Publish.objects.filter(pk=publish_id).update(
        keyframe_seconds=probe.keyframe_interval_seconds, width=probe.width or None, height=probe.height or None
    )


def prune_publishes(*, now: datetime) -> object:
    """Publishes that ended a quarter ago, and refusals of that age."""
    before = now - KEPT
    return forget_all(
        (
            PushRefusal.objects.filter(at__lt=before).order_by("at"),
            Publish.objects.filter(ended_at__lt=before).order_by("ended_at"),
        )
    )
