"""The console's visitors, and passwords that cost nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from liveroom.accounts.models import Login
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from liveroom.rooms.services.rooms import create_room
from tests.helpers.console import logged_in
from tests.helpers.people import STAFF, Cast


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Any) -> None:
    """What makes guessing slow makes tests slow."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def stella(cast: Cast) -> Client:
    return logged_in(Login.objects.create(username="stella", person=cast.stella, is_staff=True))


@pytest.fixture
def staff(cast: Cast) -> Client:
    return logged_in(Login.objects.create(username="boss", is_staff=True, is_superuser=True))


@pytest.fixture
def ritas(cast: Cast) -> Room:
    """A room of another streamer, in another app."""
    return create_room(app=cast.other_app, owner=cast.rita, by=STAFF, now=clock.now(), group_id="r2", title="Rita's")
