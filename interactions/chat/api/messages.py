"""Messages of a room over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.chat import rules
from interactions.chat.api.fields import ElementsField, MentionField, ReplyToField
from interactions.chat.inputs import SayComment, SayCustom
from interactions.chat.services import comments
from interactions.delivery.rooms import PRIORITIES, history_now
from interactions.requests import SendThrottle, speaker_named
from interactions.room_refs import ref
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel import clock
from liveroom.kernel.web.fields import AnyField, OneOfField, Shape, WordField, YesNoField
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import asked_room


class MessageWriteSerializer(Shape):
    """A comment has `text` or `elements`, a custom message `data`."""

    type = OneOfField(choices=["comment", "custom"], default="comment")
    text = WordField(default=None, allow_null=True, help_text="At most 8 KB, or what the room says.")
    elements = ElementsField(default=None, allow_null=True, help_text="At most 10, instead of text.")
    data_ = AnyField(default=None, allow_null=True, help_text="Of a custom message: anything.")
    desc = WordField(default=None, allow_null=True)
    ext = WordField(default=None, allow_null=True)
    priority = OneOfField(
        choices=list(PRIORITIES), default=None, allow_null=True, help_text="High: owner, admins, servers."
    )
    cid = WordField(default=None, allow_null=True, help_text="Your own id: sending it again says it once.")
    color = WordField(default=None, allow_null=True, help_text="#rrggbb")
    position = OneOfField(choices=rules.POSITIONS, default=None, allow_null=True)
    mention = MentionField(default=None, allow_null=True, help_text="User ids, at most 10.")
    reply_to = ReplyToField(default=None, allow_null=True, help_text="The seq that it answers.")
    cloud_custom_data = WordField(
        default=None, allow_null=True, help_text="At most 1 KB, for clients among themselves."
    )
    online_only = YesNoField(default=None, allow_null=True, help_text="Not kept in the history.")
    from_ = WordField(default=None, allow_null=True, help_text="Servers only: the user id that is shown as the sender.")


class ReceiptSerializer(serializers.Serializer):
    """`delivered` has `seq`; `sampled` (the room is above its rate) has `reason` and the event as others would have seen it."""

    result = serializers.ChoiceField(choices=["delivered", "sampled"])
    seq = serializers.IntegerField(required=False)
    reason = serializers.CharField(required=False)
    event = serializers.DictField(required=False)


class HistorySerializer(serializers.Serializer):
    messages = serializers.ListField(child=serializers.DictField())


class MessagesView(APIView):
    throttle_classes = [SendThrottle]

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
        said = checked(MessageWriteSerializer, request.data)
        speaker = speaker_named(request, said_from=said.pop("from"), room=found)
        receipt = comments.send_now(room=ref(found), speaker=speaker, said=_said(said), now_ms=clock.now_ms())
        return Response(receipt, status=201)


def _said(fields: dict[str, Any]) -> SayComment | SayCustom:
    """The fields of the other kind of message count for nothing, as at the socket."""
    if fields["type"] == "custom":
        fields.setdefault("data", None)  # the service says what is missing
    kind: type[SayComment | SayCustom] = SayComment if fields.pop("type") == "comment" else SayCustom
    return kind(**{name: fields[name] for name in kind.__struct_fields__ if name in fields})
