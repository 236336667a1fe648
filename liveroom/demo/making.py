"""The demo of a fresh copy: an app, a streamer, a moderator, a room, an administrator. Made once, never in production."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import transaction

from liveroom.accounts.models import ApiKey, App, Domain, Login, Person
from liveroom.accounts.services import profiles, tokens
from liveroom.demo import gifts as demo_gifts
from liveroom.kernel import permission
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import signing
from liveroom.rooms.models import Room, RoomAdmin
from liveroom.rooms.services.people import appoint_admin
from liveroom.rooms.services.rooms import create_room
from streams import addresses, selectors
from streams.services.streams import show_push_address

SDKAPPID = 1400000001
ROOM = "demo"
BY = Actor(kind=permission.STAFF, label="deploy/up")
# Of the tokens in the addresses of ready.json, which is made anew at every start.
SIGNED_IN_SECONDS = 30 * 24 * 3600


def _secret(purpose: str, length: int) -> str:
    """The demo's passwords and keys follow from this copy's secret: nothing has to be remembered to be shown again."""
    return signing.derived_secret(f"demo-{purpose}")[:length]


@transaction.atomic
def make_demo(*, now: datetime) -> None:
    """Idempotent: what is there stays as it is."""
    app, made = App.objects.get_or_create(
        sdkappid=SDKAPPID,
        defaults={"name": "Demo", "demo": True, "secret_key": signing.derived_secret("demo-app-secret")},
    )
    if made:
        for kind in (Domain.PUSH, Domain.PLAY):
            Domain.objects.create(app=app, kind=kind, name=settings.LIVEROOM.host)
        ApiKey.objects.create(
            app=app, label="demo", secret_id="LRdemo" + _secret("key-id", 16), secret_key=_secret("key", 64)
        )
    stella = _person(app, "stella", "Stella", "stella")
    max_ = _person(app, "max", "Max", "max")
    if not Login.objects.filter(username="admin").exists():
        Login.objects.create_superuser("admin", password=_secret("admin", 16))
    room = Room.objects.filter(app=app, group_id=ROOM, disbanded_at__isnull=True).first()
    if room is None:
        room = create_room(
            app=app,
            owner=stella,
            by=BY,
            now=now,
            group_id=ROOM,
            title="Stella's living room",
            introduction="A room to try things in: push from OBS, watch, comment.",
            notice="Welcome! Point OBS at the address that deploy/up printed.",
            category="demo",
            tags=["demo", "music"],
        )
    if not RoomAdmin.objects.filter(room=room, person=max_).exists():
        appoint_admin(room=room, identifier="max", by=BY, now=now)
    demo_gifts.add_gifts(app=app, by=BY, now=now)


def _person(app: App, identifier: str, nick: str, username: str) -> Person:
    person = tokens.ensure_person(app=app, identifier=identifier)
    if not person.nick:
        profiles.change_profile(person=person, changes={"nick": nick})
    if not Login.objects.filter(username=username).exists():
        Login.objects.create_user(username, password=_secret(username, 16), person=person, is_staff=True)
    return person


def described(*, now: datetime) -> dict[str, Any]:
    """The demo's part of ready.json (surface.md)."""
    app = App.objects.get(sdkappid=SDKAPPID)
    key = ApiKey.objects.filter(app=app, revoked_at__isnull=True).order_by("id").first()
    http = settings.LIVEROOM.public_http
    found: dict[str, Any] = {
        "admin": {"url": f"{http}/admin/", "username": "admin", "password": _secret("admin", 16)},
        "app": {
            "sdkappid": app.sdkappid,
            "secret_key": app.secret_key,
            "api_key": key.bearer if key else None,
            "api_secret_id": key.secret_id if key else None,
            "api_secret_key": key.secret_key if key else None,
            "admin_identifier": app.admin_identifiers[0] if app.admin_identifiers else None,
        },
    }
    room = Room.objects.select_related("app").filter(app=app, group_id=ROOM, disbanded_at__isnull=True).first()
    stream = None if room is None else selectors.own_stream(room)
    if room is None or stream is None:
        return found
    stream = selectors.stream_of(name=stream.name)
    push, play = None, None
    # A copy whose demo app was closed (no enabled domain) starts all the same.
    with suppress(addresses.PushingOff):
        push = show_push_address(stream=stream, by=BY, now=now)
    with suppress(addresses.PlayingOff):
        play = addresses.play_addresses(room=room, actor=BY, now=now, http=http)
    found["demo"] = {
        "room": ROOM,
        "streamer": "stella",
        "streamer_password": _secret("stella", 16),
        "streamer_page": _page_as("stella", app=app, now=now),
        "moderator": "max",
        "moderator_password": _secret("max", 16),
        "moderator_page": _page_as("max", app=app, now=now),
        "obs_server": push.server if push else "",
        "obs_stream_key": push.stream_key if push else "",
        "play": {"rtmp": play.rtmp, "flv": play.flv, "hls": play.hls} if play else None,
        "page": f"{http}/r/{ROOM}",
    }
    return found


def _page_as(identifier: str, *, app: App, now: datetime) -> str:
    """The room's page, opened as that user. Behind the `#` no log has the token."""
    sig = tokens.make_usersig(app=app, identifier=identifier, expire_seconds=SIGNED_IN_SECONDS, now=now)
    return f"{settings.LIVEROOM.public_http}/r/{ROOM}#usersig={quote(sig, safe='')}"
