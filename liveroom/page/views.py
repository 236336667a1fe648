"""The page on which anyone can watch a room: a shell that is rendered here, and modules that fill it over the socket."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from interactions.draws.selectors import published_draw
from liveroom.accounts.models import App
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock
from liveroom.kernel.web import devices, origins
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import room_for_page
from streams.addresses import origin_with
from streams.api.views import public_origin
from streams.selectors import programme_policy
from streams.storage import storage

COLORS = (
    ("#ffffff", "white"),
    ("#ff7a85", "red"),
    ("#ffb454", "orange"),
    ("#ffe66d", "yellow"),
    ("#7ee787", "green"),
    ("#6fd3ff", "blue"),
    ("#c4a7ff", "violet"),
    ("#ff9ede", "pink"),
)

# How fast a recording may be watched.
RATES = ("0.5", "0.75", "1", "1.25", "1.5", "2")


@require_safe
def room(request: HttpRequest, group_id: str) -> HttpResponse:
    """`?sdkappid=` chooses the app where there are several. What does not exist gets a friendly 404."""
    found = _asked_for(request, group_id)
    if found is None:
        return render(request, "page/missing.html", {"group_id": group_id}, status=404)
    host = origins.in_address(origins.host_name(request.get_host()))
    context = {
        "room": found,
        "shell": shell(found, host=host),
        "seen": found.is_open,
        "colors": COLORS,
        "rates": RATES,
    }
    answer = render(request, "page/room.html", context)
    answer.connects_to = effects_origin(found.app)  # type: ignore[attr-defined]
    answer.plays_from = f"{play_origin(request, found)} {kept_origin()}".strip()  # type: ignore[attr-defined]
    # The status in it is of this moment.
    patch_cache_control(answer, no_cache=True, private=True)
    if found.visibility == Room.UNLISTED or not found.is_open:
        answer["X-Robots-Tag"] = "noindex"
    _know_the_device(request, answer, found.app)
    return answer


def _know_the_device(request: HttpRequest, answer: HttpResponse, app: App) -> None:
    """The cookie by which a guest of a banned person is recognised, where the app wants that."""
    if app.banned_guests == App.NOBODY or devices.device_of(request.COOKIES.get(devices.COOKIE, "")):
        return
    secure = request.is_secure()
    # In somebody else's frame only a cookie of this kind comes along; browsers take it over TLS only.
    answer.set_cookie(
        devices.COOKIE, devices.new_cookie(), max_age=devices.KEPT_SECONDS, httponly=True, secure=secure,
        samesite="None" if secure else "Lax",
    )  # fmt: skip


@require_safe
def chat(request: HttpRequest, group_id: str) -> HttpResponse:
    """The comments alone on a transparent page, for a browser source or dock of OBS; overlay.js reads the address."""
    found = _asked_for(request, group_id)
    if found is None:
        return render(request, "page/missing.html", {"group_id": group_id}, status=404)
    host = origins.in_address(origins.host_name(request.get_host()))
    known = {"room": found.group_id, "sdkappid": found.app.sdkappid, "sockets": sockets(host=host)}
    answer = render(request, "page/chat.html", {"room": found, "shell": known})
    patch_cache_control(answer, no_cache=True, private=True)
    answer["X-Robots-Tag"] = "noindex"
    return answer


@require_safe
def draw(request: HttpRequest, number: str) -> HttpResponse:
    """Who won, and how anybody checks it. What is not known to everybody yet does not exist."""
    found = published_draw(number)
    if found is None:
        return render(request, "page/missing.html", {"what": "draw", "asked": number}, status=404)
    known = {"draw": found.number, "sdkappid": found.app.sdkappid, "api": "/api/v1"}
    room = found.room
    context = {
        "title": found.prize if room.is_open else "A draw",
        "room_name": room.title or room.group_id if room.is_open else room.group_id,
        "room_address": f"/r/{quote(room.group_id)}?sdkappid={found.app.sdkappid}",
        "shell": known,
    }
    answer = render(request, "page/draw.html", context)
    patch_cache_control(answer, no_cache=True, private=True)
    answer["X-Robots-Tag"] = "noindex"
    return answer


def asked_app(request: HttpRequest) -> tuple[int | None, bool]:
    """The number in `?sdkappid=`, if any; and whether it is one."""
    asked = request.GET.get("sdkappid")
    if asked is None:
        return None, True
    return (int(asked), True) if asked.isascii() and asked.isdigit() and len(asked) <= 15 else (None, False)


def _asked_for(request: HttpRequest, group_id: str) -> Room | None:
    sdkappid, known = asked_app(request)
    return room_for_page(sdkappid=sdkappid, group_id=group_id) if known else None


def effects_origin(app: App) -> str:
    """Where the app keeps the files of its gifts' effects: the page's policy lets it fetch from there, and from here."""
    found = re.match(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?(?=/|\Z)", app.gift_base, re.IGNORECASE)
    return found[0] if found else ""


def play_origin(request: HttpRequest, found: Room) -> str:
    """Where the pictures stand, if the app's play domain has another name than this site."""
    policy = programme_policy(found)
    return "" if policy is None or not policy.host else origin_with(public_origin(request), host=policy.host)


def kept_origin() -> str:
    """Where recordings stand, if a service keeps them and not this site."""
    if settings.LIVEROOM.s3 is None:
        return ""
    found = urlsplit(storage().address(key="recordings/any.mp4", until=clock.now()))
    return f"{found.scheme}://{found.netloc}"


def sockets(*, host: str) -> list[str]:
    """The direct port first (half the cost per message), then the way through the front server, where that one is closed.

    In development a copy is dialled by more names than LIVEROOM_HOST; its ports stand on each of them."""
    config = settings.LIVEROOM
    direct = urlsplit(config.public_ws)
    if not config.production and direct.hostname == config.host and direct.port:
        direct = direct._replace(netloc=f"{host}:{direct.port}")
    return [direct.geturl(), "/ws/v1"]


def shell(room: Room, *, host: str) -> dict[str, Any]:
    """What the modules need before they have joined. Of a room that asks who comes in, no more than its title."""
    return {
        "room": room.group_id,
        "sdkappid": room.app.sdkappid,
        "sockets": sockets(host=host),
        "api": "/api/v1",
        "home": settings.LIVEROOM.public_http,
        "demo": room.app.demo and not settings.LIVEROOM.production,
        "vendor": {
            "mpegts": static("vendor/mpegts/mpegts.js"),
            "hls": static("vendor/hls/hls.min.js"),
            "lottie": static("vendor/lottie/lottie_light.min.js"),
        },
        "seen": {"status": room.status, "owner": profile(room.owner).as_dict()} if room.is_open else None,
    }
