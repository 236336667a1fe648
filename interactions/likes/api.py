"""Likes over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.likes.rules import AT_MOST
from interactions.likes.services import checked_count, like_now
from interactions.requests import LikesOfAddress, speaker_of
from interactions.room_refs import ref
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel.web.fields import Shape, WholeNumberField
from liveroom.kernel.web.shapes import checked, shown
from liveroom.rooms.api.requests import asked_room
from liveroom.rooms.selectors import role_of


class LikeCountField(WholeNumberField):
    """What a socket may send, in the same words; left out, it is as wrong as any other."""

    def run_validation(self, data: Any = serializers.empty) -> int:
        return checked_count(None if data is serializers.empty else data)


class LikesWriteSerializer(Shape):
    count = LikeCountField(1, AT_MOST, help_text="Your taps since the last time.")


class LikesSerializer(serializers.Serializer):
    total = serializers.IntegerField(help_text="Of the room, with these.")
    counted = serializers.IntegerField(help_text="How many of yours counted: the app bounds them per second.")


class LikesView(APIView):
    throttle_classes = [LikesOfAddress]

    @extend_schema(operation_id="rooms_likes_add", request=LikesWriteSerializer, responses=LikesSerializer)
    @open_to("like.send")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Like the room. The room is told in batches of twenty or a second."""
        found = asked_room(request, room, enter=True)
        count = checked(LikesWriteSerializer, request.data)["count"]
        speaker = speaker_of(request, role=role_of(request.user, found))
        return Response(
            shown(LikesSerializer, like_now(room=ref(found), status=found.status, speaker=speaker, count=count))
        )
