"""The door of direct messages over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.chat.services import direct
from interactions.delivery.events import MOST_KEPT_SECONDS
from interactions.requests import allow_send, speaker_named
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel import clock


class DirectWriteSerializer(serializers.Serializer):
    """`text`, `elements` or `data`, as in a room's messages."""

    text = serializers.CharField(required=False, trim_whitespace=False, help_text="At most 8 KB.")
    elements = serializers.ListField(child=serializers.DictField(), required=False, help_text="At most 10.")
    data = serializers.JSONField(required=False, help_text="Of a custom message: anything.")  # type: ignore[assignment]
    cid = serializers.CharField(required=False, help_text="Your own id: sending it again says it once.")
    from_ = serializers.CharField(required=False, help_text="Servers only: the user id that is shown as the sender.")
    life_time = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_KEPT_SECONDS, help_text="Seconds; two minutes if left out."
    )

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        found["from"] = found.pop("from_")
        return found


class DirectSerializer(serializers.Serializer):
    message_id = serializers.CharField()


class DirectView(APIView):
    @extend_schema(
        operation_id="users_messages_send", request=DirectWriteSerializer, responses={201: DirectSerializer}
    )  # fmt: skip
    @open_to("direct.send")
    def post(self, request: ApiRequest, user: str) -> Response:
        """A message to one user, in no room: on all its sockets at once, kept for who comes back."""
        allow_send(request, app_id=request.user.app_id)
        message = direct.prepared(
            speaker=speaker_named(request, said_from=request.data.get("from")),
            data={**request.data, "to": user},
            now_ms=clock.now_ms(),
        )
        return Response(direct.send_now(message), status=201)
