"""The front page: which rooms are on air, and which begin soon, for whoever comes without an address."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from liveroom.kernel import clock
from liveroom.page.links import room_link
from liveroom.page.views import asked_app
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import Status
from liveroom.rooms.selectors import ROOMS, cover_of

SHOWN, SOON_SHOWN = 60, 12
SOON = timedelta(days=7)
# A streamer who is late is still expected.
LATE = timedelta(hours=2)
SEARCH_CHARACTERS = 100


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Listed rooms of the apps whose list needs no login; `?sdkappid=` chooses an app, `?q=` searches titles and streamers."""
    sdkappid, known = asked_app(request)
    if not known:
        return render(request, "page/error.html", {"status": 404}, status=404)
    search = request.GET.get("q", "").strip()[:SEARCH_CHARACTERS].replace("\x00", "")
    rooms = _listed(sdkappid=sdkappid, search=search)
    now = clock.now()
    on_air = rooms.filter(status__in=(Status.LIVE, Status.PAUSED)).order_by("-online", "-status_at")[:SHOWN]
    soon = rooms.filter(
        status=Status.TO_BE_STARTED, starts_at__gt=now - LATE, starts_at__lt=now + SOON
    ).order_by("starts_at")[:SOON_SHOWN]  # fmt: skip
    context = {
        "on_air": [_card(room) for room in on_air],
        "soon": [_card(room, now=now) for room in soon],
        "search": search,
        "sdkappid": "" if sdkappid is None else str(sdkappid),
    }
    answer = render(request, "page/home.html", context)
    # Of this moment, and the same for everybody: a few seconds are enough for a crowd that comes at once.
    patch_cache_control(answer, public=True, max_age=2)
    return answer


def _listed(*, sdkappid: int | None, search: str) -> QuerySet[Room]:
    found = ROOMS.filter(visibility=Room.LISTED, app__open_list=True)
    if sdkappid is not None:
        found = found.filter(app__sdkappid=sdkappid)
    if search:
        found = found.filter(
            Q(title__icontains=search) | Q(owner__nick__icontains=search) | Q(tag_line__icontains=f"|{search}|")
        )
    return found


def _card(room: Room, *, now: datetime | None = None) -> dict[str, Any]:
    """Of a room that asks who comes in, no more than title and streamer: as on its own page."""
    return {
        "room": room,
        "url": room_link(room),
        "title": room.title or room.group_id,
        "words": room.introduction if room.is_open else "",
        "cover": _own_picture(cover_of(room)) if room.is_open else "",
        "due": now is not None and room.starts_at is not None and room.starts_at <= now,
    }


def _own_picture(address: str) -> str:
    """A cover is shown from this site only: another one would see who looks at the list."""
    own = urlsplit(settings.LIVEROOM.public_http)
    found = urlsplit(address)
    same = (found.scheme, found.netloc) in {("", ""), (own.scheme, own.netloc)}
    return address if same and found.path.startswith("/") and not address.startswith("//") else ""
