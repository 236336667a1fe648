"""The cover of a room over REST: uploaded as the bytes of a picture, or taken away."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import shown
from liveroom.rooms.api import serializers as shapes
from liveroom.rooms.api.requests import asked_room
from liveroom.rooms.services import covers


class PictureParser(BaseParser):
    """The body as it came, one byte more than is taken at most. What it claims to be is not asked: it is decoded."""

    media_type = "image/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return bytes(stream.read(covers.COVER.most_bytes + 1))


class CoverThrottle(CountedThrottle):
    """Of one user: each costs a decoder a tenth of a second or more."""

    what, limit, per_seconds = "cover", 10, 60


class CoverView(APIView):
    parser_classes = [PictureParser]
    throttle_classes = [CoverThrottle]

    @extend_schema(
        operation_id="rooms_cover_set",
        request={
            "image/png": OpenApiTypes.BINARY,
            "image/jpeg": OpenApiTypes.BINARY,
            "image/webp": OpenApiTypes.BINARY,
        },
        responses=shapes.RoomSerializer,
    )
    @open_to("room.change")
    def put(self, request: ApiRequest, room: str) -> Response:
        """Upload the cover: the bytes of a PNG, JPEG or WebP picture of at most 5 MB, as the body. It is drawn anew, so nothing but its
        pixels is kept, at most 1,280 wide and high."""
        found = asked_room(request, room)
        # Without a body there is nothing to parse, and REST framework makes an empty object of it.
        raw = request.data if isinstance(request.data, bytes) else b""
        changed = covers.upload_cover(
            room=found, raw=raw, by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(shown(shapes.RoomSerializer, changed))

    @extend_schema(operation_id="rooms_cover_delete", responses={200: shapes.RoomSerializer})
    @open_to("room.change")
    def delete(self, request: ApiRequest, room: str) -> Response:
        """Take the cover away. The room shows the latest picture of its stream then, if there is one and the room is open."""
        found = covers.remove_cover(
            room=asked_room(request, room), by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(shown(shapes.RoomSerializer, found))
