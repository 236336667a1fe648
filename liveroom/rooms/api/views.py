"""Doors of rooms: parse, call one service, shape the answer."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import ANYBODY, open_to
from liveroom.accounts.api.requests import SDKAPPID as SDKAPPID
from liveroom.accounts.api.requests import ApiRequest, asked_app
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import member, profile
from liveroom.accounts.services.tokens import checked_identifier, ensure_person
from liveroom.kernel import clock, idempotency, permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.http import client_address
from liveroom.kernel.instants import said_in_body
from liveroom.kernel.shapes import all_shown, shown
from liveroom.rooms import selectors
from liveroom.rooms.api import serializers as shapes
from liveroom.rooms.api.requests import RoomPages as RoomPages
from liveroom.rooms.api.requests import asked_room as asked_room
from liveroom.rooms.api.requests import entered as entered
from liveroom.rooms.api.requests import let_in as let_in
from liveroom.rooms.models import AllowedPerson, Room, RoomAdmin, RoomCounter
from liveroom.rooms.services import attributes, people, rooms
from liveroom.rooms.services import status as status_service

ACCESS = ("visibility", "password", "allow_list_only")


class OwnerUnknown(BadParameter):
    """10019: a mistyped owner would be a streamer whom nobody can log in as."""

    code, name = 10019, "person_unknown"


def _said(data: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in data.items() if name not in ACCESS}
    unknown = set(said) - rooms.FIELDS
    if unknown:
        raise BadParameter(f"A room has no field {min(unknown)[:40]!r} that can be set here.", field=min(unknown)[:40])
    if "starts_at" in said:
        said["starts_at"] = said_in_body(said["starts_at"], field="starts_at")
    return said


def _access(data: dict[str, Any]) -> dict[str, Any]:
    access = {name: data[name] for name in ACCESS if name in data}
    if not isinstance(access.get("allow_list_only", False), bool):
        raise BadParameter("allow_list_only is true or false.", field="allow_list_only")
    return access


class RoomsView(APIView):
    @extend_schema(
        operation_id="rooms_list",
        responses=shapes.RoomPageSerializer,
        parameters=[
            SDKAPPID,
            OpenApiParameter("search", str, description="In title, introduction and id."),
            OpenApiParameter("category", str),
            OpenApiParameter("tag", str),
            OpenApiParameter("status", str),
            OpenApiParameter("owner", str, description="User id."),
            OpenApiParameter(
                "sort", str, enum=list(selectors.SORTS), description="online (default), start, new or popularity."
            ),
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
        ],
    )
    @open_to(ANYBODY)
    def get(self, request: ApiRequest) -> Response:
        """Listed rooms of the app, a page at a time."""
        app = asked_app(request)
        if not app.open_list:
            permission.ask("room.list", actor=request.user)
        query = request.query_params
        sort = query.get("sort", "online")
        if sort not in selectors.SORTS:
            raise BadParameter(f"sort is one of {', '.join(selectors.SORTS)}.", field="sort")
        found = selectors.rooms_of_app(
            app=app,
            search=query.get("search", "")[:100],
            category=query.get("category", ""),
            tag=query.get("tag", ""),
            status=query.get("status", ""),
            owner=query.get("owner", ""),
        )
        pages = RoomPages()
        pages.ordering = selectors.SORTS[sort]
        page = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response(all_shown(shapes.RoomSerializer, page))

    @extend_schema(
        operation_id="rooms_create", request=shapes.RoomCreateSerializer, responses={201: shapes.RoomSerializer}
    )
    @open_to("room.create")
    def post(self, request: ApiRequest) -> Response:
        """Open a room. Send an `Idempotency-Key` to be able to repeat the request."""
        app, now, data = asked_app(request), clock.now(), dict(request.data)
        owner = self._owner(request, app, data.pop("owner", None), create=data.pop("create_owner", False))
        group_id = data.pop("id", None)
        if group_id is not None and not isinstance(group_id, str):
            raise selectors.RoomIdMalformed("id must be text.", field="id")

        def act() -> tuple[int, Any]:
            room = rooms.create_room(app=app, owner=owner, by=request.user, now=now, group_id=group_id, **_said(data))
            access = _access(data)
            if access:
                room = rooms.change_access(room=room, by=request.user, now=now, **access)
            return 201, shown(shapes.RoomSerializer, room)

        status, body = idempotency.once(
            scope=f"{app.sdkappid}:{request.user.kind}:{request.user}:rooms",
            key=request.headers.get("Idempotency-Key"),
            body=json.dumps(request.data, sort_keys=True, default=str).encode(),
            now=now,
            act=act,
        )
        return Response(body, status=status, headers={"Location": f"/api/v1/rooms/{quote(body['id'], safe='')}"})

    def _owner(self, request: ApiRequest, app: Any, identifier: Any, *, create: Any) -> Person:
        if not isinstance(create, bool):
            raise BadParameter("create_owner is true or false.", field="create_owner")
        if isinstance(request.auth, Person) and (identifier is None or identifier == request.auth.identifier):
            return request.auth
        permission.ask("room.create_for", actor=request.user)
        identifier = checked_identifier(identifier, field="owner")
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


class RoomView(APIView):
    @extend_schema(operation_id="rooms_get", responses=shapes.RoomSerializer, parameters=[SDKAPPID])
    @open_to(ANYBODY)
    def get(self, request: ApiRequest, room: str) -> Response:
        return Response(shown(shapes.RoomSerializer, asked_room(request, room)))

    @extend_schema(operation_id="rooms_update", request=shapes.RoomWriteSerializer, responses=shapes.RoomSerializer)
    @open_to("room.change")
    def patch(self, request: ApiRequest, room: str) -> Response:
        """Change what the room says of itself, or who may enter. Viewers are told at once."""
        found, now, data = asked_room(request, room), clock.now(), dict(request.data)
        access, said = _access(data), _said(data)
        with transaction.atomic():  # all of it or nothing
            if said or not access:
                found = rooms.change_room(room=found, changes=said, by=request.user, now=now)
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
            status=request.data.get("status", ""),
            by=request.user,
            now=clock.now(),
            address=client_address(request),
        )
        return Response(shown(shapes.RoomSerializer, found))


class AdminsView(APIView):
    @extend_schema(operation_id="rooms_admins_list", responses=shapes.AdminsSerializer)
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        found = asked_room(request, room, enter=True)
        rows = RoomAdmin.objects.filter(room=found).select_related("person").order_by("id")
        return Response({"admins": [profile(row.person).as_dict() for row in rows]})


class AdminView(APIView):
    @extend_schema(operation_id="rooms_admins_appoint", request=None, responses={204: None})
    @open_to("room.admins")
    def put(self, request: ApiRequest, room: str, user: str) -> Response:
        """Make a user a moderator of the room (its owner only)."""
        people.appoint_admin(room=asked_room(request, room), identifier=user, by=request.user, now=clock.now())
        return Response(status=204)

    @extend_schema(operation_id="rooms_admins_dismiss", responses={204: None})
    @open_to("room.admins")
    def delete(self, request: ApiRequest, room: str, user: str) -> Response:
        people.dismiss_admin(room=asked_room(request, room), identifier=user, by=request.user, now=clock.now())
        return Response(status=204)


class AllowListView(APIView):
    @extend_schema(operation_id="rooms_allow_list_get", responses=shapes.AllowListSerializer)
    @open_to("room.change")
    def get(self, request: ApiRequest, room: str) -> Response:
        found = asked_room(request, room)
        permission.ask("room.change", actor=request.user, room=found)
        rows = AllowedPerson.objects.filter(room=found).select_related("person").order_by("person__identifier")
        return Response({"users": [row.person.identifier for row in rows]})

    @extend_schema(
        operation_id="rooms_allow_list_set", request=shapes.AllowListSerializer, responses=shapes.AllowListSerializer
    )
    @open_to("room.change")
    def put(self, request: ApiRequest, room: str) -> Response:
        """Replace the list of those who may enter while `allow_list_only` is on."""
        users = request.data.get("users")
        if not isinstance(users, list) or not all(isinstance(user, str) for user in users):
            raise BadParameter("users is a list of user ids.", field="users")
        people.set_allow_list(room=asked_room(request, room), identifiers=users, by=request.user, now=clock.now())
        return Response({"users": sorted(set(users))})


class AttributesView(APIView):
    def _answer(self, room: Room) -> Response:
        return Response({"version": room.attributes_version, "attributes": selectors.attributes(room)})

    def _write(self, request: ApiRequest, room: str, *, replace: bool) -> Response:
        body = request.data
        values, versions = body.get("attributes"), body.get("versions", {})
        if not isinstance(values, dict):
            raise BadParameter("attributes is an object of texts.", field="attributes")
        if not isinstance(versions, dict) or not all(type(v) is int for v in versions.values()):
            raise BadParameter("versions is an object of whole numbers.", field="versions")
        expected = body.get("version")
        if expected is not None and type(expected) is not int:
            raise BadParameter("version is a whole number.", field="version")
        found = attributes.write_attributes(
            room=asked_room(request, room),
            values=values,
            replace=replace,
            by=request.user,
            now=clock.now(),
            expected_version=expected,
            expected_keys=versions,
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
        parameters=[OpenApiParameter("key", str, many=True, description="Which; left out: all.")],
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
        values = request.data.get("counters")
        if not isinstance(values, dict):
            raise BadParameter("counters is an object of whole numbers.", field="counters")
        found = asked_room(request, room)
        mode = request.data.get("mode", "set")
        attributes.change_counters(room=found, values=values, mode=mode, by=request.user, now=clock.now())
        return self._answer(found)

    @extend_schema(
        operation_id="rooms_counters_delete",
        responses={200: shapes.CountersSerializer},
        parameters=[OpenApiParameter("key", str, many=True, description="Which; left out: all.")],
    )
    @open_to("room.counters")
    def delete(self, request: ApiRequest, room: str) -> Response:
        found = asked_room(request, room)
        attributes.delete_counters(room=found, keys=request.query_params.getlist("key") or None, by=request.user)
        return self._answer(found)
