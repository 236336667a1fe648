"""Money comes in over REST: by the app's server, by a provider's webhook, and on a demo for nothing."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.gifts.api.fields import AmountField, DemoAmountField, ReferenceField, idempotency_key
from interactions.gifts.api.wallets import WalletSerializer
from interactions.gifts.selectors import statements
from interactions.gifts.services import demo_wallet
from interactions.gifts.services.topups import SERVER, take_payment, top_up
from liveroom.accounts.api.access import ANYBODY, PEOPLE, open_to
from liveroom.accounts.api.requests import ApiRequest, asked_app, asked_person
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.accounts.services.people import person_of
from liveroom.kernel import clock
from liveroom.kernel.web.fields import Shape
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked, shown


class TopUpWriteSerializer(Shape):
    amount = AmountField(help_text="A whole number from 1 to 1,000,000,000,000.")
    reference = ReferenceField(
        required=False,
        help_text="How you call the payment, at most 200 characters: it is credited once, whatever the key.",
    )


class TopUpSerializer(serializers.Serializer):
    order = serializers.CharField(help_text="Number of the order.")
    user = serializers.CharField()
    amount = serializers.IntegerField()
    balance = serializers.IntegerField(help_text="What the wallet held after it.")


class PaymentSerializer(serializers.Serializer):
    """As the test provider says it; each provider has its own, which its adapter reads."""

    reference = serializers.CharField()
    user = serializers.CharField()
    amount = serializers.IntegerField()


class TakenSerializer(serializers.Serializer):
    order = serializers.CharField(help_text="Number of the order; the same for a payment that was told before.")


class DemoTopUpSerializer(Shape):
    amount = DemoAmountField(required=False, help_text="1 to 1,000; as much if nothing is said.")


class DemoTopUpThrottle(CountedThrottle):
    what, limit, per_seconds = "demo-topup", 20, 60


class DemoTopUpsOfAddress(CountedThrottle):
    what, limit, per_seconds = "demo-topup-address", 120, 60

    def who(self, request: ApiRequest) -> str:
        return client_address(request)


class TopUpsView(APIView):
    @extend_schema(
        operation_id="wallets_topup",
        request=TopUpWriteSerializer,
        responses={201: TopUpSerializer},
        parameters=[idempotency_key(of="payment", so="it is then credited once")],
    )
    @open_to("wallet.top_up", in_no_room=True)
    def post(self, request: ApiRequest, user: str) -> Response:
        """Money that your server has taken comes into a user's wallet (scope `money`). The same key or `reference` pays once."""
        said = checked(TopUpWriteSerializer, request.data)
        answer = top_up(
            person=person_of(app=asked_app(request), identifier=user),
            amount=said["amount"],
            provider=SERVER,
            reference=said.get("reference"),
            key=request.headers.get("Idempotency-Key", ""),
            by=request.user,
            now=clock.now(),
            address=client_address(request),
        )
        return Response(shown(TopUpSerializer, answer), status=201)


class ProviderView(APIView):
    authentication_classes = ()

    @extend_schema(
        operation_id="topups_take",
        request=PaymentSerializer,
        responses={200: TakenSerializer},
        parameters=[
            OpenApiParameter("sdkappid", OpenApiTypes.INT, description="The app that was paid for."),
            OpenApiParameter(
                "Topup-Signature", str, OpenApiParameter.HEADER,
                description="Of the provider `test`: `t=<unix seconds>,v1=<hex>`, the HMAC-SHA256 of `<t>.<body>` by the app's "
                "top-up secret.",
            ),
        ],
    )  # fmt: skip
    @open_to(ANYBODY)
    def post(self, request: ApiRequest, provider: str) -> Response:
        """Where a payment provider tells of a payment, signed. Telling it again changes nothing; 409: with another user or amount."""
        answer = take_payment(
            app=asked_app(request),
            provider=provider,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.body,
            now=clock.now(),
            address=client_address(request),
        )
        return Response(shown(TakenSerializer, answer))


class DemoTopUpsView(APIView):
    throttle_classes = (DemoTopUpThrottle, DemoTopUpsOfAddress)

    @extend_schema(
        operation_id="demo_topups_create",
        request=DemoTopUpSerializer,
        responses={201: OpenApiResponse(WalletSerializer)},
    )
    @open_to(PEOPLE)
    def post(self, request: ApiRequest) -> Response:
        """Coins for a viewer of the demo app, by the test provider. There is no such door where no demo app is."""
        person = asked_person(request)
        demo_wallet.check(person.app)
        amount = checked(DemoTopUpSerializer, request.data)["amount"]
        demo_wallet.fill(person=person, amount=amount, now=clock.now(), address=client_address(request))
        return Response(shown(WalletSerializer, statements.holding_of(person)), status=201)
