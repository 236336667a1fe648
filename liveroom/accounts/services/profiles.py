"""A person changes how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from liveroom.accounts.facts import ProfileChanged
from liveroom.accounts.models import Person
from liveroom.kernel import facts, text
from liveroom.kernel.errors import BadParameter

NICK_BYTES = 1024
AVATAR_BYTES = 500
FIELDS_BYTES = 4096


USERS_OWN = frozenset({"nick", "avatar", "fields"})
APPS_OWN = USERS_OWN | {"level", "role"}
HIGHEST = 2**31 - 1


def _number(value: object, *, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= HIGHEST:
        raise BadParameter(f"{field} is a whole number from 0 to {HIGHEST}.", field=field, limit=HIGHEST)
    return value


def checked_avatar(value: object) -> str:
    """Empty or an http(s) address: it ends up in an `img` of every viewer."""
    url = text.opaque(value, field="avatar", limit_bytes=AVATAR_BYTES)
    if url and not text.is_web_address(url):
        raise BadParameter("avatar must be an http or https address.", field="avatar")
    return url


@transaction.atomic
def change_profile(*, person: Person, changes: Mapping[str, Any], by_app: bool = False) -> Person:
    """Change nick, avatar or custom fields; `by_app` also level and role, which are not the user's to give itself (P3)."""
    unknown = set(changes) - (APPS_OWN if by_app else USERS_OWN)
    if unknown:
        raise BadParameter(f"{sorted(unknown)[0][:40]} cannot be changed here.", field=sorted(unknown)[0][:40])
    for name in ("level", "role"):
        if name in changes:
            setattr(person, name, _number(changes[name], field=name))
    if "nick" in changes:
        person.nick = text.name(changes["nick"], field="nick", limit_bytes=NICK_BYTES)
    if "avatar" in changes:
        person.avatar = checked_avatar(changes["avatar"])
    if "fields" in changes:
        person.fields = text.storable_texts(changes["fields"], field="fields", limit_bytes=FIELDS_BYTES)
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
