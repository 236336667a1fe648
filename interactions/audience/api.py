"""Door of the members list: who is in a room, the latest first."""

from __future__ import annotations

import base64
import binascii

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from interactions.chat import selectors
from interactions.delivery.presence.crowd import Came
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel import permission
from liveroom.kernel.errors import BadParameter
from liveroom.rooms.api.views import SDKAPPID, asked_room

PAGE = 30
LARGEST_PAGE = 100
LATEST_MS = 2**53


class MemberSerializer(serializers.Serializer):
    id = serializers.CharField()
    nick = serializers.CharField()
    avatar = serializers.CharField(allow_blank=True)
    level = serializers.IntegerField()
    badges = serializers.ListField(child=serializers.CharField(), required=False, help_text="Beside the nick, if any.")
    role = serializers.ChoiceField(choices=[permission.OWNER, permission.ADMIN, permission.MEMBER])
    joined_at = serializers.IntegerField(help_text="Unix milliseconds.")


class MembersSerializer(serializers.Serializer):
    """`next` is the address of the next page, or null at the end."""

    next = serializers.URLField(allow_null=True)
    results = MemberSerializer(many=True)


def _size(raw: str | None) -> int:
    """As other lists have it: what is no number, or too large, is brought into bounds."""
    if raw is None or not (raw.isascii() and raw.isdigit()) or int(raw[:9]) == 0:
        return PAGE
    return min(int(raw[:9]), LARGEST_PAGE)


def _cursor(after: Came) -> str:
    return base64.urlsafe_b64encode(f"{after.at_ms}:{after.id}".encode()).decode()


def _after(raw: str | None) -> Came | None:
    """BadParameter if it is none of ours."""
    if raw is None:
        return None
    try:
        at_ms, colon, identifier = base64.b64decode(raw, altchars=b"-_", validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        at_ms, colon, identifier = "", "", ""
    if not colon or not (at_ms.isascii() and at_ms.isdigit()) or len(at_ms) > 16 or int(at_ms) > LATEST_MS:
        raise BadParameter("cursor is taken from `next` of an answer.", field="cursor")
    return Came(id=identifier, at_ms=int(at_ms))


class MembersView(APIView):
    @extend_schema(
        operation_id="rooms_members_list",
        responses=MembersSerializer,
        parameters=[
            SDKAPPID,
            OpenApiParameter("limit", int, description=f"{PAGE} unless you say otherwise, at most {LARGEST_PAGE}."),
            OpenApiParameter("cursor", str),
        ],
    )
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """Who is in the room, the latest first: as many as the app shows (30, up to 1,000). Guests are not on the list."""
        found = asked_room(request, room, enter=True)
        members, after = selectors.members(
            room=found, after=_after(request.query_params.get("cursor")), size=_size(request.query_params.get("limit"))
        )
        here = request.build_absolute_uri()
        results = [
            {**member.profile.as_dict(), "role": member.role, "joined_at": member.joined_at} for member in members
        ]
        return Response(
            {"next": None if after is None else replace_query_param(here, "cursor", _cursor(after)), "results": results}
        )
