"""Doors of messages and presence over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.live import pipeline, presence
from interactions.live.room_ref import ref
from interactions.services import comments
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import Profile, profile
from liveroom.kernel import clock
from liveroom.rooms.api.views import asked_room
from liveroom.rooms.selectors import role_of


class MessageWriteSerializer(serializers.Serializer):
    text = serializers.CharField(trim_whitespace=False, help_text="At most 8 KB.")
    cid = serializers.CharField(required=False, help_text="Your own id: sending it again says it once.")
    color = serializers.CharField(required=False, help_text="#rrggbb")
    position = serializers.ChoiceField(choices=comments.POSITIONS, required=False)


class ReceiptSerializer(serializers.Serializer):
    result = serializers.CharField()
    seq = serializers.IntegerField()


class HistorySerializer(serializers.Serializer):
    messages = serializers.ListField(child=serializers.DictField())


class OnlineSerializer(serializers.Serializer):
    online = serializers.IntegerField(help_text="People, each once, and guests.")
    sockets = serializers.IntegerField(help_text="Open connections.")


class MessagesView(APIView):
    @extend_schema(operation_id="rooms_messages_list", responses=HistorySerializer)
    def get(self, request: ApiRequest, room: str) -> Response:
        """The last messages (20 of the last 24 hours unless the app says otherwise), oldest first."""
        found = asked_room(request, room, enter=True)
        return Response({"messages": pipeline.history_now(room=ref(found), now_ms=clock.now_ms())})

    @extend_schema(
        operation_id="rooms_messages_send", request=MessageWriteSerializer, responses={201: ReceiptSerializer}
    )
    def post(self, request: ApiRequest, room: str) -> Response:
        """Say something to the room. Servers speak in the name of their key."""
        found = asked_room(request, room, enter=True)
        person, actor = request.auth, request.user
        shown = (
            profile(person)
            if isinstance(person, Person)
            else Profile(id=str(actor), nick=str(actor), avatar="", level=0)
        )
        receipt = comments.send_comment_now(
            room=ref(found),
            speaker=comments.Speaker(actor=actor, profile=shown, role=role_of(actor, found)),
            data=request.data,
            now_ms=clock.now_ms(),
        )
        return Response({"result": receipt.result, "seq": receipt.seq}, status=201)


class OnlineView(APIView):
    @extend_schema(operation_id="rooms_online_get", responses=OnlineSerializer)
    def get(self, request: ApiRequest, room: str) -> Response:
        """How many are in the room, counted now. Overlays and staff do not count."""
        found = presence.crowd_now(room_key=asked_room(request, room).key)
        return Response({"online": found.online, "sockets": found.sockets})
