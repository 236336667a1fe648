"""The page of a room's films: whose it is, and that a session alone sends nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from liveroom.accounts.models import Login
from liveroom.rooms.models import Room
from tests.helpers.console import logged_in, page
from tests.helpers.people import Cast
from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db
TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.LIVEROOM = replace(django_settings.LIVEROOM, data=tmp_path)


def films(room: Room) -> str:
    return reverse("admin:rooms_room_files", args=(room.pk,))


def test_the_owner_and_staff_have_the_page_and_nobody_else(
    stella: Client, staff: Client, cast: Cast, ritas: Room
) -> None:
    assert films(cast.room) in stella.get(page(cast.room)).content.decode()
    for client in (stella, staff):
        text = client.get(films(cast.room)).content.decode()
        assert '"room": "r1"' in text
    assert stella.get(films(ritas)).status_code == 404
    moderator = logged_in(Login.objects.create(username="max", person=cast.max, is_staff=True))
    assert films(cast.room) not in moderator.get(page(cast.room)).content.decode()
    assert moderator.get(films(cast.room)).status_code == 404


def test_the_page_sends_with_its_session_and_its_token(cast: Cast, staff: Client) -> None:
    login = Login.objects.create(username="s", person=cast.stella, is_staff=True)
    client = Client(enforce_csrf_checks=True)
    client.force_login(login)
    refused(client.generic("POST", "/api/v1/files?room=r1", headers=TUS), 403)
    token = {"X-CSRFToken": client.get(films(cast.room)).cookies[django_settings.CSRF_COOKIE_NAME].value}
    made = given(client.generic("POST", "/api/v1/files?room=r1", headers={**TUS, **token}), 201)
    answer = client.generic(
        "PATCH", f"/api/v1/files/{made['id']}", b"01234", "application/offset+octet-stream",
        headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0", **token},
    )  # fmt: skip
    assert answer.status_code == 204
    seen = given(staff.get(f"/api/v1/files?room=r1&sdkappid={cast.app.sdkappid}"))["results"]
    assert [(file["id"], file["state"]) for file in seen] == [(made["id"], "checking")]
