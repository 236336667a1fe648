"""Doors of wallets: one's own, and anybody's for the app's server. Top-ups come by the server or by a provider's webhook."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from interactions.gifts.selectors import statements
from interactions.gifts.services import demo_wallet as demo_purse
from interactions.gifts.services.topups import SERVER, take_payment, top_up
from liveroom.accounts.api.access import ANYBODY, PEOPLE, open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.api.views import asked_app, asked_person
from liveroom.accounts.models import Person
from liveroom.accounts.services.people import person_of
from liveroom.kernel import clock, permission, throttle
from liveroom.kernel.csv_file import csv_response
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.http import client_address
from liveroom.kernel.instants import said_in_query
from liveroom.kernel.shapes import all_shown

PAGE, LARGEST_PAGE = 30, 100
KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, required=True,
    description="1 to 200 printable characters. New for each payment, the same when it is retried: it is then credited once.",
)  # fmt: skip


class WalletSerializer(serializers.Serializer):
    user = serializers.CharField()
    balance = serializers.IntegerField(help_text="In the app's minor unit.")
    currency = serializers.CharField()


class EntrySerializer(serializers.Serializer):
    order = serializers.CharField(help_text="Number of the order that moved it.")
    kind = serializers.ChoiceField(choices=[("gift", "gift"), ("topup", "top-up"), ("refund", "refund")])
    amount = serializers.IntegerField(help_text="Below zero: it left the wallet.")
    balance = serializers.IntegerField(help_text="After it.")
    counterpart = serializers.CharField(help_text="A user id, `the house`, or `payment (…)`.")
    room = serializers.CharField(allow_null=True)
    gift = serializers.CharField(allow_null=True, help_text="Id of the gift that was bought, or taken back.")
    count = serializers.IntegerField(allow_null=True)
    at = serializers.DateTimeField()


class EntriesSerializer(serializers.Serializer):
    """`next` is the address of the next page, or null at the end."""

    next = serializers.URLField(allow_null=True)
    results = EntrySerializer(many=True)


class TopUpWriteSerializer(serializers.Serializer):
    amount = serializers.IntegerField(help_text="A whole number from 1 to 1,000,000,000,000.")
    reference = serializers.CharField(
        required=False,
        help_text="How you call the payment, at most 200 characters: it is credited once, whatever the key.",
    )


class TopUpSerializer(serializers.Serializer):
    order = serializers.CharField(help_text="Number of the order.")
    user = serializers.CharField()
    amount = serializers.IntegerField()
    balance = serializers.IntegerField(help_text="What the wallet held after it.")


class PaymentSerializer(serializers.Serializer):
    """As the test provider says it; each provider has its own."""

    reference = serializers.CharField()
    user = serializers.CharField()
    amount = serializers.IntegerField()


class TakenSerializer(serializers.Serializer):
    order = serializers.CharField(help_text="Number of the order; the same for a payment that was told before.")


class DemoTopUpSerializer(serializers.Serializer):
    amount = serializers.IntegerField(required=False, help_text="1 to 1,000; as much if nothing is said.")


def _shown(person: Person) -> dict[str, Any]:
    wallet = statements.wallet_of(person_id=person.pk)
    return {
        "user": person.identifier,
        "balance": statements.balance_of(wallet) if wallet else 0,
        "currency": person.app.currency,
    }


def _size(raw: str | None) -> int:
    if raw is None or not (raw.isascii() and raw.isdigit()) or int(raw[:9]) == 0:
        return PAGE
    return min(int(raw[:9]), LARGEST_PAGE)


def _before(raw: str | None) -> int | None:
    """BadParameter if the cursor is none of ours."""
    if raw is None:
        return None
    try:
        said = base64.b64decode(raw, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        said = ""
    if not re.fullmatch(r"[0-9]{1,18}", said, re.ASCII):
        raise BadParameter("cursor is taken from `next` of an answer.", field="cursor")
    return int(said)


def _span(request: ApiRequest) -> tuple[datetime | None, datetime | None]:
    query = request.query_params
    since, until = said_in_query(query.get("from"), field="from"), said_in_query(query.get("to"), field="to")
    if since is not None and until is not None and until <= since:
        raise BadParameter("to is later than from.", field="to")
    return since, until


class WalletView(APIView):
    @extend_schema(operation_id="wallet_get", responses=WalletSerializer)
    @open_to(PEOPLE)
    def get(self, request: ApiRequest) -> Response:
        """What you have."""
        return Response(_shown(asked_person(request)))


class WalletEntriesView(APIView):
    @extend_schema(
        operation_id="wallet_entries_list",
        responses=EntriesSerializer,
        parameters=[
            OpenApiParameter("limit", int, description=f"{PAGE} unless you say otherwise, at most {LARGEST_PAGE}."),
            OpenApiParameter("cursor", str),
        ],
    )
    @open_to(PEOPLE)
    def get(self, request: ApiRequest) -> Response:
        """What went into your wallet and out of it, the latest first."""
        wallet = statements.wallet_of(person_id=asked_person(request).pk)
        before = _before(request.query_params.get("cursor"))
        size = _size(request.query_params.get("limit"))
        lines, after = statements.latest(wallet, before=before, size=size) if wallet else ([], None)
        following = None
        if after is not None:
            cursor = base64.urlsafe_b64encode(str(after).encode()).decode()
            following = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        return Response({"next": following, "results": all_shown(EntrySerializer, lines)})


class WalletStatementView(APIView):
    @extend_schema(
        operation_id="wallet_statement_get",
        responses={(200, "text/csv"): OpenApiTypes.STR},
        parameters=[
            OpenApiParameter("from", str, description="From this instant on: milliseconds since 1970, or ISO 8601."),
            OpenApiParameter("to", str, description="Before this instant."),
        ],
    )
    @open_to(PEOPLE)
    def get(self, request: ApiRequest) -> Any:
        """The same as a CSV file, oldest first. A text that a spreadsheet would run has a quote in front."""
        person = asked_person(request)
        since, until = _span(request)
        wallet = statements.wallet_of(person_id=person.pk)
        parts = statements.parts(wallet, since=since, until=until) if wallet else iter(())
        return csv_response(name="statement.csv", header=statements.HEADER, parts=parts)


class UserWalletView(APIView):
    @extend_schema(operation_id="wallets_get", responses=WalletSerializer)
    @open_to("wallet.read")
    def get(self, request: ApiRequest, user: str) -> Response:
        """What a user has (server keys with the scope `money`, and app admins)."""
        permission.ask("wallet.read", actor=request.user)
        return Response(_shown(person_of(app=asked_app(request), identifier=user)))


class TopUpsView(APIView):
    @extend_schema(
        operation_id="wallets_topup", request=TopUpWriteSerializer, responses={201: TopUpSerializer}, parameters=[KEY]
    )
    @open_to("wallet.top_up")
    def post(self, request: ApiRequest, user: str) -> Response:
        """Money that your server has taken comes into a user's wallet (scope `money`). The same key or `reference` pays once."""
        permission.ask("wallet.top_up", actor=request.user)
        answer = top_up(
            person=person_of(app=asked_app(request), identifier=user),
            amount=request.data.get("amount"),
            provider=SERVER,
            reference=request.data.get("reference"),
            key=request.headers.get("Idempotency-Key", ""),
            by=request.user,
            now=clock.now(),
            address=client_address(request),
        )
        return Response(answer, status=201)


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
        return Response({"order": answer["order"]})


class DemoTopUpsView(APIView):
    @extend_schema(
        operation_id="demo_topups_create",
        request=DemoTopUpSerializer,
        responses={201: OpenApiResponse(WalletSerializer)},
    )
    @open_to(PEOPLE)
    def post(self, request: ApiRequest) -> Response:
        """Coins for a viewer of the demo app, by the test provider. There is no such door where no demo app is."""
        person = asked_person(request)
        demo_purse.check(person.app)
        throttle.allow(what="demo-topup", who=f"{person.app_id}:{person.pk}", limit=20, per_seconds=60)
        throttle.allow(what="demo-topup-address", who=client_address(request), limit=120, per_seconds=60)
        demo_purse.fill(
            person=person,
            amount=request.data.get("amount", demo_purse.MOST),
            now=clock.now(),
            address=client_address(request),
        )
        return Response(_shown(person), status=201)
