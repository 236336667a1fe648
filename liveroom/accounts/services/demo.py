"""The demo app: anybody may take a name and talk. Never made, and never opened, in production."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from liveroom.accounts.models import App, Person
from liveroom.accounts.services import profiles, tokens
from liveroom.kernel.errors import NotFound
from liveroom.kernel.values import ids

LIFETIME = timedelta(hours=12)
NICK_CHARACTERS = 24


def demo_app() -> App:
    app = None if settings.LIVEROOM.production else App.objects.filter(demo=True).first()
    if app is None:
        raise NotFound("There is no demo login here; use a UserSig made by your server.")
    return app


def log_in(*, app: App, nick: str, now: datetime) -> tuple[Person, str, datetime]:
    """A new person with that nick, its token and when it ends."""
    person = tokens.ensure_person(app=app, identifier="demo_" + ids.event_id()[:12])
    profiles.change_profile(person=person, changes={"nick": nick})
    sig = tokens.make_usersig(
        app=app, identifier=person.identifier, expire_seconds=int(LIFETIME.total_seconds()), now=now
    )
    return person, sig, now + LIFETIME
