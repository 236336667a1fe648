"""The app's server makes and changes its users (P3)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from liveroom.accounts.models import App, Person
from liveroom.accounts.services import profiles, tokens
from liveroom.accounts.services.profiles import ProfileSaid
from liveroom.kernel.errors import NotFound


class PersonUnknown(NotFound):
    """70107: no user of that id in the app."""

    code, name = 70107, "user_unknown"


def person_of(*, app: App, identifier: str) -> Person:
    found = Person.objects.select_related("app").filter(app=app, identifier=identifier).first()
    if found is None:
        raise PersonUnknown(
            f"There is no user {identifier[:40]!r} in this app; users exist after their first login or import."
        )
    return found


@transaction.atomic
def import_people(*, app: App, people: Sequence[tuple[str, ProfileSaid]]) -> list[Person]:
    """Make or update users, all or none. Of each its id, and what `change_profile` takes."""
    found = []
    for identifier, changes in people:
        person = tokens.ensure_person(app=app, identifier=identifier)
        found.append(profiles.change_profile(person=person, changes=changes, by_app=True) if changes else person)
    return found
