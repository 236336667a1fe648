"""Recordings over REST, for who looks after a room and for servers: start, stop, list, chapters, delete."""

from __future__ import annotations

from typing import Any

import msgspec
from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import PAGES, RoomPages
from streams.api.asked import asked_app_or_room
from streams.api.views import asked_stream, public_origin
from streams.recording import chapters, selectors, services
from streams.recording.api import shapes
from streams.recording.api.shown import all_shown, shown_recording
from streams.recording.models import Recording
from streams.recording.rules import LONGEST_FLOW_SECONDS, SHORTEST_SPLIT_SECONDS, Wish


def asked_recording(request: ApiRequest, number: str, action: str) -> Recording:
    """The recording of the path, once `action` is allowed in its room. Another app's is unknown here (P1)."""
    found = selectors.recording_of(app_id=asked_app(request).pk, number=number)
    permission.ask(action, actor=request.user, room=found.room)
    return found


def _shown(request: ApiRequest, recording: Recording) -> dict[str, Any]:
    fresh = selectors.recording_of(app_id=recording.app_id, number=recording.number)
    return shown_recording(fresh, now=clock.now(), http=public_origin(request))


def _wish(said: dict[str, Any]) -> Wish:
    usual = min(LONGEST_FLOW_SECONDS, round(settings.LIVEROOM.end_after_seconds))
    for name, least in (("split_seconds", SHORTEST_SPLIT_SECONDS), ("split_bytes", shapes.SMALLEST_SPLIT_BYTES)):
        if 0 < said[name] < least:
            raise BadParameter(
                f"{name} is 0 or at least {least}; given: {said[name]}.", field=name, limit=least, given=said[name]
            )
    return Wish(
        split_seconds=said["split_seconds"],
        split_bytes=said["split_bytes"],
        flow_continue_seconds=said.get("flow_continue_seconds", usual),
        storage_seconds=said["storage_seconds"],
        playback=said["playback"],
    )


class RecordingsView(APIView):
    @extend_schema(
        operation_id="recordings_list",
        responses=shapes.RecordingPageSerializer,
        parameters=[
            SDKAPPID,
            *(OpenApiParameter(name, str) for name in ("room", "stream", "session")),
            OpenApiParameter("state", str, description="One of the six states, or `open`."),
            *PAGES,
        ],
    )
    @open_to("media.see")
    def get(self, request: ApiRequest) -> Response:
        """Recordings, the newest first: of a room for whoever moderates it (`?room=`), of the whole app for servers."""
        app, room = asked_app_or_room(request, "media.see")
        rows = selectors.recordings_of(app=app, room=room, asked=request.query_params)
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(all_shown(page, now=clock.now(), http=public_origin(request)))

    @extend_schema(
        operation_id="recordings_start",
        request=shapes.RecordingCreateSerializer,
        responses={201: shapes.RecordingSerializer},
        parameters=[SDKAPPID],
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest) -> Response:
        """Record a stream from now on; without a publisher it waits for one. Send an `Idempotency-Key` to be able to repeat the request."""
        said, now = checked(shapes.RecordingCreateSerializer, request.data), clock.now()
        stream, wish = asked_stream(request, said["stream"]), _wish(said)

        def act() -> tuple[int, Any]:
            by_hand = request.user.kind == permission.PERSON
            recording = services.start_recording(
                stream=stream, format=said["format"], wish=wish, by=request.user, now=now, until=said.get("until"),
                origin=Recording.Origin.HAND if by_hand else Recording.Origin.API, address=client_address(request),
            )  # fmt: skip
            return 201, msgspec.to_builtins(_shown(request, recording))

        status, body = once(request, within=stream.room.key, what="recordings", now=now, act=act)
        return Response(body, status=status, headers={"Location": f"/api/v1/recordings/{body['id']}"})


class RecordingView(APIView):
    @extend_schema(operation_id="recordings_get", responses=shapes.RecordingSerializer, parameters=[SDKAPPID])
    @open_to("media.see")
    def get(self, request: ApiRequest, recording: str) -> Response:
        """One, with the signed addresses of its files."""
        return Response(_shown(request, asked_recording(request, recording, "media.see")))

    @extend_schema(operation_id="recordings_delete", responses={204: None}, parameters=[SDKAPPID])
    @open_to("media.manage")
    def delete(self, request: ApiRequest, recording: str) -> Response:
        """With all its files; its clips stay. 409 while it is being written."""
        services.delete_recording(
            recording=asked_recording(request, recording, "media.manage"), by=request.user, now=clock.now(),
            address=client_address(request),
        )  # fmt: skip
        return Response(status=204)


class RecordingStopView(APIView):
    @extend_schema(
        operation_id="recordings_stop", request=None, responses=shapes.RecordingSerializer, parameters=[SDKAPPID]
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest, recording: str) -> Response:
        """What was written becomes its files. Stopping twice is stopping once."""
        found = services.stop_recording(
            recording=asked_recording(request, recording, "media.manage"), by=request.user, now=clock.now(),
            address=client_address(request),
        )  # fmt: skip
        return Response(_shown(request, found))


class ChaptersView(APIView):
    @extend_schema(
        operation_id="recordings_chapters_add",
        request=shapes.ChapterCreateSerializer,
        responses={201: shapes.ChapterSerializer},
        parameters=[SDKAPPID],
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest, recording: str) -> Response:
        """Mark a place in a recording."""
        found, now = asked_recording(request, recording, "media.manage"), clock.now()
        said = checked(shapes.ChapterCreateSerializer, request.data)

        def act() -> tuple[int, Any]:
            made = chapters.put_chapter(
                recording=found, seconds=said["seconds"], title=said["title"], by=request.user, now=now
            )
            return 201, {"id": made.pk, "kind": made.kind, "title": made.title, "seconds": made.seconds}

        status, body = once(request, within=f"recording:{found.pk}", what="chapters", now=now, act=act)
        return Response(body, status=status)


class ChapterView(APIView):
    @extend_schema(operation_id="recordings_chapters_remove", responses={204: None}, parameters=[SDKAPPID])
    @open_to("media.manage")
    def delete(self, request: ApiRequest, recording: str, chapter: int) -> Response:
        found = asked_recording(request, recording, "media.manage")
        chapters.remove_chapter(recording=found, chapter=chapter, by=request.user)
        return Response(status=204)
