"""What was seen to be wrong with a stream, as rows: told once when it begins, once when it is over; forgotten when it goes off air."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from liveroom.kernel import facts
from streams.models.streams import Stream
from streams.snapshots.facts import PictureRecovered, PictureTrouble
from streams.snapshots.models import Trouble
from streams.snapshots.rules import Change, said_of

KEPT = timedelta(days=30)


def open_troubles(stream_id: int) -> list[Trouble]:
    return list(Trouble.objects.filter(stream_id=stream_id, ended_at__isnull=True).order_by("began_at"))


def open_by_stream(streams: Iterable[Stream]) -> dict[int, list[Trouble]]:
    """The same for many: one query."""
    found: dict[int, list[Trouble]] = {}
    for row in Trouble.objects.filter(stream__in=list(streams), ended_at__isnull=True).order_by("began_at"):
        found.setdefault(row.stream_id, []).append(row)
    return found


@transaction.atomic
def write(*, stream: Stream, change: Change, now: datetime) -> bool:
    """Whether it was new."""
    if change.on:
        return _begin(stream, change.trouble, began_at=change.began_at or now, now=now)
    row = Trouble.objects.filter(stream=stream, trouble=change.trouble, ended_at__isnull=True).first()
    if row is None or not Trouble.objects.filter(pk=row.pk, ended_at__isnull=True).update(ended_at=now):
        return False
    facts.state(
        PictureRecovered(
            stream=stream.name, room_id=stream.room_id, room_key=stream.room.key, at=now, label=stream.label,
            trouble=row.trouble, began_at=row.began_at,
        )
    )  # fmt: skip
    return True


def _begin(stream: Stream, trouble: str, *, began_at: datetime, now: datetime) -> bool:
    try:
        with transaction.atomic():
            Trouble.objects.create(stream=stream, trouble=trouble, began_at=began_at)
    except IntegrityError:
        return False
    facts.state(
        PictureTrouble(
            stream=stream.name, room_id=stream.room_id, room_key=stream.room.key, at=now, label=stream.label,
            trouble=trouble, began_at=began_at, text=said_of(trouble),
        )
    )  # fmt: skip
    return True


def close_all(*, stream: Stream, now: datetime) -> None:
    """Off air nothing is black: nobody is told."""
    Trouble.objects.filter(stream=stream, ended_at__isnull=True).update(ended_at=now)
