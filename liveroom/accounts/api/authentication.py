"""`Authorization: Bearer …`: a UserSig (people) or an API key (servers). The console comes with its session."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, SessionAuthentication

from liveroom.accounts.models import Login, Person
from liveroom.accounts.rules import usersig
from liveroom.accounts.services import tokens
from liveroom.kernel import clock, permission
from liveroom.kernel.permission import Actor
from liveroom.kernel.web import devices
from liveroom.kernel.web.http import client_address


class BearerAuthentication(BaseAuthentication):
    """Sets `request.user` to an Actor and, for people, `request.auth` to the Person."""

    def authenticate(self, request: Any) -> tuple[Actor, Person | None] | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            device = devices.device_of(request.COOKIES.get(devices.COOKIE, ""))
            if device and not request.COOKIES.get(settings.SESSION_COOKIE_NAME):
                return permission.anonymous(devices.traces_of(device=device, address=client_address(request))), None
            return None
        value = value.strip()
        if usersig.is_api_key(value):
            return tokens.log_in_server(bearer=value), None
        person = tokens.log_in(token=value, now=clock.now())
        return tokens.person_actor(person), person

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


def login_actor(login: Login) -> Actor:
    """Who somebody at the console is: staff, or the person whose rooms it runs."""
    if login.is_superuser:
        return Actor(kind=permission.STAFF, label=login.get_username())
    if login.person is not None:
        return tokens.person_actor(login.person)
    return permission.anonymous()


class ConsoleAuthentication(SessionAuthentication):
    """The console's session cookie, with its CSRF check."""

    def authenticate(self, request: Any) -> tuple[Actor, Person | None] | None:
        found = super().authenticate(request)
        if found is None or not isinstance(found[0], Login):
            return None
        login = found[0]
        return login_actor(login), login.person
