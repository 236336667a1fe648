"""What can be given in an app, as viewers and their apps see it (G1)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from interactions.gifts.rules import effects
from interactions.models import Gift
from liveroom.accounts.models import App


def gifts_of(app: App) -> QuerySet[Gift]:
    """Those that are on, in the catalog's order."""
    return Gift.objects.filter(app=app, enabled=True).order_by("place", "price", "id")


def icon_url(name: str) -> str:
    """The whole address of an icon (`Gift.icon`, or its name in the database); "" of a gift without one."""
    return f"{settings.LIVEROOM.public_http}{settings.MEDIA_URL}{name}" if name else ""


def effect_url(app: App, effect: str) -> str:
    """Where the app has no gift base, relative addresses begin at our own static files."""
    return effects.resolved(effect, base=app.gift_base or settings.LIVEROOM.public_http + settings.STATIC_URL)


def gift_shown(gift: Gift, *, app: App) -> dict[str, Any]:
    """An entry of `GET /gifts`."""
    return {
        "id": gift.code,
        "name": gift.name,
        "type": gift.kind,
        "price": gift.price,
        "unit": gift.unit,
        "icon": icon_url(gift.icon.name or ""),
        "effect": effect_url(app, gift.effect) if gift.kind == Gift.EFFECT else "",
        "combo": gift.combo,
    }
