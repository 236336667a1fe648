"""Recordings over REST as viewers watch them: the list, one to play, its comments in time, its comments as a file.

Who may be in the room may watch what it published; who runs it sees the rest, too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import orjson
from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.replay import playback, selectors, shapes, windows
from interactions.replay.rules.ass import ass_file
from interactions.replay.rules.bilibili import bilibili_file
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.kernel import clock
from liveroom.kernel.web import throttle
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room, entered
from streams.api.views import PASSWORD, public_origin
from streams.recording.models import Recording

ASKED = [SDKAPPID, PASSWORD]
# A file's readers ask for a bound; nobody's show has more.
MOST_COMMENTS = 1_000_000
# What a browser asks for again while somebody seeks to and fro. It is nobody else's: the rights are the viewer's.
KEPT = "private, max-age=30"
# By then what was said is in the archive.
SETTLED_MS = 5_000
TYPES = {
    shapes.JSONL: "application/x-ndjson; charset=utf-8",
    shapes.ASS: "text/x-ssa; charset=utf-8",
    shapes.BILIBILI: "application/xml; charset=utf-8",
}
HEARD = [field.name for field in fields(windows.Window)]
ENDINGS = {shapes.JSONL: "jsonl", shapes.ASS: "ass", shapes.BILIBILI: "xml"}


class FilesThrottle(CountedThrottle):
    """A file of a long show is some seconds of a core: twenty a minute of one address, guest or not. Servers are exempt."""

    what, limit, per_seconds = "comment-files", 20, 60

    def who(self, request: ApiRequest) -> str:
        return client_address(request)

    def allow_request(self, request: ApiRequest, view: Any) -> bool:  # type: ignore[override]
        """Reading is counted here. TooOften."""
        if not request.user.acts_for_app:
            throttle.allow(what=self.what, who=self.who(request), limit=self.limit, per_seconds=self.per_seconds)
        return True


def asked_recording(request: ApiRequest, number: str) -> Recording:
    """The recording of the path, for who may enter its room. Of a room that is closed to who asks it is not said whether there is one."""
    room = selectors.room_of_recording(asked_app(request), number)
    entered(request, room)
    return selectors.recording_in(room, number, actor=request.user)


class RoomRecordingsView(APIView):
    @extend_schema(
        operation_id="rooms_recordings_list", responses=shapes.PublishedPageSerializer, parameters=[*ASKED, *PAGES]
    )
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """What can be watched again of the room's shows, the latest first."""
        found = asked_room(request, room, enter=True)
        unpublished = selectors.sees_unpublished(request.user, found)
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(selectors.recordings_of(found, unpublished=unpublished), request, view=self)
        return pages.get_paginated_response(playback.published(page, now=clock.now(), http=public_origin(request)))


class PlaybackView(APIView):
    @extend_schema(operation_id="recordings_playback_get", responses=shapes.PlaybackSerializer, parameters=ASKED)
    @open_to("room.enter")
    def get(self, request: ApiRequest, recording: str) -> Response:
        """Signed addresses of the recording for this viewer, its chapters, how much was said when, its clips."""
        found = asked_recording(request, recording)
        playback.refuse_closed(found.room)
        line = selectors.timeline(found)
        return Response(playback.playback(found, line=line, now=clock.now(), http=public_origin(request)))


class ReplayView(APIView):
    @extend_schema(
        operation_id="recordings_replay_get",
        responses={200: shapes.ReplayWindowSerializer, 304: None},
        parameters=[shapes.WindowQuery, *ASKED],
    )
    @open_to("room.enter")
    def get(self, request: ApiRequest, recording: str) -> HttpResponse:
        """What the room heard in a part of the recording: comments, gifts, likes, notices, pins, polls, draws."""
        from_ms, to_ms = shapes.asked_window(asked := checked(shapes.WindowQuery, request.query_params))
        found = asked_recording(request, recording)
        line = selectors.timeline(found)
        heard = windows.window(room=found.room, line=line, from_ms=from_ms, to_ms=to_ms, before=asked["before"])
        curve = selectors.likes(found, line)
        near = _near(curve, heard.from_ms, heard.to_ms)
        # Not `asdict`: it copies every event, which was half of the work.
        return _kept(request, orjson.dumps({**{name: getattr(heard, name) for name in HEARD}, "likes": near}))


class HeardView(APIView):
    @extend_schema(
        operation_id="rooms_heard_get",
        responses={200: shapes.HeardSerializer, 304: None},
        parameters=[shapes.HeardQuery, *ASKED],
    )
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> HttpResponse:
        """What the room heard in a part of the running show, for who has gone back in it: comments, gifts, notices, polls. As far
        back as its picture reaches (`timeshift` of its play addresses)."""
        asked, now_ms = checked(shapes.HeardQuery, request.query_params), clock.now_ms()
        if asked["from_ms"] is None:
            asked["from_ms"] = now_ms - shapes.USUAL_MS
        from_ms, to_ms = shapes.asked_window(asked)
        found = asked_room(request, room, enter=True)
        line = selectors.running_line(found, now_ms=now_ms)
        heard = windows.window(room=found, line=line, from_ms=from_ms, to_ms=to_ms, before=asked["before"])
        answer = _kept(request, orjson.dumps({name: getattr(heard, name) for name in HEARD}))
        if to_ms > now_ms - SETTLED_MS:
            answer["Cache-Control"] = "no-store"
        return answer


class CommentsFileView(APIView):
    class AsAsked(BaseContentNegotiation):
        """`format` is a word of ours here, not REST framework's."""

        def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
            return renderers[0], renderers[0].media_type

        def select_parser(self, request: Any, parsers: Any) -> Any:
            return parsers[0]

    content_negotiation_class = AsAsked
    throttle_classes = [FilesThrottle]

    @extend_schema(
        operation_id="recordings_comments_get",
        responses={(200, kind.partition(";")[0]): OpenApiTypes.STR for kind in TYPES.values()},
        parameters=[
            OpenApiParameter("format", enum=[shapes.JSONL, shapes.ASS, shapes.BILIBILI], default=shapes.JSONL),
            *ASKED,
        ],
    )
    @open_to("room.enter")
    def get(self, request: ApiRequest, recording: str) -> StreamingHttpResponse:
        """The recording's comments as a file: every event as a line of JSON, flying subtitles (ASS), or Bilibili's XML."""
        form = checked(shapes.FormatQuery, request.query_params)["format"]
        found = asked_recording(request, recording)
        answer = StreamingHttpResponse(comments_file(found, form=form), content_type=TYPES[form])
        answer["Content-Disposition"] = f'attachment; filename="comments-{found.number}.{ENDINGS[form]}"'
        answer["Cache-Control"] = "no-store"
        return answer


def comments_file(recording: Recording, *, form: str) -> Iterator[bytes]:
    """For REST and for the console."""
    line = selectors.timeline(recording)
    if form == shapes.JSONL:
        return (orjson.dumps(event) + b"\n" for event in windows.everything(recording=recording, line=line))
    said = windows.lines(recording=recording, line=line)
    text = (
        ass_file(said, title=recording.room.title or recording.room.group_id)
        if form == shapes.ASS
        else bilibili_file(said, chat_id=recording.pk, most=MOST_COMMENTS)
    )
    # A lone surrogate is no character, and no file of ours holds one.
    return (part.encode("utf-8", "replace") for part in text)


def _near(curve: list[Any], from_ms: int, to_ms: int) -> list[Any]:
    """The points of the window and one on each side of it."""
    first = max((place for place, point in enumerate(curve) if point.at_ms <= from_ms), default=0)
    last = next((place for place, point in enumerate(curve) if point.at_ms >= to_ms), len(curve) - 1)
    return curve[first : last + 1]


def _kept(request: ApiRequest, body: bytes) -> HttpResponse:
    """With its digest: who has the same is told so."""
    tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    known = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
    answer = HttpResponse(status=304) if tag in known else HttpResponse(body, content_type="application/json")
    answer["ETag"], answer["Cache-Control"] = tag, KEPT
    answer["Vary"] = "Authorization, Room-Password"
    return answer
