"""Files over REST: announced and listed as everything else, sent by tus 1.0.0, so that any client of that can.

The body of a piece is read here while it arrives (liveroom/streamed_bodies.py) and goes to the disk; nobody holds it in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.http import http_date
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import ANYBODY, open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter, LiveRoomError
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked, shown
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room
from liveroom.rooms.selectors import room_of
from streams.api.views import public_origin
from streams.files import rules, selectors, services, shapes
from streams.files.models import MediaFile

TUS_HEADERS = [
    OpenApiParameter("Tus-Resumable", str, OpenApiParameter.HEADER, description="1.0.0; then the other headers count."),
    OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER, description="Of the whole file, in bytes."),
    OpenApiParameter(
        "Upload-Metadata", str, OpenApiParameter.HEADER, description="filename, room: base64 each (or ?room=)."
    ),
]


class WrongVersion(LiveRoomError):
    code, name, status = 10004, "tus_version", 412


class WrongType(LiveRoomError):
    code, name, status = 10004, "unsupported_media_type", 415


class _TusView(APIView):
    """Every answer, refusals too, says the version; OPTIONS says what else."""

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if request.method != "OPTIONS":
            response.headers["Tus-Resumable"] = rules.VERSION
        if response.status_code == WrongVersion.status:
            response.headers["Tus-Version"] = rules.VERSION
        return response

    @extend_schema(exclude=True)
    @open_to(ANYBODY)
    def options(self, request: ApiRequest, **_: Any) -> HttpResponse:  # type: ignore[override]
        return HttpResponse(
            status=204,
            headers={
                "Tus-Resumable": rules.VERSION,
                "Tus-Version": rules.VERSION,
                "Tus-Extension": ",".join(rules.EXTENSIONS),
                "Tus-Max-Size": str(settings.LIVEROOM.upload_max_bytes),
                "Tus-Checksum-Algorithm": ",".join(rules.ALGORITHMS),
                "Allow": ", ".join(self.allowed_methods),
            },
        )


def _speaks_tus(request: ApiRequest) -> None:
    if request.headers.get("Tus-Resumable") != rules.VERSION:
        raise WrongVersion(f"Say Tus-Resumable: {rules.VERSION}; that is the version spoken here.")


def _header(request: ApiRequest, name: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(request.headers[name])
    except KeyError:
        raise BadParameter(f"The header {name} is missing.", field=name) from None
    except ValueError as error:
        raise BadParameter(f"{name}: {error}", field=name, given=request.headers[name][:200]) from None


def shown_file(file: MediaFile, *, now: datetime, http: str) -> dict[str, Any]:
    thumbnail = selectors.thumbnail_of(file, now=now, http=http)
    return shown(
        shapes.MediaFileSerializer,
        {
            "id": file.number, "room": file.room.group_id, "received_bytes": selectors.offset_of(file),
            "thumbnail": thumbnail,
            **{
                name: getattr(file, name)
                for name in (
                    "name", "state", "reason", "size_bytes", "container", "duration_seconds", "width", "height",
                    "video_codec", "audio_codec", "created_at", "expires_at",
                )
            },
        },
    )  # fmt: skip


def _expires(file: MediaFile) -> dict[str, str]:
    return {"Upload-Expires": http_date(file.expires_at.timestamp())} if file.expires_at else {}


class FilesView(_TusView):
    @extend_schema(
        operation_id="files_list",
        responses=shapes.MediaFilePageSerializer,
        parameters=[SDKAPPID, shapes.FilesQuery, *PAGES],
    )
    @open_to("media.manage")
    def get(self, request: ApiRequest) -> Response:
        """Uploaded films, newest first: of a room, else of all your rooms, else (servers) of the app."""
        app, now = asked_app(request), clock.now()
        room = checked(shapes.FilesQuery, request.query_params)["room"]
        found = None if room is None else asked_room(request, room)
        if found is not None:
            self.check_object_permissions(request, found)
        owner = None if request.user.acts_for_app else request.user.person_id
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(selectors.files_of(app=app, room=found, owner_id=owner), request, view=self)
        http = public_origin(request)
        return pages.get_paginated_response([shown_file(file, now=now, http=http) for file in page])

    @extend_schema(
        operation_id="files_create",
        request=shapes.FileWriteSerializer,
        responses={201: shapes.MediaFileSerializer},
        parameters=TUS_HEADERS,
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest) -> Response:
        """Announce a film (the room's owner). Its bytes follow as tus 1.0.0 has it: `PATCH` to `Location` with
        `Content-Type: application/offset+octet-stream` and `Upload-Offset`, `HEAD` for where to go on. Any tus client does all of
        it; without one, announce it by this body and send as many bytes at once as you like."""
        said, now = self._announced(request), clock.now()
        room = room_of(asked_app(request), group_id=said.pop("room"))

        def act() -> tuple[int, Any]:
            file = services.announce_file(room=room, by=request.user, now=now, address=client_address(request), **said)
            return 201, shown_file(file, now=now, http=public_origin(request))

        if request.headers.get("Tus-Resumable"):
            # What it says stands in headers, which no key was made for.
            status, body = act()
        else:
            what = f"rooms/{room.pk}/files"
            status, body = once(request, within=str(room.app.sdkappid), what=what, now=now, act=act)
        headers = {"Location": f"{public_origin(request)}/api/v1/files/{body['id']}"}
        if body["expires_at"]:
            file = selectors.file_of(app_id=room.app_id, number=body["id"])
            headers |= _expires(file)
        return Response(body, status=status, headers=headers)

    def _announced(self, request: ApiRequest) -> dict[str, Any]:
        if "Tus-Resumable" not in request.headers and "Upload-Length" not in request.headers:
            return checked(shapes.FileWriteSerializer, request.data)
        _speaks_tus(request)
        about = _header(request, "Upload-Metadata", rules.metadata) if "Upload-Metadata" in request.headers else {}
        said = {
            "room": request.query_params.get("room") or about.get("room") or "",
            "name": rules.one_line(about.get("filename") or about.get("name") or "") or "film",
            "size_bytes": _header(request, "Upload-Length", rules.whole),
        }
        return checked(shapes.FileWriteSerializer, said)


class FileView(_TusView):
    def _found(self, request: ApiRequest, file: str) -> MediaFile:
        app_id = None if request.user.kind == permission.STAFF else asked_app(request).pk
        found = selectors.file_of(app_id=app_id, number=file)
        self.check_object_permissions(request, found.room)
        return found

    @extend_schema(operation_id="files_get", responses=shapes.MediaFileSerializer)
    @open_to("media.manage")
    def get(self, request: ApiRequest, file: str) -> Response:
        """How far an upload is, and what was found in it."""
        return Response(shown_file(self._found(request, file), now=clock.now(), http=public_origin(request)))

    @open_to("media.manage")
    def head(self, request: ApiRequest, file: str) -> HttpResponse:
        """Where to go on, as tus has it."""
        found = self._found(request, file)
        _speaks_tus(request)
        offset = selectors.offset_of(found)
        if found.state == MediaFile.State.UPLOADING and offset == found.size_bytes:
            # Whoever wrote the end was killed before it could say so.
            services.complete_upload(file=found, now=clock.now())
        return HttpResponse(
            headers={
                "Upload-Offset": str(offset),
                "Upload-Length": str(found.size_bytes),
                "Cache-Control": "no-store",
                **_expires(found),
            }
        )

    @extend_schema(exclude=True)
    @open_to("media.manage")
    def patch(self, request: ApiRequest, file: str) -> HttpResponse:
        """A piece, at the end of what is there."""
        found = self._found(request, file)
        _speaks_tus(request)
        if request.headers.get("Content-Type", "").partition(";")[0].strip() != rules.PIECE_TYPE:
            raise WrongType(f"A piece comes as Content-Type: {rules.PIECE_TYPE}.")
        offset = _header(request, "Upload-Offset", rules.whole)
        # Without one there is no body: of one in chunks the server has counted the bytes.
        length = _header(request, "Content-Length", rules.whole) if request.headers.get("Content-Length") else 0
        summed = _header(request, "Upload-Checksum", rules.checksum) if "Upload-Checksum" in request.headers else None
        now_at = services.receive_piece(
            file=found, offset=offset, length=length, read=request._request.read, checksum=summed, by=request.user
        )
        found.refresh_from_db()
        return HttpResponse(status=204, headers={"Upload-Offset": str(now_at), **_expires(found)})

    @extend_schema(exclude=True)
    @open_to("media.manage")
    def post(self, request: ApiRequest, file: str) -> Any:
        """For clients that know no PATCH."""
        method = request.headers.get("X-HTTP-Method-Override", "").upper()
        if method == "PATCH":
            return self.patch(request, file)
        if method == "DELETE":
            return self.delete(request, file)
        raise MethodNotAllowed("POST")

    @extend_schema(operation_id="files_delete", responses={204: None})
    @open_to("media.manage")
    def delete(self, request: ApiRequest, file: str) -> HttpResponse:
        """End an upload, or remove a film. 409 while something plays it."""
        found = self._found(request, file)
        services.remove_file(file=found, by=request.user, now=clock.now(), address=client_address(request))
        return HttpResponse(status=204)
