"""The audience over REST: how many are in a room, and who, the latest first."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from interactions.audience import selectors
from interactions.audience.selectors import Member
from interactions.delivery.presence import Came
from liveroom.accounts.api.access import ANYBODY, open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest
from liveroom.kernel import permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.fields import PageSizeField, Shape, WordField
from liveroom.kernel.web.shapes import all_shown, checked, shown
from liveroom.rooms.api.requests import asked_room
from liveroom.rooms.api.serializers import OwnerSerializer

PAGE = 30
LARGEST_PAGE = 100
LATEST_MS = 2**53


class CursorField(WordField):
    """Where a page of members goes on: an instant and a user id."""

    def to_internal_value(self, data: Any) -> Any:
        """A `Came`. BadParameter if it is none of ours."""
        try:
            at_ms, colon, identifier = base64.b64decode(data, altchars=b"-_", validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            at_ms, colon, identifier = "", "", ""
        if not colon or not (at_ms.isascii() and at_ms.isdigit()) or len(at_ms) > 16 or int(at_ms) > LATEST_MS:
            raise BadParameter("cursor is taken from `next` of an answer.", field="cursor")
        return Came(id=identifier, at_ms=int(at_ms))


def cursor_of(after: Came) -> str:
    return base64.urlsafe_b64encode(f"{after.at_ms}:{after.id}".encode()).decode()


class MembersQuery(Shape):
    limit = PageSizeField(usual=PAGE, high=LARGEST_PAGE)
    cursor = CursorField(default=None, help_text="From `next` of an answer.")


class MemberSerializer(OwnerSerializer):
    role = serializers.ChoiceField(choices=[permission.OWNER, permission.ADMIN, permission.MEMBER])
    joined_at = serializers.IntegerField(help_text="Unix milliseconds.")

    def to_representation(self, instance: Member) -> dict[str, Any]:
        member = {**instance.profile.as_dict(), "role": instance.role, "joined_at": instance.joined_at}
        found: dict[str, Any] = super().to_representation(member)
        return found


class MembersSerializer(serializers.Serializer):
    """`next` is the address of the next page, or null at the end."""

    next = serializers.URLField(allow_null=True)
    results = MemberSerializer(many=True)


class OnlineSerializer(serializers.Serializer):
    online = serializers.IntegerField(help_text="People, each once, and guests.")
    sockets = serializers.IntegerField(help_text="Open connections.")


class MembersView(APIView):
    @extend_schema(operation_id="rooms_members_list", responses=MembersSerializer, parameters=[SDKAPPID, MembersQuery])
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """Who is in the room, the latest first: as many as the app shows (30, up to 1,000). Guests are not on the list."""
        found = asked_room(request, room, enter=True)
        said = checked(MembersQuery, request.query_params)
        members, after = selectors.members(room=found, after=said["cursor"], size=said["limit"])
        here = request.build_absolute_uri()
        next_page = None if after is None else replace_query_param(here, "cursor", cursor_of(after))
        return Response({"next": next_page, "results": all_shown(MemberSerializer, members)})


class OnlineView(APIView):
    @extend_schema(operation_id="rooms_online_get", responses=OnlineSerializer)
    @open_to(ANYBODY)
    def get(self, request: ApiRequest, room: str) -> Response:
        """How many are in the room, counted now. Overlays and staff do not count."""
        return Response(shown(OnlineSerializer, selectors.online(room=asked_room(request, room))))
