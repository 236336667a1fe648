"""The catalog over REST: what can be given."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.gifts.selectors.catalog import gift_shown, gifts_of
from liveroom.accounts.api.access import ANYBODY, open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app
from liveroom.kernel.web.shapes import shown


class CatalogGiftSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.ChoiceField(
        choices=[(1, "line"), (2, "banner"), (3, "effect")],
        help_text="How it is shown: 1 a line in the chat, 2 a banner that slides in, 3 a full effect.",
    )
    price = serializers.IntegerField(help_text="Of one, in the app's minor unit.")
    unit = serializers.CharField(allow_blank=True, help_text="The word after the number, if any.")
    icon = serializers.CharField(allow_blank=True, help_text="Address of a picture; empty: it has none.")
    effect = serializers.CharField(
        allow_blank=True, help_text="Of type 3: address of a Lottie (.json) or SVGA (.svga) file."
    )
    combo = serializers.BooleanField(help_text="Whether quick clicks are shown as one running number.")


class CatalogSerializer(serializers.Serializer):
    currency = serializers.CharField(help_text="How the app calls its money.")
    results = CatalogGiftSerializer(many=True)


class CatalogView(APIView):
    @extend_schema(operation_id="gifts_list", responses=CatalogSerializer, parameters=[SDKAPPID])
    @open_to(ANYBODY)
    def get(self, request: ApiRequest) -> Response:
        """What can be given in the app, in the order in which to show it. Everybody may look."""
        app = asked_app(request)
        gifts = [gift_shown(gift, app=app) for gift in gifts_of(app)]
        return Response(shown(CatalogSerializer, {"currency": app.currency, "results": gifts}))
