"""People of a room over REST: who helps in it, and who may enter it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api import serializers as shapes
from liveroom.rooms.api.requests import asked_room
from liveroom.rooms.models import AllowedPerson, RoomAdmin
from liveroom.rooms.services import people


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
        self.check_object_permissions(request, found)
        rows = AllowedPerson.objects.filter(room=found).select_related("person").order_by("person__identifier")
        return Response({"users": [row.person.identifier for row in rows]})

    @extend_schema(
        operation_id="rooms_allow_list_set", request=shapes.AllowListSerializer, responses=shapes.AllowListSerializer
    )
    @open_to("room.change")
    def put(self, request: ApiRequest, room: str) -> Response:
        """Replace the list of those who may enter while `allow_list_only` is on."""
        found = asked_room(request, room)
        users = checked(shapes.AllowListSerializer, request.data)["users"]
        people.set_allow_list(room=found, identifiers=users, by=request.user, now=clock.now())
        return Response({"users": sorted(set(users))})
