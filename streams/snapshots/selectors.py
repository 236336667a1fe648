"""Reads about snapshots: lists, signed addresses, the latest picture of each stream."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from liveroom.kernel.errors import NotFound
from liveroom.kernel.values import ids
from streams.models.streams import Stream
from streams.snapshots.models import BLOCK, DONE, Snapshot
from streams.storage import storage

ADDRESS_LIFETIME = timedelta(hours=1)
# Addresses of the same picture are the same for a while, so that browsers keep it.
_STEP_SECONDS = 600


class SnapshotUnknown(NotFound):
    """10010."""

    name = "snapshot_unknown"


def snapshot_of(*, app_id: int | None, number: object) -> Snapshot:
    """`app_id` None: of any app. SnapshotUnknown."""
    found = None
    if ids.may_be_number(number):
        rows = Snapshot.objects.select_related("stream__room__app", "stream__room__owner").filter(number=number)
        found = (rows if app_id is None else rows.filter(stream__room__app_id=app_id)).first()
    if found is None:
        raise SnapshotUnknown(f"There is no snapshot {str(number)[:24]!r} here.")
    return found


def snapshots_of(stream: Stream, *, state: str | None = None, verdict: str | None = None) -> QuerySet[Snapshot]:
    found = Snapshot.objects.filter(stream=stream).select_related("stream__room__app")
    if state:
        found = found.filter(state=state)
    return found.filter(verdict=verdict) if verdict else found


def address_of(snapshot: Snapshot, *, now: datetime, http: str = "") -> str:
    """Signed, good for an hour and some minutes; "" while there is no picture."""
    if snapshot.state != DONE:
        return ""
    return storage().address(key=snapshot.key, until=until(now), http=http)


def until(now: datetime) -> datetime:
    step = int(now.timestamp()) // _STEP_SECONDS * _STEP_SECONDS
    return datetime.fromtimestamp(step + _STEP_SECONDS, UTC) + ADDRESS_LIFETIME


def thumbnails(streams: Iterable[Stream], *, now: datetime, http: str = "") -> dict[int, str]:
    """The address of the latest picture of each that has one, by the stream's pk. Two queries, however many."""
    newest = Snapshot.objects.filter(stream=OuterRef("pk"), state=DONE).exclude(verdict=BLOCK).order_by("-id")
    wanted = [stream.pk for stream in streams]
    latest = Stream.objects.filter(pk__in=wanted).annotate(latest=Subquery(newest.values("pk")[:1]))
    numbers = [pk for pk in latest.values_list("latest", flat=True) if pk is not None]
    return {row.stream_id: address_of(row, now=now, http=http) for row in Snapshot.objects.filter(pk__in=numbers)}
