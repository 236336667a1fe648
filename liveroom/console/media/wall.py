"""The wall: every stream on air with its latest picture, how it arrives, what is wrong with it and what is done with it.

For staff all of them and the hosts that do the work; for a streamer those of its own rooms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from liveroom.kernel import clock
from liveroom.kernel.web.pages import is_staff
from liveroom.rooms.admin.rights import seen_by
from liveroom.rooms.models import Room
from streams.jobs.models import State
from streams.jobs.selectors import hosts_alive
from streams.models import MediaJob, Stream
from streams.services.health import health_by_stream
from streams.snapshots.selectors import thumbnails

SHOWN = 60
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
        now = clock.now()
        streams = Stream.objects.filter(publishes__ended_at__isnull=True, publishes__isnull=False).distinct()
        if not is_staff(request):
            streams = streams.filter(room__in=Room.objects.filter(seen_by(request)))
        found = list(streams.select_related("room__app", "room__owner").order_by("-room__online", "pk")[:SHOWN])
        context: dict[str, Any] = {
            **site.each_context(request),
            "title": "Wall",
            "cards": cards_of(found, now=now),
            "more": max(0, streams.count() - SHOWN),
            "hosts": [shown_host(host) for host in hosts_alive(now=now)] if is_staff(request) else [],
        }
        return TemplateResponse(request, "console/media/wall.html", context)

    return view


def cards_of(streams: list[Stream], *, now: datetime) -> list[dict[str, Any]]:
    pictures, health, doing = thumbnails(streams, now=now), health_by_stream(streams), jobs_by_stream(streams)
    return [
        {
            "stream": stream,
            "room": stream.room,
            "url": reverse("admin:rooms_room_media", args=(stream.room_id,)),
            "picture": pictures.get(stream.pk, ""),
            "health": health[stream.pk],
            "doing": doing.get(stream.pk, []),
        }
        for stream in streams
    ]


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
