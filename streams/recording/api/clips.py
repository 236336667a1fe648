"""Clips over REST: of what was just shown, and of a recording."""

from __future__ import annotations

from typing import Any

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.kernel import clock, permission
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room
from streams.api.views import public_origin
from streams.recording import clips
from streams.recording.api import shapes
from streams.recording.api.shown import shown_clip
from streams.recording.api.views import asked_recording
from streams.recording.models import Clip


def _made(request: ApiRequest, *, within: str, act: Any) -> Response:
    def acted() -> tuple[int, Any]:
        return 201, msgspec.to_builtins(shown_clip(act(), now=clock.now(), http=public_origin(request)))

    status, body = once(request, within=within, what="clips", now=clock.now(), act=acted)
    return Response(body, status=status, headers={"Location": f"/api/v1/clips/{body['id']}"})


class RoomClipsView(APIView):
    @extend_schema(operation_id="rooms_clips_list", responses=shapes.ClipPageSerializer, parameters=[SDKAPPID, *PAGES])
    @open_to("media.see")
    def get(self, request: ApiRequest, room: str) -> Response:
        """The room's clips, the newest first."""
        found = asked_room(request, room)
        self.check_object_permissions(request, found)
        pages = RoomPages()
        pages.ordering = ("-id",)
        rows = Clip.objects.filter(room=found).select_related("room", "recording")
        page: Any = pages.paginate_queryset(rows, request, view=self)
        now, http = clock.now(), public_origin(request)
        return pages.get_paginated_response([shown_clip(clip, now=now, http=http) for clip in page])

    @extend_schema(
        operation_id="rooms_clips_make",
        request=shapes.ClipOfRoomSerializer,
        responses={201: shapes.ClipSerializer},
        parameters=[SDKAPPID],
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest, room: str) -> Response:
        """The last seconds of the programme, as a film with a cover. 409 `nothing_recorded` unless it is being recorded."""
        found, said = asked_room(request, room), checked(shapes.ClipOfRoomSerializer, request.data)
        now = clock.now()
        return _made(
            request,
            within=found.key,
            act=lambda: clips.clip_of_room(
                room=found, seconds=said["seconds"], title=said["title"], by=request.user, now=now,
                address=client_address(request),
            ),
        )  # fmt: skip


class RecordingClipsView(APIView):
    @extend_schema(
        operation_id="recordings_clips_make",
        request=shapes.ClipCreateSerializer,
        responses={201: shapes.ClipSerializer},
        parameters=[SDKAPPID],
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest, recording: str) -> Response:
        """A stretch of a recording, exact to the frame, at most ten minutes long."""
        found = asked_recording(request, recording, "media.manage")
        said = checked(shapes.ClipCreateSerializer, request.data)
        return _made(
            request,
            within=f"recording:{found.pk}",
            act=lambda: clips.clip_of_recording(
                recording=found, from_seconds=said["from_seconds"], to_seconds=said["to_seconds"], title=said["title"],
                by=request.user, now=clock.now(), address=client_address(request),
            ),
        )  # fmt: skip


class ClipView(APIView):
    def asked_clip(self, request: ApiRequest, number: str, action: str) -> Clip:
        found = clips.clip_of(app_id=asked_app(request).pk, number=number)
        permission.ask(action, actor=request.user, room=found.room)
        return found

    @extend_schema(operation_id="clips_get", responses=shapes.ClipSerializer, parameters=[SDKAPPID])
    @open_to("media.see")
    def get(self, request: ApiRequest, clip: str) -> Response:
        found = self.asked_clip(request, clip, "media.see")
        return Response(shown_clip(found, now=clock.now(), http=public_origin(request)))

    @extend_schema(operation_id="clips_delete", responses={204: None}, parameters=[SDKAPPID])
    @open_to("media.manage")
    def delete(self, request: ApiRequest, clip: str) -> Response:
        found = self.asked_clip(request, clip, "media.manage")
        clips.delete_clip(clip=found, by=request.user, now=clock.now(), address=client_address(request))
        return Response(status=204)
