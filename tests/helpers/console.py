"""The console as a test walks it: who is logged in, which page, what the form holds."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from liveroom.accounts.models import Login
from liveroom.rooms.models import Room


def logged_in(login: Login) -> Client:
    client = Client()
    client.force_login(login)
    return client


def page(room: Room) -> str:
    return reverse("admin:rooms_room_change", args=(room.pk,))


def act(room: Room, name: str) -> str:
    return reverse("admin:rooms_room_act", args=(room.pk, name))


def filled(client: Client, url: str, **changes: Any) -> dict[str, Any]:
    """What a browser would send from the form of the page, with changes."""
    form = client.get(url).context["adminform"].form
    data: dict[str, Any] = {}
    for field in form:
        value = field.value()
        parts = field.field.widget.decompress(value) if hasattr(field.field.widget, "decompress") else [value]
        names = [f"{field.html_name}_{n}" for n in range(len(parts))] if len(parts) > 1 else [field.html_name]
        data |= {name: part for name, part in zip(names, parts, strict=True) if part is not None and part is not False}
    for formset in client.get(url).context["inline_admin_formsets"]:
        data |= {f.html_name: f.value() for f in formset.formset.management_form}
    return data | changes


# -- who sees what
