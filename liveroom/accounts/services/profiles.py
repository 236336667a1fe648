"""A person changes how it is shown."""

from __future__ import annotations

from typing import TypedDict

from django.db import transaction

from liveroom.accounts.facts import ProfileChanged
from liveroom.accounts.models import Person
from liveroom.kernel import facts


class ProfileSaid(TypedDict, total=False):
    """What may be changed of a user, checked by whoever took it from outside (liveroom/accounts/shapes.py)."""

    nick: str
    avatar: str
    fields: dict[str, str]
    level: int
    role: int


USERS_OWN = frozenset({"nick", "avatar", "fields"})
APPS_OWN = frozenset(ProfileSaid.__annotations__)


@transaction.atomic
def change_profile(*, person: Person, changes: ProfileSaid, by_app: bool = False) -> Person:
    """Change nick, avatar or custom fields; `by_app` also level and role, which are not the user's to give itself (P3)."""
    unknown = set(changes) - (APPS_OWN if by_app else USERS_OWN)
    if unknown:
        raise TypeError(f"{sorted(unknown)} cannot be changed here")
    for name, value in changes.items():
        setattr(person, name, value)
    # Only what was said: a level that was computed meanwhile stays.
    person.save(update_fields=sorted(changes))
    facts.state(
        ProfileChanged(
            person_id=person.pk,
            sdkappid=person.app.sdkappid,
            identifier=person.identifier,
            changed=tuple(sorted(changes)),
        )
    )
    return person
