"""What views of a room ask of a request: which room it is about, who may come in, which page of a list."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiParameter
from rest_framework.pagination import CursorPagination

from liveroom.accounts.api.requests import ApiRequest, asked_app
from liveroom.kernel import permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.http import client_address
from liveroom.rooms import selectors
from liveroom.rooms.models import Room
from liveroom.rooms.services import people

PAGES = [OpenApiParameter("limit", int), OpenApiParameter("cursor", str)]


class RoomPages(CursorPagination):
    page_size = 20
    page_size_query_param = "limit"
    max_page_size = 100
    # Rooms that nobody watches are alike to `sort=online`: within them the cursor counts.
    offset_cutoff = 1_000_000

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        """A cursor that we did not make is refused, whatever its position claims to be."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError):
            raise BadParameter("cursor is taken from `next` or `previous` of an answer.", field="cursor") from None


def asked_room(request: ApiRequest, group_id: str, *, enter: bool = False) -> Room:
    """The room of the path in the app of the request. `enter`: only for who may come in (password in `Room-Password`)."""
    room = selectors.room_of(asked_app(request), group_id=group_id)
    if enter:
        entered(request, room)
    return room


def let_in(request: ApiRequest, room: Room) -> str:
    """The role of who asks, by password and list; whether it is banned is another question, which most actions ask themselves."""
    return people.check_entry(
        room=room,
        actor=request.user,
        password=request.headers.get("Room-Password"),
        address=client_address(request),
    )


def entered(request: ApiRequest, room: Room) -> None:
    """Refused for who may not come into the room."""
    permission.ask("room.enter", actor=request.user, room=room, role=let_in(request, room))
