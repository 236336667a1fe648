"""The door of likes over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.likes.rules import AT_MOST
from interactions.likes.services import like_now
from interactions.requests import allow_from_address, speaker_of
from interactions.room_refs import ref
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.rooms.api.views import asked_room
from liveroom.rooms.selectors import role_of


class LikesWriteSerializer(serializers.Serializer):
    count = serializers.IntegerField(min_value=1, max_value=AT_MOST, help_text="Your taps since the last time.")


class LikesSerializer(serializers.Serializer):
    total = serializers.IntegerField(help_text="Of the room, with these.")
    counted = serializers.IntegerField(help_text="How many of yours counted: the app bounds them per second.")


class LikesView(APIView):
    @extend_schema(operation_id="rooms_likes_add", request=LikesWriteSerializer, responses=LikesSerializer)
    @open_to("like.send")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Like the room. The room is told in batches of twenty or a second."""
        found = asked_room(request, room, enter=True)
        allow_from_address(request, "like")
        added = like_now(
            room=ref(found),
            status=found.status,
            speaker=speaker_of(request, role=role_of(request.user, found)),
            count=request.data.get("count"),
        )
        return Response({"total": added.total, "counted": added.counted})
