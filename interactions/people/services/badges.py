"""Badges that staff give and take. Those that are earned come and go with what earns them (people/services/levels.py)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from interactions.models import Badge, PersonBadge
from interactions.people.services import levels
from liveroom.accounts.services.people import person_of
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.permission import Actor


@transaction.atomic
def give_badge(*, badge: Badge, identifier: str, by: Actor, now: datetime, address: str = "") -> PersonBadge:
    """To a user of the badge's app; it stays until it is taken, also if it was earned before. PersonUnknown."""
    permission.ask("badge.give", actor=by)
    person = person_of(app=badge.app, identifier=identifier)
    held, made = PersonBadge.objects.get_or_create(person=person, badge=badge, defaults={"by": str(by), "at": now})
    if not made and not held.by:
        held.by = str(by)
        held.save(update_fields=["by"])
    levels.look_again(person_ids=[person.pk], now=now)
    audit.record(
        action="badge.give", actor=by, now=now, target=person.identifier, address=address, detail={"badge": badge.code}
    )
    return held


@transaction.atomic
def take_badge(*, badge: Badge, identifier: str, by: Actor, now: datetime, address: str = "") -> None:
    """BadParameter if that user was not given it: what is earned cannot be taken."""
    permission.ask("badge.give", actor=by)
    person = person_of(app=badge.app, identifier=identifier)
    if not PersonBadge.objects.filter(person=person, badge=badge).exclude(by="").delete()[0]:
        raise BadParameter(
            f"{person.identifier} was not given this badge. What somebody earns comes and goes by itself.", field="user"
        )
    levels.look_again(person_ids=[person.pk], now=now)
    audit.record(
        action="badge.take", actor=by, now=now, target=person.identifier, address=address, detail={"badge": badge.code}
    )
