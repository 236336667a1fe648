"""The door through which gifts are bought."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.gifts.services.buying import MOST_AT_ONCE, buy_gift, checked_key
from interactions.limits import GIFTS
from interactions.requests import allow_from_address, speaker_of
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel import clock, throttle
from liveroom.rooms.api.views import asked_room, let_in

KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, required=True,
    description="1 to 200 printable characters. New for each purchase, the same when it is retried: it is then charged once and "
    "answered alike.",
)  # fmt: skip


class GiftWriteSerializer(serializers.Serializer):
    gift = serializers.CharField(max_length=40, help_text="Its id, from `GET /gifts`.")
    count = serializers.IntegerField(min_value=1, max_value=MOST_AT_ONCE, help_text="How many at once.")


class GiftReceiptSerializer(serializers.Serializer):
    order = serializers.CharField(help_text="The number of the order.")
    gift = serializers.CharField()
    count = serializers.IntegerField()
    price = serializers.IntegerField(help_text="Of one, in the app's minor unit.")
    total = serializers.IntegerField()
    balance = serializers.IntegerField(help_text="What the wallet held after it.")
    event = serializers.JSONField(
        help_text="The gift as a `gift` event, for the buyer to see at once. The room's own message comes with its own id, and "
        "clicks are merged in it."
    )


class GiftsView(APIView):
    @extend_schema(
        operation_id="rooms_gifts_buy",
        request=GiftWriteSerializer,
        responses={201: GiftReceiptSerializer},
        parameters=[KEY],
    )
    @open_to("gift.send")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Buy a gift for the room's streamer. 402: the wallet holds too little."""
        found = asked_room(request, room)
        role = let_in(request, found)
        allow_from_address(request, "gift")
        throttle.allow(
            what="gift", who=f"{found.app_id}:{request.user}", limit=2 * GIFTS.count, per_seconds=1
        )  # fmt: skip
        receipt = buy_gift(
            room=found,
            gift=request.data.get("gift"),
            count=request.data.get("count"),
            key=checked_key(request.headers.get("Idempotency-Key"), field="Idempotency-Key"),
            speaker=speaker_of(request, role=role),
            now=clock.now(),
        )
        return Response(receipt, status=201)
