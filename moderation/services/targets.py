"""Whom a moderator may act on, for how long, and why: what muting and banning ask alike."""

from __future__ import annotations

from datetime import datetime, timedelta

from liveroom.accounts.models import App, Person
from liveroom.accounts.services.tokens import person_actor
from liveroom.kernel.errors import BadParameter, NotPermitted
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import role_of
from liveroom.rooms.services.people import PersonUnknown, person_of
from moderation.rules import verdict


class OutOfReach(NotPermitted):
    """10007: oneself, the owner, another admin, an admin of the app."""

    name = "out_of_reach"


def until_of(*, seconds: int | None, now: datetime) -> datetime | None:
    """When it ends; None: when somebody lifts it. BadParameter."""
    fault = verdict.seconds_fault(seconds, zero=False)
    if fault is not None:
        raise BadParameter(fault, field="seconds", limit=verdict.FOR_EVER_SECONDS)
    if seconds is None or seconds == verdict.FOR_EVER_SECONDS:
        return None
    return now + timedelta(seconds=seconds)


def target_in(*, room: Room, identifier: str, by: Actor, what: str, lifting: bool = False) -> Person:
    """The user that `by` may mute or ban in the (locked) room, or free. PersonUnknown, OutOfReach."""
    person = person_of(room, identifier)
    person.app = room.app
    target = person_actor(person)
    fault = verdict.out_of_reach(
        by_role=role_of(by, room),
        target_role=role_of(target, room),
        oneself=by.person_id == person.pk,
        app_admin=target.app_admin,
        what=what,
        lifting=lifting,
    )
    if fault is not None:
        raise OutOfReach(fault, user=identifier)
    return person


def target_of_app(*, app: App, identifier: str, by: Actor, lifting: bool = False) -> Person:
    """The user that `by` may ban from the app, or free, locked until the transaction ends. PersonUnknown, OutOfReach."""
    person = Person.objects.select_for_update(of=("self",)).filter(app=app, identifier=identifier).first()
    if person is None:
        raise PersonUnknown(f"There is no user {identifier[:40]!r} in this app; users exist after their first login.")
    fault = verdict.out_of_reach(
        by_role="owner",
        target_role="member",
        oneself=by.person_id == person.pk,
        app_admin=identifier in app.admin_identifiers,
        what="ban",
        lifting=lifting,
    )
    if fault is not None:
        raise OutOfReach(fault, user=identifier)
    return person
