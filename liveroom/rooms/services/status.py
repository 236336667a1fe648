"""The status of a room: by hand, or following the programme's publisher (R1, R2, R9). Nobody else writes it."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from liveroom.kernel import facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import Conflict
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids
from liveroom.rooms.facts import AttributesChanged, StatusChanged
from liveroom.rooms.models import LiveSession, Room
from liveroom.rooms.rules import status as rules
from liveroom.rooms.rules.status import Status
from liveroom.rooms.selectors import RoomUnknown
from liveroom.rooms.services.locking import locked


class IllegalStatusChange(Conflict):
    """The room cannot go there from where it is; `allowed` lists where it can."""

    code, name = 10004, "illegal_status_change"


def _move(*, room: Room, after: Status, now: datetime, by_hand: bool, reason: str = "") -> None:
    """Write the change, open or close the live session, state the fact. The caller holds the lock and knows that it is legal."""
    before = Status(room.status)
    if rules.closes_session(before, after):
        LiveSession.objects.filter(room=room, ended_at__isnull=True).update(ended_at=now, end_reason=reason)
    if rules.opens_session(before, after):
        LiveSession.objects.create(room=room, sequence=ids.session_sequence(), started_at=now)
    room.status, room.status_at = after, now
    if after is Status.ENDED:
        room.publisher_lost_at = None
    # Clients that know only attributes follow the status by them: it counts as one, with the versions of one (R1, R4).
    room.attributes_version += 1
    room.status_version += 1
    room.save(
        update_fields=[
            "status", "status_at", "publisher_lost_at", "held_until", "attributes_version", "status_version",
        ]
    )  # fmt: skip
    session = LiveSession.objects.filter(room=room).order_by("-id").first()
    facts.state(
        StatusChanged(
            room_id=room.pk,
            room_key=room.key,
            at=now,
            before=before,
            after=after,
            starts_at=room.starts_at,
            sequence=session.sequence if session else None,
            by_hand=by_hand,
        )
    )
    facts.state(
        AttributesChanged(
            room_id=room.pk,
            room_key=room.key,
            at=now,
            operation="modify",
            version=room.attributes_version,
            changed={"status": (after, room.status_version)},
            deleted=(),
        )
    )


@transaction.atomic
def set_status(*, room: Room, status: Status, by: Actor, now: datetime, address: str = "") -> Room:
    """By hand. IllegalStatusChange names what is allowed; the status that a room already has is no change and no error.

    Ending by hand also holds the stream for a while: OBS comes back two seconds after it was cut (media-facts.md)."""
    room = locked(room.pk)
    permission.ask("room.status", actor=by, room=room)
    before, after = Status(room.status), Status(status)
    if before is after:
        return room
    allowed = rules.legal_next(before)
    if after not in allowed:
        names = sorted(allowed)
        raise IllegalStatusChange(
            f"A room that is {before} cannot become {after}; it can become {' or '.join(names)}.", allowed=names
        )
    room.held_until = now + timedelta(seconds=settings.LIVEROOM.end_hold_seconds) if after is Status.ENDED else None
    if after is Status.LIVE:
        room.publisher_lost_at = None  # else the next look would pause what a hand has just resumed
    _move(room=room, after=after, now=now, by_hand=True, reason="by hand")
    audit.record(action="room.status", actor=by, now=now, room_key=room.key, target=after, address=address)
    return room


@transaction.atomic
def publisher_came(*, room_id: int, now: datetime) -> Room:
    """The programme of the room has a publisher: the room is live."""
    room = locked(room_id)
    room.publisher_lost_at = None
    after = rules.after_publish(Status(room.status))
    if room.status == after:
        room.save(update_fields=["publisher_lost_at"])
    else:
        _move(room=room, after=after, now=now, by_hand=False)
    LiveSession.objects.filter(room=room, ended_at__isnull=True).update(had_publisher=True)
    return room


@transaction.atomic
def played_back(*, room_id: int, session_id: int, now: datetime) -> None:
    """The show that ended can be watched again (R2). Nothing happens to a room that is not ended, or that had another show since."""
    room = locked(room_id)
    last = LiveSession.objects.filter(room=room).order_by("-id").first()
    if room.status == Status.ENDED and last is not None and last.pk == session_id:
        _move(room=room, after=Status.PLAYED_BACK, now=now, by_hand=False)


@transaction.atomic
def publisher_lost(*, room_id: int, now: datetime) -> None:
    """The programme has no publisher any more. Nothing is told yet: `follow_losses` does so after the grace times.

    A session that never had one was set live by hand, and only a hand ends it."""
    room = locked(room_id)
    had = LiveSession.objects.filter(room=room, ended_at__isnull=True, had_publisher=True).exists()
    if had and room.publisher_lost_at is None:
        room.publisher_lost_at = now
        room.save(update_fields=["publisher_lost_at"])


def losses_are_due(now: datetime) -> bool:
    """Whether a room is to be paused or ended because its publisher stayed away."""
    return _lost(now).exists()


def _lost(now: datetime) -> QuerySet[Room]:
    """Only those that move: a room that is paused and waits for its end costs nothing until then."""
    config = settings.LIVEROOM
    pauses = Q(status=Status.LIVE, publisher_lost_at__lte=now - timedelta(seconds=config.pause_after_seconds))
    ends = Q(
        status__in=(Status.LIVE, Status.PAUSED),
        publisher_lost_at__lte=now - timedelta(seconds=config.end_after_seconds),
    )
    return Room.objects.filter(pauses | ends, disbanded_at__isnull=True)


def follow_losses(*, now: datetime) -> int:
    """Pause and end rooms whose publisher stayed away. Due times live in the database; any process may call this."""
    config = settings.LIVEROOM
    moved = 0
    for room_id in list(_lost(now).values_list("pk", flat=True)):
        with transaction.atomic(), contextlib.suppress(RoomUnknown):  # disbanded since the list was read
            room = locked(room_id)
            if room.publisher_lost_at is None:
                continue
            after = rules.after_loss(
                Status(room.status),
                lost_at=room.publisher_lost_at,
                now=now,
                pause_after=timedelta(seconds=config.pause_after_seconds),
                end_after=timedelta(seconds=config.end_after_seconds),
            )
            if after != room.status:
                _move(room=room, after=after, now=now, by_hand=False, reason="publisher lost")
                moved += 1
    return moved
