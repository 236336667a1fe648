"""The wall: every stream on air with its latest picture, how it arrives, what is wrong with it and what is done with it.

What is in trouble stands first and is marked by a colour and a word; what was lost a moment ago stays, as lost. For staff all of them and
the hosts that do the work, and the wall as one video (a mix that follows the app); for a streamer those of its own rooms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.admin import AdminSite
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter, LiveRoomError
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import is_staff, staff_actor
from liveroom.rooms.admin.rights import seen_by
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import Status
from streams.jobs.models import State
from streams.jobs.selectors import hosts_alive
from streams.mixes import services as mixes
from streams.mixes.rules.scenes import FOLLOWS_APP
from streams.mixes.selectors import at_work
from streams.models import MediaJob, Stream
from streams.models.streams import MIX
from streams.services.health import Health, health_by_stream
from streams.snapshots.rules import BLACK, FROZEN, SILENT
from streams.snapshots.selectors import thumbnails

SHOWN = 60
LOST = "lost"
# From the worst on; the last is none.
MARKS: Final = (LOST, BLACK, FROZEN, SILENT, "")
# So long a lost stream stays on the wall; so long the engine measures a new one.
LOST_FOR = timedelta(minutes=2)
MEASURED_AFTER = timedelta(seconds=20)
# What a job does to a stream, in a word of the card.
WORDS = {
    "record": "recording",
    "ladder": "ladder",
    "relay_push": "passed on",
    "relay_pull": "pulled",
    "relay_file": "film",
}


def page(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        now, refusal = clock.now(), None
        if request.method == "POST" and is_staff(request):
            try:
                return HttpResponseRedirect(_made_video(request, now=now))
            except LiveRoomError as error:
                refusal = error
        streams = Stream.objects.filter(publishes__isnull=False).filter(_shown(now)).exclude(made_by=MIX).distinct()
        if not is_staff(request):
            streams = streams.filter(room__in=Room.objects.filter(seen_by(request)))
        found = list(streams.select_related("room__app", "room__owner").order_by("-room__online", "pk")[:SHOWN])
        cards = cards_of(found, now=now)
        context: dict[str, Any] = {
            **site.each_context(request),
            "title": "Wall",
            "cards": cards,
            "counts": dict(Counter(card["mark"] for card in cards if card["mark"])),
            "well": sum(not card["mark"] for card in cards),
            "more": max(0, streams.count() - SHOWN),
            "hosts": [shown_host(host) for host in hosts_alive(now=now)] if is_staff(request) else [],
            "videos": _videos() if is_staff(request) else [],
            "rooms": _rooms(found) if is_staff(request) else [],
            "refusal": refusal,
        }
        status = refusal.status if refusal is not None else 200
        return TemplateResponse(request, "console/media/wall.html", context, status=status)

    return view


def _shown(now: datetime) -> Q:
    """On air, or lost a moment ago from a room that is not over."""
    lost = Q(publishes__ended_at__gte=now - LOST_FOR, room__status__in=(Status.LIVE, Status.PAUSED))
    return Q(publishes__ended_at__isnull=True) | lost


def _made_video(request: HttpRequest, *, now: datetime) -> str:
    """One picture of all that runs in the app of the room, published as a stream of that room. Its desk's address."""
    room = Room.objects.filter(
        pk=request.POST.get("room", "")[:18] if request.POST.get("room", "").isdigit() else 0
    ).first()
    if room is None:
        raise BadParameter("Choose the room whose stream the wall becomes.", field="room")
    mix = mixes.create_mix(
        room=room, by=staff_actor(request), now=now, address=client_address(request), follows=FOLLOWS_APP, label="wall",
        width=1920, height=1080,
    )  # fmt: skip
    return reverse("admin:rooms_room_director", args=(room.pk, mix.number))


def _videos() -> list[dict[str, Any]]:
    rows = at_work().filter(follows=FOLLOWS_APP).order_by("-id")[:SHOWN]
    return [{"mix": mix, "url": reverse("admin:rooms_room_director", args=(mix.room_id, mix.number))} for mix in rows]


def _rooms(streams: list[Stream]) -> list[Room]:
    """Where a video of the wall can be published: those that are shown."""
    return list({stream.room_id: stream.room for stream in streams}.values())


def cards_of(streams: list[Stream], *, now: datetime) -> list[dict[str, Any]]:
    """Troubles first; within them those with the most viewers, as they come."""
    pictures, health, doing = thumbnails(streams, now=now), health_by_stream(streams), jobs_by_stream(streams)
    cards = [
        {
            "stream": stream,
            "room": stream.room,
            "url": reverse("admin:rooms_room_media", args=(stream.room_id,)),
            "picture": pictures.get(stream.pk, ""),
            "health": health[stream.pk],
            "mark": marked(health[stream.pk], now=now),
            "doing": doing.get(stream.pk, []),
        }
        for stream in streams
    ]
    return sorted(cards, key=lambda card: MARKS.index(str(card["mark"])))


def marked(health: Health, *, now: datetime) -> str:
    """The worst that is the matter, in a word; empty: nothing. Lost: it stopped, or nothing of it arrives although it is connected."""
    if not health.on_air:
        return LOST
    since = None if health.since is None else datetime.fromisoformat(health.since)
    if not health.bitrate_kbps and since is not None and now - since > MEASURED_AFTER:
        return LOST
    return min((one.trouble for one in health.troubles), key=MARKS.index, default="")


def jobs_by_stream(streams: list[Stream]) -> dict[int, list[str]]:
    """What runs for each, in words: `recording`, `ladder`, `passed on ×2`."""
    counts: dict[int, dict[str, int]] = {}
    rows = MediaJob.objects.filter(stream__in=streams, state=State.RUNNING).values_list("stream_id", "kind")
    for stream_id, kind in rows:
        if stream_id is not None and (word := WORDS.get(kind)):
            of = counts.setdefault(stream_id, {})
            of[word] = of.get(word, 0) + 1
    return {pk: [word if n == 1 else f"{word} ×{n}" for word, n in of.items()] for pk, of in counts.items()}


def shown_host(host: Any) -> dict[str, Any]:
    """With shares for its bars."""
    budget, total = host.cores_budget or 1.0, host.disk_total_bytes or 1
    return {
        "host": host,
        "reserved_share": min(1.0, host.cores_reserved / budget),
        "used_share": min(1.0, host.cores_used / budget),
        "disk_share": 1 - host.disk_free_bytes / total,
        "disk_free_gb": host.disk_free_bytes / 1e9,
        "jobs": host.jobs.filter(state=State.RUNNING).count(),
    }
