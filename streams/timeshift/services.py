"""Which streams have a window: as plans want it, or the deployment's default where no rule says anything; and who writes it.

Promise: a stream that is wanted has one row, and of all gateways one writes its files: who holds the row's lease. A row that goes takes
its files with it (`shelf.py`: what belongs to no row is removed)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from liveroom.kernel import facts
from streams.models.streams import Publish, Stream
from streams.plans.applying import applies
from streams.plans.models import Template
from streams.plans.selectors import decisive_rules, whose_picture
from streams.plans.settings import TIMESHIFT, TimeshiftSettings
from streams.timeshift.facts import TimeShiftChanged
from streams.timeshift.models import TimeShift
from streams.timeshift.rules import Held, Wanted
from streams.timeshift.selectors import shift_of

# A gateway that was killed is followed by another after so long at most.
LEASE: Final = timedelta(seconds=6)
# Of the deployment's default: short, because players wait for the end of one.
_DEFAULT_ITEM_SECONDS: Final = 3


@applies(TIMESHIFT)
def shift_by_plan(*, stream: Stream, template: Template | None, publish: Publish, now: datetime) -> None:
    wish = _wish(stream, template, publish)
    row = TimeShift.objects.select_for_update().filter(pk=stream.pk).first()
    if wish is None:
        if row is not None:
            _end(row, now=now)
        return
    name = "" if template is None else template.name
    was = None if row is None or row.over_at is not None else (row.seconds, row.delay_seconds)
    row = row or TimeShift(stream=stream, since=now)
    if row.over_at is not None:
        # The show that its files are of is over: this one begins anew.
        row.since, row.over_at = now, None
    row.seconds, row.item_seconds, row.delay_seconds = wish.duration_seconds, wish.item_seconds, wish.delay_seconds
    row.template_name, row.updated_at = name, now
    row.save()
    if was != (row.seconds, row.delay_seconds):
        _changed(stream, seconds=row.seconds, delay_seconds=row.delay_seconds, now=now)


def _wish(stream: Stream, template: Template | None, publish: Publish) -> TimeshiftSettings | None:
    if template is not None:
        said = template.read()
        assert isinstance(said, TimeshiftSettings)  # noqa: S101 - the kind says so
        return said
    hours = settings.LIVEROOM.timeshift_hours
    if not hours:
        return None
    whose = whose_picture(stream)
    if whose is None:
        return None
    rule = decisive_rules(stream=whose, domain_id=publish.domain_id, kinds=(TIMESHIFT,))[TIMESHIFT]
    # A rule without a template says that nothing is done.
    if rule is not None:
        return None
    return TimeshiftSettings(duration_seconds=round(hours * 3600), item_seconds=_DEFAULT_ITEM_SECONDS)


def _end(row: TimeShift, *, now: datetime) -> None:
    stream = row.stream
    row.delete()
    _changed(stream, seconds=0, delay_seconds=0, now=now)


def _changed(stream: Stream, *, seconds: int, delay_seconds: int, now: datetime) -> None:
    room = stream.room
    facts.state(
        TimeShiftChanged(
            stream=stream.name, room_id=room.pk, room_key=room.key, at=now, on_programme=stream.on_programme,
            seconds=seconds, delay_seconds=delay_seconds, unplayable=stream.unplayable,
        )
    )  # fmt: skip


# -- rooms


def show_is_over(*, room_id: int, now: datetime) -> None:
    """Of its programme, and of what nobody sends: the window goes with the show."""
    on_air = Publish.objects.filter(stream=OuterRef("stream_id"), ended_at__isnull=True)
    rows = TimeShift.objects.filter(stream__room_id=room_id, over_at=None)
    rows.filter(Q(stream__on_programme=True) | ~Exists(on_air)).update(over_at=now, updated_at=now)


def show_begins(*, room_id: int, now: datetime) -> None:
    """Live again without another publish: what is sent from now on is another show's."""
    TimeShift.objects.filter(stream__room_id=room_id, over_at__isnull=False).update(
        since=now, over_at=None, updated_at=now
    )


def forget_room(*, room_id: int) -> None:
    TimeShift.objects.filter(stream__room_id=room_id).delete()


# -- gateways


def take_windows(*, process: str, live: Collection[str], now: datetime) -> list[Wanted]:
    """Every window that is wanted; of the streams that are live the lease is taken or kept by `process`, where nobody else has it."""
    rows = list(TimeShift.objects.filter(stream__room__disbanded_at__isnull=True).select_related("stream"))
    mine: set[int] = set()
    asked = [row.pk for row in rows if row.stream.name in live and row.over_at is None]
    if asked:
        free = Q(writer=process) | Q(writer_until=None) | Q(writer_until__lte=now)
        TimeShift.objects.filter(free, pk__in=asked).update(writer=process, writer_until=now + LEASE)
        mine = set(TimeShift.objects.filter(pk__in=asked, writer=process).values_list("pk", flat=True))
    return [Wanted(stream=row.stream.name, shift=shift_of(row), mine=row.pk in mine) for row in rows]


def give_windows_back(*, process: str, now: datetime) -> None:
    """A gateway that ends: the next one need not wait for its lease."""
    TimeShift.objects.filter(writer=process, writer_until__gt=now).update(writer_until=now)


@transaction.atomic
def note_held(*, process: str, held: Mapping[str, Held]) -> None:
    """What there is, told by who writes it."""
    rows = {row.stream.name: row for row in TimeShift.objects.filter(writer=process).select_related("stream")}
    for name, row in rows.items():
        found = held.get(name)
        TimeShift.objects.filter(pk=row.pk, writer=process).update(
            oldest_at=None if found is None else _instant(found.oldest_ms),
            newest_at=None if found is None else _instant(found.newest_ms),
            size_bytes=0 if found is None else found.size,
            short="" if found is None else found.short[:200],
        )


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
