"""The films of a room: uploaded here, looked at, played by relays. The page asks REST, with its own session (`static/console/files.js`)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse

from liveroom.rooms.admin.pages import RoomPages
from liveroom.rooms.admin.rights import runs


class FilesPage(RoomPages):
    """A page beside the room's, for staff and the owner."""

    def get_urls(self) -> list[Any]:
        files = path(
            "<path:object_id>/files/", self.admin_site.admin_view(self.files_view), name="rooms_room_files"
        )  # fmt: skip
        return [files, *super().get_urls()]

    def files_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        room = self.get_object(request, object_id)
        if room is None or not runs(request, room):
            raise Http404("There is no such room.")
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": f"Films of {room.title or room.group_id}",
            "room": room,
            "room_url": reverse(f"{self.admin_site.name}:rooms_room_change", args=(room.pk,)),
            "most_bytes": settings.LIVEROOM.upload_max_bytes,
            "about": {
                "room": room.group_id, "sdkappid": room.app.sdkappid, "most_bytes": settings.LIVEROOM.upload_max_bytes
            },
        }  # fmt: skip
        return TemplateResponse(request, "console/media/films.html", context)
