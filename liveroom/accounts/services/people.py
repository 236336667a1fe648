"""The app's server makes and changes its users (P3)."""

from __future__ import annotations

from django.db import transaction

from liveroom.accounts.models import App, Person
from liveroom.accounts.services import profiles, tokens
from liveroom.kernel.errors import BadParameter, NotFound

MAX_IMPORT = 100


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
def import_people(*, app: App, entries: object) -> list[Person]:
    """Make or update up to 100 users, all or none. Each entry: `id`, and what `change_profile` takes."""
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_IMPORT:
        raise BadParameter(f"users is a list of 1 to {MAX_IMPORT} objects.", field="users", limit=MAX_IMPORT)
    found = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise BadParameter("users is a list of objects with an id each.", field="users")
        identifier = tokens.checked_identifier(entry.get("id"))
        person = tokens.ensure_person(app=app, identifier=identifier)
        changes = {name: value for name, value in entry.items() if name != "id"}
        found.append(profiles.change_profile(person=person, changes=changes, by_app=True) if changes else person)
    return found
