"""Rooms over REST: the list, one room, its status."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import ANYBODY, open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.accounts.models import App, Person
from liveroom.accounts.selectors import member
from liveroom.accounts.services.tokens import ensure_person
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import all_shown, checked, shown
from liveroom.rooms import selectors
from liveroom.rooms.api import serializers as shapes
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room
from liveroom.rooms.rules.status import Status
from liveroom.rooms.services import rooms
from liveroom.rooms.services import status as status_service
from liveroom.rooms.services.rooms import RoomSaid
from liveroom.rooms.shapes import RoomWriteSerializer

ACCESS = ("visibility", "password", "allow_list_only")


class OwnerUnknown(BadParameter):
    """10019: a mistyped owner would be a streamer whom nobody can log in as."""

    code, name = 10019, "person_unknown"


def _access(said: dict[str, Any]) -> dict[str, Any]:
    """Who may find the room and come in, taken out of `said`: another service is asked for it."""
    return {name: said.pop(name) for name in ACCESS if name in said}


def _owner(request: ApiRequest, app: App, identifier: str | None, *, create: bool) -> Person:
    if isinstance(request.auth, Person) and identifier in (None, request.auth.identifier):
        return request.auth
    permission.ask("room.create_for", actor=request.user)
    if identifier is None:
        raise BadParameter("owner says whose room it is; send a user id.", field="owner")
    if create:
        return ensure_person(app=app, identifier=identifier)
    found = member(sdkappid=app.sdkappid, identifier=identifier)
    if found is None:
        raise OwnerUnknown(
            f"There is no user {identifier!r} in this app. Users exist after their first login or import (POST /users); "
            "create_owner: true makes this one now.",
            field="owner",
        )
    return found


class RoomsView(APIView):
    @extend_schema(
        operation_id="rooms_list",
        responses=shapes.RoomPageSerializer,
        parameters=[SDKAPPID, shapes.RoomsQuery, *PAGES],
    )
    @open_to(ANYBODY)
    def get(self, request: ApiRequest) -> Response:
        """Listed rooms of the app, a page at a time."""
        app = asked_app(request)
        if not app.open_list:
            permission.ask("room.list", actor=request.user)
        asked = checked(shapes.RoomsQuery, request.query_params)
        found = selectors.rooms_of_app(
            app=app, search=asked["search"][:100], category=asked["category"], tag=asked["tag"], status=asked["status"],
            owner=asked["owner"],
        )  # fmt: skip
        pages = RoomPages()
        pages.ordering = selectors.SORTS[asked["sort"]]
        page = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response(all_shown(shapes.RoomSerializer, page))

    @extend_schema(
        operation_id="rooms_create", request=shapes.RoomCreateSerializer, responses={201: shapes.RoomSerializer}
    )
    @open_to("room.create")
    def post(self, request: ApiRequest) -> Response:
        """Open a room. Send an `Idempotency-Key` to be able to repeat the request."""
        app, now = asked_app(request), clock.now()
        data = checked(shapes.RoomCreateSerializer, request.data)
        owner = _owner(request, app, data.pop("owner", None), create=data.pop("create_owner"))
        group_id, access = data.pop("id", None), _access(data)

        def act() -> tuple[int, Any]:
            room = rooms.create_room(app=app, owner=owner, by=request.user, now=now, group_id=group_id, **data)
            if access:
                room = rooms.change_access(room=room, by=request.user, now=now, **access)
            return 201, shown(shapes.RoomSerializer, room)

        status, body = once(request, within=str(app.sdkappid), what="rooms", now=now, act=act)
        return Response(body, status=status, headers={"Location": f"/api/v1/rooms/{quote(body['id'], safe='')}"})


class RoomView(APIView):
    @extend_schema(operation_id="rooms_get", responses=shapes.RoomSerializer, parameters=[SDKAPPID])
    @open_to(ANYBODY)
    def get(self, request: ApiRequest, room: str) -> Response:
        return Response(shown(shapes.RoomSerializer, asked_room(request, room)))

    @extend_schema(operation_id="rooms_update", request=RoomWriteSerializer, responses=shapes.RoomSerializer)
    @open_to("room.change")
    def patch(self, request: ApiRequest, room: str) -> Response:
        """Change what the room says of itself, or who may enter. Viewers are told at once."""
        found, now = asked_room(request, room), clock.now()
        said = checked(RoomWriteSerializer, request.data)
        access = _access(said)
        with transaction.atomic():  # all of it or nothing
            if said or not access:
                found = rooms.change_room(room=found, changes=cast(RoomSaid, said), by=request.user, now=now)
            if access:
                found = rooms.change_access(room=found, by=request.user, now=now, **access)
        return Response(shown(shapes.RoomSerializer, found))

    @extend_schema(operation_id="rooms_disband", responses={204: None})
    @open_to("room.disband")
    def delete(self, request: ApiRequest, room: str) -> Response:
        """Close the room for good. Everyone in it is told and disconnected."""
        rooms.disband_room(
            room=asked_room(request, room), by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(status=204)


class StatusView(APIView):
    @extend_schema(operation_id="rooms_set_status", request=shapes.StatusSerializer, responses=shapes.RoomSerializer)
    @open_to("room.status")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Set the status by hand. Ending cuts the publisher."""
        found = status_service.set_status(
            room=asked_room(request, room),
            status=Status(checked(shapes.StatusSerializer, request.data)["status"]),
            by=request.user,
            now=clock.now(),
            address=client_address(request),
        )
        return Response(shown(shapes.RoomSerializer, found))
