"""Shut somebody out of an app, and let it in again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from liveroom.accounts.models import Person
from liveroom.accounts.services.tokens import revoke_tokens
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.permission import Actor


@transaction.atomic
def set_blocked(
    *, person: Person, blocked: bool, by: Actor, now: datetime, reason: str = "", address: str = ""
) -> Person:
    """A blocked account is refused at every door (70051); its tokens are revoked with it, so that unblocking revives none."""
    permission.ask("person.block", actor=by)
    if person.blocked == blocked:
        return person
    person.blocked = blocked
    person.save(update_fields=["blocked"])
    if blocked:
        revoke_tokens(person=person, by=by, now=now, address=address)
    audit.record(
        action="person.block" if blocked else "person.unblock", actor=by, now=now, target=person.identifier,
        reason=reason, address=address,
    )  # fmt: skip
    return person
