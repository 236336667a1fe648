"""The catalog of an app: gifts are added and changed by staff, never deleted. Each act is in the audit log."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction

from interactions.gifts.models.catalog import MOST_EXPENSIVE
from interactions.gifts.rules import effects
from interactions.gifts.selectors.catalog import effect_url, icon_url
from interactions.gifts.services.icons import checked_icon
from interactions.models import Gift
from liveroom.accounts.models import App
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import text

__all__ = ["add_gift", "change_gift", "effect_url", "icon_url"]

NAME_CHARACTERS, UNIT_CHARACTERS = 60, 20
LAST_PLACE = 32_767
_CODE = re.compile(r"[a-z0-9_-]{1,40}\Z")
FIELDS = frozenset({"name", "kind", "price", "unit", "icon", "effect", "combo", "enabled", "place"})


class GiftExists(Conflict):
    """10056: the app has a gift of this id already. `field`."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The app has a gift {code!r} already; ids are not used twice.", field="code")


@transaction.atomic
def add_gift(*, app: App, code: object, by: Actor, now: datetime, address: str = "", **said: Any) -> Gift:
    """`said`: `name`, `kind` and `price`, and of the other FIELDS what is not as usual; `icon` is the file's bytes.

    BadParameter names the field, the limit and what was given. GiftExists."""
    permission.ask("catalog.manage", actor=by)
    if not isinstance(code, str) or not _CODE.match(code):
        raise BadParameter(f"An id is 1 to 40 of a-z, 0-9, '-' and '_'; not {str(code)[:60]!r}.", field="code")
    for field in ("name", "kind", "price"):
        if field not in said:
            raise BadParameter(f"A gift needs its {field}.", field=field)
    gift = Gift(app=app, code=code)
    written = _lay(gift, said)
    if Gift.objects.filter(app=app, code=code).exists():
        raise GiftExists(code)
    _save(gift, said.get("icon"))
    audit.record(action="gift.add", actor=by, now=now, target=f"{app.sdkappid}/{code}", address=address, detail=written)
    return gift


@transaction.atomic
def change_gift(
    *, gift: Gift, changes: Mapping[str, Any], by: Actor, now: datetime, reason: str = "", address: str = ""
) -> Gift:
    """What was bought before keeps its price; what was told keeps its picture, so old files stay. `icon` None takes the picture away."""
    permission.ask("catalog.manage", actor=by)
    found = Gift.objects.select_for_update().select_related("app").get(pk=gift.pk)
    before = {field: getattr(found, field) for field in changes if field in FIELDS - {"icon"}}
    written = _lay(found, changes)
    _save(found, changes.get("icon"))
    detail = {field: [before[field], value] if field in before else value for field, value in written.items()}
    audit.record(
        action="gift.change", actor=by, now=now, target=f"{found.app.sdkappid}/{found.code}", reason=reason,
        address=address, detail=detail,
    )  # fmt: skip
    return found


def _save(gift: Gift, icon: object) -> None:
    """The file first: a row must never name one that is not there. If the row is refused, the file goes again."""
    made = None
    if isinstance(icon, bytes):
        picture = checked_icon(icon)
        gift.icon.save(f"{secrets.token_hex(16)}.{picture.ending}", ContentFile(picture.content), save=False)
        made = gift.icon.name
    try:
        with transaction.atomic():
            gift.save()
    except IntegrityError as error:
        if made:
            gift.icon.storage.delete(made)
        if "gift_once_per_app" in str(error) or "UNIQUE" in str(error):
            raise GiftExists(gift.code) from error
        raise


def _lay(gift: Gift, said: Mapping[str, Any]) -> dict[str, Any]:
    """Check what was said and write it onto the row; returns it for the audit log."""
    unknown = set(said) - FIELDS
    if unknown:
        raise BadParameter(f"A gift has no field {min(unknown)[:40]!r} that can be set.", field=min(unknown)[:40])
    written: dict[str, Any] = {}
    for field in sorted(set(said) - {"icon", "effect"}):
        written[field] = _CHECKS[field](said[field], field)
        setattr(gift, field, written[field])
    if "effect" in said:
        gift.effect = written["effect"] = text.storable(said["effect"], field="effect").strip()
    if "icon" in said:
        if said["icon"] is None:
            gift.icon = ""
        elif not isinstance(said["icon"], bytes):
            raise BadParameter("icon is the content of a file.", field="icon")
        written["icon"] = said["icon"] is not None
    _check_effect(gift)
    return written


def _check_effect(gift: Gift) -> None:
    if gift.kind != Gift.EFFECT:
        if gift.effect:
            raise BadParameter("Only a full effect has a file to play; leave the address empty.", field="effect")
        return
    if not gift.effect:
        raise BadParameter(
            "A full effect needs the address of its Lottie (.json) or SVGA (.svga) file.", field="effect"
        )
    wrong = effects.fault(gift.effect)
    if wrong:
        raise BadParameter(wrong, field="effect", limit=effects.MOST_CHARACTERS, given=len(gift.effect))


def _words(limit: int, *, required: bool) -> Any:
    def check(value: object, field: str) -> str:
        said = " ".join(text.line(value, field=field, limit_bytes=limit * 4, required=required).split())
        if len(said) > limit:
            raise BadParameter(
                f"{field} has at most {limit} characters; this one has {len(said)}.",
                field=field,
                limit=limit,
                given=len(said),
            )
        return said

    return check


def _whole(low: int, high: int) -> Any:
    def check(value: object, field: str) -> int:
        if type(value) is not int or not low <= value <= high:
            raise BadParameter(
                f"{field} is a whole number from {low:,} to {high:,}, not {str(value)[:40]}.",
                field=field, limit=high, given=str(value)[:40],
            )  # fmt: skip
        return value

    return check


def _kind(value: object, field: str) -> int:
    if type(value) is not int or value not in (Gift.ORDINARY, Gift.BANNER, Gift.EFFECT):
        raise BadParameter(
            f"kind is 1 (a line in the chat), 2 (a banner) or 3 (a full effect), not {str(value)[:40]}.", field=field
        )
    return value


def _switch(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise BadParameter(f"{field} is true or false, not {str(value)[:40]}.", field=field)
    return value


_CHECKS: dict[str, Any] = {
    "name": _words(NAME_CHARACTERS, required=True),
    "unit": _words(UNIT_CHARACTERS, required=False),
    "kind": _kind,
    "price": _whole(1, MOST_EXPENSIVE),
    "place": _whole(0, LAST_PLACE),
    "combo": _switch,
    "enabled": _switch,
}
