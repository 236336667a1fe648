"""The page on which anyone can watch a room: a shell that is rendered here, and modules that fill it over the socket."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from liveroom.accounts.selectors import profile
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import room_for_page

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


@require_safe
def room(request: HttpRequest, group_id: str) -> HttpResponse:
    """`?sdkappid=` chooses the app where there are several. What does not exist gets a friendly 404."""
    found = _asked_for(request, group_id)
    if found is None:
        return render(request, "page/missing.html", {"group_id": group_id}, status=404)
    host = request.get_host().rsplit(":", 1)[0]
    context = {"room": found, "shell": shell(found, host=host), "seen": found.is_open, "colors": COLORS}
    answer = render(request, "page/room.html", context)
    # The status in it is of this moment.
    patch_cache_control(answer, no_cache=True, private=True)
    if found.visibility == Room.UNLISTED or not found.is_open:
        answer["X-Robots-Tag"] = "noindex"
    return answer


@require_safe
def chat(request: HttpRequest, group_id: str) -> HttpResponse:
    """The comments alone on a transparent page, for a browser source or dock of OBS; overlay.js reads the address."""
    found = _asked_for(request, group_id)
    if found is None:
        return render(request, "page/missing.html", {"group_id": group_id}, status=404)
    host = request.get_host().rsplit(":", 1)[0]
    known = {"room": found.group_id, "sdkappid": found.app.sdkappid, "sockets": sockets(host=host)}
    answer = render(request, "page/chat.html", {"room": found, "shell": known})
    patch_cache_control(answer, no_cache=True, private=True)
    answer["X-Robots-Tag"] = "noindex"
    return answer


def _asked_for(request: HttpRequest, group_id: str) -> Room | None:
    asked = request.GET.get("sdkappid")
    if asked is not None and not (asked.isascii() and asked.isdigit() and len(asked) <= 15):
        return None
    return room_for_page(sdkappid=int(asked) if asked else None, group_id=group_id)


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
        "demo": room.app.demo and not settings.LIVEROOM.production,
        "vendor": {
            "mpegts": static("vendor/mpegts/mpegts.js"),
            "hls": static("vendor/hls/hls.min.js"),
            "lottie": static("vendor/lottie/lottie_light.min.js"),
            "svga": static("vendor/svga/index.esm.min.js"),
        },
        "seen": {"status": room.status, "owner": profile(room.owner).as_dict()} if room.is_open else None,
    }
