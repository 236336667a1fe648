"""The page of a show, for staff and for the streamer whose room it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from liveroom.kernel.web.pages import SwornAdmin, is_staff
from liveroom.rooms.admin.rights import own_person
from liveroom.rooms.models import LiveSession


class LiveSessionPages(SwornAdmin):
    """Its base; `liveroom.console.session_page` registers it."""

    list_display: Sequence[str] = ("sequence", "room", "started_at", "ended_at", "end_reason")
    search_fields = ("sequence", "room__group_id", "room__title")
    list_select_related: Sequence[str] = ("room",)
    ordering = ("-id",)

    def _may(self, request: HttpRequest, obj: LiveSession | None) -> bool:
        if is_staff(request):
            return True
        own = own_person(request)
        return own is not None and (obj is None or (obj.room.owner_id == own and obj.room.disbanded_at is None))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, None)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def get_queryset(self, request: HttpRequest) -> Any:
        found = super().get_queryset(request).select_related("room__app", "room__owner")
        if is_staff(request):
            return found
        own = own_person(request)
        return found.filter(room__owner_id=own, room__disbanded_at__isnull=True) if own is not None else found.none()

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Filters list what there is: a streamer's would list other people's rooms."""
        return ("room__app", "end_reason") if is_staff(request) else ()
