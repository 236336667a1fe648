"""What clients of a room share over REST: attributes with versions, and counters."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel import clock
from liveroom.kernel.web.shapes import checked
from liveroom.rooms import selectors
from liveroom.rooms.api import serializers as shapes
from liveroom.rooms.api.requests import asked_room
from liveroom.rooms.models import Room, RoomCounter
from liveroom.rooms.services import attributes

KEYS = OpenApiParameter("key", str, many=True, description="Which; left out: all.")


class AttributesView(APIView):
    def _answer(self, room: Room) -> Response:
        return Response({"version": room.attributes_version, "attributes": selectors.attributes(room)})

    def _write(self, request: ApiRequest, room: str, *, replace: bool) -> Response:
        asked = asked_room(request, room)
        said = checked(shapes.AttributesWriteSerializer, request.data)
        found = attributes.write_attributes(
            room=asked,
            values=said["attributes"],
            replace=replace,
            by=request.user,
            now=clock.now(),
            expected_version=said.get("version"),
            expected_keys=said.get("versions"),
        )
        return self._answer(found)

    @extend_schema(operation_id="rooms_attributes_get", responses=shapes.AttributesSerializer)
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        return self._answer(asked_room(request, room, enter=True))

    @extend_schema(
        operation_id="rooms_attributes_set",
        request=shapes.AttributesWriteSerializer,
        responses=shapes.AttributesSerializer,
    )
    @open_to("room.attributes")
    def put(self, request: ApiRequest, room: str) -> Response:
        """Replace all attributes."""
        return self._write(request, room, replace=True)

    @extend_schema(
        operation_id="rooms_attributes_modify",
        request=shapes.AttributesWriteSerializer,
        responses=shapes.AttributesSerializer,
    )
    @open_to("room.attributes")
    def patch(self, request: ApiRequest, room: str) -> Response:
        """Set some attributes and keep the others."""
        return self._write(request, room, replace=False)

    @extend_schema(
        operation_id="rooms_attributes_delete",
        responses={200: shapes.AttributesSerializer},
        parameters=[KEYS],
    )
    @open_to("room.attributes")
    def delete(self, request: ApiRequest, room: str) -> Response:
        keys = request.query_params.getlist("key") or None
        return self._answer(
            attributes.delete_attributes(room=asked_room(request, room), keys=keys, by=request.user, now=clock.now())
        )


class CountersView(APIView):
    def _answer(self, room: Room) -> Response:
        rows = RoomCounter.objects.filter(room=room).order_by("key")
        return Response({"counters": {row.key: row.value for row in rows}})

    @extend_schema(operation_id="rooms_counters_get", responses=shapes.CountersSerializer)
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        return self._answer(asked_room(request, room, enter=True))

    @extend_schema(
        operation_id="rooms_counters_change",
        request=shapes.CountersWriteSerializer,
        responses=shapes.CountersSerializer,
    )
    @open_to("room.counters")
    def patch(self, request: ApiRequest, room: str) -> Response:
        """Set, increase or decrease counters; all or none."""
        found = asked_room(request, room)
        said = checked(shapes.CountersWriteSerializer, request.data)
        attributes.change_counters(
            room=found, values=said["counters"], mode=said["mode"], by=request.user, now=clock.now()
        )
        return self._answer(found)

    @extend_schema(
        operation_id="rooms_counters_delete",
        responses={200: shapes.CountersSerializer},
        parameters=[KEYS],
    )
    @open_to("room.counters")
    def delete(self, request: ApiRequest, room: str) -> Response:
        found = asked_room(request, room)
        attributes.delete_counters(room=found, keys=request.query_params.getlist("key") or None, by=request.user)
        return self._answer(found)
