"""Who may not speak in a room: one user for a while, or everybody but owner and admins (M1)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from liveroom.accounts.selectors import profile
from liveroom.kernel import facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from liveroom.rooms.services.locking import locked
from moderation.facts import EveryoneMuted, EveryoneUnmuted, UserMuted, UserUnmuted
from moderation.models import Mute, MuteAll
from moderation.services.targets import target_in, until_of


@transaction.atomic
def mute_user(
    *, room: Room, identifier: str, seconds: int | None, by: Actor, now: datetime, reason: str = "", address: str = ""
) -> Mute:
    """For so many seconds from now, None: until lifted. Muting again sets the end anew. PersonUnknown, OutOfReach."""
    room = locked(room.pk)
    permission.ask("room.mute", actor=by, room=room)
    person = target_in(room=room, identifier=identifier, by=by, what="mute")
    until = until_of(seconds=seconds, now=now)
    Mute.objects.filter(room=room, until__lte=now).delete()
    mute, _ = Mute.objects.update_or_create(
        room=room,
        person=person,
        defaults={"until": until, "since": now, "by": str(by)[:120], "reason": reason},
    )
    audit.record(
        action="room.mute", actor=by, now=now, room_key=room.key, target=person.identifier, reason=reason,
        address=address, detail={"seconds": None if until is None else seconds},
    )  # fmt: skip
    facts.state(
        UserMuted(
            room_id=room.pk,
            room_key=room.key,
            at=now,
            identifier=person.identifier,
            nick=profile(person).nick,
            until=until,
            by=str(by),
        )
    )
    return mute


@transaction.atomic
def unmute_user(*, room: Room, identifier: str, by: Actor, now: datetime, reason: str = "", address: str = "") -> None:
    """Lift a mute. Of somebody who is not muted: nothing happens, nothing is told."""
    room = locked(room.pk)
    permission.ask("room.mute", actor=by, room=room)
    person = target_in(room=room, identifier=identifier, by=by, what="mute", lifting=True)
    rows = Mute.objects.filter(room=room, person=person)
    held = rows.exclude(until__lte=now).exists()
    rows.delete()
    if not held:
        return
    audit.record(
        action="room.unmute", actor=by, now=now, room_key=room.key, target=person.identifier,
        reason=reason, address=address,
    )  # fmt: skip
    facts.state(
        UserUnmuted(
            room_id=room.pk,
            room_key=room.key,
            at=now,
            identifier=person.identifier,
            nick=profile(person).nick,
            by=str(by),
        )
    )


@transaction.atomic
def mute_everyone(*, room: Room, by: Actor, now: datetime, reason: str = "", address: str = "") -> MuteAll:
    """Only the owner and the admins speak from now on. Of a room that is muted: nothing happens."""
    room = locked(room.pk)
    permission.ask("room.mute", actor=by, room=room)
    found, is_new = MuteAll.objects.get_or_create(room=room, defaults={"since": now, "by": str(by)[:120]})
    if is_new:
        audit.record(
            action="room.mute_all", actor=by, now=now, room_key=room.key, target=room.group_id,
            reason=reason, address=address,
        )  # fmt: skip
        facts.state(EveryoneMuted(room_id=room.pk, room_key=room.key, at=now, by=str(by)))
    return found


@transaction.atomic
def unmute_everyone(*, room: Room, by: Actor, now: datetime, reason: str = "", address: str = "") -> None:
    """Everybody may speak again; who is muted by name stays so."""
    room = locked(room.pk)
    permission.ask("room.mute", actor=by, room=room)
    if MuteAll.objects.filter(room=room).delete()[0]:
        audit.record(
            action="room.unmute_all", actor=by, now=now, room_key=room.key, target=room.group_id,
            reason=reason, address=address,
        )  # fmt: skip
        facts.state(EveryoneUnmuted(room_id=room.pk, room_key=room.key, at=now, by=str(by)))
