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
# Custom fields.
FIELDS, KEY_BYTES, VALUE_BYTES = 20, 32, 500


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


def checked_fields(value: object) -> dict[str, str]:
    """Custom fields: 20 keys of 32 bytes with texts of 500 bytes. BadParameter."""
    # Whatever JSON makes of it: the bounds of each say how much it is.
    fields = text.storable_texts(value, field="fields", limit_bytes=FIELDS * 8 * (KEY_BYTES + VALUE_BYTES))
    if len(fields) > FIELDS:
        raise BadParameter(
            f"A profile has at most {FIELDS} custom fields; {len(fields)} were given.",
            field="fields", limit=FIELDS, given=len(fields),
        )  # fmt: skip
    for key, said in fields.items():
        if not 1 <= (size := len(key.encode())) <= KEY_BYTES:
            raise BadParameter(
                f"The key of a custom field has 1 to {KEY_BYTES} bytes; {key[:KEY_BYTES]!r} has {size}.",
                field="fields", limit=KEY_BYTES, given=size,
            )  # fmt: skip
        if (size := len(said.encode())) > VALUE_BYTES:
            raise BadParameter(
                f"A custom field holds at most {VALUE_BYTES} bytes; {key!r} has {size}.",
                field="fields", limit=VALUE_BYTES, given=size,
            )  # fmt: skip
    return fields


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
        person.fields = checked_fields(changes["fields"])
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
