"""Memberships, as the app's own backend sells them: told by it, counted in for levels, draws and badges."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from interactions.models import Membership
from interactions.people.services import levels
from liveroom.accounts.models import Person
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.permission import Actor


@transaction.atomic
def give_membership(
    *, person: Person, until: datetime | None, by: Actor, now: datetime, address: str = ""
) -> Membership:
    """Begin one, or let it last until then (None: until it is ended). BadParameter for what is over already."""
    permission.ask("people.manage", actor=by)
    if until is not None and until <= now:
        raise BadParameter(
            f"until must lie ahead; {until.isoformat()} is over.", field="until", given=until.isoformat()
        )
    found, made = Membership.objects.get_or_create(person=person, defaults={"since": now, "until": until})
    if not made:
        if found.until is not None and found.until <= now:
            found.since = now
        found.until = until
        found.save(update_fields=["since", "until"])
    _changed(person, member=True, until=until, by=by, now=now, address=address)
    return found


@transaction.atomic
def end_membership(*, person: Person, by: Actor, now: datetime, address: str = "") -> None:
    """Now. Where there is none, nothing happens."""
    permission.ask("people.manage", actor=by)
    gone, _ = Membership.objects.filter(person=person).delete()
    if gone:
        _changed(person, member=False, until=None, by=by, now=now, address=address)


def _changed(person: Person, *, member: bool, until: datetime | None, by: Actor, now: datetime, address: str) -> None:
    levels.look_again(person_ids=[person.pk], now=now)
    audit.record(
        action="membership.give" if member else "membership.end", actor=by, now=now, target=person.identifier,
        address=address, detail={"until": None if until is None else until.isoformat()},
    )  # fmt: skip
