"""Who helps in a room and who may enter it: admins (P5), the allow-list and the password (R8)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from liveroom.accounts.models import Person
from liveroom.accounts.selectors import profile
from liveroom.kernel import facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, NotFound, NotPermitted
from liveroom.kernel.permission import Actor
from liveroom.rooms.facts import AccessChanged, RoleChanged
from liveroom.rooms.models import AllowedPerson, Room, RoomAdmin
from liveroom.rooms.selectors import role_of
from liveroom.rooms.services import passwords
from liveroom.rooms.services.locking import locked
from liveroom.rooms.services.passwords import PasswordNeeded as PasswordNeeded

MAX_ADMINS = 50
MAX_ALLOWED = 5000


class PersonUnknown(NotFound):
    code, name = 10019, "person_unknown"


class NotOnTheList(NotPermitted):
    name = "not_on_the_list"


def person_of(room: Room, identifier: str) -> Person:
    found = Person.objects.filter(app_id=room.app_id, identifier=identifier).first()
    if found is None:
        raise PersonUnknown(f"There is no user {identifier[:40]!r} in this app; users exist after their first login.")
    return found


@transaction.atomic
def appoint_admin(*, room: Room, identifier: str, by: Actor, now: datetime) -> None:
    """Make somebody a moderator of the room; told to the room. Appointing twice changes nothing."""
    room = locked(room.pk)
    permission.ask("room.admins", actor=by, room=room)
    person = person_of(room, identifier)
    if person.pk == room.owner_id:
        raise BadParameter("The owner has every right already.", field="user")
    if RoomAdmin.objects.filter(room=room, person=person).exists():
        return
    if RoomAdmin.objects.filter(room=room).count() >= MAX_ADMINS:
        raise BadParameter(f"A room has at most {MAX_ADMINS} admins.", field="user", limit=MAX_ADMINS)
    RoomAdmin.objects.create(room=room, person=person, appointed_at=now)
    _tell_role(room, person, permission.ADMIN, by, now)


@transaction.atomic
def dismiss_admin(*, room: Room, identifier: str, by: Actor, now: datetime) -> None:
    room = locked(room.pk)
    permission.ask("room.admins", actor=by, room=room)
    person = person_of(room, identifier)
    if RoomAdmin.objects.filter(room=room, person=person).delete()[0]:
        _tell_role(room, person, permission.MEMBER, by, now)


def _tell_role(room: Room, person: Person, role: str, by: Actor, now: datetime) -> None:
    audit.record(
        action="room.role", actor=by, now=now, room_key=room.key, target=person.identifier, detail={"role": role}
    )
    facts.state(
        RoleChanged(
            room_id=room.pk,
            room_key=room.key,
            at=now,
            identifier=person.identifier,
            nick=profile(person).nick,
            role=role,
            by=str(by),
        )
    )


@transaction.atomic
def set_allow_list(*, room: Room, identifiers: list[str], by: Actor, now: datetime) -> None:
    """Replace the list. It counts once `allow_list_only` is on."""
    room = locked(room.pk)
    permission.ask("room.change", actor=by, room=room)
    if len(identifiers) > MAX_ALLOWED:
        raise BadParameter(f"An allow-list has at most {MAX_ALLOWED} users.", field="users", limit=MAX_ALLOWED)
    people = Person.objects.filter(app_id=room.app_id, identifier__in=identifiers)
    missing = set(identifiers) - {person.identifier for person in people}
    if missing:
        raise PersonUnknown(f"There is no user {sorted(missing)[0][:40]!r} in this app.")
    AllowedPerson.objects.filter(room=room).delete()
    AllowedPerson.objects.bulk_create(AllowedPerson(room=room, person=person) for person in people)
    audit.record(action="room.allow_list", actor=by, now=now, room_key=room.key, detail={"count": len(people)})
    facts.state(AccessChanged(room_id=room.pk, room_key=room.key, at=now, visibility=room.visibility))


def not_on_the_list() -> NotOnTheList:
    return NotOnTheList("This room is open to invited users only; log in with an account that was invited.")


def check_entry(*, room: Room, actor: Actor, password: str | None, address: str = "") -> str:
    """The role with which the actor comes in. PasswordNeeded, NotOnTheList. Owner and admins need neither.

    Somebody of another app is a stranger here: a guest of an open room at most (P1, P4)."""
    role = role_of(actor, room)
    if role in (permission.OWNER, permission.ADMIN):
        return role
    if room.allow_list_only:
        listed = (
            actor.person_id is not None and AllowedPerson.objects.filter(room=room, person_id=actor.person_id).exists()
        )
        if not listed:
            raise not_on_the_list()
    if room.password:
        passwords.check_now(room_id=room.pk, stored=room.password, given=password, address=address, actor=actor)
    return role
