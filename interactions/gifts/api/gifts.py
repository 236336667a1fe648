"""Gifts bought over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.gifts.api.fields import GiftCountField, GiftIdField, idempotency_key
from interactions.gifts.services.buying import buy_gift, checked_key
from interactions.limits import GIFTS
from interactions.requests import GiftsOfAddress, speaker_of
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.kernel import clock
from liveroom.kernel.web.fields import Shape
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import asked_room, let_in


class GiftThrottle(CountedThrottle):
    """Twice what a socket may: a retry counts, too."""

    what, limit, per_seconds = "gift", 2 * GIFTS.count, 1


class GiftWriteSerializer(Shape):
    gift = GiftIdField()
    count = GiftCountField()


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
    throttle_classes = (GiftsOfAddress, GiftThrottle)

    @extend_schema(
        operation_id="rooms_gifts_buy",
        request=GiftWriteSerializer,
        responses={201: GiftReceiptSerializer},
        parameters=[idempotency_key(of="purchase", so="it is then charged once and answered alike")],
    )
    @open_to("gift.send")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Buy a gift for the room's streamer. 402: the wallet holds too little."""
        said = checked(GiftWriteSerializer, request.data)
        key = checked_key(request.headers.get("Idempotency-Key"), field="Idempotency-Key")
        found = asked_room(request, room)
        speaker = speaker_of(request, role=let_in(request, found))
        receipt = buy_gift(
            room=found, gift=said["gift"], count=said["count"], key=key, speaker=speaker, now=clock.now()
        )
        # As it is kept with the order, for every retry alike.
        return Response(receipt, status=201)
