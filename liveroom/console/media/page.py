"""A room's media page: what is recorded, cut, passed on, pulled and played, by which templates, and what it costs. It follows by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse

from liveroom.console.media import acts
from liveroom.console.media.wall import jobs_by_stream
from liveroom.console.media.watermarks import WATERMARKS, WatermarkActs
from liveroom.kernel import clock
from liveroom.page.links import room_link
from liveroom.rooms.admin.rights import runs
from liveroom.rooms.models import Room
from streams import selectors
from streams.files.models import MediaFile
from streams.files.rules import PICTURES
from streams.jobs.models import OPEN_STATES
from streams.models import MediaJob, Stream
from streams.plans.selectors import shown_plans
from streams.recording.api.shown import shown_clip, shown_recording
from streams.recording.models import Clip
from streams.recording.selectors import recordings_of
from streams.relays.selectors import jobs_of, relays, shown_relay
from streams.services.health import health_of
from streams.snapshots.models import DONE, Snapshot
from streams.snapshots.selectors import address_of
from streams.traffic.selectors import bandwidth_now

RECORDINGS, CLIPS, JOBS, SNAPSHOTS, FILMS = 20, 12, 20, 6, 50


class MediaPage(WatermarkActs):
    """Adds `/<room>/media/` to the room's pages."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.media_view)
        return [path("<path:object_id>/media/", view, name="rooms_room_media"), *super().get_urls()]

    def media_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        room = self.get_object(request, object_id)
        if room is None or not self.has_view_permission(request, room) or room.disbanded_at is not None:
            raise Http404("There is no such room.")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Media of {room.title}",
            "opts": self.model._meta,
            "original": room,
            "media": self._media(request, room, now=clock.now()),
        }
        return TemplateResponse(request, "console/media/room.html", context)

    def _media(self, request: HttpRequest, room: Room, *, now: datetime) -> dict[str, Any]:
        stream = selectors.shown_stream(room)
        whole = runs(request, room)
        files = list(MediaFile.objects.filter(room=room, state=MediaFile.State.READY).order_by("-id")[:FILMS])
        return {
            "room": room,
            "room_url": self.page_url(room),
            "viewer_url": room_link(room),
            "files_url": reverse(f"{self.admin_site.name}:rooms_room_files", args=(room.pk,)),
            "runs": whole,
            "stream": stream,
            "on_air": self._on_air(stream, now=now) if stream is not None else None,
            "recordings": [
                shown_recording(row, now=now, http="")
                for row in recordings_of(app=room.app, room=room, asked={}).order_by("-id")[:RECORDINGS]
            ],
            "clips": [
                shown_clip(row, now=now, http="")
                for row in Clip.objects.filter(room=room).select_related("room", "recording").order_by("-id")[:CLIPS]
            ],
            # An address of a relay says where else somebody streams: the owner's business.
            "relays": self._relays(room) if whole else [],
            "films": [file for file in files if file.container not in PICTURES],
            "pictures": [file for file in files if file.container in PICTURES],
            "watermarks": self._watermarks(room) if whole else [],
            "plans": shown_plans(stream=stream) if stream is not None and whole else [],
            "jobs": list(
                MediaJob.objects.filter(stream__room=room, state__in=OPEN_STATES).select_related("host").order_by("id")[:JOBS]
            ),
            "snapshots": self._snapshots(room, now=now),
            **{act.name.replace("-", "_") + "_act": self.shown_act(room, act) for act in (*acts.MEDIA, *WATERMARKS)},
        }  # fmt: skip

    @staticmethod
    def _relays(room: Room) -> list[dict[str, Any]]:
        rows = list(relays().filter(room=room).order_by("-id"))
        jobs = jobs_of(rows)
        return [shown_relay(row, jobs.get(row.reference)) for row in rows]

    def _on_air(self, stream: Stream, *, now: datetime) -> dict[str, Any]:
        return {
            "health": health_of(stream),
            "doing": jobs_by_stream([stream]).get(stream.pk, []),
            "traffic": bandwidth_now(room_id=stream.room_id, now=now),
        }

    @staticmethod
    def _snapshots(room: Room, *, now: datetime) -> list[dict[str, Any]]:
        rows = Snapshot.objects.filter(stream__room=room, state=DONE).order_by("-id")[:SNAPSHOTS]
        return [{"url": address_of(row, now=now), "taken_at": row.taken_at, "verdict": row.verdict} for row in rows]
