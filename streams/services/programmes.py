"""What a room shows (R10): its own stream, or a made one that wants the programme while it is published.

The rule, in one place (`settle`): the newest mix that wants the programme, else the room's own stream; and of either, the marked copy
that stands in for it. A made stream whose publisher broke off stays for `HELD`, because its job starts it again within seconds; one
that no longer wants the programme goes at once. Viewers are moved by the fact `ProgrammeChanged`. State: the streams' rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from liveroom.kernel import facts
from liveroom.rooms.services.locking import locked
from liveroom.rooms.services.status import publisher_came, publisher_lost
from streams import selectors
from streams.facts import ProgrammeChanged
from streams.models import Publish, Stream
from streams.models.streams import MARK, MIX

# A killed compositor publishes again within three seconds; a busy host takes longer.
HELD: Final = timedelta(seconds=10)


@transaction.atomic
def take_programme(*, stream: Stream, now: datetime) -> None:
    """This made stream wants the programme from now on: it is shown as soon as it is published."""
    Stream.objects.filter(pk=stream.pk).exclude(made_by="").update(wants_programme=True)
    settle(room_id=stream.room_id, now=now)


@transaction.atomic
def give_back_programme(*, stream: Stream, now: datetime) -> None:
    """It wants the programme no more; what it was shown in place of is shown again."""
    if Stream.objects.filter(pk=stream.pk, wants_programme=True).update(wants_programme=False):
        settle(room_id=stream.room_id, now=now)


@transaction.atomic
def settle(*, room_id: int, now: datetime, own: Stream | None = None) -> None:
    """Make the programme what the rule says. Safe to call at any time; nothing is told if nothing changes. `own`: what the room itself
    is to show from now on; without it, what it has shown."""
    room = locked(room_id)
    streams = list(Stream.objects.filter(room=room).order_by("-id"))
    there = next((one for one in streams if one.on_programme), None)
    own = own or next((one for one in streams if one.steps_back), None)
    own = own or (there if there is not None and not there.made_by else None)
    shown = _shown(streams, own=own, now=now)
    if shown is None:
        return
    _write(shown, room_id=room.pk, own=own)
    if there is not None and shown.pk == there.pk:
        return
    facts.state(ProgrammeChanged(stream=shown.name, room_id=room.pk, room_key=room.key, at=now))
    if room.held_until is not None and room.held_until > now:
        # Ended by hand a moment ago, and its mixes with it: who publishes still is about to be cut, and begins no show.
        return
    if selectors.open_publish(shown) is not None:
        publisher_came(room_id=room.pk, now=now)
    else:
        publisher_lost(room_id=room.pk, now=now)


def settle_all(*, now: datetime) -> None:
    """Called by the reconciler: rooms where a made stream is on the programme without a publisher."""
    lost = Stream.objects.filter(on_programme=True).exclude(made_by="").exclude(publishes__ended_at__isnull=True)
    for room_id in lost.values_list("room_id", flat=True):
        settle(room_id=room_id, now=now)


@transaction.atomic
def choose(*, stream: Stream, now: datetime) -> None:
    """Somebody wants the room to show this stream: a mix as long as it is published, its own stream instead of every mix."""
    if stream.made_by:
        take_programme(stream=stream, now=now)
        return
    locked(stream.room_id)
    Stream.objects.filter(room_id=stream.room_id, made_by=MIX).update(wants_programme=False)
    settle(room_id=stream.room_id, now=now, own=stream)


def _shown(streams: Iterable[Stream], *, own: Stream | None, now: datetime) -> Stream | None:
    made = [one for one in streams if one.made_by and one.wants_programme and _is_there(one, now=now)]
    shown = next((one for one in made if one.made_by == MIX), own)
    stand_in = next(
        (one for one in made if one.made_by == MARK and shown is not None and one.stands_in_for_id == shown.pk), None
    )
    return stand_in or shown


def _is_there(stream: Stream, *, now: datetime) -> bool:
    """Published; or on the programme already, and broken off only a moment ago."""
    last = Publish.objects.filter(stream=stream).order_by("-id").values_list("ended_at", flat=True).first()
    if last is None:
        return selectors.open_publish(stream) is not None
    return stream.on_programme and now - last < HELD


def _write(shown: Stream, *, room_id: int, own: Stream | None) -> None:
    """The rows, in an order that the constraints bear."""
    behind = own.pk if own is not None and own.pk != shown.pk else 0
    streams = Stream.objects.filter(room_id=room_id)
    streams.filter(steps_back=True).exclude(pk=behind).update(steps_back=False)
    streams.filter(on_programme=True).exclude(pk=shown.pk).update(on_programme=False)
    streams.filter(pk=behind, steps_back=False).update(steps_back=True)
    streams.filter(pk=shown.pk, on_programme=False).update(on_programme=True)
