"""The address of a room's server-sent events, as OpenAPI and a proxy that was set up wrongly see it.

The socket processes serve it (`listening.py`); nginx passes it to them."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.views import APIView

from liveroom.accounts.api.access import ANYBODY, open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest
from liveroom.kernel.errors import LiveRoomError


class Misdirected(LiveRoomError):
    """10002: this process is not the one that answers here."""

    code, name, status = 10002, "misdirected", 421


class RoomEventsView(APIView):
    @extend_schema(
        operation_id="rooms_events_stream",
        parameters=[
            SDKAPPID,
            OpenApiParameter("usersig", str, description="In place of the header `Authorization`, which `EventSource` cannot send."),
            OpenApiParameter("last_event_id", str, description="In place of the header `Last-Event-ID`, for a client that begins anew."),
            OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="The `id` of the last event that you have."),
            OpenApiParameter("Room-Password", str, OpenApiParameter.HEADER),
        ],
        responses={(200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, description="Events until one of us ends it.")},
    )  # fmt: skip
    @open_to(ANYBODY)
    def get(self, request: ApiRequest, room: str) -> None:
        """What happens in a room, as server-sent events: for programs that only listen (dashboards, bots, overlays).

        Each event has the name and the JSON that it has at the socket; `id` is where it stands, and whoever comes back with it gets exactly
        what it missed, or `reset`. Not counted as audience. PROTOCOL.md, section 10."""
        raise Misdirected(
            "Events are served by the socket processes: let your proxy pass this address to them, as it does /ws."
        )
