"""Who may not come in: from one room by its moderators, from a whole app by the app (M2). Open sockets are closed at once."""

from __future__ import annotations

import logging
from datetime import datetime

import redis
from django.db import transaction

from liveroom.accounts.models import App
from liveroom.accounts.selectors import profile
from liveroom.kernel import facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import NotPermitted
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from liveroom.rooms.services.locking import locked
from moderation.facts import AppBanLifted, BanLifted, UserBanned, UserBannedFromApp
from moderation.live import traces
from moderation.models import Ban, BanTrace
from moderation.services.targets import target_in, target_of_app, until_of

log = logging.getLogger(__name__)


@transaction.atomic
def ban_user(
    *, room: Room, identifier: str, seconds: int | None, by: Actor, now: datetime, reason: str = "", address: str = ""
) -> Ban:
    """Out of the room for so many seconds, None: until lifted. Banning again sets the end anew. PersonUnknown, OutOfReach."""
    room = locked(room.pk)
    permission.ask("room.ban", actor=by, room=room)
    person = target_in(room=room, identifier=identifier, by=by, what="ban")
    until = until_of(seconds=seconds, now=now)
    Ban.objects.filter(room=room, until__lte=now).delete()
    ban, _ = Ban.objects.update_or_create(
        room=room,
        person=person,
        defaults={"app": room.app, "until": until, "since": now, "by": str(by)[:120], "reason": reason},
    )
    _keep_traces(ban, room.app)
    audit.record(
        action="room.ban", actor=by, now=now, room_key=room.key, target=person.identifier, reason=reason,
        address=address, detail={"seconds": None if until is None else seconds},
    )  # fmt: skip
    facts.state(
        UserBanned(
            room_id=room.pk,
            room_key=room.key,
            at=now,
            identifier=person.identifier,
            nick=profile(person).nick,
            until=until,
            by=str(by),
        )
    )
    return ban


@transaction.atomic
def lift_ban(*, room: Room, identifier: str, by: Actor, now: datetime, reason: str = "", address: str = "") -> None:
    """Let somebody in again. Of somebody who is not banned from this room: nothing happens. A ban from the app stays."""
    room = locked(room.pk)
    permission.ask("room.ban", actor=by, room=room)
    person = target_in(room=room, identifier=identifier, by=by, what="ban", lifting=True)
    rows = Ban.objects.filter(room=room, person=person)
    held = rows.exclude(until__lte=now).exists()
    rows.delete()
    if not held:
        return
    audit.record(
        action="room.unban", actor=by, now=now, room_key=room.key, target=person.identifier,
        reason=reason, address=address,
    )  # fmt: skip
    facts.state(
        BanLifted(
            room_id=room.pk,
            room_key=room.key,
            at=now,
            identifier=person.identifier,
            nick=profile(person).nick,
            by=str(by),
        )
    )


def _keep_traces(ban: Ban, app: App) -> None:
    """Where the banned person came from lately, so that it does not come back as a guest from there."""
    if app.banned_guests == App.NOBODY:
        return
    try:
        found = traces.of_person(sdkappid=app.sdkappid, identifier=ban.person.identifier)
    except redis.RedisError:
        log.warning("Redis is away: a ban holds for the account alone.")
        return
    BanTrace.objects.bulk_create([BanTrace(ban=ban, trace=trace[:64]) for trace in found], ignore_conflicts=True)


def _ask_for_app(app: App, by: Actor) -> None:
    permission.ask("app.ban", actor=by)
    if by.kind != permission.STAFF and by.app_id != app.pk:
        raise NotPermitted("This is another app.", action="app.ban")


@transaction.atomic
def ban_from_app(
    *, app: App, identifier: str, seconds: int | None, by: Actor, now: datetime, reason: str = "", address: str = ""
) -> Ban:
    """Out of every room of the app, every socket closed. Servers, app admins and staff. PersonUnknown, OutOfReach."""
    _ask_for_app(app, by)
    person = target_of_app(app=app, identifier=identifier, by=by)
    until = until_of(seconds=seconds, now=now)
    Ban.objects.filter(app=app, room__isnull=True, until__lte=now).exclude(person=person).delete()
    ban, _ = Ban.objects.update_or_create(
        app=app,
        room=None,
        person=person,
        defaults={"until": until, "since": now, "by": str(by)[:120], "reason": reason},
    )
    _keep_traces(ban, app)
    audit.record(
        action="app.ban", actor=by, now=now, target=person.identifier, reason=reason, address=address,
        detail={"sdkappid": app.sdkappid, "seconds": None if until is None else seconds},
    )  # fmt: skip
    facts.state(
        UserBannedFromApp(
            sdkappid=app.sdkappid,
            at=now,
            identifier=person.identifier,
            nick=profile(person).nick,
            until=until,
            by=str(by),
        )
    )
    return ban


@transaction.atomic
def lift_ban_from_app(
    *, app: App, identifier: str, by: Actor, now: datetime, reason: str = "", address: str = ""
) -> None:
    """The app is open to somebody again; bans from single rooms stay."""
    _ask_for_app(app, by)
    person = target_of_app(app=app, identifier=identifier, by=by, lifting=True)
    rows = Ban.objects.filter(app=app, room__isnull=True, person=person)
    held = rows.exclude(until__lte=now).exists()
    rows.delete()
    if not held:
        return
    audit.record(
        action="app.unban", actor=by, now=now, target=person.identifier, reason=reason,
        address=address, detail={"sdkappid": app.sdkappid},
    )  # fmt: skip
    facts.state(AppBanLifted(sdkappid=app.sdkappid, at=now, identifier=person.identifier, by=str(by)))
