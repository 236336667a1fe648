"""Wallets over REST: one's own, and anybody's for the app's server."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from interactions.gifts.api.fields import CursorField
from interactions.gifts.selectors import statements
from liveroom.accounts.api.access import PEOPLE, open_to
from liveroom.accounts.api.requests import ApiRequest, asked_app, asked_person
from liveroom.accounts.services.people import person_of
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.csv_file import csv_response
from liveroom.kernel.web.fields import InstantField, PageSizeField, Shape
from liveroom.kernel.web.shapes import all_shown, checked, shown


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


class EntriesQuerySerializer(Shape):
    limit = PageSizeField(usual=30, high=100)
    cursor = CursorField(required=False, default=None, help_text="From `next` of an answer.")


class StatementQuerySerializer(Shape):
    from_ = InstantField(
        in_query=True, default=None, help_text="From this instant on: milliseconds since 1970, or ISO 8601."
    )
    to = InstantField(in_query=True, default=None, help_text="Before this instant.")

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        if said["from"] is not None and said["to"] is not None and said["to"] <= said["from"]:
            raise BadParameter("to is later than from.", field="to")
        return said


class WalletView(APIView):
    @extend_schema(operation_id="wallet_get", responses=WalletSerializer)
    @open_to(PEOPLE)
    def get(self, request: ApiRequest) -> Response:
        """What you have."""
        return Response(shown(WalletSerializer, statements.holding_of(asked_person(request))))


class WalletEntriesView(APIView):
    @extend_schema(operation_id="wallet_entries_list", responses=EntriesSerializer, parameters=[EntriesQuerySerializer])
    @open_to(PEOPLE)
    def get(self, request: ApiRequest) -> Response:
        """What went into your wallet and out of it, the latest first."""
        said = checked(EntriesQuerySerializer, request.query_params)
        wallet = statements.wallet_of(person_id=asked_person(request).pk)
        lines, after = statements.latest(wallet, before=said["cursor"], size=said["limit"]) if wallet else ([], None)
        following = None
        if after is not None:
            following = replace_query_param(request.build_absolute_uri(), "cursor", CursorField.written(after))
        return Response({"next": following, "results": all_shown(EntrySerializer, lines)})


class WalletStatementView(APIView):
    @extend_schema(
        operation_id="wallet_statement_get",
        responses={(200, "text/csv"): OpenApiTypes.STR},
        parameters=[StatementQuerySerializer],
    )
    @open_to(PEOPLE)
    def get(self, request: ApiRequest) -> Any:
        """The same as a CSV file, oldest first. A text that a spreadsheet would run has a quote in front."""
        said = checked(StatementQuerySerializer, request.query_params)
        wallet = statements.wallet_of(person_id=asked_person(request).pk)
        parts = statements.parts(wallet, since=said["from"], until=said["to"]) if wallet else iter(())
        return csv_response(name="statement.csv", header=statements.HEADER, parts=parts)


class UserWalletView(APIView):
    @extend_schema(operation_id="wallets_get", responses=WalletSerializer)
    @open_to("wallet.read", in_no_room=True)
    def get(self, request: ApiRequest, user: str) -> Response:
        """What a user has (server keys with the scope `money`, and app admins)."""
        person = person_of(app=asked_app(request), identifier=user)
        return Response(shown(WalletSerializer, statements.holding_of(person)))
