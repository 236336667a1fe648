"""Direct messages over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.chat.api.fields import ElementsField, MentionField
from interactions.chat.inputs import SendDirect, life_time_of
from interactions.chat.services import direct
from interactions.delivery.events import MOST_KEPT_SECONDS
from interactions.requests import SendThrottle, speaker_named
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel import clock
from liveroom.kernel.web.fields import AnyField, Shape, WordField
from liveroom.kernel.web.shapes import checked


class LifeTimeField(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        return life_time_of(data)


class DirectWriteSerializer(Shape):
    """`text`, `elements` or `data`, as in a room's messages."""

    text = WordField(default=None, allow_null=True, help_text="At most 8 KB.")
    elements = ElementsField(default=None, allow_null=True, help_text="At most 10.")
    data_ = AnyField(default=None, allow_null=True, help_text="Of a custom message: anything.")
    desc = WordField(default=None, allow_null=True)
    ext = WordField(default=None, allow_null=True)
    cid = WordField(default=None, allow_null=True, help_text="Your own id: sending it again says it once.")
    mention = MentionField(default=None, allow_null=True, help_text="User ids, at most 10.")
    cloud_custom_data = WordField(
        default=None, allow_null=True, help_text="At most 1 KB, for clients among themselves."
    )
    life_time = LifeTimeField(
        default=None, allow_null=True, min_value=1, max_value=MOST_KEPT_SECONDS,
        help_text="Seconds; two minutes if left out.",
    )  # fmt: skip
    from_ = WordField(default=None, allow_null=True, help_text="Servers only: the user id that is shown as the sender.")


class DirectSerializer(serializers.Serializer):
    message_id = serializers.CharField()


class DirectView(APIView):
    throttle_classes = [SendThrottle]

    @extend_schema(
        operation_id="users_messages_send", request=DirectWriteSerializer, responses={201: DirectSerializer}
    )  # fmt: skip
    @open_to("direct.send")
    def post(self, request: ApiRequest, user: str) -> Response:
        """A message to one user, in no room: on all its sockets at once, kept for who comes back."""
        said = checked(DirectWriteSerializer, request.data)
        speaker = speaker_named(request, said_from=said.pop("from"))
        message = direct.prepared(speaker=speaker, said=SendDirect(to=user, **said), now_ms=clock.now_ms())
        return Response(direct.send_now(message), status=201)
