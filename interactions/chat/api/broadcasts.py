"""Words of the app to all its rooms or to one: for its server and its admins."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.chat.services.broadcasts import send_broadcast, send_system_notice
from interactions.requests import SendThrottle
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest, asked_app, once
from liveroom.kernel import clock
from liveroom.kernel.web.fields import AnyField, Shape, WordField
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import asked_room


class BroadcastWriteSerializer(Shape):
    unknown = "A broadcast has text or data, and title; not {name}."

    text = WordField(default=None, allow_null=True, help_text="As long as a message of the app may be. Or `data`.")
    data_ = AnyField(default=None, allow_null=True, help_text="Any JSON, instead of `text`.")
    title = WordField(default=None, allow_null=True, help_text="At most 100 bytes.")


class BroadcastSerializer(serializers.Serializer):
    id = serializers.CharField(help_text="The `id` of the `broadcast` event in every room.")
    rooms = serializers.IntegerField(help_text="Open rooms of the app.")


class BroadcastsView(APIView):
    @extend_schema(
        operation_id="broadcasts_send", request=BroadcastWriteSerializer, responses={201: BroadcastSerializer}
    )
    @open_to("broadcast.send")
    def post(self, request: ApiRequest) -> Response:
        """Tell every room of the app at once, above the rooms' rates. Send an `Idempotency-Key` to be able to repeat the request."""
        app, said, now = asked_app(request), checked(BroadcastWriteSerializer, request.data), clock.now()

        def act() -> tuple[int, Any]:
            sent = send_broadcast(app=app, **said, by=request.user, now=now, address=client_address(request))
            return 201, {"id": sent.id, "rooms": sent.rooms}

        status, body = once(request, within=str(app.sdkappid), what="broadcasts", now=now, act=act)
        return Response(body, status=status)


class SystemNoticeWriteSerializer(Shape):
    unknown = "A notice has text and data; not {name}."

    text = WordField(
        default=None, allow_null=True, help_text="What people read; as long as a message of the room may be."
    )
    data_ = AnyField(
        default=None, allow_null=True, help_text="The app's own field: any JSON, instead of `text` or beside it."
    )


class SystemNoticeSerializer(serializers.Serializer):
    id = serializers.CharField(help_text="The `id` of the `system` event in the room.")


class SystemNoticesView(APIView):
    throttle_classes = [SendThrottle]

    @extend_schema(
        operation_id="rooms_system_notices_send",
        request=SystemNoticeWriteSerializer,
        responses={201: SystemNoticeSerializer},
    )
    @open_to("system.send")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Tell whoever is in the room now: above its rate, never left out, not kept in its history. 200 a second. Send an
        `Idempotency-Key` to be able to repeat the request."""
        found, said, now = asked_room(request, room), checked(SystemNoticeWriteSerializer, request.data), clock.now()

        def act() -> tuple[int, Any]:
            notice_id = send_system_notice(
                room=found, **said, by=request.user, now=now, address=client_address(request)
            )
            return 201, {"id": notice_id}

        status, body = once(request, within=found.key, what="system-notices", now=now, act=act)
        return Response(body, status=status)
