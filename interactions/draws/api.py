"""Doors of draws: opened by a room's moderators, seen and checked by everybody who may be in the room."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.draws import rules, selectors
from interactions.draws.services import cancel_draw, open_draw
from interactions.models import Draw, DrawWinner
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.api.views import asked_app
from liveroom.accounts.models import Person
from liveroom.kernel import clock, idempotency, permission
from liveroom.kernel.csv_file import csv_response
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.http import client_address
from liveroom.kernel.instants import said_in_body
from liveroom.rooms.api.views import SDKAPPID, RoomPages, asked_room
from liveroom.rooms.services.people import check_entry


class ConditionsSerializer(serializers.Serializer):
    """What an entrant has to be; what is left out is not asked for."""

    min_level = serializers.IntegerField(required=False)
    follower = serializers.BooleanField(required=False, help_text="Follows the room's owner.")
    gift = serializers.BooleanField(required=False, help_text="Gave a gift in this show.")
    member = serializers.BooleanField(required=False, help_text="Is a member of the app.")


class DrawWriteSerializer(serializers.Serializer):
    keyword = serializers.CharField(help_text="At most 60 bytes; who says it, alone or as a word of its own, enters.")
    prize = serializers.CharField(help_text="At most 200 bytes.")
    winners = serializers.IntegerField(min_value=1, max_value=1000)
    seconds = serializers.IntegerField(required=False, help_text="For how long: 10 to 86,400. Or `closes_at`.")
    opens_at = serializers.DateTimeField(required=False, help_text="Left out: now. Within 90 days.")
    closes_at = serializers.DateTimeField(required=False)
    conditions = ConditionsSerializer(required=False)


class WinnerSerializer(serializers.Serializer):
    id = serializers.CharField()
    nick = serializers.CharField()
    avatar = serializers.CharField(allow_blank=True)


@extend_schema_field(
    {"oneOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/components/schemas/Winner"}}]}
)
class WinnersField(serializers.JSONField):
    pass


class DrawSerializer(serializers.Serializer):
    """As in the events `draw_open` and `draw_result`. The last five are there once it was drawn or cancelled."""

    id = serializers.CharField()
    keyword = serializers.CharField()
    prize = serializers.CharField()
    winners = WinnersField(help_text="How many there will be; of a draw that is over: who they are, in their order.")
    conditions = ConditionsSerializer()
    opens_at = serializers.IntegerField(help_text="Unix ms.")
    closes_at = serializers.IntegerField(help_text="Unix ms.")
    commitment = serializers.CharField(help_text="SHA-256 of the seed.")
    status = serializers.ChoiceField(choices=["planned", "open", "drawn", "cancelled"])
    won = serializers.IntegerField(required=False, help_text="How many won.")
    entrants = serializers.IntegerField(required=False, help_text="How many took part.")
    seed = serializers.CharField(required=False, allow_null=True, help_text="Null of a cancelled draw.")
    entrants_sha256 = serializers.CharField(required=False, allow_null=True)


class DrawPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends. Each shows its first 50 winners."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = DrawSerializer(many=True)


class ChecksSerializer(serializers.Serializer):
    commitment = serializers.BooleanField(help_text="The seed is the one that was promised.")
    entrants = serializers.BooleanField(help_text="The list of entrants has the hash that was told.")
    winners = serializers.BooleanField(help_text="Seed and entrants make these winners.")


class VerificationSerializer(serializers.Serializer):
    """Everything that makes the result (interactions/README.md, "Checking a draw"), computed anew."""

    draw = serializers.CharField(help_text="The id, which is a part of every lot.")
    algorithm = serializers.CharField()
    seed = serializers.CharField()
    commitment = serializers.CharField()
    entrants = serializers.ListField(child=serializers.CharField(), help_text="User ids, sorted by their UTF-8 bytes.")
    entrants_sha256 = serializers.CharField()
    count = serializers.IntegerField(help_text="How many winners were promised.")
    winners = serializers.ListField(child=serializers.CharField(), help_text="User ids in their order.")
    checks = ChecksSerializer()
    ok = serializers.BooleanField()


def _shown(draw: Draw, winners: Sequence[Person]) -> dict[str, Any]:
    if draw.status in (Draw.PLANNED, Draw.OPEN):
        return selectors.shown(draw)
    return {**selectors.result(draw, winners), "winners": [selectors.winner_shown(person) for person in winners]}


def _page(draws: Sequence[Draw]) -> list[dict[str, Any]]:
    """Two queries, however many; a draw in a list names its first winners."""
    first: Mapping[int, list[Person]] = defaultdict(list)
    rows = DrawWinner.objects.filter(draw__in=draws, place__lte=selectors.TOLD_WINNERS).select_related("person")
    for row in rows.order_by("draw_id", "place"):
        first[row.draw_id].append(row.person)
    return [{**_shown(draw, first[draw.pk]), **_won(draw)} for draw in draws]


def _won(draw: Draw) -> dict[str, int]:
    return {"won": min(draw.winners_count, draw.entrants_count)} if draw.status == Draw.DRAWN else {}


def _asked_draw(request: ApiRequest, number: str, *, manage: bool = False) -> Draw:
    """`manage`: for who runs the room. Else for who may come in; a planned draw is known to nobody else before it opens."""
    draw = selectors.draw_of(app_id=asked_app(request).pk, number=number)
    if manage:
        permission.ask("draw.manage", actor=request.user, room=draw.room)
        return draw
    role = check_entry(
        room=draw.room,
        actor=request.user,
        password=request.headers.get("Room-Password"),
        address=client_address(request),
    )
    permission.ask("room.enter", actor=request.user, room=draw.room, role=role)
    if draw.status == Draw.PLANNED and not permission.may("draw.manage", actor=request.user, room=draw.room):
        raise selectors.DrawUnknown(f"There is no draw {number[:24]!r} here.")
    return draw


class DrawsView(APIView):
    @extend_schema(
        operation_id="rooms_draws_list",
        responses=DrawPageSerializer,
        parameters=[SDKAPPID, OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
    )
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """The room's draws, newest first; planned ones for who runs the room."""
        found = asked_room(request, room, enter=True)
        rows = selectors.draws_of(room=found, planned=permission.may("draw.manage", actor=request.user, room=found))
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(_page(page))

    @extend_schema(operation_id="rooms_draws_open", request=DrawWriteSerializer, responses={201: DrawSerializer})
    @open_to("draw.manage")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Open a draw, or plan one. Send an `Idempotency-Key` to be able to repeat the request."""
        found, now, data = asked_room(request, room), clock.now(), dict(request.data)
        unknown = set(data) - set(DrawWriteSerializer().fields)
        if unknown:
            raise BadParameter(f"A draw has no field {min(unknown)[:40]!r}.", field=min(unknown)[:40])

        def act() -> tuple[int, Any]:
            draw = open_draw(
                room=found,
                keyword=data.get("keyword"),
                prize=data.get("prize"),
                winners=data.get("winners"),
                seconds=data.get("seconds"),
                opens_at=said_in_body(data.get("opens_at"), field="opens_at", or_ms=True),
                closes_at=said_in_body(data.get("closes_at"), field="closes_at", or_ms=True),
                conditions=data.get("conditions"),
                by=request.user,
                now=now,
                address=client_address(request),
            )
            return 201, selectors.shown(draw)

        status, body = idempotency.once(
            scope=f"{found.key}:{request.user.kind}:{request.user}:draws",
            key=request.headers.get("Idempotency-Key"),
            body=json.dumps(data, sort_keys=True, default=str).encode(),
            now=now,
            act=act,
        )
        return Response(body, status=status, headers={"Location": f"/api/v1/draws/{body['id']}"})


class DrawView(APIView):
    @extend_schema(operation_id="draws_get", responses=DrawSerializer, parameters=[SDKAPPID])
    @open_to("room.enter")
    def get(self, request: ApiRequest, draw: str) -> Response:
        """One draw; once it was drawn, with all its winners and the seed."""
        found = _asked_draw(request, draw)
        winners = [row.person for row in selectors.winners_of(found)]
        return Response({**_shown(found, winners), **_won(found)})

    @extend_schema(operation_id="draws_cancel", responses={200: DrawSerializer})
    @open_to("draw.manage")
    def delete(self, request: ApiRequest, draw: str) -> Response:
        """Cancel a draw that is planned or open; nobody wins, and the room is told. 409 once the lot has fallen."""
        found = _asked_draw(request, draw, manage=True)
        cancelled = cancel_draw(draw=found, by=request.user, now=clock.now(), address=client_address(request))
        return Response(_shown(cancelled, []))


class DrawVerifyView(APIView):
    @extend_schema(operation_id="draws_verify", responses=VerificationSerializer, parameters=[SDKAPPID])
    @open_to("room.enter")
    def get(self, request: ApiRequest, draw: str) -> Response:
        """Everything that makes the result, for whoever wants to compute it. 409 before the lot has fallen."""
        found = selectors.verification(_asked_draw(request, draw))
        return Response(
            {
                "draw": found.draw.number,
                "algorithm": rules.ALGORITHM,
                "seed": found.draw.seed,
                "commitment": found.draw.commitment,
                "entrants": found.entrants,
                "entrants_sha256": found.draw.entrants_sha256,
                "count": found.draw.winners_count,
                "winners": found.winners,
                "checks": found.checks,
                "ok": all(found.checks.values()),
            }
        )


class DrawWinnersView(APIView):
    @extend_schema(
        operation_id="draws_winners_get",
        responses={200: OpenApiResponse(OpenApiTypes.STR, description="CSV: place, user, nick.")},
    )
    @open_to("draw.manage")
    def get(self, request: ApiRequest, draw: str) -> StreamingHttpResponse:
        """The winners as a table, for who sends out the prizes (owner, admins, server)."""
        found = _asked_draw(request, draw, manage=True)
        return csv_response(
            name=f"winners-{found.number}.csv", header=selectors.WINNERS_HEADER, parts=selectors.winner_rows(found)
        )
