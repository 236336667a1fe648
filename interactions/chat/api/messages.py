"""Messages of a room over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.chat.services import comments, contents
from interactions.delivery.rooms import PRIORITIES, history_now
from interactions.requests import allow_send, speaker_named
from interactions.room_refs import ref
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter
from liveroom.rooms.api.views import asked_room


class ElementSerializer(serializers.Serializer):
    """`kind` says which of the other fields it has."""

    kind = serializers.ChoiceField(choices=["text", "custom", "image", "audio", "emoji"])


class MessageWriteSerializer(serializers.Serializer):
    """A comment has `text` or `elements`, a custom message `data`."""

    type = serializers.ChoiceField(choices=["comment", "custom"], default="comment")
    text = serializers.CharField(
        required=False, trim_whitespace=False, help_text="At most 8 KB, or what the room says."
    )
    elements = serializers.ListField(
        child=ElementSerializer(), required=False, help_text="At most 10, instead of text."
    )
    data = serializers.JSONField(required=False, help_text="Of a custom message: anything.")  # type: ignore[assignment]
    desc = serializers.CharField(required=False)
    ext = serializers.CharField(required=False)
    priority = serializers.ChoiceField(
        choices=list(PRIORITIES), required=False, help_text="High: owner, admins, servers."
    )
    cid = serializers.CharField(required=False, help_text="Your own id: sending it again says it once.")
    color = serializers.CharField(required=False, help_text="#rrggbb")
    position = serializers.ChoiceField(choices=contents.POSITIONS, required=False)
    mention = serializers.ListField(child=serializers.CharField(), required=False, help_text="User ids, at most 10.")
    reply_to = serializers.IntegerField(required=False, help_text="The seq that it answers.")
    cloud_custom_data = serializers.CharField(required=False, help_text="At most 1 KB, for clients among themselves.")
    online_only = serializers.BooleanField(required=False, help_text="Not kept in the history.")
    from_ = serializers.CharField(required=False, help_text="Servers only: the user id that is shown as the sender.")

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        found["from"] = found.pop("from_")
        return found


class ReceiptSerializer(serializers.Serializer):
    """`delivered` has `seq`; `sampled` (the room is above its rate) has `reason` and the event as others would have seen it."""

    result = serializers.ChoiceField(choices=["delivered", "sampled"])
    seq = serializers.IntegerField(required=False)
    reason = serializers.CharField(required=False)
    event = serializers.DictField(required=False)


class HistorySerializer(serializers.Serializer):
    messages = serializers.ListField(child=serializers.DictField())


class MessagesView(APIView):
    @extend_schema(operation_id="rooms_messages_list", responses=HistorySerializer)
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """The last messages (20 of the last 24 hours unless the app says otherwise), oldest first."""
        found = asked_room(request, room, enter=True)
        return Response({"messages": history_now(room=ref(found), now_ms=clock.now_ms())})

    @extend_schema(
        operation_id="rooms_messages_send", request=MessageWriteSerializer, responses={201: ReceiptSerializer}
    )
    @open_to("comment.send")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Say something to the room. Servers speak in the name of their key, or as the account in `from`; 200 a second."""
        found = asked_room(request, room, enter=True)
        permission.ask("room.enter", actor=request.user, room=found)
        allow_send(request, app_id=found.app_id)
        kind = request.data.get("type", "comment") if isinstance(request.data, dict) else None
        if kind not in ("comment", "custom"):
            raise BadParameter("type is comment or custom.", field="type")
        receipt = comments.send_now(
            room=ref(found),
            speaker=speaker_named(request, said_from=request.data.get("from"), room=found),
            type=kind,
            data=request.data,
            now_ms=clock.now_ms(),
        )
        return Response(receipt, status=201)
